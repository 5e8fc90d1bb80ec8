"""Tells an order of a missed event of its payment, where nobody knew until later which order that one pays for."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from jobs import story
from jobs.work import Work
from records.comparisons import Comparison, Finding
from records.inbox import InboxEvent
from records.orders import Payment

# The newest: a payment that was not matched for that many others is not one of ours.
_LOOKED_AT = 200


def tell(session: Session, work: Work) -> None:
    """Give every such finding its order, and the order its line."""
    for finding in _orderless(session, work.tenant):
        order = _order_of(session, work.tenant, finding)
        if order is not None:
            finding.order_id = order
            story.tell(session, work, order, finding.sentence, kind="repair", comparison=finding.comparison_id)


def _orderless(session: Session, tenant: int) -> list[Finding]:
    return list(
        session.scalars(
            select(Finding)
            .join(Comparison, (Comparison.tenant_id == Finding.tenant_id) & (Comparison.id == Finding.comparison_id))
            .where(
                Finding.tenant_id == tenant,
                Finding.order_id.is_(None),
                Finding.subject.startswith("event/"),
                Comparison.scope == "events",
            )
            .order_by(Finding.id.desc())
            .limit(_LOOKED_AT)
            .with_for_update(of=Finding, skip_locked=True)
        )
    )


def _order_of(session: Session, tenant: int, finding: Finding) -> int | None:
    """By what the event was about, once it was read."""
    event = session.get(InboxEvent, (tenant, int(finding.subject.removeprefix("event/"))))
    thing, _, number = (event.subject if event else "").partition("/")
    if thing == "order":
        return int(number)
    payment = session.get(Payment, (tenant, int(number))) if thing == "payment" else None
    return payment.order_id if payment else None
