"""Proves that everything a shop connected works: each step is written down as it ends, and a run goes on from there.

Nothing of it touches an order. The label is bought with a key for tests only, once for each test, and given back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations import registry
from integrations.only_asking import OnlyWatching
from integrations.ports import Checkup, Permanent
from jobs import connect, kept_self_test, label_for_testing, queue, there_and_back
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.work import Work
from orders import listening, self_testing
from orders.self_testing import Found, Warehouse, failed, ok, skipped
from records import tenants
from records.stock import Location, StockLevel
from records.tenants import Connection

log = structlog.get_logger(__name__)

_LOOK_AGAIN_S = 1.0


def ask(session: Session, tenant: int, *, by: str, now: str) -> int:
    """Have everything tested, or what is left of a test that has not ended; answers the number of the test."""
    number = kept_self_test.begin(session, tenant, by=by, now=now)
    queue.add(session, tenant, "self_test", f"tenant/{tenant}")
    return number


def run(work: Work) -> Outcome:
    kept = _kept(work)
    if not kept or kept.get("ended_at"):
        return Cancelled(reason="no self-test waits for its end")
    try:
        return _go_on(work, kept)
    except kept_self_test.Superseded:
        return Cancelled(reason="another self-test was begun")
    except OnlyWatching:
        # Anew, each step asks first whether the shop watches, and asks the vendors for nothing that is not let through.
        return Snoozed(wait_s=_LOOK_AGAIN_S, reason="The shop turned to watching meanwhile: the step begins anew.")


def _go_on(work: Work, kept: dict[str, Any]) -> Outcome:
    for name in self_testing.STEPS:
        if name in kept["steps"]:
            continue
        found = _try(work, kept, _DO[name])
        if found is None:
            return Snoozed(wait_s=_LOOK_AGAIN_S, reason="The test delivery has not been read yet.")
        kept = _write(work, kept, name, found)
    _write_end(work, kept)
    return Done()


def _try(work: Work, kept: dict[str, Any], step: Callable[[Work, dict[str, Any]], Found | None]) -> Found | None:
    """What a vendor refuses is what the test is for; what it cannot do now is tried again."""
    try:
        return step(work, kept)
    except Permanent as refusal:
        return failed(refusal.reason, refusal.remedy)


# ------------------------------------------------------------------------------------------- the steps


def _scopes(work: Work, kept: dict[str, Any]) -> Found:  # noqa: ARG001
    answers = []
    for row in _connections(work):
        look = work.checkup(row.id)
        answers.append(
            skipped(f"{row.vendor.title()} cannot be asked what we may do.") if look is None else _lacking(row, look)
        )
    return self_testing.all_of(answers, nothing="Nothing is connected yet.")


def _lacking(row: Connection, look: Checkup) -> Found:
    if not look.lacks:
        return ok(f"{row.vendor.title()} lets us do all that we need.")
    return failed(" ".join(one.sentence for one in look.lacks), " ".join(one.remedy for one in look.lacks))


def _topics(work: Work, kept: dict[str, Any]) -> Found:  # noqa: ARG001
    if not work.services.public_url:
        return skipped("Nobody knows the address at which vendors reach us.", "Set PUBLIC_URL, then test again.")
    answers = []
    for row in _connections(work):
        vendor = registry.vendor(row.vendor)
        place = listening.Place(
            vendor=row.vendor,
            tenant=work.tenant,
            address=connect.hook_address(row, work.services.public_url),
            topics=vendor.topics,
            unlisted=vendor.unlisted_hooks,
        )
        verdict = listening.judge(place, _asked(work, row).hooks(), row.hooks_seen)
        answers.append(self_testing.listening(row.vendor.title(), verdict.remarks))
    return self_testing.all_of(answers, nothing="Nothing is connected yet.")


def _locations(work: Work, kept: dict[str, Any]) -> Found:  # noqa: ARG001
    with work.reading() as session:
        places = _places(session, work.tenant)
        in_shadow = tenants.mode_of(session, work.tenant) == "shadow"
        carrier = tenants.connection_for(session, work.tenant, "carrier")
    asks = carrier is not None and not in_shadow
    told = [
        Warehouse(
            name=place.name,
            ships=place.ships,
            has_stock=has_stock,
            address=place.address,
            problems=_opinion(work, place) if asks and place.ships else None,
        )
        for place, has_stock in places
    ]
    found = self_testing.locations(told)
    if found.state == "ok" and not asks:
        return ok(f"{found.sentence} No carrier was asked about the addresses.")
    return found


def _opinion(work: Work, place: Location) -> tuple[str, ...]:
    verdict = work.newest_carrier().verify_address(place.address)
    return () if verdict.deliverable else (verdict.problems or ("no reason given",))


def _payments(work: Work, kept: dict[str, Any]) -> Found:  # noqa: ARG001
    with work.reading() as session:
        connection = tenants.connection_for(session, work.tenant, "payments")
    if connection is None:
        return skipped("No payment provider is connected, and a shop needs none.")
    next(iter(work.payments(connection.id).payments_since(work.now() - timedelta(days=1))), None)
    return ok(f"Payments at {connection.vendor.title()} can be read.")


_DO: dict[str, Callable[[Work, dict[str, Any]], Found | None]] = {
    "scopes": _scopes,
    "topics": _topics,
    "locations": _locations,
    "round_trip": there_and_back.step,
    "label": label_for_testing.step,
    "payments": _payments,
}


# ------------------------------------------------------------------------------------------- what is written down


def _kept(work: Work) -> dict[str, Any]:
    with work.reading() as session:
        return kept_self_test.read(session, work.tenant)


def _write(work: Work, kept: dict[str, Any], name: str, found: Found) -> dict[str, Any]:
    log.info("self-test step ended", step=name, found=found.state)
    with work.writing() as session:
        return kept_self_test.write(session, work.tenant, kept["number"], {}, {name: found.as_kept()})


def _write_end(work: Work, kept: dict[str, Any]) -> None:
    with work.writing() as session:
        kept_self_test.write(session, work.tenant, kept["number"], {"ended_at": work.now().isoformat()})


# ------------------------------------------------------------------------------------------- what is looked up


def _connections(work: Work) -> list[Connection]:
    with work.reading() as session:
        return tenants.living(session, work.tenant)


def _asked(work: Work, row: Connection) -> Any:
    return {"storefront": work.storefront, "payments": work.payments, "carrier": work.carrier}[row.role](row.id)


def _places(session: Session, tenant: int) -> list[tuple[Location, bool]]:
    stocked = (
        select(func.sum(StockLevel.on_hand))
        .where(StockLevel.tenant_id == tenant, StockLevel.location_id == Location.id)
        .scalar_subquery()
    )
    rows = session.execute(select(Location, stocked).where(Location.tenant_id == tenant).order_by(Location.id))
    return [(place, bool(units)) for place, units in rows]
