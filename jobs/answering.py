"""Takes an answer to what is short of an order: from its buyer, or from a person of the shop in their place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime

from sqlalchemy.orm import Session

from integrations import registry
from jobs import intake, queue
from orders import choice_over, choice_told, choosing, holds, shortage, swapping
from orders.choice_told import Told
from orders.shortage import Answer
from records import choices, tenants
from records.choices import Choice
from records.orders import LOCK, Order, find_order


def answer(
    session: Session, tenant: int, choice: int, lines: Mapping[int, str], *, ship_rest: bool, by: str, reason: str = ""
) -> bool:
    """Write an answer and have it done; answers whether it counts.

    It does not where somebody, the deadline, the stock or a cancellation was first, or other units are short by now.
    Raises swapping.Gone where what is to be sent instead is not there, or may not be: then nothing of it is written.
    """
    found = choices.find(session, tenant, choice)
    if found is None:
        return False
    session.get_one(Order, (tenant, found.order_id), with_for_update=LOCK)
    row = session.get_one(Choice, (tenant, choice), with_for_update=True, populate_existing=True)
    short = choosing.units_of(row.short)
    if choice_over.end_if_over(session, row, now=datetime.now(UTC)):
        queue.add(session, tenant, "ask_buyer", choosing.subject_of(choice), lane=f"order/{row.order_id}")
        return False
    if set(lines) != set(short):
        return False
    held_back = choice_told.holds_something(session, tenant, row.order_id, short)
    said = shortage.answer(lines, ship_rest=ship_rest, held_back=held_back)
    if swapping.asked(session, tenant, row.order_id):
        return said == choosing.answer_of(row)  # the store is being told: it is done as it was chosen, once
    counts = choosing.answer(session, row, said, by=by, now=datetime.now(UTC), reason=reason)
    if counts:
        holds.release(session, tenant, row.order_id, swapping.HOLD, by=by, now=datetime.now(UTC))
        _hold_what_is_swapped(session, row, said)
        if choices.swaps_of(session, tenant, row.order_id):
            # What was held for an answer that counts no more is free, and no count of the store's will say so.
            intake.fill_backorders(session, tenant)
        queue.add(session, tenant, "ask_buyer", choosing.subject_of(choice), lane=f"order/{row.order_id}")
    return counts


def told(session: Session, row: Choice, *, today: date) -> Told:
    """What is said of a choice, with what can be sent instead where the store lets us swap it."""
    return choice_told.told(session, row, today=today, swaps=may_swap(session, row.tenant_id, row.order_id))


def may_swap(session: Session, tenant: int, order: int) -> bool:
    """Whether the order's store has allowed us to edit its orders."""
    found = find_order(session, tenant, order)
    connection = None if found is None else tenants.find_connection(session, tenant, found.connection_id)
    if connection is None or connection.ended_at is not None:
        return False
    return registry.vendor(connection.vendor).may_swap([str(scope) for scope in connection.scopes])


def _hold_what_is_swapped(session: Session, row: Choice, said: Answer) -> None:
    """The units are this order's from the moment in which they were chosen."""
    if not said.swapped:
        freed = swapping.let_go(session, row.tenant_id, row.order_id)
        swapping.hold_what_is_written(session, row.tenant_id, row.order_id, freed)
    swaps = swapping.left(session, row, said.swapped)
    if not swaps:
        return
    if not may_swap(session, row.tenant_id, row.order_id):
        raise swapping.Gone
    swapping.ask(session, row, swaps, choice_over.wanted_still(session, row))
