"""`packline privacy`: what was demanded about personal data, gathering what is held of a buyer, and forgetting one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from commands import opening, output, working
from config import boot
from jobs import privacy as demanding
from records.orders import orders_named
from records.privacy import EXPORT, REDACT_BUYER
from web.queries import privacy

_LIST = ("id", "what", "state", "asked_at", "asked_by", "due_at", "done_at", "outcome")


@click.group("privacy")
def group() -> None:
    """What buyers and stores have demanded about personal data."""


@group.command("list")
@click.argument("tenant", type=opening.ROW_ID)
@output.limit_option
@output.json_option
def list_demands(tenant: int, limit: int, as_json: bool) -> None:
    """List what was demanded, newest first, with the day by which it has to be done."""
    with opening.shop(tenant) as session:
        found = privacy.demands(session, tenant, size=limit + 1)
    rows = [
        {
            "id": one.id, "what": one.word, "state": one.state, "asked_at": one.asked_at, "asked_by": one.asked_by,
            "due_at": one.due_at, "done_at": one.done_at, "outcome": one.outcome, "downloadable": one.downloadable,
        }
        for one in found[:limit]
    ]  # fmt: skip
    output.listing(rows, _LIST, as_json=as_json, more=len(found) > limit)


@group.command("export")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("order", required=False)
@click.option("--demand", type=opening.ROW_ID, help="An export that was gathered before, instead of an order's name.")
@click.option("--to", type=click.Path(dir_okay=False, writable=True, path_type=Path), help="A file; else the screen.")
def export(tenant: int, order: str | None, demand: int | None, to: Path | None) -> None:
    """Gather what is held of the buyer of ORDER, and write it as one JSON document."""
    if (order is None) == (demand is None):
        raise click.UsageError("say either an ORDER or --demand")
    chosen = demand if order is None else _ask(tenant, EXPORT, order)
    settings = opening.settings()
    with opening.shop(tenant, settings) as session:
        sealed = privacy.sealed_export(session, tenant, chosen or 0)
    if sealed is None:
        raise click.ClickException(f"there is no export {chosen} here: packline privacy list {tenant}")
    document = boot.keyring(settings).open(sealed)["document"]
    if to is None:
        click.echo(document)
    else:
        to.touch(mode=0o600)  # everything about somebody: nobody else's to read
        to.write_text(document)
        output.message(f"Written to {to}. It stays sealed here for 30 days as demand {chosen}.")


@group.command("forget")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("order")
@click.option("--yes", is_flag=True, help="Do not ask whether it is meant.")
def forget(tenant: int, order: str, yes: bool) -> None:
    """Forget who bought ORDER, for good; its amounts and units stay."""
    if not yes:
        click.confirm(f"Who bought {order} cannot be brought back. Forget?", abort=True)
    demand = _ask(tenant, REDACT_BUYER, order)
    with opening.shop(tenant) as session:
        (found,) = [one for one in privacy.demands(session, tenant) if one.id == demand]
    output.message(f"{found.word}: {found.outcome or 'not done yet'} (demand {demand}, by {found.due_at:%Y-%m-%d}).")


def _ask(tenant: int, kind: str, name: str) -> int:
    settings = opening.settings()
    with opening.shop(tenant, settings) as session:
        orders = orders_named(session, tenant, name)
        if not orders:
            raise click.ClickException(f"no order of tenant {tenant} is called {name}: packline orders list {tenant}")
        demand = demanding.ask(session, tenant, kind, orders, by=opening.BY, now=datetime.now(UTC))
    with opening.engine(settings) as engine:
        working.work_off(working.services(settings, engine), tenant, f"demand/{demand}")
    return demand
