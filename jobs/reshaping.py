"""What may be changed of a shipment while no label is bought for it: rates asked for anew, divided, sent together."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from jobs import queue, quoting, unwanted_label
from orders import bundles, holds, joining, lifecycle, postage, promised, promising, rerating, splitting
from orders.inventory import Contended
from orders.joining import Joinable
from orders.promising import Promise
from orders.rerating import Unlabelled
from orders.routing.question import Want
from orders.splitting import Divisible
from records import reversals, tenants, timeline
from records.jobs import Job
from records.orders import LOCK, Order, open_holds
from records.shipments import BY_HAND, Label, Parcel, Shipment
from records.stock import Location


def rerate(session: Session, tenant: int, parcel: int, *, by: str) -> str:
    """Have the carrier asked anew for a parcel without a label; answers why it is not, or an empty text."""
    row = session.get(Parcel, (tenant, parcel))
    if row is None:
        return "There is no such parcel."
    # Whoever buys reads the parcel under this lock: what it quoted before is then either bought, or forgotten here.
    order = session.get_one(Order, (tenant, row.order_id), with_for_update=LOCK)
    session.get_one(Shipment, (tenant, row.shipment_id), populate_existing=True)
    refusal = why_no_rates(session, row)
    if refusal:
        return refusal
    newest = postage.newest(session, tenant, parcel)
    if newest is not None:
        quoting.forget(session, tenant, newest.id)
    timeline.write(
        session, tenant, order.id, actor=by, kind="person", sentence="Asked for new rates for a parcel.", parcel=parcel
    )
    queue.add(session, tenant, "buy_label", f"parcel/{parcel}", lane=f"order/{order.id}")
    return ""


def why_no_rates(session: Session, parcel: Parcel) -> str:
    """Why no carrier would be asked anew for a parcel, as it stands now; empty where one would. Changes nothing."""
    tenant = parcel.tenant_id
    newest = postage.newest(session, tenant, parcel.id)
    shipment = session.get_one(Shipment, (tenant, parcel.shipment_id))
    stops = holds.blocking_labels(open_holds(session, tenant, parcel.order_id))
    return rerating.why_not(
        Unlabelled(
            order=session.get_one(Order, (tenant, parcel.order_id)).state,
            shipment=shipment.state,
            courier=shipment.courier.name if shipment.courier else "",
            label=newest.state if newest else "",
            buying=is_buying(session, tenant, [parcel.id], [newest.id] if newest else []),
            holds=tuple(sorted(hold.kind for hold in stops)),
        )
    )


def rerate_order(session: Session, tenant: int, order: int, *, by: str) -> str:
    """The same for every parcel of an order that has no label yet; answers why for none, or an empty text."""
    bare = session.scalars(
        select(Parcel.id)
        .join(Shipment, (Shipment.tenant_id == Parcel.tenant_id) & (Shipment.id == Parcel.shipment_id))
        .where(Parcel.tenant_id == tenant, Parcel.order_id == order, Shipment.state == "planned")
        .order_by(Parcel.id)
    ).all()
    refusals = [rerate(session, tenant, parcel, by=by) for parcel in bare]
    if not refusals:
        return "No parcel of it waits for a label."
    return "" if "" in refusals else refusals[0]


def split(session: Session, tenant: int, shipment: int, apart: Mapping[int, int], *, by: str) -> str:
    """Let these units (by order line) leave in a shipment of their own; answers why they do not, or an empty text."""
    row = session.get(Shipment, (tenant, shipment))
    if row is None:
        return "There is no such shipment."
    order = session.get_one(Order, (tenant, row.order_id), with_for_update=LOCK)
    row = session.get_one(Shipment, (tenant, shipment), populate_existing=True)
    if row.courier is not None:
        return f"{row.courier.name} brings it: have a carrier bring it first, and divide it then."
    parcels = [parcel.id for parcel in postage.parcels_in(session, tenant, row)]
    labels = _labels(session, tenant, parcels)
    units = splitting.units_of(session, tenant, shipment)
    found = Divisible(
        order=order.state,
        shipment=row.state,
        units=units,
        by_hand=row.way in BY_HAND,
        labels=tuple(label.state for label in labels),
        buying=is_buying(session, tenant, parcels, [label.id for label in labels]),
        taken_back=reversals.under_way(session, tenant, order.id) is not None,
    )
    refusal = splitting.why_not(found, apart)
    if refusal:
        return refusal
    divided = splitting.divide(session, tenant, row, units, apart, tenants.rules_of(session, tenant))
    if divided is None:
        return "Somebody else has changed the shipment at this moment: look again."
    give_up_jobs(session, tenant, parcels, why="The shipment was divided.")
    moved = sum(apart.values())
    sentence = f"Divided shipment {shipment}: {moved} of {sum(units.values())} units leave in a shipment of their own."
    timeline.write(
        session, tenant, order.id, actor=by, kind="person", sentence=sentence,
        stays=divided.stays, apart=divided.apart,
    )  # fmt: skip
    for parcel in divided.parcels:
        queue.add(session, tenant, "buy_label", f"parcel/{parcel}", lane=f"order/{order.id}")
    return ""


def join(session: Session, tenant: int, shipment: int, *, by: str) -> str:
    """Let all that is planned to leave a shipment's place leave together; answers why not, or an empty text."""
    row = session.get(Shipment, (tenant, shipment))
    if row is None or row.location_id is None:
        return "There is no such shipment at a place of yours."
    order = session.get_one(Order, (tenant, row.order_id), with_for_update=LOCK)
    there = joining.planned_at(session, tenant, order.id, row.location_id)
    refusal = _too_late_to_join(there, row) or _why_apart(session, order, there)
    if refusal:
        return refusal
    try:
        with session.begin_nested():
            give_up_jobs(session, tenant, _boxes_of(session, tenant, there), why=_JOINED)
            made, parcels = joining.join(session, tenant, there, tenants.rules_of(session, tenant))
    except Contended:
        return "Somebody else has changed one of the shipments at this moment: look again."
    promised.keep(session, tenant, order, because="as its parts leave together")
    sentence = f"Shipment {made} leaves in place of {' and '.join(str(one.id) for one in there)}, which leave together."
    timeline.write(session, tenant, order.id, actor=by, kind="person", sentence=sentence, shipment=made)
    for parcel in parcels:
        queue.add(session, tenant, "buy_label", f"parcel/{parcel}", lane=f"order/{order.id}")
    return ""


_JOINED = "The shipment leaves together with another."


def beside(
    session: Session, order: Order, location: int, more: Mapping[int, int], said: Promise, *, now: datetime, waits: bool
) -> Shipment | None:
    """The shipment that more units (by order line) of a place leave with; None where they leave in one of their own.

    What stands in several planned shipments was divided by a person, and is left so; what is to be made first is waited
    for only where a shipment of its own would be one too many (`waits`). The boxes of what is answered need no label
    any more.
    """
    tenant = order.tenant_id
    there = joining.planned_at(session, tenant, order.id, location)
    if len(there) != 1 or _why_apart(session, order, there, more):
        return None
    ready = promising.soonest(now, session.get_one(Location, (tenant, location)).sending)
    if not waits and promising.delays(promised.of_shipment(there[0]), said, ready=ready):
        return None
    give_up_jobs(session, tenant, _boxes_of(session, tenant, there), why=_JOINED)
    return there[0]


def joins(session: Session, order: Order, wants: Sequence[Want]) -> set[int]:
    """The places at which these would join what is planned of an order, if nothing has to be made for longer."""
    more = {want.line: want.units for want in wants}
    planned = session.scalars(
        select(Shipment.location_id).where(
            Shipment.tenant_id == order.tenant_id, Shipment.order_id == order.id, Shipment.state == "planned"
        )
    )
    found = {place: joining.planned_at(session, order.tenant_id, order.id, place) for place in planned if place}
    return {place for place, there in found.items() if len(there) == 1 and not _why_apart(session, order, there, more)}


def _too_late_to_join(there: Sequence[Shipment], row: Shipment) -> str:
    if row.way in BY_HAND:
        return "What the buyer picks up, or the shop delivers itself, leaves in no parcel."
    if row in there:
        return ""
    return f"It is too late: the shipment is {row.state.replace('_', ' ')}."


def _why_apart(session: Session, order: Order, there: Sequence[Shipment], more: Mapping[int, int] | None = None) -> str:
    tenant = order.tenant_id
    parcels = _boxes_of(session, tenant, there)
    labels = _labels(session, tenant, parcels)
    parts = joining.held_as_parts(session, tenant, [one.id for one in there])
    units = [*(splitting.units_of(session, tenant, one.id) for one in there), *([more] if more else [])]
    return joining.why_not(
        Joinable(
            order=order.state,
            shipments=len(units),
            labels=tuple(label.state for label in labels),
            buying=is_buying(session, tenant, parcels, [label.id for label in labels]),
            taken_back=reversals.under_way(session, tenant, order.id) is not None,
            torn_bundle=joining.torn(units, {*bundles.parts_in(session, tenant, order.id), *parts}),
        )
    )


def _boxes_of(session: Session, tenant: int, shipments: Sequence[Shipment]) -> list[int]:
    return [parcel.id for one in shipments for parcel in postage.parcels_in(session, tenant, one)]


def is_buying(session: Session, tenant: int, parcels: list[int], labels: list[int]) -> bool:
    """Whether a worker has one of these parcels in hand, or a purchase was begun whose end nobody knows."""
    subjects = [f"parcel/{parcel}" for parcel in parcels]
    in_hand = session.scalars(
        select(Job.id)
        .where(Job.tenant_id == tenant, Job.kind == "buy_label", Job.subject.in_(subjects), Job.state == "running")
        .limit(1)
    ).first()
    return in_hand is not None or any(unwanted_label.may_be_under_way(session, tenant, label) for label in labels)


def give_up_jobs(session: Session, tenant: int, parcels: list[int], *, why: str) -> None:
    """Boxes that are no more, or that a courier brings, need no label, and nobody to look after one."""
    waiting = session.scalars(
        select(Job.id).where(
            Job.tenant_id == tenant,
            Job.kind == "buy_label",
            Job.subject.in_([f"parcel/{parcel}" for parcel in parcels]),
            Job.state.in_(("due", "parked")),
        )
    ).all()
    for job in waiting:
        lifecycle.move(session, tenant, "job", job, "discard", reason=why, ended_at=func.now())


def _labels(session: Session, tenant: int, parcels: list[int]) -> list[Label]:
    return list(session.scalars(select(Label).where(Label.tenant_id == tenant, Label.parcel_id.in_(parcels))))
