"""`packline app`: what Shopify is told of this app, and tokens that are still of the kind that lasts."""

from __future__ import annotations

import sys
from typing import Any

import click
import structlog
from sqlalchemy import select

from commands import opening, output, working
from integrations.ports import OutsideFailure, Permanent
from integrations.storefronts.shopify import app_file
from jobs import access
from jobs.work import Services
from records import database
from records.tenants import Connection

log = structlog.get_logger(__name__)

_MIGRATED = ("tenant", "connection", "account", "result")


@click.group("app")
def group() -> None:
    """Packline as an app that merchants install from Shopify."""


@group.command("toml")
@click.option("--placeholders", is_flag=True, help="Without this installation's own client id and address.")
def toml(placeholders: bool) -> None:
    """Print shopify.app.toml for this installation: scopes, webhooks and addresses as the code has them."""
    read = opening.settings()
    if placeholders:
        click.echo(app_file.written("", "", read.shopify_api_version), nl=False)
        return
    click.echo(app_file.written(read.shopify_client_id, read.public_url, read.shopify_api_version), nl=False)


@group.command("migrate-tokens")
@click.option("--yes", is_flag=True, help="Do not ask first.")
@output.json_option
def migrate_tokens(yes: bool, as_json: bool) -> None:
    """Give up tokens that last for ones that end and are renewed. There is no way back.

    Of each store that was connected by hand with a token of this very app (SHOPIFY_CLIENT_ID). A token of another app
    is refused and stays as it is. Stores whose merchant opens the app are migrated by that alone.
    """
    read = opening.settings()
    if not read.shopify_client_id:
        raise click.ClickException("this installation is no app at Shopify: set SHOPIFY_CLIENT_ID")
    with opening.engine(read) as engine:
        services = working.services(read, engine)
        lasting = _lasting(services)
        if lasting and not yes:
            click.confirm(f"{len(lasting)} tokens stop working for good; others take their place. Go on?", abort=True)
        found = [_migrated(services, row) for row in lasting]
    output.listing(found, _MIGRATED, as_json=as_json)
    sys.exit(0 if all(one["result"] == "migrated" for one in found) else 1)


def _lasting(services: Services) -> list[Connection]:
    with database.across_tenants(services.engine, why="tokens that last are looked for in every shop") as session:
        rows = session.scalars(
            select(Connection)
            .where(Connection.vendor == "shopify", Connection.ended_at.is_(None))
            .order_by(Connection.tenant_id)
        )
        return [row for row in rows if access.is_lasting(row)]


def _migrated(services: Services, row: Connection) -> dict[str, Any]:
    told = {"tenant": row.tenant_id, "connection": row.id, "account": row.account}
    try:
        access.migrate(services, row)
    except OutsideFailure as failure:
        remedy = f" {failure.remedy}" if isinstance(failure, Permanent) else " Run this again."
        return told | {"result": f"{failure.reason}{remedy}"}
    log.info("token migrated", tenant=row.tenant_id, connection=row.id, actor=opening.BY)
    return told | {"result": "migrated"}
