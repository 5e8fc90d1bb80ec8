"""Buys one label for one parcel, at most once."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, insert, select, update
from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel, Consignment, Quote, VoidState
from integrations.ports import Carrier, Permanent
from jobs import outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act, Performed
from jobs.work import Work
from orders import consigning, holds, lifecycle, postage, rates
from orders.holds import Problem
from records import tenants
from records.intentions import find_intention
from records.orders import Order, open_holds
from records.shipments import Label, Parcel, Shipment, live_label
from records.tenants import Rules

# EasyPost's own limit for a purchase is 90 seconds; after that it is bought or it is not.
_PURCHASE_MAY_TAKE_S = 100
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
    rate_ref: str
    consignment: Consignment
    stale: bool
    """What was quoted is not what is to be sent any more."""
    unsettled: bool
    """A purchase was begun, and nobody knows how it ended."""
    deliver_by: datetime | None
    rules: Rules

    @property
    def key(self) -> str:
        return f"label/{self.label}"


def run(work: Work) -> Outcome:
    connection = work.newest_connection("carrier")
    with work.writing() as session:
        job = _load(session, work, connection)
    if isinstance(job, (Done, Cancelled)):
        return job
    carrier = work.carrier(job.connection)
    bought = _adopt_stale(job, carrier)
    if bought is None and job.stale and job.unsettled:
        return _let_it_settle(work, job)
    bought = bought or _buy(work, job, carrier)
    with work.writing() as session:
        if bought.result.void_state in _GIVEN_BACK:
            _begin_anew(session, work, job)
        else:
            _record(session, work, job, bought.result, adopted=bought.adopted)
    return Done()


def _adopt_stale(job: Job, carrier: Carrier) -> Performed[BoughtLabel] | None:
    """What was quoted has changed since: only a label that was bought for it all the same is taken."""
    found = carrier.find_label(job.shipment_ref) if job.stale else None
    return None if found is None else Performed(result=found, adopted=True)


def _let_it_settle(work: Work, job: Job) -> Outcome:
    """The old purchase may still be under way at the carrier: nothing else is bought until it must be over."""
    with work.writing() as session:
        outward.settle(session, work.tenant, job.key, "abandon", reason="The parcel was changed; it is quoted anew.")
    return Snoozed(wait_s=_PURCHASE_MAY_TAKE_S, reason="A purchase for the old address may still be under way.")


def _buy(work: Work, job: Job, carrier: Carrier) -> Performed[BoughtLabel]:
    shipment_ref, rate_ref = job.shipment_ref, job.rate_ref
    if job.stale or not rate_ref:
        shipment_ref, rate_ref = _quote(work, job, carrier)
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
                _forget_quote(session, work.tenant, job.label)
        raise


def _forget_quote(session: Session, tenant: int, label: int) -> None:
    session.execute(
        update(Label)
        .where(Label.tenant_id == tenant, Label.id == label, Label.state == "intended")
        .values(shipment_ref="", rate=None, consignment_digest="")
    )


def _load(session: Session, work: Work, connection: str) -> Job | Done | Cancelled:
    tenant = work.tenant
    parcel = session.get_one(Parcel, (tenant, work.subject_id))
    shipment = session.get_one(Shipment, (tenant, parcel.shipment_id))
    order = session.get_one(Order, (tenant, parcel.order_id), with_for_update=True)
    if order.state not in {"allocated", "shipping"} or shipment.state != "planned":
        return Cancelled(reason=f"the order is {order.state} and the shipment {shipment.state}: no label is bought")
    if holds.blocking_labels(open_holds(session, tenant, order.id)):
        return Done()  # a released hold asks for this job again
    label = live_label(session, tenant, parcel.id)
    if label is not None and label.state != "intended":
        return Done()  # it has its label
    rules = tenants.rules_of(session, tenant)
    label = label or _new_label(session, tenant, parcel, connection)
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
        rate_ref=label.rate.remote_id if label.rate else "",
        consignment=consignment,
        unsettled=_unsettled(session, tenant, label.id),
        stale=bool(label.shipment_ref) and label.consignment_digest != consigning.digest(consignment),
        deliver_by=order.deliver_by,
        rules=rules,
    )


def _unsettled(session: Session, tenant: int, label: int) -> bool:
    intention = find_intention(session, tenant, f"label/{label}")
    return intention is not None and intention.state == "intended"


def _new_label(session: Session, tenant: int, parcel: Parcel, connection: str) -> Label:
    attempts = session.execute(
        select(func.count()).select_from(Label).where(Label.tenant_id == tenant, Label.parcel_id == parcel.id)
    ).scalar_one()
    id = session.execute(
        insert(Label)
        .values(
            tenant_id=tenant,
            parcel_id=parcel.id,
            order_id=parcel.order_id,
            connection_id=connection,
            attempt=attempts + 1,
        )
        .returning(Label.id)
    ).scalar_one()
    return session.get_one(Label, (tenant, id))


def _quote(work: Work, job: Job, carrier: Carrier) -> tuple[str, str]:
    """Ask for rates, choose one, and commit what will be bought before it is bought."""
    quote = carrier.quote(job.consignment)
    choice = rates.choose(quote.rates, ships_at=work.now(), deliver_by=job.deliver_by, carriers=job.rules.carriers)
    with work.writing() as session:
        session.execute(
            update(Label)
            .where(Label.tenant_id == work.tenant, Label.id == job.label, Label.state == "intended")
            .values(
                shipment_ref=quote.shipment_ref,
                consignment_digest=consigning.digest(job.consignment),
                rate=None if choice is None else choice.rate,
                rates=[rate.model_dump(mode="json") for rate in quote.rates],
                remarks=list(quote.remarks),
                choice="" if choice is None else choice.sentence,
            )
        )
        if choice is not None:
            story.tell(session, work, job.order, choice.sentence, kind="choice", remarks=list(quote.remarks))
    if choice is None:
        raise _no_rates(quote, job.rules)
    return quote.shipment_ref, choice.rate.remote_id


def _no_rates(quote: Quote, rules: Rules) -> Permanent:
    allowed = f" Allowed carriers: {', '.join(rules.carriers)}." if rules.carriers and quote.rates else ""
    said = " ".join(quote.remarks) or "No carrier said why."
    return Permanent(
        f"No carrier offers a rate for this parcel. {said}{allowed}",
        remedy="Check address, weight and customs, or allow another carrier; then retry.",
        code="no_rates",
    )


def _begin_anew(session: Session, work: Work, job: Job) -> None:
    """Somebody gave this very label back at the carrier before we recorded it: the next attempt buys another."""
    lifecycle.move(session, work.tenant, "label", job.label, "fail")
    outward.settle(session, work.tenant, job.key, "abandon", reason="The label was given back at the carrier.")
    story.tell(session, work, job.order, "The label was given back at the carrier; another one is bought.")
    queue.add(session, work.tenant, "buy_label", work.claim.subject, lane=work.claim.lane)


def _record(session: Session, work: Work, job: Job, bought: BoughtLabel, *, adopted: bool) -> None:
    tenant = work.tenant
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
    # In the order's lane and last in it: the tracking number goes first, and no further bell is rung.
    queue.add(session, tenant, "store_label", f"label/{job.label}", lane=f"order/{job.order}")
    lifecycle.move(session, tenant, "order", job.order, "ship")
    if _all_labelled(session, tenant, job.shipment) and lifecycle.move(
        session, tenant, "shipment", job.shipment, "label"
    ):
        queue.add(session, tenant, "push_tracking", f"shipment/{job.shipment}", lane=f"order/{job.order}")


def _all_labelled(session: Session, tenant: int, shipment: int) -> bool:
    parcels = select(Parcel.id).where(Parcel.tenant_id == tenant, Parcel.shipment_id == shipment)
    without = session.execute(
        select(func.count())
        .select_from(Parcel)
        .where(
            Parcel.tenant_id == tenant,
            Parcel.id.in_(parcels),
            ~select(Label.id)
            .where(Label.tenant_id == tenant, Label.parcel_id == Parcel.id, Label.state == "bought")
            .exists(),
        )
    ).scalar_one()
    return without == 0
