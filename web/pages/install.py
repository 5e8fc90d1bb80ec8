"""A merchant installs Packline: from the store's admin by an ID token, or by a link and an authorization code.

The two ways end alike: a shop of ours with an expiring token that is sealed and committed before its first use.
"""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

import structlog
from flask import Blueprint, abort, current_app, g, make_response, redirect, render_template, request, url_for
from flask import session as cookie
from sqlalchemy import delete, func, insert
from werkzeug.wrappers import Response

from integrations import registry
from integrations.ports import AppKeys, Checkup, Credentials, OutsideFailure, Permanent, Temporary
from integrations.storefronts.shopify import app_home, code_grant, granting, scopes
from jobs import access, installing, no_access, renewing
from jobs.work import Services, app_keys, buyer_links, origins, post
from records import database
from records.installs import InstallBegun
from records.tenants import Connection
from web import asked, embedded, session
from web.embedded import VENDOR

log = structlog.get_logger(__name__)
blueprint = Blueprint("install", __name__)

# The merchant reads what is asked for and says yes; who takes longer begins again.
_LINK_LIVES = timedelta(minutes=10)


@blueprint.get("/app")
def app_home_page() -> Any:
    """The app's home in the store's admin: installs it where that is still to be done, and goes on to the shop's."""
    visitor = embedded.proved()
    if isinstance(visitor, Response):
        return visitor
    try:
        tenant = _installed(visitor)
    except Temporary as failure:
        return _later(failure)
    except Permanent as refusal:
        return _stale(visitor) if refusal.code == granting.STALE else _refused(refusal)
    path = url_for("home.shown", tenant=tenant)
    return redirect(app_home.onward(embedded.asked(), embedded.keys(), urlsplit(path).path, visitor.shop), 302)


@blueprint.get(app_home.PATCH_PATH)
def patch_id_token() -> Any:
    """Lets App Bridge fetch a fresh ID token and load again what was asked for; only pages of our own."""
    shop, again = request.args.get("shop", ""), request.args.get("shopify-reload", "")
    if not embedded.keys().client_id:
        abort(404)
    if not app_home.is_shop(shop) or asked.local_path(again, "") != again or len(_told("shopify-reload")) != 1:
        return make_response(render_template("install.html", said=embedded.NOT_PROVED), 400)
    g.surface, g.embedded_shop = "embedded", shop
    return make_response(app_home.patch_page(embedded.asked(), embedded.keys()))


@blueprint.get("/auth/install")
def begin() -> Any:
    """Sends a merchant to the store to say yes; for stores whose app stands outside the admin."""
    keys = _keys_or_nothing()
    shop = code_grant.shop_of(request.args.get("shop", ""))
    if shop is None or (request.args.get("hmac") is not None and not _is_signed(keys)):
        return _not_genuine("The link does not name a store, or somebody changed it on its way.")
    state = secrets.token_urlsafe(32)
    with database.across_tenants(_engine(), why="an installation is begun, of no tenant yet") as opened:
        opened.execute(delete(InstallBegun).where(InstallBegun.expires_at < func.now()))
        until = datetime.now(UTC) + _LINK_LIVES
        opened.execute(insert(InstallBegun).values(state=state, vendor=VENDOR, account=shop, expires_at=until))
    cookie["installing"] = state
    return redirect(code_grant.permission_url(shop, state, _callback(), keys, _services().origins), 302)


@blueprint.get("/auth/callback")
def come_back() -> Any:
    """Takes the merchant's yes: once, of the browser that began it, signed by Shopify of late, for that very store."""
    keys = _keys_or_nothing()
    shop = code_grant.shop_of(request.args.get("shop", ""))
    state, ours = request.args.get("state", ""), str(cookie.pop("installing", ""))
    begun = bool(state) and secrets.compare_digest(state.encode(), ours.encode()) and _is_signed(keys)
    if shop is None or not begun or not _taken(state, shop):
        return _not_genuine("The store's answer does not belong to an installation that this browser began of late.")
    try:
        made = _by_code(shop, request.args.get("code", ""))
    except Temporary as failure:
        return _later(failure)
    except Permanent as refusal:
        return _refused(refusal)
    return _welcome(made)


# ------------------------------------------------------------------------------------------- inside the admin


def _installed(visitor: app_home.Visitor) -> int:
    """The visitor's shop, with access that is granted and looked at. Raises Temporary, Permanent."""
    services = _services()
    made = installing.find_or_make(services.engine, services.keyring, VENDOR, visitor.shop, by="exchange")
    if not _wants_exchange(made.row) and _is_taken(services, made.row):
        return made.tenant
    keys, at, refused = embedded.keys(), services.origins, made.row.sealed_secrets
    access.obtain(
        services,
        made.row,
        lambda _held, notice: granting.exchange(visitor.id_token, visitor.shop, keys, at, notice),
        by="exchange",
        # Who opens it in the same moment finds the new pair there.
        wanted=lambda row: _wants_exchange(row) or row.sealed_secrets == refused,
    )
    _begin(services, made.row)
    return made.tenant


def _wants_exchange(row: Connection) -> bool:
    """Where there is no access, where it lasts for ever, and where it allows less than is needed. Pure."""
    return (
        not access.is_granted(row)
        or no_access.waits_for_somebody(row)
        or access.is_lasting(row)
        or bool(scopes.missing([str(scope) for scope in row.scopes]))
    )


def _is_taken(services: Services, row: Connection) -> bool:
    """Whether the token opens the store. After an uninstall whose word was lost, or is late, it looks good and is not.

    A token at its end is not asked about: the exchange is one call as well.
    """
    held = renewing.opened(services.keyring, row)
    if not renewing.is_good(row, held):
        return False
    try:
        asked = Credentials(account=row.account, live=row.live, secrets=held)
        return granting.is_taken(asked, services.origins, renewing.tell_the_log)
    except OutsideFailure as failure:  # no reason to keep anybody from the shop's own pages
        log.warning("store not asked", connection=row.id, code=failure.code, reason=failure.reason)
        return True


def _begin(services: Services, row: Connection) -> Checkup | None:
    """Look at the store, and ask for its goods. What cannot be looked at now is looked at by the job."""
    found = _looked_at(services, row)
    with database.transaction(services.engine, row.tenant_id) as opened:
        if found is not None:
            kept = opened.get_one(Connection, (row.tenant_id, row.id), with_for_update=True)
            installing.note(opened, kept, found)
        installing.begin(opened, row.tenant_id, row.id)
    return found


def _looked_at(services: Services, row: Connection) -> Checkup | None:
    check = registry.vendor(row.vendor).check
    if check is None:
        return None
    try:
        held = access.credentials(services, row, renewing.tell_the_log)
        return check(held, services.origins, renewing.tell_the_log)
    except OutsideFailure as failure:
        log.warning("store not looked at", connection=row.id, code=failure.code, reason=failure.reason)
        return None


# ------------------------------------------------------------------------------------------- by a code


def _is_signed(keys: AppKeys) -> bool:
    """Whether Shopify signed this very query, in which nothing stands twice."""
    once = all(len(_told(name)) == 1 for name in request.args)
    return once and code_grant.genuine(request.args.to_dict(), keys, datetime.now(UTC))


def _taken(state: str, shop: str) -> bool:
    """Use the state up; whether it was good, and for this store."""
    with database.across_tenants(_engine(), why="an installation comes back, of no tenant yet") as opened:
        account = opened.scalar(
            delete(InstallBegun)
            .where(InstallBegun.state == state, InstallBegun.vendor == VENDOR, InstallBegun.expires_at > func.now())
            .returning(InstallBegun.account)
        )
    return account == shop


def _by_code(shop: str, code: str) -> Connection:
    services, keys = _services(), embedded.keys()
    made = installing.find_or_make(services.engine, services.keyring, VENDOR, shop, by="code")
    access.obtain(
        services,
        made.row,
        lambda _held, notice: granting.take_code(code, shop, keys, services.origins, notice),
        by="code",
        wanted=lambda _row: True,
    )
    _begin(services, made.row)
    return renewing.living(services, made.tenant, made.row.id)


def _welcome(row: Connection) -> Any:
    """What the store granted, what it did not, and where to go on: one's own pages ask for sign-in."""
    home = url_for("home.shown", tenant=row.tenant_id)
    lacking = [(scope, scopes.REQUIRED[scope]) for scope in scopes.missing([str(one) for one in row.scopes])]
    if not lacking and session.sees(row.tenant_id):
        return redirect(home, 303)
    return render_template("installed.html", shop=row.account, tenant=row.tenant_id, lacking=lacking, home=home)


# ------------------------------------------------------------------------------------------- what else is answered


def _later(failure: Temporary) -> Any:
    said = {
        "title": "Shopify does not answer right now",
        "happened": failure.reason,
        "means": "Packline is not connected yet. Nothing is lost: what was begun is gone on with.",
        "do": "Wait a moment, then load this page anew.",
    }
    wait_s = round(failure.retry_in_s or 5)
    return make_response(render_template("install.html", said=said), 503, {"Retry-After": str(max(1, wait_s))})


def _refused(refusal: Permanent) -> Any:
    said = {
        "title": "Shopify did not let Packline in",
        "happened": refusal.reason,
        "means": "Packline cannot read or change anything in this store, and does nothing for it.",
        "do": refusal.remedy,
    }
    return make_response(render_template("install.html", said=said), 502)


def _stale(visitor: app_home.Visitor) -> Any:
    """The ID token's minute was over before Shopify saw it: the page gets another and asks again, once."""
    if "again" not in request.args:
        return redirect(app_home.patch_address(embedded.asked(), visitor.shop, again="1"), 302)
    log.warning("fresh ID token refused", shop=visitor.shop)
    said = {
        "title": "Shopify does not take its own session",
        "happened": "Shopify refused the session that it had just signed for you, twice.",
        "means": "Packline has no access to this store now. Nothing is lost: what waits goes on once there is access.",
        "do": "Close this page, then choose Apps and Packline in the Shopify admin. If it happens again, sign out of "
        "the admin and in again, and tell whoever runs Packline.",
    }
    return make_response(render_template("install.html", said=said), 502)


def _not_genuine(happened: str) -> Any:
    log.warning("installation refused", endpoint=request.endpoint)
    said = {
        "title": "This installation cannot be gone on with",
        "happened": happened,
        "means": "Nothing was changed, and no store was connected.",
        "do": "Begin again from the link that you were given, in one browser, within ten minutes.",
    }
    return make_response(render_template("install.html", said=said), 400)


def _told(name: str) -> list[str]:
    return request.args.getlist(name)


def _callback() -> str:
    return f"{current_app.extensions['settings'].public_url.rstrip('/')}/auth/callback"


def _keys_or_nothing() -> AppKeys:
    """404 where this installation is no app at Shopify."""
    keys = embedded.keys()
    return keys if keys.client_id else abort(404)


def _engine() -> Any:
    return current_app.extensions["engine"]


def _services() -> Services:
    settings = current_app.extensions["settings"]
    return Services(
        engine=_engine(),
        keyring=current_app.extensions["keyring"],
        origins=origins(settings),
        worker="web",
        lease_s=settings.job_lease_seconds,
        public_url=settings.public_url,
        app_keys=app_keys(settings),
        post=post(settings),
        links=buyer_links(settings),
    )
