"""Forgets who bought an order, everywhere at once, and knows afterwards that it did, so that nobody brings it back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Table, bindparam, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from orders import forgetting, readdressing
from orders.forgetting import MARK, Place
from orders.holds import Problem
from records import choices, digital, notices, suppliers, timeline
from records.choices import Choice
from records.digital import DigitalDelivery
from records.inbox import InboxEvent
from records.notices import Notice
from records.orders import Order, Payment, payments_of
from records.privacy import named_in_a_demand
from records.schema import TABLES
from records.shipments import Label, Parcel, Shipment, labels_of, parcels_of, shipments_of
from records.suppliers import PurchaseOrder

# An order in one of these asks nothing more of its buyer's address.
AT_AN_END = frozenset({"fulfilled", "closed", "cancelled"})

NOBODY_TO_SEND_TO = Problem(
    kind="address",
    reason="Who bought this was forgotten, so nobody knows where it goes.",
    remedy="Cancel the order in the store; nothing more can be sent to its buyer.",
)


def is_forgotten(session: Session, tenant: int, order: int) -> bool:
    found = session.scalar(select(Order.content_digest).where(Order.tenant_id == tenant, Order.id == order))
    return found == MARK


def comes_forgotten(session: Session, tenant: int, remote_id: str) -> bool:
    """Whether a demand named an order before we had heard of it: then its buyer is never written down."""
    return named_in_a_demand(session, tenant, remote_id)


def is_worked_on(session: Session, tenant: int, order: int) -> bool:
    """Whether something is still to be done for an order that needs to know who bought it."""
    row = session.get_one(Order, (tenant, order))
    return row.state not in AT_AN_END or bool(session.scalar(_BUSY, {"tenant": tenant, "lane": f"order/{order}"}))


_BUSY = text("""
SELECT EXISTS (SELECT 1 FROM jobs WHERE tenant_id = :tenant AND lane = :lane AND state IN ('due', 'running'))
""")


def forget(session: Session, tenant: int, order: int, *, sentence: str, by: str = "packline") -> bool:
    """Empty every place that tells who bought an order; answers whether that was still to be done.

    What the order was, its amounts, units and states stay. `sentence` goes on its timeline and names nobody.
    """
    row = session.get_one(Order, (tenant, order), with_for_update=True)
    if row.content_digest == MARK:
        return False
    words = forgetting.words_of(row.ship_to, email=row.email, phone=row.phone)
    readdressing.void_links(session, row)
    session.flush()
    told = {"tenant": tenant, "order": order, "subjects": subjects_of(session, tenant, order)}
    for table, places in forgetting.to_strike().items():
        _strike(session, TABLES[table], places, words, told)
    for table, values in forgetting.of_a_buyer().items():
        if table in _ROWS:
            statement = f"UPDATE {table} SET {_assignments(values)} WHERE {_where(table)}"  # nosec B608 # our own names; values are bound
            session.execute(_bound(statement), told)
    session.expire_all()
    timeline.write(session, tenant, order, actor=by, kind="fact", sentence=sentence)
    return True


def keep_forgotten(session: Session, tenant: int, event: int, subject: str) -> None:
    """Empty a delivery that came late, about an order whose buyer was forgotten.

    One that nobody acts on is about no order of ours, and may tell of one all the same: by its number at the store.
    """
    if subject.startswith("order/"):
        session.execute(_EMPTY_LATE, {"tenant": tenant, "event": event, "order": int(subject.removeprefix("order/"))})
    elif not subject:
        body = session.scalar(select(InboxEvent.body).where(InboxEvent.tenant_id == tenant, InboxEvent.id == event))
        if numbers := forgetting.numbers_in(body or b""):
            session.execute(_EMPTY_NAMING, {"tenant": tenant, "event": event, "numbers": numbers})


_EMPTY = "UPDATE inbox_events SET body = '' WHERE tenant_id = :tenant AND id = :event AND EXISTS"
_EMPTY_LATE = text(f"""
{_EMPTY} (
    SELECT 1 FROM orders WHERE orders.tenant_id = :tenant AND orders.id = :order AND content_digest = '{MARK}')
""")  # nosec B608 # our own names; values are bound
_EMPTY_NAMING = text(
    f"""
{_EMPTY} (
    SELECT 1 FROM orders WHERE orders.tenant_id = :tenant AND content_digest = '{MARK}'
      AND split_part(orders.remote_id, '/', -1) = ANY(:numbers))
"""  # nosec B608 # our own names; values are bound
).bindparams(bindparam("numbers", type_=ARRAY(Text)))


def whose(table: str) -> str:
    """Which rows of a table are an order's, as SQL of `:tenant`, `:order` and, for jobs and deliveries, `:subjects`."""
    return _ROWS[table]


def subjects_of(session: Session, tenant: int, order: int) -> list[str]:
    """How jobs, intentions and deliveries name an order and its parts."""
    parts: dict[
        str, Sequence[Choice | Notice | DigitalDelivery | Shipment | Parcel | Label | Payment | PurchaseOrder]
    ] = {
        "choice": choices.of_order(session, tenant, order),
        "notice": notices.of_order(session, tenant, order),
        "delivery": digital.deliveries_of(session, tenant, order),
        "shipment": shipments_of(session, tenant, order),
        "parcel": parcels_of(session, tenant, order),
        "label": labels_of(session, tenant, order),
        "payment": payments_of(session, tenant, order),
        "purchase_order": suppliers.of_order(session, tenant, order),
    }
    return [f"order/{order}", *(f"{thing}/{row.id}" for thing, rows in parts.items() for row in rows)]


# Which rows of a table are an order's.
_BY_ORDER = "order_id = :order"
_ROWS: Mapping[str, str] = {
    "orders": "id = :order",
    "holds": _BY_ORDER,
    "payments": _BY_ORDER,
    "parcels": _BY_ORDER,
    "labels": _BY_ORDER,
    "timeline_entries": _BY_ORDER,
    "address_changes": _BY_ORDER,
    "choices": _BY_ORDER,
    "swaps": _BY_ORDER,
    "notices": _BY_ORDER,
    "digital_deliveries": _BY_ORDER,
    "purchase_orders": _BY_ORDER,
    "findings": _BY_ORDER,
    "reversals": _BY_ORDER,
    "routing_decisions": _BY_ORDER,
    "shadow_decisions": _BY_ORDER,
    "parcel_scans": "parcel_id IN (SELECT id FROM parcels WHERE tenant_id = :tenant AND order_id = :order)",
    "reversal_steps": "reversal_id IN (SELECT id FROM reversals WHERE tenant_id = :tenant AND order_id = :order)",
    # The index by subject leaves the reading of deliveries out, which have lanes of their own.
    "jobs": "(lane = ANY(:subjects) OR (subject = ANY(:subjects) AND kind <> 'take_event'))",
    "intentions": "subject = ANY(:subjects)",
    "order_lines": _BY_ORDER,
    "shipments": _BY_ORDER,
    "inbox_events": "subject = ANY(:subjects) AND octet_length(body) > 0 AND state <> 'received'",
}


def _where(table: str) -> str:
    return f"tenant_id = :tenant AND {whose(table)}"


def _assignments(values: Mapping[str, str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in values.items())


def _bound(sql: str) -> Any:
    statement = text(sql)
    return statement.bindparams(bindparam("subjects", type_=ARRAY(Text))) if ":subjects" in sql else statement


def _strike(
    session: Session, table: Table, places: Sequence[Place], words: Sequence[str], told: Mapping[str, Any]
) -> None:
    columns = {place.column for place in places} | {place.written_by for place in places if place.written_by}
    wanted = [table.c.id, *(table.c[name] for name in sorted(columns))]
    mine = select(table.c.id).where(_bound(_where(table.name)))
    for row in session.execute(select(*wanted).where(table.c.tenant_id == told["tenant"], table.c.id.in_(mine)), told):
        now = row._mapping  # noqa: SLF001 - its public name
        struck = {
            place.column: forgetting.forgotten_text(
                now[place.column], words, written_by=now[place.written_by] if place.written_by else ""
            )
            for place in places
        }
        changed = {name: value for name, value in struck.items() if value != now[name]}
        if changed:
            session.execute(
                update(table).where(table.c.tenant_id == told["tenant"], table.c.id == now["id"]).values(changed)
            )
