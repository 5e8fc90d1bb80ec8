"""The steps of taking back that the store does in its own books, each of them done at most once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from integrations.nouns import Money, StoreOrder, StoreRefund, TakenBackLine
from integrations.ports import Keys, Permanent, Storefront
from jobs import outward
from jobs.outcomes import Outcome, Snoozed
from jobs.reverse_steps import InHand, act, done
from jobs.work import Work
from orders import counting_in, giving_back, refund_question, taking_back, wanted
from orders.reversal import PAID_IN_STORE
from records.intentions import Intention, find_intention
from records.orders import Order, OrderLine
from records.reversals import ReversalStep
from records.stock import Location

_LOOK_AGAIN_S = 3.0
# Shopify cancels in a background job of its own, of seconds as a rule, and nobody can see whether it still tries: so it
# is asked again now and then, and not at every look, for every asking may start another job that gives money back.
_ASK_AGAIN = timedelta(seconds=60)
# One that takes this long wants a person's look.
_STORE_MAY_TAKE = timedelta(hours=1)
_CANCELLING = "The store was asked to cancel the order and is at it."


def cancel_in_store(work: Work, step: InHand) -> Outcome | None:
    storefront = work.storefront(step.storefront)
    with work.reading() as session:
        asked = find_intention(session, work.tenant, step.key) if _was_asked(session, work.tenant, step) else None
    if asked is not None and not _ask_again(work, asked):
        ended = storefront.read_order(step.order_remote_id).snapshot.cancelled_at is not None
    else:
        ended = _ask_to_cancel(work, step, storefront)
    if not ended:
        return _not_yet(work, step)
    with work.writing() as session:
        outward.settle(session, work.tenant, step.key, "succeed", reference=step.order_remote_id)
        order = session.get_one(Order, (work.tenant, step.order))
        order.cancelled_at = order.cancelled_at or work.now()
        done(session, work, step, "The store has cancelled the order.")
    return None


def _was_asked(session: Session, tenant: int, step: InHand) -> bool:
    """Whether the store has said yes to being asked; a run that died before that asks again at once."""
    return session.get_one(ReversalStep, (tenant, step.id)).said == _CANCELLING


def _ask_again(work: Work, asked: Intention) -> bool:
    """Once a minute, counted from when it was asked first: in the first look of each minute."""
    waited = work.now() - asked.keyed_at
    return waited >= _ASK_AGAIN and waited % _ASK_AGAIN < timedelta(seconds=_LOOK_AGAIN_S)


def _ask_to_cancel(work: Work, step: InHand, storefront: Storefront) -> bool:
    return outward.once(
        work,
        act(step, request=step.order_remote_id),
        # No key is remembered there: the verb reads the order first and leaves a cancelled one alone.
        perform=lambda _keys: storefront.cancel_order(
            step.order_remote_id,
            reason=step.wish.reason,
            restock=True,
            refund=step.wish.refund and step.facts.store_holds_the_money,
            tell_buyer=step.wish.tell_buyer,
            note=step.wish.note,
        ),
    ).result


def _not_yet(work: Work, step: InHand) -> Outcome:
    with work.writing() as session:
        intention = find_intention(session, work.tenant, step.key)
        overdue = intention is not None and work.now() - intention.keyed_at > _STORE_MAY_TAKE
        if overdue:  # a person's retry asks anew, and gives it another hour
            outward.settle(session, work.tenant, step.key, "refuse", reason="The store did not do it in an hour.")
        taking_back.write_said(session, work.tenant, step.id, "" if overdue else _CANCELLING)
    if overdue:
        raise Permanent(
            "The store was asked to cancel the order and has not done so in an hour.",
            remedy="Look at the order in the store; retry, or cancel it there and skip this step.",
            code="store_did_not_cancel",
        )
    return Snoozed(wait_s=_LOOK_AGAIN_S, reason="The store is still cancelling the order.")


def refund_in_store(work: Work, step: InHand) -> Outcome | None:
    storefront = work.storefront(step.storefront)
    lines = _lines(work, storefront, step)
    amount = _quoted(work, storefront, step, lines)
    refunded = outward.once(
        work,
        act(
            step,
            request={
                "lines": [line.model_dump() for line in lines],
                "amount": None if amount is None else amount.model_dump(),
            },
        ),
        perform=lambda keys: _refund(storefront, step, lines, amount, keys),
        find=lambda keys: storefront.find_refund(step.order_remote_id, keys.mark),
    )
    # Somebody may have verified the order since the run that did this: then what came off is off already.
    store = storefront.read_order(step.order_remote_id) if refunded.adopted else None
    with work.writing() as session:
        by = "adopt" if refunded.adopted else "succeed"
        outward.settle(session, work.tenant, step.key, by, reference=refunded.result.remote_id)
        _take_off(session, work.tenant, step, store)
        done(session, work, step, _off_the_order(refunded.result, lines))
        refund_question.settle(session, work.tenant, step.order, by="packline", now=work.now())
    return None


def _lines(work: Work, storefront: Storefront, step: InHand) -> list[TakenBackLine]:
    """What comes off, and where the store is to count it in again: the store is asked at this moment, for it may have
    moved its work since.
    """
    if not step.plan.store_units:
        return []
    remote_ids = {line.id: line.remote_id for line in step.facts.lines}
    asked = storefront.read_order(step.order_remote_id).asked
    with work.reading() as session:
        first = _first_that_ships(session, work.tenant, step.storefront)
    return [
        TakenBackLine(line_remote_id=remote_ids[line], units=some, restock_at=place)
        for line, units in sorted(step.plan.store_units.items())
        for place, some in counting_in.places(
            units,
            [one for one in asked if one.line_remote_id == remote_ids[line]],
            lay=_lay(step, line),
            otherwise=first,
        ).items()
    ]


def _first_that_ships(session: Session, tenant: int, storefront: str) -> str:
    return (
        session.scalars(
            select(Location.remote_id)
            .where(Location.tenant_id == tenant, Location.connection_id == storefront, Location.ships)
            .order_by(Location.id)
            .limit(1)
        ).first()
        or ""
    )


def _lay(step: InHand, line: int) -> str:
    """Where units of a line stand or stood last, of what does not leave."""
    there = [one for one in step.facts.shipments if one.units.get(line) and not one.left]
    return there[-1].location_remote_id if there else ""


def _quoted(work: Work, storefront: Storefront, step: InHand, lines: Sequence[TakenBackLine]) -> Money | None:
    """What goes back for these units: the store's own sum, asked once and committed before any money moves.

    None where the store moves none. What payment providers give back is written on their own steps.
    """
    if not step.wish.refund or not lines:
        return None
    if step.facts.store_holds_the_money:
        return _quoted_for_the_store(work, storefront, step, lines)
    with work.reading() as session:
        intention = find_intention(session, work.tenant, step.key)
    may_have_been_taken_off = intention is not None and intention.state == "intended"
    if giving_back.is_anything_paid(step.facts) and not may_have_been_taken_off:
        amount = storefront.quote_refund(step.order_remote_id, lines).amount
        with work.writing() as session:
            _share_out(session, work.tenant, step, amount)
    return None


def _quoted_for_the_store(
    work: Work, storefront: Storefront, step: InHand, lines: Sequence[TakenBackLine]
) -> Money | None:
    if step.facts.standing not in PAID_IN_STORE:
        return None
    if step.amount_minor is not None:
        return Money(minor=step.amount_minor, currency=step.currency) if step.amount_minor else None
    amount = storefront.quote_refund(step.order_remote_id, lines).amount
    with work.writing() as session:
        _write_amount(session, work.tenant, step.id, amount)
    return amount if amount.minor else None


def _share_out(session: Session, tenant: int, step: InHand, amount: Money) -> None:
    """Write on each refund what it gives back, and ask a person about what none of them can."""
    shares = giving_back.split(amount.minor, step.facts.payments)
    for payment, id in _steps_without_amount(session, tenant, step.reversal).items():
        _write_amount(session, tenant, id, Money(minor=shares.get(payment, 0), currency=amount.currency))
    rest = giving_back.beyond(amount.minor, step.facts)
    if rest:
        asked = giving_back.by_hand(step.order, Money(minor=rest, currency=amount.currency))
        taking_back.write_step(session, tenant, step.reversal, asked, _behind_all(session, tenant, step.reversal))


def _behind_all(session: Session, tenant: int, reversal: int) -> int:
    last = session.scalars(
        select(func.max(ReversalStep.position)).where(
            ReversalStep.tenant_id == tenant, ReversalStep.reversal_id == reversal
        )
    ).one()
    return (last or 0) + 1


def _steps_without_amount(session: Session, tenant: int, reversal: int) -> dict[int, int]:
    """The refunds whose amount nobody knows yet: step by payment."""
    rows = session.execute(
        select(ReversalStep.subject, ReversalStep.id).where(
            ReversalStep.tenant_id == tenant,
            ReversalStep.reversal_id == reversal,
            ReversalStep.kind == "refund_payment",
            ReversalStep.state == "due",
            ReversalStep.amount_minor.is_(None),
        )
    )
    return {int(row.subject.rpartition("/")[2]): row.id for row in rows}


def _write_amount(session: Session, tenant: int, step: int, amount: Money) -> None:
    session.execute(
        update(ReversalStep)
        .where(ReversalStep.tenant_id == tenant, ReversalStep.id == step)
        .values(amount_minor=amount.minor, currency=amount.currency)
    )


def _refund(
    storefront: Storefront, step: InHand, lines: Sequence[TakenBackLine], amount: Money | None, keys: Keys
) -> StoreRefund:
    if not lines:  # an act of which nobody knew the end was not done, and the store took the units off by itself since
        return StoreRefund(amount=Money(minor=0, currency=step.facts.currency))
    return storefront.refund(
        step.order_remote_id,
        lines,
        amount=amount,
        keys=keys,
        tell_buyer=step.wish.tell_buyer,
        note=step.wish.note,
    )


def _take_off(session: Session, tenant: int, step: InHand, store: StoreOrder | None) -> None:
    """What the store took off is not shipped. Its own answer is set where there is one: it may stand there already.

    Where the store was asked just now, nobody has written it yet: work on one order is done one after the other.
    """
    if store is not None:
        if store.routed:
            wanted.write(session, tenant, step.order, store)
        return
    for line, units in step.plan.store_units.items():
        session.execute(
            update(OrderLine)
            .where(OrderLine.tenant_id == tenant, OrderLine.id == line)
            .values(to_ship=OrderLine.to_ship - units)
        )


def _off_the_order(refund: StoreRefund, lines: Sequence[TakenBackLine]) -> str:
    units = sum(line.units for line in lines)
    back = f" and gives {refund.amount} back" if refund.amount.minor else ""
    return f"The store takes {units} {'unit' if units == 1 else 'units'} off the order{back}."
