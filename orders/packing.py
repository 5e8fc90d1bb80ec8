"""Puts units into boxes by weight. Pure: lines in, parcels out; the biggest units first, so that few boxes do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from integrations.nouns import Parcel
from records.tenants import ParcelSize


@dataclass(frozen=True, kw_only=True)
class Packable:
    """Units of one line; `unit_grams` is what one of them weighs."""

    line: int
    units: int
    unit_grams: int


@dataclass(frozen=True, kw_only=True)
class Box:
    """One parcel and what lies in it: units by order line."""

    shape: Parcel
    contents: dict[int, int]


def pack(packables: Sequence[Packable], box: ParcelSize) -> list[Box]:
    """As many boxes as the weights need. A unit heavier than a box may hold gets a box of its own."""
    loads: list[tuple[int, dict[int, int]]] = []
    for packable in sorted(packables, key=lambda one: (-one.unit_grams, one.line)):
        for _ in range(packable.units):
            _put(loads, packable, box.max_content_grams)
    return [
        Box(
            shape=Parcel(
                weight_grams=max(1, grams + box.empty_grams),
                length_mm=box.length_mm,
                width_mm=box.width_mm,
                height_mm=box.height_mm,
            ),
            contents=contents,
        )
        for grams, contents in loads
    ]


def _put(loads: list[tuple[int, dict[int, int]]], packable: Packable, limit_grams: int) -> None:
    for index, (grams, contents) in enumerate(loads):
        if grams + packable.unit_grams <= limit_grams:
            contents[packable.line] = contents.get(packable.line, 0) + 1
            loads[index] = (grams + packable.unit_grams, contents)
            return
    loads.append((packable.unit_grams, {packable.line: 1}))
