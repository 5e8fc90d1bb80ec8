"""One look at one vendor: what every comparison has in hand, and how it writes down what it found."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import TypeVar

import structlog
from sqlalchemy import insert, text
from sqlalchemy.orm import Session

from integrations.ports import Permanent
from jobs import intake, story
from jobs.work import Work
from orders import comparing
from orders.comparing import Difference
from records import comparisons
from records.comparisons import Finding

log = structlog.get_logger(__name__)
Thing = TypeVar("Thing")

# So many things are looked up in our records at once.
_BATCH = 50


@dataclass(kw_only=True)
class Look:
    """One comparison under way. What changed after `until` may still be on its way to us, and waits for the next."""

    work: Work
    connection: str
    vendor: str
    comparison: int
    since: datetime
    until: datetime
    ailing: str = ""
    """What is known to be wrong with the vendor's webhooks, as a sentence."""
    looked_at: int = 0
    left_at: datetime | None = None
    """The oldest change that was left for the next comparison, because it is being dealt with at this moment."""
    refused: list[Permanent] = field(default_factory=list)
    """What the vendor would not tell us; it fails the comparison once everything else was looked at."""

    @property
    def tenant(self) -> int:
        return self.work.tenant

    def source(self) -> intake.Source:
        return intake.Source(
            tenant=self.tenant, connection=self.connection, vendor=self.vendor, now=self.work.now(), asked=True
        )

    @contextmanager
    def apart(self, subject: str) -> Iterator[None]:
        """Look at one thing apart from the others: one that the vendor refuses to show must not hide the rest."""
        try:
            yield
        except Permanent as refusal:
            log.warning("could not be compared", subject=subject, code=refusal.code, reason=refusal.reason)
            self.refused.append(refusal)

    def leave(self, at: datetime) -> None:
        """Leave what changed `at` for the next comparison, which will begin there."""
        self.left_at = min(at, self.left_at or at)

    def because(self, session: Session, needle: str, at: datetime | None) -> str | None:
        """Why nobody told us of what happened `at`; None, and left, where its delivery is here and about to be read.

        `needle` is the vendor's id of the thing, which stands in the bodies of its deliveries.
        """
        told = delivery_of(session, self.tenant, self.connection, needle)
        if told == "waiting":
            self.leave(at or self.until)
            return None
        return comparing.why(told=told, ailing=self.ailing, waited=None if at is None else self.work.now() - at)

    def find(self, session: Session, difference: Difference) -> None:
        """Write down one difference, with its line on the order's timeline. What repairs nothing is told once only."""
        if difference.outcome != "repaired" and comparisons.said_before(
            session, self.tenant, difference.subject, difference.sentence
        ):
            return
        session.execute(
            insert(Finding).values(
                tenant_id=self.tenant,
                comparison_id=self.comparison,
                order_id=difference.order,
                subject=difference.subject,
                kind=difference.kind,
                outcome=difference.outcome,
                sentence=difference.sentence,
            )
        )
        log.info("difference found", subject=difference.subject, found=difference.kind, outcome=difference.outcome)
        if difference.order is not None:
            story.tell(
                session, self.work, difference.order, difference.sentence, kind="repair", comparison=self.comparison
            )


def batches(things: Iterable[Thing]) -> Iterator[Sequence[Thing]]:
    """A vendor's long list in parts; nothing of ours is open while the next part is fetched."""
    iterator = iter(things)
    while batch := list(islice(iterator, _BATCH)):
        yield batch


def busy(session: Session, tenant: int, lane: str) -> bool:
    """Whether something in a lane is being done at this moment: what it changes is not to be compared yet."""
    return session.execute(_BUSY, {"tenant": tenant, "lane": lane}).first() is not None


_BUSY = text("""
SELECT 1 FROM jobs
WHERE tenant_id = :tenant AND lane = :lane
  AND (state = 'running'
       OR (state = 'due' AND (due_at <= now() OR kind IN ('reverse_order', 'relabel_parcel', 'verify_order',
                                                         'push_tracking', 'replace_tracking'))))
LIMIT 1
""")


def delivery_of(session: Session, tenant: int, connection: str, needle: str) -> str:
    """`waiting` where a delivery that names the thing is kept and not read yet, `parked` where it could not be read."""
    asked = {"tenant": tenant, "connection": connection, "needle": needle.encode()}
    if session.execute(_WAITING, asked).first() is not None:
        return "waiting"
    return "parked" if session.execute(_PARKED, asked).first() is not None else ""


_WAITING = text("""
SELECT 1 FROM jobs j JOIN inbox_events e ON e.tenant_id = j.tenant_id AND e.id = substr(j.subject, 7)::bigint
WHERE j.tenant_id = :tenant AND j.kind = 'take_event' AND j.state IN ('due', 'running')
  AND e.connection_id = :connection AND position(cast(:needle AS bytea) IN e.body) > 0
LIMIT 1
""")
_PARKED = text("""
SELECT 1 FROM inbox_events
WHERE tenant_id = :tenant AND state = 'parked' AND connection_id = :connection
  AND position(cast(:needle AS bytea) IN body) > 0
LIMIT 1
""")
