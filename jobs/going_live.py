"""Turns a shop to watching and back: what was begun is finished first, and what the merchant ships is left alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import select, text, update
from sqlalchemy.orm import Session

from jobs import intake, queue, shadow, story
from orders import lifecycle, watching
from records import tenants
from records.orders import LOCK, Order, Payment
from records.shipments import Label
from records.tenants import Tenant

log = structlog.get_logger(__name__)

_NOT_BEGUN = ("received", "verified", "released", "watched")


@dataclass(frozen=True, kw_only=True)
class Begun:
    """Something that was begun for real and is not over: why a shop does not only watch yet."""

    sentence: str
    order: int | None


def watch(session: Session, tenant: int, *, by: str) -> Sequence[Begun]:
    """Have a shop only watch from now on; answers what is finished before that is wholly so. Begins nothing new."""
    moved = session.execute(
        update(Tenant).where(Tenant.id == tenant, Tenant.mode == "live").values(mode="settling")
    ).rowcount  # type: ignore[attr-defined]
    if moved:
        log.info("shop is to watch only", tenant=tenant, by=by)
    return settle(session, tenant)


def settle(session: Session, tenant: int) -> Sequence[Begun]:
    """Let a shop on its way to shadow arrive there, where nothing that was begun is open any more; answers what is."""
    # Who is about to act has either written that down by now, or finds the shop in shadow.
    session.execute(_NOBODY_INTENDS, {"tenant": tenant})
    session.flush()
    if tenants.mode_of(session, tenant, lock=True) != "settling":
        return ()
    begun = still_begun(session, tenant)
    if not begun:
        session.execute(update(Tenant).where(Tenant.id == tenant, Tenant.mode == "settling").values(mode="shadow"))
        log.info("shop only watches", tenant=tenant)
    return begun


def settle_all(session: Session) -> None:
    """The clock's chore: shops that were waiting for the end of something."""
    for tenant in session.scalars(select(Tenant.id).where(Tenant.mode == "settling")).all():
        settle(session, tenant)


def still_begun(session: Session, tenant: int) -> Sequence[Begun]:
    """What was begun for real and is not over, at most as many as fit a page."""
    rows = session.execute(_BEGUN, {"tenant": tenant})
    return [Begun(sentence=row.sentence, order=row.order_id) for row in rows]


def go_live(session: Session, tenant: int, *, since: datetime | None, by: str, now: datetime) -> int:
    """Have a shop's orders shipped by Packline from now on; answers how many open ones are begun.

    Those placed before `since` (now, where it is None) are left alone, and so is all that the merchant has shipped:
    every other open order is read from the store anew, which asks only for what has not left.
    """
    row = session.get(Tenant, tenant, with_for_update=True, populate_existing=True)
    if row is None or row.mode == "live":
        return 0
    live_since = since or now
    row.mode, row.went_live_at = "live", now
    row.setup = row.setup | {"live_since": live_since.astimezone(UTC).isoformat()}
    session.flush()
    log.info("shop goes live", tenant=tenant, since=live_since.isoformat(), by=by)
    begun = sum(_take_up(session, order, live_since, now) for order in _not_begun(session, tenant))
    for label in _labels_on_their_way_back(session, tenant):
        queue.add(session, tenant, "void_label", f"label/{label}")
    for order in _under_way(session, tenant):
        intake.resume(session, tenant, order)
    _tell_what_waited(session, tenant)
    return begun


def _take_up(session: Session, order: Order, live_since: datetime, now: datetime) -> bool:
    tenant = order.tenant_id
    if watching.is_left_alone(order.placed_at, live_since.isoformat()):
        sentence = "Packline is live for orders from a later day on: this one is left alone."
        shadow.let_go(session, tenant, order.id, sentence, now=now)
        return False
    if order.state == "watched":
        lifecycle.move(session, tenant, "order", order.id, "go_live")
        story.fact(session, tenant, order.id, "Packline is live: the order is checked anew, and shipped.")
    queue.add(session, tenant, "verify_order", f"order/{order.id}")
    return order.placed_at is not None  # of one known by its id alone the store tells the day, and it is judged then


def _tell_what_waited(session: Session, tenant: int) -> None:
    """Have the store told what happened while the shop watched, and nobody says again: money, and scans."""
    for payment in _captured(session, tenant):
        queue.add(session, tenant, "mark_paid", f"payment/{payment.id}", lane=f"order/{payment.order_id}")
    for parcel in session.scalars(_UNTOLD_PARCELS, {"tenant": tenant}):
        queue.add(session, tenant, "report_parcel", f"parcel/{parcel}")


def _captured(session: Session, tenant: int) -> Sequence[Payment]:
    """Money of open orders. One known by its id alone has none yet: payments find it once the store was read."""
    return session.scalars(
        select(Payment)
        .join(Order, (Order.tenant_id == Payment.tenant_id) & (Order.id == Payment.order_id))
        .where(
            Payment.tenant_id == tenant,
            Payment.captured_minor > Payment.refunded_minor,
            Order.state.in_(intake.STILL_OPEN | {"fulfilled"}),
            Order.placed_at.is_not(None),
        )
        .order_by(Payment.id)
    ).all()


def _not_begun(session: Session, tenant: int) -> Sequence[Order]:
    return session.scalars(
        select(Order)
        .where(Order.tenant_id == tenant, Order.state.in_(_NOT_BEGUN))
        .order_by(Order.id)
        .with_for_update(**LOCK)
    ).all()


def _under_way(session: Session, tenant: int) -> Sequence[int]:
    """Orders of which a part was shipped by us before the shop watched: the rest of them waited."""
    return session.scalars(
        select(Order.id).where(Order.tenant_id == tenant, Order.state.in_(("allocated", "shipping")))
    ).all()


def _labels_on_their_way_back(session: Session, tenant: int) -> Sequence[int]:
    return session.scalars(
        select(Label.id).where(Label.tenant_id == tenant, Label.state.in_(("void_requested", "void_refused")))
    ).all()


# The first scan of each run of equal statuses is worth telling (jobs.report_parcel), of the label that it bears now.
_UNTOLD_PARCELS = text("""
SELECT DISTINCT parcel_id FROM (
    SELECT s.parcel_id, s.status, s.announced_at,
           lag(s.status) OVER (PARTITION BY s.parcel_id ORDER BY s.at, s.id) AS before
    FROM parcel_scans s
    JOIN parcels p ON p.tenant_id = s.tenant_id AND p.id = s.parcel_id
    JOIN shipments h ON h.tenant_id = p.tenant_id AND h.id = p.shipment_id
    WHERE s.tenant_id = :tenant AND starts_with(s.key, p.tracking_code || '/') AND h.fulfillments <> '[]'::jsonb
) AS told
WHERE announced_at IS NULL AND status <> 'unknown' AND status IS DISTINCT FROM before
ORDER BY parcel_id
""")
_NOBODY_INTENDS = text("SELECT pg_advisory_xact_lock(hashtextextended('packline mode/' || cast(:tenant AS text), 0))")
_BEGUN = text("""
SELECT 'A shipment is planned and the store does not know of it yet.' AS sentence, s.order_id
FROM shipments s JOIN orders o ON o.tenant_id = s.tenant_id AND o.id = s.order_id
WHERE s.tenant_id = :tenant AND s.state IN ('planned', 'labelled', 'ready', 'handing_over') AND o.state <> 'cancelled'
UNION ALL
SELECT 'An order is being taken back.', order_id FROM reversals WHERE tenant_id = :tenant AND state = 'under_way'
UNION ALL
SELECT 'Something was begun at a vendor (' || replace(kind, '_', ' ') || '), and its end is not known yet.', NULL
FROM intentions WHERE tenant_id = :tenant AND state = 'intended' AND subject NOT LIKE 'connection/%'
UNION ALL
SELECT 'A job waits to do something (' || replace(kind, '_', ' ') || ').',
       CASE WHEN lane LIKE 'order/%' THEN split_part(lane, '/', 2)::bigint END
FROM jobs
WHERE tenant_id = :tenant AND state IN ('due', 'running', 'parked')
  AND kind IN ('buy_label', 'push_tracking', 'replace_tracking', 'relabel_parcel', 'capture_payment', 'reverse_order',
               'change_address', 'swap_line', 'deliver_digital', 'tell_ready')
UNION ALL
SELECT 'A supplier is asked to ship a part of it.', p.order_id
FROM purchase_orders p JOIN orders o ON o.tenant_id = p.tenant_id AND o.id = p.order_id
WHERE p.tenant_id = :tenant AND p.state IN ('written', 'sent', 'accepted') AND o.state <> 'cancelled'
UNION ALL
-- These have looked at the mode already, and may be about to act: an address is checked, a test label is given back.
SELECT 'A job is at work (' || replace(kind, '_', ' ') || ').',
       CASE WHEN lane LIKE 'order/%' THEN split_part(lane, '/', 2)::bigint END
FROM jobs
WHERE tenant_id = :tenant
  AND (kind = 'verify_order' AND state = 'running' OR kind = 'self_test' AND state IN ('due', 'running'))
LIMIT 100
""")
