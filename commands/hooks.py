"""`packline hooks`: what vendors told us, what became of it, reading it again, and whether they still tell us."""

from __future__ import annotations

import json
import sys
import time
from datetime import UTC, datetime
from typing import Any

import click
import structlog
from sqlalchemy.orm import Session

from commands import opening, output, trail, working
from config import boot
from config.keyring import Keyring
from jobs import check_connection, connect, desk, queue, sealed_words
from records import tenants
from records.inbox import InboxEvent
from web.queries import inbox
from web.queries.inbox import Wish
from web.queries.keyset import Cut
from web.show import redaction, words

log = structlog.get_logger(__name__)

VENDORS = tuple(name for name in words.VENDORS if name != "packline")
_LIST = ("id", "vendor", "topic", "about", "state", "duplicates", "received_at", "reason")


@click.group("hooks")
def group() -> None:
    """What vendors told us, reading it again, and whether they still tell us everything."""


@group.command("list")
@click.argument("tenant", type=opening.ROW_ID)
@click.option("--vendor", type=click.Choice(VENDORS))
@click.option("--state", type=click.Choice(inbox.STATES))
@output.limit_option
@output.json_option
def list_hooks(tenant: int, vendor: str | None, state: str | None, limit: int, as_json: bool) -> None:
    """List the shop's kept deliveries, newest first, without their bodies."""
    wish = Wish(vendor=vendor or "", state=state or "")
    with opening.shop(tenant) as session:
        page = inbox.page(session, tenant, wish, Cut(size=limit))
    output.listing([_listed(event) for event in page.rows], _LIST, as_json=as_json, more=page.older is not None)


@group.command("show")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("hook", metavar="ID", type=opening.ROW_ID)
@click.option("--whole", is_flag=True, help="With what identifies the buyer; that somebody looked is logged.")
@output.json_option
def show_hook(tenant: int, hook: int, whole: bool, as_json: bool) -> None:
    """Show one delivery with its headers and body."""
    with opening.shop(tenant) as session:
        event = _existing(session, tenant, hook)
        body, is_json = redaction.pretty(event.body, redacted=not whole)
    if whole:
        log.info("personal data looked at", tenant=tenant, inbox_event=hook, actor=opening.BY)
    headers = {name: redaction.header(name, str(value)) for name, value in sorted(event.headers.items())}
    shown = _listed(event) | {"delivery": event.delivery_id, "connection": event.connection_id}
    if as_json:
        output.document(shown | {"headers": headers, "body": json.loads(body) if is_json else body})
        return
    output.facts(shown)
    click.echo("\nheaders:")
    output.facts({f"  {name}": value for name, value in headers.items()})
    click.echo(f"\n{output.plain(body)}")


@group.command("replay")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("hook", metavar="ID", type=opening.ROW_ID)
@output.json_option
def replay(tenant: int, hook: int, as_json: bool) -> None:
    """Read a delivery again, as if it had just arrived; what was done for it is not done twice."""
    with opening.shop(tenant) as session:
        _existing(session, tenant, hook)
        replayed = desk.replay(session, tenant, hook)
        if replayed:
            trail.changed(session, tenant, subject=f"inbox/{hook}")
    if not replayed:
        raise click.ClickException(f"delivery {hook} is being read already, so nothing was changed")
    log.info("event replayed", tenant=tenant, inbox_event=hook, actor=opening.BY)
    output.message(f"Delivery {hook} is read again.")
    if as_json:
        output.document({"replayed": hook})


@group.command("check")
@click.argument("tenant", type=opening.ROW_ID)
@output.json_option
def check(tenant: int, as_json: bool) -> None:
    """Look whether every vendor still tells us everything; what can be mended is mended.

    Ends with 1 where something needs a person.
    """
    _checked(tenant, "", as_json=as_json)


@group.command("register")
@click.argument("tenant", type=opening.ROW_ID)
@click.option("--vendor", type=click.Choice(VENDORS), required=True)
@output.json_option
def register(tenant: int, vendor: str, as_json: bool) -> None:
    """Have a vendor's webhooks sent to this installation (PUBLIC_URL), where they are not yet."""
    _checked(tenant, vendor, as_json=as_json)


@group.command("rotate")
@click.argument("tenant", type=opening.ROW_ID)
@click.option("--vendor", type=click.Choice(VENDORS), required=True)
def rotate(tenant: int, vendor: str) -> None:
    """Have a vendor sign with another secret; the old one is taken for a day more. Nothing is lost meanwhile.

    Ends with 1 where the vendor refuses.
    """
    read = opening.settings()
    keyring = boot.keyring(read)
    with opening.shop(tenant, read) as session:
        ids = [one.id for one in tenants.living(session, tenant) if one.vendor == vendor]
        for id in ids:
            _renew_signing_secret(session, tenant, id, keyring)
    if not ids:
        raise click.ClickException(f"tenant {tenant} has no {vendor} connected: packline connect")
    wait_s = sealed_words.DOORS_KNOW_AFTER.total_seconds()
    output.message(f"In {wait_s:.0f} s every process that takes webhooks knows the new secret; then {vendor} is told.")
    time.sleep(wait_s)
    with opening.engine(read) as engine:
        for id in ids:
            working.work_off(working.services(read, engine), tenant, f"connection/{id}")
    with opening.shop(tenant, read) as session:
        rows = [one for one in tenants.living(session, tenant) if one.id in ids]
        waits = any(connect.renewal_waits(row, keyring) for row in rows)
        remarks = [one for row in rows for one in row.remarks if not one["mended"]]
    for remark in remarks:
        output.message(f"{remark['sentence']} {remark['remedy']}")
    output.message("Not yet; it is tried again by itself." if waits else f"{vendor} signs with the new secret.")
    sys.exit(1 if waits else 0)


def _renew_signing_secret(session: Session, tenant: int, connection: str, keyring: Keyring) -> None:
    try:
        row = session.get_one(tenants.Connection, (tenant, connection), with_for_update=True)
        connect.renew_signing_secret(session, row, keyring)
    except connect.CannotConnect as refusal:
        raise click.ClickException(str(refusal)) from refusal
    trail.changed(session, tenant, subject=f"connection/{connection}")


def _checked(tenant: int, register_at: str, *, as_json: bool) -> None:
    """Check the shop's connections in this process, and show what is wrong; registers at one vendor before."""
    read = opening.settings()
    asked_at = datetime.now(UTC)
    with opening.shop(tenant, read) as session:
        ids = [one.id for one in tenants.living(session, tenant) if register_at in {"", one.vendor}]
        for id in ids:
            if register_at:
                check_connection.register(session, tenant, id, read.public_url)
            else:
                queue.add(session, tenant, "check_connection", f"connection/{id}")
            trail.changed(session, tenant, subject=f"connection/{id}")
    if not ids:
        raise click.ClickException(f"tenant {tenant} has no {register_at or 'account'} connected: packline connect")
    with opening.engine(read) as engine:
        for id in ids:
            working.work_off(working.services(read, engine), tenant, f"connection/{id}")
    with opening.shop(tenant, read) as session:
        found = [_ailing(one, asked_at) for one in tenants.living(session, tenant) if one.id in ids]
    if as_json:
        output.document(found)
    else:
        _show_ailing(found)
    well = all(remark["mended"] for one in found for remark in one["remarks"])
    sys.exit(0 if well and all(one["answered"] for one in found) else 1)


def _ailing(connection: tenants.Connection, asked_at: datetime) -> dict[str, Any]:
    return {
        "connection": connection.id,
        "vendor": connection.vendor,
        "answered": connection.checked_at is not None and connection.checked_at >= asked_at,
        "checked_at": connection.checked_at,
        "remarks": connection.remarks,
    }


def _show_ailing(found: list[dict[str, Any]]) -> None:
    for one in found:
        if not one["answered"]:
            click.echo(f"{one['vendor']}: could not be asked; its check is tried again (packline jobs list)")
        elif not one["remarks"]:
            click.echo(f"{one['vendor']}: well")
        for remark in one["remarks"]:
            click.echo(f"{one['vendor']}: {output.plain(remark['sentence'])}")
            if remark["remedy"]:
                click.echo(f"  {output.plain(remark['remedy'])}")


def _existing(session: Session, tenant: int, hook: int) -> InboxEvent:
    event = inbox.one(session, tenant, hook)
    if event is None:
        raise click.ClickException(f"tenant {tenant} has no delivery {hook}: packline hooks list {tenant}")
    return event


def _listed(event: InboxEvent) -> dict[str, Any]:
    return {
        "id": event.id,
        "vendor": event.vendor,
        "topic": event.topic,
        "about": event.subject,
        "state": event.state,
        "duplicates": event.duplicates,
        "received_at": event.received_at,
        "reason": event.reason,
    }
