"""Who did what by hand: of one shop, and of the house, where people sign in and are let in."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from flask import Response, render_template, stream_with_context
from sqlalchemy.orm import Session

from records import database
from records.audit import THE_HOUSE, AuditLine
from web import asked, show
from web import session as door
from web.pages import shop
from web.queries import audit
from web.queries.audit import Wish
from web.queries.keyset import Cut
from web.show import sheet

log = structlog.get_logger(__name__)
blueprint = door.guarded("audit", __name__, may="admin", look="admin")
house = door.guarded("audit_house", __name__, may="admin", look="admin", whole_house=True, users_only=True)


@blueprint.get("/shops/<id:tenant>/audit")
def listed(tenant: int) -> str:
    return _page(tenant)


@blueprint.get("/shops/<id:tenant>/audit.csv")
def file(tenant: int) -> Response:
    with shop.opened(tenant):
        return _file(tenant, f"audit-{tenant}")


@house.get("/audit")
def shown() -> str:
    """What belongs to no shop: signing in and out, users, keys."""
    return _page(THE_HOUSE)


@house.get("/audit.csv")
def house_file() -> Response:
    return _file(THE_HOUSE, "audit")


def _page(tenant: int) -> str:
    wish, cut = _wish(), Cut(before=asked.row_id("before"), after=asked.row_id("after"))
    with _opened(tenant) as session:
        page = audit.page(session, tenant, wish, cut)
    return render_template(
        "audit.html", page=page, wish=wish, filtered=wish != Wish(), of_the_house=tenant == THE_HOUSE
    )


def _file(tenant: int, name: str) -> Response:
    log.info("audit trail exported", tenant=tenant, actor=door.actor())
    rows = sheet.lines(_HEADING, (_row(line) for line in audit.each(shop.engine(), tenant, _wish())))
    named = f'attachment; filename="{name}-{show.now():%Y-%m-%d}.csv"'
    return Response(
        stream_with_context(rows), content_type="text/csv; charset=utf-8", headers={"Content-Disposition": named}
    )


@contextmanager
def _opened(tenant: int) -> Iterator[Session]:
    opened = database.transaction(shop.engine(), THE_HOUSE) if tenant == THE_HOUSE else shop.opened(tenant)
    with opened as session:
        yield session


def _wish() -> Wish:
    """People are asked for as they are called, and written down as `person:Ann`."""
    who = asked.asked("who", longest=80)
    return Wish(actor=who if who in {"", "stranger"} else f"person:{who}", act=asked.asked("act", longest=80))


_HEADING = ["at", "who", "surface", "act", "subject", "outcome", "address", "details"]


def _row(line: AuditLine) -> list[Any]:
    details = " ".join(f"{name}={value}" for name, value in line.details.items())
    who = line.actor.removeprefix("person:")
    return [line.at.isoformat(), who, line.surface, line.act, line.subject, line.outcome, line.address, details]
