"""Who is asking, on either surface, and may they: the guard before every page, and the cookie that remembers people.

A request is judged by one thing alone. One that carries a Bearer token is judged by that token, and its cookie is not
looked at; any other is judged by its cookie, and its writes need a token against forgery (web/forgery.py).
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from flask import Flask, abort, current_app, flash, g, make_response, redirect, request, url_for
from flask import session as cookie
from sqlalchemy import Engine
from werkzeug.wrappers import Response

from records import database, users
from web import embedded, limits, roles
from web.roles import SAFE_METHODS, NotYours, Page, Taken, enough, needed_for

__all__ = [
    "Somebody",
    "actor",
    "attach",
    "bears",
    "guard",
    "guarded",
    "is_guarded",
    "may",
    "name",
    "sees",
    "takes",
    "who",
]

takes = roles.takes

# A week: long enough for a page that stood open over the weekend, short enough for a laptop that was lost.
LASTS_S = 7 * 24 * 60 * 60
# A working day: a page that nobody touched for longer stands open on a desk that somebody has left.
IDLE_S = 12 * 60 * 60
# How often a sign of life is written down; each costs a cookie in the answer.
_NOTED_EVERY_S = 5 * 60


@dataclass(frozen=True, kw_only=True)
class Somebody:
    """Whoever asks: a user, or a store's own staff (id 0) inside the store's admin."""

    id: int
    name: str
    role: str
    tenant: int | None
    """The one shop that they may see; None where it is every shop."""


def attach(app: Flask) -> None:
    app.jinja_env.globals.update(signed_in_as=name, may=may, sees_every_shop=sees_every_shop)


def guarded(
    page: str,
    import_name: str,
    *,
    may: str = "ops",
    look: str = "read_only",
    whole_house: bool = False,
    users_only: bool = False,
) -> Page:
    """A page whose every route asks who is there first.

    `may` is the role that writing on it takes, `look` the one that looking takes; `takes("admin")` above a view says
    otherwise for that view. A page of the `whole_house` is nobody's who sees one shop only; one for `users_only` is
    not there for a store's own staff.
    """
    made = Page(page, import_name, Taken(look=look, write=may, whole_house=whole_house, users_only=users_only))
    made.before_request(guard)
    return made


def is_guarded(blueprint: str) -> bool:
    """Whether the guard stands before every route of this page."""
    return guard in current_app.before_request_funcs.get(blueprint, [])


def guard() -> Response | None:
    """Let through who may come in here, and send everybody else to the door or away."""
    stopped = _inside_a_store() if _is_of_a_store() else _at_the_door()
    if stopped is not None:
        return stopped
    _stay_within_the_walls()
    _ask_for_the_role()
    limits.count_person(_shop_of_the_page())
    return None


def bears() -> bool:
    """Whether this request carries a Bearer token; whether it is a good one is another question."""
    return request.headers.get("Authorization", "")[:7].lower() == "bearer "


def who() -> Somebody | None:
    """Who asks, as far as anything proves it; looked up anew at every request."""
    if "who" not in g:
        g.who = None  # a page that says that the database is away must not ask it once more
        # What comes from inside a store is judged by its token alone, and is nobody's until the guard has judged it.
        g.who = None if bears() or g.get("surface") == "embedded" else _remembered()
    found: Somebody | None = g.who
    return found


def name() -> str | None:
    somebody = who()
    return somebody.name if somebody else None


def actor() -> str:
    """Who asks, as timelines, jobs and logs name them."""
    return f"person:{name()}"


def may(what: str) -> bool:
    """Whether who asks may do this: a role (`ops`), or what an endpoint does (`order.hold`)."""
    somebody = who()
    if somebody is None:
        return False
    needed = needed_for(current_app, what, write=True) if "." in what else what
    return needed is not None and enough(somebody.role, needed)


def sees(tenant: int) -> bool:
    """Whether a shop is one of theirs."""
    somebody = who()
    return somebody is not None and somebody.tenant in {None, tenant}


def own_shop() -> int | None:
    """The one shop that who asks may see; None where it is every shop."""
    somebody = who()
    return somebody.tenant if somebody else None


def sees_every_shop() -> bool:
    return who() is not None and own_shop() is None


def remember(user: users.User) -> None:
    """Begin a session anew for this user."""
    cookie.clear()  # nothing of what stood there before is trusted after it
    now = int(time.time())
    cookie.update(user=user.id, epoch=user.session_epoch, since=now, seen=now)


def forget() -> None:
    cookie.clear()


def engine() -> Engine:
    opened: Engine = current_app.extensions["engine"]
    return opened


def _is_of_a_store() -> bool:
    """A write is a store's where it carries a Bearer token, and nothing else makes it one."""
    return bears() or (request.method in SAFE_METHODS and embedded.asks())


def _inside_a_store() -> Response | None:
    g.who = None
    stopped = embedded.guard()
    if stopped is not None:
        return stopped
    g.surface = "embedded"
    g.who = Somebody(id=0, name=g.signed_in_as, role="admin", tenant=int(g.embedded_tenant))
    return None


def _at_the_door() -> Response | None:
    g.surface = "plain"
    if who() is not None:
        _note_a_sign_of_life()
        return None
    if request.headers.get("HX-Request"):  # a page that stood open: the whole of it has to go to the door
        return make_response("", 401, {"HX-Redirect": url_for("session.sign_in")})
    if request.method != "GET":
        flash("You were signed out, so nothing was changed. Sign in and do it again.", "warn")
        return redirect(url_for("session.sign_in"), 303)
    return redirect(url_for("session.sign_in", next=request.full_path.rstrip("?")), 303)


def _remembered() -> Somebody | None:
    """The user in the cookie, where they may still come in and neither their week nor their day is over."""
    id, now = cookie.get("user"), time.time()
    if id is None or now - cookie.get("since", 0) >= LASTS_S or now - cookie.get("seen", 0) >= IDLE_S:
        return None
    with database.across_tenants(engine(), why="users belong to no tenant") as session:
        user = users.here(session, id)
        if user is None or user.session_epoch != cookie.get("epoch"):
            return None
        return Somebody(id=user.id, name=user.name, role=user.role, tenant=user.tenant_id)


def _note_a_sign_of_life() -> None:
    """A page that keeps itself fresh is no sign of life: nobody may sit there any more."""
    keeps_itself_fresh = request.method == "GET" and "HX-Request" in request.headers
    now = int(time.time())
    if not keeps_itself_fresh and now - cookie.get("seen", 0) >= _NOTED_EVERY_S:
        cookie["seen"] = now


def _stay_within_the_walls() -> None:
    """Another shop than one's own is nobody's page, and so is the house where one has a shop of one's own."""
    tenant = (request.view_args or {}).get("tenant")
    if tenant is not None:
        if not sees(tenant):
            abort(404)
        return
    page = current_app.blueprints.get(request.blueprint or "")
    taken = page.taken if isinstance(page, Page) else Taken()
    if (taken.whole_house and not sees_every_shop()) or (taken.users_only and g.surface == "embedded"):
        abort(404)


def _ask_for_the_role() -> None:
    needed = needed_for(current_app, request.endpoint or "", write=request.method not in SAFE_METHODS)
    somebody = who()
    if somebody is None or needed is None or not enough(somebody.role, needed):
        raise NotYours(needed or "admin", somebody.role if somebody else "")


def _shop_of_the_page() -> int | None:
    tenant: int | None = (request.view_args or {}).get("tenant")
    return own_shop() if tenant is None else tenant
