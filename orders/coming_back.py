"""Keeps what the store says came back from buyers until a count has it, each line of a refund once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, text, tuple_
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.nouns import UnitsReturned
from orders.taking_counts import CameBack
from records.intentions import Intention
from records.orders import Order, lines_of
from records.stock import Returned

_OURS = "refund_in_store"


def is_ours(session: Session, tenant: int, fact: UnitsReturned) -> bool:
    """Whether it was Packline that had the store take them back: then their movements are written."""
    marked = select(Intention.id).where(
        Intention.tenant_id == tenant, Intention.kind == _OURS, Intention.mark.in_(fact.marks)
    )
    return bool(fact.marks) and session.execute(marked.limit(1)).first() is not None


def order_of(session: Session, tenant: int, connection: str, remote_id: str) -> Order | None:
    wanted = select(Order).where(
        Order.tenant_id == tenant, Order.connection_id == connection, Order.remote_id == remote_id
    )
    return session.scalars(wanted).first()


def keep(session: Session, tenant: int, order: Order, fact: UnitsReturned, places: Mapping[str, int]) -> list[str]:
    """Write down what came back; answers the store's ids of the goods, whose counts are to be read. `places` are the
    store's locations: ours by its own ids.
    """
    lines = {line.remote_id: line for line in lines_of(session, tenant, order.id)}
    goods = []
    for one in fact.lines:
        line, place = lines.get(one.line_remote_id), places.get(one.location_remote_id)
        if line is None or not line.variant_remote_id:
            continue
        goods.append(line.variant_remote_id)
        if line.variant_id is not None and place is not None:
            session.execute(
                insert(Returned)
                .values(
                    tenant_id=tenant, order_id=order.id, variant_id=line.variant_id, location_id=place,
                    units=one.units, remote_id=one.remote_id,
                )
                .on_conflict_do_nothing(index_elements=["tenant_id", "order_id", "remote_id"])
            )  # fmt: skip
    return list(dict.fromkeys(goods))


def waiting(
    session: Session, tenant: int, levels: Collection[tuple[int, int]], *, heard_before: datetime | None
) -> Sequence[CameBack]:
    """What came back to these levels and is in no count yet. What was heard after a count began may not be in it."""
    if heard_before is None or not levels:
        return ()
    rows = session.execute(
        select(Returned.id, Returned.variant_id, Returned.location_id).where(
            Returned.tenant_id == tenant,
            Returned.counted_at.is_(None),
            Returned.heard_at < heard_before,
            tuple_(Returned.variant_id, Returned.location_id).in_(list(levels)),
        )
    )
    return [CameBack(*row) for row in rows]


def named(session: Session, tenant: int, name: str, variant: int) -> int | str:
    """The order of this number that sold such goods, by themselves or in a bundle; or what is wrong with it."""
    asked = {"tenant": tenant, "name": f"#{name.removeprefix('#')}", "plain": name}
    found = [int(order) for order in session.scalars(_NAMED, asked)]
    if not found:
        return f"There is no order {name[:40]}. Write its number as the store has it, such as #1001."
    ours = [order for order in found if session.scalar(_SOLD, {"tenant": tenant, "order": order, "variant": variant})]
    if not ours:
        return f"Order {name[:40]} has nothing of this in it. Look at the number again; or correct the level instead."
    if len(ours) > 1:
        return f"Several orders are called {name[:40]}. Correct the level instead, with the number as its reference."
    return ours[0]


_NAMED = text("SELECT id FROM orders WHERE tenant_id = :tenant AND name IN (:name, :plain) ORDER BY id LIMIT 10")
_SOLD = text("""
SELECT EXISTS (
    SELECT 1 FROM order_lines line
    JOIN orders o ON o.tenant_id = line.tenant_id AND o.id = line.order_id
    JOIN variants sold ON sold.tenant_id = line.tenant_id AND sold.connection_id = o.connection_id
                      AND sold.remote_id = line.variant_remote_id
    WHERE line.tenant_id = :tenant AND line.order_id = :order AND (sold.id = :variant OR EXISTS (
        SELECT 1 FROM bundle_parts held
        WHERE held.tenant_id = :tenant AND held.bundle_id = sold.id AND held.part_id = :variant)))
""")
