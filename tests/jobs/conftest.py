"""Jobs are tested in a small shop, with stages that do as they are told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Engine

from config import logs
from config.settings import Settings
from jobs import claims, queue, runner, stages
from jobs.claims import Claim
from jobs.outcomes import Done, Outcome
from jobs.work import Work
from tests.shop import Shop, open_shop


@pytest.fixture(scope="session")
def _logs(base_settings: Settings) -> None:
    """Logs as in production: structlog's own default draws every local variable of a traceback, which takes seconds."""
    logs.set_up(base_settings)


@pytest.fixture
def shop(engine: Engine, _logs: None) -> Shop:
    return open_shop(engine)


@dataclass
class Lane:
    """One lane of one shop: ask for work in it, run it, look at what became of it."""

    shop: Shop
    name: str
    ran: list[str] = field(default_factory=list)
    doing: dict[str, Callable[[Work], Outcome]] = field(default_factory=dict)

    def add(self, kind: str = "verify_order", subject: str = "", **more: Any) -> None:
        with self.shop.transaction() as session:
            queue.add(session, self.shop.tenant, kind, subject or self.name, lane=self.name, **more)

    def claim(self, worker: str = "w1", lease_s: float = 30) -> Claim | None:
        return claims.claim_next(self.shop.engine, self.shop.tenant, self.name, worker=worker, lease_s=lease_s)

    def conclude(self, claim: Claim, state: str, **more: Any) -> None:
        with self.shop.transaction() as session:
            claims.conclude(session, claim, state=state, **more)

    def work_off(self, **more: Any) -> int:
        return runner.work_off(self.shop.services(**more), self.shop.tenant, self.name)

    def jobs(self, *columns: str) -> list[Any]:
        """These columns of the lane's jobs, oldest first; single values where one column is asked for."""
        rows = self.shop.rows(f"SELECT {', '.join(columns)} FROM jobs WHERE lane = :lane ORDER BY id", lane=self.name)
        return [row[0] for row in rows] if len(columns) == 1 else rows

    def job(self, *columns: str) -> Any:
        (row,) = self.jobs(*columns)
        return row

    def expire(self) -> None:
        """Let the lease of the running job run out: its worker is gone."""
        self.shop.run(
            "UPDATE jobs SET lease_until = now() - interval '1 ms' WHERE state = 'running' AND lane = :l", l=self.name
        )

    def hurry(self) -> None:
        self.shop.run("UPDATE jobs SET due_at = now() WHERE state = 'due' AND lane = :l", l=self.name)


@pytest.fixture
def lane(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Lane:
    """The lane of one order. Its stages note their kind and do what `doing` says, else they are done."""
    order = shop.order((None, 1), state="received")
    made = Lane(shop=shop, name=f"order/{order}")

    def run(work: Work) -> Outcome:
        made.ran.append(work.claim.kind)
        return made.doing.get(work.claim.kind, lambda _: Done())(work)

    monkeypatch.setattr(stages, "run", run)
    return made


@pytest.fixture
def rung(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, str]]:
    """The bells that were asked for, in order."""
    heard: list[tuple[str, int, str]] = []
    monkeypatch.setattr("jobs.bell.ring", lambda *bell: heard.append(bell))
    return heard
