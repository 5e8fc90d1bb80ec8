"""Lets people in: one password for everybody, and a name that says who did what."""

from __future__ import annotations

import hashlib
import hmac
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
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask import session as cookie
from werkzeug.exceptions import Forbidden
from werkzeug.wrappers import Response

from web import asked

log = structlog.get_logger(__name__)
blueprint = Blueprint("session", __name__)

# A week: long enough for a page that stood open over the weekend, short enough for a laptop that was lost.
_LASTS_S = 7 * 24 * 60 * 60
_LONGEST_NAME = 40


class NoPassword(Forbidden):
    """Nobody can sign in, because the installation has no password yet."""

    description = "No password is set for these pages."


def attach(app: Flask) -> None:
    app.extensions["doormat"] = Doormat()
    app.register_blueprint(blueprint)
    app.jinja_env.globals["signed_in_as"] = name


def guarded(page: str, import_name: str) -> Blueprint:
    """A blueprint whose every route asks for sign-in first."""
    made = Blueprint(page, import_name)
    made.before_request(guard)
    return made


def guard() -> Response | None:
    """Let through who is signed in; send everybody else to the door, or say that there is none yet."""
    if not _password():
        raise NoPassword
    if name() is not None:
        return None
    if request.headers.get("HX-Request"):  # a page that stood open: the whole of it has to go to the door
        return make_response("", 401, {"HX-Redirect": url_for("session.sign_in")})
    if request.method != "GET":
        flash("You were signed out, so nothing was changed. Sign in and do it again.", "warn")
        return redirect(url_for("session.sign_in"), 303)
    return redirect(url_for("session.sign_in", next=request.full_path.rstrip("?")), 303)


def name() -> str | None:
    """Who is signed in here; None for nobody, also after a week or a change of password."""
    since = cookie.get("since", 0)
    genuine = hmac.compare_digest(str(cookie.get("proof", "")), _proof(_password()))
    return str(cookie["name"]) if _password() and genuine and time.time() - since < _LASTS_S else None


def actor() -> str:
    """The signed-in person as timelines and logs name them."""
    return f"person:{name()}"


@blueprint.get("/sign-in")
def sign_in() -> str | Response:
    if not _password():
        raise NoPassword
    onward = asked.local_path(request.args.get("next", ""))
    return redirect(onward, 303) if name() is not None else render_template("sign_in.html", onward=onward)


@blueprint.post("/sign-in")
def take_password() -> Any:
    if not _password():
        raise NoPassword
    doormat: Doormat = current_app.extensions["doormat"]
    wait_s = doormat.knock(request.remote_addr or "", time.monotonic())
    if wait_s:
        log.warning("sign-in throttled", address=request.remote_addr)
        abort(make_response(render_template("sign_in.html", wait_s=wait_s), 429, {"Retry-After": str(wait_s)}))
    onward = asked.local_path(request.form.get("next", ""))
    given_name = asked.told("name", longest=_LONGEST_NAME) or "ops"
    if not hmac.compare_digest(request.form.get("password", "").encode(), _password().encode()):
        log.warning("sign-in refused", address=request.remote_addr)
        return render_template("sign_in.html", onward=onward, wrong=True, given_name=given_name), 403
    doormat.welcome(request.remote_addr or "")
    cookie.clear()  # nothing of what stood there before the password was given is trusted after it
    cookie.update(name=given_name, since=int(time.time()), proof=_proof(_password()))
    log.info("signed in", actor=f"person:{given_name}")
    return redirect(onward, 303)


@blueprint.post("/sign-out")
def sign_out() -> Response:
    cookie.clear()
    flash("You are signed out.", "good")
    return redirect(url_for("session.sign_in"), 303)


def _password() -> str:
    password: str = current_app.extensions["settings"].ops_password.get_secret_value()
    return password


def _proof(password: str) -> str:
    """What a cookie carries instead of the password: a new password makes every older cookie worthless."""
    return hmac.new(str(current_app.secret_key).encode(), password.encode(), hashlib.sha256).hexdigest()[:32]


class Doormat:
    """Counts knocks by address, so that guessing is slow and nobody else waits: a bucket of tries, refilled in time.

    In memory of one process: it slows a guesser down, and the password itself has to be good.
    """

    def __init__(self, *, tries: int = 10, refill_s: float = 6.0, longest: int = 10_000) -> None:
        self._tries, self._refill_s, self._longest = tries, refill_s, longest
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()
        self._lock = threading.Lock()

    def knock(self, address: str, now: float) -> int:
        """Take one try; answers 0, or the seconds until there is another one."""
        with self._lock:
            left, at = self._buckets.pop(address, (float(self._tries), now))
            left = min(self._tries, left + (now - at) / self._refill_s)
            self._buckets[address] = (left - 1 if left >= 1 else left, now)
            while len(self._buckets) > self._longest:
                self._buckets.popitem(last=False)
        return 0 if left >= 1 else max(1, round((1 - left) * self._refill_s))

    def welcome(self, address: str) -> None:
        """Forget the tries of somebody who knew the password."""
        with self._lock:
            self._buckets.pop(address, None)
