"""`packline connect` and `packline connections`: a shop's accounts at vendors, from the command line."""

from __future__ import annotations

import os
import sys
from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from commands import opening, output, trail
from config import boot
from integrations import registry
from integrations.ports import Checkup, OutsideFailure, Permanent
from jobs import connect, looking_at_keys
from jobs.work import origins
from records import tenants
from records.tenants import Connection

_LIST = ("connection", "vendor", "account", "mode", "webhooks")
_PREFIX = "PACKLINE_CONNECT_"


@click.command("connect")
@click.argument("vendor", type=click.Choice([vendor.name for vendor in registry.vendors()]))
@click.option("--tenant", type=opening.ROW_ID, required=True, help="The shop's number (packline tenants list).")
@click.option("--account", default="", help="shopify: the shop's domain, such as acme.myshopify.com.")
@click.option("--secret", "given", multiple=True, metavar="NAME=VALUE", help="A secret; better: --secrets-from-env.")
@click.option("--secrets-from-env", is_flag=True, help="Read secrets from PACKLINE_CONNECT_<NAME>.")
@click.option("--test/--live", "test", default=None, help="Overrules the mode that the key's prefix tells.")
@click.option("--check", is_flag=True, help="Ask the vendor first whose account it is and what the key may do.")
@click.option(
    "--expires",
    type=click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"]),
    help="When the vendor stops taking the secrets (UTC).",
)
@output.json_option
def connect_command(
    vendor: str,
    tenant: int,
    account: str,
    given: tuple[str, ...],
    secrets_from_env: bool,
    test: bool | None,
    check: bool,
    expires: datetime | None,
    as_json: bool,
) -> None:
    """Connect a shop's account at a vendor; its secrets are stored encrypted. Prints where its webhooks go."""
    settings = opening.settings()
    secrets = dict(pair.partition("=")[::2] for pair in given) | (_of_environment() if secrets_from_env else {})
    found = _asked(lambda: looking_at_keys.look(vendor, secrets, origins(settings), account=account)) if check else None
    try:
        with opening.shop(tenant, settings) as session:
            connected = connect.connect(
                session,
                tenant,
                vendor=vendor,
                account=account,
                secrets=secrets,
                live=None if test is None else not test,
                keyring=boot.keyring(settings),
                found=found,
            )
            connected.token_expires_at = None if expires is None else expires.replace(tzinfo=UTC)
            trail.changed(session, tenant, subject=f"connection/{connected.id}", vendor=vendor)
    except connect.CannotConnect as refusal:
        raise click.ClickException(str(refusal)) from refusal
    address = connect.hook_address(connected, settings.public_url)
    for remark in connected.remarks if found else []:
        output.message(f"{remark['sentence']} {remark['remedy']}")
    if as_json:
        output.document({"connection": connected.id, "webhooks": address})
    else:
        click.echo(f"connection {connected.id}")
        click.echo(f"webhooks   {address}")


@click.group("connections")
def group() -> None:
    """A shop's accounts at vendors: what they let us do, another key, and letting go."""


@group.command("list")
@click.argument("tenant", type=opening.ROW_ID)
@output.json_option
def list_connections(tenant: int, as_json: bool) -> None:
    """List the shop's living connections."""
    read = opening.settings()
    with opening.shop(tenant, read) as session:
        living = tenants.living(session, tenant)
        rows = [dict(zip(_LIST, connect.describe(row, read.public_url), strict=True)) for row in living]
    output.listing(rows, _LIST, as_json=as_json)


@group.command("check")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("connection")
@output.json_option
def check_connection(tenant: int, connection: str, as_json: bool) -> None:
    """Ask the vendor whose account a connection's key opens, and what it may not do.

    Ends with 1 where it lacks anything.
    """
    read = opening.settings()
    with opening.shop(tenant, read) as session:
        standing = looking_at_keys.standing(_one(session, tenant, connection), boot.keyring(read))
    found = _asked(lambda: looking_at_keys.look_again(standing, origins(read)))
    with opening.shop(tenant, read) as session:
        connect.note(_one(session, tenant, connection, lock=True), found, boot.keyring(read))
        trail.changed(session, tenant, subject=f"connection/{connection}")
    if as_json:
        output.document(_told(found))
    else:
        output.facts({name: value for name, value in _told(found).items() if name != "lacks"})
        for lack in found.lacks:
            click.echo(f"{output.plain(lack.sentence)}\n  {output.plain(lack.remedy)}")
    sys.exit(1 if found.lacks else 0)


@group.command("rotate")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("connection")
@click.option("--key-from-env", metavar="VARIABLE", help="Read the key from this variable, instead of asking for it.")
def rotate(tenant: int, connection: str, key_from_env: str | None) -> None:
    """Give a connection another key of the same account and mode; the old one is used until the new one is checked."""
    read = opening.settings()
    keyring = boot.keyring(read)
    with opening.shop(tenant, read) as session:
        standing = looking_at_keys.standing(_one(session, tenant, connection), keyring)
    key = _key(key_from_env)
    found = _asked(lambda: looking_at_keys.look_at_successor(standing, key, origins(read)))
    with opening.shop(tenant, read) as session:
        connect.replace_key(session, _one(session, tenant, connection, lock=True), key, found, keyring)
        trail.changed(session, tenant, subject=f"connection/{connection}")
    output.message("The new key is in use. Delete the old one at the vendor.")


@group.command("disconnect")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("connection")
@click.option("--yes", is_flag=True, help="Do not ask.")
def disconnect(tenant: int, connection: str, yes: bool) -> None:
    """End a connection, and have our webhook at the vendor taken away. Connecting again undoes it."""
    read = opening.settings()
    with opening.shop(tenant, read) as session:
        row = _one(session, tenant, connection)
    if not yes:
        click.confirm(f"Work that needs {row.vendor} stops until it is connected again. End it?", abort=True, err=True)
    with opening.shop(tenant, read) as session:
        ended = connect.disconnect(session, tenant, connection)
        trail.changed(session, tenant, subject=f"connection/{connection}")
    output.message("It has ended." if ended else "It had ended already.")


def _one(session: Session, tenant: int, connection: str, *, lock: bool = False) -> Connection:
    """The living one; with its row's `lock`, where its secrets are sealed anew: a worker may be renewing them."""
    row = tenants.find_connection(session, tenant, connection, lock=lock)
    if row is None or row.ended_at is not None:
        raise click.ClickException(
            f"tenant {tenant} has no connection {connection}: packline connections list {tenant}"
        )
    return row


def _asked(ask: Any) -> Checkup:
    try:
        found: Checkup = ask()
    except connect.CannotConnect as refusal:
        raise click.ClickException(str(refusal)) from refusal
    except OutsideFailure as failure:
        remedy = failure.remedy if isinstance(failure, Permanent) else "Nothing was changed; try again."
        raise click.ClickException(f"{failure.reason}. {remedy}") from failure
    return found


def _told(found: Checkup) -> dict[str, Any]:
    return {
        "name": found.name,
        "account": found.remote_account_id,
        "mode": "live" if found.live else "test",
        "may": list(found.scopes),
        "lacks": [{"kind": one.kind, "sentence": one.sentence, "remedy": one.remedy} for one in found.lacks],
    }


def _key(variable: str | None) -> str:
    if variable is None:
        return str(click.prompt("New key", hide_input=True, err=True)).strip()
    given = os.environ.get(variable, "").strip()
    if not given:
        raise click.ClickException(f"the variable {variable} holds no key")
    return given


def _of_environment() -> dict[str, str]:
    return {name.removeprefix(_PREFIX).lower(): value for name, value in os.environ.items() if name.startswith(_PREFIX)}
