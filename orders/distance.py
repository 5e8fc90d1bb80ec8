"""How far two points are apart, without asking anybody: by coordinates, by the middle of a ZIP code, or by a guess."""

from __future__ import annotations

import math
from functools import cache

import zipcodes

from integrations.nouns import Address
from orders.routing.question import Point

_EARTH_KM = 6_371
_SAME_REGION_KM, _SAME_COUNTRY_KM, _ABROAD_KM = 150, 1_500, 8_000
# ZIP codes of these countries' addresses are in the library's table.
_HAS_ZIP_CODES = frozenset({"US", "PR", "VI", "GU", "AS", "MP"})
# A tenth of a degree is some ten kilometres: near enough to choose a warehouse, too far to find a buyer's door.
_DECIMALS = 1


def point(address: Address) -> Point:
    """Where an address lies, as closely as may be kept of a buyer."""
    latitude, longitude = _whereabouts(address)
    return Point(
        country=address.country,
        region=address.region,
        latitude=None if latitude is None else round(latitude, _DECIMALS),
        longitude=None if longitude is None else round(longitude, _DECIMALS),
    )


def between(one: Point, other: Point) -> int:
    """Kilometres: great-circle where both points are known, else a guess from region and country."""
    places = (one.latitude, one.longitude, other.latitude, other.longitude)
    known = [degrees for degrees in places if degrees is not None]
    return round(_great_circle(*known)) if len(known) == len(places) else _guessed(one, other)


def exactly(one: Address, other: Address) -> float | None:
    """Kilometres as closely as the addresses say, for who goes there now; kept nowhere. None where one is not known."""
    places = (*_whereabouts(one), *_whereabouts(other))
    known = [degrees for degrees in places if degrees is not None]
    return _great_circle(*known) if len(known) == len(places) else None


def _great_circle(*degrees: float) -> float:
    lat1, lon1, lat2, lon2 = map(math.radians, degrees)
    half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
    return 2 * _EARTH_KM * math.asin(min(1.0, math.sqrt(half)))


def _whereabouts(address: Address) -> tuple[float | None, float | None]:
    """Latitude and longitude; in the middle of the ZIP code where the address has none of its own."""
    latitude, longitude = address.latitude, address.longitude
    if (latitude is None or longitude is None) and address.country in _HAS_ZIP_CODES:
        return _middle_of(address.postcode[:5])
    return latitude, longitude


def _guessed(one: Point, other: Point) -> int:
    if one.country != other.country:
        return _ABROAD_KM
    return _SAME_REGION_KM if one.region and one.region == other.region else _SAME_COUNTRY_KM


@cache
def _middle_of(zip_code: str) -> tuple[float | None, float | None]:
    """The middle of a ZIP code; None where there is no such code."""
    if len(zip_code) != 5 or not (zip_code.isascii() and zip_code.isdecimal()):
        return None, None
    found = zipcodes.matching(zip_code)  # type: ignore[no-untyped-call] # it has no annotations
    return (float(found[0]["lat"]), float(found[0]["long"])) if found else (None, None)
