"""What is said to have been shipped of an order (Shopify's fulfillments), and keeping it true: tracking and scans.

https://shopify.dev/docs/api/admin-graphql/latest/objects/Fulfillment. No mutation here takes an idempotency key, so
each reads what stands before it writes.
"""

from __future__ import annotations

from collections import Counter
from typing import Any

import structlog

from integrations import nouns
from integrations.ports import Permanent
from integrations.storefronts.shopify import answers, carriers, work
from integrations.storefronts.shopify.answers import Answer, Page, Ref
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.scalars import Count, Moment

log = structlog.get_logger(__name__)

# As many as ReadShipments asks for; a list that comes back full may go on.
FIRST_FULFILLMENTS = 30
GONE = "The fulfillment was deleted in the Shopify admin. Look at the order there, and announce the shipment again."

# https://shopify.dev/docs/api/admin-graphql/latest/enums/FulfillmentEventStatus has no word for the others.
_EVENTS = {
    nouns.ParcelStatus.PRE_TRANSIT: "LABEL_PURCHASED",
    nouns.ParcelStatus.IN_TRANSIT: "IN_TRANSIT",
    nouns.ParcelStatus.OUT_FOR_DELIVERY: "OUT_FOR_DELIVERY",
    nouns.ParcelStatus.DELIVERED: "DELIVERED",
    nouns.ParcelStatus.AVAILABLE_FOR_PICKUP: "READY_FOR_PICKUP",
    nouns.ParcelStatus.FAILURE: "FAILURE",
    nouns.ParcelStatus.RETURN_TO_SENDER: "FAILURE",
}


class TrackingInfo(Answer):
    company: str | None = None
    number: str | None = None
    url: str | None = None


class Fulfillment(Answer):
    id: str
    status: str
    created_at: Moment | None = None
    location: Ref | None = None
    tracking_info: tuple[TrackingInfo, ...] = ()

    @property
    def stands(self) -> bool:
        # Shopify still accepts tracking and events on a cancelled fulfillment (recorded); nobody would ever see them.
        return self.status not in {"CANCELLED", "ERROR", "FAILURE"}

    @property
    def numbers(self) -> tuple[str, ...]:
        return tuple(info.number for info in self.tracking_info if info.number)


class Shipments(Answer):
    """One order's fulfillments and the work still open on it."""

    cancelled_at: Moment | None = None
    fulfillments: tuple[Fulfillment, ...] = ()
    fulfillment_orders: Page[work.Work]


class _AllFulfillments(Answer):
    fulfillments: tuple[Fulfillment, ...] = ()


class _ShippedUnits(Answer):
    quantity: Count | None = None
    line_item: Ref


class _ShippedLines(Answer):
    fulfillment_line_items: Page[_ShippedUnits]


class PassedScan(Answer):
    status: str
    happened_at: Moment


class _Scans(Answer):
    status: str
    events: Page[PassedScan]


def read(client: Client, order_id: str) -> Shipments:
    order = answers.present(client.ask("ReadShipments", id=order_id), "order", remedy=work.GONE)
    shipments = answers.read(Shipments, order)
    works = work.complete(client, order_id, shipments.fulfillment_orders)
    update: dict[str, Any] = {"fulfillment_orders": Page[work.Work](nodes=tuple(works))}
    if len(shipments.fulfillments) >= FIRST_FULFILLMENTS:
        update["fulfillments"] = _all(client, order_id)
    return shipments.model_copy(update=update)


def read_one(client: Client, fulfillment_id: str) -> Fulfillment:
    """One fulfillment with its tracking, however many numbers it has."""
    answer = client.ask("ReadTracking", id=fulfillment_id)
    return answers.read(Fulfillment, answers.present(answer, "fulfillment", remedy=GONE))


def every(client: Client, order_id: str) -> list[nouns.StoreShipment]:
    """Every fulfillment of an order, whoever made it, cancelled ones too."""
    return [
        nouns.StoreShipment(
            remote_id=one.id,
            stands=one.stands,
            carrier=next((info.company for info in one.tracking_info if info.company), ""),
            numbers=one.numbers,
            location_remote_id=one.location.id if one.location else "",
            made_at=one.created_at,
        )
        for one in _all(client, order_id)
    ]


def units(client: Client, fulfillment_id: str) -> Counter[str]:
    """How many units of each order line a fulfillment covers."""
    first = _shipped(client, fulfillment_id, None)
    lines = answers.every(first, lambda after: _shipped(client, fulfillment_id, after))
    covered: Counter[str] = Counter()
    for line in lines:
        covered[line.line_item.id] += line.quantity or 0
    return covered


def tracking_input(tracking: nouns.TrackingLabel) -> dict[str, Any]:
    """Shopify's tracking: number or numbers, and links matched to them by position. Pure."""
    told: dict[str, Any] = {"company": carriers.listed(tracking.carrier)} if tracking.carrier else {}
    several = len(tracking.numbers) > 1
    if tracking.numbers:
        told |= {"numbers": list(tracking.numbers)} if several else {"number": tracking.numbers[0]}
    # One link too few would give every later number its neighbour's link; Shopify can make links of its own.
    if tracking.numbers and len(tracking.urls) == len(tracking.numbers) and all(tracking.urls):
        told |= {"urls": list(tracking.urls)} if several else {"url": tracking.urls[0]}
    return told


def replace_tracking(client: Client, fulfillment_id: str, tracking: nouns.TrackingLabel, *, tell_buyer: bool) -> None:
    """Put the whole set in place of the old one; does nothing where it stands there, so that no buyer is told twice."""
    standing = read_one(client, fulfillment_id)
    if not standing.stands:
        raise Permanent(
            f"The fulfillment is {standing.status.lower()} in Shopify: it carries no tracking any more.",
            remedy="Fulfill the order again in the Shopify admin, or announce the shipment again from Packline.",
            code="fulfillment_ended",
        )
    told = tracking_input(tracking)
    if not _carries(standing, tracking, told):
        once(
            lambda: client.tell(
                "ReplaceTracking", key=tracking.numbers[0], id=fulfillment_id, tracking=told, notify=tell_buyer
            ),
            otherwise=lambda: {} if _carries(read_one(client, fulfillment_id), tracking, told) else None,
        )


def report_scan(client: Client, fulfillment_id: str, scan: nouns.Scan) -> None:
    """Add the scan to the buyer's delivery history, unless it is there or Shopify has no word for it."""
    status = _EVENTS.get(scan.status)
    if status is None:
        log.info("shopify.scan_not_told", fulfillment=fulfillment_id, status=scan.status.value)
    elif not _knows(client, fulfillment_id, status, scan):
        once(
            lambda: client.tell("ReportScan", key=fulfillment_id, event=_event(fulfillment_id, status, scan)),
            otherwise=lambda: {} if _knows(client, fulfillment_id, status, scan) else None,
        )


def _all(client: Client, order_id: str) -> tuple[Fulfillment, ...]:
    order = answers.present(client.ask("ReadAllFulfillments", id=order_id), "order", remedy=work.GONE)
    return answers.read(_AllFulfillments, order).fulfillments


def _shipped(client: Client, fulfillment_id: str, after: str | None) -> Page[_ShippedUnits]:
    answer = client.ask("ReadShippedLines", id=fulfillment_id, after=after)
    fulfillment = answers.present(answer, "fulfillment", remedy=GONE)
    return answers.read(_ShippedLines, fulfillment).fulfillment_line_items


def _carries(standing: Fulfillment, tracking: nouns.TrackingLabel, told: dict[str, Any]) -> bool:
    """Whether this very set stands there. What we do not send is not compared: Shopify fills it in itself."""
    urls = told.get("urls", [told["url"]] if "url" in told else [])
    return (
        standing.numbers == tuple(tracking.numbers)
        and all(info.company == told.get("company", info.company) for info in standing.tracking_info)
        and (not urls or [info.url for info in standing.tracking_info] == urls)
    )


def _knows(client: Client, fulfillment_id: str, status: str, scan: nouns.Scan) -> bool:
    """Whether Shopify has this event; a cancelled fulfillment needs none. Shopify keeps moments to the second."""
    first = _scans(client, fulfillment_id, None)
    if first.status == "CANCELLED":
        log.info("shopify.scan_not_told", fulfillment=fulfillment_id, status="cancelled")
        return True
    passed = answers.every(first.events, lambda after: _scans(client, fulfillment_id, after).events)
    at = nouns.utc(scan.at).replace(microsecond=0)
    return any(one.status == status and one.happened_at.replace(microsecond=0) == at for one in passed)


def _scans(client: Client, fulfillment_id: str, after: str | None) -> _Scans:
    answer = client.ask("ReadScans", id=fulfillment_id, after=after)
    return answers.read(_Scans, answers.present(answer, "fulfillment", remedy=GONE))


def _event(fulfillment_id: str, status: str, scan: nouns.Scan) -> dict[str, str]:
    told = {
        "fulfillmentId": fulfillment_id,
        "status": status,
        "happenedAt": nouns.utc(scan.at).replace(microsecond=0).isoformat().replace("+00:00", "Z"),
        "message": scan.message,
        "city": scan.city,
        "province": scan.region,
        "zip": scan.postcode,
        "country": scan.country,
    }
    return {name: value for name, value in told.items() if value}
