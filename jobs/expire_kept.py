"""Lets go what a shop has decided not to keep longer: bodies of deliveries, exports, and buyers of orders long over."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from sqlalchemy import bindparam, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session
from sqlalchemy.types import Text

from jobs import queue
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import forgotten
from records import privacy
from records.tenants import Rules, Tenant

log = structlog.get_logger(__name__)

# Rows of one batch are locked together: for some 40 ms, as measured with 100,000 deliveries.
_BODIES_AT_ONCE = 500
# A run leaves the process to others after so many; the rest is asked for anew.
_BUYERS_A_RUN = 500


def run(work: Work) -> Outcome:
    with work.reading() as session:
        shop = session.get_one(Tenant, work.tenant)
    if shop.redacted_at is not None:
        return Cancelled(reason="the shop is forgotten: there is nothing left to let go")
    bodies = _empty_bodies(work, work.now() - timedelta(days=shop.rules.keep_deliveries_days))
    buyers = _forget_buyers(work, shop.rules) if shop.rules.keep_buyers_days else 0
    with work.writing() as session:
        privacy.drop_exports(session, work.tenant, expired_at=work.now())
        if buyers == _BUYERS_A_RUN:
            queue.add(session, work.tenant, "expire_kept", work.claim.subject)
    if bodies or buyers:
        log.info("let go", deliveries=bodies, buyers=buyers)
    return Done()


def _empty_bodies(work: Work, before: datetime) -> int:
    """Empty the deliveries that arrived before a time and are at rest; answers how many.

    Ids grow with time, so what is older than the last look's end is done, but for what was not at rest then.
    """
    emptied = 0
    while True:
        with work.writing() as session:
            order = privacy.retention(session, work.tenant, now=work.now())
            after, so_far = int(order.found.get("up_to", 0)), int(order.found.get("emptied", 0))
            page = session.execute(
                _EMPTY, {"tenant": work.tenant, "after": after, "before": before, "many": _BODIES_AT_ONCE}
            ).one()
            emptied += int(page.emptied)
            last = page.last if page.unread is None else page.unread - 1
            if last is None or last <= after:
                return emptied
            order.found = {"up_to": last, "emptied": so_far + page.emptied}


# An array, because PostgreSQL may join a subquery to all the rows of a shop, and looks up what stands in an array.
_EMPTY = text("""
WITH page AS (
    SELECT id, state, octet_length(body) AS bytes FROM inbox_events
    WHERE tenant_id = :tenant AND id > :after AND received_at < :before ORDER BY id LIMIT :many),
emptied AS (
    UPDATE inbox_events SET body = ''
    WHERE tenant_id = :tenant AND id = ANY(ARRAY(SELECT id FROM page WHERE state <> 'received' AND bytes > 0))
    RETURNING 1)
SELECT (SELECT max(id) FROM page) AS last, (SELECT min(id) FROM page WHERE state = 'received') AS unread,
       (SELECT count(*) FROM emptied) AS emptied
""")


def _forget_buyers(work: Work, rules: Rules) -> int:
    before = work.now() - timedelta(days=rules.keep_buyers_days)
    with work.reading() as session:
        long_over = _long_over(session, work.tenant, before)
    sentence = f"Packline forgot who bought this: the shop keeps buyers for {rules.keep_buyers_days} days."
    for order in long_over:
        with work.writing() as session:
            forgotten.forget(session, work.tenant, order, sentence=sentence)
    return len(long_over)


def _long_over(session: Session, tenant: int, before: datetime) -> list[int]:
    """Orders at an end of which nothing has been written since a time, oldest first."""
    told = {"tenant": tenant, "before": before, "ends": sorted(forgotten.AT_AN_END), "many": _BUYERS_A_RUN}
    return list(session.scalars(_LONG_OVER, told))


_LONG_OVER = text("""
SELECT id FROM orders
WHERE tenant_id = :tenant AND state = ANY(:ends) AND created_at < :before AND content_digest <> 'forgotten'
  AND NOT EXISTS (SELECT 1 FROM timeline_entries line
                  WHERE line.tenant_id = :tenant AND line.order_id = orders.id AND line.at >= :before)
  AND NOT EXISTS (SELECT 1 FROM jobs
                  WHERE jobs.tenant_id = :tenant AND jobs.lane = 'order/' || orders.id
                    AND jobs.state IN ('due', 'running'))
ORDER BY id LIMIT :many
""").bindparams(bindparam("ends", type_=ARRAY(Text)))
