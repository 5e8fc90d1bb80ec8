"""Who said something, how it was heard, and what is heard of a store's goods: that they are to be read, and no more."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import text
from sqlalchemy.orm import Session

from integrations.nouns import AboutGoods, GoodsChanged, UnitsReturned
from jobs import queue
from orders import catalogue, coming_back, outdated
from records.orders import Order, lines_of

# What a store tells of its goods within this time is read together: a thousand sales are a handful of readings.
GATHERED_FOR = timedelta(seconds=5)


@dataclass(frozen=True, kw_only=True)
class Source:
    """Who said it, to whom, and when it was read."""

    tenant: int
    connection: str
    vendor: str
    now: datetime
    asked: bool = False
    """We asked just now, nobody told us: such an answer wins a tie of times."""
    event: int | None = None
    """The delivery that said it."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """How an inbox event ends: `take` with what it was about, or `ignore` with the reason."""

    by: str
    subject: str = ""
    reason: str = ""


def of_goods(session: Session, source: Source, fact: AboutGoods) -> Heard:
    """Have what a fact names read soon, with everything else that is told until then."""
    if isinstance(fact, UnitsReturned):
        return _of_returns(session, source, fact)
    subject = f"connection/{source.connection}"
    outdated.note(session, source.tenant, source.connection, fact)
    queue.add(session, source.tenant, "read_stock", subject, due_at=source.now + GATHERED_FOR)
    return Heard(by="take", subject=subject)


def of_order(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """Have the goods of an order read soon: somebody else did something with them, which may be counted already."""
    row = session.get_one(Order, (tenant, order))
    sold = [line.variant_remote_id for line in lines_of(session, tenant, order) if line.variant_remote_id]
    held = session.scalars(_HELD, {"tenant": tenant, "order": order, "connection": row.connection_id})
    goods = tuple(dict.fromkeys([*sold, *held]))
    outdated.note(session, tenant, row.connection_id, GoodsChanged(remote_ids=goods))
    queue.add(session, tenant, "read_stock", f"connection/{row.connection_id}", due_at=now + GATHERED_FOR)


# What is counted of a bundle are its parts, and of what was swapped what was held instead.
_HELD = text("""
SELECT DISTINCT v.remote_id FROM reservations r JOIN variants v ON v.tenant_id = :tenant AND v.id = r.variant_id
WHERE r.tenant_id = :tenant AND r.order_id = :order AND v.connection_id = :connection ORDER BY v.remote_id
""")


def _of_returns(session: Session, source: Source, fact: UnitsReturned) -> Heard:
    """Keep whose units came back, and have their counts read soon: the store has them in its count already."""
    order = coming_back.order_of(session, source.tenant, source.connection, fact.order_remote_id)
    if order is None:
        return Heard(by="ignore", reason="Units came back of an order that Packline does not know.")
    if not coming_back.is_ours(session, source.tenant, fact):
        places = catalogue.location_ids(session, source.tenant, order.connection_id)
        goods = coming_back.keep(session, source.tenant, order, fact, places)
        of_goods(session, source, GoodsChanged(remote_ids=tuple(goods)))
    return Heard(by="take", subject=f"order/{order.id}")
