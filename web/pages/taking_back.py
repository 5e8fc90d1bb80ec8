"""Taking an order back: the plan is shown first, then agreed to; its steps are answered, and labels bought anew."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog
from flask import abort, flash, g, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import desk
from orders import relabelling, taking_back
from orders.reversal import REASONS, Plan, Wish
from orders.taking_back import Begun, PlanChanged
from records.orders import Order, OrderLine, find_order, lines_of
from records.reversals import ReversalStep
from records.shipments import Parcel
from web import asked
from web import session as door
from web.pages import order as order_page
from web.pages import shop
from web.queries import reversals

log = structlog.get_logger(__name__)
blueprint = door.guarded("taking_back", __name__)

# As much as a vendor's own page shows of it.
_LONGEST_NOTE = 200
REASON_WORDS = {
    "buyer": "The buyer wants it so",
    "declined": "The payment was declined",
    "fraud": "It looks like fraud",
    "stock": "It is out of stock",
    "staff": "A mistake of ours",
    "other": "Something else",
}


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/cancel")
@door.takes("ops")
def planned(tenant: int, id: int) -> Any:
    """What would be done for this wish. Looking changes nothing."""
    with shop.opened(tenant) as session:
        order, lines = _order(session, tenant, id)
        wish, wrong = _wish(request.args, lines), _wrong(request.args, lines)
        plan = taking_back.plan_of(session, tenant, id, wish)
        page = _page(order, lines, wish, plan, request.args, wrong)
    return (page, 422) if wrong else page


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/cancel")
def agreed(tenant: int, id: int) -> Any:
    """Begin what was shown; where it has changed meanwhile, it is shown again."""
    with shop.opened(tenant) as session:
        order, lines = _order(session, tenant, id)
        wish, wrong = _wish(request.form, lines), _wrong(request.form, lines)
        digest = asked.told("plan")
        if wrong:
            plan = taking_back.plan_of(session, tenant, id, wish)
            return _page(order, lines, wish, plan, request.form, wrong), 422
        begun = desk.cancel(session, tenant, id, wish, by=door.actor(), digest=digest)
        if isinstance(begun, PlanChanged):
            flash(
                "Something happened to the order since you looked. This is the plan of now; nothing was begun.", "warn"
            )
            return _page(order, lines, wish, begun.plan, request.form, {})
    if not isinstance(begun, Begun):
        flash(begun.reason, "warn")
        return _back(id)
    log.info("reversal begun", tenant=tenant, order=id, reversal=begun.reversal, actor=door.actor())
    flash("It is being taken back, step by step. How far it is stands below.", "good")
    return _back(id)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/steps/<id:step>/agree")
def agree(tenant: int, id: int, step: int) -> Any:
    with shop.opened(tenant) as session:
        _step(session, tenant, id, step)
        waited = desk.agree(session, tenant, step, by=door.actor())
    log.info("step agreed to", tenant=tenant, order=id, step=step, waited=waited, actor=door.actor())
    flash(*(("It is done now.", "good") if waited else ("That was answered already, so nothing was changed.", "warn")))
    return _back(id)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/steps/<id:step>/skip")
def skip(tenant: int, id: int, step: int) -> Any:
    reason, wrong = asked.reason()
    with shop.opened(tenant) as session:
        _step(session, tenant, id, step)
        skipped = not wrong and desk.skip_step(session, tenant, step, by=door.actor(), reason=reason)
    if wrong:
        return order_page.drawn_again(tenant, id, f"skip-{step}", reason, wrong)
    log.info("step skipped", tenant=tenant, order=id, step=step, skipped=skipped, actor=door.actor())
    if skipped:
        flash("It goes on without that step.", "good")
    else:
        flash(
            "Nothing was skipped: that step is over, is being done, or nobody knows yet how it ended. Retry it first.",
            "warn",
        )
    return _back(id)


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/parcels/<id:parcel>/relabel")
@door.takes("ops")
def confirm_relabel(tenant: int, id: int, parcel: int) -> str:
    """Asks once more: another label costs money before the old one's comes back."""
    return _relabel_page(tenant, id, parcel)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/parcels/<id:parcel>/relabel")
def relabel(tenant: int, id: int, parcel: int) -> Any:
    reason, wrong = asked.reason()
    if wrong:
        return _relabel_page(tenant, id, parcel, typed=reason, wrong=wrong), 422
    with shop.opened(tenant) as session:
        _parcel(session, tenant, id, parcel)
        refusal = desk.relabel(session, tenant, parcel, by=door.actor(), reason=reason)
    log.info("relabel asked for", tenant=tenant, order=id, parcel=parcel, refusal=refusal, actor=door.actor())
    if refusal:
        flash(f"No other label is bought. {refusal}", "warn")
    else:
        flash("The old label goes back, another one is bought, and the store gets its number.", "good")
    return _back(id)


def _relabel_page(tenant: int, id: int, parcel: int, *, typed: str = "", wrong: str = "") -> str:
    with shop.opened(tenant) as session:
        order, _ = _order(session, tenant, id)
        row = _parcel(session, tenant, id, parcel)
        found = relabelling.look(session, tenant, parcel, lock=False) or abort(404)
        refusal = desk.ONLY_WATCHES if g.shop.mode == "shadow" else relabelling.why_not(found)
        return render_template("relabel.html", order=order, parcel=row, refusal=refusal, typed=typed, wrong=wrong)


def _page(
    order: Order, lines: list[OrderLine], wish: Wish, plan: Plan, given: Mapping[str, str], wrong: Mapping[Any, str]
) -> str:
    return render_template(
        "cancel.html",
        order=order,
        lines=lines,
        wish=wish,
        plan=plan,
        reasons=[(one, REASON_WORDS[one]) for one in REASONS],
        typed={line: asked.plain(given[f"units-{line}"], 40) for line in wrong if f"units-{line}" in given},
        wrong=wrong,
    )


def _wrong(given: Mapping[str, str], lines: list[OrderLine]) -> dict[Any, str]:
    """What is wrong with what was typed: by order line, and of the note. Pure."""
    counts = {line: asked.plain(given.get(f"units-{line.id}", ""), 40) or "0" for line in lines}
    odd = {line.id: said for line, text in counts.items() if (said := asked.odd_count(text, line.units))}
    note = asked.too_long(asked.plain(given.get("note", ""), asked.MOST_SHOWN_AGAIN), _LONGEST_NOTE)
    return odd | ({"note": note} if note else {})


def _wish(given: Mapping[str, str], lines: list[OrderLine]) -> Wish:
    """The wish that a form tells: all of it where it names no line; the money back and a word to the buyer unless it
    says otherwise.
    """
    units = {line.id: _units(given.get(f"units-{line.id}", ""), line.units) for line in lines}
    whole = not any(f"units-{line.id}" in given for line in lines) or all(units[one.id] == one.units for one in lines)
    first = "reason" not in given
    reason = given.get("reason", "buyer")
    return Wish(
        purpose="cancel" if whole else "cancel_lines",
        wanted={} if whole else units,
        reason=reason if reason in REASONS else "other",
        note=asked.plain(given.get("note", ""), asked.MOST_SHOWN_AGAIN),
        refund=first or "refund" in given,
        tell_buyer=first or "tell" in given,
    )


def _units(text: str, most: int) -> int:
    return min(int(text[:9]), most) if text.isascii() and text.isdigit() else 0


def _order(session: Session, tenant: int, id: int) -> tuple[Order, list[OrderLine]]:
    order = find_order(session, tenant, id) or abort(404)
    return order, [line for line in lines_of(session, tenant, id) if line.units]


def _step(session: Session, tenant: int, order: int, step: int) -> ReversalStep:
    return reversals.step_of_order(session, tenant, order, step) or abort(404)


def _parcel(session: Session, tenant: int, order: int, parcel: int) -> Parcel:
    row = session.get(Parcel, (tenant, parcel))
    return row if row is not None and row.order_id == order else abort(404)


def _back(id: int) -> Any:
    return redirect(url_for("order.shown", id=id), 303)
