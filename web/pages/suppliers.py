"""Suppliers: who ships for the shop what it has no stock of, and which variants those are."""

from __future__ import annotations

from typing import Any

import structlog
from flask import abort, current_app, flash, make_response, redirect, render_template, url_for
from sqlalchemy.orm import Session

from jobs import drop_shipping, supplier_desk
from orders import supplier_book
from records import suppliers as kept
from records.stock import Variant
from records.suppliers import Supplier
from web import asked, show
from web import session as door
from web.pages import shop
from web.queries import bundles as made
from web.queries import suppliers

log = structlog.get_logger(__name__)
# Who changes where purchase orders go decides who learns buyers' addresses.
blueprint = door.guarded("suppliers", __name__, may="admin")

_FIELDS = ("name", "email", "lead_days")
_SUPPLIED = ("sku", "supplier", "their_sku", "cost")


@blueprint.get("/shops/<id:tenant>/suppliers")
def listed(tenant: int) -> str:
    with shop.opened(tenant) as session:
        return _page(session, tenant)


@blueprint.post("/shops/<id:tenant>/suppliers")
def add(tenant: int) -> Any:
    return _keep(tenant, None)


@blueprint.post("/shops/<id:tenant>/suppliers/<id:supplier>")
def change(tenant: int, supplier: int) -> Any:
    """Where the next purchase orders go; those that were mailed stay where they are."""
    return _keep(tenant, supplier)


@blueprint.post("/shops/<id:tenant>/suppliers/<id:supplier>/end")
def end(tenant: int, supplier: int) -> Any:
    """They are asked for nothing any more. Nothing is lost: the same name can be added again."""
    with shop.opened(tenant) as session:
        row = session.get(Supplier, (tenant, supplier)) or abort(404)
        name = row.name
        ended = supplier_book.end(session, tenant, supplier, now=show.now())
    log.info("supplier ended", tenant=tenant, supplier=supplier, ended=ended, actor=door.actor())
    if ended:
        flash(f"{name} gets no purchase orders any more. Those that are open go on.", "good")
    else:
        flash(f"{name} still ships something: have it shipped from your own stock first, or by somebody else.", "warn")
    return redirect(url_for("suppliers.listed"), 303)


@blueprint.post("/shops/<id:tenant>/suppliers/<id:supplier>/machine")
def tell(tenant: int, supplier: int) -> Any:
    """Tell their own machine of purchase orders; the secret is shown this once, so the answer is a page of its own."""
    url = asked.told("url", longest=asked.MOST_SHOWN_AGAIN)
    with shop.opened(tenant) as session:
        row = _living(session, tenant, supplier) or abort(404)
        secret, odd = supplier_desk.tell_machine(session, current_app.extensions["keyring"], row, url)
        if odd:
            return _page(session, tenant, act=f"machine-{supplier}", typed={"url": url}, wrong={"url": odd}), 422
        name = row.name
    log.info("supplier's machine told", tenant=tenant, supplier=supplier, actor=door.actor())
    answer = make_response(render_template("supplier_secret.html", name=name, secret=secret, url=url))
    answer.headers["Cache-Control"] = "no-store"
    return answer


@blueprint.post("/shops/<id:tenant>/suppliers/<id:supplier>/machine/end")
def tell_no_more(tenant: int, supplier: int) -> Any:
    with shop.opened(tenant) as session:
        row = session.get(Supplier, (tenant, supplier)) or abort(404)
        ended = supplier_desk.tell_no_more(session, row)
        name = row.name
    log.info("supplier's machine told no more", tenant=tenant, supplier=supplier, ended=ended, actor=door.actor())
    flash(f"{name}'s machine is told nothing any more. They are written by mail as ever.", "good")
    return redirect(url_for("suppliers.listed"), 303)


@blueprint.post("/shops/<id:tenant>/suppliers/ships")
def ships(tenant: int) -> Any:
    """Have a variant shipped by a supplier, from the next order on."""
    typed = {name: asked.told(name) for name in _SUPPLIED}
    with shop.opened(tenant) as session:
        wrong = _ships(session, tenant, typed)
        if wrong:
            return _page(session, tenant, act="ships", typed=typed, wrong=wrong), 422
    flash(f"{typed['sku']} is drop-shipped. Orders that still wait for it go to the supplier.", "good")
    return redirect(url_for("suppliers.listed"), 303)


@blueprint.post("/shops/<id:tenant>/suppliers/ships/<id:variant>/stop")
def stop(tenant: int, variant: int) -> Any:
    """Ship a variant from our own stock again; what a supplier was asked for stays with them."""
    with shop.opened(tenant) as session:
        row = session.get(Variant, (tenant, variant)) or abort(404)
        name = row.sku or row.title
        stopped = supplier_book.stop_supplying(session, tenant, variant)
    log.info("variant not supplied any more", tenant=tenant, variant=variant, stopped=stopped, actor=door.actor())
    if stopped:
        flash(f"{name} leaves from your own stock from now on. What a supplier was asked for stays with them.", "good")
    else:
        flash("No supplier shipped it any more, so nothing was changed.", "warn")
    return redirect(url_for("suppliers.listed"), 303)


def _keep(tenant: int, supplier: int | None) -> Any:
    typed = {name: asked.told(name) for name in _FIELDS}
    with shop.opened(tenant) as session:
        if supplier is not None and _living(session, tenant, supplier) is None:
            abort(404)
        wrong = supplier_book.keep(session, tenant, supplier, typed)
        if wrong:
            act = "add" if supplier is None else f"change-{supplier}"
            return _page(session, tenant, act=act, typed=typed, wrong=wrong), 422
    log.info("supplier kept", tenant=tenant, supplier=supplier, actor=door.actor())
    flash(f"{typed['name']} is kept. Purchase orders go to the address that stands there.", "good")
    return redirect(url_for("suppliers.listed"), 303)


def _ships(session: Session, tenant: int, typed: dict[str, str]) -> dict[str, str]:
    """What is wrong with what was typed, by field; empty where it is supplied now."""
    found = made.named(session, tenant, typed["sku"])
    supplier = asked.told_id("supplier")
    wrong = {}
    if len(found) != 1:
        wrong["sku"] = made.SEVERAL if found else made.NOTHING
    if supplier is None:
        wrong["supplier"] = "Choose who ships it."
    if wrong or supplier is None:
        return wrong
    wrong = drop_shipping.supply(session, tenant, found[0], supplier, sku=typed["their_sku"], cost=typed["cost"])
    log.info(
        "variant supplied",
        tenant=tenant,
        variant=found[0].id,
        supplier=supplier,
        refused=sorted(wrong),
        actor=door.actor(),
    )
    return wrong


def _living(session: Session, tenant: int, supplier: int) -> Supplier | None:
    return next((row for row in kept.of_shop(session, tenant) if row.id == supplier), None)


def _page(
    session: Session,
    tenant: int,
    *,
    act: str = "",
    typed: dict[str, str] | None = None,
    wrong: dict[str, str] | None = None,
) -> str:
    show.draw_as("suppliers")
    found = suppliers.all_of(session, tenant)
    return render_template(
        "suppliers.html",
        found=found,
        names=[(one.row.id, one.row.name) for one in found],
        given_act=act,
        typed=typed or {},
        wrong=wrong or {},
    )
