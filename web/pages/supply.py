"""The supplier's own page: what to ship and where to, and a yes, a no, or the tracking numbers.

No login, no cookie, no script: the address is the proof, so it is signed, ends, and is told to no other site. Looking
changes nothing, since programs that check mail look, too.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

import structlog
from flask import Blueprint, Response, current_app, redirect, render_template, request, url_for
from sqlalchemy.orm import Session

from jobs import drop_shipping
from jobs.work import supplier_links
from orders import purchase_sheet, purchase_told, purchasing, supplying
from orders.purchase_told import Told
from orders.supplier_links import SupplierLinks
from orders.supplying import LONGEST_CARRIER, LONGEST_NUMBER, LONGEST_REASON, MOST_NUMBERS, SUPPLIER, Sent
from records import suppliers
from records.suppliers import PurchaseOrder
from web import asked, show
from web.pages import by_link

log = structlog.get_logger(__name__)
# Not guarded as the other pages are: a supplier is nobody's user, and brings nothing but the address.
blueprint = Blueprint("supply", __name__)

# Offered while they type; any other name is taken as well, since the storefront shows it as it is.
CARRIERS = ("UPS", "USPS", "FedEx", "DHL Express", "DHL", "DPD", "GLS", "Royal Mail", "Canada Post", "Australia Post")


@dataclass(frozen=True, kw_only=True)
class Form:
    """What was typed into one of the page's forms, and what is wrong with it, by field."""

    typed: Mapping[str, str] = field(default_factory=dict)
    wrong: Mapping[str, str] = field(default_factory=dict)


@blueprint.get("/supply/<token>")
def shown(token: str) -> str:
    with opened(token) as (session, row):
        told = told_to(session, row)
    return _page(token, told, Form())


@blueprint.get("/supply/<token>/print")
def printed(token: str) -> str:
    """The same on a sheet of paper: what to put into the parcel, and the address."""
    with opened(token) as (session, row):
        told = told_to(session, row)
    return render_template("supply_print.html", token=token, told=told)


@blueprint.get("/supply/<token>/purchase-order.csv")
def file(token: str) -> Response:
    with opened(token) as (session, row):
        told = told_to(session, row)
        text = purchase_told.as_csv(told, None if told.hidden else row.ship_to)
    named = f'attachment; filename="purchase-order-{told.id}.csv"'
    return Response(text, content_type="text/csv; charset=utf-8", headers={"Content-Disposition": named})


@blueprint.get("/supply/<token>/purchase-order.pdf")
def sheet(token: str) -> Response:
    """The same for their files, with the link on it."""
    with opened(token) as (session, row):
        told = told_to(session, row)
        link = links().address(purchasing.link_of(row, purchasing.supplier_of(session, row).lead_days))
    return pdf(told, link)


@blueprint.post("/supply/<token>/accept")
def accepted(token: str) -> Any:
    with opened(token) as (session, row):
        if purchase_told.told(session, row).open:
            done = drop_shipping.accept(session, row.tenant_id, row.id, by=SUPPLIER, now=show.now())
            log.info("supplier accepted", tenant=row.tenant_id, purchase_order=row.id, done=done)
    return redirect(url_for("supply.shown", token=token), 303)


@blueprint.post("/supply/<token>/reject")
def rejected(token: str) -> Any:
    reason, wrong = asked.reason()
    with opened(token) as (session, row):
        told = purchase_told.told(session, row)
        if told.open and wrong:
            form = Form(typed={"reason": reason}, wrong={"reason": wrong})
            return _page(token, told, form), 422
        if told.open:
            done = drop_shipping.reject(session, row.tenant_id, row.id, reason, by=SUPPLIER, now=show.now())
            log.info("supplier rejected", tenant=row.tenant_id, purchase_order=row.id, done=done)
    return redirect(url_for("supply.shown", token=token), 303)


@blueprint.post("/supply/<token>/ship")
def shipped(token: str) -> Any:
    """Take the tracking of what has left; the same numbers again change nothing."""
    with opened(token) as (session, row):
        told = told_to(session, row)
        sent, form = read(request.form, told)
        known = {parcel.number for parcel in told.parcels}
        if sent.numbers and known.issuperset(sent.numbers):
            return redirect(url_for("supply.shown", token=token), 303)
        if form.wrong:
            return _page(token, told, form), 422
        taken = drop_shipping.ship(session, row.tenant_id, row.id, sent, by=SUPPLIER, now=show.now())
        log.info("supplier shipped", tenant=row.tenant_id, purchase_order=row.id, shipment=taken.shipment)
        if taken.why:
            told = told_to(session, row)
            return _page(token, told, Form(typed=form.typed, wrong={"numbers": taken.why})), 422
    return redirect(url_for("supply.shown", token=token), 303)


@blueprint.post("/supply/<token>/stop")
def stopped(token: str) -> Any:
    """What was accepted does not leave, as the shop asked."""
    with opened(token) as (session, row):
        if purchase_told.told(session, row).to_stop:
            done = drop_shipping.call_off(session, row.tenant_id, row.id, by=SUPPLIER, now=show.now())
            log.info("supplier stopped", tenant=row.tenant_id, purchase_order=row.id, done=done)
    return redirect(url_for("supply.shown", token=token), 303)


@blueprint.after_request
def tell_nobody_the_address(response: Response) -> Response:
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex, nofollow"
    response.headers["Cache-Control"] = "no-store"
    return response


def links() -> SupplierLinks:
    return supplier_links(current_app.extensions["settings"])


def read(given: Mapping[str, str], told: Told) -> tuple[Sent, Form]:
    """What a form says has left, with what is wrong in it by field. Pure."""
    typed = {name: asked.plain(text, asked.MOST_SHOWN_AGAIN) for name, text in given.items()}
    wrong: dict[str, str] = {}
    carrier = typed.get("carrier", "")
    if not carrier or len(carrier) > LONGEST_CARRIER:
        wrong["carrier"] = f"Who carries it, in at most {LONGEST_CARRIER} characters: UPS, for example."
    numbers = list(dict.fromkeys(filter(None, map(supplying.tidy, re.split(r"[\n,;]", typed.get("numbers", ""))))))
    if not numbers:
        wrong["numbers"] = "Give the tracking number. Several go on lines of their own."
    elif len(numbers) > MOST_NUMBERS or any(len(number) > LONGEST_NUMBER for number in numbers):
        wrong["numbers"] = f"At most {MOST_NUMBERS} numbers of at most {LONGEST_NUMBER} characters each."
    units = {}
    for line in told.lines:
        name = f"units-{line.line}"
        text = typed.get(name, str(line.left)) or "0"
        if odd := asked.odd_count(text, line.left):
            wrong[name] = odd
        elif int(text):
            units[line.line] = int(text)
    if not units and not any(name.startswith("units-") for name in wrong):
        wrong.setdefault("numbers", "Nothing of it is in the parcel: say how many units have left.")
    return Sent(carrier=carrier, numbers=tuple(numbers), units=units), Form(typed=typed, wrong=wrong)


def pdf(told: Told, link: str) -> Response:
    """A purchase order to be kept."""
    named = f'attachment; filename="purchase-order-{told.id}.pdf"'
    sheet = purchase_sheet.as_pdf(told, link)
    return Response(sheet, content_type="application/pdf", headers={"Content-Disposition": named})


def opened(token: str) -> AbstractContextManager[tuple[Session, PurchaseOrder]]:
    return by_link.opened(links(), token, suppliers.find)


def told_to(session: Session, row: PurchaseOrder) -> Told:
    return purchase_told.for_the_supplier(session, row, now=show.now())


def _page(token: str, told: Told, form: Form) -> str:
    return render_template(
        "supply.html", token=token, told=told, form=form, carriers=CARRIERS, longest_reason=LONGEST_REASON
    )
