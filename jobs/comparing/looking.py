"""One look at one vendor: what every comparison has in hand, and how it writes down what it found."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeVar

import structlog
from sqlalchemy import ColumnElement, String, cast, func, insert, text
from sqlalchemy.orm import Session

from integrations.only_asking import OnlyWatching
from integrations.ports import Permanent
from jobs import intake, story
from jobs.work import Work
from orders import comparing, lifecycle
from orders.comparing import Difference
from records import comparisons
from records.comparisons import Comparison, Finding

log = structlog.get_logger(__name__)
Thing = TypeVar("Thing")

# So many things are looked up in our records at once.
_BATCH = 50
# How far a long comparison has come is written down this often: a run that is stopped loses no more than this.
PUT_DOWN_EVERY_S = 60.0
# The store's times have whole seconds: what is begun anew within the same one would meet the same things again.
_A_SECOND = timedelta(seconds=1)
# So many refusals in a row, in the same words, are no matter of one thing: the account may not ask this at all.
_NOT_ONE_THING = 10


@dataclass(kw_only=True)
class Look:
    """One comparison under way. What changed after `until` may still be on its way to us, and waits for the next."""

    work: Work
    connection: str
    vendor: str
    comparison: int
    since: datetime
    until: datetime
    began_at: datetime
    enough_at: float = float("inf")
    """The end of this scope's share of the pass, by `clock`: what is left of a long list has its turn at the next."""
    clock: Callable[[], float] = time.monotonic
    ailing: str = ""
    """What is known to be wrong with the vendor's webhooks, as a sentence."""
    looked_at: int = 0
    left_at: datetime | None = None
    """The oldest change that was left for the next comparison, because it is being dealt with at this moment."""
    cut: bool = False
    """There was no time for the end of the list."""
    came_on: bool = False
    """The next comparison begins further on than this one did."""
    _refused: list[tuple[str, int | None, Permanent]] = field(default_factory=list)
    _in_a_row: int = 0
    _put_down_at: float = field(init=False)

    def __post_init__(self) -> None:
        self._put_down_at = self.clock()

    @property
    def tenant(self) -> int:
        return self.work.tenant

    @property
    def out_of_time(self) -> bool:
        return self.clock() >= self.enough_at

    @property
    def agreed_until(self) -> datetime:
        """Up to when the two sides are known to agree: what was left is compared next time."""
        return min(self.until, self.left_at or self.until)

    def source(self) -> intake.Source:
        return intake.Source(
            tenant=self.tenant, connection=self.connection, vendor=self.vendor, now=self.work.now(), asked=True
        )

    @contextmanager
    def apart(self, subject: str, *, order: int | None = None) -> Iterator[None]:
        """Look at one thing apart from the others: one that the vendor refuses to show becomes a finding for a person,
        and keeps nothing else from its end. Raises Permanent where nothing is shown any more.
        """
        try:
            yield
        except OnlyWatching as refusal:
            log.info("not put right, as the shop only watches", subject=subject, act=refusal.what)
        except Permanent as refusal:
            log.warning("could not be compared", subject=subject, code=refusal.code, reason=refusal.reason)
            same = bool(self._refused) and self._refused[-1][2].reason == refusal.reason
            self._in_a_row = self._in_a_row + 1 if same else 1
            if self._in_a_row >= _NOT_ONE_THING:
                raise
            self._refused.append((subject, order, refusal))
        else:
            self._in_a_row = 0

    def oldest_first(self, things: Iterable[Thing], at: Callable[[Thing], datetime]) -> Iterator[Sequence[Thing]]:
        """A vendor's long list, oldest change first, in parts: what is settled of each. How far the list was gone
        through is kept, so that a run that is stopped, or has used up its time, goes on from there.
        """
        for batch in batches(things):
            yield [thing for thing in batch if at(thing) <= self.until]
            self._come_to(min(at(batch[-1]), self.until))
            if self.cut:
                return

    def _come_to(self, at: datetime) -> None:
        if at < self.since + _A_SECOND:
            return
        if self.out_of_time:
            log.info("the rest has its turn at the next pass", until=at.isoformat())
            self.leave(at)
            self.cut = True
        elif self.clock() - self._put_down_at >= PUT_DOWN_EVERY_S:
            self._put_down_at = self.clock()
            reached = min(at, self.agreed_until)
            if reached >= self.since + _A_SECOND:
                self._put_down(reached)

    def _put_down(self, reached: datetime) -> None:
        """End this comparison here, where the two sides agree, and go on with the rest as another one."""
        with self.work.writing() as session:
            self.finish(session, until=reached)
            rest = Comparison(
                tenant_id=self.tenant,
                connection_id=self.connection,
                job_id=self.work.claim.id,
                scope=session.get_one(Comparison, (self.tenant, self.comparison)).scope,
                since=reached,
                until=self.until,
            )
            session.add(rest)
            session.flush()
            lifecycle.move(session, self.tenant, "comparison", rest.id, "begin", began_at=self.began_at)
            following = rest.id
        self.comparison, self.since, self.looked_at, self.came_on = following, reached, 0, True

    def finish(self, session: Session, *, until: datetime) -> None:
        """Write that the two sides agree until then, and what the vendor would not show."""
        for subject, order, refusal in self._refused:
            sentence = f"This could not be compared with {self.vendor.title()}: {refusal.reason} {refusal.remedy}"
            self.find(
                session,
                Difference(subject=subject, order=order, kind="drift", outcome="parked", sentence=sentence),
            )
        self._refused.clear()
        self._end(session, "finish", until=until)

    def fail(self, session: Session, reason: str) -> None:
        self._end(session, "fail", until=self.agreed_until, reason=reason)

    def _end(self, session: Session, by: str, **also: Any) -> None:
        also |= {"looked_at": self.looked_at, "ended_at": func.now()}
        lifecycle.move(session, self.tenant, "comparison", self.comparison, by, **also)

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


def by_lot(id: Any, look: Look) -> ColumnElement[str]:
    """An order that is another one at every comparison: of what is too much for one, nothing stays behind for good."""
    return func.md5(cast(id, String) + f"/{look.comparison}")


def busy(session: Session, tenant: int, lane: str) -> bool:
    """Whether something in a lane is being done at this moment: what it changes is not to be compared yet."""
    return session.execute(_BUSY, {"tenant": tenant, "lane": lane}).first() is not None


_BUSY = text("""
SELECT 1 FROM jobs
WHERE tenant_id = :tenant AND lane = :lane
  AND (state = 'running'
       OR (state = 'due' AND (due_at <= now() OR kind IN ('reverse_order', 'relabel_parcel', 'verify_order',
                                                         'push_tracking', 'replace_tracking', 'change_address',
                                                         'swap_line', 'tell_ready'))))
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
