"""How a merchant wants locations to be chosen, and what each location is able to do."""

from __future__ import annotations

from datetime import date, time
from typing import Literal
from zoneinfo import available_timezones

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

RuleName = Literal[
    "ships_all",
    "fewest_shipments",
    "nearest",
    "cheapest",
    "soonest",
    "oldest_stock",
    "preferred",
    "least_busy",
]
USUAL_ORDER: tuple[RuleName, ...] = ("ships_all", "fewest_shipments", "nearest")


class RoutingRules(BaseModel):
    """`order` is asked from its first rule on; ties go to the next.

    Where it does not say when, what ships the most is preferred before everything else: one unit of ten is always
    nearer, and cheaper to send, than all of them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    order: tuple[RuleName, ...] = USUAL_ORDER
    most_shipments: int = Field(default=3, ge=1, le=4)
    """Into so many shipments an order is split at most, with what has left of it already; 1 never splits."""
    split_from_units: int = Field(default=2, ge=2)
    """An order of fewer units than this is never split."""
    ask_rates_for: int = Field(default=3, ge=1, le=6)
    """For so many of the best ways the carriers are asked what they cost, where a rule wants to know."""

    @property
    def asked(self) -> tuple[RuleName, ...]:
        """The rules as they are asked."""
        return self.order if "ships_all" in self.order else ("ships_all", *self.order)

    @field_validator("order")
    @classmethod
    def _each_once(cls, order: tuple[RuleName, ...]) -> tuple[RuleName, ...]:
        if len(set(order)) < len(order):
            raise ValueError("Each of them once.")
        return order


class Bans(BaseModel):
    """What keeps goods from being sent everywhere."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    hazmat: bool = False
    """Hazardous: only locations that may send such goods do."""
    never_to: tuple[str, ...] = ()
    """Countries (ISO 3166-1 alpha-2) that they may not be sent to."""

    def and_also(self, other: Bans) -> Bans:
        """Both together."""
        countries = sorted({*self.never_to, *other.never_to})
        return Bans(hazmat=self.hazmat or other.hazmat, never_to=tuple(countries))


class Sending(BaseModel):
    """What a location is able to do, as the merchant says; nothing said is nothing known, and no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    preference: int = Field(default=0, ge=0, le=99)
    """The merchant's own ranking: smaller is preferred."""
    never_to: tuple[str, ...] = ()
    """Countries (ISO 3166-1 alpha-2) that it sends nothing to."""
    only_to: tuple[str, ...] = ()
    """Countries that it sends to and to no other; empty where it sends everywhere."""
    sends_hazmat: bool = False
    """Whether hazardous goods may leave from there. Unlike the others, nothing said is a no: it takes papers."""
    shipments_a_day: int | None = Field(default=None, ge=1, le=100_000)
    work_minor: int = Field(default=0, ge=0)
    """What sending one shipment costs there besides postage, in minor units of the shop's currency."""
    time_zone: str = "UTC"
    cut_off: time | None = None
    """Orders that come after this time of its day leave a working day later."""
    carrier_comes_at: time | None = None
    """When the carrier fetches what leaves that day; nothing said is the day's end."""
    working_days: tuple[int, ...] = (0, 1, 2, 3, 4)
    """0 is Monday."""
    closed_on: tuple[date, ...] = ()
    handling_days: int = Field(default=0, ge=0, le=30)
    """Working days between the order and its leaving."""

    @model_validator(mode="after")
    def _fetched_after_the_cut_off(self) -> Sending:
        if self.cut_off and self.carrier_comes_at and self.carrier_comes_at < self.cut_off:
            raise ValueError("the carrier comes after the cut-off, so that what came in time can leave with it")
        return self

    @field_validator("time_zone")
    @classmethod
    def _known_zone(cls, name: str) -> str:
        if name not in available_timezones():
            raise ValueError(f"there is no time zone {name}: one is called America/New_York")
        return name

    @field_validator("working_days")
    @classmethod
    def _some_day(cls, days: tuple[int, ...]) -> tuple[int, ...]:
        if not days or not set(days) <= set(range(7)):
            raise ValueError("name at least one day of the week, 0 for Monday to 6 for Sunday")
        return tuple(sorted(set(days)))
