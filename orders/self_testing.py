"""Judges what a self-test found, step by step, in sentences with what to do. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from integrations.nouns import Address
from orders import verification
from orders.listening import Remark

# In this order: each builds on what stands before it.
STEPS = ("scopes", "topics", "locations", "round_trip", "label", "payments")
TITLES = {
    "scopes": "What we may do",
    "topics": "What we are told",
    "locations": "Where you ship from",
    "round_trip": "A signed webhook, there and back",
    "label": "A label, bought and given back",
    "payments": "Your payments",
}


@dataclass(frozen=True, kw_only=True)
class Found:
    """How one step ended: `ok`, `failed` or `skipped`, as a sentence, with what to do."""

    state: str
    sentence: str
    remedy: str = ""

    def as_kept(self) -> dict[str, Any]:
        return asdict(self)


def ok(sentence: str) -> Found:
    return Found(state="ok", sentence=sentence)


def failed(sentence: str, remedy: str) -> Found:
    return Found(state="failed", sentence=sentence, remedy=remedy)


def skipped(sentence: str, remedy: str = "") -> Found:
    return Found(state="skipped", sentence=sentence, remedy=remedy)


def all_of(found: Sequence[Found], *, nothing: str) -> Found:
    """Several answers as one: the failures where there are any."""
    bad = [one for one in found if one.state == "failed"]
    said = bad or [one for one in found if one.state == "ok"] or list(found)
    if not said:
        return skipped(nothing)
    return Found(
        state=said[0].state,
        sentence=" ".join(dict.fromkeys(one.sentence for one in said)),
        remedy=" ".join(dict.fromkeys(one.remedy for one in said if one.remedy)),
    )


def listening(vendor: str, remarks: Sequence[Remark]) -> Found:
    """Whether the webhooks of one account stand. What will be mended by itself is bad until it is."""
    bad = [remark for remark in remarks if not remark.mended]
    if not bad:
        return ok(f"{vendor} tells us everything that we act on.")
    remedy = " ".join(one.remedy for one in bad if one.remedy)
    return failed(
        " ".join(one.sentence for one in bad), remedy or "Wait a minute: it is put right by itself, then test again."
    )


@dataclass(frozen=True, kw_only=True)
class Warehouse:
    """A location of the store, and what a carrier says of its address (None where none was asked)."""

    name: str
    ships: bool
    has_stock: bool
    address: Address
    problems: tuple[str, ...] | None = None


def locations(warehouses: Sequence[Warehouse]) -> Found:
    """Every location that has stock is to be a warehouse with an address that a carrier takes."""
    said = [found for place in warehouses if (found := _place(place)) is not None]
    shipping = [place.name for place in warehouses if place.ships]
    if not shipping:
        return failed("No location ships.", "Choose where you ship from, on the setup page.")
    return all_of([*said, ok(f"Orders leave from {', '.join(shipping)}.")], nothing="The store has no location.")


def _place(place: Warehouse) -> Found | None:
    if place.has_stock and not place.ships:
        return failed(
            f"{place.name} has stock, and nothing ships from there.",
            "Choose it as a warehouse on the setup page, or move its stock in the store.",
        )
    if not place.ships:
        return None
    lacks = [*verification.missing_in(place.address), *([] if place.address.phone else ["phone"])]
    if lacks:
        return failed(
            f"The address of {place.name} lacks {', '.join(lacks)}.",
            "Complete it in the store's settings under Locations, then read the store again.",
        )
    if place.problems:
        return failed(
            f"The carrier does not know the address of {place.name}: {'; '.join(place.problems)}.",
            "Correct it in the store's settings under Locations, then read the store again.",
        )
    return None


def of_kept(kept: Mapping[str, Any]) -> list[tuple[str, str, Found | None]]:
    """A kept self-test as rows: name, title and what was found; None for a step that has not had its turn."""
    steps = kept.get("steps", {})
    return [(name, TITLES[name], Found(**steps[name]) if name in steps else None) for name in STEPS]
