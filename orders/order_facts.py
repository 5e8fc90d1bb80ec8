"""Reads all of an order that matters for taking it back, as plain values of one moment."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import announcing, by_hand, consigning, couriers, digital, handed_over, outstanding
from orders.reversal import DeliveryFacts
from orders.reversing import Facts, LabelFacts, LineFacts, ParcelFacts, PaymentFacts, ShipmentFacts
from records import decisions, tenants
from records.digital import deliveries_of
from records.orders import Order, OrderLine, Payment, lines_of, payments_of
from records.reversals import Reversal, ReversalStep, steps_of, under_way
from records.shipments import BY_HAND, Label, Parcel, Shipment, ShipmentLine, labels_of, parcels_of, shipments_of
from records.stock import Location


def facts_of(session: Session, tenant: int, order: int) -> Facts:
    """The facts of an order that exists."""
    row = session.get_one(Order, (tenant, order))
    return Facts(
        order=row.id,
        name=row.name,
        state=row.state,
        standing=row.standing,
        currency=row.currency,
        total_minor=row.total_minor,
        lines=tuple(_line(line) for line in lines_of(session, tenant, order)),
        shipments=_shipments(session, tenant, row),
        deliveries=_deliveries(session, tenant, order),
        payments=tuple(_payment(payment) for payment in payments_of(session, tenant, order)),
        cancelled_in_store=row.cancelled_at is not None,
        under_way=under_way(session, tenant, order) is not None,
        told_the_store=_told_the_store(session, tenant, order),
        promised_by=outstanding.promised_by(session, tenant, order),
        promised_units=outstanding.promised_units(session, tenant, order),
        given_for_parts_minor=_given_for_parts(session, tenant, order),
    )


def _line(line: OrderLine) -> LineFacts:
    return LineFacts(
        id=line.id,
        remote_id=line.remote_id,
        title=line.sku or line.title,
        units=line.units,
        to_ship=line.to_ship,
        by_hand=line.by_hand.units,
    )


def _deliveries(session: Session, tenant: int, order: int) -> tuple[DeliveryFacts, ...]:
    rows = deliveries_of(session, tenant, order)
    begun = announcing.begun(session, tenant, [digital.subject_of(one.id) for one in rows if one.fulfillments is None])
    return tuple(
        DeliveryFacts(
            id=one.id,
            fulfillments=tuple(str(id) for id in one.fulfillments or ()),
            in_doubt=digital.subject_of(one.id) in begun,
        )
        for one in rows
    )


def _shipments(session: Session, tenant: int, order: Order) -> tuple[ShipmentFacts, ...]:
    shipments = shipments_of(session, tenant, order.id)
    places = {
        place.id: place
        for place in session.scalars(
            select(Location).where(
                Location.tenant_id == tenant, Location.id.in_({one.location_id for one in shipments if one.location_id})
            )
        )
    }
    units = _units(session, tenant, order.id)
    outdated = consigning.outdated_labels(session, tenant, order, tenants.rules_of(session, tenant))
    parcels = parcels_of(session, tenant, order.id)
    labels = labels_of(session, tenant, order.id)
    refused = {one.shipment_id for one in decisions.refusals_of(session, tenant, order.id)}
    in_doubt = announcing.in_doubt(session, tenant, order.id)
    unasked = _unasked(session, tenant, order.id, shipments) | _out_of_reach(order, shipments, places)
    return tuple(
        ShipmentFacts(
            id=one.id,
            state=one.state,
            location=places[one.location_id].name if one.location_id else "",
            location_remote_id=places[one.location_id].remote_id if one.location_id else "",
            by_supplier=one.purchase_order_id is not None,
            units=units.get(one.id, {}),
            parcels=tuple(_parcel(box, labels, outdated) for box in parcels if box.shipment_id == one.id),
            fulfillments=tuple(str(id) for id in one.fulfillments),
            refused=one.id in refused,
            in_doubt=one.id in in_doubt,
            by_hand=one.way in BY_HAND,
            unasked=one.id in unasked,
        )
        for one in shipments
    )


def _unasked(session: Session, tenant: int, order: int, shipments: Collection[Shipment]) -> set[int]:
    """What waits for its buyer where the store wants less of it by now."""
    if not any(one.way in BY_HAND for one in shipments):
        return set()
    there = by_hand.in_shipments(session, tenant, order)
    wanted = {
        line.id: {(part.way, part.location): part.units for part in line.by_hand.parts}
        for line in lines_of(session, tenant, order)
    }
    too_many = {
        (line, spot)
        for line, spots in there.items()
        for spot, units in spots.items()
        if units > wanted.get(line, {}).get(spot, 0)
    }
    units = _units(session, tenant, order)
    return {
        one.id
        for one in shipments
        for line in units.get(one.id, {})
        if (line, (one.way, one.location_id)) in too_many and one.state in handed_over.WAITS
    }


def _out_of_reach(order: Order, shipments: Collection[Shipment], places: Mapping[int, Location]) -> set[int]:
    """What a courier was to bring who does not go where the order goes by now."""
    waiting = [one for one in shipments if one.courier is not None and one.state == "planned" and one.location_id]
    return {
        one.id
        for one in waiting
        if one.courier is not None
        and not couriers.reaches(one.courier, places[one.location_id or 0].address, order.ship_to or Address())
    }


def _units(session: Session, tenant: int, order: int) -> dict[int, dict[int, int]]:
    rows = session.execute(
        select(ShipmentLine.shipment_id, ShipmentLine.line_id, ShipmentLine.units)
        .join(Shipment, (Shipment.tenant_id == ShipmentLine.tenant_id) & (Shipment.id == ShipmentLine.shipment_id))
        .where(ShipmentLine.tenant_id == tenant, Shipment.order_id == order)
    )
    units: dict[int, dict[int, int]] = {}
    for row in rows:
        units.setdefault(row.shipment_id, {})[row.line_id] = row.units
    return units


def _parcel(parcel: Parcel, labels: Collection[Label], outdated: Collection[int]) -> ParcelFacts:
    return ParcelFacts(
        id=parcel.id,
        carrier_status=parcel.carrier_status,
        labels=tuple(
            LabelFacts(
                id=label.id,
                state=label.state,
                tracking_code=label.tracking_code,
                cost_minor=label.cost_minor or 0,
                currency=label.currency,
                outdated=label.id in outdated,
            )
            for label in labels
            if label.parcel_id == parcel.id
        ),
    )


def _payment(payment: Payment) -> PaymentFacts:
    return PaymentFacts(
        id=payment.id,
        remote_id=payment.remote_id,
        state=payment.state,
        currency=payment.currency,
        authorised_minor=payment.authorised_minor,
        captured_minor=payment.captured_minor,
        refunded_minor=payment.refunded_minor,
        disputed=payment.disputed,
    )


def _told_the_store(session: Session, tenant: int, order: int) -> bool:
    reversal = under_way(session, tenant, order)
    if reversal is None:
        return False
    return any(
        step.kind in {"cancel_in_store", "refund_in_store"} and step.state in {"done", "skipped"}
        for step in steps_of(session, tenant, reversal.id)
    )


def _given_for_parts(session: Session, tenant: int, order: int) -> int:
    given = session.scalars(
        select(func.sum(ReversalStep.amount_minor))
        .join(Reversal, (Reversal.tenant_id == ReversalStep.tenant_id) & (Reversal.id == ReversalStep.reversal_id))
        .where(
            ReversalStep.tenant_id == tenant,
            Reversal.order_id == order,
            Reversal.state == "done",
            ReversalStep.kind == "refund_payment",
            ReversalStep.state == "done",
        )
    ).one()
    return int(given or 0)
