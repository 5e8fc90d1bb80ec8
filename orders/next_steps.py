"""Says what an order needs next, from what the records hold: the jobs that a released hold or a retry sets going."""

from __future__ import annotations

from sqlalchemy.orm import Session

from orders import announcing, digital, purchasing, readdressing, relabelling, supplier_hooks, swapping
from records import notices, suppliers
from records.orders import OVER, Order
from records.reversals import under_way
from records.shipments import parcels_of, shipments_of


def of(session: Session, tenant: int, order: Order) -> list[tuple[str, str]]:
    """The (kind, subject) of every job that would take the order on from where it stands."""
    if under_way(session, tenant, order.id) is not None:
        return [("reverse_order", f"order/{order.id}")]  # which plans the rest anew when it is done
    told_first = [*_of_an_address(session, tenant, order), *_of_swaps(session, tenant, order)]
    return [*told_first, *_by_its_state(session, tenant, order)]


def _of_an_address(session: Session, tenant: int, order: Order) -> list[tuple[str, str]]:
    """Another address was asked for, and the store does not have it yet."""
    asked = order.state not in OVER and readdressing.asked(session, tenant, order.id) is not None
    return [("change_address", f"order/{order.id}")] if asked else []


def _of_swaps(session: Session, tenant: int, order: Order) -> list[tuple[str, str]]:
    """Something is sent instead of what is short, and the store does not know of it yet."""
    asked = order.state not in OVER and bool(swapping.asked(session, tenant, order.id))
    return [("swap_line", f"order/{order.id}")] if asked else []


def _by_its_state(session: Session, tenant: int, order: Order) -> list[tuple[str, str]]:
    subject = f"order/{order.id}"
    match order.state:
        case "received":
            return [("verify_order", subject)]
        case "verified":
            return [("check_payment", subject)]
        case "released" | "watched":
            beside = [*_beside(session, tenant, order.id), *_of_labels(session, tenant, order.id)]
            return [("reserve_stock", subject), *beside]
        case "allocated" | "shipping":
            work = [*_of_shipments(session, tenant, order.id), *_of_labels(session, tenant, order.id)]
            return [("reserve_stock", subject), *_beside(session, tenant, order.id), *dict.fromkeys(work)]
        case "fulfilled" | "closed":
            return [*_of_digital(session, tenant, order.id), *_of_labels(session, tenant, order.id)]
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
    return labels + [("push_tracking", f"shipment/{id}") for id, state in states.items() if state in announcing.TO_TELL]


def _beside(session: Session, tenant: int, order: int) -> list[tuple[str, str]]:
    """What is given or asked for without a place of ours: digital goods, and letters to suppliers that are due."""
    letters = [
        ("send_notice", f"notice/{one.id}")
        for row in suppliers.of_order(session, tenant, order)
        if row.state in suppliers.UNPROMISED
        for one in notices.about(session, tenant, purchasing.subject_of(row.id))
        if one.state == "due"
    ]
    machines = [
        ("tell_supplier", f"notice/{one.id}")
        for row in suppliers.of_order(session, tenant, order)
        for one in notices.about(session, tenant, supplier_hooks.subject_of(row.id))
        if one.state == "due"
    ]
    return [*_of_digital(session, tenant, order), *letters, *machines]


def _of_digital(session: Session, tenant: int, order: int) -> list[tuple[str, str]]:
    """What is to be given, and what was given and not told to the store."""
    left = digital.owed(session, tenant, order) or digital.untold(session, tenant, order)
    return [("deliver_digital", f"order/{order}")] if left else []


def _of_labels(session: Session, tenant: int, order: int) -> list[tuple[str, str]]:
    """Another label, for the parcels that a person wants it for, and for those that have lost theirs."""
    return [
        *(("relabel_parcel", f"parcel/{parcel}") for parcel in relabelling.wanted(session, tenant, order)),
        *(("buy_label", f"parcel/{parcel}") for parcel in relabelling.lacking(session, tenant, order)),
    ]
