"""Holds our labels against those that were bought at the carrier, so that nobody pays for postage that nobody has."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import insert, or_, select
from sqlalchemy.orm import Session

from integrations.nouns import BoughtLabel, FoundLabel, LabelVoided, VoidState
from jobs import buy_label, intake, outward, queue
from jobs.comparing import looking
from jobs.comparing.looking import Look
from orders import comparing, postage
from orders.comparing import Difference
from records.jobs import Job
from records.orders import Order
from records.shipments import Label, Parcel, Shipment, live_label

# The parcel's own attempts are counted from one.
_NO_ATTEMPT = 0
_GIVEN_BACK = frozenset({VoidState.ASKED, VoidState.DONE, VoidState.NEVER})


def compare(look: Look) -> None:
    carrier = look.work.carrier(look.connection)
    for batch in looking.batches(carrier.labels_since(look.since)):
        bought = [label for label in batch if label.bought_at <= look.until]
        look.looked_at += len(bought)
        for found in _strange(look, bought):
            with look.work.writing() as session:
                _judge(session, look, found)


def _strange(look: Look, bought: Sequence[FoundLabel]) -> list[FoundLabel]:
    """Those that are not bought here, or are void there and not here."""
    with look.work.reading() as session:
        ours = {
            row.shipment_ref: row
            for row in session.scalars(
                select(Label).where(
                    Label.tenant_id == look.tenant,
                    Label.shipment_ref.in_([found.label.shipment_ref for found in bought]),
                )
            )
        }
    return [found for found in bought if not _agrees(ours.get(found.label.shipment_ref), found.label)]


def _agrees(ours: Label | None, theirs: BoughtLabel) -> bool:
    if ours is None or ours.state in {"intended", "failed"}:
        return False
    return not (ours.state == "bought" and theirs.void_state is VoidState.DONE)


@dataclass(frozen=True, kw_only=True)
class Owner:
    """The label of ours that a purchase was made for, and the parcel that it was for."""

    label: Label
    parcel: Parcel
    order: Order
    wanted: bool
    """The parcel still waits for this very purchase."""


def _judge(session: Session, look: Look, found: FoundLabel) -> None:
    owner = _owner(session, look, found)
    if owner is None:
        return  # somebody bought it by hand, for something that is no business of ours
    if looking.busy(session, look.tenant, f"order/{owner.order.id}") or _is_being_bought(session, look, owner):
        look.leave(found.bought_at)
        return
    if owner.label.shipment_ref == found.label.shipment_ref and owner.label.state == "bought":
        _given_back_there(session, look, found, owner)
    elif found.label.void_state in _GIVEN_BACK:
        return  # nobody pays for it any more
    elif owner.wanted:
        _have_it_adopted(session, look, found, owner)
    else:
        _give_back(session, look, found, owner)


def _is_being_bought(session: Session, look: Look, owner: Owner) -> bool:
    """Whether a run will ask what became of this purchase itself, now or after its wait. A parked one will not."""
    asked = select(Job.id).where(
        Job.tenant_id == look.tenant,
        Job.kind == "buy_label",
        Job.subject == f"parcel/{owner.parcel.id}",
        Job.state.in_(("due", "running")),
    )
    return session.execute(asked.limit(1)).first() is not None


def _owner(session: Session, look: Look, found: FoundLabel) -> Owner | None:
    number = comparing.label_number(found.reference)
    label = session.scalars(
        select(Label)
        .where(
            Label.tenant_id == look.tenant,
            Label.connection_id == look.connection,
            or_(Label.shipment_ref == found.label.shipment_ref, Label.id == (number or 0)),
        )
        .order_by((Label.shipment_ref == found.label.shipment_ref).desc())
        .limit(1)
        .with_for_update()
    ).first()
    if label is None:
        return None
    parcel = session.get_one(Parcel, (look.tenant, label.parcel_id))
    order = session.get_one(Order, (look.tenant, label.order_id))
    if label.shipment_ref != found.label.shipment_ref and found.reference != f"{order.name or order.id}-{label.id}":
        return None  # it only looks like a name of ours
    shipment = session.get_one(Shipment, (look.tenant, parcel.shipment_id))
    wanted = (
        label.state == "intended"
        and label.shipment_ref == found.label.shipment_ref
        and buy_label.wants_labels(order.state, shipment.state)
    )
    return Owner(label=label, parcel=parcel, order=order, wanted=wanted)


def _given_back_there(session: Session, look: Look, found: FoundLabel, owner: Owner) -> None:
    fact = LabelVoided(
        shipment_ref=found.label.shipment_ref, tracking_code=found.label.tracking_code, state=VoidState.DONE
    )
    because = look.because(session, found.label.shipment_ref, None)
    if because is None:
        return
    intake.hear(session, look.source(), fact)
    sentence = f"The carrier has taken label {found.label.tracking_code} back: {because}. It is void here, too."
    look.find(session, _difference(owner, "missed", sentence))


def _have_it_adopted(session: Session, look: Look, found: FoundLabel, owner: Owner) -> None:
    subject = f"parcel/{owner.parcel.id}"
    queue.add(session, look.tenant, "buy_label", subject, lane=f"order/{owner.order.id}")
    sentence = (
        f"Label {found.label.tracking_code} was bought at the carrier, and the run that bought it did not live to say "
        "so. It is adopted, and no other one is bought."
    )
    look.find(session, _difference(owner, "drift", sentence))


def _give_back(session: Session, look: Look, found: FoundLabel, owner: Owner) -> None:
    """Write the postage down as ours and have it voided: the parcel travels with another label, or not at all."""
    own_row = owner.label.shipment_ref == found.label.shipment_ref
    label = owner.label.id if own_row else _another_attempt(session, look, found, owner)
    if own_row:
        postage.record_unwanted(session, look.tenant, label, found.label, now=found.bought_at)
        outward.settle(session, look.tenant, f"label/{label}", "adopt", reference=found.label.shipment_ref)
    queue.add(session, look.tenant, "void_label", f"label/{label}")
    why = "has another label" if live_label(session, look.tenant, owner.parcel.id) else "does not leave"
    sentence = (
        f"Label {found.label.tracking_code} ({found.label.rate.price}) was bought at the carrier for a parcel that "
        f"{why}. It goes back."
    )
    look.find(session, _difference(owner, "drift", sentence))


def _another_attempt(session: Session, look: Look, found: FoundLabel, owner: Owner) -> int:
    """A row for a purchase whose own row stands for another one by now. The parcel never bore it, and it comes before
    every attempt, so that nobody takes it for the newest label, which a person may want replaced.
    """
    label = session.execute(
        insert(Label)
        .values(
            tenant_id=look.tenant,
            parcel_id=owner.parcel.id,
            order_id=owner.order.id,
            connection_id=look.connection,
            attempt=_NO_ATTEMPT,
            state="failed",
            shipment_ref=found.label.shipment_ref,
        )
        .returning(Label.id)
    ).scalar_one()
    postage.record_unwanted(session, look.tenant, label, found.label, now=found.bought_at)
    return label


def _difference(owner: Owner, kind: str, sentence: str) -> Difference:
    return Difference(
        subject=f"parcel/{owner.parcel.id}", order=owner.order.id, kind=kind, outcome="repaired", sentence=sentence
    )
