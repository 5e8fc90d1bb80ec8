"""Reads a store's locations, variants and stock: when it is connected, and whenever somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import func, select

from integrations.nouns import StoreVariant
from jobs import intake
from jobs.outcomes import Done, Outcome
from jobs.work import Work
from orders import catalogue

_BATCH = 100


def run(work: Work) -> Outcome:
    connection = work.claim.subject.partition("/")[2]
    storefront = work.storefront(connection)
    with work.reading() as session:
        began_at = session.execute(select(func.now())).scalar_one()
    places = list(storefront.read_locations())
    with work.writing() as session:
        catalogue.write_locations(session, work.tenant, connection, places)
    for batch in _batches(storefront.read_variants()):
        with work.writing() as session:
            if catalogue.write_variants(session, work.tenant, connection, batch, actor="packline", as_of=began_at):
                intake.fill_backorders(session, work.tenant)
    return Done()


def _batches(variants: Iterator[StoreVariant]) -> Iterator[Sequence[StoreVariant]]:
    while batch := list(islice(variants, _BATCH)):
        yield batch
