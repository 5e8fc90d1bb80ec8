"""Sees to it that no order is left waiting for units that landed while it was looked at.

An order that looks, finds too little and writes that it waits, and somebody who brings units and asks who waits, may do
so in the same moment: neither sees the other, as neither is committed, and nobody would ever look again. So who asks
does it alone, and who is about to wait looks once more beside nobody who asks. Whoever of them is first, the other
sees what is written, however long either takes; a second look some seconds later would miss what takes longer.

The lock is the shop's and no row's: what lands may have no level yet, at a place that has just been opened. It comes
after all levels of a transaction and before the jobs of other orders, and orders that wait do not wait for each other.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import holds
from orders.inventory import Contended, Holding
from orders.routing.question import Want

Level = tuple[int, int]
"""A variant and a location."""


def lanes_of_who_waits(session: Session, tenant: int) -> dict[str, str]:
    """The orders that wait for stock, the one that waits longest first, with those that are just about to: subject and
    lane of each.
    """
    session.execute(_ALONE, {"tenant": tenant})
    subjects = [f"order/{order}" for order in holds.waiting_for_stock(session, tenant)]
    return dict(zip(subjects, subjects, strict=True))


def lying(session: Session, tenant: int, wants: Sequence[Want]) -> dict[Level, int]:
    """Units free of what is wanted, wherever orders leave from."""
    variants = sorted({variant for want in wants for variant, _ in want.taken()})
    rows = session.execute(_LYING, {"tenant": tenant, "variants": variants})
    return {(row.variant_id, row.location_id): row.free for row in rows}


def make_sure(
    session: Session, tenant: int, wants: Sequence[Want], before: Mapping[Level, int], held: Sequence[Holding]
) -> None:
    """Let an order wait for what it wants beyond what is `held` of what lay there `before`.

    Raises inventory.Contended where more has come: look again. Comes after everything else that locks levels.
    """
    if sum(want.units for want in wants) <= sum(one.pick.units for one in held if one.shipment > 0):
        return
    session.execute(_BESIDE_OTHERS, {"tenant": tenant})
    if more_lies_there(before, lying(session, tenant, wants), held):
        raise Contended(f"tenant {tenant}: more has come of what was short")


def more_lies_there(before: Mapping[Level, int], now: Mapping[Level, int], held: Sequence[Holding]) -> bool:
    """Whether more lies anywhere than what was left of it. Pure."""
    left = Counter(before)
    for one in held:
        left.subtract({(variant, one.pick.location): one.pick.units * each for variant, each in one.pick.taken()})
    return any(free > max(0, left[level]) for level, free in now.items())


_ALONE = text("SELECT pg_advisory_xact_lock(hashtextextended('packline waiting/' || cast(:tenant AS text), 0))")
_BESIDE_OTHERS = text(
    "SELECT pg_advisory_xact_lock_shared(hashtextextended('packline waiting/' || cast(:tenant AS text), 0))"
)
_LYING = text("""
SELECT level.variant_id, level.location_id, on_hand - reserved - damaged - safety AS free
FROM stock_levels level
JOIN locations place ON place.tenant_id = :tenant AND place.id = level.location_id AND place.ships
WHERE level.tenant_id = :tenant AND level.variant_id = ANY((SELECT cast(:variants AS bigint[]))::bigint[])
""")
