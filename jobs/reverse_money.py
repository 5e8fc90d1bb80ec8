"""The steps of taking back that concern the store's own books and the buyer's money, each of them done at most once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from integrations.nouns import Money, PaymentFact, StoreRefund, TakenBackLine
from integrations.ports import Permanent, Storefront
from jobs import outward
from jobs.outcomes import Outcome, Snoozed
from jobs.reverse_steps import InHand, act, done
from jobs.work import Work
from orders import giving_back, money
from records.intentions import find_intention
from records.orders import Order, OrderLine, Payment
from records.reversals import ReversalStep
from records.stock import Location

_LOOK_AGAIN_S = 3.0
# Shopify cancels in a background job of its own, of seconds as a rule; one that takes this long wants a person's look.
_STORE_MAY_TAKE = timedelta(hours=1)
# Where the store knows of a payment that it can give back.
_PAID = frozenset({"paid", "part_paid", "part_refunded"})


def cancel_in_store(work: Work, step: InHand) -> Outcome | None:
    storefront = work.storefront(step.storefront)
    ended = outward.once(
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
    if not ended:
        return _not_yet(work, step)
    with work.writing() as session:
        outward.settle(session, work.tenant, step.key, "succeed", reference=step.order_remote_id)
        order = session.get_one(Order, (work.tenant, step.order))
        order.cancelled_at = order.cancelled_at or work.now()
        done(session, work, step, "The store has cancelled the order.")
    return None


def _not_yet(work: Work, step: InHand) -> Outcome:
    with work.reading() as session:
        intention = find_intention(session, work.tenant, step.key)
    if intention is not None and work.now() - intention.created_at > _STORE_MAY_TAKE:
        raise Permanent(
            "The store was asked to cancel the order and has not done so in an hour.",
            remedy="Look at the order in the store; retry, or cancel it there and skip this step.",
            code="store_did_not_cancel",
        )
    return Snoozed(wait_s=_LOOK_AGAIN_S, reason="The store is still cancelling the order.")


def refund_in_store(work: Work, step: InHand) -> Outcome | None:
    storefront = work.storefront(step.storefront)
    with work.reading() as session:
        lines = _lines(session, work.tenant, step)
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
        perform=lambda keys: storefront.refund(
            step.order_remote_id,
            lines,
            amount=amount,
            keys=keys,
            tell_buyer=step.wish.tell_buyer,
            note=step.wish.note,
        ),
        find=lambda keys: storefront.find_refund(step.order_remote_id, keys.mark),
    )
    with work.writing() as session:
        by = "adopt" if refunded.adopted else "succeed"
        outward.settle(session, work.tenant, step.key, by, reference=refunded.result.remote_id)
        _take_off(session, work.tenant, step)
        done(session, work, step, _off_the_order(refunded.result, lines))
    return None


def _lines(session: Session, tenant: int, step: InHand) -> list[TakenBackLine]:
    """What comes off, and where the store is to count it in again: where it lay, else the first location that ships."""
    remote_ids = {line.id: line.remote_id for line in step.facts.lines}
    first = session.scalars(
        select(Location.remote_id).where(Location.tenant_id == tenant, Location.ships).order_by(Location.id).limit(1)
    ).first()
    return [
        TakenBackLine(line_remote_id=remote_ids[line], units=units, restock_at=_lay(step, line) or first or "")
        for line, units in sorted(step.plan.store_units.items())
    ]


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
        payments = _steps_without_amount(session, work.tenant, step.reversal)
    if payments:
        amount = storefront.quote_refund(step.order_remote_id, lines).amount
        shares = giving_back.split(amount.minor, step.facts.payments)
        with work.writing() as session:
            for payment, id in payments.items():
                _write_amount(session, work.tenant, id, Money(minor=shares.get(payment, 0), currency=amount.currency))
    return None


def _quoted_for_the_store(
    work: Work, storefront: Storefront, step: InHand, lines: Sequence[TakenBackLine]
) -> Money | None:
    if step.facts.standing not in _PAID:
        return None
    if step.amount_minor is not None:
        return Money(minor=step.amount_minor, currency=step.currency) if step.amount_minor else None
    amount = storefront.quote_refund(step.order_remote_id, lines).amount
    with work.writing() as session:
        _write_amount(session, work.tenant, step.id, amount)
    return amount if amount.minor else None


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


def _take_off(session: Session, tenant: int, step: InHand) -> None:
    """What the store took off is not shipped; what it took off before had been written when it said so."""
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


def cancel_payment(work: Work, step: InHand) -> Outcome | None:
    payment, fresh = _fresh(work, step)
    if fresh.captured_minor:  # it was taken meanwhile: the plan of now gives it back instead
        with work.writing() as session:
            outward.settle(session, work.tenant, step.key, "abandon", reason="The money was captured meanwhile.")
        return None
    payments = work.payments(payment.connection_id)
    fact = outward.once(
        work,
        act(step, request=payment.remote_id),
        perform=lambda keys: payments.cancel(payment.remote_id, key=keys.idempotency),
    ).result
    with work.writing() as session:
        _record(session, work, payment, fact)
        outward.settle(session, work.tenant, step.key, "succeed", reference=payment.remote_id)
        done(session, work, step, f"The authorisation of payment {payment.remote_id} is given up.")
    return None


def refund_payment(work: Work, step: InHand) -> Outcome | None:
    payment, fresh = _fresh(work, step)
    amount = _amount(step, fresh)
    payments = work.payments(payment.connection_id)

    def found(mark: str) -> PaymentFact | None:
        return None if payments.find_refund(payment.remote_id, mark) is None else fresh

    given = outward.once(
        work,
        act(step, request={"payment": payment.remote_id, "minor": amount.minor}),
        perform=lambda keys: (
            payments.refund(payment.remote_id, amount_minor=amount.minor, keys=keys) if amount.minor else fresh
        ),
        find=lambda keys: found(keys.mark),
    )
    with work.writing() as session:
        _record(session, work, payment, given.result)
        by = "adopt" if given.adopted else "succeed"
        outward.settle(session, work.tenant, step.key, by, reference=payment.remote_id)
        done(session, work, step, _given_back(amount, payment, adopted=given.adopted))
    return None


def _amount(step: InHand, fresh: PaymentFact) -> Money:
    """What is given back now: never more than the provider says is left."""
    left = max(0, fresh.captured_minor - fresh.refunded_minor)
    if step.plan.whole:
        return Money(minor=left, currency=fresh.amount.currency)
    if step.amount_minor is None or step.currency != fresh.amount.currency:
        raise Permanent(
            f"Nobody knows how much of payment {step.remote_id} goes back for these units: "
            "the store did not say, or says so in another currency.",
            remedy="Give the money back at the payment provider, then skip this step.",
            code="amount_unknown",
        )
    return Money(minor=min(step.amount_minor, left), currency=fresh.amount.currency)


def _given_back(amount: Money, payment: Payment, *, adopted: bool) -> str:
    if adopted:
        return f"The money of payment {payment.remote_id} had gone back already; that was found and taken over."
    if not amount.minor:
        return f"Nothing is left of payment {payment.remote_id} to give back."
    return f"{amount} go back to the buyer from payment {payment.remote_id}."


def _fresh(work: Work, step: InHand) -> tuple[Payment, PaymentFact]:
    """The payment as the provider has it at this moment."""
    with work.reading() as session:
        payment = session.get_one(Payment, (work.tenant, step.subject_id))
    fresh = work.payments(payment.connection_id).read_payment(payment.remote_id)
    with work.writing() as session:
        _record(session, work, payment, fresh)
    return payment, fresh


def _record(session: Session, work: Work, payment: Payment, fact: PaymentFact) -> None:
    money.record(session, work.tenant, payment.connection_id, fact)
