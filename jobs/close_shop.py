"""Closes a shop whose store took Packline away: nothing is done for it any more, and its secrets are gone.

A message that says so may be an old one, sent again around a store that has come back since: its body carries no time,
and the headers are not signed. So the store is asked. Secrets that it refuses prove the message; secrets that work
disprove it. A store that answers neither way for a day, as one that is frozen, is taken at its word, which was signed.
Who refuses the secrets without having said goodbye is not closed by that alone: the merchant is asked.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

import structlog
from sqlalchemy import Text, bindparam, func, select, text, update
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from integrations.ports import Hooked, OutsideFailure, Temporary
from jobs import connect, hook_secrets, intake, queue
from jobs.no_access import NoAccess
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import lifecycle
from orders.forgotten import AT_AN_END
from orders.listening import Remark
from records import privacy, tenants
from records.jobs import Job
from records.orders import Order
from records.shipments import Label
from records.tenants import Connection, Tenant

log = structlog.get_logger(__name__)

# "48 hours after a store owner uninstalls your app", Shopify asks for the store's data to be erased.
KEPT_FOR = timedelta(hours=48)
# The codes with which a store says that our secrets open nothing any more.
_REFUSED = frozenset({"401", "consent", "not_connected"})
# A store that is frozen (402), locked (423) or unknown (404) tells nothing of its goodbye, and one that Packline's own
# wrong keys cannot reach neither. A day leaves another one for whatever is to be forgotten after 48 hours.
_PATIENCE = timedelta(days=1)
_LOOK_AGAIN_S = 3600.0
# What is done for a shop that has left: its buyers' wishes, and what it says of itself.
_GO_ON = ("take_event", "export_buyer", "forget_buyer", "forget_shop", "close_shop", "expire_kept")
WHY = "The store took Packline away."


def run(work: Work) -> Outcome:
    with work.reading() as session:
        shop = session.get_one(Tenant, work.tenant)
        store = tenants.connection_for(session, work.tenant, "storefront")
    if shop.closed_at is not None:
        return Done()
    if store is not None and _still_lets_us_in(work, store.id):
        return _not_closed(work)
    left = {row.id: why for row in _others(work) if (why := _drop_hooks(work, row))}
    with work.writing() as session:
        if store is not None and _secrets_changed(session, store):
            raise Temporary("The store was connected anew at this moment.", code="connected_anew")
        _close(session, work, left)
    log.info("shop closed", hooks_left=len(left))
    return Done()


def reopen(session: Session, tenant: int) -> None:
    """The store took Packline on again: the old goodbye forgets nothing of it, and its open orders go on.

    The caller holds the shop's row, and gives the store's connection its life back; jobs wait for its new secrets.
    """
    session.execute(update(Tenant).where(Tenant.id == tenant).values(closed_at=None, redact_after=None))
    for demand in privacy.due(session, tenant, privacy.REDACT_SHOP):
        withdraw(session, tenant, demand.id, now=datetime.now(UTC))
    for kind, subject, lane in _given_up(session, tenant):
        queue.add(session, tenant, kind, subject, lane=lane)
    for label in session.scalars(
        select(Label.id).where(Label.tenant_id == tenant, Label.state.in_(("void_requested", "void_refused")))
    ):
        queue.add(session, tenant, "void_label", f"label/{label}")
    for order in session.scalars(select(Order.id).where(Order.tenant_id == tenant, Order.state.not_in(AT_AN_END))):
        intake.resume(session, tenant, order)


def _given_up(session: Session, tenant: int) -> list[tuple[str, str, str]]:
    """The (kind, subject, lane) of what closing gave up of orders, each told once: what connections need is asked for
    when the store has let us in.
    """
    taken_up = session.execute(
        update(Job)
        .where(
            Job.tenant_id == tenant, Job.state == "cancelled", Job.reason == WHY, Job.subject.not_like("connection/%")
        )
        .values(reason=f"{WHY} It came back, and this was asked for anew.")
        .execution_options(synchronize_session=False)
        .returning(Job.kind, Job.subject, Job.lane)
    )
    return sorted({(row.kind, row.subject, row.lane) for row in taken_up})


def withdraw(session: Session, tenant: int, demand: int, *, now: datetime) -> None:
    lifecycle.move(session, tenant, "privacy_request", demand, "finish", found={"shop": "came_back"}, done_at=now)


def _still_lets_us_in(work: Work, store: str) -> bool:
    """Raises what else keeps the store from answering."""
    try:
        work.storefront(store).hooks()
    except OutsideFailure as failure:
        if failure.code in _REFUSED:
            return False
        if isinstance(failure, Temporary) and not isinstance(failure, NoAccess):
            raise
        if _asked_long_enough(work):
            log.warning("goodbye taken at its word", connection=store, code=failure.code)
            return False
        raise NoAccess(failure.reason, code=failure.code or "refused", wait_s=_LOOK_AGAIN_S) from failure
    return True


def _asked_long_enough(work: Work) -> bool:
    with work.reading() as session:
        asked_since = session.get_one(Job, (work.tenant, work.claim.id)).created_at
    return work.now() - asked_since > _PATIENCE


def _not_closed(work: Work) -> Outcome:
    with work.writing() as session:
        for demand in privacy.due(session, work.tenant, privacy.REDACT_SHOP):
            withdraw(session, work.tenant, demand.id, now=work.now())
    return Cancelled(reason="the store still lets Packline in: it has come back since that was said")


def _others(work: Work) -> list[Connection]:
    with work.reading() as session:
        return [row for row in tenants.living(session, work.tenant) if row.role != "storefront"]


def _drop_hooks(work: Work, row: Connection) -> str:
    """Have a carrier or payment provider tell us no more; answers what was left standing there, and why."""
    open_vendor = work.payments if row.role == "payments" else work.carrier
    try:
        vendor: Hooked = open_vendor(row.id)
        hook_secrets.drop_ours(work, row, vendor, connect.hook_address(row, work.services.public_url))
    except OutsideFailure as failure:
        # The shop is closed whether or not its other vendors answer at this moment.
        log.warning("webhook left standing", connection=row.id, vendor=row.vendor, code=failure.code)
        return f"Its webhook at {row.vendor} still points here ({failure.reason})."
    return ""


def _secrets_changed(session: Session, store: Connection) -> bool:
    now = session.get_one(Connection, (store.tenant_id, store.id), with_for_update=True)
    return now.ended_at is not None or now.sealed_secrets != store.sealed_secrets


def _close(session: Session, work: Work, left: Mapping[str, str]) -> None:
    now = work.now()
    # A job that runs finds at its next write that it is no longer its own, and writes nothing more.
    session.execute(
        update(Job)
        .where(
            Job.tenant_id == work.tenant,
            Job.id != work.claim.id,
            Job.kind.not_in(_GO_ON),
            Job.state.in_(("due", "parked", "running")),
        )
        .values(state="cancelled", cause="unwanted", reason=WHY, ended_at=func.now(), lease_until=None)
    )
    remedy = "Delete it in the vendor's own pages: what it sends is refused here."
    for connection in tenants.living(session, work.tenant):
        connection.ended_at = now
        connection.sealed_secrets = work.services.keyring.seal({})
        connection.token_expires_at = connection.renewal_expires_at = connection.consent_wanted_at = None
        connection.renewing_until, connection.renewing_by = None, ""
        why = left.get(connection.id)
        connection.remarks = [Remark(kind="hook_left", sentence=why, remedy=remedy).as_kept()] if why else []
    session.execute(update(Tenant).where(Tenant.id == work.tenant).values(closed_at=now, redact_after=now + KEPT_FOR))
    session.execute(_TELL, {"tenant": work.tenant, "ends": list(AT_AN_END)})
    if privacy.due(session, work.tenant, privacy.REDACT_SHOP):
        queue.add(session, work.tenant, "forget_shop", f"shop/{work.tenant}")


# Whoever still has the parcel in the house can send it, or give the label back at the carrier's own pages.
_TELL = text("""
INSERT INTO timeline_entries (tenant_id, order_id, actor, kind, sentence, details)
SELECT :tenant, orders.id, 'packline', 'fact',
       'The store took Packline away: nothing more is done for this order.'
       || CASE WHEN paid.codes IS NULL THEN ''
               ELSE ' Its labels are paid for and were not scanned yet: ' || paid.codes || '.' END,
       '{}'::jsonb
FROM orders LEFT JOIN LATERAL (
    SELECT string_agg(labels.tracking_code, ', ' ORDER BY labels.id) AS codes
    FROM labels JOIN parcels ON parcels.tenant_id = labels.tenant_id AND parcels.id = labels.parcel_id
    WHERE labels.tenant_id = :tenant AND labels.order_id = orders.id AND labels.state = 'bought'
      AND parcels.carrier_status IN ('unknown', 'pre_transit')) paid ON true
WHERE orders.tenant_id = :tenant AND (NOT orders.state = ANY(:ends) OR paid.codes IS NOT NULL)
""").bindparams(bindparam("ends", type_=ARRAY(Text)))
