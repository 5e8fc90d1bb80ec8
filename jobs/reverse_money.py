"""The steps of taking back that concern the buyer's money at payment providers, each of them done at most once."""

from __future__ import annotations

from sqlalchemy.orm import Session

from integrations.nouns import Money, PaymentFact
from integrations.ports import Permanent
from jobs import outward
from jobs.outcomes import Outcome
from jobs.reverse_steps import InHand, act, done
from jobs.work import Work
from orders import money
from records.orders import Payment


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
        perform=lambda keys: payments.refund(payment.remote_id, amount=amount, keys=keys) if amount.minor else fresh,
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
