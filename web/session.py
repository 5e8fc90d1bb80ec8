"""Lets people in: named users with a password each, looked up anew at every request."""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
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
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from records import database, users
from web import asked

log = structlog.get_logger(__name__)
blueprint = Blueprint("session", __name__)

# A week: long enough for a page that stood open over the weekend, short enough for a laptop that was lost.
_LASTS_S = 7 * 24 * 60 * 60


def attach(app: Flask, *, url_prefix: str) -> None:
    app.extensions["doormats"] = {
        "address": Doormat(),
        # Wider and quicker than an address's: one guesser alone never keeps the person herself outside.
        "name": Doormat(tries=30, refill_s=2.0),
    }
    app.register_blueprint(blueprint, url_prefix=url_prefix)
    app.jinja_env.globals["signed_in_as"] = name


def guarded(page: str, import_name: str) -> Blueprint:
    """A blueprint whose every route asks for sign-in first."""
    made = Blueprint(page, import_name)
    made.before_request(guard)
    return made


def guard() -> Response | None:
    """Let through who is signed in, and send everybody else to the door."""
    if name() is not None:
        return None
    if request.headers.get("HX-Request"):  # a page that stood open: the whole of it has to go to the door
        return make_response("", 401, {"HX-Redirect": url_for("session.sign_in")})
    if request.method != "GET":
        flash("You were signed out, so nothing was changed. Sign in and do it again.", "warn")
        return redirect(url_for("session.sign_in"), 303)
    return redirect(url_for("session.sign_in", next=request.full_path.rstrip("?")), 303)


def name() -> str | None:
    """Who is signed in here; None for nobody, also after a week, and at once where the user was ended."""
    if "signed_in_as" not in g:
        g.signed_in_as = None  # a page that says that the database is away must not ask it once more
        g.signed_in_as = _remembered()
    found: str | None = g.signed_in_as
    return found


def actor() -> str:
    """The signed-in person as timelines and logs name them."""
    return f"person:{name()}"


@blueprint.get("/sign-in")
def sign_in() -> Any:
    onward = asked.local_path(request.args.get("next", ""), url_for("home.shops"))
    if name() is not None:
        return redirect(onward, 303)
    with database.across_tenants(_engine(), why="users belong to no tenant") as session:
        somebody = users.is_anybody_there(session)
    return render_template("sign_in.html", onward=onward) if somebody else _nobody_yet()


@blueprint.post("/sign-in")
def take_password() -> Any:
    onward = asked.local_path(request.form.get("next", ""), url_for("home.shops"))
    given_name = asked.told("name", longest=users.LONGEST_NAME)
    _wait_a_turn(given_name, onward)
    with database.across_tenants(_engine(), why="users belong to no tenant") as session:
        user = users.check(session, given_name, request.form.get("password", ""))
        known_as = session.get_one(users.User, user).name if user is not None else ""
        somebody = user is not None or users.is_anybody_there(session)
    if user is not None:
        _welcome(user, known_as)
        return redirect(onward, 303)
    if not somebody:
        return _nobody_yet()
    log.warning("sign-in refused", address=request.remote_addr, name=given_name)
    return render_template("sign_in.html", onward=onward, wrong=True, given_name=given_name), 403


@blueprint.post("/sign-out")
def sign_out() -> Response:
    cookie.clear()
    flash("You are signed out.", "good")
    return redirect(url_for("session.sign_in"), 303)


def _remembered() -> str | None:
    """The name in the cookie, where its user may still come in and its week is not over."""
    user, since = cookie.get("user"), cookie.get("since", 0)
    if user is None or time.time() - since >= _LASTS_S:
        return None
    with database.across_tenants(_engine(), why="users belong to no tenant") as session:
        return str(cookie["name"]) if users.is_there(session, user) else None


def _nobody_yet() -> tuple[str, int]:
    return render_template("locked.html"), 403


def _wait_a_turn(given_name: str, onward: str) -> None:
    """Take one try of the address and one of the name; ends the request where either has none left."""
    doormats, address = current_app.extensions["doormats"], request.remote_addr or ""
    now = time.monotonic()
    # In this order: who is stopped by the address takes none of the name's tries away.
    wait_s = doormats["address"].knock(address, now) or doormats["name"].knock(given_name.lower(), now)
    if wait_s:
        log.warning("sign-in throttled", address=address, name=given_name)
        page = render_template("sign_in.html", onward=onward, wait_s=wait_s, given_name=given_name)
        abort(make_response(page, 429, {"Retry-After": str(wait_s)}))


def _welcome(user: int, known_as: str) -> None:
    doormats = current_app.extensions["doormats"]
    doormats["address"].welcome(request.remote_addr or "")
    doormats["name"].welcome(known_as.lower())
    cookie.clear()  # nothing of what stood there before the password was given is trusted after it
    cookie.update(user=user, name=known_as, since=int(time.time()))
    log.info("signed in", actor=f"person:{known_as}")


def _engine() -> Engine:
    engine: Engine = current_app.extensions["engine"]
    return engine


class Doormat:
    """Counts knocks by address or name, so that guessing is slow and nobody else waits: a bucket of tries, refilled.

    In memory of one process: it slows a guesser down, and the password itself has to be good.
    """

    def __init__(self, *, tries: int = 10, refill_s: float = 6.0, longest: int = 10_000) -> None:
        self._tries, self._refill_s, self._longest = tries, refill_s, longest
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def knock(self, who: str, now: float) -> int:
        """Take one try; answers 0, or the seconds until there is another one."""
        with self._lock:
            left, at = self._buckets.pop(who, (float(self._tries), now))
            left = min(self._tries, left + (now - at) / self._refill_s)
            self._buckets[who] = (left - 1 if left >= 1 else left, now)
            while len(self._buckets) > self._longest:
                self._buckets.popitem(last=False)
        return 0 if left >= 1 else max(1, round((1 - left) * self._refill_s))

    def welcome(self, who: str) -> None:
        """Forget the tries of somebody who knew the password."""
        with self._lock:
            self._buckets.pop(who, None)
