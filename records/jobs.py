"""The work to be done: the row is the job, and Redis is only the bell."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index, text
from sqlalchemy.orm import Mapped, mapped_column

from records.base import Base, CreatedAt, Id, TenantKey


class Job(Base):
    """One piece of background work about one subject.

    Jobs of one `lane` (an order, an inbox event) run one at a time, in `rank` order; the index says so, not a hope.
    States: due → running → done · due again · parked · cancelled.
    """

    __tablename__ = "jobs"
    __table_args__ = (
        Index(
            "uq_jobs_one_due_a_subject",
            "tenant_id",
            "kind",
            "subject",
            unique=True,
            postgresql_where=text("state = 'due'"),
        ),
        # An inbox event has one job, found by its lane; leaving those out halves what a delivery costs here.
        Index("ix_jobs_subject", "tenant_id", "subject", "kind", postgresql_where=text("kind <> 'take_event'")),
        Index(
            "uq_jobs_one_running_a_lane",
            "tenant_id",
            "lane",
            unique=True,
            postgresql_where=text("state = 'running'"),
        ),
        Index("ix_jobs_lane", "tenant_id", "lane", "state"),
        # The order in which turns are taken: of each queue, each tenant's oldest. Who reads it jumps from tenant to
        # tenant, so that a hundred thousand rows of one cost the others nothing.
        Index("ix_jobs_due", "queue", "tenant_id", "due_at", postgresql_where=text("state = 'due'")),
        Index("ix_jobs_lease", "lease_until", postgresql_where=text("state = 'running'")),
        Index("ix_jobs_parked", "tenant_id", "cause", "id", postgresql_where=text("state = 'parked'")),
    )

    tenant_id: Mapped[TenantKey]
    id: Mapped[Id]
    kind: Mapped[str]
    lane: Mapped[str]
    subject: Mapped[str]
    """`order/42`, `parcel/7`, `event/9`: what the job is about."""
    generation: Mapped[int] = mapped_column(server_default="1")
    """The how-manieth time this work was asked for: a repeat for a fresh reason is a new row."""
    queue: Mapped[str]
    rank: Mapped[int]
    state: Mapped[str] = mapped_column(server_default="due")
    due_at: Mapped[CreatedAt]
    rung_at: Mapped[datetime | None]
    attempts: Mapped[int] = mapped_column(server_default="0")
    """Tries since the job was last due for a fresh reason; a person's retry starts again at 0."""
    deaths: Mapped[int] = mapped_column(server_default="0")
    """How often the process that ran it was gone before it had told how it ended."""
    fence: Mapped[int] = mapped_column(server_default="0")
    """Grows with every claim; a write that carries an older one is refused."""
    lease_until: Mapped[datetime | None]
    worker: Mapped[str] = mapped_column(server_default="")
    cause: Mapped[str] = mapped_column(server_default="")
    """A stable word for why it waits or was parked, by which alike failures are grouped."""
    reason: Mapped[str] = mapped_column(server_default="")
    remedy: Mapped[str] = mapped_column(server_default="")
    created_at: Mapped[CreatedAt]
    started_at: Mapped[datetime | None]
    ended_at: Mapped[datetime | None]
