"""Tells the storefront that a shipment has left, with its tracking numbers, exactly once."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Announced, ShippedLine, TrackingLabel
from integrations.ports import Storefront, Temporary
from jobs import fulfilling, hearing, outward, queue, story, tell_stock
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import announcing, holds, inventory, lifecycle, postage, promised, shown_there, splitting
from orders.shown_there import Claim
from records import tenants
from records.orders import Order, lines_of, open_holds
from records.shipments import BY_HAND, Parcel, ParcelScan, Shipment
from records.stock import Location


@dataclass(frozen=True, kw_only=True)
class Word:
    """What the storefront is to be told of one carrier's boxes."""

    key: str
    lines: tuple[ShippedLine, ...]
    tracking: TrackingLabel
    begun: bool
    """A run before this one began to tell it, and nobody knows how that ended."""


@dataclass(frozen=True, kw_only=True)
class Departure:
    """A shipment that has its labels. A fulfillment names one carrier, so there is a word for each."""

    shipment: int
    order: int
    connection: str
    order_remote_id: str
    tell_buyer: bool
    parcels: tuple[int, ...]
    words: tuple[Word, ...]
    handed_over_at: str = ""
    """The storefront's location where somebody got it without a label; empty for what a carrier brings."""
    elsewhere: tuple[Claim, ...] = ()
    """What the storefront shows of the order for other shipments."""


def run(work: Work) -> Outcome:
    with work.reading() as session:
        departure = _load(session, work)
    if isinstance(departure, (Cancelled, Done)):
        return departure
    storefront = work.storefront(departure.connection)
    announced = {word.key: announce(work, storefront, departure, word) for word in departure.words}
    with work.writing() as session:
        record(session, work, departure, announced)
        fulfilling.if_complete(session, work.tenant, departure.order)
    return Done()


def announce(work: Work, storefront: Storefront, departure: Departure, word: Word) -> Sequence[Announced]:
    """Tell the storefront of one carrier's boxes. What it is known not to have done is not left in doubt."""
    act = Act(
        key=word.key,
        kind="push_tracking",
        subject=f"shipment/{departure.shipment}",
        request={"lines": [line.model_dump() for line in word.lines], "tracking": word.tracking.model_dump()},
    )
    try:
        return outward.once(
            work,
            act,
            # The storefront has no key of ours to remember, so announcing itself looks first for what stands there.
            perform=lambda _keys: _tell(storefront, departure, word),
        ).result
    except Temporary as failure:
        if not (failure.outcome_unknown or word.begun):
            with work.writing() as session:
                outward.settle(session, work.tenant, word.key, "abandon", reason=failure.reason)
        raise


def _tell(storefront: Storefront, departure: Departure, word: Word) -> Sequence[Announced]:
    order, tell_buyer = departure.order_remote_id, departure.tell_buyer
    if departure.handed_over_at:
        place, known = departure.handed_over_at, shown_there.known(departure.elsewhere)
        return storefront.hand_over(
            order, place, word.lines,
            tell_buyer=tell_buyer, known=known, begun=word.begun, courier=word.tracking.carrier,
        )  # fmt: skip
    return storefront.announce(order, word.lines, word.tracking, tell_buyer=tell_buyer)


def departure_of(session: Session, tenant: int, id: int) -> Departure:
    """What the storefront is to be told of a shipment, whether or not it is the moment for it."""
    shipment = session.get_one(Shipment, (tenant, id))
    order = session.get_one(Order, (tenant, shipment.order_id))
    if shipment.way in BY_HAND or shipment.courier:
        return _handing_over(session, tenant, shipment, order)
    parcels = postage.parcels_in(session, tenant, shipment)
    remote_ids = {line.id: line.remote_id for line in lines_of(session, tenant, order.id)}
    carriers = list(dict.fromkeys(parcel.carrier for parcel in parcels))
    begun = announcing.begun(session, tenant, [announcing.key_of(id, carrier) for carrier in carriers])
    return Departure(
        shipment=id,
        order=order.id,
        connection=order.connection_id,
        order_remote_id=order.remote_id,
        tell_buyer=tenants.rules_of(session, tenant).tell_buyer,
        parcels=tuple(parcel.id for parcel in parcels),
        words=tuple(
            _word(id, carrier, [parcel for parcel in parcels if parcel.carrier == carrier], remote_ids, begun)
            for carrier in carriers
        ),
    )


def record(session: Session, work: Work, departure: Departure, announced: Mapping[str, Sequence[Announced]]) -> None:
    """Write the shipment as announced, with what the storefront shows for each word, and its units off the shelf."""
    tenant, shipment = work.tenant, departure.shipment
    for key, fulfillments in announced.items():
        by = "adopt" if all(one.adopted for one in fulfillments) else "succeed"
        outward.settle(session, tenant, key, by, reference=", ".join(one.remote_id for one in fulfillments))
    ids = list(dict.fromkeys(one.remote_id for fulfillments in announced.values() for one in fulfillments))
    by = "hand_over" if departure.handed_over_at else "announce"
    if not lifecycle.move(session, tenant, "shipment", shipment, by, fulfillments=ids):
        return
    if session.get_one(Shipment, (tenant, shipment)).purchase_order_id is not None:
        lifecycle.move(session, tenant, "shipment", shipment, "hand_over")  # it was never here
    promised.has_left(session, tenant, departure.order)
    inventory.consume(session, tenant, departure.order, shipment, actor="packline")
    tell_stock.ask_about_unsold(session, tenant, departure.order)
    for word in departure.words:
        if word.key in announced:
            adopted = all(one.adopted for one in announced[word.key])
            by_others = any(one.by_others for one in announced[word.key])
            sentence = _told(word.tracking, adopted=adopted, by_others=by_others)
            story.tell(session, work, departure.order, sentence, key=word.key)
    if any(one.by_others for fulfillments in announced.values() for one in fulfillments):
        # The store counted these units off when it was told, and its count may have been taken over before ours went.
        hearing.of_order(session, tenant, departure.order, now=work.now())
    for parcel in scanned(session, tenant, departure.parcels):
        queue.add(session, tenant, "report_parcel", f"parcel/{parcel}")


def _load(session: Session, work: Work) -> Departure | Cancelled | Done:
    tenant = work.tenant
    shipment = session.get_one(Shipment, (tenant, work.subject_id))
    order = session.get_one(Order, (tenant, shipment.order_id))
    if shipment.state not in announcing.TO_TELL or order.state != "shipping":
        return Cancelled(reason=f"the shipment is {shipment.state} and the order {order.state}: nothing to announce")
    if holds.blocking_labels(open_holds(session, tenant, order.id)):
        return Done()  # what is held does not leave; a released hold asks for this job again
    if postage.unlabelled(session, tenant, shipment.id):
        return Done()  # a label was given back; the purchase of another one asks for this job again
    return departure_of(session, tenant, shipment.id)


def _word(
    shipment: int, carrier: str, parcels: Sequence[Parcel], remote_ids: Mapping[int, str], begun: Collection[str]
) -> Word:
    key = announcing.key_of(shipment, carrier)
    units: dict[int, int] = {}
    for parcel in parcels:
        for line, count in parcel.contents.items():
            units[int(line)] = units.get(int(line), 0) + int(count)
    return Word(
        key=key,
        begun=key in begun,
        lines=tuple(ShippedLine(line_remote_id=remote_ids[line], units=count) for line, count in sorted(units.items())),
        tracking=TrackingLabel(
            carrier=carrier,
            numbers=tuple(parcel.tracking_code for parcel in parcels),
            urls=tuple(parcel.tracking_url for parcel in parcels if parcel.tracking_url),
        ),
    )


def _handing_over(session: Session, tenant: int, shipment: Shipment, order: Order) -> Departure:
    """What a buyer got by hand, or a courier has: one word, without a number."""
    key = announcing.key_of(shipment.id, "")
    remote_ids = {line.id: line.remote_id for line in lines_of(session, tenant, order.id)}
    units = splitting.units_of(session, tenant, shipment.id)
    word = Word(
        key=key,
        begun=bool(announcing.begun(session, tenant, [key])),
        lines=tuple(ShippedLine(line_remote_id=remote_ids[line], units=count) for line, count in units.items()),
        tracking=TrackingLabel(carrier=shipment.courier.name if shipment.courier else "", numbers=()),
    )
    return Departure(
        shipment=shipment.id,
        order=order.id,
        connection=order.connection_id,
        order_remote_id=order.remote_id,
        tell_buyer=tenants.rules_of(session, tenant).tell_buyer,
        parcels=tuple(one.id for one in postage.parcels_in(session, tenant, shipment)),
        words=(word,),
        handed_over_at=session.get_one(Location, (tenant, shipment.location_id)).remote_id,
        elsewhere=shown_there.claims(session, tenant, order.id, but=shipment.id),
    )


def _told(tracking: TrackingLabel, *, adopted: bool, by_others: bool) -> str:
    if not tracking.numbers:
        return f"The store {'showed already' if adopted else 'shows'} that {tracking.carrier or 'the buyer'} has it."
    if by_others:
        return (
            "Somebody had marked these units as shipped in the store without a number; it has now got ours: "
            f"{tracking.carrier} {', '.join(tracking.numbers)}. Its stock is read again."
        )
    how = "The storefront had the tracking already" if adopted else "The storefront has the tracking"
    return f"{how}: {tracking.carrier} {', '.join(tracking.numbers)}."


def scanned(session: Session, tenant: int, parcels: Sequence[int]) -> list[int]:
    """The parcels that the carrier has spoken of already, before the storefront could be told."""
    return list(
        session.scalars(
            select(ParcelScan.parcel_id)
            .where(ParcelScan.tenant_id == tenant, ParcelScan.parcel_id.in_(parcels))
            .distinct()
        )
    )
