"""Every table in one place: what the migrations build and the tests compare with them."""

from __future__ import annotations

from records import (
    address_changes,
    audit,
    choices,
    comparisons,
    counts,
    couriers,
    decisions,
    digital,
    inbox,
    installs,
    intentions,
    jobs,
    notices,
    orders,
    privacy,
    replenishing,
    reversals,
    shadow,
    shipments,
    stock,
    suppliers,
    tenants,
    timeline,
    users,
)
from records.base import Base

TABLES = Base.metadata.tables
MODULES = (
    address_changes,
    audit,
    choices,
    comparisons,
    counts,
    couriers,
    decisions,
    digital,
    inbox,
    installs,
    intentions,
    jobs,
    notices,
    orders,
    privacy,
    replenishing,
    reversals,
    shadow,
    shipments,
    stock,
    suppliers,
    tenants,
    timeline,
    users,
)
METADATA = Base.metadata
