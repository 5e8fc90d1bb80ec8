"""What each fact from outside means here: the records that change and the work that it calls for."""

from __future__ import annotations

import structlog
from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import (
    AboutGoods,
    AppUninstalled,
    BuyerDataWanted,
    BuyerToForget,
    Fact,
    Ignored,
    LabelVoided,
    OrderCancelled,
    OrderChanged,
    ParcelMoved,
    PaymentChanged,
    PaymentDisputed,
    RefundFailed,
    ScopesChanged,
    ShopToForget,
    VoidState,
    WorkRouted,
)
from jobs import hearing, outward, privacy, queue
from orders import (
    backorders,
    cancelling,
    digital,
    gone_astray,
    handed_over,
    holds,
    money,
    next_steps,
    placing,
    postage,
    refund_question,
    relabelling,
    taking_back,
    told_ready,
    tracking,
)
from orders.holds import Problem
from orders.reversing import Wish
from orders.taking_back import Begun
from records import tenants
from records.orders import Order, Payment, open_holds
from records.shipments import Label

log = structlog.get_logger(__name__)

# What has not left can still be held, planned or let be.
STILL_OPEN = frozenset({"received", "verified", "released", "watched", "allocated", "shipping"})
# The states in which a changed order is looked at again: the store may ask for more of one that was complete.
LOOKED_AT = STILL_OPEN | {"fulfilled", "closed"}
_STOPPED = frozenset({"cancelling", "cancelled"})


Source = hearing.Source
Heard = hearing.Heard


def hear(session: Session, source: Source, fact: Fact, *, work_order: str | None = None) -> Heard:
    """Act on one fact. `work_order` is the order of routed work, which the fact itself does not name."""
    match fact:
        case Ignored(reason=reason):
            return Heard(by="ignore", reason=reason)
        case OrderChanged():
            return _order_changed(session, source, fact)
        case OrderCancelled():
            return _order_cancelled(session, source, fact)
        case WorkRouted():
            return _work_routed(session, source, fact, work_order)
        case AboutGoods():
            return hearing.of_goods(session, source, fact)
        case PaymentChanged():
            return _payment_changed(session, source, fact)
        case PaymentDisputed():
            return _payment_disputed(session, source, fact)
        case RefundFailed():
            return _refund_failed(session, source, fact)
        case ParcelMoved():
            return _parcel_moved(session, source, fact)
        case LabelVoided():
            return _label_voided(session, source, fact)
        case BuyerDataWanted() | BuyerToForget() | ShopToForget() | AppUninstalled() | ScopesChanged():
            filed = privacy.hear(session, source, fact)
            return Heard(by=filed.by, subject=filed.subject, reason=filed.reason)


def _order_changed(session: Session, source: Source, fact: OrderChanged) -> Heard:
    if fact.snapshot is None:
        order = placing.placeholder(session, source.tenant, source.connection, fact.remote_id)
        look_again(session, source.tenant, order.id, order.state)
        return Heard(by="take", subject=f"order/{order.id}")
    taken = placing.take(
        session, source.tenant, source.connection, fact.snapshot, said_by=source.vendor, final=source.asked
    )
    if taken.is_new or taken.differs or taken.contradicts or _may_be_shipped(session, source, taken):
        look_again(session, source.tenant, taken.order, taken.state)
    elif taken.standing_changed:
        queue.add(session, source.tenant, "check_payment", f"order/{taken.order}")
    if taken.is_new:
        match_waiting_payments(session, source.tenant, taken.order)
    if fact.snapshot.cancelled_at is not None and taken.newer:
        _cancel(session, source, taken.order)
    return Heard(by="take", subject=f"order/{taken.order}")


def _may_be_shipped(session: Session, source: Source, taken: placing.Taken) -> bool:
    """Whether the merchant may ship the order by hand: a newer version may say so, and differ in nothing else.

    They do where the shop only watches, and where an order waits for units that they have found after all, for a
    label, for its buyer to come for it, or for something to be delivered by mail.
    """
    if not taken.newer:
        return False
    if tenants.mode_of(session, source.tenant) != "live":
        return True
    if any(hold.kind in {"stock", "barred", "not_split"} for hold in open_holds(session, source.tenant, taken.order)):
        return True
    if handed_over.may_leave_there(session, source.tenant, taken.order):
        return True
    return bool(digital.owed(session, source.tenant, taken.order))


def look_again(session: Session, tenant: int, order: int, state: str) -> None:
    """Have an order verified, now or anew. One that is cancelled stays so."""
    if state in LOOKED_AT:
        queue.add(session, tenant, "verify_order", f"order/{order}")


def _order_cancelled(session: Session, source: Source, fact: OrderCancelled) -> Heard:
    order = placing.placeholder(session, source.tenant, source.connection, fact.remote_id)
    if order.cancelled_at is None:
        order.cancelled_at = fact.at
    _cancel(session, source, order.id)
    return Heard(by="take", subject=f"order/{order.id}")


def _cancel(session: Session, source: Source, order: int) -> None:
    wish = Wish(purpose="cancel", origin="store")
    begun = taking_back.begin(session, source.tenant, order, wish, by=source.vendor, now=source.now)
    if isinstance(begun, Begun):
        queue.add(session, source.tenant, "reverse_order", f"order/{order}")


def _work_routed(session: Session, source: Source, fact: WorkRouted, work_order: str | None) -> Heard:
    order = session.scalars(
        select(Order).where(
            Order.tenant_id == source.tenant,
            Order.connection_id == source.connection,
            Order.remote_id == (work_order or ""),
        )
    ).first()
    if order is None:
        return Heard(by="ignore", reason="The work belongs to no order that Packline has.")
    if fact.made_ready:
        told_ready.hear(session, source.tenant, order.id)
    if order.state in STILL_OPEN:
        queue.add(session, source.tenant, "verify_order", f"order/{order.id}")
    for shipment in cancelling.waiting_for_the_store(session, source.tenant, order.id):
        queue.add(session, source.tenant, "push_tracking", f"shipment/{shipment}", lane=f"order/{order.id}")
    return Heard(by="take", subject=f"order/{order.id}")


def _payment_changed(session: Session, source: Source, fact: PaymentChanged) -> Heard:
    payment = money.record(session, source.tenant, source.connection, fact.fact)
    if payment.order_id is None:
        queue.add(session, source.tenant, "match_payment", f"payment/{payment.id}")
        return Heard(by="take", subject=f"payment/{payment.id}")
    payment_counts(session, source.tenant, payment, said_by=source.vendor)
    return Heard(by="take", subject=f"order/{payment.order_id}")


def payment_counts(session: Session, tenant: int, payment: Payment, *, said_by: str) -> None:
    """Tell an order of its payment: have the gate looked at, and the storefront told once it is paid."""
    if payment.order_id is None:
        return
    money.tell(session, tenant, payment, said_by=said_by)
    if payment.disputed:
        _hold_for_dispute(session, tenant, payment.order_id, "told before its order was known", by=said_by)
    subject = f"order/{payment.order_id}"
    if session.get_one(Order, (tenant, payment.order_id)).state in _STOPPED:
        if refund_question.concerns(session, tenant, payment, said_by=said_by):
            queue.add(session, tenant, "reverse_order", subject)
        return
    queue.add(session, tenant, "check_payment", subject)
    if payment.captured_minor > payment.refunded_minor:
        queue.add(session, tenant, "mark_paid", f"payment/{payment.id}", lane=subject)


def match_waiting_payments(session: Session, tenant: int, order: int) -> None:
    """Find the payments that arrived before their order did."""
    for payment in money.waiting_for(session, tenant, order):
        queue.add(session, tenant, "match_payment", f"payment/{payment}")


def _payment_disputed(session: Session, source: Source, fact: PaymentDisputed) -> Heard:
    payment = money.dispute(session, source.tenant, source.connection, fact)
    if payment is None:
        return Heard(
            by="park", reason=f"A dispute over payment {fact.payment_remote_id}, which Packline does not know."
        )
    if payment.order_id is None:
        return Heard(by="take", subject=f"payment/{payment.id}")
    if payment.disputed:
        _hold_for_dispute(session, source.tenant, payment.order_id, fact.reason, by=source.vendor)
    else:
        _dispute_is_over(session, source, payment, payment.order_id)
    return Heard(by="take", subject=f"order/{payment.order_id}")


def _dispute_is_over(session: Session, source: Source, payment: Payment, order: int) -> None:
    """The money can be given back again: of an order that was stopped meanwhile, somebody is asked about it."""
    released = holds.release(session, source.tenant, order, "dispute", by=source.vendor, now=source.now)
    if session.get_one(Order, (source.tenant, order)).state in _STOPPED:
        if refund_question.concerns(session, source.tenant, payment, said_by=source.vendor):
            queue.add(session, source.tenant, "reverse_order", f"order/{order}")
    elif released:
        resume(session, source.tenant, order)


def _hold_for_dispute(session: Session, tenant: int, order: int, reason: str, *, by: str) -> None:
    problem = Problem(
        kind="dispute",
        reason=f"The buyer's bank disputes the payment ({reason or 'no reason given'}).",
        remedy="Answer the dispute at the payment provider; release the hold only if you want to ship anyway.",
    )
    holds.place(session, tenant, order, problem, by=by)


def _refund_failed(session: Session, source: Source, fact: RefundFailed) -> Heard:
    """The payment was read anew before: what is left to say is that a buyer waits for money."""
    payment = money.find(session, source.tenant, source.connection, fact.payment_remote_id)
    if payment is None:
        return Heard(by="park", reason=f"A refund of payment {fact.payment_remote_id}, which Packline does not know.")
    if payment.order_id is None:
        return Heard(by="take", subject=f"payment/{payment.id}")
    problem = Problem(
        kind="refund_failed",
        reason=f"Refund {fact.refund_remote_id} of {fact.amount} failed ({fact.reason}): the buyer did not get it.",
        remedy="Give the buyer the money in another way or refund it again; release the hold to ship what is left.",
    )
    holds.settle(session, source.tenant, payment.order_id, [problem], looked_for=(), by=source.vendor, now=source.now)
    queue.add(session, source.tenant, "check_payment", f"order/{payment.order_id}")
    return Heard(by="take", subject=f"order/{payment.order_id}")


def _parcel_moved(session: Session, source: Source, fact: ParcelMoved) -> Heard:
    parcel = tracking.find_parcel(session, source.tenant, fact.progress)
    if parcel is None:
        return Heard(by="ignore", reason=_whose_tracker(session, source, fact))
    moved = tracking.record(session, source.tenant, parcel, fact.progress, said_by=source.vendor)
    if moved.new_scans:
        queue.add(session, source.tenant, "report_parcel", f"parcel/{parcel.id}")
    astray = gone_astray.left_all_the_same(session, source.tenant, moved.order) if moved.status_changed else None
    if astray is not None:
        holds.settle(session, source.tenant, moved.order, [astray], looked_for=(), by=source.vendor, now=source.now)
    return Heard(by="take", subject=f"order/{parcel.order_id}")


def _whose_tracker(session: Session, source: Source, fact: ParcelMoved) -> str:
    replaced = tracking.find_replaced(session, source.tenant, fact.progress)
    if replaced is None:
        return "No parcel of Packline's has this tracker or tracking code."
    return f"The label {replaced.tracking_code} was replaced: its parcel travels with another one."


def _label_voided(session: Session, source: Source, fact: LabelVoided) -> Heard:
    label = session.scalars(
        select(Label).where(Label.tenant_id == source.tenant, Label.shipment_ref == fact.shipment_ref)
    ).first()
    if label is None:
        return Heard(by="ignore", reason="No label of Packline's has this shipment.")
    if fact.state is VoidState.DONE:
        not_by_us = label.state == "bought"
        key = postage.void_key(label)
        cancelling.label_is_void(session, source.tenant, label)
        outward.settle(session, source.tenant, key, "succeed", reference=fact.shipment_ref)
        if not_by_us:
            relabelling.given_back(session, source.tenant, label)
    return Heard(by="take", subject=f"order/{label.order_id}")


def resume(session: Session, tenant: int, order: int) -> None:
    """Set going whatever the order needs next."""
    row = session.get(Order, (tenant, order))
    if row is None:
        return
    for kind, subject in next_steps.of(session, tenant, row):
        queue.add(session, tenant, kind, subject, lane="" if "notice/" in subject else f"order/{order}")


def fill_backorders(session: Session, tenant: int) -> None:
    """Have every order that waits for stock looked at again, the one that waits longest first."""
    queue.add_all(session, tenant, "reserve_stock", backorders.lanes_of_who_waits(session, tenant))
