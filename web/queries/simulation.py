"""Asks the choices of the last month anew under other rules, as many as there is time for. Writes nothing."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from orders.routing import simulating
from orders.routing.simulating import Kept, Simulation
from records import decisions
from records.decisions import RoutingDecision
from records.routing import RoutingRules
from records.tenants import Tenant
from web.queries import orders

DAYS = 30
_MOST = 5_000
# A page that takes longer is taken for broken.
_PATIENCE_S = 8.0
_MOST_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What the rules come to. `kept` is how many choices there are; `shown` the first of the differences."""

    said: Simulation
    kept: int
    shown: tuple[simulating.Difference, ...]
    names: Mapping[int, str]
    currency: str

    @property
    def looked_at(self) -> int:
        return self.said.asked + self.said.left_out


def run(session: Session, tenant: int, rules: RoutingRules, *, now: datetime, patience_s: float = _PATIENCE_S) -> Tried:
    """The oldest of the last month first, until all are asked or the time is over."""
    since = now - timedelta(days=DAYS)
    kept = session.execute(
        select(func.count()).where(RoutingDecision.tenant_id == tenant, RoutingDecision.at >= since)
    ).scalar_one()
    rows = decisions.since(session, tenant, since, most=_MOST)
    said = simulating.simulate(_within(_kept(rows), time.monotonic() + patience_s), rules)
    shown = said.differences[:_MOST_SHOWN]
    return Tried(
        said=said,
        kept=kept,
        shown=shown,
        names=orders.names(session, tenant, [one.order for one in shown]),
        currency=session.get_one(Tenant, tenant).currency,
    )


def _kept(rows: Iterable[RoutingDecision]) -> Iterator[Kept]:
    for row in rows:
        yield Kept(
            id=row.id, order=row.order_id, version=row.version, question=row.question, answer=row.answer,
            digest=row.digest,
        )  # fmt: skip


def _within(kept: Iterator[Kept], until: float) -> Iterator[Kept]:
    for one in kept:
        if time.monotonic() > until:
            return
        yield one
