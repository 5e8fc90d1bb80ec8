"""`packline reconcile`: holds the records against the vendors' now, and shows what differed and what was done."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import click
from sqlalchemy import Engine, select
from sqlalchemy.orm import Session

from commands import opening, output, trail, working
from jobs import bell
from jobs import reconcile as reconciliation
from records import comparisons, database, tenants
from records.jobs import Job
from records.orders import Order
from records.tenants import Connection, Tenant

_FOUND = ("vendor", "scope", "order", "found", "outcome", "sentence")
_UNITS = {"m": "minutes", "h": "hours", "d": "days"}


class Span(click.ParamType[timedelta]):
    """A length of time: 90m, 48h, 7d."""

    name = "span"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        if isinstance(value, timedelta):
            return value
        # Stripe keeps events for thirty days; nothing is gained by looking back for years.
        read = re.fullmatch(r"([1-9]\d{0,3})([mhd])", str(value))
        if read is None:
            self.fail(f"{value!r} is no length of time such as 90m, 48h or 7d", param, ctx)
        return timedelta(**{_UNITS[read[2]]: int(read[1])})


@click.command("reconcile")
@click.option("--tenant", type=opening.ROW_ID, help="Only this shop; every shop without it.")
@click.option("--since", type=Span(), help="Compare what changed in this time (48h, 7d), not only since the last pass.")
@output.json_option
def reconcile(tenant: int | None, since: timedelta | None, as_json: bool) -> None:
    """Compare with the vendors now: what they never told is fetched, what differs is put right or shown.

    Ends with 1 where a comparison failed.
    """
    read = opening.settings()
    found: list[dict[str, Any]] = []
    failed: list[dict[str, Any]] = []
    with opening.engine(read) as engine:
        own = working.services(read, engine)
        for connection in _connections(own.engine, tenant):
            now = datetime.now(UTC)
            with database.transaction(engine, connection.tenant_id) as session:
                job = reconciliation.ask(
                    session, connection.tenant_id, connection.id, now=now, since=None if since is None else now - since
                )
                if job is not None:
                    trail.changed(session, connection.tenant_id, subject=f"connection/{connection.id}")
            if job is None:
                continue
            working.work_off(own, connection.tenant_id, f"connection/{connection.id}")
            with database.transaction(engine, connection.tenant_id) as session:
                found += _found(session, connection, job)
                failed += _failed(session, connection, job)
        bell.flush()
    _show(found, failed, as_json=as_json)
    sys.exit(1 if failed else 0)


def _connections(engine: Engine, tenant: int | None) -> Sequence[Connection]:
    with database.across_tenants(engine, why="a person has every shop compared") as session:
        if tenant is not None and session.get(Tenant, tenant) is None:
            raise click.ClickException(f"there is no tenant {tenant}: packline tenants list")
        return tenants.living(session, tenant)


def _found(session: Session, connection: Connection, job: int) -> list[dict[str, Any]]:
    rows = []
    for comparison in comparisons.of_job(session, connection.tenant_id, job):
        for finding in comparisons.findings_of(session, connection.tenant_id, comparison.id):
            name = session.scalar(
                select(Order.name).where(Order.tenant_id == connection.tenant_id, Order.id == finding.order_id)
            )
            rows.append(
                {
                    "tenant": connection.tenant_id,
                    "vendor": connection.vendor,
                    "scope": comparison.scope,
                    "order": name,
                    "found": finding.kind,
                    "outcome": finding.outcome,
                    "about": finding.subject,
                    "sentence": finding.sentence,
                }
            )
    return rows


def _failed(session: Session, connection: Connection, job: int) -> list[dict[str, Any]]:
    """The scopes whose last comparison did not come to its end, and the pass itself where it did not begin."""
    last = {one.scope: one for one in comparisons.of_job(session, connection.tenant_id, job)}
    who = {"tenant": connection.tenant_id, "vendor": connection.vendor}
    failed = [who | {"scope": one.scope, "reason": one.reason} for one in last.values() if one.state != "done"]
    row = session.get(Job, (connection.tenant_id, job))
    if not last and row is not None and row.state != "done":
        failed.append(who | {"scope": "all", "reason": row.reason or f"the job is {row.state}"})
    return failed


def _show(found: list[dict[str, Any]], failed: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        output.document({"findings": found, "failed": failed})
        return
    if found:
        output.table(found, _FOUND)
    elif not failed:
        click.echo("Nothing differs.")
    for one in failed:
        output.message(f"{one['vendor']} ({one['scope']}) could not be compared: {one['reason']}")
