"""What a store may still send when it has left, or that we never knew: demands and farewells, and nothing else.

A store's own secrets went with it, so the app's secret proves the sender. The header that names the shop is not signed:
it only says in whose inbox a delivery is kept, and a demand is bound to the shop in its signed body when it is read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import structlog
from sqlalchemy import Engine, select

from integrations.ports import AppKeys, Delivery, Vendor
from records import database
from records.tenants import Connection, Tenant

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """What to answer, or in whose inbox to keep it: (tenant, connection)."""

    result: str = ""
    status: int = 0
    keep_for: tuple[int, str] | None = None


def judge(engine: Engine, vendor: Vendor, delivery: Delivery, keys: AppKeys | None) -> Answer:
    """401: not signed by the app's secret, whoever it is said to be; 410: of a store that has left, and no demand;
    404: of nobody; 200: a demand of a store of which nothing is held, so that it is met already.
    """
    if keys is None:
        return Answer(result="no such connection", status=404)
    secrets = tuple(secret for secret in (keys.client_secret, keys.old_client_secret) if secret)
    account = vendor.door.account(delivery)
    if not vendor.door.genuine(delivery, secrets, datetime.now(UTC)):
        log.warning("delivery not genuine", vendor=vendor.name, account=account)
        return Answer(result="signature does not match", status=401)
    left = _left(engine, vendor.name, account) if account else None
    topic = vendor.door.envelope(delivery).topic
    if topic not in vendor.parting_topics:
        gone, status = ("the shop has left", 410) if left else ("no such connection", 404)
        log.info("delivery of no shop of ours", vendor=vendor.name, account=account, topic=topic, status=status)
        return Answer(result=gone, status=status)
    if left is None:
        log.info("demand of a shop of which nothing is held", vendor=vendor.name, account=account, topic=topic)
        return Answer(result="nothing is held", status=200)
    return Answer(keep_for=left)


def _left(engine: Engine, vendor: str, account: str) -> tuple[int, str] | None:
    """The connection that the store had last, where something is still held of it."""
    with database.across_tenants(engine, why="a delivery names its shop, not its tenant") as session:
        row = session.execute(
            select(Connection.tenant_id, Connection.id)
            .join(Tenant, Tenant.id == Connection.tenant_id)
            .where(
                Connection.vendor == vendor,
                Connection.account == account,
                Connection.ended_at.is_not(None),
                Tenant.redacted_at.is_(None),
            )
            .order_by(Connection.ended_at.desc())
            .limit(1)
        ).first()
    return None if row is None else (row.tenant_id, row.id)
