"""Cancels an order: stops what has not happened, gives stock back, and says which labels are to be voided."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import inventory, lifecycle
from records import timeline
from records.shipments import Label, Parcel, Shipment, labels_of, shipments_of

# What the carrier may not have scanned yet, so that the postage can be given back.
_UNUSED = frozenset({"unknown", "pre_transit"})


def begin(session: Session, tenant: int, order: int, *, by: str) -> bool:
    """Start cancelling; answers whether this call did (a second wish does not)."""
    started = lifecycle.move(session, tenant, "order", order, "cancel")
    if started:
        timeline.write(session, tenant, order, actor=by, kind="fact", sentence="The order was cancelled in the store.")
    return started


def stop(session: Session, tenant: int, order: int) -> tuple[list[int], int]:
    """Give back what is held and cancel what has not left; answers the labels worth voiding, and the units."""
    to_void: list[int] = []
    units = 0
    for shipment in shipments_of(session, tenant, order):
        labels = _unused_labels(session, tenant, shipment)
        if shipment.state in {"planned", "labelled"} and lifecycle.move(
            session, tenant, "shipment", shipment.id, "cancel"
        ):
            units += inventory.release_shipment(session, tenant, order, shipment.id, actor="packline")
            to_void += labels
    return to_void, units


def label_is_void(session: Session, tenant: int, label: Label) -> None:
    """The carrier gave the postage back."""
    if lifecycle.move(session, tenant, "label", label.id, "void"):
        timeline.write(
            session,
            tenant,
            label.order_id,
            actor="packline",
            kind="fact",
            sentence=f"The label {label.tracking_code} is void; its postage comes back.",
            label=label.id,
        )


def waiting_for_the_store(session: Session, tenant: int, order: int) -> list[int]:
    """Shipments with a label that the storefront does not know of yet."""
    return [shipment.id for shipment in shipments_of(session, tenant, order) if shipment.state == "labelled"]


def unsure_labels(session: Session, tenant: int, order: int) -> list[Label]:
    """Labels that were meant and never certainly bought: the carrier has to be asked before they are given up."""
    return [label for label in labels_of(session, tenant, order) if label.state == "intended"]


def _unused_labels(session: Session, tenant: int, shipment: Shipment) -> list[int]:
    rows = session.execute(
        select(Label.id)
        .join(Parcel, (Parcel.tenant_id == Label.tenant_id) & (Parcel.id == Label.parcel_id))
        .where(
            Label.tenant_id == tenant,
            Parcel.shipment_id == shipment.id,
            Label.state == "bought",
            Parcel.carrier_status.in_(_UNUSED),
        )
    )
    return [row.id for row in rows]
