"""Has suppliers asked, told and heard: the one place where a purchase order and the work that follows meet."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy.orm import Session

from jobs import fulfilling, intake, queue
from orders import holds, lifecycle, purchasing, supplier_book, supplier_hooks, supplier_troubles, supplying
from orders.supplying import Sent, Taken
from records import notices, suppliers, tenants
from records.orders import LOCK, OVER, Order, open_holds
from records.stock import Variant
from records.suppliers import UNPROMISED, PurchaseOrder

# In these an order is being shipped, so that suppliers are asked for their part of it.
_SHIPS = frozenset({"released", "allocated", "shipping"})
_OVER = "The buyer's order is over: nothing more of it is to be shipped."
_UNPAID = "The payment for it did not come in time."


def bring_up_to_date(session: Session, tenant: int, order: Order, *, now: datetime) -> None:
    """Ask suppliers for what they are to ship of an order, and take back what it does not want. Its row is locked."""
    if order.state not in _SHIPS or not purchasing.concerns(session, tenant, order.id):
        return
    for taken in purchasing.fit(session, tenant, order, now=now):
        _write_to(session, tenant, taken, "cancelled")
    for written in purchasing.write(session, tenant, order):
        _write_to(session, tenant, written, "ordered")
        _remind_later(session, tenant, written)
        if order.state == "released":
            lifecycle.move(session, tenant, "order", order.id, "allocate")
    supplier_troubles.note(session, tenant, order, now=now)


def withdraw(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """The order is over: what no supplier has accepted is taken back, and the others are asked to stop."""
    for row in suppliers.of_order(session, tenant, order):
        if row.state in UNPROMISED and purchasing.cancel(session, tenant, row.id, _OVER, now=now):
            _write_to(session, tenant, row.id, "cancelled")
        elif row.state == "accepted":
            said = (
                f"{purchasing.named(session, row)} was accepted already: the supplier is asked to stop, and has to say."
            )
            purchasing.tell(session, row, said)
            _write_to(session, tenant, row.id, "stop")


def let_go(session: Session, tenant: int, order: int, *, now: datetime) -> None:
    """The payment did not come in time: what no supplier has accepted is taken back. It is asked for anew once paid."""
    for row in suppliers.of_order(session, tenant, order):
        if row.state in UNPROMISED and purchasing.cancel(session, tenant, row.id, _UNPAID, now=now):
            _write_to(session, tenant, row.id, "cancelled")


def supply(session: Session, tenant: int, variant: Variant, supplier: int, *, sku: str, cost: str) -> dict[str, str]:
    """Have a supplier ship a variant; answers what is wrong, by field. Orders that wait for it go to them."""
    wrong = supplier_book.supply(session, tenant, variant, supplier, sku=sku, cost=cost)
    if not wrong:
        intake.fill_backorders(session, tenant)
    return wrong


def accept(session: Session, tenant: int, purchase_order: int, *, by: str, now: datetime) -> bool:
    """They ship it; answers whether this call said so."""
    with _in_hand(session, tenant, purchase_order) as row:
        if by == supplying.SUPPLIER and _is_held(session, row):
            return False  # their page asks them to wait
        accepted = supplying.accept(session, row, by=by, now=now)
        if accepted:
            _note(session, row, now=now)
    return accepted


def reject(session: Session, tenant: int, purchase_order: int, reason: str, *, by: str, now: datetime) -> bool:
    """They do not ship it: a person has to say what becomes of it. Answers whether this call said so."""
    with _in_hand(session, tenant, purchase_order) as row:
        rejected = supplying.reject(session, row, reason, by=by, now=now)
        if rejected:
            session.flush()
            if row.id in {one.id for one in purchasing.misfits(session, tenant, row.order_id)}:
                row.settled = "unwanted"
            _note(session, row, now=now)
            _check(session, row)
    return rejected


def ship(session: Session, tenant: int, purchase_order: int, sent: Sent, *, by: str, now: datetime) -> Taken:
    """It has left the supplier: the storefront is told as of any other shipment."""
    with _in_hand(session, tenant, purchase_order) as row:
        taken = supplying.ship(session, row, sent, by=by, now=now)
        if taken.shipment is not None:
            queue.add(session, tenant, "push_tracking", f"shipment/{taken.shipment}", lane=f"order/{row.order_id}")
        elif taken.unasked and session.get_one(Order, (tenant, row.order_id)).state == "shipping":
            fulfilling.if_complete(session, tenant, row.order_id)  # nobody is told, so nobody else looks
        if taken.shipment is not None or taken.unasked:
            _note(session, row, now=now)
    return taken


def call_off(session: Session, tenant: int, purchase_order: int, *, by: str, now: datetime) -> bool:
    """The supplier agrees that what they accepted does not leave; answers whether this call said so."""
    with _in_hand(session, tenant, purchase_order) as row:
        called_off = supplying.call_off(session, row, by=by, now=now)
        if called_off:
            _note(session, row, now=now)
            _check(session, row)
    return called_off


def settle(session: Session, tenant: int, purchase_order: int, how: str, *, by: str) -> bool:
    """A person says what becomes of what was rejected: `own_stock`, or `asked_again`. Answers whether this call did."""
    with _in_hand(session, tenant, purchase_order) as row:
        done = supplying.settled(session, tenant, purchase_order, how)
        if done:
            said = {"own_stock": "is sent from our own stock", "asked_again": "is asked for again"}[how]
            purchasing.tell(session, row, f"What purchase order {row.id} was for {said}.", by=by)
            _look_again(session, row)
    return done


def send_again(session: Session, tenant: int, purchase_order: int, *, by: str) -> bool:
    """Mail it once more, with a new link: the old one leads nowhere.

    Answers whether that may be: it is open and not on its way, and its order goes on.
    """
    with _in_hand(session, tenant, purchase_order) as row:
        if row.state not in suppliers.OPEN or tenants.mode_of(session, tenant) != "live":
            return False
        if _is_being_mailed(session, row) or _may_not_be_asked(session, row):
            return False
        row.link_version += 1
        session.flush()
        purchasing.tell(session, row, f"{purchasing.named(session, row)} is mailed again, with a new link.", by=by)
        _write_to(session, tenant, row.id, f"ordered/{row.link_version}")
    return True


@contextmanager
def _in_hand(session: Session, tenant: int, purchase_order: int) -> Iterator[PurchaseOrder]:
    """The purchase order and its order, locked in the order in which everybody locks them."""
    seen = session.get_one(PurchaseOrder, (tenant, purchase_order))
    session.get_one(Order, (tenant, seen.order_id), with_for_update=LOCK, populate_existing=True)
    yield session.get_one(PurchaseOrder, (tenant, purchase_order), with_for_update=True, populate_existing=True)


def _is_being_mailed(session: Session, row: PurchaseOrder) -> bool:
    about = notices.about(session, row.tenant_id, purchasing.subject_of(row.id))
    return any(one.state == "due" and one.fact.startswith("ordered") for one in about)


def _may_not_be_asked(session: Session, row: PurchaseOrder) -> bool:
    """The order is over, or on hold: nobody is asked to ship anything of it."""
    over = session.get_one(Order, (row.tenant_id, row.order_id)).state in OVER
    return over or _is_held(session, row)


def _is_held(session: Session, row: PurchaseOrder) -> bool:
    return bool(holds.blocking_labels(open_holds(session, row.tenant_id, row.order_id)))


def _note(session: Session, row: PurchaseOrder, *, now: datetime) -> None:
    session.flush()
    supplier_troubles.note(session, row.tenant_id, session.get_one(Order, (row.tenant_id, row.order_id)), now=now)


def _check(session: Session, row: PurchaseOrder) -> None:
    """What they promised is free again: it is asked for anew, or the order ends where nothing of it is wanted."""
    order = session.get_one(Order, (row.tenant_id, row.order_id))
    if order.state in _SHIPS:
        queue.add(session, row.tenant_id, "verify_order", f"order/{row.order_id}")


def _look_again(session: Session, row: PurchaseOrder) -> None:
    queue.add(session, row.tenant_id, "reserve_stock", f"order/{row.order_id}")


def _remind_later(session: Session, tenant: int, purchase_order: int) -> None:
    """Look at it once more when it ought to have left; where it has, nobody is written to."""
    row = session.get_one(PurchaseOrder, (tenant, purchase_order))
    notice = notices.want(session, tenant, row.order_id, purchasing.subject_of(purchase_order), "reminded")
    if notice is not None:
        due_at = purchasing.overdue_at(row, purchasing.supplier_of(session, row).lead_days)
        queue.add(session, tenant, "send_notice", f"notice/{notice}", due_at=due_at)


def _write_to(session: Session, tenant: int, purchase_order: int, fact: str) -> None:
    """Have the supplier written to, once for each fact; one who was never asked is not told that it is over."""
    row = session.get_one(PurchaseOrder, (tenant, purchase_order))
    subject = purchasing.subject_of(purchase_order)
    _tell_machine(session, row, fact)
    if fact == "cancelled" and not any(one.fact != "reminded" for one in notices.about(session, tenant, subject)):
        return
    notice = notices.want(session, tenant, row.order_id, subject, fact)
    if notice is not None:
        queue.add(session, tenant, "send_notice", f"notice/{notice}")


def _tell_machine(session: Session, row: PurchaseOrder, fact: str) -> None:
    """The same for the supplier's own machine, where they have one; `tell_supplier` sees whether it heard."""
    subject = supplier_hooks.subject_of(row.id)
    known = notices.about(session, row.tenant_id, subject)
    if not purchasing.supplier_of(session, row).hook_url or (not fact.startswith("ordered") and not known):
        return
    notice = notices.want(session, row.tenant_id, row.order_id, subject, fact, channel="wire")
    if notice is not None:
        queue.add(session, row.tenant_id, "tell_supplier", f"notice/{notice}")
