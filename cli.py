"""The `packline` command: one line in, one call into Packline, and the answer on standard output."""

from __future__ import annotations

import importlib
import json
import os
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click
from pydantic import ValidationError
from sqlalchemy import select

from commands import opening, output, trail
from config.settings import Settings
from config.version import VERSION
from jobs import connect, desk, looking_again
from records import database, migrate, tenants, walls

# Opened when somebody asks for them: a worker needs nothing of the pages, and would carry it in every process.
ELSEWHERE: Mapping[str, tuple[str, str]] = {
    "app": ("commands.app", "group"),
    "orders": ("commands.orders", "group"),
    "jobs": ("commands.jobs", "group"),
    "hooks": ("commands.hooks", "group"),
    "connect": ("commands.connections", "connect_command"),
    "connections": ("commands.connections", "group"),
    "keys": ("commands.keys", "group"),
    "routing": ("commands.routing", "group"),
    "users": ("commands.users", "group"),
    "privacy": ("commands.privacy", "group"),
    "stock": ("commands.stock", "group"),
    "reconcile": ("commands.reconcile", "reconcile"),
    "self-test": ("commands.setup", "self_test"),
    "shadow": ("commands.setup", "shadow"),
    "doctor": ("commands.doctor", "doctor"),
}


class _Commands(click.Group):
    """The commands of this file, and those elsewhere."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return sorted({*super().list_commands(ctx), *ELSEWHERE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in ELSEWHERE:
            return super().get_command(ctx, cmd_name)
        module, name = ELSEWHERE[cmd_name]
        found: click.Command = getattr(importlib.import_module(module), name)
        return found


@click.group(
    cls=_Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Answers go to standard output, messages to standard error; --json prints one JSON document. "
    "Exit codes: 0 done; 1 refused, not found, or a check failed; 2 the command was not understood.",
)
@click.version_option(VERSION)
def main() -> None:
    """Packline takes a store's orders from a signed webhook to a parcel with a tracking number."""


@main.command()
@click.option("--once", is_flag=True, help="End when all is done: status 0 if every order is where it has to be.")
@click.option("--no-orders", is_flag=True, help="Only the store, ready to be ordered from.")
@click.option("--home", type=click.Path(path_type=Path), default=Path(".cache/demo"), show_default=True)
@click.pass_context
def demo(ctx: click.Context, once: bool, no_orders: bool, home: Path) -> None:
    """Run Packline with a demo store against the sandbox vendors."""
    from demo import __main__ as demonstration

    ctx.invoke(demonstration.main, once=once, no_orders=no_orders, home=home)


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database to the shape that this version wants."""
    settings = opening.settings()
    with opening.engine(settings, owner=True) as engine:
        try:
            migrate.upgrade(engine, login=settings.database_login)
        except walls.MayNotWall as refusal:
            raise click.ClickException(str(refusal)) from refusal
    output.message("The database is current.")


@main.command()
@click.option("--processes", default=1, show_default=True, help="Processes for each queue that orders pass.")
def worker(processes: int) -> None:
    """Work off what is due, until SIGTERM; the job in hand is finished first."""
    from jobs.worker import Supervisor

    Supervisor(opening.settings(), processes).run()


@main.command()
def clock() -> None:
    """Keep the schedule: ring lost bells again, take over from dead workers. Two clocks act as one."""
    import signal

    from jobs import clock as clocks

    settings = opening.settings()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = database.connect(settings.database_url, pool_size=2, role="clock")
    clocks.run(engine, clocks.chores(engine, settings.redis_url, patience_s=settings.bell_patience_seconds), stop)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=int(os.environ.get("PORT", "8000")), show_default=True)
def web(host: str, port: int) -> None:
    """Serve the door and the pages (gunicorn)."""
    settings = opening.settings()
    arguments = [sys.executable, "-m", "gunicorn", "--config", "python:config.server", "--bind", f"{host}:{port}"]
    environment = os.environ | _environment(settings)
    os.execve(sys.executable, [*arguments, "app:create_app()"], environment)  # noqa: S606 # nosec B606 # our own words only


@main.group("tenants")
def tenants_group() -> None:
    """Who Packline works for."""


@tenants_group.command("add")
@click.argument("name")
@click.option("--currency", default="USD", show_default=True)
@output.json_option
def add_tenant(name: str, currency: str, as_json: bool) -> None:
    """Add a shop; prints its number."""
    with opening.house(opening.settings(), why="a tenant is added") as session:
        tenant = connect.add_tenant(session, name, currency)
        trail.changed(session, tenant, currency=currency)
    if as_json:
        output.document({"tenant": tenant})
    else:
        click.echo(tenant)


@tenants_group.command("list")
@output.json_option
def list_tenants(as_json: bool) -> None:
    """List the shops and their connections."""
    names = ("connection", "vendor", "account", "mode", "webhooks")
    settings = opening.settings()
    found: list[dict[str, Any]] = []
    with opening.house(settings, why="the list of tenants") as session:
        for tenant in session.scalars(select(tenants.Tenant).order_by(tenants.Tenant.id)):
            rows = session.scalars(select(tenants.Connection).where(tenants.Connection.tenant_id == tenant.id)).all()
            described = [connect.describe(row, settings.public_url) for row in rows] or [[""] * len(names)]
            who = {"tenant": tenant.id, "name": tenant.name}
            found += [who | dict(zip(names, facts, strict=True)) for facts in described]
    output.listing(found, ("tenant", "name", *names), as_json=as_json)


@tenants_group.command("rules")
@click.argument("tenant", type=opening.ROW_ID)
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="A rule and what it is to be from now on.")
@output.json_option
def rules(tenant: int, changes: tuple[str, ...], as_json: bool) -> None:
    """Show what a shop has decided about its orders, and change it. Values are JSON; a bare word is a text."""
    with opening.shop(tenant) as session:
        row = session.get_one(tenants.Tenant, tenant)
        if changes:
            before = row.rules
            try:
                row.rules = tenants.Rules.model_validate(row.rules.model_dump() | dict(map(_changed, changes)))
            except ValidationError as refusal:
                told = "; ".join(f"{'.'.join(map(str, one['loc']))}: {one['msg']}" for one in refusal.errors())
                raise click.ClickException(f"these rules cannot be right: {told}") from refusal
            looking_again.as_rules_change(session, tenant, before, row.rules)
            trail.changed(session, tenant, rules=sorted(change.partition("=")[0] for change in changes))
        found = row.rules.model_dump(mode="json")
    if as_json:
        output.document(found)
    else:
        output.listing(
            [{"rule": name, "is": json.dumps(value)} for name, value in found.items()], ("rule", "is"), as_json=False
        )


def _changed(written: str) -> tuple[str, Any]:
    name, _, value = written.partition("=")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


@main.command()
@click.argument("tenant", type=opening.ROW_ID)
def sync(tenant: int) -> None:
    """Read the store's locations, variants and stock again."""
    with opening.shop(tenant) as session:
        connection = tenants.connection_for(session, tenant, "storefront")
        if connection is None:
            raise click.ClickException("this tenant has no store connected: packline connect shopify")
        desk.read_catalogue(session, tenant, connection.id)
        trail.changed(session, tenant, subject=f"connection/{connection.id}")
    output.message("Asked for; see the jobs.")


def _environment(settings: Settings) -> dict[str, Any]:
    """What a program that is started instead of this one needs to see of settings that were completed here."""
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
        "WEB_PROCESSES": str(settings.web_processes),
        "WEB_THREADS": str(settings.web_threads),
        "WEB_PATIENCE_SECONDS": str(settings.web_patience_seconds),
    }


if __name__ == "__main__":
    main()
