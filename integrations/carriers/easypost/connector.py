"""EasyPost's side of the Carrier port: checks, rates, buys, fetches, gives back and follows one parcel.

EasyPost takes no idempotency keys. What stands in for one is the shipment's id: a shipment can be bought once, and
tells afterwards whether it was. So a purchase is never made on a new shipment because an answer was lost.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime

import structlog

from integrations import http
from integrations.carriers.easypost import changes, consignments, hooks, label_files, objects, verdicts, words
from integrations.carriers.easypost.client import EasyPostClient, get, post
from integrations.carriers.easypost.failures import POSTAGE_EXISTS
from integrations.nouns import (
    Address,
    AddressVerdict,
    BoughtLabel,
    Consignment,
    FoundLabel,
    Hook,
    LabelFile,
    ParcelProgress,
    Quote,
    VoidState,
)
from integrations.ports import (
    Credentials,
    Notice,
    Origins,
    OutsideFailure,
    Permanent,
    Renewed,
    Temporary,
    Unreadable,
)
from integrations.sdk_calls import Trouble, told

log = structlog.get_logger(__name__)

# A 4x6 inch label is 20 to 300 KB; ten MiB is a sheet at the finest resolution.
MOST_LABEL_BYTES = 10 * 1024 * 1024
LABEL_DEADLINE_S = 30.0


class EasyPostCarrier:
    """One EasyPost account and the carriers behind it."""

    def __init__(self, credentials: Credentials, origins: Origins, notice: Notice) -> None:
        self._easypost = EasyPostClient(credentials, origins, notice)

    def verify_address(self, address: Address) -> AddressVerdict:
        # Nothing but the place is told: the people's names, numbers and mail addresses do not make it deliverable.
        place = address.model_copy(update={"name": "", "phone": "", "email": ""})
        try:
            wish = {"address": consignments.address_fields(place), "verify": True}
            answer = self._easypost.ask(post("address.verify", "/addresses", wish), verdicts.VerifiedAddress)
        except Permanent as refused:
            return verdicts.refused(address, refused)
        return verdicts.verdict_of(address, answer)

    def quote(self, consignment: Consignment) -> Quote:
        wish = {"shipment": consignments.shipment_fields(consignment)}
        creation = post("shipment.create", "/shipments", wish, reference=consignment.reference)
        shipment = self._easypost.ask(creation, objects.Shipment)
        return objects.quote_of(shipment)

    def estimate(self, consignment: Consignment) -> Quote:
        """EasyPost keeps nothing of it: https://docs.easypost.com/docs/shipments/rates (stateless rates)."""
        wish = {"shipment": consignments.shipment_fields(consignment)}
        asking = post("rates.estimate", "/rates", wish, reference=consignment.reference, beta=True)
        return objects.estimate_of(self._easypost.ask(asking, objects.Estimate))

    def buy(self, shipment_ref: str, rate_ref: str) -> BoughtLabel:
        path, wish = f"/shipments/{_safe(shipment_ref)}/buy", {"rate": {"id": rate_ref}}
        try:
            purchase = post("shipment.buy", path, wish, reference=shipment_ref)
            shipment = self._easypost.buy(purchase, objects.Shipment)
        except Permanent as refused:
            if refused.code != POSTAGE_EXISTS:
                raise
            return self._adopted(shipment_ref, _unknown(refused.reason, refused.code))
        except Temporary as lost:
            if not lost.outcome_unknown:
                raise
            return self._adopted(shipment_ref, lost)
        no_label = _unknown("EasyPost's answer to the purchase holds no label", "no_label")
        return objects.label_of(shipment) or self._adopted(shipment_ref, no_label)

    def find_label(self, shipment_ref: str) -> BoughtLabel | None:
        return objects.label_of(self._read_shipment(shipment_ref))

    def fetch_label(self, label_url: str) -> LabelFile:
        """The label's bytes, at most 10 MiB, from https; from this machine only where EasyPost is answered there."""
        content = told(
            lambda: http.download(
                label_url,
                most_bytes=MOST_LABEL_BYTES,
                deadline_s=LABEL_DEADLINE_S,
                from_this_machine=self._easypost.stand_in,
            ),
            notice=self._easypost.notice,
            vendor="easypost",
            verb="label.fetch",
            understand=_broken_download,
        )
        return label_files.label_file(content)

    def void(self, shipment_ref: str) -> VoidState:
        refund = post("shipment.refund", f"/shipments/{_safe(shipment_ref)}/refund", reference=shipment_ref)
        try:
            shipment = self._easypost.change(refund, objects.Shipment)
        except Permanent as refused:
            return self._voided_before(shipment_ref, refused)
        return words.void_state(shipment.refund_status, where=shipment_ref)

    def track(self, tracker_ref: str) -> ParcelProgress:
        reading = get("tracker.read", f"/trackers/{_safe(tracker_ref)}", reference=tracker_ref)
        tracker = self._easypost.ask(reading, objects.Tracker)
        try:
            return objects.progress_of(tracker, told_at=tracker.created_at)
        except Unreadable as unread:
            raise Temporary(f"EasyPost's answer could not be read ({unread.reason})", code="unreadable") from None

    def labels_since(self, since: datetime) -> Iterator[FoundLabel]:
        return changes.labels_since(self._easypost, since)

    def parcels_since(self, since: datetime) -> Iterator[ParcelProgress]:
        return changes.parcels_since(self._easypost, since)

    def hooks(self) -> Sequence[Hook]:
        return hooks.standing(self._easypost)

    def add_hook(self, topics: Sequence[str], address: str, secret: str) -> str:  # noqa: ARG002 - it sends every topic
        return hooks.add(self._easypost, address, secret)

    def enable_hook(self, remote_id: str, secret: str) -> None:
        hooks.enable(self._easypost, _safe(remote_id), secret)

    def renew_hook(self, remote_id: str, topics: Sequence[str], address: str, secret: str) -> Renewed:  # noqa: ARG002
        hooks.enable(self._easypost, _safe(remote_id), secret)
        return Renewed(remote_id=remote_id)

    def drop_hook(self, remote_id: str) -> None:
        hooks.drop(self._easypost, _safe(remote_id))

    def _read_shipment(self, shipment_ref: str) -> objects.Shipment:
        reading = get("shipment.read", f"/shipments/{_safe(shipment_ref)}", reference=shipment_ref)
        return self._easypost.ask(reading, objects.Shipment)

    def _adopted(self, shipment_ref: str, lost: Temporary) -> BoughtLabel:
        """The label that the lost purchase bought; else `lost`, whose outcome is still unknown."""
        try:
            label = self.find_label(shipment_ref)
        except OutsideFailure as silence:
            log.warning("easypost.outcome_unknown", shipment=shipment_ref, lost=lost.code, asked=silence.code)
            raise lost from None
        if label is None:
            log.warning("easypost.outcome_unknown", shipment=shipment_ref, lost=lost.code, asked="no label yet")
            raise lost
        log.info("easypost.label_adopted", shipment=shipment_ref, lost=lost.code, tracker=label.tracker_ref)
        return label

    def _voided_before(self, shipment_ref: str, refused: Permanent) -> VoidState:
        """What an earlier wish came to, where EasyPost refuses to take it twice; else the refusal."""
        earlier = self._read_shipment(shipment_ref).refund_status
        if not earlier:
            raise refused
        return words.void_state(earlier, where=shipment_ref)


def _unknown(reason: str, code: str) -> Temporary:
    return Temporary(reason, code=code, outcome_unknown=True)


def _safe(ref: str) -> str:
    # A reference stands in the path as it is: a slash or nothing at all would make it another request.
    if not re.fullmatch(r"[A-Za-z0-9_.-]{1,255}", ref) or not ref.strip("."):
        raise Permanent(
            f"{ref[:40]!r} is not an EasyPost reference",
            code="reference",
            remedy="Discard this job: what it points to was not made by EasyPost.",
        )
    return ref


def _broken_download(wrong: Exception) -> Trouble:
    broken = Temporary(f"the label could not be fetched ({type(wrong).__name__})", code="connection")
    return Trouble(broken, broken.code)
