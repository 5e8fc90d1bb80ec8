"""Everything that is sealed in the database, column by column, and its exchange without losing a newer value."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Column, Table, bindparam, select, tuple_, update
from sqlalchemy.orm import Session

from records.digital import DigitalCode, DigitalGoods
from records.privacy import PrivacyRequest
from records.suppliers import Supplier
from records.tenants import Connection
from records.users import User


@dataclass(frozen=True)
class Sealed:
    """One column of sealed bytes. A test compares the list below with the schema."""

    table: Table
    column: Column[bytes]

    def __str__(self) -> str:
        return f"{self.table.name}.{self.column.name}"


def _of(model: Any, name: str) -> Sealed:
    table: Table = model.__table__
    return Sealed(table=table, column=table.c[name])


EVERY = (
    _of(Connection, "sealed_secrets"),
    _of(User, "sealed_totp"),
    _of(PrivacyRequest, "sealed_export"),
    _of(DigitalGoods, "sealed_link"),
    _of(DigitalCode, "sealed_code"),
    _of(Supplier, "sealed_hook_secret"),
)


@dataclass(frozen=True)
class Row:
    """A row's key and what it holds sealed."""

    key: tuple[Any, ...]
    sealed: bytes


def batch(session: Session, what: Sealed, *, after: tuple[Any, ...] | None, size: int) -> Sequence[Row]:
    """The next rows that hold something, in the order of their keys."""
    keys = list(what.table.primary_key.columns)
    statement = select(*keys, what.column).where(what.column.is_not(None)).order_by(*keys).limit(size)
    if after is not None:
        statement = statement.where(tuple_(*keys) > tuple_(*(bindparam(None, part) for part in after)))
    return [Row(key=tuple(found[:-1]), sealed=found[-1]) for found in session.execute(statement)]


def swap(session: Session, what: Sealed, row: Row, sealed: bytes) -> bool:
    """Put other bytes in the place of these very ones; answers whether they still stood there."""
    statement = update(what.table).where(what.column == row.sealed).values({what.column: sealed})
    for column, value in zip(what.table.primary_key.columns, row.key, strict=True):
        statement = statement.where(column == value)
    return session.execute(statement.returning(*what.table.primary_key.columns)).first() is not None


def pages(
    sessions: Callable[[], AbstractContextManager[Session]], what: Sealed, *, size: int
) -> Iterator[Sequence[Row]]:
    """Every row that holds something, some at a time, each lot in a transaction of its own (`sessions()`)."""
    after: tuple[Any, ...] | None = None
    while True:
        with sessions() as session:
            found = batch(session, what, after=after, size=size)
        if not found:
            return
        yield found
        after = found[-1].key
