"""What a person says of units that wait for their buyer, and what the merchant said of them in the store instead."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import StoreOrder, Way
from integrations.ports import Storefront
from jobs import hearing, queue, tell_stock
from jobs.work import Work
from orders import (
    announcing,
    at_the_counter,
    handed_over,
    holds,
    lifecycle,
    nothing_to_tell,
    planning,
    postage,
    shown_there,
)
from orders.at_the_counter import Waits
from records import reversals, tenants, timeline
from records.jobs import Job
from records.orders import LOCK, Order, open_holds
from records.shipments import Shipment
from records.stock import Location

_ONLY_WATCHES = "Packline only watches this shop. Do it in the store: Packline follows."
_NO_SUCH = "There is no such shipment."


def ready(session: Session, tenant: int, shipment: int, *, by: str) -> str:
    """Have the store write the buyer that they can come for it; answers why not, or an empty text."""
    row = _locked(session, tenant, shipment)
    refusal = _NO_SUCH if row is None else why_not_ready(session, row)
    if row is None or refusal:
        return refusal
    queue.add(session, tenant, "tell_ready", f"shipment/{shipment}", lane=f"order/{row.order_id}")
    _tell(session, row, f"Ready for pickup at {_place(session, row)}: the store is to be told.", by=by)
    return ""


def give(session: Session, tenant: int, shipment: int, *, by: str) -> str:
    """Say that the buyer has it: the store is told, and its units leave the shelf with that; answers why not."""
    row = _locked(session, tenant, shipment)
    refusal = _NO_SUCH if row is None else why_not_given(session, row)
    if row is None or refusal:
        return refusal
    order = session.get_one(Order, (tenant, row.order_id))
    if not lifecycle.move(session, tenant, "shipment", shipment, "give"):
        return "Somebody else has changed it at this moment: look again."
    handed_over.nobody_waits(session, tenant, shipment)
    lifecycle.move(session, tenant, "order", order.id, "ship")
    queue.add(session, tenant, "push_tracking", f"shipment/{shipment}", lane=f"order/{order.id}")
    how = "Picked up at" if row.way == Way.COLLECTED else "Delivered by the shop itself from"
    how = f"Given to {row.courier.name} at" if row.courier else how
    _tell(session, row, f"{how} {_place(session, row)}.", by=by)
    return ""


def not_given(session: Session, tenant: int, shipment: int, *, by: str) -> str:
    """Take it back that the buyer has it, before the store is told; answers why not."""
    row = _locked(session, tenant, shipment)
    refusal = _NO_SUCH if row is None else why_it_stays_given(session, row, lock=True)
    if row is None or refusal:
        return refusal
    key = announcing.key_of(shipment, "")
    nothing_to_tell.end(session, tenant, shipment, kind="push_tracking", key=key, why="It was not handed over.")
    lifecycle.move(session, tenant, "shipment", shipment, "not_given")
    _tell(session, row, f"It was not handed over: it waits at {_place(session, row)} still.", by=by)
    return ""


def why_it_stays_given(session: Session, shipment: Shipment, *, lock: bool = False) -> str:
    """Why nobody may say now that it was not handed over after all; empty where one may.

    With `lock` nobody begins to tell the store before this transaction ends.
    """
    if shipment.state != "handing_over":
        return "Nobody has said that the buyer has it, or the store shows it already."
    if any(box.delivered_at for box in postage.parcels_in(session, shipment.tenant_id, shipment)):
        return "It was delivered: somebody has said that the buyer has it."
    key, subject = announcing.key_of(shipment.id, ""), f"shipment/{shipment.id}"
    telling = select(Job.state).where(
        Job.tenant_id == shipment.tenant_id,
        Job.kind == "push_tracking",
        Job.subject == subject,
        Job.state.in_(("due", "running", "parked")),
    )
    states = session.scalars(telling.with_for_update() if lock else telling).all()
    if "running" in states or announcing.begun(session, shipment.tenant_id, [key]):
        return "The store is being told at this moment, and may show it already: wait until it has answered."
    return ""


def why_not_ready(session: Session, shipment: Shipment) -> str:
    """Why nobody may say now that it is ready; empty where one may. Changes nothing."""
    return _watches(session, shipment) or at_the_counter.why_not_ready(_waits(session, shipment))


def why_not_given(session: Session, shipment: Shipment) -> str:
    """Why nobody may say now that the buyer has it; empty where one may. Changes nothing."""
    return _watches(session, shipment) or at_the_counter.why_not_given(_waits(session, shipment))


def in_store(
    work: Work, storefront: Storefront, order_remote_id: str, store: StoreOrder
) -> Mapping[int, Sequence[str]]:
    """The shipments that the merchant handed over in the store, with the fulfillments that show it. No transaction is
    open; the store is asked only where its numbers say so.
    """
    with work.reading() as session:
        gone = handed_over.gone_there(session, work.tenant, work.subject_id, store)
        claims = shown_there.claims(session, work.tenant, work.subject_id) if gone else ()
    return shown_there.shared_out(gone, storefront.read_handed_over(order_remote_id), claims) if gone else {}


def take_over(session: Session, work: Work, given: Mapping[int, Sequence[str]]) -> None:
    """Write that down: the units are off the shelf, and nothing is told twice."""
    for shipment, fulfillments in given.items():
        handed_over.take_over(session, work.tenant, work.subject_id, shipment, fulfillments)
    if given:
        tell_stock.ask_about_unsold(session, work.tenant, work.subject_id)
        hearing.of_order(session, work.tenant, work.subject_id, now=work.now())


def _locked(session: Session, tenant: int, shipment: int) -> Shipment | None:
    row = session.get(Shipment, (tenant, shipment))
    if row is not None:
        session.get_one(Order, (tenant, row.order_id), with_for_update=LOCK, populate_existing=True)
        session.refresh(row)
    return row


def _watches(session: Session, shipment: Shipment) -> str:
    return "" if tenants.mode_of(session, shipment.tenant_id) != "shadow" else _ONLY_WATCHES


def _waits(session: Session, shipment: Shipment) -> Waits:
    tenant = shipment.tenant_id
    stops = holds.blocking_labels(open_holds(session, tenant, shipment.order_id))
    spot = (shipment.way, shipment.location_id)
    still = planning.demand(session, tenant, shipment.order_id).by_hand
    return Waits(
        order=session.get_one(Order, (tenant, shipment.order_id)).state,
        way=shipment.way,
        courier=shipment.courier.name if shipment.courier else "",
        state=shipment.state,
        holds=tuple(hold.kind.replace("_", " ") for hold in stops),
        taken_back=reversals.under_way(session, tenant, shipment.order_id) is not None,
        short=sum(want.units for there, wants in still.items() if there == spot for want in wants),
    )


def _place(session: Session, shipment: Shipment) -> str:
    return session.get_one(Location, (shipment.tenant_id, shipment.location_id)).name


def _tell(session: Session, shipment: Shipment, sentence: str, *, by: str) -> None:
    timeline.write(
        session, shipment.tenant_id, shipment.order_id,
        actor=by, kind="person", sentence=sentence, shipment=shipment.id,
    )  # fmt: skip
