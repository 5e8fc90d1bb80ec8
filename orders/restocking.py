"""Says on which day what an order lacks is expected: when enough is on its way for it, and for all who wait longer."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TypeVar

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import inventory, lacking, may_send, planning
from orders.routing.asking import refused_by
from orders.routing.question import Want
from orders.shortage import Units
from records.orders import find_order
from records.stock import Arrival, Location

Held = TypeVar("Held")
Expected = tuple[date, int]
"""A day and the units that come on it."""
ANYWHERE = 0
"""No location has this number: whichever sends the line."""


@dataclass(frozen=True, kw_only=True)
class Missing:
    """What a line wants, of one location, or of any."""

    want: Want
    place: int = ANYWHERE


def days(session: Session, tenant: int, order: int, short: Units, *, today: date) -> dict[int, date]:
    """By line, the day on which what it lacks is expected: the last of its parts and places; left out where nobody can
    say.
    """
    missing = [one for one in _missing(session, tenant, order) if one.want.line in short]
    variants = sorted({variant for one in missing for variant, _ in one.want.taken()})
    free = inventory.free_to_ship(session, tenant, variants)
    coming = _coming(session, tenant, variants, today)
    longer = _lacked_by_who_waits_longer(session, tenant, order, variants)
    never, not_now = _closed(session, tenant, order, missing)
    found: dict[int, list[date | None]] = defaultdict(list)
    for one in missing:
        lies = _open_to(one, free, never | not_now)
        found[one.want.line].append(day_of(one, lies, _open_to(one, coming, never), longer))
    return {line: max(day for day in told if day) for line, told in found.items() if all(told)}


def day_of(
    one: Missing,
    free: Mapping[tuple[int, int], int],
    coming: Mapping[tuple[int, int], Sequence[Expected]],
    longer: Mapping[int, int],
) -> date | None:
    """The day on which all that is wanted there can be taken, after those who wait longer; None where nobody can say.
    Pure. `free` and `coming` are by (variant, location).
    """
    wanted = {variant: each * one.want.units for variant, each in one.want.taken()}
    lies = {variant: sum(max(0, free[at]) for at in free if _there(at, variant, one.place)) for variant in wanted}
    lacks = [variant for variant, units in wanted.items() if lies[variant] < units] or list(wanted)
    told = [
        enough_on(
            [expected for at in coming if _there(at, variant, one.place) for expected in coming[at]],
            max(1, longer.get(variant, 0) + wanted[variant] - lies[variant]),
        )
        for variant in lacks
    ]
    known = [day for day in told if day is not None]
    return max(known) if known and len(known) == len(told) else None


def enough_on(expected: Sequence[Expected], units: int) -> date | None:
    """The day on which so many units have come; None where that is not in sight. Pure."""
    for day, coming in sorted(expected):
        units -= coming
        if units <= 0:
            return day
    return None


def _there(at: tuple[int, int], variant: int, place: int) -> bool:
    return at[0] == variant and place in {ANYWHERE, at[1]}


def _open_to(
    one: Missing, levels: Mapping[tuple[int, int], Held], closed: Collection[tuple[int, int]]
) -> dict[tuple[int, int], Held]:
    """What may be sent for this line; who comes for it takes it wherever it lies."""
    return {at: there for at, there in levels.items() if one.place != ANYWHERE or (at[1], one.want.line) not in closed}


def _closed(
    session: Session, tenant: int, order: int, missing: Sequence[Missing]
) -> tuple[set[tuple[int, int]], set[tuple[int, int]]]:
    """(place, line) that nothing is sent from, and those of them that are asked again once more of the goods come."""
    found = find_order(session, tenant, order)
    said = refused_by(session, tenant, order)
    to = (found.ship_to if found else None) or Address()
    wants = [one.want for one in missing if one.place == ANYWHERE]
    for_goods = {(one.place, one.line) for one in said if one.of_goods}
    return may_send.closed(session, tenant, to, wants, [one for one in said if not one.of_goods]), for_goods


def _missing(session: Session, tenant: int, order: int) -> list[Missing]:
    demand = planning.demand(session, tenant, order)
    aside = [Missing(want=want, place=place) for (_, place), wants in demand.by_hand.items() for want in wants]
    return [*(Missing(want=want) for want in demand.wants), *aside]


def _coming(
    session: Session, tenant: int, variants: Collection[int], today: date
) -> dict[tuple[int, int], list[Expected]]:
    """What is expected at locations that orders leave from; what is overdue says nothing."""
    rows = session.execute(
        select(Arrival.variant_id, Arrival.location_id, Arrival.due_on, Arrival.units)
        .join(Location, (Location.tenant_id == Arrival.tenant_id) & (Location.id == Arrival.location_id))
        .where(
            Arrival.tenant_id == tenant,
            Arrival.variant_id.in_(variants),
            Arrival.state == "expected",
            Arrival.due_on >= today,
            Location.ships,
        )
    )
    found: dict[tuple[int, int], list[Expected]] = defaultdict(list)
    for row in rows:
        found[row.variant_id, row.location_id].append((row.due_on, row.units))
    return found


def _lacked_by_who_waits_longer(session: Session, tenant: int, order: int, variants: Sequence[int]) -> dict[int, int]:
    rows = session.execute(_LONGER, {"tenant": tenant, "order": order, "variants": variants})
    return {row.variant_id: int(row.units) for row in rows}


_LONGER = text(
    """
WITH waiting AS MATERIALIZED (
    SELECT h.order_id FROM holds h
    WHERE h.tenant_id = :tenant AND h.kind = 'stock' AND h.state = 'open' AND h.order_id <> :order
      AND h.id < coalesce((SELECT mine.id FROM holds mine WHERE mine.tenant_id = :tenant AND mine.order_id = :order
                           AND mine.kind = 'stock' AND mine.state = 'open'), h.id + 1)
), lacking AS ("""  # nosec B608 # composed of our own constants; every value is bound
    + lacking.BY_VARIANT
    + """)
SELECT variant_id, units FROM lacking WHERE variant_id = ANY(cast(:variants AS bigint[]))
"""
)
