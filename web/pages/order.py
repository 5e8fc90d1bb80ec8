"""One order: what happened, what is next, and what a person can do about it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, url_for
from sqlalchemy.orm import Session

from integrations.nouns import Rate
from jobs import desk
from orders import couriers, handed_over, holds, making
from records.orders import OVER, Hold, Order, find_order, open_holds
from records.shipments import BY_HAND, Shipment
from web import asked, file_links, show
from web import session as door
from web.pages import choose, shop, supply
from web.queries import buyer_page, choices, digital, suppliers
from web.queries import order as reads
from web.queries.keyset import Cut
from web.queries.order import Whole
from web.show import next_step, words

log = structlog.get_logger(__name__)
blueprint = door.guarded("order", __name__)

# The way of an order, as a line of steps; what stands beside it (cancelled) is no step on the way.
STEPS = ("received", "verified", "released", "allocated", "shipping", "fulfilled")
_STORY_PAGE = 100


@blueprint.get("/shops/<id:tenant>/orders/<id:id>")
def shown(tenant: int, id: int) -> str:
    return render_template("order.html", **_read(tenant, id))


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/live")
def live(tenant: int, id: int) -> str:
    """The part of the page that keeps itself fresh."""
    return render_template("partials/order.html", **_read(tenant, id))


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/labels/<id:label>")
@door.takes("warehouse")
def label(tenant: int, id: int, label: int) -> Any:
    """To the label's file, by an address that is good for a moment and for whoever asks."""
    with shop.opened(tenant) as session:
        found = reads.label_file(session, tenant, id, label)
        if found is None or found.content is None:
            abort(404)
    return redirect(file_links.fresh("label", tenant, id, label), 303)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/hold")
def hold(tenant: int, id: int) -> Any:
    reason, wrong = asked.reason()
    if wrong:
        return drawn_again(tenant, id, "hold", reason, wrong)
    with shop.opened(tenant) as session:
        _existing(session, tenant, id)
        refusal = desk.hold(session, tenant, id, reason=reason, by=door.actor())
    log.info("hold asked for", tenant=tenant, order=id, refusal=refusal, actor=door.actor())
    if refusal:
        flash(refusal, "warn")
    else:
        flash("The order is on hold. Nothing is bought for it until somebody releases it.", "good")
    return _back(id)


@blueprint.get("/shops/<id:tenant>/orders/<id:id>/holds/<kind>/release")
@door.takes("ops")
def confirm_release(tenant: int, id: int, kind: str) -> str:
    """Asks once more: a released hold lets money be spent."""
    with shop.opened(tenant) as session:
        order = _existing(session, tenant, id)
        found = _open_hold(session, tenant, id, kind)
    return render_template("release_hold.html", order=order, hold=found)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/holds/<kind>/release")
def release(tenant: int, id: int, kind: str) -> Any:
    with shop.opened(tenant) as session:
        _existing(session, tenant, id)
        found = [one for one in open_holds(session, tenant, id) if one.kind == kind]
        if found and not found[0].overridable:
            abort(403)
        released = desk.release_hold(session, tenant, id, kind, by=door.actor(), now=show.now())
    if released:
        log.info("hold released", tenant=tenant, order=id, hold=kind, actor=door.actor())
        flash(f"Released: {words.hold(kind)}. The order goes on.", "good")
    else:
        flash("That hold was released already, so nothing was changed.", "warn")
    return _back(id)


@blueprint.post("/shops/<id:tenant>/orders/<id:id>/go-on")
def go_on(tenant: int, id: int) -> Any:
    with shop.opened(tenant) as session:
        _existing(session, tenant, id)
        desk.resume(session, tenant, id, by=door.actor())
    log.info("order asked to go on", tenant=tenant, order=id, actor=door.actor())
    flash("Packline looks at the order again, from where it stands.", "good")
    return _back(id)


def drawn_again(tenant: int, id: int, form: str, typed: str, wrong: str) -> tuple[str, int]:
    """The order's page with one of its forms as it was sent, and what is wrong beside its field."""
    show.draw_as("order")
    whole = _read(tenant, id) | {"typed": {form: typed}, "wrong": {form: wrong}}
    return render_template("order.html", **whole), 422


def _read(tenant: int, id: int) -> dict[str, Any]:
    kind = asked.one_of("kind", words.TIMELINE)
    with shop.opened(tenant) as session:
        whole = reads.whole(session, tenant, id) or abort(404)
        cut = Cut(before=asked.row_id("before"), after=asked.row_id("after"), size=_STORY_PAGE)
        story = reads.story(session, tenant, id, kind=kind, cut=cut)
        ratable = _ratable(session, whole)
        waits = _waits(session, whole)
        who_else = _couriers(session, whole)
        movable = {one.row.id for one in whole.shipments if not desk.why_it_sends(session, one.row)}
        purchases = suppliers.of_order(session, tenant, id, supply.links())
        choice = choices.of_order(session, tenant, id, choose.links(), today=show.now().date())
        buyers = buyer_page.of_order(session, whole.order, choose.links(), now=show.now())
        days = making.days_in(session, tenant, id)
        given = digital.of_order(session, tenant, id, choose.links())
    waiting = [job for job in whole.jobs if job.state in {"due", "running", "parked"}]
    statuses = [parcel.carrier_status for parcel in whole.parcels]
    return {
        "whole": whole,
        "order": whole.order,
        "story": story,
        "kind": kind,
        "steps": STEPS,
        "paid": _paid(whole),
        "step": next_step.of(
            whole.order.state, whole.open_holds, waiting, statuses, now=show.now(), waiting=[one.row for one in waits]
        ),
        "waits": {one.row.id: one for one in waits},
        "couriers": who_else,
        "loudest": next_step.loudest(statuses) if statuses else "",
        "over": whole.order.state in OVER,
        "holdable": not holds.why_not(whole.order.state, [one.row.state for one in whole.shipments]),
        "ratable": ratable,
        "movable": movable,
        "joinable": _joinable([one.row for one in whole.shipments]),
        "asked": choice,
        "buyers": buyers,
        "purchases": purchases,
        "given": given,
        "making": days,
        "typed": {},
        "wrong": {},
    }


@dataclass(frozen=True, kw_only=True)
class Waits:
    """A shipment that waits for its buyer, and why a button of it would do nothing; empty where it would."""

    row: Shipment
    not_ready: str
    not_given: str
    stays_given: str
    with_whom: str = ""
    """Why nobody may choose now who brings it."""


def _waits(session: Session, whole: Whole) -> list[Waits]:
    return [
        Waits(
            row=one.row,
            not_ready=desk.why_not_ready(session, one.row),
            not_given=desk.why_not_given(session, one.row),
            stays_given=desk.why_it_stays_given(session, one.row),
            with_whom=desk.why_not_by_another(session, one.row) if one.row.courier else "",
        )
        for one in whole.shipments
        if _is_open(one.row, arrived=all(box.row.delivered_at for box in one.boxes))
    ]


def _is_open(row: Shipment, *, arrived: bool) -> bool:
    """Whether people have still to say something of what no carrier brings."""
    if row.courier is not None:
        return row.state in handed_over.WAITS or (row.state == "handed_over" and not arrived)
    return row.way in BY_HAND and row.state in handed_over.WAITS


def _couriers(session: Session, whole: Whole) -> dict[int, list[tuple[int, Rate]]]:
    """The couriers who may be given a shipment by hand, with what they ask, by shipment."""
    rows = [one.row for one in whole.shipments if one.row.state == "planned" and one.row.courier is None]
    return {
        row.id: [(couriers.courier_of(rate.remote_id) or 0, rate) for rate in found]
        for row in rows
        if not desk.why_not_by_another(session, row) and (found := desk.couriers_for(session, row, now=show.now()))
    }


def _ratable(session: Session, whole: Whole) -> set[int]:
    """The parcels for which new rates would be asked for; the others' page offers none."""
    planned = [shipment for shipment in whole.shipments if shipment.row.state == "planned"]
    boxes = [box.row for shipment in planned for box in shipment.boxes]
    return {parcel.id for parcel in boxes if not desk.why_no_rates(session, parcel)}


def _joinable(shipments: Sequence[Shipment]) -> set[int]:
    """What is planned to leave the same place in a parcel as something else of the order. Pure."""
    planned = [
        one
        for one in shipments
        if one.state == "planned" and one.way not in BY_HAND and one.location_id and one.courier is None
    ]
    places = Counter(one.location_id for one in planned)
    return {one.id for one in planned if places[one.location_id] > 1}


def _paid(whole: Whole) -> str:
    """What the money axis says: the store's word, unless a payment elsewhere has gone further."""
    standing = whole.order.standing
    if standing in {"unpaid", "unknown"}:
        states = [payment.state for payment, _ in whole.payments]
        return next((state for state in ("paid", "authorised", "pending", "failed") if state in states), standing)
    return standing


def _existing(session: Session, tenant: int, id: int) -> Order:
    return find_order(session, tenant, id) or abort(404)


def _open_hold(session: Session, tenant: int, id: int, kind: str) -> Hold:
    return next((one for one in open_holds(session, tenant, id) if one.kind == kind), None) or abort(404)


def _back(id: int) -> Any:
    return redirect(url_for("order.shown", id=id), 303)
