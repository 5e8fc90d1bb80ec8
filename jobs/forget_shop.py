"""Forgets all that is personal of a shop that has left; what it sold, spent and has in stock stays as numbers.

One transaction at the start decides whether there is a way back: with it the store's own connection is nobody's any
more, so that a merchant who opens Packline at that moment either takes the shop up again whole, or gets a new one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from sqlalchemy import case, func, select, text, update
from sqlalchemy.orm import Session

from integrations.ports import Permanent
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import forgetting, ledgers, lifecycle
from records import database, privacy
from records.schema import TABLES
from records.tenants import Tenant
from records.users import User

log = structlog.get_logger(__name__)

# So many rows are locked at once, for some milliseconds; deliveries and label files are large, so fewer of these.
_AT_ONCE, _LARGE_AT_ONCE = 1_000, 200
_LARGE = frozenset({"inbox_events", "labels", "timeline_entries"})
_AT_THE_START = "connections"
# Written last of all: what an export that was under way has put there, and the one row that says that all is done.
_AT_THE_END = ("privacy_requests", "tenants")
_TOLD = "Packline forgot everything personal about this order: its store had left."


def run(work: Work) -> Outcome:
    places = forgetting.of_the_shop()
    with work.writing() as session:
        if not _no_way_back(session, work, places[_AT_THE_START]):
            return Cancelled(reason="the shop is open: nothing of it is forgotten")
        if session.scalar(select(Tenant.redact_after).where(Tenant.id == work.tenant)) is None:
            return Done()
        before = ledgers.sums(session, work.tenant)
    for table, values in places.items():
        if table not in {_AT_THE_START, "tenants"}:
            _empty(work, table, values)
    _tell_on_timelines(work)
    _end_its_people(work)
    with work.writing() as session:
        _finish_demands(session, work)
        for table in _AT_THE_END:
            emptied = f"UPDATE {table} SET {_set(places[table])} WHERE {_whose(table)}"  # nosec B608 # our own names; values are bound
            session.execute(text(emptied), _told(work))
        session.execute(update(Tenant).where(Tenant.id == work.tenant).values(redact_after=None))
        if ledgers.sums(session, work.tenant) != before:
            raise Permanent(
                "The sums of the shop's ledgers changed while it was being forgotten.",
                remedy="Look for what still works for this shop, then retry: what was forgotten stays so.",
                code="ledgers",
            )
    log.info("shop forgotten", ledgers={name: rows for name, (rows, _) in before.items()})
    return Done()


def _no_way_back(session: Session, work: Work, unnamed: Mapping[str, str]) -> bool:
    """Mark a closed shop as forgotten, and take its accounts' names away; answers whether it is so now.

    The mark stands from here on, and `redact_after` as long as there is something left to do. Connections are locked
    before their shop, as they are by the merchant who comes back (jobs/installing.py).
    """
    session.execute(text("SELECT 1 FROM connections WHERE tenant_id = :tenant ORDER BY id FOR UPDATE"), _told(work))
    marked = session.execute(
        update(Tenant)
        .where(Tenant.id == work.tenant, Tenant.closed_at.is_not(None))
        .values(
            redact_after=case((Tenant.redacted_at.is_(None), func.coalesce(Tenant.redact_after, func.now())),
                              else_=Tenant.redact_after),
            redacted_at=func.coalesce(Tenant.redacted_at, func.now()),
        )
        .execution_options(synchronize_session=False)
        .returning(Tenant.id)
    ).first()  # fmt: skip
    if marked is None:
        return False
    emptied = f"UPDATE connections SET {_set(unnamed)} WHERE {_whose('connections')}"  # nosec B608 # our own names; values are bound
    session.execute(text(emptied), _told(work))
    return True


def _empty(work: Work, table: str, values: Mapping[str, str]) -> None:
    """Row by row in the order of their keys: a run that is cut off begins anew, and what is empty stays so."""
    after: Any = 0
    many = _LARGE_AT_ONCE if table in _LARGE else _AT_ONCE
    key = _key_of(table)
    statement = text(f"""
        WITH page AS (SELECT {key} AS key FROM {table} WHERE tenant_id = :tenant AND {key} > :after
                      ORDER BY {key} LIMIT :many),
        emptied AS (UPDATE {table} SET {_set(values)}
                    WHERE tenant_id = :tenant AND {key} = ANY(ARRAY(SELECT key FROM page)) RETURNING 1)
        SELECT max(key) FROM page
    """)  # nosec B608 # our own names; values are bound
    while after is not None:
        with work.writing() as session:
            after = session.scalar(statement, _told(work) | {"after": after, "many": many})


def _key_of(table: str) -> str:
    """The column that names a row of a shop: an id of its own, or the one thing that it says something of."""
    (key,) = (column.name for column in TABLES[table].primary_key if column.name != "tenant_id")
    return key


def _tell_on_timelines(work: Work) -> None:
    after: Any = 0
    while after is not None:
        with work.writing() as session:
            after = session.scalar(_TELL, _told(work) | {"after": after, "many": _AT_ONCE, "sentence": _TOLD})


_TELL = text("""
WITH page AS (SELECT id FROM orders WHERE tenant_id = :tenant AND id > :after ORDER BY id LIMIT :many),
told AS (
    INSERT INTO timeline_entries (tenant_id, order_id, actor, kind, sentence, details)
    SELECT :tenant, page.id, 'packline', 'fact', :sentence, '{}'::jsonb FROM page
    WHERE NOT EXISTS (SELECT 1 FROM timeline_entries earlier
                      WHERE earlier.tenant_id = :tenant AND earlier.order_id = page.id AND earlier.sentence = :sentence)
    RETURNING 1)
SELECT max(id) FROM page
""")


def _end_its_people(work: Work) -> None:
    """Those who could see this shop alone have nothing left to sign in to."""
    why = "people belong to the house, and these saw one shop"
    with database.across_tenants(work.services.engine, why=why) as session:
        session.execute(
            update(User)
            .where(User.tenant_id == work.tenant)
            .values(
                name=func.concat("somebody-", User.id),
                password_hash="",  # nosec B106 # nobody's: no password has this hash
                sealed_totp=None,
                ended_at=func.coalesce(User.ended_at, func.now()),
            )
        )


def _finish_demands(session: Session, work: Work) -> None:
    """Whatever a buyer of this shop has asked for: there is nothing left to show or to forget."""
    for kind in (privacy.EXPORT, privacy.REDACT_BUYER, privacy.REDACT_SHOP):
        for demand in privacy.due(session, work.tenant, kind):
            lifecycle.move(
                session, work.tenant, "privacy_request", demand.id, "finish",
                found={"shop": "forgotten"}, done_at=work.now(),
            )  # fmt: skip


def _set(values: Mapping[str, str]) -> str:
    return ", ".join(f"{column} = {value}" for column, value in values.items())


def _whose(table: str) -> str:
    return "id = :tenant" if table == "tenants" else "tenant_id = :tenant"


def _told(work: Work) -> dict[str, Any]:
    return {"tenant": work.tenant}
