"""Turns every failure into a status and a page that says what happened, what it means for orders, and what to do."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass, replace
from types import MappingProxyType

import structlog
from flask import Flask, jsonify, make_response, render_template, request
from sqlalchemy.exc import DBAPIError, OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response

from web.limits import TooOften
from web.roles import WORDS as ROLES
from web.roles import NotYours

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Said:
    """What a page says of a failure."""

    title: str
    happened: str
    means: str
    do: str


_NOTHING_CHANGED = "Nothing was changed. Orders go on in the background."
_SAFE = "Orders that have arrived are safe and go on in the background. What you just asked for was not done."

SAID = MappingProxyType(
    {
        400: Said(
            "That did not arrive whole",
            "The page that you sent was too old, or came from somewhere else.",
            _NOTHING_CHANGED,
            "Go back, load the page anew and do it again.",
        ),
        403: Said(
            "Not allowed",
            "This is not yours to do.",
            _NOTHING_CHANGED,
            "Ask an admin to do it, or to change your role.",
        ),
        404: Said(
            "Nothing here",
            "There is no such page, or it belongs to another shop.",
            _NOTHING_CHANGED,
            "Check the address, or start from the list of shops.",
        ),
        405: Said(
            "That is not how", "This address is not asked that way.", _NOTHING_CHANGED, "Use the page's own buttons."
        ),
        410: Said(
            "This link has ended",
            "Links to labels and documents are good for ten minutes, and this one is older.",
            _NOTHING_CHANGED,
            "Open the order again: its page leads to the file by a fresh link.",
        ),
        413: Said("Too large", "What was sent is larger than Packline takes.", _NOTHING_CHANGED, "Send less at once."),
        429: Said(
            "Too often",
            "More was asked for within a minute than one address, or one shop's people, may.",
            _NOTHING_CHANGED,
            "Wait a moment and try again.",
        ),
        500: Said("A fault in Packline", "Something broke while this page was made.", _SAFE, "Try again."),
        503: Said(
            "The database does not answer",
            "Packline keeps its records in PostgreSQL, which does not answer right now.",
            "No order is lost: vendors send again what could not be taken, and work goes on when it is back.",
            "Try again in a moment. If it stays away, look at the database server.",
        ),
    }
)
# The pages of those who have no login, and what they are shown where something is wrong.
_OUTSIDE = {
    **dict.fromkeys(("/choose/", "/delivered/", "/order/"), "buyer_stop.html"),
    "/supply/": "supplier_stop.html",
}


# The supplier's addresses for machines (web/pages/supply_machine.py), and the words that docs/supplier_api.md has.
_MACHINES = re.compile(r"^/supply/[^/]+/v1(/|$)")
_CODES = {404: "no_such_link", 405: "wrong_method", 410: "link_ended", 413: "too_large", 429: "too_often"}


def attach(app: Flask) -> None:
    app.register_error_handler(HTTPException, _refused)
    app.register_error_handler(OperationalError, _database_away)
    app.register_error_handler(PoolTimeout, _database_away)
    app.register_error_handler(Exception, _fault)


def _refused(error: Exception) -> Response:
    refusal = error if isinstance(error, HTTPException) else None
    if refusal is not None and refusal.response is not None:  # somebody made the whole answer already
        return refusal.get_response()
    status = refusal.code if refusal is not None and refusal.code else 500
    if refusal is not None and status < 400:
        return refusal.get_response()
    answer = _answer(status, refusal.name if refusal else "", said=_said_of(error))
    if isinstance(error, TooOften):
        answer.headers["Retry-After"] = str(error.wait_s)
    if status == 405 and refusal is not None:
        answer.headers["Allow"] = ", ".join(getattr(refusal, "valid_methods", None) or [])
    return answer


def _database_away(error: Exception) -> Response:
    # Never the path: a file's is a key for ten minutes.
    numbers = {name: value for name, value in (request.view_args or {}).items() if isinstance(value, int)}
    log.warning(
        "database does not answer", endpoint=request.endpoint, numbers=numbers, error=type(error).__name__,
        of=_origin(error),
    )  # fmt: skip
    answer = _answer(503, "Service Unavailable")
    answer.headers["Retry-After"] = "5"
    return answer


def _fault(error: Exception) -> Response:
    reference = secrets.token_hex(4).upper()
    log.error("fault in a page", reference=reference, endpoint=request.endpoint, exc_info=error)
    return _answer(500, "Internal Server Error", reference=reference)


def _said_of(error: Exception) -> Said | None:
    """What is said of a refusal that knows more than its status."""
    if isinstance(error, NotYours):
        happened = f"This takes the role {ROLES[error.needed]}, and yours is {ROLES.get(error.theirs, 'unknown')}."
        return replace(SAID[403], happened=happened)
    if isinstance(error, TooOften):
        return replace(SAID[429], do=f"Wait {error.wait_s} seconds and try again.")
    return None


def _answer(status: int, name: str, *, reference: str = "", said: Said | None = None) -> Response:
    if request.path.startswith(("/hooks/", "/metrics", "/healthz", "/readyz")):
        return make_response(jsonify(error=name.lower(), **({"reference": reference} if reference else {})), status)
    if _is_suppliers_machine():
        said = said or SAID.get(status) or SAID[500]
        code = _CODES.get(status, "failed")
        return make_response(jsonify(error={"code": code, "message": f"{said.title}. {said.do}"}), status)
    said = said or SAID.get(status) or (SAID[400] if status < 500 else SAID[500])
    # A buyer has no way into the house, and is led nowhere there.
    page = next((page for path, page in _OUTSIDE.items() if request.path.startswith(path)), "error.html")
    return make_response(render_template(page, said=said, status=status, reference=reference), status)


def _is_suppliers_machine() -> bool:
    """Also at the link itself, where it answers whoever asks for JSON."""
    asks = request.accept_mimetypes["application/json"] > request.accept_mimetypes["text/html"]
    return bool(_MACHINES.match(request.path)) or (request.path.startswith("/supply/") and asks)


def _origin(error: Exception) -> str:
    return type(error.orig).__name__ if isinstance(error, DBAPIError) else ""
