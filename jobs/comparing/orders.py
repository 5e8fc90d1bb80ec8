"""Holds our orders against those that the store changed lately: unknown ones, older versions, cancellations, money."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select

from integrations.nouns import ChangedOrder, OrderChanged
from integrations.ports import Storefront
from jobs import intake
from jobs.comparing import looking
from jobs.comparing.looking import Look
from orders import comparing
from orders.comparing import Difference, KnownOrder
from records.orders import Order


def compare(look: Look) -> None:
    storefront = look.work.storefront(look.connection)
    for changed in look.oldest_first(storefront.changed_orders(look.since), lambda order: order.updated_at):
        look.looked_at += len(changed)
        known = _known(look, changed)
        for order in changed:
            ours = known.get(order.remote_id)
            if not comparing.worth_reading(order, ours):
                continue
            if ours is not None and ours.looked_at_next:
                look.leave(order.updated_at)
                continue
            with look.apart(order.remote_id, order=ours.id if ours else None):
                _make_good(look, storefront, order, ours)


def _known(look: Look, changed: Sequence[ChangedOrder]) -> dict[str, KnownOrder]:
    with look.work.reading() as session:
        rows = session.scalars(
            select(Order).where(
                Order.tenant_id == look.tenant,
                Order.connection_id == look.connection,
                Order.remote_id.in_([order.remote_id for order in changed]),
            )
        ).all()
        return {
            row.remote_id: KnownOrder(
                id=row.id,
                state=row.state,
                updated_at=row.remote_updated_at,
                cancelled_at=row.cancelled_at,
                standing=row.standing,
                content_digest=row.content_digest,
                looked_at_next=row.state in intake.STILL_OPEN and looking.busy(session, look.tenant, f"order/{row.id}"),
            )
            for row in rows
        }


def _make_good(look: Look, storefront: Storefront, changed: ChangedOrder, known: KnownOrder | None) -> None:
    """Read the order and hear it as if the store had told us. An update that changes nothing for us is no finding."""
    snapshot = storefront.read_order(changed.remote_id).snapshot
    lack = comparing.order_lack(snapshot, known)
    with look.work.writing() as session:
        because = look.because(session, changed.remote_id.rpartition("/")[2], changed.updated_at)
        if because is None:
            return
        heard = intake.hear(session, look.source(), OrderChanged(remote_id=changed.remote_id, snapshot=snapshot))
        if lack:
            look.find(
                session,
                Difference(
                    subject=heard.subject,
                    order=int(heard.subject.removeprefix("order/")),
                    kind="missed",
                    outcome="repaired",
                    sentence=comparing.order_sentence(lack, snapshot, known, because),
                ),
            )
