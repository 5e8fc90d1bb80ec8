"""Writes down what a carrier must know of one box: where it leaves, where it goes, what it weighs, what customs ask."""

from __future__ import annotations

import hashlib

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Address, Consignment, Customs, ParcelStatus
from orders import customs, holds
from orders.holds import Problem
from records.orders import Order, OrderLine
from records.shipments import Label, Parcel, Shipment
from records.stock import Location, Variant
from records.tenants import Rules


def consign(
    session: Session, tenant: int, order: Order, shipment: Shipment, parcel: Parcel, rules: Rules, *, reference: str
) -> Consignment | Problem:
    """The consignment of one parcel, or the problem that keeps its customs declaration from being true."""
    sender = session.get_one(Location, (tenant, shipment.location_id)).address
    declaration = _declaration(session, tenant, order, parcel, sender, rules)
    if isinstance(declaration, Problem):
        return declaration
    return Consignment(
        reference=reference,
        sender=sender,
        recipient=order.ship_to or Address(),
        parcel=parcel.shape,
        customs=declaration,
        label_format=rules.label_format,
        label_size=rules.label_size,
    )


def digest(consignment: Consignment) -> str:
    """Tells whether what was quoted is still what is to be sent; the reference is ours and changes nothing."""
    told = consignment.model_dump_json(exclude={"reference", "label_format", "label_size"})
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def outdated_labels(session: Session, tenant: int, order: Order, rules: Rules) -> list[int]:
    """Labels that were bought for something else than what would be sent now, of parcels that are not at the door."""
    rows = session.execute(
        select(Label, Parcel, Shipment)
        .join(Parcel, (Parcel.tenant_id == Label.tenant_id) & (Parcel.id == Label.parcel_id))
        .join(Shipment, (Shipment.tenant_id == Parcel.tenant_id) & (Shipment.id == Parcel.shipment_id))
        .where(
            Label.tenant_id == tenant,
            Label.order_id == order.id,
            Label.state == "bought",
            Label.consignment_digest != "",
            Shipment.state != "cancelled",
            Parcel.carrier_status != ParcelStatus.DELIVERED.value,
        )
    )
    outdated = []
    for label, parcel, shipment in rows:
        now = consign(session, tenant, order, shipment, parcel, rules, reference="")
        if isinstance(now, Problem) or digest(now) != label.consignment_digest:
            outdated.append(label.id)
    return outdated


def _declaration(
    session: Session, tenant: int, order: Order, parcel: Parcel, sender: Address, rules: Rules
) -> Customs | Problem | None:
    if order.ship_to is None or not customs.needed(sender, order.ship_to):
        return None
    lines = session.scalars(
        select(OrderLine).where(
            OrderLine.tenant_id == tenant, OrderLine.id.in_([int(line) for line in parcel.contents])
        )
    ).all()
    sold = [line.variant_remote_id for line in lines]
    variants = {
        variant.remote_id: variant
        for variant in session.scalars(select(Variant).where(Variant.tenant_id == tenant, Variant.remote_id.in_(sold)))
    }
    return customs.declare(
        [(line, int(parcel.contents[str(line.id)]), variants.get(line.variant_remote_id)) for line in lines],
        currency=order.currency,
        signer=rules.customs_signer or sender.name or sender.company,
        assumed_unit_grams=rules.assumed_unit_grams,
        assumed_origin=sender.country if holds.overruled(session, tenant, order.id, "customs") else "",
    )
