"""Checks an order against the store and the carrier before anything is spent on it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import Address, AddressVerdict, StoreOrder, StoreShipment
from integrations.only_asking import OnlyWatching
from integrations.ports import Permanent, Storefront
from jobs import announcements, closing, handing_over, intake, queue, shadow, story, unknown_places
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import (
    by_hand,
    catalogue,
    digital,
    first_promise,
    forgotten,
    gone_astray,
    handed_over,
    holds,
    known_before,
    lifecycle,
    placing,
    progress,
    reversing,
    taking_back,
    too_late,
    verification,
    wanted,
    watching,
)
from orders.known_before import Before
from orders.reversing import Wish
from orders.taking_back import Begun
from records import notices, tenants
from records.orders import LOCK, Order, lines_of, open_holds
from records.reversals import under_way

# Stores route an order some seconds after it was placed; much longer means that we may not see the routing at all.
_ROUTING_TAKES_AT_MOST = timedelta(minutes=30)
_LOOK_AGAIN_S = 3.0
_ANEW_S = 1.0
_SAME_SECOND = timedelta(seconds=5)
_NOTHING_PLANNED = frozenset({"received", "verified", "released", "watched"})
_COMPLETE = frozenset({"fulfilled", "closed"})
_TOO_LATE = ("edit", "taken_back")


def run(work: Work) -> Outcome:
    with work.reading() as session:
        before = known_before.look(session, work.tenant, work.subject_id, now=work.now())
    if before is None or before.state not in intake.LOOKED_AT:
        return Cancelled(reason=f"the order is {before.state if before else 'gone'}: too late to verify it")
    if before.forgotten:
        return _not_for_anybody(work, before.state)
    try:
        return _check(work, before)
    except OnlyWatching:
        if before.only_watched:
            raise
        return Snoozed(wait_s=_ANEW_S, reason="The shop turned to watching meanwhile: the order is looked at anew.")


def _check(work: Work, before: Before) -> Outcome:
    if before.state not in _NOTHING_PLANNED:
        # What the store was told is asked for no more: until that is known, its answer cannot be understood.
        waits = announcements.settle_first(work, work.subject_id)
        if waits is not None:
            return waits
    storefront = work.storefront(before.connection)
    store = storefront.read_order(before.remote_id)
    if not store.routed:
        return _wait_for_routing(before)
    with work.reading() as session:
        unknown = catalogue.unknown_variants(session, work.tenant, before.connection, store.snapshot)
    found = list(storefront.read_variants(unknown)) if unknown else []
    places = unknown_places.read(work, storefront, before, store, unknown)
    verdict = None if before.only_watched else _ask_carrier(work, before, store)
    shipped = storefront.read_shipped(before.remote_id) if before.only_watched else ()
    given = _given_there(work, storefront, before, store)
    with work.writing() as session:
        if places:
            catalogue.write_locations(session, work.tenant, before.connection, places)
        catalogue.write_variants(session, work.tenant, before.connection, found, actor="packline")
        handing_over.take_over(session, work, given)
        return _judge(session, work, before, store, verdict, shipped)


def _given_there(work: Work, storefront: Storefront, before: Before, store: StoreOrder) -> Mapping[int, Sequence[str]]:
    """What the merchant handed over in the store; nothing is looked up for the usual order, which is all carried."""
    if before.state in _NOTHING_PLANNED or not (before.by_hand or by_hand.asked_places(store)):
        return {}
    return handing_over.in_store(work, storefront, before.remote_id, store)


def _not_for_anybody(work: Work, state: str) -> Outcome:
    """Its buyer was forgotten: the store is not asked who it was, and what has not left does not leave."""
    if state in intake.STILL_OPEN:
        with work.writing() as session:
            holds.place(session, work.tenant, work.subject_id, forgotten.NOBODY_TO_SEND_TO, by="packline")
    return Done()


def _wait_for_routing(before: Before) -> Outcome:
    if before.known_for < _ROUTING_TAKES_AT_MOST:
        return Snoozed(wait_s=_LOOK_AGAIN_S, reason="The store has not routed the order to a location yet.")
    raise Permanent(
        "The store shows no fulfillment work for this order.",
        remedy="Check that Packline may read the store's fulfillment orders (access scopes), then retry.",
        code="never_routed",
    )


def _ask_carrier(work: Work, before: Before, store: StoreOrder) -> AddressVerdict | None:
    """The carrier's opinion of the address, asked once for each address; a blank address needs no opinion."""
    address = store.snapshot.ship_to
    ships = any(line.ships and line.units for line in store.asked)
    if not ships or address is None or verification.missing_in(address):
        return None
    if placing.address_digest(address) == before.address_digest:
        return AddressVerdict(deliverable=True)
    return work.newest_carrier().verify_address(address)


def _judge(
    session: Session,
    work: Work,
    before: Before,
    store: StoreOrder,
    verdict: AddressVerdict | None,
    shipped: Sequence[StoreShipment],
) -> Outcome:
    tenant, order_id = work.tenant, work.subject_id
    taken = placing.take(session, tenant, before.connection, store.snapshot, said_by="store", final=True)
    if taken.is_new:
        intake.match_waiting_payments(session, tenant, order_id)
    order = session.get_one(Order, (tenant, order_id), with_for_update=LOCK)
    looked_at = session.execute(select(func.now())).scalar_one()
    order.risk = store.risk.value
    if verdict is not None and verdict.deliverable and store.snapshot.ship_to is not None:
        order.address_digest = placing.address_digest(store.snapshot.ship_to)
    if before.by_hand or by_hand.asked_places(store):
        handed_over.follow(session, tenant, order_id, store)
    wanted.write(session, tenant, order_id, store, only_carried=before.only_watched)
    first_promise.make(session, order, store, before.rules)
    catalogue.link_lines(session, tenant, order_id, before.connection)
    session.flush()
    digital.let_go(session, tenant, order_id, now=work.now())
    over = _is_over(session, work, before, order, store, shipped)
    if over is not None:
        return over
    late = [*_withdraw(session, work, order), *gone_astray.problems(session, tenant, order_id, store)]
    if order.state in _COMPLETE and not _asked_for_more(session, work, order):
        holds.settle(session, tenant, order_id, late, looked_for=_TOO_LATE, by="packline", now=work.now())
        return Done()
    open_holds = holds.settle(
        session,
        tenant,
        order_id,
        [*_problems(before, store, verdict), *late],
        looked_for=(*verification.LOOKED_FOR, *_TOO_LATE),
        by="packline",
        now=work.now(),
    )
    if any(hold.kind == "mismatch" and hold.created_at >= looked_at for hold in open_holds):
        # Storefront times have whole seconds: two edits of one second contradict each other until the store is asked
        # once more. What still contradicts it then keeps its hold.
        queue.add(session, tenant, "verify_order", f"order/{order_id}", due_at=work.now() + _SAME_SECOND)
    _send_change_link(session, work, order, before)
    blocking = [hold for hold in holds.blocking_labels(open_holds) if hold.kind != "payment"]
    if blocking:
        if order.state == "verified":  # its money is another matter, and may have changed as well
            queue.add(session, tenant, "check_payment", f"order/{order_id}")
        story.tell(session, work, order_id, f"Checked; it waits: {', '.join(sorted(h.kind for h in blocking))}.")
        return Done()
    if taken.standing_changed and order.state != "received":
        queue.add(session, tenant, "check_payment", f"order/{order_id}")
    _pass(session, work, order, _remark(verdict, store.snapshot.ship_to))
    return Done()


def _send_change_link(session: Session, work: Work, order: Order, before: Before) -> None:
    """Write the buyer once, when the order comes, that they can change it: of a bad address they hear by that, too."""
    if order.state != "received" or not before.rules.send_change_link or before.only_watched:
        return
    notice = notices.want(session, work.tenant, order.id, f"order/{order.id}", "changeable")
    if notice is not None:
        queue.add(session, work.tenant, "send_notice", f"notice/{notice}")


def _problems(before: Before, store: StoreOrder, verdict: AddressVerdict | None) -> list[holds.Problem]:
    return verification.problems(
        before.told,
        store,
        verdict,
        before.rules,
        home_country=before.home_country,
        real_postage=before.real_postage,
    )


def _is_over(
    session: Session,
    work: Work,
    before: Before,
    order: Order,
    store: StoreOrder,
    shipped: Sequence[StoreShipment],
) -> Outcome | None:
    """How an order ends that is nothing of ours any more: cancelled, or shipped by the merchant."""
    if store.snapshot.cancelled_at is not None:
        return _cancelled_there(session, work, order)
    if before.only_watched and shadow.has_ended(session, work, order, store, shipped):
        return Done()
    # By the store's own answer: of an order that was known by its id alone, nobody knew the day before.
    if watching.is_left_alone(store.snapshot.placed_at, before.live_since):
        said = "Placed before Packline went live: it is left alone."
        shadow.let_go(session, work.tenant, order.id, said, now=work.now())
        return Done()
    return None


def _cancelled_there(session: Session, work: Work, order: Order) -> Outcome:
    connection = tenants.find_connection(session, work.tenant, order.connection_id)
    wish = Wish(purpose="cancel", origin="store")
    by = "packline" if connection is None else connection.vendor
    begun = taking_back.begin(session, work.tenant, order.id, wish, by=by, now=work.now())
    if isinstance(begun, Begun):
        queue.add(session, work.tenant, "reverse_order", f"order/{order.id}")
    return Cancelled(reason="the order was cancelled in the store")


def _withdraw(session: Session, work: Work, order: Order) -> list[holds.Problem]:
    """Have planned anew what would leave as nobody wants it any more; answers what it is too late for."""
    if order.state in _NOTHING_PLANNED:
        return []
    wish = Wish(purpose="replan", origin="packline")
    facts = taking_back.facts_of(session, work.tenant, order.id)
    if reversing.withdrawn(wish, facts):
        begun = taking_back.begin(session, work.tenant, order.id, wish, by="packline", now=work.now())
        if isinstance(begun, Begun):
            queue.add(session, work.tenant, "reverse_order", f"order/{order.id}")
    late = too_late.problem(facts)
    return [] if late is None else [late]


def _asked_for_more(session: Session, work: Work, order: Order) -> bool:
    """The store asks for more of an order that was complete: it is open again, if its money is good."""
    more = not progress.complete(session, work.tenant, order.id) or _owes_more(session, work, order)
    if not more or not lifecycle.move(session, work.tenant, "order", order.id, "reopen"):
        return False
    story.tell(session, work, order.id, "The store asks for more of this order, so it is open again.")
    queue.add(session, work.tenant, "check_payment", f"order/{order.id}")
    return True


def _owes_more(session: Session, work: Work, order: Order) -> bool:
    """Whether something digital was added. What only waits for codes needs no payment looked at again."""
    waits = any(hold.kind == digital.HOLD for hold in open_holds(session, work.tenant, order.id))
    return not waits and bool(digital.owed(session, work.tenant, order.id))


def _pass(session: Session, work: Work, order: Order, remark: str) -> None:
    nothing_to_ship = not any(line.to_ship for line in lines_of(session, work.tenant, order.id))
    if digital.owed(session, work.tenant, order.id):
        nothing_to_ship = False  # what is delivered by mail waits for the payment like everything else
    if lifecycle.move(session, work.tenant, "order", order.id, "verify"):
        story.tell(session, work, order.id, f"Checked against the store: complete and consistent.{remark}")
    ends = nothing_to_ship and under_way(session, work.tenant, order.id) is None
    if not (ends and closing.close(session, work.tenant, order.id, closing.NOT_OURS, now=work.now())):
        intake.resume(session, work.tenant, order.id)


def _remark(verdict: AddressVerdict | None, address: Address | None) -> str:
    if verdict is None or verdict.deliverable or address is None:
        return ""
    return f" The carrier does not know the address ({'; '.join(verdict.problems)}), which abroad only warns."
