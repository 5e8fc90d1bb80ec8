"""Lets an order through when its money is good enough to ship, as the shop has decided."""

from __future__ import annotations

from jobs import intake, queue, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import holds, lifecycle, money, payment
from records import tenants
from records.orders import LOCK, Order, open_holds

# Money that was good and is taken back (refunded, voided, expired) stops whatever has not left.
_STILL_TO_SHIP = frozenset({"verified", "released", "watched", "allocated", "shipping"})


def run(work: Work) -> Outcome:
    with work.writing() as session:
        order = session.get(Order, (work.tenant, work.subject_id), with_for_update=LOCK)
        if order is None or order.state not in _STILL_TO_SHIP:
            return Cancelled(
                reason=f"the order is {order.state if order else 'gone'}: its money stops nothing any more"
            )
        rules = tenants.rules_of(session, work.tenant)
        funds = money.funds_of(session, work.tenant, order.id)
        waits = payment.gate(
            money.standing_of(order),
            funds,
            total_minor=order.total_minor,
            currency=order.currency,
            ship_when=rules.ship_when,
        )
        overruled = holds.overruled(session, work.tenant, order.id, "payment")
        if waits is not None and not overruled:
            if holds.place(session, work.tenant, order.id, waits, by="packline"):
                story.tell(session, work, order.id, "Waiting for the payment.", kind="hold")
            return Done()
        if holds.release(session, work.tenant, order.id, "payment", by="packline", now=work.now()):
            intake.resume(session, work.tenant, order.id)
        if order.state != "verified":
            return Done()
        if holds.blocking_labels(open_holds(session, work.tenant, order.id)):
            return Done()
        if lifecycle.move(session, work.tenant, "order", order.id, "release"):
            why = "a person let it pass" if waits is not None else f"the shop ships when {rules.ship_when}"
            story.tell(session, work, order.id, f"Payment is good: {why}.")
            queue.add(session, work.tenant, "reserve_stock", f"order/{order.id}")
        return Done()
