"""The supplier's link for their machines: the purchase order as JSON, and the same answers as on the page.

The same checks stand behind both, and what was said already may be said again. docs/supplier_api.md has examples.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import structlog
from flask import Blueprint, Response, jsonify, make_response, request
from pydantic import BaseModel, ValidationError
from sqlalchemy.orm import Session
from werkzeug.exceptions import BadRequest

from jobs import drop_shipping
from orders import purchasing, supply_wire, supplying
from orders.purchase_told import Told
from orders.supply_wire import Nothing, Rejection, Tracking
from orders.supplying import SUPPLIER, Sent
from records.suppliers import PurchaseOrder
from web import show
from web.pages import supply
from web.pages.supply import blueprint

log = structlog.get_logger(__name__)
Body = TypeVar("Body", bound=BaseModel)

_WAIT = "Something of the order is to be settled first. Ask again later: nothing was changed."
_CLOSED = "The purchase order is {state}, and cannot be answered so any more."


@dataclass(eq=False)
class Refusal(Exception):
    """Why an answer was not taken: a stable word, a sentence, and what is wrong with each field."""

    status: int
    code: str
    message: str
    fields: Mapping[str, str] = field(default_factory=dict)


def attached() -> Blueprint:
    """The supplier's page with these addresses beside its own."""
    return blueprint


@blueprint.before_request
def for_machines() -> Any:
    """The page's own address answers a machine that asks for JSON, too."""
    token = (request.view_args or {}).get("token", "")
    accepted = request.accept_mimetypes
    asks = accepted["application/json"] > accepted["text/html"]
    return machine_shown(token) if request.endpoint == "supply.shown" and asks else None


@blueprint.get("/supply/<token>/v1")
def machine_shown(token: str) -> Response:
    with supply.opened(token) as (session, row):
        return _written(session, row)


@blueprint.post("/supply/<token>/v1/accept")
def machine_accepted(token: str) -> Response:
    _body(Nothing)
    with supply.opened(token) as (session, row):
        told = supply.told_to(session, row)
        if told.state not in {"accepted", "shipped"} or told.order_over:
            _refuse_what_is_closed(told)
            done = drop_shipping.accept(session, row.tenant_id, row.id, by=SUPPLIER, now=show.now())
            session.refresh(row)  # somebody else may have said so at this moment
            if row.state != "accepted":
                raise Refusal(409, "wait", _WAIT)
            log.info("supplier accepted", tenant=row.tenant_id, purchase_order=row.id, done=done, by="machine")
        return _written(session, row)


@blueprint.post("/supply/<token>/v1/reject")
def machine_rejected(token: str) -> Response:
    said = _body(Rejection)
    with supply.opened(token) as (session, row):
        told = supply.told_to(session, row)
        if told.state != "rejected":
            _refuse_what_is_closed(told)
            done = drop_shipping.reject(session, row.tenant_id, row.id, said.reason, by=SUPPLIER, now=show.now())
            log.info("supplier rejected", tenant=row.tenant_id, purchase_order=row.id, done=done, by="machine")
        return _written(session, row)


@blueprint.post("/supply/<token>/v1/tracking")
def machine_shipped(token: str) -> Response:
    """The same numbers again change nothing, whatever else stands beside them."""
    said = _body(Tracking)
    numbers = tuple(dict.fromkeys(filter(None, map(supplying.tidy, said.numbers))))
    with supply.opened(token) as (session, row):
        told = supply.told_to(session, row)
        if numbers and {parcel.number for parcel in told.parcels}.issuperset(numbers):
            return _written(session, row)
        _refuse_what_is_closed(told)
        wrong = supply_wire.odd_tracking(said, told)
        if wrong or not numbers:
            raise _invalid(wrong or {"numbers": "Give at least one tracking number."})
        sent = Sent(carrier=said.carrier, numbers=numbers, units=supply_wire.units_of(said, told))
        taken = drop_shipping.ship(session, row.tenant_id, row.id, sent, by=SUPPLIER, now=show.now())
        log.info("supplier shipped", tenant=row.tenant_id, purchase_order=row.id, shipment=taken.shipment, by="machine")
        if taken.why:
            raise Refusal(409, "conflict", taken.why)
        return _written(session, row)


@blueprint.post("/supply/<token>/v1/stop")
def machine_stopped(token: str) -> Response:
    """What was accepted does not leave, as the shop asked."""
    _body(Nothing)
    with supply.opened(token) as (session, row):
        told = supply.told_to(session, row)
        if told.state != "cancelled":
            if not told.to_stop:
                raise Refusal(409, "not_asked", "Nobody asked to stop it, or it has left. Nothing was changed.")
            done = drop_shipping.call_off(session, row.tenant_id, row.id, by=SUPPLIER, now=show.now())
            log.info("supplier stopped", tenant=row.tenant_id, purchase_order=row.id, done=done, by="machine")
        return _written(session, row)


@blueprint.errorhandler(Refusal)
def refused(refusal: Refusal) -> Response:
    said: dict[str, Any] = {"code": refusal.code, "message": refusal.message}
    if refusal.fields:
        said["fields"] = dict(refusal.fields)
    return make_response(jsonify(error=said), refusal.status)


def _body(shape: type[Body]) -> Body:
    """What was sent, in its shape. An answer that needs no words may come without a body."""
    if not request.get_data(cache=True):
        sent: Any = {}
    else:
        try:
            sent = request.get_json(force=True)
        except (BadRequest, RecursionError):  # the parser gives up on brackets within brackets
            raise Refusal(400, "not_json", "The body is no JSON.") from None
    try:
        return shape.model_validate(sent)
    except ValidationError as wrong:
        raise _invalid(supply_wire.faults(wrong)) from None


def _invalid(fields: Mapping[str, str]) -> Refusal:
    return Refusal(422, "invalid", "Something of it does not fit: see each field. Nothing was changed.", fields)


def _refuse_what_is_closed(told: Told) -> None:
    if not told.open:
        state = "not wanted any more" if told.order_over else told.state
        raise Refusal(409, "closed", _CLOSED.format(state=state))


def _written(session: Session, row: PurchaseOrder) -> Response:
    session.flush()
    session.refresh(row)
    told = supply.told_to(session, row)
    link = supply.links().address(purchasing.link_of(row, purchasing.supplier_of(session, row).lead_days))
    answer = jsonify(supply_wire.written(told, None if told.hidden else row.ship_to, link=link))
    answer.vary.add("Accept")
    return answer
