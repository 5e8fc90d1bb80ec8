"""What is in the box: parcels, customs items and customs declarations."""

from typing import Any

from sandbox.easypost_wire import Fields, new_id, refused, required, stamp


def new_parcel(given: Fields, mode: str) -> Fields:
    """A parcel, in ounces and inches.

    Raises:
        Refusal: no weight, or a figure that is not a positive number.
    """
    if given.get("weight") is None:
        raise required("weight")
    now = stamp()
    return {
        "id": new_id("prcl"),
        "object": "Parcel",
        "created_at": now,
        "updated_at": now,
        "length": _measure(given, "length"),
        "width": _measure(given, "width"),
        "height": _measure(given, "height"),
        "predefined_package": given.get("predefined_package"),
        "weight": _measure(given, "weight"),
        "mode": mode,
    }


def new_customs_item(given: Fields, mode: str) -> Fields:
    """A customs line; `value` and `weight` are the line's totals, and value comes back as a string."""
    for name in ("description", "quantity", "value", "weight", "origin_country"):
        if given.get(name) in {None, ""}:
            raise required(name)
    now = stamp()
    return {
        "id": new_id("cstitem"),
        "object": "CustomsItem",
        "created_at": now,
        "updated_at": now,
        "description": given["description"],
        "hs_tariff_number": given.get("hs_tariff_number"),
        "origin_country": given["origin_country"],
        "quantity": int(given["quantity"]),
        "value": f"{float(given['value']):.2f}",
        "weight": float(given["weight"]),
        "code": given.get("code"),
        "mode": mode,
        "manufacturer": given.get("manufacturer"),
        "currency": given.get("currency"),
        "eccn": given.get("eccn"),
        "printed_commodity_identifier": given.get("printed_commodity_identifier"),
    }


def new_customs_info(given: Fields, mode: str, known_items: dict[str, Fields]) -> Fields:
    """A customs declaration, its items given in full or by id."""
    now = stamp()
    return {
        "id": new_id("cstinfo"),
        "object": "CustomsInfo",
        "created_at": now,
        "updated_at": now,
        "contents_explanation": given.get("contents_explanation"),
        "contents_type": given.get("contents_type"),
        "customs_certify": given.get("customs_certify", False),
        "customs_signer": given.get("customs_signer"),
        "eel_pfc": given.get("eel_pfc"),
        "non_delivery_option": given.get("non_delivery_option", "return"),
        "restriction_comments": given.get("restriction_comments"),
        "restriction_type": given.get("restriction_type", "none"),
        "mode": mode,
        "declaration": given.get("declaration"),
        "customs_items": [
            known_items.get(str(item.get("id"))) or new_customs_item(item, mode)
            for item in given.get("customs_items") or []
        ],
    }


def _measure(given: Fields, name: str) -> float | None:
    value: Any = given.get(name)
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError):
        number = 0.0
    if number <= 0:
        raise refused(
            422,
            "PARCEL.PARAMETERS.INVALID",
            "Invalid parcel parameters.",
            [{"field": name, "message": "must be greater than 0"}],
        )
    return number
