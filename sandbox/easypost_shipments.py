"""A shipment: created with rates, bought once, refunded on request."""

from dataclasses import dataclass, field

from sandbox.easypost_accounts import Account
from sandbox.easypost_addresses import new_address
from sandbox.easypost_goods import new_customs_info, new_parcel
from sandbox.easypost_rates import Box, Quote, RateError, Route, rates_for, zone
from sandbox.easypost_trackers import Tracker
from sandbox.easypost_wire import Fields, new_id, refused, required, stamp

# What EasyPost adds to every shipment's options (all recordings).
DEFAULT_OPTIONS = {"currency": "USD", "payment": {"type": "SENDER"}, "date_advance": 0}
# Carriers that bill when they scan have nothing to refund before (the Refund's documentation).
BILLED_ON_SCAN = frozenset({"DHLExpress"})


@dataclass(frozen=True, slots=True)
class Rate:
    """A quote with the id by which it is bought."""

    id: str
    created_at: str
    quote: Quote

    def wire(self, shipment: "Shipment") -> Fields:
        quote = self.quote
        return {
            "id": self.id,
            "object": "Rate",
            "created_at": self.created_at,
            "updated_at": self.created_at,
            "mode": shipment.mode,
            "service": quote.service,
            "carrier": quote.carrier,
            "rate": _money(quote.cents),
            "currency": "USD",
            "retail_rate": _money(quote.retail_cents),
            "retail_currency": "USD",
            "list_rate": _money(quote.list_cents),
            "list_currency": "USD",
            "billing_type": "easypost",
            "delivery_days": quote.delivery_days,
            "delivery_date": None,
            "delivery_date_guaranteed": False,
            "est_delivery_days": quote.delivery_days,
            "shipment_id": shipment.id,
            "carrier_account_id": shipment.carriers[quote.carrier],
        }


@dataclass(slots=True)
class Label:
    """Bought postage; the file itself is drawn when it is fetched."""

    id: str
    created_at: str
    extension: str
    size: str
    origin: str
    updated_at: str = ""
    converted: set[str] = field(default_factory=set)

    def url(self, extension: str) -> str:
        return f"{self.origin}/labels/{self.id}.{extension}"

    def wire(self) -> Fields:
        others = {kind: self.url(kind) if kind in self.converted else None for kind in ("pdf", "zpl", "epl2")}
        return {
            "object": "PostageLabel",
            "id": self.id,
            "created_at": self.created_at,
            "updated_at": self.updated_at or self.created_at,
            "date_advance": 0,
            "integrated_form": "none",
            "label_date": self.created_at,
            "label_resolution": 300,
            "label_size": self.size,
            "label_type": "default",
            "label_file_type": {"png": "image/png", "pdf": "application/pdf"}.get(
                self.extension, f"application/{self.extension}"
            ),
            "label_url": self.url(self.extension),
            "label_pdf_url": others["pdf"],
            "label_zpl_url": others["zpl"],
            "label_epl2_url": others["epl2"],
            "label_file": None,
        }


@dataclass(slots=True)
class Shipment:
    """What is kept of a shipment; the answer is written out anew each time, which keeps 10,000 of them small."""

    id: str
    created_at: str
    updated_at: str
    mode: str
    carriers: dict[str, str]
    is_return: bool
    reference: str | None
    options: Fields
    from_address: Fields
    to_address: Fields
    return_address: Fields
    parcel: Fields
    customs_info: Fields | None
    tax_identifiers: list[Fields] | None
    usps_zone: int | None
    rates: list[Rate] = field(default_factory=list)
    errors: list[RateError] = field(default_factory=list)
    selected: Rate | None = None
    label: Label | None = None
    tracker: Tracker | None = None
    refund_status: str | None = None
    insurance_cents: int | None = None
    being_bought: bool = False

    def wire(self) -> Fields:
        told = {
            "id": self.id,
            "created_at": self.created_at,
            "is_return": self.is_return,
            "messages": [self._message(error) for error in self.errors],
            "mode": self.mode,
            "options": self.options,
            "reference": self.reference,
            "status": self.tracker.status if self.tracker else "unknown",
            "tracking_code": self.tracker.tracking_code if self.tracker else None,
            "updated_at": self.updated_at,
            "batch_id": None,
            "batch_status": None,
            "batch_message": None,
            "customs_info": self.customs_info,
            "from_address": self.from_address,
            "insurance": None if self.insurance_cents is None else _money(self.insurance_cents),
            "order_id": None,
            "parcel": self.parcel,
            "postage_label": self.label.wire() if self.label else None,
            "rates": [rate.wire(self) for rate in self.rates],
            "refund_status": self.refund_status,
            "scan_form": None,
            "selected_rate": self.selected.wire(self) if self.selected else None,
            "tracker": self.tracker.wire_in_shipment() if self.tracker else None,
            "to_address": self.to_address,
            "usps_zone": self.usps_zone,
            "return_address": self.return_address,
            "buyer_address": self.to_address,
            "forms": [],
            "fees": self._fees(),
            "object": "Shipment",
        }
        # Only a shipment that was given tax identifiers shows the key, and never the number (recorded).
        if self.tax_identifiers is not None:
            told["tax_identifiers"] = [{**given, "tax_id": "HIDDEN"} for given in self.tax_identifiers]
        return told

    def rerate(self, account_carriers: tuple[str, ...]) -> None:
        """Ask the carriers again: new rates under new ids."""
        box = Box(self.parcel["weight"], self.parcel["length"], self.parcel["width"], self.parcel["height"])
        quotes, self.errors = rates_for(
            _route(self.from_address, self.to_address),
            box,
            account_carriers,
            has_customs=bool(self.customs_info and self.customs_info["customs_items"]),
        )
        now = stamp()
        self.rates = [Rate(new_id("rate"), now, quote) for quote in quotes]

    def _message(self, error: RateError) -> Fields:
        return {
            "carrier": error.carrier,
            "carrier_account_id": self.carriers[error.carrier],
            "type": "rate_error",
            "message": error.message,
        }

    def _fees(self) -> list[Fields]:
        if self.selected is None:
            return []
        returned = self.refund_status == "refunded"
        fees = [_fee("LabelFee", 0), _fee("PostageFee", self.selected.quote.cents, refunded=returned)]
        if self.insurance_cents is not None:
            # 1 %, at least 50 cents (insurance_fee_rate and _minimum of a recorded user).
            fees.append(_fee("InsuranceFee", max(50, self.insurance_cents // 100)))
        return fees


def new_shipment(account: Account, given: Fields) -> Shipment:
    """A shipment with its rates; its parts are given in full or by id.

    Raises:
        Refusal: a part is missing, unknown or invalid, or a carrier account is not the caller's.
    """
    carriers = _chosen_carriers(account, given.get("carrier_accounts"))
    to_address = _address(account, given.get("to_address"), "to_address")
    from_address = _address(account, given.get("from_address"), "from_address")
    is_return = bool(given.get("is_return"))
    if is_return:
        # The caller gives the outbound addresses; EasyPost swaps them (docs.easypost.com/docs/returns).
        to_address, from_address = from_address, to_address
    now = stamp()
    shipment = Shipment(
        id=new_id("shp"),
        created_at=now,
        updated_at=now,
        mode=account.mode,
        carriers=account.carriers,
        is_return=is_return,
        reference=given.get("reference") or None,
        options={**(given.get("options") or {}), **DEFAULT_OPTIONS},
        from_address=from_address,
        to_address=to_address,
        return_address=_optional_address(account, given.get("return_address")) or from_address,
        parcel=_parcel(account, given.get("parcel")),
        customs_info=_customs(account, given.get("customs_info")),
        tax_identifiers=given.get("tax_identifiers"),
        usps_zone=_usps_zone(from_address, to_address),
    )
    shipment.rerate(carriers)
    return shipment


def _chosen_carriers(account: Account, ids: list[str] | None) -> tuple[str, ...]:
    if not ids:
        return tuple(account.carriers)
    known = {account_id: carrier for carrier, account_id in account.carriers.items()}
    unknown = [account_id for account_id in ids if account_id not in known]
    if unknown:
        raise refused(422, "CARRIER_ACCOUNT.INVALID", f"Invalid carrier account {unknown[0]}.")
    return tuple(known[account_id] for account_id in ids)


def _address(account: Account, given: Fields | None, field_name: str) -> Fields:
    address = _optional_address(account, given)
    if address is None:
        raise required(field_name)
    return address


def _optional_address(account: Account, given: Fields | None) -> Fields | None:
    if not given:
        return None
    known = account.addresses.get(str(given.get("id")))
    return known or new_address(given, account.mode)


def _parcel(account: Account, given: Fields | None) -> Fields:
    if not given:
        raise required("parcel")
    return account.parcels.get(str(given.get("id"))) or new_parcel(given, account.mode)


def _customs(account: Account, given: Fields | None) -> Fields | None:
    if not given:
        return None
    known = account.customs_infos.get(str(given.get("id")))
    return known or new_customs_info(given, account.mode, account.customs_items)


def _route(from_address: Fields, to_address: Fields) -> Route:
    return Route(
        from_country=from_address["country"] or "US",
        from_zip=from_address["zip"] or "",
        to_country=to_address["country"] or "US",
        to_zip=to_address["zip"] or "",
        to_state=(to_address["state"] or "").upper(),
    )


def _usps_zone(from_address: Fields, to_address: Fields) -> int | None:
    route = _route(from_address, to_address)
    return None if route.crosses_border else zone(route.from_zip, route.to_zip)


def _fee(kind: str, cents: int, *, refunded: bool = False) -> Fields:
    amount = f"{cents // 100}.{cents % 100:02d}000"
    return {"object": "Fee", "type": kind, "amount": amount, "charged": True, "refunded": refunded}


def _money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"
