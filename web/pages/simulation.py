"""Tries other routing rules on the orders of the last month: what would have been otherwise, and what it comes to.

Nothing is written, and PostgreSQL would refuse it; no carrier is asked. Whoever likes what they see takes the rules to
the settings, where they are saved or not.
"""

from __future__ import annotations

from typing import Any

import structlog
from flask import render_template, request
from pydantic import ValidationError

from records import database
from records.routing import RoutingRules
from records.tenants import Rules, rules_of
from web import asked, show
from web import session as door
from web.pages import settings_fields, settings_form, shop
from web.queries import simulation

log = structlog.get_logger(__name__)
blueprint = door.guarded("simulation", __name__, look="admin")

FIELDS = next(fields for name, _, fields in settings_fields.GROUPS if name == "routing")


@blueprint.get("/shops/<id:tenant>/routing/simulate")
def shown(tenant: int) -> str:
    with shop.opened(tenant) as session:
        rules = rules_of(session, tenant)
    return _page(_typed(rules), {})


@blueprint.get("/shops/<id:tenant>/routing/simulate/tried")
def tried(tenant: int) -> Any:
    with shop.opened(tenant) as session:
        rules = rules_of(session, tenant)
    typed = _typed(rules)
    wished, wrong = _wished(rules, typed)
    if wished is None:
        return _page(typed, wrong), 422
    with database.looking(shop.engine(), tenant) as session:
        found = simulation.run(session, tenant, wished, now=show.now())
    log.info("rules tried", tenant=tenant, looked_at=found.said.asked, of=found.kept, actor=door.actor())
    return _page(typed, {}, found=found, same=wished == rules.routing)


def _typed(rules: Rules) -> dict[str, str]:
    """What was typed, or the rules as they are."""
    written = settings_form.written(rules)
    return {
        field.name: asked.plain(request.args.get(field.name, written[field.name]), asked.MOST_SHOWN_AGAIN)
        for field in FIELDS
    }


def _wished(before: Rules, typed: dict[str, str]) -> tuple[RoutingRules | None, dict[str, str]]:
    values, wrong = settings_form.read(typed, FIELDS)
    if wrong:
        return None, wrong
    try:
        return Rules.model_validate(settings_form.merged(before, values)).routing, {}
    except ValidationError as error:
        return None, settings_form.told_of(error)


def _page(typed: dict[str, str], wrong: dict[str, str], **more: Any) -> str:
    return render_template("simulation.html", fields=FIELDS, typed=typed, wrong=wrong, days=simulation.DAYS, **more)
