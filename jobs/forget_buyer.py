"""Forgets a buyer as a store or a person has asked: in every order of theirs, and in everything that was delivered.

An order that is still being worked on needs its buyer's address; it is forgotten as soon as it is at its end, and on
the day by which the demand has to be done in any case.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import structlog
from sqlalchemy import LargeBinary, bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from integrations import registry
from integrations.nouns import BuyerDataWanted, BuyerToForget, NamedBuyer
from integrations.ports import Delivery, Unreadable
from jobs import privacy
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import forgetting, forgotten, holds, lifecycle
from records.inbox import InboxEvent
from records.orders import Order
from records.privacy import PrivacyRequest, drop_exports, find

log = structlog.get_logger(__name__)

# An order's end is not rung for; four looks a day cost nothing beside thirty days.
_LOOK_AGAIN_S = 6 * 60 * 60.0
# Some ten megabytes of bodies are looked through at once: a few dozen milliseconds.
_DELIVERIES_AT_ONCE = 1_000
# A shorter number would be found in other buyers' deliveries by chance; those of stores have thirteen digits.
_SHORTEST_NUMBER = 9


def run(work: Work) -> Outcome:
    with work.reading() as session:
        demand = find(session, work.tenant, work.subject_id)
        if demand is None or demand.state != "due":
            return Cancelled(reason="the demand is done, or there is none")
        buyer = named_buyer(session, work.tenant, demand)
        orders = privacy.held_of(session, work.tenant, demand, email=buyer.email)
        late = work.now() >= demand.due_at
        ready = [one for one in orders if late or not forgotten.is_worked_on(session, work.tenant, one)]
        words = [*words_of(session, work.tenant, ready), *own_words(buyer)]
    # First, because what to look for is known from the orders, and a process may die before the last of them.
    emptied = _empty_deliveries(work, forgetting.sought(words), but=demand.wanted.get("event"))
    for order in ready:
        _forget(work, demand, order)
    waiting = len(orders) - len(ready)
    if waiting:
        return _look_again(work, demand, waiting)
    emptied += _empty_deliveries(work, forgetting.sought(own_words(buyer)), but=None)
    with work.writing() as session:
        drop_exports(session, work.tenant, naming=[str(one) for one in demand.wanted.get("orders", [])])
        found = {"orders": len(orders)}
        lifecycle.move(session, work.tenant, "privacy_request", demand.id, "finish", found=found, done_at=work.now())
    log.info("buyer forgotten", demand=demand.id, orders=len(orders), deliveries=emptied)
    return Done()


def named_buyer(session: Session, tenant: int, demand: PrivacyRequest) -> NamedBuyer:
    """Whom a demand means, by the delivery that brought it: their address and number stand nowhere else."""
    event = session.get(InboxEvent, (tenant, demand.wanted.get("event") or 0))
    known = NamedBuyer(remote_id=str(demand.wanted.get("customer", "")))
    if event is None or not event.body:
        return known
    door = registry.vendor(event.vendor).door
    try:
        fact = door.read(event.topic, Delivery(body=event.body, headers=event.headers), live=False)
    except Unreadable:
        log.error("demand cannot be read again", demand=demand.id)  # noqa: TRY400 - it was read once, of these bytes
        return known
    return fact.buyer if isinstance(fact, BuyerToForget | BuyerDataWanted) else known


def words_of(session: Session, tenant: int, orders: Sequence[int]) -> list[str]:
    """What tells that a delivery is about the buyer of these orders, or about one of the orders."""
    rows = [session.get_one(Order, (tenant, order)) for order in orders]
    words = [word for row in rows for word in forgetting.identifying(row.ship_to, email=row.email, phone=row.phone)]
    return [*words, *_long_numbers(row.remote_id for row in rows)]


def own_words(buyer: NamedBuyer) -> list[str]:
    words = [word for word in (buyer.email, buyer.phone) if word]
    return [*words, *_long_numbers([buyer.remote_id, *buyer.orders])]


def _long_numbers(remote_ids: Iterable[str]) -> list[str]:
    numbers = (one.rpartition("/")[2] for one in remote_ids)
    return [number for number in numbers if number.isdigit() and len(number) >= _SHORTEST_NUMBER]


def _forget(work: Work, demand: PrivacyRequest, order: int) -> None:
    with work.writing() as session:
        asked_on = demand.created_at.date().isoformat()
        sentence = f"Packline forgot who bought this, as was asked for on {asked_on}."
        open_still = forgotten.is_worked_on(session, work.tenant, order)
        if forgotten.forget(session, work.tenant, order, sentence=sentence) and open_still:
            holds.place(session, work.tenant, order, forgotten.NOBODY_TO_SEND_TO, by="packline")


def _look_again(work: Work, demand: PrivacyRequest, waiting: int) -> Outcome:
    with work.writing() as session:
        session.get_one(PrivacyRequest, (work.tenant, demand.id)).found = {"waiting": waiting}
    left_s = (demand.due_at - work.now()).total_seconds()
    count = "1 order is" if waiting == 1 else f"{waiting} orders are"
    return Snoozed(
        wait_s=max(1.0, min(_LOOK_AGAIN_S, left_s)),
        reason=f"{count} still being worked on; forgotten by {demand.due_at.date().isoformat()} in any case.",
    )


def _empty_deliveries(work: Work, words: Sequence[bytes], *, but: int | None) -> int:
    """Empty every delivery at rest that repeats one of these words, whatever it was about; answers how many."""
    after, emptied = 0, 0
    while words:
        with work.writing() as session:
            found = session.execute(
                _EMPTY,
                {
                    "tenant": work.tenant,
                    "after": after,
                    "many": _DELIVERIES_AT_ONCE,
                    "but": but or 0,
                    "words": list(words),
                },
            ).one()
        if found.last is None:
            break
        after, emptied = found.last, emptied + found.emptied
    return emptied


_EMPTY = text("""
WITH page AS (
    SELECT id FROM inbox_events WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT :many),
emptied AS (
    UPDATE inbox_events SET body = ''
    WHERE tenant_id = :tenant AND id = ANY(ARRAY(SELECT id FROM page)) AND id <> :but AND state <> 'received'
      AND octet_length(body) > 0 AND EXISTS (SELECT 1 FROM unnest(:words) word WHERE position(word in body) > 0)
    RETURNING 1)
SELECT (SELECT max(id) FROM page) AS last, (SELECT count(*) FROM emptied) AS emptied
""").bindparams(bindparam("words", type_=ARRAY(LargeBinary)))
