"""Works out what each thing will be asked for at each location, and when to order it: where that has changed."""

from __future__ import annotations

import structlog
from sqlalchemy import select, tuple_
from sqlalchemy.orm import Session

from jobs import queue
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import demand, foreseeing, intermittent
from orders.demand import Level
from records.replenishing import Forecast
from records.tenants import Tenant, rules_of

log = structlog.get_logger(__name__)

# Rows that are read and written together; a page of them is a transaction of some tens of milliseconds.
_AT_ONCE = 200
# A run leaves the process to others after so many new forecasts, each of some milliseconds; the rest is asked for.
_A_RUN = 1_000


def run(work: Work) -> Outcome:
    with work.reading() as session:
        shop = session.get_one(Tenant, work.tenant)
    if shop.closed_at is not None or shop.redacted_at is not None:
        return Cancelled(reason="the shop has left: nothing is ordered for it any more")
    with work.writing() as session:
        demand.bring_up(session, work.tenant, today=work.now().date())
    made, after = 0, (0, 0)
    while made < _A_RUN:
        page, new = _page(work, after)
        if not page:
            log.info("demand forecast", made=made)
            return Done()
        made, after = made + new, page[-1]
    with work.writing() as session:
        queue.add(session, work.tenant, "forecast_demand", work.claim.subject)
    return Done()


def _page(work: Work, after: Level) -> tuple[list[Level], int]:
    """The levels of the next page, and for how many a forecast was made: where history or models are other ones."""
    models = intermittent.models()
    with work.reading() as session:
        kept = _kept(session, work.tenant, after)
        histories = demand.histories(session, work.tenant, list(kept), today=work.now().date())
    digests = foreseeing.digests(histories, models)
    changed = [level for level, digest in kept.items() if digest != digests.get(level, _NO_HISTORY)]
    made = {
        level: foreseeing.columns(histories.get(level), models) | {"series_digest": digests.get(level, _NO_HISTORY)}
        for level in changed
    }
    if kept:
        with work.writing() as session:
            rules = rules_of(session, work.tenant).replenishing
            foreseeing.write(session, work.tenant, list(kept), made, rules=rules, now=work.now())
    return list(kept), len(made)


# What stands in a digest's place where no week is over yet.
_NO_HISTORY = "none"


def _kept(session: Session, tenant: int, after: Level) -> dict[Level, str]:
    rows = session.execute(
        select(Forecast.variant_id, Forecast.location_id, Forecast.series_digest)
        .where(Forecast.tenant_id == tenant, tuple_(Forecast.variant_id, Forecast.location_id) > after)
        .order_by(Forecast.variant_id, Forecast.location_id)
        .limit(_AT_ONCE)
    )
    return {(row.variant_id, row.location_id): row.series_digest for row in rows}
