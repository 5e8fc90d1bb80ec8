"""Reads a store's locations, variants and stock: when it is connected, and whenever somebody asks for it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import StoreVariant
from jobs import queue
from jobs.outcomes import Done, Outcome
from jobs.work import Work
from orders import catalogue
from records.orders import Hold

_BATCH = 100


def run(work: Work) -> Outcome:
    connection = work.claim.subject.partition("/")[2]
    storefront = work.storefront(connection)
    places = list(storefront.read_locations())
    with work.writing() as session:
        catalogue.write_locations(session, work.tenant, connection, places)
    for batch in _batches(storefront.read_variants()):
        with work.writing() as session:
            if catalogue.write_variants(session, work.tenant, connection, batch, actor="packline"):
                fill_backorders(session, work.tenant)
    return Done()


def fill_backorders(session: Session, tenant: int) -> None:
    """Have every order that waits for stock looked at again, the one that waits longest first."""
    waiting = session.scalars(
        select(Hold.order_id)
        .where(Hold.tenant_id == tenant, Hold.kind == "stock", Hold.state == "open")
        .order_by(Hold.created_at, Hold.id)
    )
    for order in waiting:
        queue.add(session, tenant, "reserve_stock", f"order/{order}")


def _batches(variants: Iterator[StoreVariant]) -> Iterator[Sequence[StoreVariant]]:
    while batch := list(islice(variants, _BATCH)):
        yield batch
