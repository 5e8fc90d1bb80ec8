"""Cuts long lists into pages by the id of a row, so that page 1,000 is as quick as page 1 and nothing shifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select
from sqlalchemy.orm import InstrumentedAttribute, Session

PAGE = 50

Row = TypeVar("Row")


@dataclass(frozen=True, kw_only=True)
class Cut:
    """Where a page lies: rows older than `before`, or newer than `after`, or the newest of all."""

    before: int | None = None
    after: int | None = None
    size: int = PAGE


@dataclass(frozen=True, kw_only=True)
class Page(Generic[Row]):
    """Rows, newest first; `older` and `newer` are the ids to ask for the next pages with, where there are any."""

    rows: Sequence[Row]
    older: int | None = None
    newer: int | None = None


def newest_first(session: Session, statement: Select[Row], id: InstrumentedAttribute[int], cut: Cut) -> Page[Row]:
    """One page of a statement that selects one entity with an id."""
    if cut.after is not None:
        found = list(session.scalars(statement.where(id > cut.after).order_by(id.asc()).limit(cut.size + 1)))
        more, rows = len(found) > cut.size, found[: cut.size][::-1]
        return Page(rows=rows, older=_id(rows[-1]) if rows else None, newer=_id(rows[0]) if more else None)
    if cut.before is not None:
        statement = statement.where(id < cut.before)
    found = list(session.scalars(statement.order_by(id.desc()).limit(cut.size + 1)))
    more, rows = len(found) > cut.size, found[: cut.size]
    return Page(
        rows=rows,
        older=_id(rows[-1]) if more else None,
        newer=_id(rows[0]) if rows and cut.before is not None else None,
    )


def _id(row: Any) -> int:
    id: int = row.id
    return id
