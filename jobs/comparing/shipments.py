"""Holds what the storefront shows of our shipments against what it was told: numbers that are gone, or others."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import TrackingLabel
from integrations.ports import Keys, Storefront
from jobs import outward, replace_tracking
from jobs.comparing import looking
from jobs.comparing.looking import Look
from jobs.outward import Act
from orders import comparing, holds, postage, progress, too_late
from orders.comparing import Difference, Sent, Untold
from records import reversals
from records.orders import Order
from records.shipments import Label, Parcel, Shipment


@dataclass(frozen=True, kw_only=True)
class Told:
    """An order of which the storefront knows shipments."""

    order: int
    name: str
    changed_at: datetime
    sent: tuple[Sent, ...]


def compare(look: Look) -> None:
    storefront = look.work.storefront(look.connection)
    for batch in look.oldest_first(storefront.changed_orders(look.since), lambda order: order.updated_at):
        changed = {order.remote_id: order.updated_at for order in batch}
        for remote_id, told in _told(look, changed).items():
            look.looked_at += len(told.sent)
            with look.apart(remote_id, order=told.order):
                theirs = storefront.read_shipped(remote_id)
                for sent in told.sent:
                    _judge(look, storefront, told, sent, comparing.shipment_lack(sent, theirs))


def _told(look: Look, changed: dict[str, datetime]) -> dict[str, Told]:
    found = {}
    with look.work.reading() as session:
        for order in session.scalars(
            select(Order).where(
                Order.tenant_id == look.tenant,
                Order.connection_id == look.connection,
                Order.remote_id.in_(changed),
                Order.state.in_(("shipping", "fulfilled", "closed")),
            )
        ):
            sent = _sent(session, look.tenant, order.id)
            if sent and _at_rest(session, look, order.id, changed[order.remote_id]):
                found[order.remote_id] = Told(
                    order=order.id, name=order.name, changed_at=changed[order.remote_id], sent=sent
                )
    return found


def _at_rest(session: Session, look: Look, order: int, changed_at: datetime) -> bool:
    """Whether nothing is being told to, or taken back from, the storefront at this moment."""
    if looking.busy(session, look.tenant, f"order/{order}"):
        look.leave(changed_at)
        return False
    # One that waits for a person may wait for weeks. What it does then changes the order, which is compared after that.
    return reversals.under_way(session, look.tenant, order) is None


def _sent(session: Session, tenant: int, order: int) -> tuple[Sent, ...]:
    shipments = session.scalars(
        select(Shipment).where(
            Shipment.tenant_id == tenant, Shipment.order_id == order, Shipment.state.in_(progress.GONE)
        )
    ).all()
    rows = session.execute(
        select(Parcel.shipment_id, Parcel.tracking_code, Label.tracking_code.label("labelled"))
        .join(Label, (Label.tenant_id == Parcel.tenant_id) & (Label.parcel_id == Parcel.id), isouter=True)
        .where(Parcel.tenant_id == tenant, Parcel.order_id == order)
    ).all()
    found = []
    for shipment in shipments:
        numbers = frozenset(row.tracking_code for row in rows if row.shipment_id == shipment.id and row.tracking_code)
        ever = frozenset(row.labelled for row in rows if row.shipment_id == shipment.id and row.labelled)
        if shipment.fulfillments and numbers:
            found.append(
                Sent(
                    shipment=shipment.id,
                    fulfillments=tuple(shipment.fulfillments),
                    numbers=numbers,
                    retired=ever - numbers,
                )
            )
    return tuple(found)


def _judge(look: Look, storefront: Storefront, told: Told, sent: Sent, lack: Untold | None) -> None:
    if lack is None:
        return
    if lack.what == "number_missing":
        _tell_again(look, storefront, told, sent, lack)
        return
    with look.work.writing() as session:
        if lack.what == "taken_back":
            _ask_a_person(session, look, told, sent)
            return
        sentence = (
            f"The store shows {', '.join(lack.numbers)} for a shipment that left with "
            f"{', '.join(sorted(sent.numbers))}. It was left as it is: somebody wrote it there."
        )
        look.find(session, _difference(told, sent, "noted", sentence))


def _tell_again(look: Look, storefront: Storefront, told: Told, sent: Sent, lack: Untold) -> None:
    """Put our whole set there, without a word to the buyer: they were told when it was new."""
    with look.work.reading() as session:
        sets = _sets(session, look.tenant, sent.shipment)
    # A comparison that is begun anew is another one: what it finds missing then is missing still, or again.
    acts = {fulfillment: f"retell/{look.comparison}/{fulfillment}" for fulfillment in sets}
    for fulfillment, tracking in sets.items():
        act = Act(
            key=acts[fulfillment],
            kind="replace_tracking",
            subject=f"shipment/{sent.shipment}",
            request=tracking.model_dump(),
        )
        outward.once(look.work, act, perform=partial(_replace, storefront, fulfillment, tracking))
    with look.work.writing() as session:
        for fulfillment, key in acts.items():
            outward.settle(session, look.tenant, key, "succeed", reference=fulfillment)
        what = f"{', '.join(lack.numbers)} was missing" if lack.numbers else "an old tracking number was left"
        look.find(
            session, _difference(told, sent, "repaired", f"In the store {what} on a shipment. It was told again.")
        )


def _replace(storefront: Storefront, fulfillment: str, tracking: TrackingLabel, _keys: Keys) -> None:
    storefront.replace_tracking(fulfillment, tracking, tell_buyer=False)


def _sets(session: Session, tenant: int, shipment: int) -> dict[str, TrackingLabel]:
    """What each fulfillment of a shipment has to show."""
    row = session.get_one(Shipment, (tenant, shipment))
    shown = replace_tracking.shown_by(session, tenant, row, postage.parcels_in(session, tenant, row))
    return {
        fulfillment: TrackingLabel(
            carrier=parcels[0].carrier,
            numbers=tuple(parcel.tracking_code for parcel in parcels),
            urls=tuple(parcel.tracking_url for parcel in parcels if parcel.tracking_url),
        )
        for fulfillment, parcels in shown.items()
    }


def _ask_a_person(session: Session, look: Look, told: Told, sent: Sent) -> None:
    """Only a person knows whether the buyer is still to get the parcel."""
    problem = too_late.taken_back_there(sent.numbers)
    if holds.overruled(session, look.tenant, told.order, problem.kind):
        return
    holds.place(session, look.tenant, told.order, problem, by=look.vendor)
    look.find(session, _difference(told, sent, "parked", f"{problem.reason} {problem.remedy}"))


def _difference(told: Told, sent: Sent, outcome: str, sentence: str) -> Difference:
    return Difference(
        subject=f"shipment/{sent.shipment}", order=told.order, kind="drift", outcome=outcome, sentence=sentence
    )
