"""Finds who did what by hand, of one shop or of the house."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from sqlalchemy import Engine, Select, select
from sqlalchemy.orm import Session

from records import database
from records.audit import AuditLine
from web.queries import keyset
from web.queries.keyset import Cut, Page

# As many lines are read at once while a file is written: a transaction stays short, and so does the memory.
_PIECE = 1_000
# A file of more lines than this is no answer to a question, and a year of a busy shop is far below.
_MOST = 100_000


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What a list of lines is narrowed to; an act may be told by its beginning: `order` is all of an order's page."""

    actor: str = ""
    act: str = ""


def page(session: Session, tenant: int, wish: Wish, cut: Cut) -> Page[AuditLine]:
    return keyset.newest_first(session, _lines(tenant, wish), AuditLine.id, cut)


def each(engine: Engine, tenant: int, wish: Wish) -> Iterator[AuditLine]:
    """Every line, newest first, read while it is written."""
    before: int | None = None
    for _ in range(_MOST // _PIECE):
        with database.transaction(engine, tenant) as session:
            found = page(session, tenant, wish, Cut(before=before, size=_PIECE))
        yield from found.rows
        before = found.older
        if before is None:
            return


def _lines(tenant: int, wish: Wish) -> Select[AuditLine]:
    statement = select(AuditLine).where(AuditLine.tenant_id == tenant)
    if wish.actor:
        statement = statement.where(AuditLine.actor == wish.actor)
    if wish.act:
        statement = statement.where(AuditLine.act.startswith(wish.act, autoescape=True))
    return statement
