"""EasyPost's objects, only the fields we use, and what each tells in our words.

Nearly everything may be null in practice: a tracker without a status detail, a scan without a place, a tracker that no
carrier has weighed. Only what we cannot do without is required here.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any

import structlog
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StrictFloat, StrictInt, StrictStr, StringConstraints

from integrations.carriers.easypost import words
from integrations.json_body import parsed
from integrations.nouns import BoughtLabel, ParcelProgress, Quote, Rate, Scan
from integrations.ports import Unreadable

log = structlog.get_logger(__name__)


def _text(value: object) -> object:
    """Null is empty; where a carrier put a list or an object in place of a sentence, the sentences in it."""
    if value is None:
        return ""
    if isinstance(value, dict):
        value = list(value.values())
    return "; ".join(str(_text(part)) for part in value) if isinstance(value, list) else str(value)


# A parcel on its way around the world has some dozens of scans; each one is a row, written one by one.
MOST_SCANS = 1_000
# EasyPost's own guide shows scans five days after the tracker's last change, so the two are not compared closely. But
# one far ahead would make every later scan look old.
_AHEAD = timedelta(days=31)

Ref = Annotated[str, StringConstraints(min_length=1, max_length=255)]
Text = Annotated[str, BeforeValidator(_text)]


class Wire(BaseModel):
    model_config = ConfigDict(extra="ignore", frozen=True, allow_inf_nan=False)


class EasyPostRate(Wire):
    id: Ref
    carrier: Text = ""
    service: Text = ""
    rate: StrictStr | StrictInt | StrictFloat | None = None
    currency: str | None = None
    delivery_days: float | None = None
    est_delivery_days: float | None = None
    delivery_date_guaranteed: bool | None = None


class Message(Wire):
    carrier: Text = ""
    message: Text = ""


class PostageLabel(Wire):
    created_at: Text = ""
    label_url: str | None = None
    label_pdf_url: str | None = None
    label_zpl_url: str | None = None
    label_epl2_url: str | None = None
    label_file_type: str | None = None


class Place(Wire):
    city: Text = ""
    state: Text = ""
    country: Text = ""
    zip: Text = ""


class TrackingDetail(Wire):
    datetime: Text = ""
    status: str | None = None
    status_detail: Text = ""
    message: Text = ""
    description: Text = ""
    tracking_location: Place | None = None


class Tracker(Wire):
    id: Ref
    tracking_code: Text = ""
    carrier: Text = ""
    status: str | None = None
    status_detail: Text = ""
    updated_at: Text = ""
    created_at: Text = ""
    signed_by: Text = ""
    est_delivery_date: Text = ""
    public_url: Text = ""
    tracking_details: Annotated[tuple[TrackingDetail, ...], Field(max_length=MOST_SCANS)] | None = None


class Shipment(Wire):
    id: Ref
    reference: Text = ""
    rates: tuple[Any, ...] | None = None
    messages: tuple[Message, ...] | None = None
    selected_rate: EasyPostRate | None = None
    postage_label: PostageLabel | None = None
    tracking_code: str | None = None
    tracker: Tracker | None = None
    refund_status: str | None = None


class Estimate(Wire):
    """Rates without a shipment: they bear no ids, because none of them can be bought."""

    rates: tuple[Any, ...] | None = None
    messages: tuple[Message, ...] | None = None


class EstimatedRate(EasyPostRate):
    id: Text = ""


class Webhook(Wire):
    id: Ref
    url: Text = ""
    disabled_at: Text = ""


class WebhookList(Wire):
    webhooks: tuple[Webhook, ...] = ()


class Refund(Wire):
    tracking_code: Text = ""
    shipment_id: Ref


def quote_of(shipment: Shipment) -> Quote:
    """The rates that can be bought, and a sentence for each carrier that would not rate."""
    rates = [rate for raw in shipment.rates or () if (rate := _offered(raw))]
    return Quote(
        shipment_ref=shipment.id,
        rates=tuple(rates),
        remarks=tuple(dict.fromkeys(_sentence(message) for message in shipment.messages or ())),
    )


def estimate_of(estimate: Estimate) -> Quote:
    """The same of rates that cannot be bought."""
    rates = [rate for raw in estimate.rates or () if (rate := _offered(raw, EstimatedRate))]
    return Quote(
        shipment_ref="",
        rates=tuple(rates),
        remarks=tuple(dict.fromkeys(_sentence(message) for message in estimate.messages or ())),
    )


def rate_of(rate: EasyPostRate) -> Rate | None:
    """The rate in our words; None where it has no price."""
    price = words.money(rate.rate, rate.currency)
    if price is None:
        log.warning("easypost.rate_without_price", rate=rate.id, carrier=rate.carrier, service=rate.service)
        return None
    days = rate.delivery_days if rate.delivery_days is not None else rate.est_delivery_days
    return Rate(
        remote_id=rate.id,
        carrier=words.carrier(rate.carrier),
        service=rate.service,
        price=price,
        transit_days=None if days is None else int(days),
        guaranteed=bool(rate.delivery_date_guaranteed),
    )


def label_of(shipment: Shipment) -> BoughtLabel | None:
    """The label that was bought for a shipment; None while there is none."""
    label, url = shipment.postage_label, _label_url(shipment.postage_label)
    rate = rate_of(shipment.selected_rate) if shipment.selected_rate else None
    if label is None or not url or not shipment.tracking_code or rate is None:
        return None
    refund = shipment.refund_status
    return BoughtLabel(
        shipment_ref=shipment.id,
        rate=rate,
        tracking_code=shipment.tracking_code,
        tracking_url=shipment.tracker.public_url if shipment.tracker else "",
        tracker_ref=shipment.tracker.id if shipment.tracker else "",
        label_url=url,
        label_format=words.label_format(label.label_file_type),
        void_state=words.void_state(refund, where=shipment.id) if refund else None,
    )


def progress_of(tracker: Tracker, *, told_at: str = "") -> ParcelProgress:
    """What a tracker tells. `told_at` stands in where the tracker does not say when it changed.

    Raises Unreadable where neither says when, as an undated status cannot be put in order.
    """
    at = words.moment(tracker.updated_at) or words.moment(told_at)
    if at is None:
        raise Unreadable("tracker.updated_at: a tracker says when it changed")
    scans = [scan for detail in tracker.tracking_details or () if (scan := _scan(detail, tracker.id, at + _AHEAD))]
    return ParcelProgress(
        tracker_ref=tracker.id,
        tracking_code=tracker.tracking_code,
        carrier=words.carrier(tracker.carrier),
        status=words.parcel_status(tracker.status, where=tracker.id),
        detail=tracker.status_detail,
        at=at,
        scans=tuple(sorted(scans, key=_when)),
        expected_at=words.moment(tracker.est_delivery_date),
        signed_by=tracker.signed_by,
    )


def _offered(raw: Any, model: type[EasyPostRate] = EasyPostRate) -> Rate | None:
    """One rate; one that cannot be read is left out, so that the others can still be bought."""
    try:
        return rate_of(parsed(model, raw, called="rate"))
    except Unreadable as unread:
        log.warning("easypost.rate_unread", reason=unread.reason)
        return None


def _scan(detail: TrackingDetail, tracker_ref: str, latest: datetime) -> Scan | None:
    at = words.moment(detail.datetime)
    if at is None or at > latest:
        log.warning("easypost.scan_without_time", tracker=tracker_ref, written=detail.datetime[:40])
        return None
    place = detail.tracking_location or Place()
    return Scan(
        at=at,
        status=words.parcel_status(detail.status, where=tracker_ref),
        detail=detail.status_detail,
        message=detail.message or detail.description,
        city=place.city,
        region=place.state,
        postcode=place.zip,
        country=place.country,
    )


def _when(scan: Scan) -> datetime:
    return scan.at


def _sentence(message: Message) -> str:
    carrier = words.carrier(message.carrier)
    return f"{carrier}: {message.message}" if carrier else message.message


def _label_url(label: PostageLabel | None) -> str:
    if label is None:
        return ""
    return label.label_url or label.label_pdf_url or label.label_zpl_url or label.label_epl2_url or ""
