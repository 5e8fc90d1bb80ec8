"""`packline self-test` proves that what a shop connected works; `packline shadow` has it watch only, or go live."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from commands import opening, output, trail, working
from jobs import bell, going_live, kept_self_test
from jobs import self_test as testing
from orders import self_testing, setting_up
from records import database, tenants

_FOUND = ("step", "went", "sentence", "remedy")


@click.command("self-test")
@click.argument("tenant", type=opening.ROW_ID)
@output.json_option
def self_test(tenant: int, as_json: bool) -> None:
    """Test what a shop has connected, from scopes to a label. Ends with 1 where something does not work.

    The round trip needs the web process; a label is bought and given back with a test key only.
    """
    read = opening.settings()
    with opening.engine(read) as engine:
        with database.transaction(engine, tenant) as session:
            if session.get(tenants.Tenant, tenant) is None:
                raise click.ClickException(f"there is no tenant {tenant}: packline tenants list")
            number = testing.ask(session, tenant, by=opening.BY, now=datetime.now(UTC).isoformat())
            trail.changed(session, tenant, subject=f"self_test/{number}")
        bell.flush()
        working.work_off_wholly(working.services(read, engine), tenant, f"tenant/{tenant}")
        with database.transaction(engine, tenant) as session:
            kept = kept_self_test.read(session, tenant)
    rows = [
        {"step": title, "went": found.state, "sentence": found.sentence, "remedy": found.remedy}
        for _, title, found in self_testing.of_kept(kept)
        if found is not None
    ]
    output.listing(rows, _FOUND, as_json=as_json)
    sys.exit(0 if setting_up.nothing_failed(kept) else 1)


@click.command("shadow")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("turn", type=click.Choice(["on", "off"]))
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="With off: ship open orders placed since then (UTC); without it, only those that come from now on.",
)
def shadow(tenant: int, turn: str, since: datetime | None) -> None:
    """Have a shop only watched (on): decided and shown, and nothing done outside. Or go live (off)."""
    now = datetime.now(UTC)
    moment = None if since is None else since.replace(tzinfo=UTC)
    if moment is not None and (turn == "on" or moment > now):
        raise click.UsageError("--since is for going live (off), and a moment that has been")
    with opening.shop(tenant) as session:
        trail.changed(session, tenant, turn=turn, since=None if moment is None else moment.isoformat())
        if turn == "off":
            begun = going_live.go_live(session, tenant, since=moment, by=opening.BY, now=now)
            output.message(f"Live: {begun} open orders are worked on.")
            return
        left = going_live.watch(session, tenant, by=opening.BY)
        row = session.get_one(tenants.Tenant, tenant, with_for_update=True, populate_existing=True)
        row.setup = row.setup | {"watched_at": now.isoformat()}
    for one in left:
        output.message(f"{'' if one.order is None else f'order {one.order}: '}{one.sentence}")
    output.message("Nothing new is begun; the rest is finished first." if left else "It only watches from now on.")
