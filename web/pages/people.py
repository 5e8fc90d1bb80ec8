"""The people who may sign in: who they are, what they may do and where, and putting them out again."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from records import database, users
from web import asked, roles
from web import session as door
from web.pages import shop
from web.queries import shops as shop_list

log = structlog.get_logger(__name__)
blueprint = door.guarded("people", __name__, may="admin", look="admin", users_only=True)

_CHOICES = [(role, f"{roles.WORDS[role]}: {roles.MEANINGS[role]}") for role in users.ROLES]
_WHY = "users belong to no tenant"
_ONLY_ADMIN = "Nothing was changed: nobody else could let people in. Make somebody else an admin of every shop first."


@blueprint.get("/people")
def listed() -> str:
    with _house() as session:
        return _page(session)


@blueprint.post("/people")
def add() -> Any:
    name, role = asked.told("name", longest=users.LONGEST_NAME + 1), asked.told("role")
    with _house() as session:
        if role not in users.ROLES:
            abort(400)
        try:
            users.add(session, name, asked.secret("password"), role=role, shop=_wanted_shop(session))
        except (users.OddName, users.WeakPassword, users.NameTaken) as refusal:
            field = "password" if isinstance(refusal, users.WeakPassword) else "name"
            return _page(session, error={field: _said(refusal)}, given={"name": name, "role": role}), 422
    log.info("user added", name=name, role=role, actor=door.actor())
    flash(f"{name} may sign in now. Tell them the password; they can change it on their own page.", "good")
    return redirect(url_for("people.listed"), 303)


@blueprint.get("/people/<id:id>")
def shown(id: int) -> str:
    with _house() as session:
        return render_template("person.html", person=_existing(session, id), **_facts(session))


@blueprint.post("/people/<id:id>/rights")
def rights(id: int) -> Any:
    """Another role or another shop. Whoever it is signs in anew for it."""
    role = asked.told("role")
    if role not in users.ROLES:
        abort(400)
    with _house() as session:
        person, wanted = _existing(session, id), _wanted_shop(session)
        if role != "admin" or wanted is not None:
            try:
                users.keep_the_last_admin(session, person.name)
            except users.LastAdmin:
                flash(_ONLY_ADMIN, "warn")
                return _back(id)
        users.give_role(session, person.name, role)
        users.give_shop(session, person.name, wanted)
        name = person.name
    log.info("rights changed", name=name, role=role, shop=wanted, actor=door.actor())
    flash(f"{name} is {roles.WORDS[role]} from now on, and signs in anew for it.", "good")
    return _back(id)


@blueprint.post("/people/<id:id>/end-sessions")
def end_sessions(id: int) -> Any:
    with _house() as session:
        name = _existing(session, id).name
        users.end_sessions(session, name)
    log.info("sessions ended", name=name, actor=door.actor())
    flash(f"{name} is signed out everywhere, and may sign in again.", "good")
    return _back(id)


@blueprint.post("/people/<id:id>/second-factor/reset")
def reset_second_factor(id: int) -> Any:
    with _house() as session:
        name = _existing(session, id).name
        users.reset_second_factor(session, name)
    log.warning("second factor taken away", name=name, actor=door.actor())
    flash(f"{name} signs in with the password alone now, until they set a second factor up again.", "good")
    return _back(id)


@blueprint.post("/people/<id:id>/end")
def end(id: int) -> Any:
    with _house() as session:
        name = _existing(session, id).name
        try:
            users.keep_the_last_admin(session, name)
        except users.LastAdmin:
            flash(_ONLY_ADMIN, "warn")
            return _back(id)
        users.end(session, name)
    log.info("user ended", name=name, actor=door.actor())
    flash(f"{name} may sign in no longer, and is signed out everywhere.", "good")
    return redirect(url_for("people.listed"), 303)


def _house() -> Any:
    return database.across_tenants(shop.engine(), why=_WHY, by=door.actor())


def _page(session: Session, *, error: dict[str, str] | None = None, given: dict[str, str] | None = None) -> str:
    people = users.everybody(session, of_shop=door.own_shop())
    return render_template("people.html", people=people, error=error or {}, given=given or {}, **_facts(session))


def _said(refusal: Exception) -> str:
    """Names are one for all shops, and who is in another is nothing that an admin of one shop learns."""
    if isinstance(refusal, users.NameTaken) and door.own_shop() is not None:
        return "This name cannot be given. Choose another, such as one with the surname."
    said = str(refusal)
    return f"{said[:1].upper()}{said[1:]}."


def _facts(session: Session) -> dict[str, Any]:
    shops = shop_list.every(session, only=door.own_shop())
    anywhere = [] if door.own_shop() else [("", "Every shop")]
    return {
        "role_choices": _CHOICES,
        "role_words": roles.WORDS,
        "shop_choices": [*anywhere, *((str(one.id), one.name) for one in shops)],
        "shop_names": {one.id: one.name for one in shops},
    }


def _wanted_shop(session: Session) -> int | None:
    """The shop that the form names, of those that the admin may give; None is every shop."""
    own, wanted = door.own_shop(), asked.told("shop")
    if own is not None:
        return own
    if not wanted:
        return None
    found = asked.told_id("shop")
    return found if found is not None and shop_list.every(session, only=found) else abort(404)


def _existing(session: Session, id: int) -> users.User:
    person = users.here(session, id)
    own = door.own_shop()
    return person if person is not None and own in {None, person.tenant_id} else abort(404)


def _back(id: int) -> Any:
    return redirect(url_for("people.shown", id=id), 303)
