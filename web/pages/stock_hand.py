"""What somebody does to one level by hand: correct it, count it, set units aside, move them."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import structlog
from flask import abort, flash, redirect, url_for
from sqlalchemy.orm import Session

from jobs import stock_desk
from orders.stock_by_hand import Refused, Written
from records.stock import Location, Variant
from web import asked, show
from web import session as door
from web.pages import shop, stock
from web.pages.stock_forms import Typed

log = structlog.get_logger(__name__)
blueprint = door.guarded("stock_hand", __name__)

Act = Callable[[Session], Written | Refused]


@blueprint.post("/shops/<id:tenant>/stock/<id:variant>/<id:location>/adjust")
def adjust(tenant: int, variant: int, location: int) -> Any:
    """Put units more, or fewer, on hand."""
    typed = Typed(act="adjust")
    way, units, reason = typed.one_of("way", ("more", "fewer")), typed.units(), typed.reason()
    reference, damaged = typed.reference(), typed.ticked("of_damaged") and way == "fewer"
    return _act(
        tenant, variant, location, typed,
        lambda session: stock_desk.adjust(
            session, tenant, (variant, location), units if way == "more" else -units, reason=reason,
            reference=reference, by=door.actor(), of_damaged=damaged,
        ),
    )  # fmt: skip


@blueprint.post("/shops/<id:tenant>/stock/<id:variant>/<id:location>/returned")
def returned(tenant: int, variant: int, location: int) -> Any:
    """Put units back that a buyer has sent back, with the order that they are of."""
    typed = Typed(act="returned")
    units, order, reason = typed.units(), typed.words("order"), typed.reason(needed=False)
    if not order:
        typed.wrong["order"] = "Write the order's number, such as #1001."
    return _act(
        tenant, variant, location, typed,
        lambda session: stock_desk.take_back(
            session, tenant, (variant, location), units, order=order, reason=reason, by=door.actor()
        ),
    )  # fmt: skip


@blueprint.post("/shops/<id:tenant>/stock/<id:variant>/<id:location>/count")
def count(tenant: int, variant: int, location: int) -> Any:
    """Set what is on hand, unless it changed while the page stood open."""
    typed = Typed(act="count")
    units, reason, seen = typed.units(least=0), typed.reason(needed=False), asked.told("seen", longest=20)
    return _act(
        tenant, variant, location, typed,
        lambda session: stock_desk.count(
            session, tenant, (variant, location), units, reason=reason, reference="", by=door.actor(),
            seen=int(seen) if seen.isascii() and seen.isdigit() else None,
        ),
    )  # fmt: skip


@blueprint.post("/shops/<id:tenant>/stock/<id:variant>/<id:location>/damaged")
def damaged(tenant: int, variant: int, location: int) -> Any:
    typed = Typed(act="damaged")
    way, units, reason = typed.one_of("way", ("more", "fewer")), typed.units(), typed.reason()
    return _act(
        tenant, variant, location, typed,
        lambda session: stock_desk.set_aside_damaged(
            session, tenant, (variant, location), units if way == "more" else -units, reason=reason, by=door.actor()
        ),
    )  # fmt: skip


@blueprint.post("/shops/<id:tenant>/stock/<id:variant>/<id:location>/safety")
def safety(tenant: int, variant: int, location: int) -> Any:
    typed = Typed(act="safety")
    units, reason = typed.units(least=0), typed.reason(needed=False)
    return _act(
        tenant, variant, location, typed,
        lambda session: stock_desk.set_safety(
            session, tenant, (variant, location), units, reason=reason, by=door.actor()
        ),
    )  # fmt: skip


@blueprint.post("/shops/<id:tenant>/stock/<id:variant>/<id:location>/move")
def move(tenant: int, variant: int, location: int) -> Any:
    typed = Typed(act="move")
    units, reason = typed.units(), typed.reason(needed=False)
    typed.words("to")
    to = asked.told_id("to")
    if to is None or to == location:
        typed.wrong["to"] = "Choose another location."
    return _act(
        tenant, variant, location, typed,
        lambda session: stock_desk.move(
            session, tenant, variant, location, to or 0, units, reason=reason, by=door.actor()
        ),
        also=to,
    )  # fmt: skip


def _act(tenant: int, variant: int, location: int, typed: Typed, act: Act, *, also: int | None = None) -> Any:
    """Do it, or show the form again as it was typed with what is wrong beside its fields."""
    done: Written | Refused | None = None
    with shop.opened(tenant) as session:
        if session.get(Variant, (tenant, variant)) is None or session.get(Location, (tenant, location)) is None:
            abort(404)
        if also is not None and session.get(Location, (tenant, also)) is None:
            typed.wrong["to"] = "Choose another location."
        if not typed.wrong:
            done = act(session)
    if isinstance(done, Refused):
        typed.wrong[done.field] = done.reason
    log.info(
        "stock by hand", tenant=tenant, variant=variant, location=location, act=typed.act, actor=door.actor(),
        done=isinstance(done, Written),
    )  # fmt: skip
    if not isinstance(done, Written):
        flash("Nothing was changed: what is wrong stands in red beside its field.", "bad")
        show.draw_as("stock")
        promised = done.promised if isinstance(done, Refused) else ()
        return stock.level_page(tenant, variant, location, typed, promised), 409 if done else 422
    flash("Changed; the movement stands on top." if done.movements else "It said that already.", "good")
    return redirect(url_for("stock.ledger", variant=variant, location=location), 303)
