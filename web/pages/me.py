"""One's own sign-in: another password, and a second factor on one's own phone."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, current_app, flash, g, redirect, render_template, url_for
from markupsafe import Markup
from sqlalchemy.orm import Session

from config.keyring import Keyring
from records import database, users
from web import asked, second_factor, throttle
from web import session as door
from web.pages import shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("me", __name__, may="read_only", users_only=True)


@blueprint.get("/me")
def shown() -> str:
    with _house() as session:
        return _page(_myself(session))


@blueprint.post("/me/password")
def change_password() -> Any:
    """Another password; every other browser is signed out by it."""
    with _house() as session:
        myself = _myself(session)
        if _wrong_password(session, myself):
            return _page(myself, error={"password": _WRONG}), 422
        try:
            users.change_password(session, myself.name, asked.secret("new"))
        except users.WeakPassword as refusal:
            return _page(myself, error={"new": f"{refusal}."}), 422
        session.refresh(myself)
        door.remember(myself)
    log.info("password changed", actor=door.actor())
    flash("Your password is changed. You are signed out everywhere else.", "good")
    return redirect(url_for("me.shown"), 303)


@blueprint.get("/me/second-factor")
def offer() -> Any:
    """A secret for a phone to learn, anew each time; nothing is kept of it before it is proved."""
    with _house() as session:
        myself = _myself(session)
        return redirect(url_for("me.shown"), 303) if myself.sealed_totp else _offer(myself)


@blueprint.post("/me/second-factor")
def begin() -> Any:
    """Ask for it from now on; shows the recovery codes, this once."""
    with _house() as session:
        myself = _myself(session)
        if myself.sealed_totp:
            return redirect(url_for("me.shown"), 303)
        secret = second_factor.offered(_keyring(), asked.told("offer", longest=1_000), myself.id) or abort(400)
        if _wrong_password(session, myself):
            return _offer(myself, secret=secret, error={"password": _WRONG}), 422
        codes = second_factor.begin(session, _keyring(), myself.id, secret, asked.told("code", longest=40))
        if codes is None:
            return _offer(myself, secret=secret, error={"code": _NOT_OF_NOW}), 422
        session.refresh(myself)
        door.remember(myself)
    log.info("second factor set up", actor=door.actor())
    return render_template("recovery_codes.html", codes=codes)


@blueprint.post("/me/second-factor/remove")
def remove() -> Any:
    with _house() as session:
        myself = _myself(session)
        if not _proved(session, myself):
            return _page(myself, error={"code": _NOT_OF_NOW}), 422
        users.reset_second_factor(session, myself.name)
        session.refresh(myself)
        door.remember(myself)
    log.warning("second factor removed", actor=door.actor())
    flash("Your password alone signs you in from now on.", "good")
    return redirect(url_for("me.shown"), 303)


_WRONG = "That is not your password, or it was tried too often: wait a minute."
_NOT_OF_NOW = "That is not the code of now. Wait for the next one; the phone's clock has to be right."


def _house() -> Any:
    return database.across_tenants(shop.engine(), why="users belong to no tenant")


def _myself(session: Session) -> users.User:
    somebody: door.Somebody = g.who
    return users.here(session, somebody.id) or abort(404)


def _page(myself: users.User, *, error: dict[str, str] | None = None) -> str:
    return render_template("me.html", myself=myself, error=error or {})


def _offer(myself: users.User, *, secret: str = "", error: dict[str, str] | None = None) -> str:
    offered = second_factor.offer(_keyring(), myself.id, myself.name, secret=secret)
    picture = Markup(offered.picture)  # noqa: S704 # nosec B704 # drawn by segno of a secret and a name, as numbers
    return render_template("second_factor.html", offer=offered, picture=picture, error=error or {})


def _wrong_password(session: Session, myself: users.User) -> bool:
    """Whether the form's password is not theirs; guessed here, it is as slow as at the door."""
    return bool(throttle.knock(myself.name)) or users.check(session, myself.name, asked.secret("password")) is None


def _proved(session: Session, myself: users.User) -> bool:
    if throttle.try_a_code(myself.id):
        return False
    return second_factor.proves(session, _keyring(), myself, asked.told("code", longest=40))


def _keyring() -> Keyring:
    keyring: Keyring = current_app.extensions["keyring"]
    return keyring
