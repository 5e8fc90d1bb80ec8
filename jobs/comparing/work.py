"""Holds what the store asks us to ship against what was planned, where the store routed work that nobody told us of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from integrations.nouns import ChangedWork, StoreOrder, WorkRouted
from jobs import intake
from jobs.comparing import looking
from jobs.comparing.looking import Look
from orders import by_hand, comparing, known_before, progress
from orders.by_hand import Spot
from orders.comparing import Difference
from records.jobs import Job
from records.orders import Order, lines_of, open_holds
from records.tenants import Tenant

# We say when we read an order, the store when its work changed: a reading that only seems to be later is made again.
CLOCKS_MAY_DIFFER = timedelta(minutes=5)


@dataclass(frozen=True, kw_only=True)
class Planned:
    """An open order, and what it still means to ship by the store's line ids."""

    order: int
    name: str
    wanted: Mapping[str, int]
    held: bool
    places: Mapping[str, int]
    by_hand: Mapping[str, Mapping[Spot, int]]
    """What of `wanted` waits for its buyer at these places."""


def compare(look: Look) -> None:
    storefront = look.work.storefront(look.connection)
    for changed in look.oldest_first(storefront.changed_work(look.since), lambda work: work.updated_at):
        look.looked_at += len(changed)
        newest = {work.order_remote_id: work for work in changed}
        for remote_id, planned in _planned(look, list(newest.values())).items():
            with look.apart(remote_id, order=planned.order):
                _make_good(look, storefront.read_order(remote_id), newest[remote_id], planned)


def _planned(look: Look, changed: Sequence[ChangedWork]) -> dict[str, Planned]:
    """The open orders that were not read since their work changed."""
    found = {}
    with look.work.reading() as session:
        for work in changed:
            order = _open_order(session, look, work)
            if order is not None:
                found[work.order_remote_id] = _plan(session, look.tenant, order)
    return found


def _open_order(session: Session, look: Look, work: ChangedWork) -> Order | None:
    order = session.scalars(
        select(Order).where(
            Order.tenant_id == look.tenant,
            Order.connection_id == look.connection,
            Order.remote_id == work.order_remote_id,
            Order.state.in_(intake.STILL_OPEN),
        )
    ).first()
    if order is None:
        return None
    if looking.busy(session, look.tenant, f"order/{order.id}"):
        look.leave(work.updated_at)
        return None
    read_at = session.scalar(
        select(func.max(Job.started_at)).where(
            Job.tenant_id == look.tenant,
            Job.subject == f"order/{order.id}",
            Job.kind == "verify_order",
            Job.state == "done",
        )
    )
    return order if read_at is None or read_at - CLOCKS_MAY_DIFFER <= work.updated_at else None


def _plan(session: Session, tenant: int, order: Order) -> Planned:
    gone = progress.announced(session, tenant, order.id)
    lines = lines_of(session, tenant, order.id)
    return Planned(
        order=order.id,
        name=order.name,
        wanted={line.remote_id: line.to_ship - gone.get(line.id, 0) for line in lines},
        places=_places(session, tenant, order),
        by_hand=by_hand.not_gone(lines, by_hand.in_shipments(session, tenant, order.id, states=progress.GONE)),
        held=any(hold.kind == "storefront" for hold in open_holds(session, tenant, order.id)),
    )


def _places(session: Session, tenant: int, order: Order) -> dict[str, int]:
    """Where we would put units aside: nowhere while the order is only watched, as it was not verified for that."""
    if known_before.only_watched(session, session.get_one(Tenant, tenant), order.id):
        return {}
    return by_hand.places_of(session, tenant, order.connection_id)


def _make_good(look: Look, store: StoreOrder, changed: ChangedWork, planned: Planned) -> None:
    lack = comparing.work_lack(store, planned.wanted, held=planned.held, places=planned.places, by_hand=planned.by_hand)
    if not lack:
        return
    with look.work.writing() as session:
        because = look.because(session, changed.work_remote_id.rpartition("/")[2], changed.updated_at)
        if because is None:
            return
        fact = WorkRouted(work_remote_id=changed.work_remote_id)
        intake.hear(session, look.source(), fact, work_order=changed.order_remote_id)
        sentence = f"The store {lack} for order {planned.name}: {because}. The order is checked anew."
        look.find(
            session,
            Difference(
                subject=f"order/{planned.order}",
                order=planned.order,
                kind="missed",
                outcome="repaired",
                sentence=sentence,
            ),
        )
