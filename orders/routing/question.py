"""What a choice of locations is made from: everything that it depends on, as values that can be kept and read again.

Nothing in here tells who bought: a destination is a country, a region and a point that is rounded to some ten
kilometres, which is all that a distance needs.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from pydantic import Field

from integrations.nouns import Noun
from records.routing import RoutingRules


class Point(Noun):
    """Somewhere on the map, as closely as is known. Degrees, to a tenth."""

    country: str
    region: str = ""
    latitude: float | None = None
    longitude: float | None = None


class Part(Noun):
    """A variant that one unit of a bundle has so many units of."""

    variant: int
    units: int = Field(gt=0)


class Want(Noun):
    """Units of one order line that must leave. `variant` is None for a line whose stock nobody counts.

    A bundle is put together from its parts where they all lie: it is never split between two places.
    """

    line: int
    variant: int | None
    units: int = Field(gt=0)
    parts: tuple[Part, ...] = ()
    making_days: int = 0
    """Working days that it takes to be made before it can leave."""
    hazmat: bool = False
    """Hazardous, or put together from what is."""
    never_to: tuple[str, ...] = ()
    """Countries that it may not be sent to, wherever it leaves from."""

    def taken(self) -> tuple[tuple[int, int], ...]:
        """What is taken off a shelf for one unit: (variant, units)."""
        if self.parts:
            return tuple((part.variant, part.units) for part in self.parts)
        return ((self.variant, 1),) if self.variant is not None else ()


class Place(Noun):
    """A location that may ship. What is None is not known, and no rule that needs it speaks of the place."""

    id: int
    name: str
    at: Point
    preference: int = 0
    """The merchant's own ranking: smaller is preferred."""
    never_to: tuple[str, ...] = ()
    """Countries (ISO 3166-1 alpha-2) that it sends nothing to."""
    only_to: tuple[str, ...] = ()
    """Countries that it sends to and to no other; empty where it sends everywhere."""
    sends_hazmat: bool = False
    room_today: int | None = None
    """Shipments that it can still send on the day on which this one would leave."""
    leaves_on: date | None = None
    """The day on which what it is given now is handed to a carrier."""
    next_room_on: date | None = Field(default=None, exclude_if=lambda day: day is None)
    """The first day after that on which it has room, where it has none then."""
    carrier_days: int | None = None
    """Days with a carrier from there, by the shop's own rule: what counts where no carrier was asked."""
    work_minor: int = 0
    """What sending one shipment from there costs besides postage, in minor units of the shop's currency."""


class Shelf(Noun):
    """Units of one variant that are free to promise at one place; `oldest_days` is how long the oldest have lain."""

    variant: int
    place: int
    units: int
    oldest_days: int | None = None


class Quote(Noun):
    """What it costs to send from these places all that the way sends. All of a question are in one currency."""

    way: tuple[int, ...]
    cost_minor: int
    currency: str = ""
    arrives_in_days: int | None = None
    """Carrier days of the slowest of its shipments, counted from the day on which it leaves."""
    by_place: Mapping[int, int] = Field(default_factory=dict, exclude_if=lambda days: not days)
    """The same for what leaves each place; older quotes have only the slowest."""

    def days_from(self, place: int) -> int | None:
        return self.by_place.get(place, self.arrives_in_days)


class Refused(Noun):
    """A place that could not send a line, and is not asked for it again. `why` goes on from its name."""

    place: int
    line: int
    why: str
    of_goods: bool = Field(default=True, exclude_if=lambda of_goods: of_goods)
    """It has not got them, or none that could be sent; else they lie there, and stay for another reason."""


class Standing(Noun):
    """What stands of the whole order, so that what is left of it is not judged as if it were an order of its own."""

    shipments: int
    """That leave our places in parcels, or have left."""
    units: int
    """Of the whole order, that leave our places in parcels: what stands in those shipments, and what is asked for."""
    let_go: int | None = Field(default=None, exclude_if=lambda hold: hold is None)
    """The hold by whose release a person lets the rest leave, into however many shipments the order may be split."""


class Question(Noun):
    wants: tuple[Want, ...]
    to: Point
    places: tuple[Place, ...]
    shelves: tuple[Shelf, ...]
    rules: RoutingRules = RoutingRules()
    whole_or_nothing: bool = False
    """Nothing leaves while a part of it is short."""
    quotes: tuple[Quote, ...] = ()
    refused: tuple[Refused, ...] = ()
    deliver_by: date | None = None
    """What was promised when it was ordered: it decides nothing, and tells what would be late."""
    joins: tuple[int, ...] = Field(default=(), exclude_if=lambda joins: not joins)
    """Places from which more of the order is to leave, and no label is bought yet: what they send joins that, and is no
    shipment more.
    """
    later: tuple[int, ...] = Field(default=(), exclude_if=lambda later: not later)
    """Places without room on their first day that are asked all the same, for the first day on which they have some."""
    standing: Standing | None = Field(default=None, exclude_if=lambda standing: standing is None)
    """None in older questions, which count no shipments but their own, and of what belongs to no order yet."""
    revision: int = Field(default=1, exclude_if=lambda number: number == 1)
    """By which state of the rules it is answered. Since 2, places without any of it are none of those that are tried
    together, lines are served in the order that leaves least short, what joins costs neither way nor work anew, a place
    without a limit is the least busy, and nothing arrives on a Sunday.
    """
    names_bans: bool = False
    """Its answer names the rule that keeps a place out. Older questions do not ask for that, and keep their answers."""
