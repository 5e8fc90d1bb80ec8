"""Reads from a store what it said has changed: exactly those goods and places, and all that was said meanwhile at once.

What a delivery says of a number is never taken: it has no version, and comes late or twice. On hand is read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import StoreLocation, StoreVariant
from integrations.ports import Storefront
from jobs import looking_again, queue
from jobs.outcomes import Done, Outcome, Snoozed
from jobs.work import Work
from orders import catalogue, gone_stock, outdated, store_counts
from orders.outdated import Told

log = structlog.get_logger(__name__)

# Two questions to the store, as it pages its goods; a transaction that locks no more levels than that.
_AT_ONCE = 40
# After so many the lane is left to what else the connection has to do.
_IN_A_ROW = 25


def run(work: Work) -> Outcome:
    connection = work.claim.subject.partition("/")[2]
    storefront = work.storefront(connection)
    for _ in range(_IN_A_ROW):
        with work.reading() as session:
            began_at = session.execute(select(func.now())).scalar_one()
            told = outdated.some(session, work.tenant, connection, most=_AT_ONCE)
        if not told:
            return Done()
        _read(work, storefront, connection, told, began_at)
    return Snoozed(wait_s=0.0, reason="There is more to read than one turn takes.")


@dataclass(frozen=True, kw_only=True)
class Answered:
    """What the store has of the things that were told, and which of the goods it has no more."""

    variants: Sequence[StoreVariant]
    gone: frozenset[str]
    places: Sequence[StoreLocation]


def _read(work: Work, storefront: Storefront, connection: str, told: Sequence[Told], began_at: datetime) -> None:
    answered = _ask_store(work, storefront, connection, told)
    with work.writing() as session:
        changed = 0
        _lock(session, work.tenant, connection, answered)
        before = catalogue.shipping_places(session, work.tenant, connection)
        if answered.places:
            changed += write_places(session, work.tenant, connection, answered.places, as_of=began_at)
        changed += catalogue.write_variants(
            session, work.tenant, connection, answered.variants, actor="packline", as_of=began_at
        )
        if answered.gone:
            changed += gone_stock.of_goods(session, work.tenant, connection, answered.gone, as_of=began_at)
        outdated.was_read(session, work.tenant, connection, told)
        opened = catalogue.shipping_places(session, work.tenant, connection) - before
        if opened:
            # What lies there is read with the whole catalogue; what is known of it may leave at once.
            queue.add(session, work.tenant, "read_catalogue", f"connection/{connection}")
            looking_again.as_a_place_opens(session, work.tenant, now=work.now())
        if changed:
            looking_again.as_goods_change(session, work.tenant)
    log.info("read what was told", told=len(told), gone=len(answered.gone), changed=changed)


def _ask_store(work: Work, storefront: Storefront, connection: str, told: Sequence[Told]) -> Answered:
    goods = [one.remote_id for one in told if one.thing == "goods"]
    found = {variant.remote_id: variant for variant in storefront.read_variants(goods)} if goods else {}
    with work.reading() as session:
        known = catalogue.location_ids(session, work.tenant, connection)
    lies_at = {level.location_remote_id for variant in found.values() for level in variant.levels}
    asks = any(one.thing == "place" for one in told) or lies_at - set(known)
    named = set(found) | {variant.inventory_remote_id for variant in found.values()}
    return Answered(
        variants=list(found.values()),
        gone=frozenset(goods) - named,
        places=list(storefront.read_locations()) if asks else (),
    )


def _lock(session: Session, tenant: int, connection: str, answered: Answered) -> None:
    """Whose levels may change, all at once: some belong to goods, others to places that are closed."""
    named = {one.remote_id for one in answered.variants} | answered.gone
    variants = gone_stock.variants_named(session, tenant, connection, named)
    open_places = {place.remote_id for place in answered.places}
    known = catalogue.location_ids(session, tenant, connection) if open_places else {}
    closing = [id for remote_id, id in known.items() if remote_id not in open_places]
    store_counts.lock(session, tenant, variants=variants, places=closing)


def write_places(
    session: Session, tenant: int, connection: str, places: Sequence[StoreLocation], *, as_of: datetime
) -> int:
    """Take over the store's open locations; answers how many levels of closed ones changed."""
    catalogue.write_locations(session, tenant, connection, places)
    return gone_stock.close_places(session, tenant, connection, {place.remote_id for place in places}, as_of=as_of)
