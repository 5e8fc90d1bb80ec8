"""Has a courier of the merchant's own bring a shipment in a carrier's place: because the rules say so, or a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date, datetime
from enum import Enum
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Consignment, ParcelProgress, ParcelStatus, Rate, Scan
from jobs import queue, reshaping
from orders import consigning, couriers, lifecycle, postage, promised, taking_back, tracking
from orders.couriers import Choosable, Leaving
from orders.holds import Problem
from orders.routing.question import Question
from records import couriers as kept
from records import reversals, tenants, timeline
from records.couriers import Courier
from records.orders import LOCK, Order
from records.shipments import LIVE_LABEL, Label, Parcel, Shipment
from records.stock import Location
from records.tenants import Rules


class Given(Enum):
    """What became of a courier's winning rate."""

    TO_THEM = "to them"
    NOT_THEIRS = "not theirs"
    """They bring nothing any more, or a person wants a carrier: others are to be asked."""
    LATER = "later"
    """It is not to leave now, whoever brings it."""


def of_box(session: Session, tenant: int, shipment: Shipment, box: Consignment, *, now: datetime) -> tuple[Rate, ...]:
    """The courier who is weighed beside the carriers for the one box of a shipment: the nearest, one of each currency.

    Several boxes are priced one by one by carriers, and a courier comes once: nobody is weighed there.
    """
    if shipment.state != "planned" or shipment.by_carrier or shipment.location_id is None:
        return ()
    if len(postage.parcels_in(session, tenant, shipment)) != 1:
        return ()
    leaving = _leaves_on(session, shipment)
    return couriers.nearest(of_place(session, tenant, shipment.location_id, box, leaving=leaving, now=now))


def zone_of(session: Session, shipment: Shipment) -> str:
    """The time zone of the place that a shipment leaves."""
    return session.get_one(Location, (shipment.tenant_id, shipment.location_id)).sending.time_zone


def beside(
    session: Session, tenant: int, question: Question, boxes: Sequence[tuple[int, Consignment]], *, now: datetime
) -> list[tuple[Rate, ...]]:
    """The courier who would be weighed for each of the boxes that would leave the places of a question."""
    leaves = {place.id: place.leaves_on for place in question.places}
    count = Counter(location for location, _ in boxes)
    return [
        couriers.nearest(of_place(session, tenant, location, box, leaving=leaves.get(location), now=now))
        if count[location] == 1
        else ()
        for location, box in boxes
    ]


def of_place(
    session: Session, tenant: int, location: int, box: Consignment, *, leaving: date | None, now: datetime
) -> tuple[Rate, ...]:
    """Every courier who would bring a box that would leave a place."""
    living = kept.of_shop(session, tenant)
    if not living:
        return ()
    zone = session.get_one(Location, (tenant, location)).sending.time_zone
    return couriers.offered(living, box, Leaving(location=location, on=leaving, zone=zone, now=now))


def by_rates(session: Session, tenant: int, parcel: int, rate: Rate, *, now: datetime) -> Given:
    """The rates say that a courier brings a parcel's shipment, and so they do where that still may be. Nothing is
    bought.
    """
    label = session.scalars(
        select(Label).where(Label.tenant_id == tenant, Label.parcel_id == parcel, Label.state == "intended")
    ).first()
    if label is None:
        return Given.LATER
    session.get_one(Order, (tenant, label.order_id), with_for_update=LOCK, populate_existing=True)
    shipment = session.get_one(
        Shipment, (tenant, session.get_one(Parcel, (tenant, parcel)).shipment_id), populate_existing=True
    )
    courier = session.get(Courier, (tenant, couriers.courier_of(rate.remote_id) or 0))
    if courier is None or courier.ended_at is not None or shipment.by_carrier:
        return Given.NOT_THEIRS
    goes_back = taking_back.gives_back(session, tenant, shipment.order_id, shipment.id)
    if tenants.mode_of(session, tenant) != "live" or _refusal(session, shipment, taken_back=goes_back):
        return Given.LATER
    days = rate.transit_days if rate.transit_days is not None else courier.days
    _give(session, shipment, courier, days=days, now=now)
    return Given.TO_THEM


def choose(session: Session, tenant: int, shipment: int, courier: int, *, by: str, now: datetime) -> str:
    """A person gives a shipment to a courier who covers its buyer; answers why not, or an empty text."""
    row = _locked(session, tenant, shipment)
    if row is None:
        return "There is no such shipment."
    refusal = why_not(session, row)
    if refusal:
        return refusal
    offer = next((one for one in offers(session, row, now=now) if couriers.courier_of(one.remote_id) == courier), None)
    if offer is None:
        return "They do not bring it: it is too far for them or too heavy, or they are on the list no more."
    _give(session, row, session.get_one(Courier, (tenant, courier)), days=offer.transit_days or 0, now=now)
    row.by_carrier = False
    reshaping.give_up_jobs(session, tenant, _parcels(session, row), why="A courier brings it.")
    _tell(session, row, f"{offer.carrier} brings it for {offer.price}: no label is bought.", by=by)
    return ""


def by_carrier(session: Session, tenant: int, shipment: int, *, by: str) -> str:
    """A person has a carrier bring it after all; answers why not. No courier is weighed for it any more."""
    row = _locked(session, tenant, shipment)
    if row is None or row.courier is None:
        return "No courier was to bring it."
    refusal = why_not(session, row)
    if refusal:
        return refusal
    name = row.courier.name
    row.courier, row.by_carrier = None, True
    promised.by_a_carrier(session, tenant, row, because="as a carrier brings it, who has not said yet")
    for parcel in _parcels(session, row):
        queue.add(session, tenant, "buy_label", f"parcel/{parcel}", lane=f"order/{row.order_id}")
    _tell(session, row, f"A carrier brings it instead of {name}: a label is bought.", by=by)
    return ""


def delivered(session: Session, tenant: int, shipment: int, *, by: str, now: datetime) -> str:
    """The buyer has it from the courier; the storefront is told. Answers why nothing was changed, or an empty text."""
    row = _locked(session, tenant, shipment)
    if row is None or row.courier is None:
        return "No courier brings it."
    if row.state not in {"handing_over", "handed_over"}:
        return "The courier does not have it yet: say first that it was given to them."
    boxes = [one for one in postage.parcels_in(session, tenant, row) if one.delivered_at is None]
    if not boxes:
        return "It was delivered already."
    scan = Scan(at=now, status=ParcelStatus.DELIVERED, message=f"Delivered by {row.courier.name}")
    for box in boxes:
        told = ParcelProgress(
            tracker_ref="", tracking_code="", carrier=row.courier.name,
            status=ParcelStatus.DELIVERED, at=now, scans=(scan,),
        )  # fmt: skip
        tracking.record(session, tenant, box, told, said_by=by)
        queue.add(session, tenant, "report_parcel", f"parcel/{box.id}")
    return ""


def offers(session: Session, shipment: Shipment, *, now: datetime) -> tuple[Rate, ...]:
    """The couriers who would bring a whole shipment, however many boxes it has. Changes nothing."""
    if shipment.location_id is None:
        return ()
    tenant = shipment.tenant_id
    boxes = _boxes(session, shipment, tenants.rules_of(session, tenant))
    if not boxes:
        return ()
    grams = sum(box.parcel.weight_grams for box in boxes)
    whole = boxes[0].model_copy(update={"parcel": boxes[0].parcel.model_copy(update={"weight_grams": grams})})
    return of_place(session, tenant, shipment.location_id, whole, leaving=_leaves_on(session, shipment), now=now)


def why_not(session: Session, shipment: Shipment) -> str:
    """Why nobody may choose now who brings a shipment; empty where they may. Changes nothing."""
    if tenants.mode_of(session, shipment.tenant_id) != "live":
        return "Packline only watches this shop: nobody is given anything."
    parcels = _parcels(session, shipment)
    if reshaping.is_buying(session, shipment.tenant_id, parcels, _live(session, shipment, parcels)):
        return _refusal(session, shipment, buying=True)
    return _refusal(session, shipment)


def _refusal(session: Session, shipment: Shipment, *, buying: bool = False, taken_back: bool | None = None) -> str:
    tenant = shipment.tenant_id
    if taken_back is None:
        taken_back = reversals.under_way(session, tenant, shipment.order_id) is not None
    labels = session.scalars(
        select(Label.state).where(Label.tenant_id == tenant, Label.parcel_id.in_(_parcels(session, shipment)))
    )
    return couriers.why_not(
        Choosable(
            order=session.get_one(Order, (tenant, shipment.order_id)).state,
            state=shipment.state,
            way=shipment.way,
            labels=tuple(labels),
            buying=buying,
            taken_back=taken_back,
        )
    )


def _give(session: Session, shipment: Shipment, courier: Courier, *, days: int, now: datetime) -> None:
    """What was quoted for its boxes is not bought; its promise follows the courier."""
    tenant = shipment.tenant_id
    for label in _live(session, shipment, _parcels(session, shipment)):
        lifecycle.move(session, tenant, "label", label, "fail")
    shipment.courier = couriers.given(courier, days=days)
    session.flush()
    promised.by_the_courier(session, tenant, shipment, days=days, now=now)


def _leaves_on(session: Session, shipment: Shipment) -> date | None:
    """The day by its place's own calendar; None where that is never open."""
    if shipment.ship_by is None:
        return None
    return shipment.ship_by.astimezone(ZoneInfo(zone_of(session, shipment))).date()


def _locked(session: Session, tenant: int, shipment: int) -> Shipment | None:
    row = session.get(Shipment, (tenant, shipment))
    if row is not None:
        session.get_one(Order, (tenant, row.order_id), with_for_update=LOCK, populate_existing=True)
        session.refresh(row)
    return row


def _boxes(session: Session, shipment: Shipment, rules: Rules) -> list[Consignment]:
    """Every box as a carrier would be told of it; none where one cannot be declared."""
    tenant = shipment.tenant_id
    order = session.get_one(Order, (tenant, shipment.order_id))
    found = []
    for parcel in postage.parcels_in(session, tenant, shipment):
        box = consigning.consign(session, tenant, order, shipment, parcel, rules, reference="")
        if isinstance(box, Problem):
            return []
        found.append(box)
    return found


def _parcels(session: Session, shipment: Shipment) -> list[int]:
    return [parcel.id for parcel in postage.parcels_in(session, shipment.tenant_id, shipment)]


def _live(session: Session, shipment: Shipment, parcels: Sequence[int]) -> list[int]:
    return list(
        session.scalars(
            select(Label.id).where(
                Label.tenant_id == shipment.tenant_id, Label.parcel_id.in_(parcels), Label.state.in_(LIVE_LABEL)
            )
        )
    )


def _tell(session: Session, shipment: Shipment, sentence: str, *, by: str) -> None:
    timeline.write(
        session, shipment.tenant_id, shipment.order_id,
        actor=by, kind="person", sentence=sentence, shipment=shipment.id,
    )  # fmt: skip
