"""What EasyPost is told of an address and of a parcel: its field names, inches and ounces, and the customs form.

docs.easypost.com/docs/shipments, /parcels, /customs-infos and /customs-items.
"""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from integrations.carriers.easypost import words
from integrations.nouns import Address, Consignment, Customs, CustomsLine, Parcel, exponent
from integrations.ports import Permanent

# 15 CFR 30.37(a): up to this value per tariff number no export filing is needed; 30.36 frees all exports to Canada.
_UNFILED_USD_MINOR = 2500_00
_LOW_VALUE = "NOEEI 30.37(a)"
_TO_CANADA = "NOEEI 30.36"


def shipment_fields(consignment: Consignment) -> dict[str, Any]:
    """The fields of a new shipment. Raises Permanent where its goods must be filed with US customs first."""
    fields: dict[str, Any] = {
        "reference": consignment.reference,
        "from_address": address_fields(consignment.sender),
        "to_address": address_fields(consignment.recipient),
        "parcel": _parcel_fields(consignment.parcel),
        "options": {"label_format": consignment.label_format, "label_size": consignment.label_size},
    }
    if consignment.customs:
        fields["customs_info"] = _customs_fields(
            consignment.customs, consignment.sender.country, consignment.recipient.country
        )
    return fields


def address_fields(address: Address) -> dict[str, Any]:
    """An address without its empty fields, in EasyPost's names."""
    fields = {
        "name": address.name,
        "company": address.company,
        "street1": address.street1,
        "street2": address.street2,
        "city": address.city,
        "state": address.region,
        "zip": address.postcode,
        "country": address.country,
        "phone": address.phone,
        "email": address.email,
    }
    return {name: value for name, value in fields.items() if value}


def _parcel_fields(parcel: Parcel) -> dict[str, Any]:
    fields = {"weight": words.ounces(parcel.weight_grams)}
    if parcel.length_mm and parcel.width_mm and parcel.height_mm:
        fields["length"] = words.inches(parcel.length_mm)
        fields["width"] = words.inches(parcel.width_mm)
        fields["height"] = words.inches(parcel.height_mm)
    return fields


def _customs_fields(customs: Customs, origin: str, destination: str) -> dict[str, Any]:
    fields: dict[str, Any] = {
        "contents_type": "merchandise",
        "customs_certify": True,
        "customs_signer": customs.signer,
        "non_delivery_option": "return",
        "restriction_type": "none",
        "customs_items": [_item_fields(line) for line in customs.lines],
    }
    if origin.upper() == "US":
        fields["eel_pfc"] = _export_exemption(customs, destination)
    return fields


def _item_fields(line: CustomsLine) -> dict[str, Any]:
    value = line.total_value
    fields = {
        "description": line.description,
        "quantity": line.units,
        # JSON numbers, as in EasyPost's own examples; both stand for all units of the line together.
        "value": value.minor / 10 ** exponent(value.currency),
        "weight": words.ounces(line.total_weight_grams),
        "currency": value.currency,
        "origin_country": line.origin_country,
        "hs_tariff_number": line.hs_code,
        "code": line.sku,
    }
    return {name: value for name, value in fields.items() if value != ""}


def _export_exemption(customs: Customs, destination: str) -> str:
    totals: defaultdict[str, int] = defaultdict(int)
    for line in customs.lines:
        if line.total_value.currency == "USD":
            totals[line.hs_code] += line.total_value.minor
    if max(totals.values(), default=0) <= _UNFILED_USD_MINOR:
        return _LOW_VALUE
    if destination.upper() == "CA":
        return _TO_CANADA
    raise Permanent(
        "goods of one tariff number worth more than 2500 USD must be filed with US customs before they leave",
        code="export_filing",
        remedy="File the export in AES and buy this label in EasyPost's dashboard with the ITN; then discard this job.",
    )
