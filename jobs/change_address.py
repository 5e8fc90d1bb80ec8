"""Tells the store where an order goes instead, and plans what has no label yet for the new address."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from integrations.nouns import Address, StoreOrder
from integrations.ports import ADDRESS_REFUSED, Permanent
from jobs import outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import placing, readdressing, taking_back
from orders.reversing import ADDRESS, Wish
from orders.taking_back import Begun
from records.address_changes import AddressChange, latest_of
from records.orders import LOCK, OVER, Order
from records.shipments import shipments_of


def run(work: Work) -> Outcome:
    with work.writing() as session:
        order = session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        row = readdressing.asked(session, work.tenant, order.id)
        doubt = None if row else _in_doubt(session, work.tenant, order.id)
        if row is not None and (order.state in OVER or row.address is None):
            drop(session, work.tenant, row, f"The order is {order.state}.", now=work.now())
            return Cancelled(reason=f"the order is {order.state}: it goes nowhere else")
        connection, remote_id = order.connection_id, order.remote_id
        change, address = (row.id, row.address) if row else (doubt, None)
    if change is None:
        return Done()
    if address is None:
        return _find_out(work, change, connection, remote_id)
    return _tell(work, change, address, connection, remote_id)


def drop(session: Session, tenant: int, row: AddressChange, why: str, *, now: datetime) -> None:
    """Give up a wish of an order that is over: where the store sends it is no matter any more. The order is locked."""
    readdressing.withdraw(session, row, why, now=now)
    outward.settle(session, tenant, readdressing.key_of(row.id), "abandon", reason=why)


def _tell(work: Work, change: int, address: Address, connection: str, remote_id: str) -> Outcome:
    storefront = work.storefront(connection)
    key = readdressing.key_of(change)
    act = Act(key=key, kind="change_address", subject=work.claim.subject, request=placing.address_digest(address))
    try:
        # It reads first where the order goes, and leaves one that goes there already alone.
        outward.once(work, act, perform=lambda _keys: storefront.change_address(remote_id, address))
    except Permanent as refusal:
        if refusal.code != ADDRESS_REFUSED:
            raise  # the connection is to be mended, and the order waits; a retry tells the store then
        with work.writing() as session:
            session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
            found = session.get_one(AddressChange, (work.tenant, change))
            readdressing.refused(session, found, refusal.reason, refusal.remedy, now=work.now())
        return Done()
    store = storefront.read_order(remote_id)
    with work.writing() as session:
        _written(session, work, change, store)
        outward.settle(session, work.tenant, key, "succeed", reference=remote_id)
    return Done()


def _in_doubt(session: Session, tenant: int, order: int) -> int | None:
    """The wish that was given up while nobody knew whether the store had heard of it."""
    row = latest_of(session, tenant, order)
    begun = row is not None and outward.was_intended(session, tenant, readdressing.key_of(row.id))
    return row.id if row is not None and begun else None


def _find_out(work: Work, change: int, connection: str, remote_id: str) -> Outcome:
    """Where the order goes by the store's own word: it may have heard of a wish that was given up since."""
    store = work.storefront(connection).read_order(remote_id)
    with work.writing() as session:
        order = session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        row = session.get_one(AddressChange, (work.tenant, change))
        if _goes_there(store, row.address) or _goes_elsewhere(order, store):
            _written(session, work, change, store)
            outward.settle(session, work.tenant, readdressing.key_of(change), "adopt", reference=remote_id)
        else:
            outward.settle(session, work.tenant, readdressing.key_of(change), "abandon", reason=_GIVEN_UP)
    return Done()


def _goes_there(store: StoreOrder, wish: Address | None) -> bool:
    """Whether the store's address reads like the wish, which the store may have told us of itself by now."""
    there = store.snapshot.ship_to
    return there is not None and wish is not None and _read(there) == _read(wish)


def _read(address: Address) -> list[str]:
    parts = (address.street1, address.street2, address.city, address.postcode, address.country)
    return ["".join(filter(str.isalnum, part)).casefold() for part in parts]


def _goes_elsewhere(order: Order, store: StoreOrder) -> bool:
    """Whether the store sends it to another place than we knew; how it writes a new address is its own affair."""
    there = store.snapshot.ship_to
    return there is not None and (
        order.ship_to is None or placing.address_digest(there) != placing.address_digest(order.ship_to)
    )


_GIVEN_UP = "The wish was given up, and the store does not show it."


def _written(session: Session, work: Work, change: int, store: StoreOrder) -> None:
    """Take the store's own answer, as if it had told us; what it tells later is the same, and changes nothing.

    A wish that was given up meanwhile came too late for that: the order goes where the store says.
    """
    order = session.get_one(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
    row = session.get_one(AddressChange, (work.tenant, change), with_for_update=True)
    if not readdressing.written(session, row, now=work.now()):
        return
    placing.take(session, work.tenant, order.connection_id, store.snapshot, said_by="store", final=True)
    story.tell(session, work, order.id, "The store has the new address.", change=change)
    if any(shipment.state == "planned" for shipment in shipments_of(session, work.tenant, order.id)):
        wish = Wish(purpose="replan", reason=ADDRESS, origin="packline")
        begun = taking_back.begin(session, work.tenant, order.id, wish, by="packline", now=work.now())
        if isinstance(begun, Begun):
            queue.add(session, work.tenant, "reverse_order", f"order/{order.id}")
    queue.add(session, work.tenant, "verify_order", f"order/{order.id}")
