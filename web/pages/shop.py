"""Opens a shop for a page: one transaction for its tenant, and 404 where there is no such shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from flask import abort, current_app, g
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import database
from records.tenants import Tenant


@dataclass(frozen=True)
class Shop:
    """What every page of a shop says of it; plain values, which outlive the transaction."""

    id: int
    name: str
    mode: str = "live"


@contextmanager
def opened(tenant: int) -> Iterator[Session]:
    """A transaction of the shop's; it commits at the end and rings for the work that it asked for."""
    with database.transaction(engine(), tenant) as session:
        row = session.get(Tenant, tenant) or abort(404)
        g.shop = Shop(id=row.id, name=row.name, mode=row.mode)
        yield session


def engine() -> Engine:
    opened_engine: Engine = current_app.extensions["engine"]
    return opened_engine
