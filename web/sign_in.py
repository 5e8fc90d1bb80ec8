"""Lets people in: the password, the second factor where there is one, and out again."""

from __future__ import annotations

import time
from typing import Any

import structlog
from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from werkzeug.wrappers import Response

from records import database, users
from web import asked, audit_trail, second_factor, session, throttle

log = structlog.get_logger(__name__)
blueprint = Blueprint("session", __name__)

# Long enough to fetch a phone from another room.
_CODE_WITHIN_S = 5 * 60


def attach(app: Flask, *, url_prefix: str) -> None:
    app.register_blueprint(blueprint, url_prefix=url_prefix)


@blueprint.before_request
def _is_the_plain_surface() -> None:
    g.surface = "plain"


@blueprint.get("/sign-in")
def sign_in() -> Any:
    onward = _onward(request.args.get("next", ""))
    if session.name() is not None:
        return redirect(onward, 303)
    with database.across_tenants(session.engine(), why="users belong to no tenant") as opened:
        somebody = users.is_anybody_there(opened)
    return render_template("sign_in.html", onward=onward) if somebody else _nobody_yet()


@blueprint.post("/sign-in")
def take_password() -> Any:
    onward = _onward(request.form.get("next", ""))
    given_name = asked.told("name", longest=users.LONGEST_NAME)
    wait_s = throttle.knock(given_name)
    if wait_s:
        log.warning("sign-in throttled", address=request.remote_addr)
        page = render_template("sign_in.html", onward=onward, wait_s=wait_s, given_name=given_name)
        abort(make_response(page, 429, {"Retry-After": str(wait_s)}))
    with database.across_tenants(session.engine(), why="users belong to no tenant") as opened:
        id = users.check(opened, given_name, request.form.get("password", ""))
        user = users.named(opened, given_name)
        somebody = user is not None or users.is_anybody_there(opened)
    if id is not None and user is not None:
        return _ask_for_code(user, onward) if user.sealed_totp is not None else _welcome(user, onward)
    if not somebody:
        return _nobody_yet()
    # A password is typed into the wrong field now and then: only a name that is one is written down.
    audit_trail.name_them(user.name if user else "")
    log.warning("sign-in refused", address=request.remote_addr, name=user.name if user else "")
    return render_template("sign_in.html", onward=onward, wrong=True, given_name=given_name), 403


@blueprint.get("/sign-in/code")
def ask_code() -> Any:
    """Asks who told the right password for the code on their phone."""
    user = _waiting()
    if user is None:
        return redirect(url_for("session.sign_in"), 303)
    return render_template("code.html", onward=_onward(request.args.get("next", "")))


@blueprint.post("/sign-in/code")
def take_code() -> Any:
    onward, user = _onward(request.form.get("next", "")), _waiting()
    if user is None:
        flash("That took too long, so you are not signed in. Begin with your password again.", "warn")
        return redirect(url_for("session.sign_in"), 303)
    audit_trail.name_them(user.name)
    wait_s = throttle.try_a_code(user.id)
    if wait_s:
        log.warning("second factor throttled", address=request.remote_addr, name=user.name)
        page = render_template("code.html", onward=onward, wait_s=wait_s)
        abort(make_response(page, 429, {"Retry-After": str(wait_s)}))
    with database.across_tenants(session.engine(), why="users belong to no tenant") as opened:
        proved = second_factor.proves(opened, current_app.extensions["keyring"], user, asked.told("code", longest=40))
    if proved:
        return _welcome(user, onward)
    log.warning("second factor refused", address=request.remote_addr, name=user.name)
    return render_template("code.html", onward=onward, wrong=True), 403


@blueprint.post("/sign-out")
def sign_out() -> Response:
    """Ends every session of theirs: nothing else takes the worth from a cookie that was copied."""
    name = session.name() or ""
    audit_trail.name_them(name)
    if name:
        with database.across_tenants(session.engine(), why="users belong to no tenant") as opened:
            users.end_sessions(opened, name)
    session.forget()
    flash("You are signed out, here and wherever else you were signed in." if name else "You are signed out.", "good")
    return redirect(url_for("session.sign_in"), 303)


def _ask_for_code(user: users.User, onward: str) -> Response:
    cookie.clear()
    cookie["waiting"] = {"user": user.id, "epoch": user.session_epoch, "since": int(time.time())}
    audit_trail.name_them(user.name)
    return redirect(url_for("session.ask_code", next=onward), 303)


def _waiting() -> users.User | None:
    """Who told the right password in this browser a moment ago, and has a second factor still."""
    told = cookie.get("waiting") or {}
    if time.time() - told.get("since", 0) >= _CODE_WITHIN_S:
        return None
    with database.across_tenants(session.engine(), why="users belong to no tenant") as opened:
        user = users.here(opened, told["user"])
    fits = user is not None and user.session_epoch == told["epoch"] and user.sealed_totp is not None
    return user if fits else None


def _welcome(user: users.User, onward: str) -> Response:
    throttle.welcome(user.name)  # not before: who knows the password alone has proved half of it
    session.remember(user)
    audit_trail.name_them(user.name)
    log.info("signed in", actor=f"person:{user.name}")
    return throttle.know_this_browser(user.name, redirect(onward, 303))


def _onward(given: str) -> str:
    return asked.local_path(given, url_for("home.shops"))


def _nobody_yet() -> tuple[str, int]:
    return render_template("locked.html"), 403
