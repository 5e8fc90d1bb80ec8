"""Asks a buyer about the units that nobody has, and writes what was answered: by them, for them, or by the deadline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import update
from sqlalchemy.orm import Session

from orders import lifecycle, shortage, swapping
from orders.allocation import Pick
from orders.shortage import Answer, Asked, Units
from orders.signed_links import Link
from records import choices, notices, tenants, timeline
from records.choices import DECIDED, OPEN, Choice
from records.orders import lines_of
from records.reversals import under_way
from records.stock import Variant

BUYER = "person:the buyer"
# A buyer who comes late still reads what became of the order.
LINKS_OUTLIVE_DEADLINES = timedelta(days=30)


def standing(session: Session, tenant: int, order: int) -> Asked | None:
    """What the buyer of an order was asked last; None where they never were."""
    row = choices.latest_of(session, tenant, order)
    return None if row is None else _asked_of(session, row)


def units_of(kept: Mapping[str, int]) -> dict[int, int]:
    return {int(line): units for line, units in kept.items()}


def note(session: Session, tenant: int, order: int, short: Units, *, now: datetime) -> list[int]:
    """Bring the question to an order's buyer up to what is short now; answers the choices whose jobs have work to do.

    The order's row is locked by the caller, so that nobody is asked twice.
    """
    row = choices.latest_of(session, tenant, order)
    if not short:
        return _nothing_is_short(session, row, now=now)
    if row is not None and shortage.covers(_asked_of(session, row), short):
        if row.state in OPEN:
            row.short = _kept(short)  # a part has come: only the others can still be given up
        return []
    over = []
    if row is not None and row.state in OPEN:
        end(session, row, "Other units are short now.", now=now)
        over = [row.id]
    rules = tenants.rules_of(session, tenant)
    if not rules.ask_when_short:
        return over
    remind_at, answer_by = shortage.deadlines(rules, now=now)
    asked = Choice(
        tenant_id=tenant,
        order_id=order,
        short=_kept(short),
        unanswered=rules.when_unanswered,
        remind_at=remind_at,
        answer_by=answer_by,
    )
    session.add(asked)
    session.flush()
    return [*over, asked.id]


def give_time(session: Session, row: Choice, *, now: datetime) -> None:
    """The time for an open choice begins when the question is written to the buyer, however long that had to wait."""
    row.remind_at, row.answer_by = shortage.deadlines(tenants.rules_of(session, row.tenant_id), now=now)


def remind(session: Session, row: Choice, *, now: datetime) -> bool:
    """Note that the buyer is reminded now; who is reminded late has as long to answer as who is reminded in time."""
    answer_by = max(row.answer_by, now + (row.answer_by - row.remind_at))
    return lifecycle.move(session, row.tenant_id, "choice", row.id, "remind", answer_by=answer_by)


def _asked_of(session: Session, row: Choice) -> Asked:
    """What came by itself was never answered, and what came after all was: the next shortage is a new question.

    So is that of units whose line was given up, or swapped, once that is done.
    """
    short = units_of(row.short)
    if row.answered_by == "stock" or row.over_at is not None:
        return Asked(state="withdrawn", short=short)
    if row.acted_at is not None and under_way(session, row.tenant_id, row.order_id) is None:
        said = answer_of(row).lines
        short = {line: units for line, units in short.items() if said.get(line, shortage.WAIT) == shortage.WAIT}
    return Asked(state=row.state, short=short, rest=row.rest)


def _nothing_is_short(session: Session, row: Choice | None, *, now: datetime) -> list[int]:
    if row is None:
        return []
    row.over_at = row.over_at or now
    if row.acted_at is not None:
        return []
    if row.state in OPEN:
        ended = {"acted_at": now, "answered_by": "stock", "answered_at": now}
        if lifecycle.move(session, row.tenant_id, "choice", row.id, "stock_landed", **ended):
            _tell(session, row, "packline", "The buyer need not choose any more: nothing of the order is short.")
            return [row.id]
    elif row.state in DECIDED and not answer_of(row).refunded:
        row.acted_at = now  # what they waited for has come
    return []


def answer_due(session: Session, tenant: int, order: int) -> tuple[Choice | None, Sequence[Pick]]:
    """An answer that gives lines up, or swaps them, and was not done yet: until it is, nothing is reserved.

    What was held for swaps that are done is free from here on, to be taken for their new lines; it is answered too.
    """
    row = choices.latest_of(session, tenant, order)
    if row is None:
        return None, ()
    said = answer_of(row)
    if (said.refunded or said.swapped) and row.state in DECIDED and row.acted_at is None:
        return row, ()
    return None, swapping.let_go(session, tenant, order)  # by whichever question it was chosen


def answer(session: Session, row: Choice, said: Answer, *, by: str, now: datetime, reason: str = "") -> bool:
    """Write what a person chose; answers whether it counts now. What was acted on, or has ended, stays.

    The same answer again counts as given. The row is locked by the caller.
    """
    if row.state in DECIDED and row.acted_at is None and said == answer_of(row):
        return True
    if row.acted_at is not None:
        return False
    by_move = "answer" if row.state in OPEN else "think_again"
    moved = lifecycle.move(
        session, row.tenant_id, "choice", row.id, by_move,
        answers=_kept(said.lines), rest=said.rest, answered_by=by, answered_at=now, reason=reason,
    )  # fmt: skip
    if moved:
        because = f" Because: {reason}" if reason else ""
        _tell(session, row, by, f"Chosen: {_said(session, row, said)}{because}", kind="person")
    return moved


def decide_by_default(session: Session, row: Choice, *, held_back: bool, now: datetime) -> bool:
    """Let the deadline decide; answers whether it did, which is so once at most. The row is locked by the caller."""
    reached = any(one.state == "sent" for one in notices.about(session, row.tenant_id, subject_of(row.id)))
    said = shortage.by_default(row.unanswered, units_of(row.short), reached=reached, held_back=held_back)
    moved = lifecycle.move(
        session, row.tenant_id, "choice", row.id, "default",
        answers=_kept(said.lines), rest=said.rest, answered_by="packline", answered_at=now,
    )  # fmt: skip
    if moved:
        unreached = row.unanswered == shortage.REFUND and not reached
        why = " No mail has reached the buyer, so no money goes back by itself." if unreached else ""
        _tell(session, row, "packline", f"The buyer did not answer in time: {_said(session, row, said)}{why}")
    return moved


def act(session: Session, row: Choice, *, now: datetime) -> bool:
    """Make an answer final; answers whether it was not before."""
    done = session.execute(
        update(Choice)
        .where(Choice.tenant_id == row.tenant_id, Choice.id == row.id, Choice.acted_at.is_(None))
        .where(Choice.state.in_(DECIDED))
        .values(acted_at=now)
        .returning(Choice.id)
        .execution_options(synchronize_session="fetch")
    ).first()
    return done is not None


def withdraw(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """The order is cancelled: nothing is left to choose. An answer stays: it may be what cancels."""
    row = choices.latest_of(session, tenant, order)
    if row is not None and row.state in OPEN:
        end(session, row, "The order is being cancelled.", now=now)
    elif row is not None and row.acted_at is None:
        row.acted_at = now


def end_with_order(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """The order is closed: what nothing was done about is no question any more, answered or not."""
    row = choices.latest_of(session, tenant, order)
    if row is not None and row.acted_at is None:
        end(session, row, "The order is closed.", now=now)


def end(session: Session, row: Choice, why: str, *, now: datetime) -> bool:
    """Withdraw a choice that nothing was done about; answers whether this call did."""
    ended = lifecycle.move(session, row.tenant_id, "choice", row.id, "withdraw", answered_at=now, acted_at=now)
    if ended:
        _tell(session, row, "packline", f"The buyer need not choose any more. {why}")
    return ended


def answer_of(row: Choice) -> Answer:
    return Answer(lines={int(line): said for line, said in row.answers.items()}, rest=row.rest)


def link_of(row: Choice) -> Link:
    until = row.answer_by + LINKS_OUTLIVE_DEADLINES
    return Link(tenant=row.tenant_id, about=row.id, version=row.link_version, until=until)


def subject_of(choice: int) -> str:
    return f"choice/{choice}"


def _said(session: Session, row: Choice, said: Answer) -> str:
    lines = {line.id: line for line in lines_of(session, row.tenant_id, row.order_id)}
    words = {shortage.WAIT: "waited for", shortage.REFUND: "refunded"}
    for variant in said.swapped.values():
        instead = session.get_one(Variant, (row.tenant_id, variant))
        words[shortage.swap_for(variant)] = f"swapped for {instead.sku or instead.title}"
    parts = [
        f"{row.short.get(str(line), 0)} × {lines[line].sku or lines[line].title} {words[one]}"
        for line, one in sorted(said.lines.items())
        if line in lines
    ]
    rest = {"now": "; the rest leaves now", "together": "; the rest waits with it"}.get(said.rest, "")
    return f"{', '.join(parts)}{rest}."


def _kept(by_line: Mapping[int, object]) -> dict[str, object]:
    return {str(line): value for line, value in sorted(by_line.items())}


def _tell(session: Session, row: Choice, by: str, sentence: str, *, kind: str = "fact") -> None:
    timeline.write(session, row.tenant_id, row.order_id, actor=by, kind=kind, sentence=sentence, choice=row.id)
