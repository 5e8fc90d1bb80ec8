"""Buying and giving back postage: a shipment is bought once, whoever asks and however often."""

import time
from decimal import Decimal, InvalidOperation

from flask import request

from sandbox.core import Refusal
from sandbox.easypost_accounts import Account, Accounts
from sandbox.easypost_addresses import is_undeliverable, verified
from sandbox.easypost_labels import MEDIA_TYPES
from sandbox.easypost_shipments import BILLED_ON_SCAN, Label, Rate, Shipment
from sandbox.easypost_trackers import new_tracker, new_tracking_code
from sandbox.easypost_wire import Fields, new_id, refused, required, stamp


class Postage:
    """Sells and refunds postage, and finds a label's shipment when its file is fetched."""

    def __init__(self, accounts: Accounts) -> None:
        self._accounts = accounts
        self._lock = accounts.core.lock
        self.sold: dict[str, Shipment] = {}
        accounts.core.on_reset(self.sold.clear)

    def buy(self, account: Account, shipment: Shipment, rate_id: str, insurance: str | None = None) -> None:
        """Buy one of the shipment's rates.

        Raises:
            Refusal: bought before, being bought, a rate that is not (or no longer) this shipment's, or no postage for
                a street that contains NOPOSTAGE, which stands for a carrier that refuses at the last step.
        """
        insurance_cents = _cents(insurance)
        with self._lock:
            rate = _buyable_rate(shipment, rate_id)
            shipment.being_bought = True
        try:
            if self._accounts.purchase_s:
                time.sleep(self._accounts.purchase_s)
            with self._lock:
                self._sell(account, shipment, rate)
                shipment.insurance_cents = insurance_cents
        finally:
            shipment.being_bought = False

    def buy_service(self, account: Account, shipment: Shipment, service: str, carrier: str | None) -> None:
        """Buy by name, for the one-call buy."""
        for rate in shipment.rates:
            if rate.quote.service == service and carrier in {None, rate.quote.carrier}:
                self.buy(account, shipment, rate.id)
                return
        raise _missing_rate()

    def insure(self, shipment: Shipment, amount: str) -> None:
        with self._lock:
            _needs_postage(shipment)
            if shipment.insurance_cents is not None:
                raise refused(422, "SHIPMENT.INSURANCE.ALREADY_PURCHASED", "Insurance has already been purchased.")
            shipment.insurance_cents = _cents(amount)

    def convert(self, shipment: Shipment, file_format: str) -> None:
        """Add another format to a label that was made as PNG; EasyPost converts no other."""
        with self._lock:
            label = _needs_postage(shipment)
            wanted = file_format.lower()
            if wanted not in MEDIA_TYPES:
                raise refused(422, "SHIPMENT.POSTAGE.INVALID_FORMAT", f"Invalid file format {file_format}.")
            if label.extension not in {wanted, "png"}:
                raise refused(422, "SHIPMENT.POSTAGE.FORMAT_UNAVAILABLE", "Only PNG labels can be converted.")
            label.converted.add(wanted)
            label.updated_at = stamp()

    def refund(self, account: Account, shipment: Shipment) -> Fields:
        """Ask for the postage back; asking again after a rejection is allowed (the Refund's documentation)."""
        with self._lock:
            _needs_postage(shipment)
            if shipment.selected and shipment.selected.quote.carrier in BILLED_ON_SCAN:
                shipment.refund_status = "not_applicable"
            elif shipment.refund_status in {None, "rejected"}:
                shipment.refund_status = "submitted"
            shipment.updated_at = stamp()
            return _refund_record(account, shipment)

    def settle_refund(self, account: Account, shipment: Shipment, result: str) -> Fields:
        """What the carrier decides weeks later; only a success is told by an event.

        Raises:
            ValueError: a result other than refunded or rejected, or a shipment with no refund under way.
        """
        with self._lock:
            if result not in {"refunded", "rejected"}:
                raise ValueError(f"result {result!r}: refunded or rejected")
            if shipment.refund_status != "submitted":
                raise ValueError(f"refund of {shipment.id} is {shipment.refund_status}, not submitted")
            shipment.refund_status = result
            shipment.updated_at = stamp()
            record = _refund_record(account, shipment)
            if result == "refunded":
                self._accounts.tell(account, "refund.successful", record)
            return record

    def _sell(self, account: Account, shipment: Shipment, rate: Rate) -> None:
        tracker = new_tracker(
            account.mode,
            new_tracking_code(rate.quote.carrier),
            rate.quote.carrier,
            shipment_id=shipment.id,
            weight=None,
        )
        account.trackers[tracker.id] = tracker
        shipment.selected, shipment.tracker = rate, tracker
        shipment.label = _label(shipment)
        self.sold[shipment.label.id] = shipment
        if not is_undeliverable(shipment.to_address):
            # Buying verifies the destination, and the shipment shows it in capitals from then on (recorded).
            shipment.to_address = verified(shipment.to_address)
        shipment.updated_at = stamp()
        self._accounts.tell(account, "tracker.created", tracker.wire_told())


def _buyable_rate(shipment: Shipment, rate_id: str) -> Rate:
    if shipment.label is not None:
        raise refused(422, "SHIPMENT.POSTAGE.EXISTS", "Postage already exists for this shipment.")
    if shipment.being_bought:
        raise refused(422, "SHIPMENT.PURCHASE.IN_PROGRESS", "This shipment is already being purchased.")
    if not rate_id:
        raise required("rate")
    rate = next((rate for rate in shipment.rates if rate.id == rate_id), None)
    if rate is None:
        raise _missing_rate()
    if "NOPOSTAGE" in (shipment.to_address["street1"] or "").upper():
        raise refused(422, "SHIPMENT.POSTAGE.FAILURE", "The carrier does not accept this shipment.")
    return rate


def _missing_rate() -> Refusal:
    return refused(422, "SHIPMENT.MISSING_RATE", "The rate is not one of this shipment's.")


def _needs_postage(shipment: Shipment) -> Label:
    if shipment.label is None:
        raise refused(422, "SHIPMENT.POSTAGE.REQUIRED", "Postage is required: the shipment has not been bought.")
    return shipment.label


def _label(shipment: Shipment) -> Label:
    extension = str(shipment.options.get("label_format") or "PNG").lower()
    label = Label(
        id=new_id("pl"),
        created_at=stamp(),
        extension=extension if extension in MEDIA_TYPES else "png",
        size=str(shipment.options.get("label_size") or "4x6"),
        origin=request.host_url.rstrip("/"),
    )
    if label.extension != "png":
        label.converted.add(label.extension)
    return label


def _refund_record(account: Account, shipment: Shipment) -> Fields:
    tracker = shipment.tracker
    known = account.refunds.get(shipment.id)
    record = {
        "id": known["id"] if known else new_id("rfnd"),
        "object": "Refund",
        "created_at": known["created_at"] if known else stamp(),
        "updated_at": stamp(),
        "tracking_code": tracker.tracking_code if tracker else None,
        "confirmation_number": None,
        "status": shipment.refund_status,
        "carrier": tracker.carrier if tracker else None,
        "shipment_id": shipment.id,
    }
    account.refunds[shipment.id] = record
    return record


def _cents(amount: str | None) -> int | None:
    if amount in {None, ""}:
        return None
    try:
        return int(Decimal(str(amount)) * 100)
    except InvalidOperation:
        raise refused(422, "INSURANCE.PARAMETERS.INVALID", f"Invalid insurance amount {amount}.") from None
