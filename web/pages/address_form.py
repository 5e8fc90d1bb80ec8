"""Where an order goes, as a form: how what was typed becomes an address, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated

from babel import Locale
from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError

from integrations.nouns import Address
from orders.verification import missing_in
from web import asked

_NO_COUNTRIES = frozenset({"ZZ", "EU", "UN", "EZ", "XA", "XB", "QO"})
_WITH_REGIONS = frozenset({"US", "CA", "AU"})
_POSTCODES = {
    "US": (re.compile(r"\d{5}(-\d{4})?"), "Five digits, such as 94107."),
    "CA": (re.compile(r"[A-Z]\d[A-Z] ?\d[A-Z]\d"), "Six letters and digits, such as K1A 0B1."),
    "DE": (re.compile(r"\d{5}"), "Five digits, such as 10115."),
}
# How `missing_in` names a part, and the field in which it stands.
_LACKING = {
    "name": ("name", "Say who it is for."),
    "street": ("street1", "Say the street and the number."),
    "city": ("city", "Say the city."),
    "country": ("country", "Say the country."),
    "postcode": ("postcode", "Say the postcode."),
    "state or province": ("region", "Say the state or province by its letters, such as CA."),
}

_Line = Annotated[str, StringConstraints(max_length=100)]
_Short = Annotated[str, StringConstraints(max_length=30)]


class Typed(BaseModel):
    """What was typed, each part on one line and as long as a label can bear."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: _Line = ""
    company: _Line = ""
    street1: _Line = ""
    street2: _Line = ""
    city: _Line = ""
    region: _Short = ""
    postcode: _Short = ""
    country: _Short = ""
    phone: _Short = ""


FIELDS = tuple(Typed.model_fields)


def written(address: Address | None) -> dict[str, str]:
    """An address as its form shows it."""
    known = address or Address()
    return {name: str(getattr(known, name)) for name in FIELDS}


def typed_in(form: Mapping[str, str], *, country: str = "") -> dict[str, str]:
    """What was typed, as far as a page can show it again; a `country` that is given is not asked for."""
    typed = {name: " ".join(asked.plain(form.get(name, ""), asked.MOST_SHOWN_AGAIN).split()) for name in FIELDS}
    return typed | {"country": country} if country else typed


def read(typed: Mapping[str, str], *, before: Address | None) -> tuple[Address | None, dict[str, str]]:
    """The address that these words mean, or what is wrong with them, by field. The mail address stays as it was."""
    try:
        parts = Typed.model_validate(dict(typed))
    except ValidationError as error:
        return None, {str(one["loc"][0]): "This is too long for a label." for one in error.errors()}
    country = parts.country.upper()
    upper = {"country": country, "postcode": parts.postcode.upper()}
    if country in _WITH_REGIONS:
        upper["region"] = parts.region.upper()
    address = Address(**(parts.model_dump() | upper), email=before.email if before else "")
    wrong = dict(_LACKING[part] for part in missing_in(address))
    if country and country not in {code for code, _ in countries()}:
        wrong["country"] = "There is no such country."
    if country in _WITH_REGIONS and "region" not in wrong and not re.fullmatch(r"[A-Z]{2,3}", address.region):
        wrong["region"] = "By its letters, such as CA."
    shape = _POSTCODES.get(country)
    if shape and "postcode" not in wrong and not shape[0].fullmatch(address.postcode):
        wrong["postcode"] = shape[1]
    return (None if wrong else address), wrong


def countries() -> list[tuple[str, str]]:
    """(code, name) of every country, by name, in English, which the pages are in."""
    known = Locale("en").territories
    found = [(str(code), str(name)) for code, name in known.items() if re.fullmatch(r"[A-Z]{2}", str(code))]
    return sorted((one for one in found if one[0] not in _NO_COUNTRIES), key=lambda one: one[1])


def country_name(code: str) -> str:
    return str(Locale("en").territories.get(code, code))
