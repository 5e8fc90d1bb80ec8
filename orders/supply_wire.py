"""Writes a purchase order for a supplier's machine, and reads its answer: version 1 of both. Pure.

docs/supplier_api.md tells suppliers of it. What is written only ever gains fields within a version. What is read has
these fields and no others, so that a typing
error is told and not passed over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from integrations.nouns import Address
from orders.purchase_told import Told
from orders.supplying import LONGEST_CARRIER, LONGEST_NUMBER, LONGEST_REASON, MOST_NUMBERS

VERSION = 1
_MOST_LINES = 1_000
# No control characters: PostgreSQL keeps no NUL, and a name goes on to the store, to be shown there.
_Text = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, pattern=r"^[^\x00-\x1f\x7f-\x9f]*$")]
_ADDRESS = ("name", "company", "street1", "street2", "city", "region", "postcode", "country", "phone")


class _Read(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Nothing(_Read):
    """An answer that needs no words."""


class Rejection(_Read):
    reason: Annotated[_Text, Field(max_length=LONGEST_REASON)]


class UnitsLeft(_Read):
    """Units of one line that are in the parcels."""

    line: int
    units: Annotated[int, Field(ge=1, le=999_999_999)]


class Tracking(_Read):
    """What has left. Without `lines` it is all that had not."""

    carrier: Annotated[_Text, Field(max_length=LONGEST_CARRIER)]
    numbers: Annotated[list[Annotated[_Text, Field(max_length=LONGEST_NUMBER)]], Field(min_length=1)]
    lines: Annotated[list[UnitsLeft], Field(min_length=1, max_length=_MOST_LINES)] | None = None


def written(told: Told, to: Address | None, *, link: str) -> dict[str, Any]:
    """A purchase order as plain JSON. `to` is where it goes, None where that is told no more."""
    return {
        "version": VERSION,
        "purchase_order": {
            "id": told.id,
            "shop": told.shop,
            "order": told.order_name,
            "supplier": told.supplier,
            "state": told.state,
            "open": told.open,
            "wait": told.held,
            "stop": told.to_stop,
            "reason": told.reason,
            "written_on": told.written_on.isoformat(),
            "ship_by": told.ship_by.isoformat(),
            "ship_to": None if to is None else {name: getattr(to, name) for name in _ADDRESS},
            "lines": [
                {
                    "line": line.line,
                    "sku": line.sku,
                    "shop_sku": line.our_sku,
                    "title": line.title,
                    "units": line.units,
                    "units_left": line.left,
                    "unit_cost_minor": line.cost_minor,
                    "currency": line.currency,
                }
                for line in told.lines
            ],
            "parcels": [{"carrier": parcel.carrier, "number": parcel.number} for parcel in told.parcels],
        },
        "links": {
            "page": link,
            "self": f"{link}/v1",
            **{name: f"{link}/v1/{name}" for name in ("accept", "reject", "tracking", "stop")},
        },
    }


def faults(wrong: ValidationError) -> dict[str, str]:
    """What does not fit, by field, without the values that were sent."""
    return {".".join(map(str, fault["loc"])) or "body": fault["msg"] for fault in wrong.errors(include_input=False)}


def odd_tracking(tracking: Tracking, told: Told) -> dict[str, str]:
    """What is wrong with units and numbers that are well written, by field."""
    wrong = {}
    if len(tracking.numbers) > MOST_NUMBERS:
        wrong["numbers"] = f"At most {MOST_NUMBERS} numbers at once."
    left = {line.line: line.left for line in told.lines}
    named = [one.line for one in tracking.lines or ()]
    for place, one in enumerate(tracking.lines or ()):
        if one.line not in left:
            wrong[f"lines.{place}.line"] = "There is no such line in this purchase order."
        elif one.units > left[one.line]:
            wrong[f"lines.{place}.units"] = f"{left[one.line]} of it were not shipped yet."
    if len(set(named)) < len(named):
        wrong["lines"] = "A line stands here twice."
    return wrong


def units_of(tracking: Tracking, told: Told) -> Mapping[int, int]:
    """Units by order line that have left."""
    if tracking.lines is not None:
        return {one.line: one.units for one in tracking.lines}
    return {line.line: line.left for line in told.lines if line.left}
