"""What somebody counted, from the first scan or the uploaded sheet to the levels that were set by it."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKeyConstraint, Index
from sqlalchemy.orm import Mapped, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Count(Base):
    """One counting. States: counting → ready (to be looked through) → applied; discarded.

    While it is counted and looked through, no level is touched.
    """

    __tablename__ = "counts"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        Index("ix_counts_state", "tenant_id", "state", "id"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    means: Mapped[str]
    """`sheet` (a CSV file) or `scan`."""
    location_id: Mapped[int | None]
    """Where it is scanned; a sheet names a location in each row."""
    name: Mapped[str]
    """What the merchant calls it: the file's name."""
    remark: Mapped[str]
    """What is to be known of how the file was read."""
    state: Mapped[str] = mapped_column(server_default="counting")
    actor: Mapped[str]
    created_at: Mapped[CreatedAt]
    ended_at: Mapped[datetime | None]


class CountLine(Base):
    """What was counted of one variant at one location, or a row that could not be read."""

    __tablename__ = "count_lines"
    __table_args__ = (
        ForeignKeyConstraint(["tenant_id", "count_id"], ["counts.tenant_id", "counts.id"]),
        ForeignKeyConstraint(["tenant_id", "variant_id"], ["variants.tenant_id", "variants.id"]),
        ForeignKeyConstraint(["tenant_id", "location_id"], ["locations.tenant_id", "locations.id"]),
        # A row that could not be read has no variant, and there may be many of those.
        Index("uq_count_lines_level", "tenant_id", "count_id", "variant_id", "location_id", unique=True),
        Index("ix_count_lines_place", "tenant_id", "count_id", "place", "id"),
        CheckConstraint("units >= 0", name="units_not_negative"),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    count_id: Mapped[int]
    place: Mapped[int]
    """The line of the file that it stands in; of a scan, which in turn."""
    variant_id: Mapped[int | None]
    location_id: Mapped[int | None]
    units: Mapped[int]
    seen: Mapped[int | None]
    """What was on hand when it became ready: a level that is something else by then is left alone."""
    reason: Mapped[str]
    problem: Mapped[str]
    """What is wrong with the row and what to do, or why it was left out; empty where nothing is."""
    movement_id: Mapped[int | None]
    """The movement that set the level by it."""
