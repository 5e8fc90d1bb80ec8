"""Takes an answer to what is short of an order: from its buyer, or from a person of the shop in their place."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

from sqlalchemy.orm import Session

from jobs import queue
from orders import choice_over, choice_told, choosing, shortage
from records import choices
from records.choices import Choice
from records.orders import LOCK, Order


def answer(
    session: Session, tenant: int, choice: int, lines: Mapping[int, str], *, ship_rest: bool, by: str, reason: str = ""
) -> bool:
    """Write an answer and have it done; answers whether it counts.

    It does not where somebody, the deadline, the stock or a cancellation was first, or other units are short by now.
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
    counts = choosing.answer(session, row, said, by=by, now=datetime.now(UTC), reason=reason)
    if counts:
        queue.add(session, tenant, "ask_buyer", choosing.subject_of(choice), lane=f"order/{row.order_id}")
    return counts
