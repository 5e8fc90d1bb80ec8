"""Buys one label for one parcel, at most once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel, Consignment, Rate, VoidState
from integrations.ports import Carrier, Permanent
from jobs import couriering, intake, outward, queue, quoting, story, unwanted_label
from jobs.couriering import Given
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act, Performed
from jobs.unwanted_label import PURCHASE_MAY_TAKE
from jobs.work import Work
from orders import (
    consigning,
    couriers,
    holds,
    lifecycle,
    postage,
    promised,
    promising,
    relabelling,
    still_changeable,
    taking_back,
)
from orders.holds import Problem
from records import reversals, tenants
from records.intentions import find_intention
from records.orders import LOCK, Order, open_holds
from records.shipments import Label, Parcel, Shipment, live_label

_GIVEN_BACK = frozenset({VoidState.ASKED, VoidState.DONE})


@dataclass(frozen=True, kw_only=True)
class Job:
    """Everything the purchase needs, read in one go."""

    order: int
    order_name: str
    shipment: int
    label: int
    attempt: int
    connection: str
    shipment_ref: str
    rate: Rate | None
    consignment: Consignment
    stale: bool
    """What was quoted is not what is to be sent any more."""
    unsettled: bool
    """A purchase was begun, and nobody knows how it ended."""
    deliver_by: datetime | None
    ships_at: datetime
    """From when the carrier's days count."""
    carriers: tuple[str, ...]
    """The carriers that may be bought from; empty means every one."""
    couriers: tuple[Rate, ...]
    """Whom the shop may give it to instead."""

    @property
    def key(self) -> str:
        return f"label/{self.label}"


@dataclass(frozen=True, kw_only=True)
class TooLate:
    """An attempt of a parcel that has left with another label."""

    label: Label
    begun_at: datetime | None


def run(work: Work) -> Outcome:
    with work.writing() as session:
        job = _load(session, work, work.newest(session, "carrier").id)
    if isinstance(job, (Done, Snoozed, Cancelled)):
        return job
    if isinstance(job, TooLate):
        return unwanted_label.clear_up(work, job.label, job.begun_at)
    carrier = work.carrier(job.connection)
    adopted = _adopt_stale(job, carrier)
    if adopted is None and job.stale and job.unsettled:
        return _let_it_settle(work, job)
    bought = adopted or _buy(work, job, carrier)
    if not isinstance(bought, Performed):
        return bought
    with work.writing() as session:
        if bought.result.void_state in _GIVEN_BACK:
            _begin_anew(session, work, job)
        else:
            _record(session, work, job, bought.result, adopted=bought.adopted)
    return Done()


def wants_labels(order: str, shipment: str) -> bool:
    """Whether a parcel of such a shipment of such an order is to get a label, or to keep one that was bought for it.

    A planned shipment gets its first labels; one that is still here may get another in place of one that is gone.
    Both are states; a purchase for a parcel that wants none is not adopted.
    """
    if shipment == "planned":
        return order in {"allocated", "shipping"}
    return shipment in relabelling.STILL_HERE and order not in {"cancelling", "cancelled"}


def _adopt_stale(job: Job, carrier: Carrier) -> Performed[BoughtLabel] | None:
    """What was quoted has changed since: only a label that was bought for it all the same is taken."""
    found = carrier.find_label(job.shipment_ref) if job.stale else None
    return None if found is None else Performed(result=found, adopted=True)


def _let_it_settle(work: Work, job: Job) -> Outcome:
    """The old purchase may still be under way at the carrier: nothing else is bought until it must be over."""
    with work.writing() as session:
        outward.settle(session, work.tenant, job.key, "abandon", reason="The parcel was changed; it is quoted anew.")
    wait_s = PURCHASE_MAY_TAKE.total_seconds()
    return Snoozed(wait_s=wait_s, reason="A purchase for the old address may still be under way.")


def _give(work: Work, job: Job, rate: Rate) -> Outcome:
    """A courier brings it, and nothing is bought; who is on the list no more is quoted anew."""
    with work.writing() as session:
        given = couriering.by_rates(session, work.tenant, work.subject_id, rate, now=work.now())
        if given is Given.TO_THEM:
            return Done()
        if given is Given.LATER:
            return Snoozed(wait_s=60.0, reason="Something of the order is to be settled before it is given to anybody.")
        quoting.forget(session, work.tenant, job.label)
    return Snoozed(wait_s=1.0, reason=f"{rate.carrier} does not bring it any more: rates are asked for anew.")


def _buy(work: Work, job: Job, carrier: Carrier) -> Performed[BoughtLabel] | Outcome:
    shipment_ref, rate = job.shipment_ref, job.rate
    if job.stale or rate is None:
        shipment_ref, rate = quoting.quote(
            work,
            carrier,
            job.consignment,
            label=job.label,
            order=job.order,
            deliver_by=job.deliver_by,
            ships_at=job.ships_at,
            carriers=job.carriers,
            couriers=job.couriers,
        )
    rate_ref = rate.remote_id
    if couriers.courier_of(rate_ref) is not None:
        return _give(work, job, rate)
    act = Act(
        key=job.key,
        kind="buy_label",
        subject=work.claim.subject,
        attempt=job.attempt,
        request={"shipment": shipment_ref, "rate": rate_ref},
    )
    try:
        return outward.once(
            work,
            act,
            perform=lambda _keys: carrier.buy(shipment_ref, rate_ref),
            find=lambda _keys: carrier.find_label(shipment_ref),
        )
    except Permanent:
        # Where the purchase itself was refused, nothing was bought, and what a person mends now (address, funds, rate)
        # wants rates of its own. Where only the question was refused, what was bought before is still to be found.
        with work.writing() as session:
            intention = find_intention(session, work.tenant, job.key)
            if intention is not None and intention.state == "refused":
                quoting.forget(session, work.tenant, job.label)
        raise


def _load(session: Session, work: Work, connection: str) -> Job | TooLate | Done | Snoozed | Cancelled:
    tenant = work.tenant
    parcel = session.get_one(Parcel, (tenant, work.subject_id))
    order = session.get_one(Order, (tenant, parcel.order_id), with_for_update=LOCK)
    shipment = session.get_one(Shipment, (tenant, parcel.shipment_id))
    label = live_label(session, tenant, parcel.id)
    if label is not None and label.state == "intended" and shipment.state == "handed_over":
        return TooLate(label=label, begun_at=unwanted_label.begun_at(session, tenant, label.id))
    if not wants_labels(order.state, shipment.state):
        return Cancelled(reason=f"the order is {order.state} and the shipment {shipment.state}: no label is bought")
    if shipment.courier is not None:
        return Done()  # a courier brings it
    if _is_held(session, tenant, order.id, label):
        return Done()  # a released hold asks for this job again
    if label is not None and label.state != "intended":
        return Done()  # it has its label
    if label is None and shipment.state != "planned" and reversals.under_way(session, tenant, order.id):
        return Done()  # it has lost its label because it is being taken back; what stays asks for this job again
    if shipment.state == "planned" and taking_back.gives_back(session, tenant, order.id, shipment.id):
        return Done()  # somebody took units off it, or had it go elsewhere, as this run began
    rules = tenants.rules_of(session, tenant)
    if shipment.state == "planned" and label is None:
        left_s = still_changeable.time_left_s(order.placed_at, rules.minutes_to_change, now=work.now())
        if left_s:
            return Snoozed(wait_s=left_s, reason="The buyer still has time to change the order.")
    label = label or postage.begin(session, tenant, parcel, connection)
    reference = f"{order.name or order.id}-{label.id}"
    consignment = consigning.consign(session, tenant, order, shipment, parcel, rules, reference=reference)
    if isinstance(consignment, Problem):
        holds.place(session, tenant, order.id, consignment, by="packline")
        return Done()
    return Job(
        order=order.id,
        order_name=order.name,
        shipment=shipment.id,
        label=label.id,
        attempt=label.attempt,
        connection=label.connection_id,
        shipment_ref=label.shipment_ref,
        rate=label.rate,
        consignment=consignment,
        unsettled=unwanted_label.begun_at(session, tenant, label.id) is not None,
        stale=bool(label.shipment_ref) and label.consignment_digest != consigning.digest(consignment),
        deliver_by=order.deliver_by,
        ships_at=promising.ships_at(work.now(), shipment.ship_by, couriering.zone_of(session, shipment)),
        carriers=_bound_to(session, tenant, shipment, parcel) or rules.carriers,
        couriers=couriering.of_box(session, tenant, shipment, consignment, now=work.now()),
    )


def _is_held(session: Session, tenant: int, order: int, label: Label | None) -> bool:
    """That a label is missing holds an order, and is no reason not to buy the one that was asked for."""
    blocking = {hold.kind for hold in holds.blocking_labels(open_holds(session, tenant, order))}
    return bool(blocking - ({relabelling.HOLD} if label is not None else set()))


def _bound_to(session: Session, tenant: int, shipment: Shipment, parcel: Parcel) -> tuple[str, ...]:
    """The store shows several numbers under one carrier's name: there, another label is bought from the same one."""
    several = len(postage.parcels_in(session, tenant, shipment)) > 1
    return (parcel.carrier,) if shipment.state == "announced" and several and parcel.carrier else ()


def _begin_anew(session: Session, work: Work, job: Job) -> None:
    """Somebody gave this very label back at the carrier before we recorded it: the next attempt buys another."""
    lifecycle.move(session, work.tenant, "label", job.label, "fail")
    outward.settle(session, work.tenant, job.key, "abandon", reason="The label was given back at the carrier.")
    story.tell(session, work, job.order, "The label was given back at the carrier; another one is bought.")
    queue.add(session, work.tenant, "buy_label", work.claim.subject, lane=work.claim.lane)


def _record(session: Session, work: Work, job: Job, bought: BoughtLabel, *, adopted: bool) -> None:
    tenant = work.tenant
    # A first scan waits for this row, or has been here already and has handed the shipment over.
    session.get_one(Parcel, (tenant, work.subject_id), with_for_update=True)
    shipment = session.get_one(Shipment, (tenant, job.shipment))
    if shipment.state == "handed_over":
        unwanted_label.give_back(session, work, job.label, bought, adopted=adopted)
        return
    postage.record(session, tenant, job.label, bought, now=work.now())
    outward.settle(session, tenant, job.key, "adopt" if adopted else "succeed", reference=bought.shipment_ref)
    how = "A label that was bought before the last run ended was adopted" if adopted else "Label bought"
    story.tell(
        session,
        work,
        job.order,
        f"{how}: {bought.rate.carrier} {bought.rate.service}, {bought.rate.price}, {bought.tracking_code}.",
        key=job.key,
        shipment_ref=bought.shipment_ref,
        label=job.label,
    )
    because = f"as {bought.rate.carrier} {bought.rate.service} says"
    promised.by_the_labels(session, tenant, shipment, now=work.now(), because=because)
    # In the order's lane and last in it: the tracking number goes first, and no further bell is rung.
    queue.add(session, tenant, "store_label", f"label/{job.label}", lane=f"order/{job.order}")
    _go_on(session, work, job)


def _go_on(session: Session, work: Work, job: Job) -> None:
    """The store hears of the shipment once every parcel has its label; where it has heard, it gets the new number."""
    tenant, lane, subject = work.tenant, f"order/{job.order}", f"shipment/{job.shipment}"
    shipment = session.get_one(Shipment, (tenant, job.shipment))
    if shipment.state == "announced":
        queue.add(session, tenant, "replace_tracking", subject, lane=lane)
    else:
        lifecycle.move(session, tenant, "order", job.order, "ship")
        if not postage.unlabelled(session, tenant, job.shipment) and (
            shipment.state == "labelled" or lifecycle.move(session, tenant, "shipment", job.shipment, "label")
        ):
            queue.add(session, tenant, "push_tracking", subject, lane=lane)
    held = any(hold.kind == relabelling.HOLD for hold in open_holds(session, tenant, job.order))
    healed = held and not relabelling.lacking(session, tenant, job.order)
    if healed and holds.release(session, tenant, job.order, relabelling.HOLD, by="packline", now=work.now()):
        intake.resume(session, tenant, job.order)
