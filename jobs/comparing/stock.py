"""Holds our stock against what the store counts, where it counted lately: its number is taken over, and told."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import StockReading
from jobs import intake
from jobs.comparing.looking import Look
from orders import catalogue, comparing, not_found, store_counts
from orders.comparing import Difference
from orders.store_counts import Units
from records.stock import Location, StockLevel, Variant

# A shipment of which the store cannot be told keeps its levels from being counted; after a day the catalogue's own
# reading, which is made every hour, is all that is waited for.
_WAITED_FOR = timedelta(days=1)


@dataclass(frozen=True, kw_only=True)
class Shelf:
    """One variant at one location, as our records hold it."""

    variant: int
    location: int
    words: str
    units: Units
    reserved: int


def compare(look: Look) -> None:
    with look.work.reading() as session:
        began_at = session.execute(select(func.now())).scalar_one()
        places = catalogue.location_ids(session, look.tenant, look.connection)
    storefront = look.work.storefront(look.connection)
    changed = storefront.changed_stock(look.since, list(places))
    for batch in look.oldest_first(changed, lambda reading: reading.updated_at):
        for reading in batch:
            look.looked_at += 1
            _take_over(look, reading, began_at)


def _take_over(look: Look, reading: StockReading, began_at: datetime) -> None:
    counted = store_counts.units_of(reading)
    with look.work.reading() as session:
        apart = [shelf for shelf in _shelves(session, look, reading) if shelf.units != counted]
    for shelf in apart:
        with look.work.writing() as session:
            _count(session, look, reading, shelf, began_at)


def _count(session: Session, look: Look, reading: StockReading, shelf: Shelf, began_at: datetime) -> None:
    """A level that we have just taken units off, or are telling the store of, is left out by the count itself, and has
    its turn at the next comparison.
    """
    place = (shelf.variant, shelf.location)
    counts = {place: store_counts.units_of(reading)}
    taken = store_counts.take_over(session, look.tenant, counts, actor="packline", as_of=began_at)
    not_found.note(session, look.tenant, counts)
    now = session.get_one(StockLevel, (look.tenant, *place), populate_existing=True)
    wanted = taken.wanted.get(place)
    if wanted is None or now.on_hand != max(wanted.on_hand, now.reserved):
        if reading.updated_at > look.until - _WAITED_FOR:
            look.leave(reading.updated_at)
        return
    if wanted.on_hand < shelf.reserved:
        sentence = (
            f"{comparing.stock_apart(shelf.words, counts[place], shelf.units)}, of which {shelf.reserved} are promised "
            "to orders. A person has to find or refuse them."
        )
        look.find(session, _difference(shelf, "noted", sentence))
    elif taken.changed:
        said = comparing.stock_apart(shelf.words, counts[place], shelf.units)
        also = comparing.also_untold(wanted.on_hand - counts[place].on_hand)
        look.find(session, _difference(shelf, "repaired", f"{said}. The store's number was taken over{also}."))
    if taken.changed:
        intake.fill_backorders(session, look.tenant)


def _difference(shelf: Shelf, outcome: str, sentence: str) -> Difference:
    subject = f"stock/{shelf.variant}/{shelf.location}"
    return Difference(subject=subject, order=None, kind="drift", outcome=outcome, sentence=sentence)


def _shelves(session: Session, look: Look, reading: StockReading) -> list[Shelf]:
    """Where the reading belongs here; a variant or place that was never read comes with the next catalogue."""
    rows = session.execute(
        select(Variant, Location, StockLevel)
        .join(
            Location,
            (Location.tenant_id == Variant.tenant_id)
            & (Location.connection_id == Variant.connection_id)
            & (Location.remote_id == reading.location_remote_id),
        )
        .join(
            StockLevel,
            (StockLevel.tenant_id == Variant.tenant_id)
            & (StockLevel.variant_id == Variant.id)
            & (StockLevel.location_id == Location.id),
            isouter=True,
        )
        .where(
            Variant.tenant_id == look.tenant,
            Variant.connection_id == look.connection,
            Variant.inventory_remote_id == reading.inventory_remote_id,
            Variant.tracked,
        )
    )
    return [
        Shelf(
            variant=variant.id,
            location=place.id,
            words=f"{variant.sku or variant.title} at {place.name}",
            units=Units(on_hand=level.on_hand, damaged=level.damaged, safety=level.safety) if level else Units(),
            reserved=level.reserved if level else 0,
        )
        for variant, place, level in rows
    ]
