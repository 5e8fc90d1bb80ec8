"""The buyer's own page of an order: what is in it, where it goes, and what may be changed until it is picked.

As the page of choices it needs no login, cookie or script, and nobody else's server. It shows where the buyer lives, so
its address is signed, ends, can be ended by the shop, and nothing that is typed stands in it. Looking changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from typing import Any

import structlog
from flask import Blueprint, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import changing, desk
from orders import change_told, readdressing, still_changeable, taking_back
from orders.change_told import Told
from orders.taking_back import Begun, PlanChanged
from records.orders import Order, find_order
from web import asked
from web.pages import address_form, by_link, choose

log = structlog.get_logger(__name__)
# Not guarded as the other pages are: a buyer is nobody's user, and brings nothing but the address.
blueprint = Blueprint("change", __name__)
blueprint.after_request(choose.tell_nobody_the_address)

WHATS = ("address", "lines", "cancel")
PLAN_CHANGED, UNCLEAR = "plan_changed", "unclear"
# The words of why something was too late that a log may hold: what a stranger typed stands in none.
_LATE = frozenset({"", PLAN_CHANGED, UNCLEAR, *still_changeable.WORDS})


@blueprint.get("/order/<token>")
def shown(token: str) -> Any:
    with _opened(token) as (session, order):
        return _page(token, _told(session, order))


@blueprint.post("/order/<token>/confirm")
def confirmed(token: str) -> Any:
    """Shows once more what is wanted, and what becomes of the money. Changes nothing."""
    with _opened(token) as (session, order):
        told = _told(session, order)
        return _asked_once_more(token, session, told)


@blueprint.post("/order/<token>")
def changed(token: str) -> Any:
    """Does what was confirmed; whoever comes too late, or confirmed something else than it is now, is told."""
    what = asked.told("what", longest=20)
    with _opened(token) as (session, order):
        late = _readdress(session, order) if what == "address" else _take_off(session, order, what)
        log.info(
            "buyer changes",
            tenant=order.tenant_id,
            order=order.id,
            what=what if what in WHATS else "unknown",
            late=late if late in _LATE else "refused",
        )
        if late == PLAN_CHANGED:
            return _asked_once_more(token, session, _told(session, order), anew=True), 409
        if late:
            return _page(token, _told(session, order), late=late), 409
    return redirect(url_for("change.shown", token=token), 303)


def _readdress(session: Session, order: Order) -> str:
    country = order.ship_to.country if order.ship_to else ""
    address, _ = address_form.read(address_form.typed_in(request.form, country=country), before=order.ship_to)
    if address is None:
        return UNCLEAR
    late = desk.readdress(session, order.tenant_id, order.id, address, by=readdressing.BUYER)
    return "" if late == changing.SAME else late


def _take_off(session: Session, order: Order, what: str) -> str:
    units = _units(request.form) if what == "lines" else {}
    if what not in WHATS or (what == "lines" and not units):
        return UNCLEAR
    digest = asked.told("plan", longest=64)
    begun = desk.take_off(session, order.tenant_id, order.id, units, by=readdressing.BUYER, digest=digest)
    if isinstance(begun, PlanChanged):
        return PLAN_CHANGED
    return "" if isinstance(begun, Begun) else begun.reason or UNCLEAR


def _asked_once_more(token: str, session: Session, told: Told, *, anew: bool = False) -> Any:
    what, still = asked.told("what", longest=20), told.still
    if what == "address" and still.address:
        country = told.ship_to.country if told.ship_to else ""
        typed = address_form.typed_in(request.form, country=country)
        address, wrong = address_form.read(typed, before=told.ship_to)
        if address is None:
            return _page(token, told, typed=typed, wrong=wrong), 422
        return render_template("change_confirm.html", token=token, told=told, what=what, typed=typed, to=address)
    if what not in WHATS or (what != "lines" and not still.cancel) or not still.anything:
        return _page(token, told, late=still.why or UNCLEAR), 409
    units = _units(request.form) if what == "lines" else {}
    wrong = _wrong_units(told, units) if what == "lines" else {}
    if wrong:
        return _page(
            token, told, wrong=wrong, typed={f"units-{line}": str(count) for line, count in units.items()}
        ), 422
    return _plan_page(token, session, told, what, units, anew=anew)


def _plan_page(
    token: str, session: Session, told: Told, what: str, units: Mapping[int, int], *, anew: bool
) -> str:  # fmt: skip
    tenant, order = told.order.tenant_id, told.order.id
    facts = taking_back.facts_of(session, tenant, order)
    plan = taking_back.plan_of(session, tenant, order, changing.wish_for(units))
    prices = {line.id: line.unit_price_minor for line in told.lines}
    back = change_told.money_back(facts, prices, {} if plan.whole else units)
    return render_template(
        "change_confirm.html", token=token, told=told, what=what, units=units, plan=plan, back=back, anew=anew
    )


def _units(form: Mapping[str, str]) -> dict[int, int]:
    """How many units of each line are to be taken off."""
    found: dict[int, int] = {}
    for name, value in form.items():
        line, count = name.removeprefix("units-"), asked.plain(value, 10)
        if name.startswith("units-") and line.isascii() and line.isdigit() and len(line) < 19:
            found[int(line)] = int(count) if count.isascii() and count.isdigit() and len(count) < 9 else 0
    return {line: count for line, count in found.items() if count}


def _wrong_units(told: Told, units: Mapping[int, int]) -> dict[str, str]:
    if not units:
        return {"lines": "Say of which line you want fewer. Nothing was changed."}
    free = told.still.free
    return {
        f"units-{line}": f"At most {free.get(line, 0)} of it can still be taken off."
        for line, count in units.items()
        if count > free.get(line, 0)
    }


def _opened(token: str) -> AbstractContextManager[tuple[Session, Order]]:
    return by_link.opened(choose.links().leading_to("order"), token, find_order)


def _told(session: Session, order: Order) -> Told:
    return change_told.told(session, order, changing.look(session, order.tenant_id, order.id))


def _page(
    token: str,
    told: Told,
    *,
    typed: Mapping[str, str] | None = None,
    wrong: Mapping[str, str] | None = None,
    late: str = "",
) -> str:
    shown_again = dict(typed or {})
    return render_template(
        "change.html",
        token=token,
        told=told,
        typed=address_form.written(told.ship_to) | shown_again,
        wrong=wrong or {},
        late=late,
        country=address_form.country_name(told.ship_to.country) if told.ship_to else "",
    )
