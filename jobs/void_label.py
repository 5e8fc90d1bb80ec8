"""Gives an unused label back to the carrier: asks, looks until the carrier has decided, and asks again after a no."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Money, VoidState
from integrations.ports import Carrier
from jobs import outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome, Parked, Snoozed
from jobs.outward import Act
from jobs.work import Work
from orders import lifecycle, postage
from records.intentions import find_intention
from records.jobs import Job
from records.shipments import Label

# USPS takes fifteen days and more to settle a refund; looking twice a day is plenty, and its word mostly comes first.
_LOOK_AGAIN_S = 12 * 3600
# A refund asked soon after the purchase may be refused wrongly, and the same wish may be sent again
# (https://docs.easypost.com/docs/shipments/shipping-refund): in an hour, once the day's manifest is through, and once
# more.
_ASK_AGAIN_AFTER = (timedelta(hours=1), timedelta(hours=24), timedelta(hours=72))
# For how long after the purchase carriers take a label back; the same page.
_TAKEN_BACK_FOR = {"USPS": timedelta(days=30)}
_OTHERS_TAKE_BACK_FOR = timedelta(days=90)

_GOES_BACK = frozenset({"bought", "void_requested", "void_refused"})


def run(work: Work) -> Outcome:
    with work.writing() as session:
        label = session.get(Label, (work.tenant, work.subject_id))
        if label is None or label.state not in _GOES_BACK:
            return _nothing_to_ask(label)
        if label.state == "void_refused" and _another_waits(session, work):
            return Done()  # the carrier's no is written down already, and when it is asked again
        if label.state != "void_requested":
            lifecycle.move(session, work.tenant, "label", label.id, "request_void")
        key = postage.void_key(label)
        asked = find_intention(session, work.tenant, key)
        taken = asked is not None and asked.state in {"succeeded", "adopted"}
    carrier = work.carrier(label.connection_id)
    state = _read(carrier, label) if taken else _ask(work, carrier, label, key)
    with work.writing() as session:
        return _record(session, work, label.id, state or VoidState.UNKNOWN, key)


def next_try(refusals: int, carrier: str, bought_at: datetime, now: datetime) -> datetime | None:
    """When a label that was refused so often is asked for again; None where that no was the last. Pure."""
    if refusals > len(_ASK_AGAIN_AFTER):
        return None
    at = now + _ASK_AGAIN_AFTER[refusals - 1]
    return at if at <= bought_at + _TAKEN_BACK_FOR.get(carrier, _OTHERS_TAKE_BACK_FOR) else None


def _nothing_to_ask(label: Label | None) -> Outcome:
    if label is not None and label.state == "spent":
        return _lost(label)
    return Cancelled(reason=f"the label is {label.state if label else 'gone'}: nothing to void")


def _another_waits(session: Session, work: Work) -> bool:
    return (
        session.scalars(
            select(Job.id).where(
                Job.tenant_id == work.tenant,
                Job.kind == work.claim.kind,
                Job.subject == work.claim.subject,
                Job.state == "due",
            )
        ).first()
        is not None
    )


def _ask(work: Work, carrier: Carrier, label: Label, key: str) -> VoidState | None:
    def find(_keys: object) -> VoidState | None:
        found = _read(carrier, label)
        # The no that stands there may be the one before this wish.
        return None if found is VoidState.REFUSED and label.void_refusals else found

    return outward.once(
        work,
        Act(
            key=key,
            kind="void_label",
            subject=work.claim.subject,
            attempt=label.void_refusals + 1,
            request=label.shipment_ref,
        ),
        perform=lambda _keys: carrier.void(label.shipment_ref),
        find=find,
    ).result


def _read(carrier: Carrier, label: Label) -> VoidState | None:
    found = carrier.find_label(label.shipment_ref)
    return None if found is None else found.void_state


def _record(session: Session, work: Work, id: int, state: VoidState, key: str) -> Outcome:
    label = session.get_one(Label, (work.tenant, id), with_for_update=True)
    if state is VoidState.REFUSED:
        return _refused(session, work, label, key)
    # From now on the carrier has the wish: what is left is to look how it decides.
    outward.settle(session, work.tenant, key, "succeed", reference=label.shipment_ref)
    if state in {VoidState.ASKED, VoidState.UNKNOWN}:
        return Snoozed(wait_s=_LOOK_AGAIN_S, reason="The carrier has not decided on the refund yet.")
    if lifecycle.move(session, work.tenant, "label", label.id, "void"):
        comes_back = "is only billed when it is scanned" if state is VoidState.NEVER else "its postage comes back"
        sentence = f"Label {label.tracking_code} is void; {comes_back}."
        story.tell(session, work, label.order_id, sentence, key=key)
    return Done()


def _refused(session: Session, work: Work, label: Label, key: str) -> Outcome:
    refusals = label.void_refusals + 1
    if not lifecycle.move(session, work.tenant, "label", label.id, "refuse_void", void_refusals=refusals):
        return Done()  # the carrier's own word was quicker
    outward.settle(session, work.tenant, key, "refuse", reference=label.shipment_ref, reason="The carrier said no.")
    bought_at = label.bought_at or label.created_at
    at = next_try(refusals, label.rate.carrier if label.rate else "", bought_at, work.now())
    if at is not None:
        queue.add(session, work.tenant, work.claim.kind, work.claim.subject, lane=work.claim.lane, due_at=at)
        again = f"it is asked again on {at:%Y-%m-%d %H:%M} UTC"
        story.tell(session, work, label.order_id, f"The carrier refuses label {label.tracking_code}: {again}.", key=key)
        return Done()
    lifecycle.move(session, work.tenant, "label", label.id, "give_up")
    story.tell(session, work, label.order_id, f"{_price(label)} of label {label.tracking_code} are lost.", key=key)
    return _lost(label)


def _lost(label: Label) -> Parked:
    return Parked(
        cause="void_refused",
        reason=f"The carrier keeps the {_price(label)} of label {label.tracking_code}, which was not used.",
        remedy="Claim the refund with the carrier, with the label's number; then discard this job.",
    )


def _price(label: Label) -> str:
    return str(Money(minor=label.cost_minor or 0, currency=label.currency or "USD"))
