"""Writes down who did what: one line for every write of a person, whatever became of it, on whichever surface.

One hook for all pages, so that none can forget it. What a form said is not written down, but for a few plain words.
"""

from __future__ import annotations

import re
from typing import Any

import structlog
from flask import Flask, Response, current_app, g, request
from sqlalchemy.exc import SQLAlchemyError

from records import audit, database
from records.tenants import Tenant
from web import asked, session
from web.roles import SAFE_METHODS

log = structlog.get_logger(__name__)

# Fields of forms that are words of ours and never a person's: kinds, roles, and the numbers of what was ticked.
_PLAIN_FIELDS = ("action", "kind", "cause", "role", "shop", "mode")
_PLAIN = re.compile(r"[a-z0-9_]{1,40}")
_MOST_IDS = 50
_LONGEST_SUBJECT = 200
# What a person does before or after they are known; a stranger's tries elsewhere fill nobody's book.
_AT_THE_DOOR = frozenset({"session.take_password", "session.take_code", "session.sign_out"})


def attach(app: Flask) -> None:
    app.after_request(_write)


def name_them(name: str) -> None:
    """Say who it is where no session says it: at the door."""
    g.audited_name = name


def outcome_of(status: int) -> str:
    """`done`, `refused` or `failed`: whose it is that something did not happen."""
    return "done" if status < 400 else "refused" if status < 500 else "failed"


def subject_of(rule: str, path: str) -> str:
    """What a path is about: `orders/12` of `/ops/shops/1/orders/12/hold`. `rule` is its pattern."""
    tail = rule.rpartition(">")[2]
    about = path.removesuffix(tail) if tail and ">" in rule else path if ">" in rule else ""
    return re.sub(r"^/ops/(shops/\d+)?/?", "", about)[:_LONGEST_SUBJECT]


def _write(response: Response) -> Response:
    if request.method in SAFE_METHODS or request.endpoint is None:
        return response
    try:
        actor = _actor(response.status_code)
        if actor:
            _keep(_line(actor, response.status_code))
    except SQLAlchemyError as error:  # what was done is done; that nobody wrote it down has to be seen
        log.error(  # noqa: TRY400 - which failure it was stands in the line
            "audit line not written",
            act=request.endpoint,
            path=request.path,
            status=response.status_code,
            error=type(error).__name__,
        )
    return response


def _actor(status: int) -> str:
    """Whose write it was; empty where it is nobody's to write down."""
    if request.endpoint in _AT_THE_DOOR:  # one that was told to wait has not been looked at
        name = g.get("audited_name") if status != 429 else None
        return "" if name is None else f"person:{name}" if name else "stranger"
    return session.actor() if session.name() is not None else ""


def _line(actor: str, status: int) -> dict[str, Any]:
    return {
        "actor": actor,
        "surface": g.get("surface", "plain"),
        "act": request.endpoint,
        "subject": subject_of(request.url_rule.rule, request.path) if request.url_rule else "",
        "address": request.remote_addr or "",
        "outcome": outcome_of(status),
        "status": status,
        **_plain_words(),
    }


def _keep(line: dict[str, Any]) -> None:
    """Into the shop's book, and into the house's where it is about no shop, or about one that is not theirs."""
    engine = current_app.extensions["engine"]
    tenant = (request.view_args or {}).get("tenant")
    if tenant is not None and session.sees(tenant):
        with database.transaction(engine, tenant) as opened:
            if opened.get(Tenant, tenant) is not None:
                audit.write(opened, tenant, **line)
                return
    with database.transaction(engine, audit.THE_HOUSE) as opened:
        audit.write(opened, audit.THE_HOUSE, **line)


def _plain_words() -> dict[str, Any]:
    words: dict[str, Any] = {
        name: value for name in _PLAIN_FIELDS if _PLAIN.fullmatch(value := asked.told(name, longest=41))
    }
    ticked = asked.row_ids("order")
    return words | ({"orders": ticked[:_MOST_IDS], "ticked": len(ticked)} if ticked else {})
