"""Reads a wish for orders out of an address or a form, and writes it back: a list that can be kept is a link."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from web.asked import LARGEST_ID, plain
from web.queries.wishes import DAYS, DUE_WITHIN, Wish
from web.show import words


def wish_in(given: Mapping[str, str]) -> Wish:
    """The wish that these values tell; what no list knows counts as not asked."""
    return Wish(
        search=_text(given, "q"),
        state=_one_of(given, "state", {*words.LOOKS["order"], "to_ship"}),
        hold=_one_of(given, "hold", {*words.HOLDS, "any"}),
        payment=_one_of(given, "payment", words.LOOKS["payment"]),
        parcel=_one_of(given, "parcel", words.LOOKS["parcel"]),
        shipment=_one_of(given, "shipment", words.LOOKS["shipment"]),
        warehouse=_id(given, "warehouse"),
        service=_text(given, "service"),
        parked=_text(given, "parked"),
        promise=_one_of(given, "promise", ("kept", "missed")),
        due_hours=int(_one_of(given, "due", [str(hours) for hours in DUE_WITHIN]) or 0),
        late=given.get("late") == "1",
        labelled_days=DAYS if given.get("labelled") == str(DAYS) else 0,
    )


def as_query(wish: Wish) -> dict[str, Any]:
    """The same wish as an address says it, without what narrows nothing."""
    told = {
        "q": wish.search,
        "state": wish.state,
        "hold": wish.hold,
        "payment": wish.payment,
        "parcel": wish.parcel,
        "shipment": wish.shipment,
        "warehouse": str(wish.warehouse or ""),
        "service": wish.service,
        "parked": wish.parked,
        "promise": wish.promise,
        "due": str(wish.due_hours or ""),
        "late": "1" if wish.late else "",
        "labelled": str(wish.labelled_days or ""),
    }
    return {name: value for name, value in told.items() if value}


def _text(given: Mapping[str, str], name: str) -> str:
    return plain(given.get(name, ""), 200)


def _one_of(given: Mapping[str, str], name: str, allowed: Collection[str]) -> str:
    value = _text(given, name)
    return value if value in allowed else ""


def _id(given: Mapping[str, str], name: str) -> int:
    text = given.get(name, "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 and int(text) <= LARGEST_ID else 0
