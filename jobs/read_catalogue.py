"""Reads a store's locations, variants and stock: when it is connected, and whenever somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import GoodsChanged, StoreVariant
from jobs import looking_again, queue
from jobs.outcomes import Done, Outcome
from jobs.work import Work
from orders import catalogue, gone_stock, outdated

_BATCH = 100


def run(work: Work) -> Outcome:
    connection = work.claim.subject.partition("/")[2]
    storefront = work.storefront(connection)
    with work.reading() as session:
        began_at = session.execute(select(func.now())).scalar_one()
    places = list(storefront.read_locations())
    with work.writing() as session:
        before = catalogue.shipping_places(session, work.tenant, connection)
        catalogue.write_locations(session, work.tenant, connection, places)
        there = {place.remote_id for place in places}
        gone_stock.close_places(session, work.tenant, connection, there, as_of=began_at)
        if catalogue.shipping_places(session, work.tenant, connection) - before:
            looking_again.as_a_place_opens(session, work.tenant, now=work.now())
    seen: set[str] = set()
    for batch in _batches(storefront.read_variants()):
        seen.update(variant.remote_id for variant in batch)
        with work.writing() as session:
            if catalogue.write_variants(session, work.tenant, connection, batch, actor="packline", as_of=began_at):
                looking_again.as_goods_change(session, work.tenant)
    with work.writing() as session:
        _look_for_the_missing(session, work, connection, seen)
    return Done()


def _look_for_the_missing(session: Session, work: Work, connection: str, seen: set[str]) -> None:
    """Have those read by name that lie here and were not in the store's list: nothing told us that they are gone."""
    missing = catalogue.stocked(session, work.tenant, connection) - seen
    if missing:
        outdated.note(session, work.tenant, connection, GoodsChanged(remote_ids=tuple(sorted(missing))))
        queue.add(session, work.tenant, "read_stock", work.claim.subject)


def _batches(variants: Iterator[StoreVariant]) -> Iterator[Sequence[StoreVariant]]:
    while batch := list(islice(variants, _BATCH)):
        yield batch
