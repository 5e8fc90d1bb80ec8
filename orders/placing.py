"""Takes an order, or a newer version of it, into the records; an older version never overwrites a newer one."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ARRAY, Text, all_, literal, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.nouns import Address, OrderSnapshot
from orders.forgetting import MARK
from orders.forgotten import comes_forgotten
from records import timeline
from records.orders import LOCK, Order, OrderLine

_LINE_KEY = ("tenant_id", "order_id", "remote_id")


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What became of a version: `newer` says that it was taken, `differs` that it is not what we had."""

    order: int
    state: str
    is_new: bool
    newer: bool
    differs: bool
    standing_changed: bool
    contradicts: bool = False
    """The same moment in the storefront's clock, and yet something else: the storefront has to be asked."""


def take(
    session: Session, tenant: int, connection: str, snapshot: OrderSnapshot, *, said_by: str, final: bool = False
) -> Taken:
    """Record a version of an order. `final` is the storefront's own answer just now, which wins a tie of times.

    Storefront times have whole seconds, so two versions of one second are told apart by their content only. Of an order
    whose buyer was forgotten, nothing is taken that tells who it was.
    """
    before = session.scalars(
        select(Order)
        .where(Order.tenant_id == tenant, Order.connection_id == connection, Order.remote_id == snapshot.remote_id)
        .with_for_update(**LOCK)
    ).first()
    if before is None:
        forgotten = comes_forgotten(session, tenant, snapshot.remote_id)
        created = _create(session, tenant, connection, snapshot, forgotten=forgotten)
        if created is None:  # another delivery of the same order was first by a moment: it is there now
            return take(session, tenant, connection, snapshot, said_by=said_by, final=final)
        _write_lines(session, tenant, created, snapshot)
        timeline.write(
            session,
            tenant,
            created,
            actor=said_by,
            kind="fact",
            sentence=f"Order {snapshot.name} was placed: {_spoken(snapshot)}.",
        )
        return Taken(order=created, state="received", is_new=True, newer=True, differs=True, standing_changed=True)
    return _take_again(session, tenant, before, snapshot, said_by=said_by, final=final)


def _take_again(
    session: Session, tenant: int, before: Order, snapshot: OrderSnapshot, *, said_by: str, final: bool
) -> Taken:
    known = before.remote_updated_at
    forgotten = before.content_digest == MARK or (
        known is None and comes_forgotten(session, tenant, snapshot.remote_id)
    )
    differs = before.content_digest != (MARK if forgotten else content_digest(snapshot))
    standing_changed = before.standing != snapshot.standing
    cancelled_at = snapshot.cancelled_at or before.cancelled_at
    last_word = final or (differs and snapshot.cancelled_at is not None)  # no store takes a cancellation back
    newer = known is None or snapshot.updated_at > known or (last_word and snapshot.updated_at >= known)
    tie = known is not None and snapshot.updated_at == known and not last_word
    is_new = known is None  # only its id was known until now
    if newer and (differs or standing_changed or snapshot.updated_at != known):
        for name, value in (_columns(snapshot, forgotten=forgotten) | {"cancelled_at": cancelled_at}).items():
            setattr(before, name, value)
        session.flush()
        if differs:
            _write_lines(session, tenant, before.id, snapshot)
            told = f"Order {snapshot.name} was placed" if is_new else "The order changed in the store"
            timeline.write(
                session, tenant, before.id, actor=said_by, kind="fact", sentence=f"{told}: {_spoken(snapshot)}."
            )
    return Taken(
        order=before.id,
        state=before.state,
        is_new=is_new,
        newer=newer,
        differs=newer and differs,
        standing_changed=newer and standing_changed,
        contradicts=tie and (differs or standing_changed),
    )


def placeholder(session: Session, tenant: int, connection: str, remote_id: str) -> Order:
    """The row of an order of which only the id is known yet: to be read from the storefront."""
    session.execute(
        insert(Order)
        .values(tenant_id=tenant, connection_id=connection, remote_id=remote_id)
        .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "remote_id"])
    )
    return session.scalars(
        select(Order)
        .where(Order.tenant_id == tenant, Order.connection_id == connection, Order.remote_id == remote_id)
        .with_for_update(**LOCK)
    ).one()


def content_digest(snapshot: OrderSnapshot) -> str:
    """What verification looks at, in one short string: equal digests need no second look."""
    return _digest(
        [
            snapshot.total.model_dump(),
            None if snapshot.ship_to is None else _written(snapshot.ship_to),
            sorted([line.remote_id, line.units, line.unit_price.minor, line.needs_shipping] for line in snapshot.lines),
            snapshot.cancelled_at is not None,
        ]
    )


def address_digest(address: Address) -> str:
    return _digest(_written(address))


def _written(address: Address) -> dict[str, Any]:
    """What stands on a label; coordinates come and go with the storefront's geocoder."""
    return address.model_dump(exclude={"latitude", "longitude"})


def _digest(value: Any) -> str:
    return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:32]


def _create(session: Session, tenant: int, connection: str, snapshot: OrderSnapshot, *, forgotten: bool) -> int | None:
    columns = _columns(snapshot, forgotten=forgotten)
    return session.execute(
        insert(Order)
        .values(tenant_id=tenant, connection_id=connection, remote_id=snapshot.remote_id, **columns)
        .on_conflict_do_nothing(index_elements=["tenant_id", "connection_id", "remote_id"])
        .returning(Order.id)
    ).scalar_one_or_none()


def _columns(snapshot: OrderSnapshot, *, forgotten: bool) -> dict[str, Any]:
    whose = {"email": "", "phone": "", "ship_to": None, "content_digest": MARK} if forgotten else {}
    return {
        "name": snapshot.name,
        "placed_at": snapshot.placed_at,
        "remote_updated_at": snapshot.updated_at,
        "currency": snapshot.currency,
        "total_minor": snapshot.total.minor,
        "standing": snapshot.standing.value,
        "email": snapshot.email,
        "phone": snapshot.phone,
        "ship_to": snapshot.ship_to,
        "shipping_title": snapshot.shipping_title,
        "content_digest": content_digest(snapshot),
        "cancelled_at": snapshot.cancelled_at,
        "test": snapshot.test,
        **({} if snapshot.goods is None else {"goods_minor": snapshot.goods.minor}),
        **whose,
    }


def _write_lines(session: Session, tenant: int, order: int, snapshot: OrderSnapshot) -> None:
    """Write the lines as they are now; a line that is gone stays with no units, because stock may hang on it."""
    rows = [
        {
            "tenant_id": tenant,
            "order_id": order,
            "remote_id": line.remote_id,
            "variant_remote_id": line.variant_remote_id,
            "sku": line.sku,
            "title": line.title,
            "units": line.units,
            "unit_price_minor": line.unit_price.minor,
            "unit_grams": line.unit_grams,
            "needs_shipping": line.needs_shipping,
        }
        for line in snapshot.lines
    ]
    if rows:
        # Run for each line, pipelined. In one statement with ten parameters a line, PostgreSQL would refuse an order of
        # 6,554 lines (it takes 65,535), and SQLAlchemy would compile for seconds.
        statement = insert(OrderLine.__table__)  # type: ignore[arg-type]
        told = {name: statement.excluded[name] for name in rows[0] if name not in _LINE_KEY}
        session.execute(statement.on_conflict_do_update(index_elements=_LINE_KEY, set_=told), rows)
    kept = literal([line.remote_id for line in snapshot.lines], ARRAY(Text))
    session.execute(
        OrderLine.__table__.update()  # type: ignore[attr-defined]
        .where(OrderLine.tenant_id == tenant, OrderLine.order_id == order, OrderLine.remote_id != all_(kept))
        .values(units=0)
    )
    session.expire_all()


def _spoken(snapshot: OrderSnapshot) -> str:
    units, lines = sum(line.units for line in snapshot.lines), len(snapshot.lines)
    money = f"{snapshot.total}, {snapshot.standing.value.replace('_', ' ')}"
    return f"{units} {'unit' if units == 1 else 'units'} in {lines} {'line' if lines == 1 else 'lines'}, {money}"
