"""A shop's settings: what its merchant decides about its orders, in groups, checked before anything is kept."""

from __future__ import annotations

import hashlib
from typing import Any

import structlog
from flask import flash, redirect, render_template, request, url_for
from pydantic import ValidationError
from sqlalchemy.orm import Session

from jobs import desk, looking_again
from records.tenants import Rules, Tenant
from web import asked
from web import session as door
from web.pages import settings_fields, settings_form, shop

log = structlog.get_logger(__name__)
blueprint = door.guarded("settings", __name__, may="admin", look="admin")

_TOLD_MEANWHILE = (
    "Nothing was saved: somebody saved these settings while you had them open. What you typed is still here, and what "
    "was saved meanwhile stands beside it. Save again to keep yours."
)


@blueprint.get("/shops/<id:tenant>/settings")
def shown(tenant: int) -> str:
    with shop.opened(tenant) as session:
        rules = session.get_one(Tenant, tenant).rules
    tried = {name: text for name, text in settings_form.typed(request.args).items() if name in request.args}
    return _page(rules, settings_form.written(rules) | tried, {}, tried=bool(tried))


@blueprint.post("/shops/<id:tenant>/settings")
def save(tenant: int) -> Any:
    """Keep all of it or nothing. What cannot be kept comes back as it was typed, with the reason beside it."""
    typed = settings_form.typed(request.form)
    with shop.opened(tenant) as session:
        row = _locked(session, tenant)
        before = row.rules
        wrong, wished = _checked(before, typed)
        meanwhile = asked.told("version") != version(before)
        if not wrong and not meanwhile and wished is not None:
            row.rules = wished
            if wished.replenishing != before.replenishing:
                desk.forecast(session, tenant)
            looking_again.as_rules_change(session, tenant, before, wished)
    if wrong or wished is None:
        flash("Nothing was saved: what is wrong stands in red beside its field.", "bad")
        return _page(before, typed, wrong), 422
    if meanwhile:
        flash(_TOLD_MEANWHILE, "warn")
        return _page(before, typed, settings_form.differing(before, typed)), 409
    changed = settings_form.changed(before, wished)
    log.info("settings saved", tenant=tenant, changed=changed, actor=door.actor())
    flash("Saved. Orders follow these settings from now on." if changed else "There was nothing new to save.", "good")
    return redirect(url_for("settings.shown"), 303)


def version(rules: Rules) -> str:
    """Tells one state of the settings from another."""
    return hashlib.sha256(rules.model_dump_json().encode()).hexdigest()[:16]


def _checked(before: Rules, typed: dict[str, str]) -> tuple[dict[str, str], Rules | None]:
    """What is wrong, by field, and the settings that these words mean where nothing is."""
    values, wrong = settings_form.read(typed)
    try:
        wished = Rules.model_validate(settings_form.merged(before, values))
    except ValidationError as error:
        return wrong | settings_form.told_of(error), None
    return wrong, wished


def _locked(session: Session, tenant: int) -> Tenant:
    """The shop's row, which nobody else saves until this transaction ends."""
    return session.get_one(Tenant, tenant, with_for_update=True, populate_existing=True)


def _page(rules: Rules, typed: dict[str, str], wrong: dict[str, str], *, tried: bool = False) -> str:
    groups, as_of = settings_fields.GROUPS, version(rules)
    return render_template("settings.html", groups=groups, typed=typed, wrong=wrong, as_of=as_of, tried=tried)
