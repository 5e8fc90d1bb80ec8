"""Couriers of the shop's own: who brings what is near, at what price. They are weighed beside the carriers."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog
from flask import abort, flash, redirect, render_template, request, url_for
from sqlalchemy import select
from sqlalchemy.orm import Session

from orders import courier_book
from orders.amounts import decimal
from records import couriers as kept
from records.couriers import Courier
from records.stock import Location
from records.tenants import Tenant
from web import asked, show
from web import session as door
from web.pages import shop

log = structlog.get_logger(__name__)
# Who brings parcels learns buyers' addresses.
blueprint = door.guarded("couriers", __name__, may="admin", look="admin")


@blueprint.get("/shops/<id:tenant>/couriers")
def listed(tenant: int) -> str:
    with shop.opened(tenant) as session:
        return _page(session, tenant)


@blueprint.post("/shops/<id:tenant>/couriers")
def add(tenant: int) -> Any:
    return _keep(tenant, None)


@blueprint.post("/shops/<id:tenant>/couriers/<id:courier>")
def change(tenant: int, courier: int) -> Any:
    """For the next shipments; what they were given stays at what was agreed."""
    return _keep(tenant, courier)


@blueprint.post("/shops/<id:tenant>/couriers/<id:courier>/end")
def end(tenant: int, courier: int) -> Any:
    """They are given nothing more. It is undone with one press."""
    with shop.opened(tenant) as session:
        name = (session.get(Courier, (tenant, courier)) or abort(404)).name
        ended = courier_book.end(session, tenant, courier, now=show.now())
    log.info("courier ended", tenant=tenant, courier=courier, ended=ended, actor=door.actor())
    flash(f"{name} is given nothing more. What they have they bring. To undo it, press “Bring back” below.", "good")
    return redirect(url_for("couriers.listed"), 303)


@blueprint.post("/shops/<id:tenant>/couriers/<id:courier>/back")
def back(tenant: int, courier: int) -> Any:
    with shop.opened(tenant) as session:
        name = (session.get(Courier, (tenant, courier)) or abort(404)).name
        done = courier_book.bring_back(session, tenant, courier)
    log.info("courier back", tenant=tenant, courier=courier, done=done, actor=door.actor())
    flash(f"{name} is on the list.", "good")
    return redirect(url_for("couriers.listed"), 303)


def _keep(tenant: int, courier: int | None) -> Any:
    typed = {name: asked.told(name) for name in courier_book.FIELDS}
    chosen = asked.row_ids("from")
    with shop.opened(tenant) as session:
        if courier is not None and (session.get(Courier, (tenant, courier)) or abort(404)).ended_at is not None:
            abort(404)
        places = [place.id for place in _places(session, tenant)]
        kept_from = _not_drawn(session, tenant, courier, places)
        said, wrong = courier_book.read(typed, [*chosen, *kept_from], known=[*places, *kept_from])
        if wrong:
            act = "add" if courier is None else f"change-{courier}"
            return _page(session, tenant, act=act, typed=typed, chosen=chosen, wrong=wrong), 422
        id = courier_book.keep(session, tenant, courier, said)
    log.info("courier kept", tenant=tenant, courier=id, actor=door.actor())
    flash(f"{said['name']} is kept, and weighed beside the carriers from now on.", "good")
    return redirect(url_for("couriers.listed"), 303)


def _places(session: Session, tenant: int) -> list[Location]:
    return list(
        session.scalars(
            select(Location).where(Location.tenant_id == tenant, Location.ships).order_by(Location.name, Location.id)
        )
    )


def _not_drawn(session: Session, tenant: int, courier: int | None, drawn: Sequence[int]) -> list[int]:
    """Where they fetch from that the form does not show: such a location sends nothing now, and stays theirs."""
    row = None if courier is None else session.get(Courier, (tenant, courier))
    before = [] if row is None else [int(place) for place in row.locations]
    return [place for place in before if place not in drawn or len(drawn) == 1]


def _written(row: Courier) -> dict[str, str]:
    """A courier as they stand in the form."""
    said = {name: str(getattr(row, name)) for name in ("name", "phone", "email", "radius_km", "currency", "days")}
    cut_off = row.cut_off.strftime("%H:%M") if row.cut_off else ""
    price = str(decimal(row.price_minor, row.currency))
    return said | {"most_grams": str(row.most_grams), "price": price, "cut_off": cut_off}


def _page(
    session: Session,
    tenant: int,
    *,
    act: str = "",
    typed: dict[str, str] | None = None,
    chosen: list[int] | None = None,
    wrong: dict[str, str] | None = None,
) -> str:
    show.draw_as("couriers")
    living, places = kept.of_shop(session, tenant), _places(session, tenant)
    new = dict.fromkeys(courier_book.FIELDS, "") | {
        "currency": session.get_one(Tenant, tenant).currency, "radius_km": "10", "most_grams": "5000", "days": "0",
    }  # fmt: skip
    forms = {"add": (new, [])} | {f"change-{row.id}": (_written(row), row.locations) for row in living}
    if act and typed is not None:
        forms[act] = (typed, chosen or [])
    return render_template(
        "couriers.html",
        found=living,
        ended=kept.of_shop(session, tenant, ended=True),
        places=places,
        names={place.id: place.name for place in places},
        forms=forms,
        given_act=act if request.method == "POST" else "",
        wrong=wrong or {},
    )
