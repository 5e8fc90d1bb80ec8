"""Parcels, what they cost to send, and where they are."""

from __future__ import annotations

import enum

from pydantic import AwareDatetime, Field

from integrations.nouns.base import Address, Money, Noun


class AddressVerdict(Noun):
    """What a carrier network thinks of an address; `problems` are sentences for a person."""

    deliverable: bool
    problems: tuple[str, ...] = ()
    corrected: Address | None = None
    residential: bool | None = None


class ParcelStatus(enum.StrEnum):
    UNKNOWN = "unknown"
    PRE_TRANSIT = "pre_transit"
    IN_TRANSIT = "in_transit"
    OUT_FOR_DELIVERY = "out_for_delivery"
    AVAILABLE_FOR_PICKUP = "available_for_pickup"
    DELIVERED = "delivered"
    RETURN_TO_SENDER = "return_to_sender"
    FAILURE = "failure"
    CANCELLED = "cancelled"
    ERROR = "error"


class Parcel(Noun):
    """One box. Sizes are outer sizes in millimetres; all three or none."""

    weight_grams: int = Field(gt=0)
    length_mm: int | None = None
    width_mm: int | None = None
    height_mm: int | None = None


class CustomsLine(Noun):
    """One line of a customs declaration; weight and value are of all its units together, as carriers ask for it."""

    description: str
    units: int
    total_value: Money
    total_weight_grams: int
    origin_country: str
    hs_code: str = ""
    sku: str = ""


class Customs(Noun):
    lines: tuple[CustomsLine, ...]
    signer: str


class Consignment(Noun):
    """All that a carrier must know to rate one parcel. `reference` is our own key for this attempt."""

    reference: str
    sender: Address
    recipient: Address
    parcel: Parcel
    customs: Customs | None = None
    label_format: str = "PDF"
    label_size: str = "4x6"
    """Inches. The carrier may know other sizes only, and then prints its usual one."""


class Rate(Noun):
    remote_id: str
    carrier: str
    service: str
    price: Money
    transit_days: int | None = None
    guaranteed: bool = False


class Quote(Noun):
    """Rates for one consignment. `shipment_ref` is what is bought; `remarks` say who would not rate, and why."""

    shipment_ref: str
    rates: tuple[Rate, ...]
    remarks: tuple[str, ...] = ()


class BoughtLabel(Noun):
    shipment_ref: str
    rate: Rate
    tracking_code: str
    tracking_url: str = ""
    tracker_ref: str = ""
    label_url: str
    label_format: str
    void_state: VoidState | None = None


class VoidState(enum.StrEnum):
    """How the carrier answered the wish to give a label back."""

    ASKED = "asked"
    DONE = "done"
    REFUSED = "refused"
    NEVER = "never"
    """The carrier bills on scan: there is nothing to give back, nothing is owed while the parcel stays unscanned."""
    UNKNOWN = "unknown"


class LabelFile(Noun):
    media_type: str
    content: bytes


class Scan(Noun):
    """One line of a parcel's journey."""

    at: AwareDatetime
    status: ParcelStatus
    detail: str = ""
    message: str = ""
    city: str = ""
    region: str = ""
    postcode: str = ""
    country: str = ""


class ParcelProgress(Noun):
    """What the carrier knows of a parcel, oldest scan first."""

    tracker_ref: str
    tracking_code: str
    carrier: str
    status: ParcelStatus
    detail: str = ""
    at: AwareDatetime
    scans: tuple[Scan, ...] = ()
    expected_at: AwareDatetime | None = None
    signed_by: str = ""


BoughtLabel.model_rebuild()
