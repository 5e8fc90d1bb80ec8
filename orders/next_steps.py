"""Says what an order needs next, from what the records hold: the jobs that a released hold or a retry sets going."""

from __future__ import annotations

from sqlalchemy.orm import Session

from orders import relabelling
from records.orders import Order
from records.reversals import under_way
from records.shipments import parcels_of, shipments_of


def of(session: Session, tenant: int, order: Order) -> list[tuple[str, str]]:
    """The (kind, subject) of every job that would take the order on from where it stands."""
    subject = f"order/{order.id}"
    if under_way(session, tenant, order.id) is not None:
        return [("reverse_order", subject)]  # which plans the rest anew when it is done
    match order.state:
        case "received":
            return [("verify_order", subject)]
        case "verified":
            return [("check_payment", subject)]
        case "released" | "watched":
            return [("reserve_stock", subject), *_of_labels(session, tenant, order.id)]
        case "allocated" | "shipping":
            work = [*_of_shipments(session, tenant, order.id), *_of_labels(session, tenant, order.id)]
            return [("reserve_stock", subject), *dict.fromkeys(work)]
        case "fulfilled" | "closed":
            return _of_labels(session, tenant, order.id)
        case "cancelling":
            return [("reverse_order", subject)]
        case _:
            return []


def _of_shipments(session: Session, tenant: int, order: int) -> list[tuple[str, str]]:
    states = {shipment.id: shipment.state for shipment in shipments_of(session, tenant, order)}
    labels = [
        ("buy_label", f"parcel/{parcel.id}")
        for parcel in parcels_of(session, tenant, order)
        if states.get(parcel.shipment_id) == "planned"
    ]
    return labels + [("push_tracking", f"shipment/{id}") for id, state in states.items() if state == "labelled"]


def _of_labels(session: Session, tenant: int, order: int) -> list[tuple[str, str]]:
    """Another label, for the parcels that a person wants it for, and for those that have lost theirs."""
    return [
        *(("relabel_parcel", f"parcel/{parcel}") for parcel in relabelling.wanted(session, tenant, order)),
        *(("buy_label", f"parcel/{parcel}") for parcel in relabelling.lacking(session, tenant, order)),
    ]
