"""Chooses which location ships which units: nearest first, in one piece where one location has everything.

Pure: wants, stock and places in; picks and what is short out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from integrations.nouns import Address


@dataclass(frozen=True, kw_only=True)
class Want:
    """Units of one order line that must leave. `variant` is None for a line with no stock of its own."""

    line: int
    variant: int | None
    units: int


@dataclass(frozen=True, kw_only=True)
class Place:
    """A location that can ship."""

    id: int
    name: str
    address: Address


@dataclass(frozen=True, kw_only=True)
class Pick:
    line: int
    variant: int | None
    location: int
    units: int


@dataclass(frozen=True, kw_only=True)
class Allocation:
    picks: tuple[Pick, ...]
    short: Mapping[int, int]
    """Units that nobody has, by order line."""
    sentence: str


# A variant that the store does not count is never short.
UNCOUNTED = 10**9
_SAME_REGION_KM, _SAME_COUNTRY_KM, _ABROAD_KM = 150.0, 1_500.0, 8_000.0
_ZIP_DIGIT_KM = 450.0


def allocate(
    wants: Sequence[Want], available: Mapping[tuple[int, int], int], places: Sequence[Place], *, to: Address
) -> Allocation:
    """`available` is units by (variant, location); places are tried from the nearest on."""
    ranked = sorted(places, key=lambda place: (round(distance_km(place.address, to)), place.id))
    whole = next((place for place in ranked if _has_everything(wants, available, place.id)), None)
    if whole is not None:
        picks = [Pick(line=w.line, variant=w.variant, location=whole.id, units=w.units) for w in wants]
        why = "the nearest that had everything" if len(ranked) > 1 else "the only place that ships"
        return Allocation(picks=tuple(picks), short={}, sentence=f"From {whole.name}: {why}.")
    return _split(wants, available, ranked)


def distance_km(one: Address, other: Address) -> float:
    """Great-circle distance where both coordinates are known, else a guess from region and country."""
    coordinates = (one.latitude, one.longitude, other.latitude, other.longitude)
    if None not in coordinates:
        lat1, lon1, lat2, lon2 = (math.radians(degrees) for degrees in coordinates if degrees is not None)
        half = math.sin((lat2 - lat1) / 2) ** 2 + math.cos(lat1) * math.cos(lat2) * math.sin((lon2 - lon1) / 2) ** 2
        return 2 * 6_371 * math.asin(min(1.0, math.sqrt(half)))
    if one.country != other.country:
        return _ABROAD_KM
    if one.region == other.region:
        return _SAME_REGION_KM
    if one.country == "US" and one.postcode[:1].isdecimal() and other.postcode[:1].isdecimal():
        # A ZIP code's first digit runs from the north-east (0) to the west coast (9).
        return _SAME_REGION_KM + _ZIP_DIGIT_KM * abs(int(one.postcode[0]) - int(other.postcode[0]))
    return _SAME_COUNTRY_KM


def _has_everything(wants: Sequence[Want], available: Mapping[tuple[int, int], int], place: int) -> bool:
    needed: dict[int, int] = {}
    for want in wants:
        if want.variant is not None:
            needed[want.variant] = needed.get(want.variant, 0) + want.units
    return all(available.get((variant, place), 0) >= units for variant, units in needed.items())


def _split(wants: Sequence[Want], available: Mapping[tuple[int, int], int], ranked: Sequence[Place]) -> Allocation:
    left = dict(available)
    open_units = {want.line: want.units for want in wants}
    picks: list[Pick] = []
    for place in ranked:
        for want in wants:
            there = UNCOUNTED if want.variant is None else left.get((want.variant, place.id), 0)
            units = min(open_units[want.line], there)
            if units <= 0:
                continue
            picks.append(Pick(line=want.line, variant=want.variant, location=place.id, units=units))
            open_units[want.line] -= units
            if want.variant is not None:
                left[want.variant, place.id] = there - units
    short = {line: units for line, units in open_units.items() if units}
    return Allocation(picks=tuple(picks), short=short, sentence=_spoken(picks, short, ranked))


def _spoken(picks: Sequence[Pick], short: Mapping[int, int], ranked: Sequence[Place]) -> str:
    by_place: dict[int, int] = {}
    for pick in picks:
        by_place[pick.location] = by_place.get(pick.location, 0) + pick.units
    parts = [f"{by_place[place.id]} from {place.name}" for place in ranked if place.id in by_place]
    told = f"Split, because no place had everything: {', '.join(parts)}." if parts else "No place has any of it."
    return f"{told} Short: {sum(short.values())} units." if short else told
