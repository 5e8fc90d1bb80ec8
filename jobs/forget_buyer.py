"""Forgets a buyer as a store or a person has asked: in every order of theirs, and in everything that was delivered.

An order that is still being worked on needs its buyer's address; it is forgotten as soon as it is at its end, and on
the day by which the demand has to be done in any case.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import structlog
from sqlalchemy import BigInteger, LargeBinary, bindparam, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from config.keyring import CannotOpen
from integrations import registry
from integrations.nouns import BuyerDataWanted, BuyerToForget, NamedBuyer
from integrations.ports import Delivery, Unreadable
from jobs import privacy
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import forgetting, forgotten, holds, lifecycle, subjects
from records import privacy as privacy_records
from records.inbox import InboxEvent
from records.orders import Order
from records.privacy import PrivacyRequest, find

log = structlog.get_logger(__name__)

# An order's end is not rung for; four looks a day cost nothing beside thirty days.
_LOOK_AGAIN_S = 6 * 60 * 60.0
# Some ten megabytes of bodies are looked through at once: a few dozen milliseconds.
_DELIVERIES_AT_ONCE = 1_000
# A shorter number would be found in other buyers' deliveries by chance; those of stores have thirteen digits.
_SHORTEST_NUMBER = 9


@dataclass(frozen=True, kw_only=True)
class Words:
    """What a buyer's deliveries are found by: what is theirs alone, what others may have too, and their orders."""

    theirs: Sequence[str]
    shared: Sequence[str]
    orders: Sequence[int]

    def sought(self) -> list[bytes]:
        return forgetting.sought(self.theirs)

    def all_sought(self) -> list[bytes]:
        return forgetting.sought([*self.theirs, *self.shared])


def run(work: Work) -> Outcome:
    with work.reading() as session:
        demand = find(session, work.tenant, work.subject_id)
        if demand is None or demand.state != "due":
            return Cancelled(reason="the demand is done, or there is none")
        buyer = named_buyer(session, work.tenant, demand)
        orders = privacy.held_of(session, work.tenant, demand, email=buyer.email)
        late = work.now() >= demand.due_at
        ready = [one for one in orders if late or not forgotten.is_worked_on(session, work.tenant, one)]
        words = Words(
            theirs=[*words_of(session, work.tenant, ready), *own_words(buyer)],
            shared=[*_shared_words(session, work.tenant, ready), buyer.phone],
            orders=ready,
        )
    # First, because what to look for is known from the orders, and a process may die before the last of them.
    _drop_exports(work, demand, buyer, orders)
    emptied = _empty_deliveries(work, words, but=demand.wanted.get("event"))
    for order in ready:
        _forget(work, demand, order)
    waiting = len(orders) - len(ready)
    if waiting:
        return _look_again(work, demand, waiting)
    own = Words(theirs=own_words(buyer), shared=[buyer.phone], orders=orders)
    emptied += _empty_deliveries(work, own, but=None)
    with work.writing() as session:
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
    words = [word for row in rows for word in forgetting.identifying(row.ship_to, email=row.email)]
    return [*words, *_long_numbers(row.remote_id for row in rows)]


def _shared_words(session: Session, tenant: int, orders: Sequence[int]) -> list[str]:
    rows = [session.get_one(Order, (tenant, order)) for order in orders]
    return [word for row in rows for word in forgetting.shared(row.ship_to, phone=row.phone)]


def own_words(buyer: NamedBuyer) -> list[str]:
    return [*([buyer.email] if buyer.email else []), *_long_numbers([buyer.remote_id, *buyer.orders])]


def _long_numbers(remote_ids: Iterable[str]) -> list[str]:
    numbers = (one.rpartition("/")[2] for one in remote_ids)
    return [number for number in numbers if number.isdigit() and len(number) >= _SHORTEST_NUMBER]


def _drop_exports(work: Work, demand: PrivacyRequest, buyer: NamedBuyer, orders: Sequence[int]) -> None:
    """Drop what was gathered of this buyer before: by their number, by any of their orders, or by their address."""
    with work.writing() as session:
        held = [session.get_one(Order, (work.tenant, order)).remote_id for order in orders]
        named = [str(one) for one in demand.wanted.get("orders", [])]
        sealed = privacy_records.exports(session, work.tenant) if buyer.email else {}
        theirs = [id for id, export in sealed.items() if _is_for(work, export, buyer.email)]
        privacy_records.drop_exports(session, work.tenant, naming=[*named, *held], customer=buyer.remote_id, ids=theirs)


def _is_for(work: Work, export: bytes, email: str) -> bool:
    """Whether it is a buyer's; what no key opens any more may be, and is of no use to anybody else either."""
    try:
        document = json.loads(work.services.keyring.open(export)["document"])
    except CannotOpen:
        return True
    return str(document["buyer"]["email"]).lower() == email.lower()


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


def _empty_deliveries(work: Work, words: Words, *, but: int | None) -> int:
    """Empty every delivery at rest that is about a buyer; answers how many."""
    after, emptied = 0, 0
    told = {"tenant": work.tenant, "many": _DELIVERIES_AT_ONCE, "but": but or 0, "words": words.all_sought()}
    while told["words"]:
        with work.writing() as session:
            last = session.scalar(_LAST, told | {"after": after})
            if last is None:
                break
            found = session.execute(_FOUND, told | {"after": after, "last": last}).all()
            theirs = [
                row.id for row in found
                if any(word in row.body for word in words.sought())
                or not _about_another(session, work.tenant, row.subject, row.body, words.orders)
            ]  # fmt: skip
            session.execute(_EMPTY, {"tenant": work.tenant, "ids": theirs})
        after, emptied = last, emptied + len(theirs)
    return emptied


def _about_another(session: Session, tenant: int, subject: str, body: bytes, mine: Sequence[int]) -> bool:
    """Whether a delivery is about an order of a namesake's, who lives at the same place or has the same number."""
    if subject.startswith("demand/"):  # which is read again when it is done, and is found by more than such words
        return True
    order = subjects.order_of(session, tenant, subject)
    if order is not None:
        return order not in mine
    named = select(Order.id).where(
        Order.tenant_id == tenant,
        Order.bare_remote_id.in_(forgetting.numbers_in(body)),
        Order.id.not_in(mine),
        Order.content_digest != forgetting.MARK,
    )
    return session.scalars(named.limit(1)).first() is not None


_LAST = text("""
SELECT max(id) FROM (
    SELECT id FROM inbox_events WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT :many) AS page
""")
_FOUND = text("""
SELECT id, subject, body FROM inbox_events
WHERE tenant_id = :tenant AND id > :after AND id <= :last AND id <> :but AND state <> 'received'
  AND octet_length(body) > 0 AND EXISTS (SELECT 1 FROM unnest(:words) word WHERE position(word in body) > 0)
""").bindparams(bindparam("words", type_=ARRAY(LargeBinary)))
_EMPTY = text("UPDATE inbox_events SET body = '' WHERE tenant_id = :tenant AND id = ANY(:ids)").bindparams(
    bindparam("ids", type_=ARRAY(BigInteger))
)
