"""Asks a buyer what is to become of what is short, reminds them once, and does what they or the deadline chose."""

from __future__ import annotations

from collections.abc import Mapping

from sqlalchemy.orm import Session

from jobs import queue, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import choice_over, choice_told, choosing, holds, swapping, taking_back
from orders.holds import Problem
from orders.reversing import Wish
from orders.taking_back import Begun, NotPossible
from records import choices, notices, tenants
from records.choices import DECIDED, OPEN, Choice
from records.orders import LOCK, Order, open_holds
from records.reversals import under_way

# What else is being taken back of an order is a matter of seconds, unless a person is asked about it.
_LOOK_AGAIN_S = 30.0
_TAKEN = "Not enough of it is there any more, or it is sold at another price now."


def run(work: Work) -> Outcome:
    with work.writing() as session:
        found = choices.find(session, work.tenant, work.subject_id)
        if found is None:
            return Cancelled(reason="there is no such choice")
        session.get_one(Order, (work.tenant, found.order_id), with_for_update=LOCK)
        row = session.get_one(Choice, (work.tenant, found.id), with_for_update=True, populate_existing=True)
        if choice_over.end_if_over(session, row, now=work.now()):
            queue.add(session, work.tenant, "reserve_stock", f"order/{row.order_id}")
            return Done()
        if row.state in OPEN:
            waits = _ask(session, work, row)
            if waits is not None:
                return waits
        if row.state in DECIDED and row.acted_at is None:
            return _act(session, work, row)
        return Done() if row.state in DECIDED else Cancelled(reason=f"the choice is {row.state}")


def _ask(session: Session, work: Work, row: Choice) -> Outcome | None:
    """What the clock says is to be done; None where the deadline has decided."""
    if tenants.mode_of(session, work.tenant) != "live":
        return Cancelled(reason="the shop only watches: its buyers are asked nothing")
    now = work.now()
    _tell(session, work, row, "asked")
    if row.state == "asked" and now >= row.remind_at and choosing.remind(session, row, now=now):
        _tell(session, work, row, "reminded")
    if now >= row.answer_by:
        held_back = choice_told.holds_something(session, work.tenant, row.order_id, choosing.units_of(row.short))
        choosing.decide_by_default(session, row, held_back=held_back, now=now)
        return None
    next_at = row.remind_at if row.state == "asked" else row.answer_by
    return Snoozed(wait_s=(next_at - now).total_seconds(), reason="The buyer has time to answer.")


def _tell(session: Session, work: Work, row: Choice, fact: str) -> None:
    notice = notices.want(session, work.tenant, row.order_id, choosing.subject_of(row.id), fact)
    if notice is not None:
        queue.add(session, work.tenant, "send_notice", f"notice/{notice}")


def _act(session: Session, work: Work, row: Choice) -> Outcome:
    """Have done what was chosen, by the ways that there are; what only waits can still be chosen anew."""
    said = choosing.answer_of(row)
    order = f"order/{row.order_id}"
    swaps = _still_to_swap(session, row, said.swapped)
    if swaps:
        return _swap(session, work, row, swaps)
    if said.refunded:
        if under_way(session, work.tenant, row.order_id) is not None:
            return Snoozed(wait_s=_LOOK_AGAIN_S, reason="Something else is being taken back of this order.")
        if not _take_off(session, work, row, said.refunded):
            return Done()  # a person looks at it; the released hold asks for the stock, and so for this job again
    elif said.rest == "now" or said.swapped:
        choosing.act(session, row, now=work.now())
    queue.add(session, work.tenant, "reserve_stock", order)
    return Done()


def _still_to_swap(session: Session, row: Choice, wanted: Mapping[int, int]) -> dict[int, int]:
    """What the store is still to be told. What is wanted no more, somebody has settled in the store itself."""
    left = swapping.left(session, row, wanted)
    if not left or swapping.asked(session, row.tenant_id, row.order_id):
        return left  # the store may have it already, and nobody has written that down yet
    still = choice_over.wanted_still(session, row)
    return {line: variant for line, variant in left.items() if line in still}


def _swap(session: Session, work: Work, row: Choice, swaps: Mapping[int, int]) -> Outcome:
    """Have the store told what is sent instead; where that was refused before, and a person said so, once more."""
    if not swapping.asked(session, work.tenant, row.order_id):
        if any(one.kind == swapping.HOLD for one in open_holds(session, work.tenant, row.order_id)):
            return Done()  # a person looks at it; the released hold asks for the stock, and so for this job again
        try:
            swapping.ask(session, row, swaps, choice_over.wanted_still(session, row))
        except swapping.Gone:
            what = "units of another variant"
            swapping.hold(session, work.tenant, row.order_id, what, _TAKEN, "Choose something else for the buyer.")
            return Done()
    queue.add(session, work.tenant, "swap_line", f"order/{row.order_id}")
    return Done()


def _take_off(session: Session, work: Work, row: Choice, lines: list[int]) -> bool:
    """A part cancellation: the money goes back the way it was paid, and the rest is planned anew.

    Answers whether the answer is done with; where nothing could be begun it stays open, and the order waits for a
    person.
    """
    units = choice_over.wanted_still(session, row)
    by, wanted = row.answered_by, {line: units[line] for line in lines if line in units}
    if not wanted:  # a wish for nothing would mean the whole order
        choosing.act(session, row, now=work.now())
        story.fact(session, work.tenant, row.order_id, "Nothing was taken off the order: it is not wanted any more.")
        return True
    wish = Wish(
        purpose="cancel_lines",
        wanted=wanted,
        reason="stock",
        origin="person" if by.startswith("person:") else "packline",
    )
    begun = taking_back.begin(session, work.tenant, row.order_id, wish, by=by, now=work.now())
    if not isinstance(begun, Begun):
        said = begun.reason if isinstance(begun, NotPossible) else ""
        holds.place(session, work.tenant, row.order_id, _not_taken_off(said), by="packline")
        return False
    choosing.act(session, row, now=work.now())
    queue.add(session, work.tenant, "reverse_order", f"order/{row.order_id}")
    return True


def _not_taken_off(said: str) -> Problem:
    return Problem(
        kind="operator",
        reason=f"What is out of stock is to be refunded, and could not be taken off the order. {said}".strip(),
        remedy="See to the cause and release the hold: it is tried again then. Or answer for the buyer once more.",
    )
