"""A shop's accounts at vendors: connecting one by its key, looking at it again, another key, and letting it go.

A key is asked about while the person waits, with no transaction open, and is never shown again.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import abort, current_app, flash, redirect, render_template, url_for

from config.keyring import CannotOpen, Keyring
from config.settings import Settings
from integrations.ports import Checkup, OutsideFailure, Permanent, Vendor
from jobs import check_connection, connect, looking_at_keys, queue
from jobs.connect import CannotConnect
from jobs.looking_at_keys import Standing
from jobs.work import origins
from web import asked
from web import session as door
from web.pages import shop
from web.queries import connections
from web.show import words

log = structlog.get_logger(__name__)
blueprint = door.guarded("connections", __name__, may="admin")

_SEALED = (
    "Nothing was changed: the present key cannot be opened here. Whoever runs Packline has to put the missing key back "
    "among ENCRYPTION_KEYS; or disconnect, and connect again."
)
# Both vendors' keys are far shorter; what is longer was not copied from there.
LONGEST_KEY = 500


@blueprint.get("/shops/<id:tenant>/connections")
def listed(tenant: int) -> str:
    return _page(tenant)


@blueprint.get("/shops/<id:tenant>/connections/live")
def live(tenant: int) -> str:
    """How each stands, alone, which keeps itself fresh."""
    with shop.opened(tenant) as session:
        return render_template("connections_state.html", accounts=connections.accounts(session, tenant, _keyring()))


@blueprint.post("/shops/<id:tenant>/connections")
def add(tenant: int) -> Any:
    """Connect an account: its key is asked about first, then stored, and our webhook is made there by a job."""
    with shop.opened(tenant):
        chosen = _vendor(asked.told("vendor")) or abort(400)
    key = asked.secret("api_key").strip()
    if not 0 < len(key) <= LONGEST_KEY:
        return _refused(tenant, chosen.name, "Paste the whole key, as the vendor's page shows it.")
    secrets = {chosen.secret_names[0]: key} | connect.signing_secret_of_ours(chosen)
    try:
        found = looking_at_keys.look(chosen.name, secrets, origins(_settings()))
        with shop.opened(tenant) as session:
            row = connect.connect(
                session, tenant, vendor=chosen.name, account="", secrets=secrets, live=None, keyring=_keyring(),
                found=found, anew=True,
            )  # fmt: skip
            check_connection.register(session, tenant, row.id, _settings().public_url)
    except (CannotConnect, OutsideFailure) as refusal:
        return _refused(tenant, chosen.name, _said(refusal, "Nothing was connected; try again in a moment."))
    log.info("connected", tenant=tenant, connection=row.id, vendor=row.vendor, live=row.live, actor=door.actor())
    _tell(found, f"{words.actor(chosen.name)} is connected in {'live' if found.live else 'test'} mode.")
    return redirect(url_for("connections.listed"), 303)


@blueprint.post("/shops/<id:tenant>/connections/<connection>/check")
def check(tenant: int, connection: str) -> Any:
    """Look at the account again: what its key may do, and whether its webhooks stand."""
    try:
        standing = _standing(tenant, connection)
    except CannotOpen:
        flash(_SEALED, "bad")
        return redirect(url_for("connections.listed"), 303)
    if standing is None:
        with shop.opened(tenant) as session:
            queue.add(session, tenant, "check_connection", f"connection/{connection}")
        flash("It is looked at now. What was found stands above in a moment.", "good")
        return redirect(url_for("connections.listed"), 303)
    try:
        found = looking_at_keys.look_again(standing, origins(_settings()))
    except (CannotConnect, OutsideFailure) as refusal:
        flash(_said(refusal, "Try again in a moment; its webhooks are looked at meanwhile."), "bad")
    else:
        with shop.opened(tenant) as session:
            row = connections.living_one(session, tenant, connection, lock=True) or abort(404)
            connect.note(row, found, _keyring())
        _tell(found, "The key is good.")
    with shop.opened(tenant) as session:
        queue.add(session, tenant, "check_connection", f"connection/{connection}")
    log.info("connection looked at", tenant=tenant, connection=connection, actor=door.actor())
    return redirect(url_for("connections.listed"), 303)


@blueprint.post("/shops/<id:tenant>/connections/<connection>/key")
def replace_key(tenant: int, connection: str) -> Any:
    """Another key of the same account and mode; the old one is used until the new one is found good."""
    try:
        standing = _standing(tenant, connection) or abort(404)
    except CannotOpen:
        return _refused(tenant, connection, _SEALED)
    key = asked.secret("api_key").strip()
    if not 0 < len(key) <= LONGEST_KEY:
        return _refused(tenant, connection, "Paste the whole key, as the vendor's page shows it.")
    try:
        found = looking_at_keys.look_at_successor(standing, key, origins(_settings()))
    except (CannotConnect, OutsideFailure) as refusal:
        return _refused(tenant, connection, _said(refusal, "The old key stays in use; try again in a moment."))
    with shop.opened(tenant) as session:
        row = connections.living_one(session, tenant, connection, lock=True) or abort(404)
        connect.replace_key(session, row, key, found, _keyring())
    log.info("key replaced", tenant=tenant, connection=connection, actor=door.actor())
    _tell(found, "The new key is in use. Delete the old one at the vendor.")
    return redirect(url_for("connections.listed"), 303)


@blueprint.post("/shops/<id:tenant>/connections/<connection>/secret")
def renew_secret(tenant: int, connection: str) -> Any:
    """Have the vendor sign its webhooks with another secret."""
    with shop.opened(tenant) as session:
        row = connections.living_one(session, tenant, connection, lock=True) or abort(404)
        try:
            connect.renew_signing_secret(session, row, _keyring())
        except (CannotConnect, CannotOpen) as refusal:
            flash(_SEALED if isinstance(refusal, CannotOpen) else str(refusal), "warn")
            return redirect(url_for("connections.listed"), 303)
    log.info("signing secret to be renewed", tenant=tenant, connection=connection, actor=door.actor())
    flash(
        "The vendor is asked to sign with another secret. What is on its way with the old one is still taken.", "good"
    )
    return redirect(url_for("connections.listed"), 303)


@blueprint.get("/shops/<id:tenant>/connections/<connection>/disconnect")
@door.takes("admin")
def ask(tenant: int, connection: str) -> str:
    """Asks once more, and says what would wait."""
    with shop.opened(tenant) as session:
        connections.living_one(session, tenant, connection) or abort(404)
        account = next(one for one in connections.accounts(session, tenant, _keyring()) if one.id == connection)
        waiting = connections.waiting(session, tenant, connection)
    return render_template("connections_end.html", account=account, waiting=waiting)


@blueprint.post("/shops/<id:tenant>/connections/<connection>/disconnect")
def disconnect(tenant: int, connection: str) -> Any:
    with shop.opened(tenant) as session:
        row = connections.living_one(session, tenant, connection) or abort(404)
        if row.granted_by != "key":
            flash("Nothing was ended: uninstall Packline in the store's admin, which ends it on both sides.", "warn")
            return redirect(url_for("connections.listed"), 303)
        vendor = row.vendor
        connect.disconnect(session, tenant, connection)
    log.info("disconnected", tenant=tenant, connection=connection, vendor=vendor, actor=door.actor())
    flash(
        f"{words.actor(vendor)} is disconnected. Our webhook there is being removed. Connect it again to undo.", "good"
    )
    return redirect(url_for("connections.listed"), 303)


def _page(tenant: int, errors: Mapping[str, str] | None = None) -> str:
    with shop.opened(tenant) as session:
        found = connections.accounts(session, tenant, _keyring())
    taken = {account.vendor for account in found}
    return render_template(
        "connections.html",
        accounts=found,
        offers=[vendor for vendor in looking_at_keys.by_key() if vendor.name not in taken],
        by_key={vendor.name for vendor in looking_at_keys.by_key()},
        guides=GUIDES,
        errors=errors or {},
    )


def _refused(tenant: int, beside: str, error: str) -> tuple[str, int]:
    """The page again, with what is wrong beside the field. The key itself is not kept."""
    return _page(tenant, {beside: error}), 422


def _said(refusal: CannotConnect | OutsideFailure, otherwise: str) -> str:
    """What happened and what to do; `otherwise` is what to do about something that passes by itself."""
    reason = refusal.reason if refusal.reason.endswith(".") else f"{refusal.reason}."
    remedy = refusal.remedy if isinstance(refusal, CannotConnect | Permanent) else otherwise
    return f"{reason} {remedy}".strip()


def _tell(found: Checkup, good: str) -> None:
    if found.lacks:
        flash(f"{good} But it does not let Packline do everything: what is missing stands below.", "warn")
    else:
        flash(good, "good")


def _standing(tenant: int, connection: str) -> Standing | None:
    """The connection as its key is compared; None where no person typed it in. 404 where there is no such one.

    Raises CannotOpen.
    """
    with shop.opened(tenant) as session:
        row = connections.living_one(session, tenant, connection) or abort(404)
        if row.granted_by != "key" or _vendor(row.vendor) is None:
            return None
        return looking_at_keys.standing(row, _keyring())


def _vendor(name: str) -> Vendor | None:
    return next((vendor for vendor in looking_at_keys.by_key() if vendor.name == name), None)


def _keyring() -> Keyring:
    keyring: Keyring = current_app.extensions["keyring"]
    return keyring


def _settings() -> Settings:
    settings: Settings = current_app.extensions["settings"]
    return settings


# What a person has to know before they make a key; the vendor's own page is linked beside it.
GUIDES: Mapping[str, tuple[str, str]] = {
    "stripe": (
        "Restricted key",
        (
            "Make a restricted key (it begins with rk_): the link opens Stripe's form with the permissions that "
            "Packline needs. A secret key (sk_) works too, and may do far more than Packline asks for."
        ),
    ),
    "easypost": (
        "API key",
        "A production key (EZAK) buys real postage, a test key (EZTK) does not.",
    ),
}
