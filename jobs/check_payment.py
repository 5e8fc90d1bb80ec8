"""Lets an order through when its money is good enough to ship, as the shop has decided."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy.orm import Session

from jobs import closing, drop_shipping, intake, letting_go, queue, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import digital, holds, lifecycle, money, payment, rest, taking_back
from orders.reversing import UNPAID, Wish
from orders.taking_back import Begun
from records import suppliers, tenants
from records.orders import LOCK, Order, open_holds
from records.shipments import shipments_of
from records.suppliers import UNPROMISED
from records.tenants import Rules

# What else is being taken back of an order is a matter of seconds, unless a person is asked about it.
_LOOK_AGAIN_S = 300.0
# Money that was good and is taken back (refunded, voided, expired) stops whatever has not left.
_STILL_TO_SHIP = frozenset({"verified", "released", "watched", "allocated", "shipping"})

# Nothing was bought for it yet; what is ready waits for its buyer, who was told so, no longer than that.
_RESERVED = frozenset({"planned", "ready"})


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
            return _keep_for_a_while(session, work, order.id, rules)
        if holds.release(session, work.tenant, order.id, "payment", by="packline", now=work.now()):
            intake.resume(session, work.tenant, order.id)
        if order.state != "verified":
            return Done()
        if holds.blocking_labels(open_holds(session, work.tenant, order.id)):
            return Done()
        if lifecycle.move(session, work.tenant, "order", order.id, "release"):
            why = "a person let it pass" if waits is not None else f"the shop ships when {rules.ship_when}"
            story.tell(session, work, order.id, f"Payment is good: {why}.")
            # What was to be delivered when it was checked may have been stopped by the merchant meanwhile.
            if closing.if_nothing_is_left(session, work.tenant, order.id, closing.NOT_OURS, now=work.now()):
                return Done()
            queue.add(session, work.tenant, "reserve_stock", f"order/{order.id}")
            if digital.owed(session, work.tenant, order.id):
                queue.add(session, work.tenant, "deliver_digital", f"order/{order.id}")
        return Done()


def _keep_for_a_while(session: Session, work: Work, order: int, rules: Rules) -> Outcome:
    """What is reserved for an order whose money is good no more is kept as long as the shop says, and then let go.

    So is what suppliers were asked for and have not accepted. It is reserved and asked for anew when the payment comes,
    since the released hold asks for that.
    """
    planned = any(shipment.state in _RESERVED for shipment in shipments_of(session, work.tenant, order))
    asked = any(row.state in UNPROMISED for row in suppliers.of_order(session, work.tenant, order))
    kept = rest.kept(session, work.tenant, order)
    if not rules.release_unpaid_days or not (planned or asked or kept):
        return Done()
    since = [hold.created_at for hold in open_holds(session, work.tenant, order) if hold.kind == "payment"]
    left = min(since) + timedelta(days=rules.release_unpaid_days) - work.now()
    if left > timedelta(0):
        return Snoozed(wait_s=left.total_seconds(), reason="Its stock is kept for it until then.")
    wish = Wish(purpose="replan", reason=UNPAID, origin="packline")
    begun = taking_back.begin(session, work.tenant, order, wish, by="packline", now=work.now())
    if not isinstance(begun, Begun):
        return Snoozed(wait_s=_LOOK_AGAIN_S, reason="Something else is being taken back of this order.")
    letting_go.of_the_rest(session, work.tenant, order)
    queue.add(session, work.tenant, "reverse_order", f"order/{order}")
    drop_shipping.let_go(session, work.tenant, order, now=work.now())
    return Done()
