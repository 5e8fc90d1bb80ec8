"""Keeps the rest of an order for it while its buyer is asked about what is short: the page says that it is here.

Its units are held for no shipment yet, as those of a swap are, since nobody knows if they leave now, later or never.
Whoever plans the order meanwhile counts them as there for this order alone, and what is planned then takes them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from orders import inventory, swapping
from orders.allocation import Pick
from orders.inventory import Holding
from records.stock import Reservation

Level = tuple[int, int]
"""A variant and a location."""


def kept(session: Session, tenant: int, order: int) -> list[Pick]:
    """What is kept of an order. Its row is locked by whoever is about to change that."""
    rows = session.scalars(
        select(Reservation)
        .where(Reservation.tenant_id == tenant, Reservation.order_id == order, Reservation.state == "held")
        .where(Reservation.shipment_id < swapping.NO_SHIPMENT)
        .order_by(Reservation.line_id, Reservation.location_id, Reservation.id)
    )
    return [_pick(list(there)) for _, there in groupby(rows, key=lambda row: (row.line_id, row.location_id))]


def to_plan_with(session: Session, tenant: int, order: int, picks: Sequence[Pick]) -> Counter[Level]:
    """Units of what is kept that the order can be planned with: what the last count has found. All levels that the
    order may give back or take are locked from here on.
    """
    if not picks:
        return Counter()
    by_level = levels(picks)
    swapping.lock_levels(session, tenant, order, besides={variant for variant, _ in by_level})
    rows = session.execute(_MISSING, {"tenant": tenant, "variants": sorted({variant for variant, _ in by_level})})
    return +(by_level - Counter({(row.variant_id, row.location_id): row.missing for row in rows}))


def levels(picks: Iterable[Pick]) -> Counter[Level]:
    """Units by variant and location. Pure."""
    found: Counter[Level] = Counter()
    for pick in picks:
        found.update({(variant, pick.location): pick.units * each for variant, each in pick.taken()})
    return found


def holdings(picks: Iterable[Pick]) -> list[Holding]:
    """How they are held. A line that lies at several places is held at each, for which each has a number: under
    nought, as no shipment has. Pure.
    """
    return [Holding(pick=pick, shipment=-pick.location) for pick in picks if pick.taken()]


def holds(kept: Iterable[Pick], wanted: Mapping[int, int]) -> bool:
    """Whether all of what is wanted, units by order line, is kept. Pure."""
    here: Counter[int] = Counter()
    for pick in kept:
        here[pick.line] += pick.units
    return all(units <= here[line] for line, units in wanted.items())


def same(before: Sequence[Pick], now: Sequence[Pick]) -> bool:
    """Whether the very same units are kept. Pure."""
    return {_words(pick) for pick in before} == {_words(pick) for pick in now if pick.taken()}


def give_back(session: Session, tenant: int, order: int, picks: Sequence[Pick]) -> int:
    """Keep these no longer; answers the units that are free again."""
    to_plan_with(session, tenant, order, picks)
    places = sorted({pick.location for pick in picks})
    return sum(inventory.release_shipment(session, tenant, order, -place, actor="packline") for place in places)


def _pick(rows: Sequence[Reservation]) -> Pick:
    first = rows[0]
    parts = tuple((row.variant_id, row.each) for row in rows) if first.part else ()
    return Pick(
        line=first.line_id,
        variant=None if parts else first.variant_id,
        location=first.location_id,
        units=first.units // first.each,
        parts=parts,
    )


def _words(pick: Pick) -> tuple[int, int, int, frozenset[tuple[int, int]]]:
    return pick.line, pick.location, pick.units, frozenset(pick.taken())


_MISSING = text("""
SELECT variant_id, location_id, missing FROM stock_levels
WHERE tenant_id = :tenant AND variant_id = ANY(:variants) AND missing > 0
""")
