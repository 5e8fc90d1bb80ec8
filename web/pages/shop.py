"""Opens a shop for a page: one transaction for its tenant, and 404 where there is no such shop."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import abort, current_app, g
from sqlalchemy import Engine
from sqlalchemy.orm import Session

from records import database
from records.tenants import Tenant


@contextmanager
def opened(tenant: int) -> Iterator[Session]:
    """A transaction of the shop's; it commits at the end and rings for the work that it asked for."""
    with database.transaction(engine(), tenant) as session:
        g.shop = session.get(Tenant, tenant) or abort(404)
        yield session


def engine() -> Engine:
    opened_engine: Engine = current_app.extensions["engine"]
    return opened_engine
