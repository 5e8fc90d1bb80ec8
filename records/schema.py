"""Every table in one place: what the migrations build and the tests compare with them."""

from __future__ import annotations

from records import (
    audit,
    choices,
    comparisons,
    counts,
    decisions,
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
    tenants,
    timeline,
    users,
)
from records.base import Base

TABLES = Base.metadata.tables
MODULES = (
    audit,
    choices,
    comparisons,
    counts,
    decisions,
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
    tenants,
    timeline,
    users,
)
METADATA = Base.metadata
