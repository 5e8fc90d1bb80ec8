"""Gathers what a choice of locations depends on, of one moment: places, shelves, and what each place can still send."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders import distance, inventory, promising, refusing
from orders.routing import later
from orders.routing.question import Place, Question, Quote, Refused, Shelf, Standing, Want
from records import tenants
from records.stock import Location
from records.tenants import Rules


def ask(
    session: Session,
    tenant: int,
    wants: Sequence[Want],
    to: Address,
    rules: Rules,
    *,
    now: datetime,
    spoken_for: Mapping[tuple[int, int], int] | None = None,
    quotes: Sequence[Quote] = (),
    order: int | None = None,
    deliver_by: datetime | None = None,
    joins: Collection[int] = (),
    standing: Standing | None = None,
) -> Question:
    """The question of this moment. `spoken_for` is units, by (variant, location), that others would take first; less
    than nothing is what is kept for this very order.

    Of an `order`, the places that could not send a line of it are left out for that line; at `joins`, it joins what is
    planned of the order and was counted among the day's shipments already. `standing` is what stands of it anywhere.
    """
    locations = session.scalars(
        select(Location).where(Location.tenant_id == tenant, Location.ships).order_by(Location.id)
    ).all()
    variants = {variant for want in wants for variant, _ in want.taken()}
    places = [row.id for row in locations]
    free = Counter(inventory.available(session, tenant, variants, places))
    free.subtract({level: units for level, units in (spoken_for or {}).items() if level in free})
    ages = _ages(session, tenant, variants, places, now) if "oldest_stock" in rules.routing.order else {}
    making = max((want.making_days for want in wants), default=0)  # what is made longest decides when all can leave
    # A place's own work is in the shop's currency: beside postage in another one it would be added to what it is not.
    shop = tenants.currency_of(session, tenant) if quotes else ""
    comparable = all(quote.currency in {"", shop} for quote in quotes)
    question = Question(
        wants=tuple(wants),
        to=distance.point(to),
        places=tuple(
            place if comparable else place.model_copy(update={"work_minor": 0})
            for place in (_place(session, tenant, row, to, rules, now, making, joins) for row in locations)
        ),
        shelves=tuple(
            Shelf(variant=variant, place=place, units=units, oldest_days=ages.get((variant, place)))
            for (variant, place), units in sorted(free.items())
            if units > 0
        ),
        rules=rules.routing,
        whole_or_nothing=rules.when_short == "wait_for_all",
        quotes=tuple(quotes),
        refused=() if order is None else refused_by(session, tenant, order),
        deliver_by=None if deliver_by is None else deliver_by.date(),
        joins=tuple(sorted(set(joins) & set(places))),
        standing=standing,
        revision=2,
        names_bans=True,
    )
    return later.opened(question)


def refused_by(session: Session, tenant: int, order: int) -> tuple[Refused, ...]:
    """The places that could not send a line of an order, and still cannot."""
    return tuple(
        Refused(
            place=one.location_id,
            line=one.line_id,
            why=refusing.told(one.why, one.at),
            of_goods=one.why in refusing.OF_GOODS,
        )
        for one in refusing.standing(session, tenant, order)
    )


def _place(
    session: Session,
    tenant: int,
    row: Location,
    to: Address,
    rules: Rules,
    now: datetime,
    making: int,
    joins: Collection[int],
) -> Place:
    sending = row.sending
    leaving = promising.leaves_on(now, sending, making_days=making)
    room, next_room = None, None
    if sending.shipments_a_day is not None and leaving is not None:
        planned = _planned_from(session, tenant, row, leaving)
        room = max(int(row.id in joins), sending.shipments_a_day - planned[leaving])
        next_room = promising.next_room_on(leaving, sending, planned) if room <= 0 else None
    return Place(
        id=row.id,
        name=row.name,
        at=distance.point(row.address),
        preference=sending.preference,
        never_to=sending.never_to,
        only_to=sending.only_to,
        sends_hazmat=sending.sends_hazmat,
        room_today=room,
        leaves_on=leaving,
        next_room_on=next_room,
        carrier_days=promising.carrier_days(rules, home=row.address.country, to=to.country),
        work_minor=sending.work_minor,
    )


def _planned_from(session: Session, tenant: int, row: Location, day: date) -> Counter[date]:
    """Shipments by the day of the place's calendar on which they are to leave, from a day on."""
    of = {"tenant": tenant, "place": row.id, "began": promising.day_began(day, row.sending)}
    planned: Counter[date] = Counter()
    for leaving, shipments in session.execute(_PLANNED, of):
        planned[promising.day_of(leaving, row.sending)] += shipments
    return planned


_PLANNED = text("""
SELECT ship_by, count(*) FROM shipments
WHERE tenant_id = :tenant AND location_id = :place AND ship_by >= :began AND state <> 'cancelled'
  AND way = 'carried'
GROUP BY ship_by
""")


def _ages(
    session: Session, tenant: int, variants: Collection[int], places: Collection[int], now: datetime
) -> dict[tuple[int, int], int]:
    """Days since the oldest units of each level came, where what came first leaves first."""
    rows = session.execute(_OLDEST, {"tenant": tenant, "variants": list(variants), "places": list(places), "now": now})
    return {(row.variant_id, row.location_id): row.days for row in rows}


# What lies there is what came last: the oldest of it is the newest arrival by which all of it had come.
_OLDEST = text("""
WITH arrived AS (
    SELECT variant_id, location_id, at,
           sum(on_hand_change) OVER (PARTITION BY variant_id, location_id ORDER BY id DESC) AS since
    FROM movements
    WHERE tenant_id = :tenant AND variant_id = ANY(:variants) AND location_id = ANY(:places) AND on_hand_change > 0
)
SELECT level.variant_id, level.location_id,
       extract(day FROM cast(:now AS timestamptz) - max(arrived.at))::int AS days
FROM stock_levels level JOIN arrived USING (variant_id, location_id)
WHERE level.tenant_id = :tenant AND arrived.since >= level.on_hand AND level.on_hand > 0
GROUP BY level.variant_id, level.location_id
""")
