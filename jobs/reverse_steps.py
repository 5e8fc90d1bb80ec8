"""The steps of taking back that concern work, labels and stock; each is written in the transaction that ends it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel
from jobs import (
    announcements,
    change_address,
    closing,
    deliver_digital,
    drop_shipping,
    hearing,
    intake,
    looking_again,
    outward,
    queue,
    story,
    swap_line,
    tell_stock,
)  # fmt: skip
from jobs.outcomes import Outcome, Snoozed
from jobs.outward import Act
from jobs.work import Work
from orders import inventory, lifecycle, postage, progress, readdressing, taking_back, told_ready
from orders.freshening import Fresh
from orders.reversing import Facts, Plan, Wish
from records.digital import DigitalDelivery
from records.intentions import find_intention
from records.jobs import Job
from records.orders import LOCK, Order
from records.reversals import Reversal, ReversalStep
from records.shipments import Label

# What is pointless for an order of which nothing is left, and what is planned anew where a part is.
_POINTLESS = (
    "verify_order", "check_payment", "reserve_stock", "buy_label", "relabel_parcel", "push_tracking",
    "replace_tracking", "capture_payment", "mark_paid", "ask_buyer", "deliver_digital", "change_address",
    "tell_ready", "swap_line",
)  # fmt: skip
_PLANNED_ANEW = ("reserve_stock", "buy_label", "push_tracking", "tell_ready")
# EasyPost's own limit for a purchase is 90 seconds; after that it is bought or it is not.
PURCHASE_MAY_TAKE = timedelta(seconds=100)


@dataclass(frozen=True, kw_only=True)
class InHand:
    """A step that is being done, with all that it needs, read in one go."""

    id: int
    kind: str
    subject: str
    remote_id: str
    units: int
    amount_minor: int | None
    currency: str
    order: int
    order_name: str
    order_remote_id: str
    storefront: str
    reversal: int
    wish: Wish
    plan: Plan
    facts: Facts

    @property
    def key(self) -> str:
        return f"reverse/{self.id}"

    @property
    def subject_id(self) -> int:
        return int(self.subject.rpartition("/")[2])


def in_hand(session: Session, work: Work, reversal: Reversal, fresh: Fresh, step: ReversalStep) -> InHand:
    order = session.get_one(Order, (work.tenant, reversal.order_id))
    return InHand(
        id=step.id,
        kind=step.kind,
        subject=step.subject,
        remote_id=step.remote_id,
        units=step.units,
        amount_minor=step.amount_minor,
        currency=step.currency,
        order=order.id,
        order_name=order.name,
        order_remote_id=order.remote_id,
        storefront=order.connection_id,
        reversal=reversal.id,
        wish=taking_back.wish_of(reversal),
        plan=fresh.plan,
        facts=fresh.facts,
    )


def done(session: Session, work: Work, step: InHand, said: str, *, tell: bool = True) -> None:
    """Write a step's end, and a line of the story where it changed something."""
    taking_back.finish_step(session, work.tenant, step.id, said, now=work.now())
    if tell:
        story.tell(session, work, step.order, said, step=step.id)


def act(step: InHand, **more: object) -> Act:
    return Act(key=step.key, kind=step.kind, subject=step.subject, **more)  # type: ignore[arg-type]


def stop_work(work: Work, step: InHand) -> Outcome | None:
    kinds = _POINTLESS if step.wish.purpose == "cancel" else _PLANNED_ANEW
    why = "The order was cancelled." if step.wish.purpose == "cancel" else "The order is planned anew."
    with work.writing() as session:
        # Before its jobs and purchase orders, as suppliers lock them who answer at this moment.
        session.get_one(Order, (work.tenant, step.order), with_for_update=LOCK, populate_existing=True)
        if step.wish.purpose == "cancel":
            swap_line.drop(session, work.tenant, step.order, why, now=work.now())
        stopped = session.execute(
            update(Job)
            .where(
                Job.tenant_id == work.tenant,
                Job.lane == f"order/{step.order}",
                Job.id != work.claim.id,
                Job.kind.in_(kinds),
                Job.state.in_(("due", "parked")),
            )
            .values(state="cancelled", cause="unwanted", reason=why, ended_at=work.now())
            .returning(Job.kind, Job.subject)
        ).all()
        for job in stopped:
            if job.kind == "tell_ready":
                key = told_ready.key_of(int(job.subject.rpartition("/")[2]))
                outward.settle(session, work.tenant, key, "abandon", reason=why)
        if step.wish.purpose == "cancel":
            drop_shipping.withdraw(session, work.tenant, step.order, now=work.now())
            elsewhere = readdressing.asked(session, work.tenant, step.order)
            if elsewhere is not None:
                change_address.drop(session, work.tenant, elsewhere, why, now=work.now())
        done(session, work, step, f"{len(stopped)} jobs stopped.", tell=False)
    return None


def settle_label(work: Work, step: InHand) -> Outcome | None:
    """A purchase that was meant may have happened: what was bought is written as bought, and goes back like others."""
    with work.reading() as session:
        label = session.get_one(Label, (work.tenant, step.subject_id))
        may_take = _may_still_take(session, work, label)
    bought = work.carrier(label.connection_id).find_label(label.shipment_ref) if label.shipment_ref else None
    if bought is None and may_take > timedelta(0):
        return Snoozed(wait_s=may_take.total_seconds(), reason="A purchase may still be under way at the carrier.")
    with work.writing() as session:
        said = _settled(session, work, label, bought)
        done(session, work, step, said)
    return None


def _may_still_take(session: Session, work: Work, label: Label) -> timedelta:
    """How much longer a purchase that was begun may take: nothing where none is open."""
    intention = find_intention(session, work.tenant, f"label/{label.id}")
    if intention is None or intention.state != "intended":
        return timedelta(0)
    started = session.execute(
        select(func.max(Job.started_at)).where(
            Job.tenant_id == work.tenant, Job.kind == "buy_label", Job.subject == f"parcel/{label.parcel_id}"
        )
    ).scalar_one()
    return PURCHASE_MAY_TAKE - (work.now() - max(started or intention.keyed_at, intention.keyed_at))


def _settled(session: Session, work: Work, label: Label, bought: BoughtLabel | None) -> str:
    key = f"label/{label.id}"
    if bought is None:
        lifecycle.move(session, work.tenant, "label", label.id, "fail")
        outward.settle(session, work.tenant, key, "abandon", reason="The parcel does not leave.")
        return f"No label was bought for parcel {label.parcel_id}."
    outward.settle(session, work.tenant, key, "adopt", reference=bought.shipment_ref)
    postage.record(session, work.tenant, label.id, bought, now=work.now())
    return f"A label had been bought for parcel {label.parcel_id} already: {bought.tracking_code}."


def settle_announcement(work: Work, step: InHand) -> Outcome | None:
    """What the store shows is written as announced, and taken back like what was; a half of it is not let stand."""
    seen = announcements.look(work, step.subject_id)
    if seen.waits is not None:
        return seen.waits
    if seen.shown and not seen.whole and step.wish.purpose != "cancel":
        seen = announcements.complete(work, seen)
    with work.writing() as session:
        said = announcements.settle(session, work, seen)
        done(session, work, step, said, tell=not seen.shown)
    return None


def release_stock(work: Work, step: InHand) -> Outcome | None:
    with work.writing() as session:
        # What is cancelled is asked for no more either: only of an order that goes on does that mean that it was sent.
        replans = step.wish.purpose == "replan"
        gone = progress.left_there(session, work.tenant, step.order, step.subject_id) if replans else {}
        lifecycle.move(session, work.tenant, "shipment", step.subject_id, "cancel")
        units = inventory.release_shipment(session, work.tenant, step.order, step.subject_id, actor="packline")
        units -= inventory.left_there(session, work.tenant, step.order, step.subject_id, gone, actor="packline")
        tell_stock.ask_about_unsold(session, work.tenant, step.order)
        why = ": the store shows that somebody has sent it" if gone else ""
        done(session, work, step, f"Shipment {step.subject_id} does not leave{why}; {units} units are free again.")
        if gone or any(one.id == step.subject_id and one.unasked for one in step.facts.shipments):
            # What the store asks for no more may have been handed over there, or sent: the shelf tells.
            hearing.of_order(session, work.tenant, step.order, now=work.now())
        if units:
            intake.fill_backorders(session, work.tenant)
        else:
            looking_again.at_what_was_not_found(session, work.tenant)
    return None


def cancel_delivery(work: Work, step: InHand) -> Outcome | None:
    """What was delivered by mail: the store does not show it any more, and the buyer's page neither."""
    _cancel_shown(work, step)
    with work.writing() as session:
        outward.settle(session, work.tenant, step.key, "succeed", reference=step.remote_id)
        row = session.get_one(DigitalDelivery, (work.tenant, step.subject_id))
        row.fulfillments = [one for one in row.fulfillments or () if one != step.remote_id] or None
        done(session, work, step, "The store does not show the digital delivery any more.")
    return None


def _cancel_shown(work: Work, step: InHand) -> None:
    storefront = work.storefront(step.storefront)
    outward.once(
        work,
        act(step, request=step.remote_id),
        # The storefront keeps no key of ours; the verb reads first, and leaves alone what was cancelled before.
        perform=lambda _keys: storefront.cancel_shipped(step.remote_id),
    )


def cancel_fulfillment(work: Work, step: InHand) -> Outcome | None:
    _cancel_shown(work, step)
    with work.writing() as session:
        outward.settle(session, work.tenant, step.key, "succeed", reference=step.remote_id)
        done(session, work, step, f"The store does not show shipment {step.subject_id} as shipped any more.")
    return None


def put_back_stock(work: Work, step: InHand) -> Outcome | None:
    with work.writing() as session:
        lifecycle.move(session, work.tenant, "shipment", step.subject_id, "cancel")
        units = inventory.put_back(session, work.tenant, step.order, step.subject_id, actor="packline")
        tell_stock.ask_about_unsold(session, work.tenant, step.order)
        done(session, work, step, f"Shipment {step.subject_id} does not leave; {units} units are back on the shelf.")
        if units:
            intake.fill_backorders(session, work.tenant)
        else:
            looking_again.at_what_was_not_found(session, work.tenant)
    return None


def void_label(work: Work, step: InHand) -> Outcome | None:
    """The carrier takes its time over this, up to weeks: a job of its own asks, and nothing here waits for it."""
    with work.writing() as session:
        label = session.get_one(Label, (work.tenant, step.subject_id))
        queue.add(session, work.tenant, "void_label", f"label/{label.id}")
        done(session, work, step, f"Label {label.tracking_code} goes back to the carrier.")
    return None


def _asks_the_store(session: Session, work: Work, step: InHand) -> bool:
    """Whether the store is to say what is left: it took units off, or asks again for what it had as sent."""
    order = session.get_one(Order, (work.tenant, step.order))
    return step.wish.purpose != "replan" or order.state == "fulfilled"


def plan_again(work: Work, step: InHand) -> Outcome | None:
    """Let what is still wanted go on. The reversal ends with this: nothing waits for it any more."""
    with work.writing() as session:
        done(session, work, step, "What is still wanted goes on.", tell=False)
        lifecycle.move(session, work.tenant, "reversal", step.reversal, "finish", ended_at=work.now())
        deliver_digital.tell_the_rest(session, work.tenant, step.order)
        if _asks_the_store(session, work, step):
            queue.add(session, work.tenant, "verify_order", f"order/{step.order}")
        elif not closing.if_nothing_is_left(session, work.tenant, step.order, now=work.now()):
            intake.resume(session, work.tenant, step.order)
    return None
