"""Every table in one place: what the migrations build and the tests compare with them."""

from __future__ import annotations

from records import inbox, intentions, jobs, orders, shipments, stock, tenants, timeline, users
from records.base import Base

TABLES = Base.metadata.tables
MODULES = (inbox, intentions, jobs, orders, shipments, stock, tenants, timeline, users)
METADATA = Base.metadata
