"""What vendors told us, byte for byte, before anybody believed it."""

from __future__ import annotations

import json
from collections import deque
from datetime import datetime
from typing import Any

import psycopg
from sqlalchemy import Engine, Index, LargeBinary, text
from sqlalchemy.orm import Mapped, mapped_column

from records import database, walls
from records.base import Base, CreatedAt, Id, TenantKey


class InboxEvent(Base):
    """One genuine delivery. Unique by its delivery id, and by topic, occasion and body: see web.hooks.

    States: received → taken · ignored · parked; replay moves back to received.
    """

    __tablename__ = "inbox_events"
    __table_args__ = (
        Index("uq_inbox_events_delivery", "tenant_id", "connection_id", "delivery_id", unique=True),
        Index("uq_inbox_events_fact", "tenant_id", "connection_id", "topic", "occasion", "body_sha256", unique=True),
        Index("ix_inbox_events_parked", "tenant_id", "id", postgresql_where=text("state = 'parked'")),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    connection_id: Mapped[str]
    vendor: Mapped[str]
    topic: Mapped[str]
    delivery_id: Mapped[str]
    occasion: Mapped[str]
    body_sha256: Mapped[bytes] = mapped_column(LargeBinary)
    body: Mapped[bytes] = mapped_column(LargeBinary)
    headers: Mapped[dict[str, Any]]
    received_at: Mapped[CreatedAt]
    state: Mapped[str] = mapped_column(server_default="received")
    reason: Mapped[str] = mapped_column(server_default="")
    subject: Mapped[str] = mapped_column(server_default="")
    """What the delivery was about, once it was read: for people who search."""
    duplicates: Mapped[int] = mapped_column(server_default="0")
    taken_at: Mapped[datetime | None]


class NotKept(Exception):
    """The database did not take a delivery."""


class Letterbox:
    """Keeps deliveries, in one statement and one round trip each, because vendors wait for the answer.

    The delivery and the job that reads it are written together or not at all. It speaks to the driver itself, over
    connections that commit every statement: the door's whole budget is a few hundred microseconds, and a session or a
    pool that resets its connections would spend half of it.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._idle: deque[psycopg.Connection[Any]] = deque()

    def drop(self, tenant: int, **delivery: Any) -> int | None:
        """Keep one delivery; answers its id, or None where it, or the same fact, was kept before and is counted.

        Raises NotKept where the database does not take it: the sender has to try again.
        """
        parameters = {"tenant": tenant, **delivery, "headers": json.dumps(delivery["headers"])}
        try:
            return self._drop(self._take(), parameters)
        except psycopg.errors.QueryCanceled as error:
            # It took too long already; a second try would outlast the sender's patience.
            raise NotKept(type(error).__name__) from error
        except database.NO_DATABASE_OF_PSYCOPG:
            # The database was restarted since this connection was last used: a fresh one tells whether it is back.
            self.close()
        try:
            return self._drop(self._connect(), parameters)
        except database.NO_DATABASE_OF_PSYCOPG as error:
            raise NotKept(type(error).__name__) from error

    def close(self) -> None:
        """Let go of the connections that nobody uses at this moment."""
        while self._idle:
            self._idle.pop().close()

    def _drop(self, connection: psycopg.Connection[Any], parameters: dict[str, Any]) -> int | None:
        try:
            kept = connection.execute(_KEEP, parameters).fetchone()
            if kept is None:
                _count_duplicate(connection, parameters)
        except psycopg.Error:
            connection.close()
            raise
        self._idle.append(connection)
        return None if kept is None else int(kept[0])

    def _take(self) -> psycopg.Connection[Any]:
        try:
            return self._idle.pop()
        except IndexError:
            return self._connect()

    def _connect(self) -> psycopg.Connection[Any]:
        arguments, options = self._engine.dialect.create_connect_args(self._engine.url)
        options.update(database.KEEPALIVES, autocommit=True, connect_timeout=3, application_name="packline-door")
        connection = psycopg.connect(*arguments, **options)
        # It is never anything else, and goes back to no pool: what it is set to stays with it.
        connection.execute(f"SET statement_timeout = {_DOOR_TIMEOUT_MS}; SET ROLE {walls.SHOP}")
        connection.prepare_threshold = 0
        return connection


def _count_duplicate(connection: psycopg.Connection[Any], parameters: dict[str, Any]) -> None:
    with connection.transaction():
        connection.execute(_WHOSE, parameters)
        connection.execute(_COUNT_DUPLICATE, parameters)


# Shopify hangs up after five seconds; whatever takes longer here has lost its sender already.
_DOOR_TIMEOUT_MS = 4_000

_WHOSE = f"SELECT set_config('{walls.TENANT}', %(tenant)s::text, true)"

# The statement says whose it is itself: the row's tenant is what set_config answers, so the wall knows it by the time
# that it looks at the row.
_KEEP = f"""
WITH whose (tenant) AS MATERIALIZED ({_WHOSE}), kept AS (
    INSERT INTO inbox_events (tenant_id, connection_id, vendor, topic, delivery_id, occasion, body_sha256,
                              body, headers)
    SELECT tenant::bigint, %(connection)s, %(vendor)s, %(topic)s, %(delivery_id)s, %(occasion)s, %(body_sha256)s,
           %(body)b, %(headers)s::jsonb
    FROM whose
    ON CONFLICT DO NOTHING
    RETURNING id
)
INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank, rung_at)
SELECT %(tenant)s, 'take_event', 'event/' || id, 'event/' || id, 'hooks', 0, now() FROM kept
RETURNING substr(subject, 7)::bigint
"""  # nosec B608 # composed of our own constants; every value is bound

_COUNT_DUPLICATE = """
UPDATE inbox_events SET duplicates = duplicates + 1
WHERE tenant_id = %(tenant)s AND connection_id = %(connection)s
  AND (delivery_id = %(delivery_id)s
       OR (topic = %(topic)s AND occasion = %(occasion)s AND body_sha256 = %(body_sha256)s))
"""
