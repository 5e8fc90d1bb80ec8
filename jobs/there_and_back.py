"""Posts to our own address as a vendor would, and sees whether the delivery comes in and is read: a self-test's step.

Each delivery is posted once and then waited for, a minute at most: a step that cannot succeed has an end.
"""

from __future__ import annotations

import json
from datetime import datetime, timedelta
from typing import Any

import httpx
from sqlalchemy import select

from config.keyring import CannotOpen
from integrations import registry
from integrations.ports import Delivery
from jobs import connect, kept_self_test
from jobs.work import Work
from orders import self_testing
from orders.self_testing import Found, failed, ok, skipped
from records import tenants
from records.inbox import InboxEvent
from records.tenants import Connection

# A delivery is kept before its receipt, and read within a second where workers run; a minute tells that none do.
_KEPT_WITHIN = _READ_WITHIN = timedelta(minutes=1)
# Our own door answers in milliseconds; proxies in front of it may take a while to wake.
_DOOR_TIMEOUT_S = 10.0
# A receipt is one short line; whatever else answers there need not be read to its end.
_MOST_BYTES = 1_000
# What web.hooks says of a delivery that it has, now or since an earlier run.
_RECEIPTS = ({"result": "kept"}, {"result": "duplicate"})
_LEAD_HERE = "See that PUBLIC_URL leads here, and that no proxy changes what it passes on."


def step(work: Work, kept: dict[str, Any]) -> Found | None:
    """None while a delivery is not read yet."""
    if not work.services.public_url:
        return skipped("Nobody knows the address at which vendors reach us.", "Set PUBLIC_URL, then test again.")
    with work.reading() as session:
        connections = tenants.living(session, work.tenant)
    answers = [_of(work, row, kept) for row in connections]
    found = [one for one in answers if one is not None]
    return self_testing.all_of(found, nothing="Nothing is connected yet.") if len(found) == len(answers) else None


def _of(work: Work, row: Connection, kept: dict[str, Any]) -> Found | None:
    sample = registry.vendor(row.vendor).sample
    secret = _signing_secret(work, row)
    if sample is None or not secret:
        return skipped(f"{row.vendor.title()}'s deliveries cannot be imitated.")
    delivery = sample(row.account, secret, f"packline-self-test-{kept['number']}-{row.id}", work.now())
    came_in = _came_in(work, row, registry.vendor(row.vendor).door.envelope(delivery).delivery_id)
    if came_in is not None:
        return _read(work, row, came_in)
    address = connect.hook_address(row, work.services.public_url)
    posted = kept.get("posted", {}).get(row.id)
    if posted is None:
        found = _post(address, delivery)
        _note(work, row, kept, found)
        return found
    if posted["found"]:
        return Found(**posted["found"])
    if work.now() - datetime.fromisoformat(posted["at"]) < _KEPT_WITHIN:
        return None
    said = f"What was posted to our own address {address} was received there, and it is not here after a minute."
    return failed(said, "See that PUBLIC_URL leads here: another Packline may stand at that address.")


def _read(work: Work, row: Connection, came_in: InboxEvent) -> Found | None:
    if came_in.state in {"taken", "ignored"}:
        return ok(f"A delivery signed as {row.vendor.title()} signs came in, was kept and read.")
    if work.now() - came_in.received_at < _READ_WITHIN:
        return None
    return failed("A test delivery was kept and not read within a minute.", "See that workers run: packline doctor.")


def _post(address: str, delivery: Delivery) -> Found | None:
    """What is wrong with the address; None where a door of Packline's gave its receipt."""
    headers = {"content-type": "application/json"} | dict(delivery.headers)
    try:
        with httpx.stream("POST", address, content=delivery.body, headers=headers, timeout=_DOOR_TIMEOUT_S) as answer:
            said = next(answer.iter_bytes(_MOST_BYTES), b"")
    except httpx.HTTPError as failure:
        name = type(failure).__name__
        return failed(f"Our own address {address} does not answer ({name}).", "See that PUBLIC_URL leads here.")
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return failed("Our door refuses a delivery with the secret that we have.", "Enter the signing secret anew.")
    if not answer.is_success:
        return failed(f"Our own address {address} answers {answer.status_code}.", _LEAD_HERE)
    if not _is_receipt(said):
        return failed(f"Our own address {address} answers, and it is not Packline that does.", _LEAD_HERE)
    return None


def _note(work: Work, row: Connection, kept: dict[str, Any], found: Found | None) -> None:
    """Write down that it was posted, and what came of it: it is not posted again."""
    with work.writing() as session:
        posted = kept_self_test.read(session, work.tenant).get("posted", {})
        noted = {"at": work.now().isoformat(), "found": found.as_kept() if found else None}
        kept_self_test.write(session, work.tenant, kept["number"], {"posted": posted | {row.id: noted}})


def _is_receipt(said: bytes) -> bool:
    try:
        return json.loads(said) in _RECEIPTS
    except ValueError:
        return False


def _came_in(work: Work, row: Connection, delivery: str) -> InboxEvent | None:
    with work.reading() as session:
        return session.scalars(
            select(InboxEvent).where(
                InboxEvent.tenant_id == work.tenant,
                InboxEvent.connection_id == row.id,
                InboxEvent.delivery_id == delivery,
            )
        ).first()


def _signing_secret(work: Work, row: Connection) -> str:
    """The one that signs now: the connection's own, or our app's where the vendor signs with that."""
    try:
        secrets = work.services.keyring.open(row.sealed_secrets)
    except CannotOpen:
        return ""
    names = registry.vendor(row.vendor).signing_secret_names
    own = secrets.get(names[0], "") if names else ""
    app = work.services.app_keys.get(row.vendor)
    return own or (app.client_secret if app else "")
