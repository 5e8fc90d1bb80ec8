"""Addresses and their verification: deterministic, so that a test can ask for a bad one.

Undeliverable are: "UNDELIVERABLE" or "unknown street" in street1, a ZIP that starts with 0000, and an address without a
street or without both city and ZIP. Everything else verifies and comes back in capitals, as in the recordings.
"""

from hashlib import sha256
from typing import Any

from sandbox.easypost_wire import Fields, new_id, refused, stamp_with_offset

WRITABLE = ("name", "company", "street1", "street2", "city", "state", "zip", "country", "phone", "email")
# ZIP codes' first digit → roughly where that is; the recordings give coordinates and time zone with a success.
REGIONS = {
    "0": (42.4, -71.4, "America/New_York"),
    "1": (41.0, -75.6, "America/New_York"),
    "2": (37.5, -78.9, "America/New_York"),
    "3": (32.9, -84.1, "America/New_York"),
    "4": (40.1, -84.3, "America/New_York"),
    "5": (44.2, -93.4, "America/Chicago"),
    "6": (40.2, -91.8, "America/Chicago"),
    "7": (32.1, -95.6, "America/Chicago"),
    "8": (39.6, -108.3, "America/Denver"),
    "9": (37.8, -121.3, "America/Los_Angeles"),
}
NOT_FOUND = {
    "code": "E.ADDRESS.NOT_FOUND",
    "field": "address",
    "message": "Address not found",
    "suggestion": None,
}
NO_HOUSE_NUMBER = {
    "code": "E.HOUSE_NUMBER.MISSING",
    "field": "street1",
    "message": "House number is missing",
    "suggestion": None,
}


def new_address(given: Fields, mode: str, wish: Fields | None = None) -> Fields:
    """An address as EasyPost answers it, verified where `wish` (or the address itself) asks for it.

    Raises:
        Refusal: `verify_strict`, and the address is undeliverable.
    """
    wish = {**given, **(wish or {})}
    address = _fresh(given, mode)
    carrier = wish.get("verify_carrier")
    if wish.get("verify_strict") and _problems(address):
        raise verify_failure(address)
    if carrier:
        return _verified_by_carrier(address, str(carrier))
    if wish.get("verify") or wish.get("verify_strict"):
        return verified(address)
    return address


def verified(address: Fields) -> Fields:
    """The address with its verifications: in capitals and completed, or as it was with the errors."""
    problems = _problems(address)
    if problems:
        failure = {"success": False, "errors": [NOT_FOUND]}
        return {
            **address,
            "verifications": {"zip4": {**failure, "details": None}, "delivery": {**failure, "details": {}}},
        }
    return {
        **_capitals(address),
        "zip": _full_zip(address),
        "residential": address["company"] is None,
        "verifications": {
            "zip4": {"success": True, "errors": [], "details": None},
            "delivery": {"success": True, "errors": [], "details": _place(address)},
        },
    }


def is_undeliverable(address: Fields) -> bool:
    return bool(_problems(address))


def verify_failure(address: Fields) -> Exception:
    return refused(422, "ADDRESS.VERIFY.FAILURE", "Unable to verify address.", _problems(address))


def _fresh(given: Fields, mode: str) -> Fields:
    now = stamp_with_offset()
    fields: Fields = {name: _text(given.get(name)) for name in WRITABLE}
    fields["country"] = fields["country"] or "US"
    return {
        "id": new_id("adr"),
        "object": "Address",
        "created_at": now,
        "updated_at": now,
        **fields,
        "mode": mode,
        "carrier_facility": None,
        "residential": given.get("residential"),
        "federal_tax_id": given.get("federal_tax_id"),
        "state_tax_id": given.get("state_tax_id"),
        "verifications": {},
    }


def _text(given: Any) -> str | None:
    return None if given is None else str(given)


def _problems(address: Fields) -> list[Fields]:
    street, postcode = (address["street1"] or "").lower(), address["zip"] or ""
    lost = "undeliverable" in street or "unknown street" in street or postcode.startswith("0000")
    incomplete = not street or not (address["city"] or postcode)
    if not (lost or incomplete):
        return []
    return [NOT_FOUND] if any(character.isdigit() for character in street) else [NOT_FOUND, NO_HOUSE_NUMBER]


def _verified_by_carrier(address: Fields, carrier: str) -> Fields:
    """The recorded quirk: a carrier's verification of an unknown street is `success: true` with errors."""
    problems = [NOT_FOUND] if _problems(address) else []
    place = {"latitude": None, "longitude": None, "time_zone": None} if problems else _place(address)
    return {
        **_capitals(address),
        "verifications": {
            "zip4": {"success": True, "errors": problems, "details": None},
            "delivery": {"success": True, "errors": problems, "details": place},
            "verify_carrier": carrier.lower(),
        },
    }


def _capitals(address: Fields) -> Fields:
    upper = {name: value.upper() for name in WRITABLE[:-2] if isinstance(value := address[name], str)}
    streets = " ".join(part for part in (upper.get("street1"), upper.get("street2")) if part)
    return {**address, **upper, "street1": streets, "street2": "", "updated_at": stamp_with_offset()}


def _full_zip(address: Fields) -> str | None:
    postcode: str | None = address["zip"]
    if address["country"] != "US" or postcode is None or len(postcode) != 5:
        return postcode
    return f"{postcode}-{1000 + _number_of(address) % 9000}"


def _place(address: Fields) -> Fields:
    south, east, time_zone = REGIONS.get((address["zip"] or "")[:1], REGIONS["6"])
    if address["country"] != "US":
        return {"latitude": None, "longitude": None, "time_zone": None}
    shift = _number_of(address) % 10_000 / 100_000
    return {"latitude": round(south + shift, 5), "longitude": round(east + shift, 5), "time_zone": time_zone}


def _number_of(address: Fields) -> int:
    text = "|".join(str(address[name]) for name in ("street1", "street2", "zip"))
    return int.from_bytes(sha256(text.encode()).digest()[:4], "big")
