"""A location cannot send what it was to send: its shipment is taken back, and the order leaves from somewhere else."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from jobs import queue
from orders import refusing, splitting, taking_back
from orders.refusing import Sent
from orders.reversing import Wish
from orders.taking_back import Begun, NotPossible
from records import reversals, tenants, timeline
from records.decisions import Refusal
from records.orders import LOCK, Order
from records.shipments import BY_HAND, Parcel, Shipment, parcels_of
from records.stock import Location

_A_SUPPLIERS = "A supplier has sent it: there is no place of ours to take it from."
_THE_BUYERS_CHOICE = "The buyer gets it at this place: move it in the store, and Packline follows."
_ONLY_WATCHES = "Packline only watches this shop: nothing of it is to leave."


def cannot_send(session: Session, tenant: int, shipment: int, *, why: str, note: str, by: str, now: datetime) -> str:
    """Take a shipment from its place, and ask that place no more for its lines; answers why not, or an empty text.

    Its label is given back, its stock is free again, and what the store shows of it is taken back there, step by step;
    then the order is routed anew.
    """
    row = session.get(Shipment, (tenant, shipment))
    if row is None:
        return "There is no such shipment."
    order = session.get_one(Order, (tenant, row.order_id), with_for_update=LOCK)
    session.refresh(row)
    refusal = why_it_sends(session, row)
    if refusal:
        return refusal
    location = row.location_id
    if location is None:
        return _A_SUPPLIERS
    lines = list(splitting.units_of(session, tenant, shipment))
    refusing.write(
        session, tenant,
        order=order.id, shipment=shipment, location=location, lines=lines, why=why, note=note, by=by,
    )  # fmt: skip
    place = session.get_one(Location, (tenant, location)).name
    added = f" {note}" if note else ""
    sentence = f"{place} cannot send shipment {shipment}: {refusing.WHY[why]}.{added}"
    timeline.write(session, tenant, order.id, actor=by, kind="person", sentence=sentence, shipment=shipment)
    wish = Wish(purpose="replan", reason="refused", origin="packline")
    begun = taking_back.begin(session, tenant, order.id, wish, by="packline", now=now)
    if isinstance(begun, Begun):
        queue.add(session, tenant, "reverse_order", f"order/{order.id}")
    return begun.reason if isinstance(begun, NotPossible) else ""


def why_it_sends(session: Session, shipment: Shipment) -> str:
    """Why a shipment stays with its place, as it stands now; empty where it can be taken from it. Changes nothing."""
    tenant = shipment.tenant_id
    if tenants.mode_of(session, tenant) != "live":
        return _ONLY_WATCHES
    if shipment.location_id is None:
        return _A_SUPPLIERS
    if shipment.way in BY_HAND:
        return _THE_BUYERS_CHOICE
    return refusing.why_not(
        Sent(
            order=session.get_one(Order, (tenant, shipment.order_id)).state,
            shipment=shipment.state,
            parcels=tuple(parcel.carrier_status for parcel in _parcels(session, shipment)),
            taken_back=reversals.under_way(session, tenant, shipment.order_id) is not None,
        )
    )


def ask_again(session: Session, tenant: int, order: int, location: int, *, by: str) -> bool:
    """Let a place be asked again for what it could not send of an order; answers whether it had said no."""
    session.get_one(Order, (tenant, order), with_for_update=LOCK)
    gone = session.scalars(
        delete(Refusal)
        .where(Refusal.tenant_id == tenant, Refusal.order_id == order, Refusal.location_id == location)
        .returning(Refusal.id)
    ).all()
    if not gone:
        return False
    place = session.get_one(Location, (tenant, location)).name
    sentence = f"{place} may be asked again for what it could not send."
    timeline.write(session, tenant, order, actor=by, kind="person", sentence=sentence)
    queue.add(session, tenant, "reserve_stock", f"order/{order}")
    return True


def _parcels(session: Session, shipment: Shipment) -> list[Parcel]:
    parcels = parcels_of(session, shipment.tenant_id, shipment.order_id)
    return [parcel for parcel in parcels if parcel.shipment_id == shipment.id]
