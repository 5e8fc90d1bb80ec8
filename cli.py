"""The `packline` command: one line in, one call into Packline, and the answer on standard output."""

from __future__ import annotations

import os
import secrets
import sys
import threading
from typing import Any

import click
from cryptography.fernet import Fernet
from rich.console import Console
from rich.table import Table
from sqlalchemy import Engine, select

from config import boot, logs
from config.settings import Settings, SettingsError
from config.version import VERSION
from jobs import bell, connect, desk
from records import database, migrate, tenants
from records.jobs import Job

out = Console()


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(VERSION)
def main() -> None:
    """Packline takes a store's orders from a signed webhook to a parcel with a tracking number."""


@main.command("migrate")
def migrate_command() -> None:
    """Bring the database to the shape that this version wants."""
    migrate.upgrade(_engine(_settings()))
    click.echo("The database is current.")


@main.command()
@click.option("--processes", default=1, show_default=True, help="Processes for each queue that orders pass.")
def worker(processes: int) -> None:
    """Work off what is due, until SIGTERM; the job in hand is finished first."""
    from jobs.worker import Supervisor

    Supervisor(_settings(), processes).run()


@main.command()
def clock() -> None:
    """Keep the schedule: ring lost bells again, take over from dead workers. Two clocks act as one."""
    import signal

    from jobs import clock as clocks

    settings = _settings()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    engine = _engine(settings)
    clocks.run(engine, clocks.chores(engine, settings.redis_url, patience_s=settings.bell_patience_seconds), stop)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True)
@click.option("--port", default=int(os.environ.get("PORT", "8000")), show_default=True)
def web(host: str, port: int) -> None:
    """Serve the door and the pages (gunicorn)."""
    settings = _settings()
    arguments = [sys.executable, "-m", "gunicorn", "--config", "python:config.server", "--bind", f"{host}:{port}"]
    environment = os.environ | _environment(settings)
    os.execve(sys.executable, [*arguments, "app:create_app()"], environment)  # noqa: S606 - our own words only


@main.group("tenants")
def tenants_group() -> None:
    """Who Packline works for."""


@tenants_group.command("add")
@click.argument("name")
@click.option("--currency", default="USD", show_default=True)
def add_tenant(name: str, currency: str) -> None:
    """Add a shop; prints its number."""
    with database.across_tenants(_engine(_settings()), why="a tenant is added") as session:
        click.echo(connect.add_tenant(session, name, currency))


@tenants_group.command("list")
def list_tenants() -> None:
    """List the shops and their connections."""
    table = Table("tenant", "name", "connection", "vendor", "account", "mode", "webhooks")
    settings = _settings()
    with database.across_tenants(_engine(settings), why="the list of tenants") as session:
        for tenant in session.scalars(select(tenants.Tenant).order_by(tenants.Tenant.id)):
            rows = session.scalars(select(tenants.Connection).where(tenants.Connection.tenant_id == tenant.id)).all()
            for facts in [connect.describe(row, settings.public_url) for row in rows] or [["-"] * 5]:
                table.add_row(str(tenant.id), tenant.name, *facts)
    out.print(table)


@main.command("connect")
@click.argument("vendor", type=click.Choice(["shopify", "stripe", "easypost"]))
@click.option("--tenant", type=int, required=True, help="The shop's number (packline tenants list).")
@click.option("--account", default="", help="shopify: the shop's domain, such as acme.myshopify.com.")
@click.option("--secret", "given", multiple=True, metavar="NAME=VALUE", help="A secret; better: --secrets-from-env.")
@click.option("--secrets-from-env", is_flag=True, help="Read secrets from PACKLINE_CONNECT_<NAME>.")
@click.option("--test/--live", "test", default=None, help="Overrules the mode that the key's prefix tells.")
def connect_command(
    vendor: str, tenant: int, account: str, given: tuple[str, ...], secrets_from_env: bool, test: bool | None
) -> None:
    """Connect a shop's account at a vendor; its secrets are stored encrypted. Prints where its webhooks go."""
    settings = _settings()
    named = dict(pair.partition("=")[::2] for pair in given)
    if secrets_from_env:
        prefix = "PACKLINE_CONNECT_"
        named |= {
            key.removeprefix(prefix).lower(): value for key, value in os.environ.items() if key.startswith(prefix)
        }
    try:
        with database.transaction(_engine(settings), tenant) as session:
            connected = connect.connect(
                session,
                tenant,
                vendor=vendor,
                account=account,
                secrets=named,
                live=None if test is None else not test,
                keyring=boot.keyring(settings),
            )
    except connect.CannotConnect as refusal:
        raise click.ClickException(str(refusal)) from refusal
    bell.flush()
    click.echo(f"connection {connected.id}")
    click.echo(f"webhooks   {connect.hook_address(connected, settings.public_url)}")


@main.command()
@click.argument("tenant", type=int)
def sync(tenant: int) -> None:
    """Read the store's locations, variants and stock again."""
    with database.transaction(_engine(_settings()), tenant) as session:
        connection = tenants.connection_for(session, tenant, "storefront")
        if connection is None:
            raise click.ClickException("this tenant has no store connected: packline connect shopify")
        desk.read_catalogue(session, tenant, connection.id)
    bell.flush()
    click.echo("Asked for; see the jobs.")


@main.group("jobs")
def jobs_group() -> None:
    """What waits for a person, and trying it again."""


@jobs_group.command("parked")
@click.argument("tenant", type=int)
def parked(tenant: int) -> None:
    """List the jobs that need a person."""
    table = Table("job", "kind", "about", "tries", "reason", "what to do")
    with database.transaction(_engine(_settings()), tenant) as session:
        rows = session.scalars(
            select(Job).where(Job.tenant_id == tenant, Job.state == "parked").order_by(Job.id.desc())
        )
        for row in rows:
            table.add_row(str(row.id), row.kind, row.subject, str(row.attempts), row.reason, row.remedy)
    out.print(table)


@jobs_group.command("retry")
@click.argument("tenant", type=int)
@click.argument("job", type=int)
def retry(tenant: int, job: int) -> None:
    """Try a parked job again."""
    with database.transaction(_engine(_settings()), tenant) as session:
        retried = desk.retry(session, tenant, job, by="person:command line")
    bell.flush()
    if not retried:
        raise click.ClickException(f"tenant {tenant} has no parked job {job}")
    click.echo("It is due again.")


@main.group("keys")
def keys_group() -> None:
    """The keys that secrets are sealed with."""


@keys_group.command("new")
def new_keys() -> None:
    """Print fresh values for SECRET_KEY and ENCRYPTION_KEYS."""
    click.echo(f"SECRET_KEY={secrets.token_urlsafe(48)}")
    click.echo(f"ENCRYPTION_KEYS={Fernet.generate_key().decode()}")


def _settings() -> Settings:
    try:
        settings = boot.complete()
    except SettingsError as error:
        raise click.ClickException(str(error)) from error
    logs.set_up(settings)
    bell.set_up(settings.redis_url)
    return settings


def _engine(settings: Settings) -> Engine:
    return database.connect(settings.database_url, pool_size=2, role="command")


def _environment(settings: Settings) -> dict[str, Any]:
    """What a program that is started instead of this one needs to see of settings that were completed here."""
    return {
        "DATABASE_URL": settings.database_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": settings.secret_key.get_secret_value(),
        "ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
        "WEB_PROCESSES": str(settings.web_processes),
        "WEB_THREADS": str(settings.web_threads),
    }


if __name__ == "__main__":
    main()
