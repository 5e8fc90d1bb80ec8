"""Gathers what is held of a buyer into an export, sealed as secrets are, that an admin fetches and sends."""

from __future__ import annotations

import json
from datetime import timedelta

import structlog

from jobs import forget_buyer, privacy
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import export, forgetting, lifecycle
from records.orders import Order
from records.privacy import find

log = structlog.get_logger(__name__)

# As long as the demand itself may take: who has not fetched it by then asks again.
KEPT_FOR = timedelta(days=30)


def run(work: Work) -> Outcome:
    with work.reading() as session:
        demand = find(session, work.tenant, work.subject_id)
        if demand is None or demand.state != "due":
            return Cancelled(reason="the demand is done, or there is none")
        buyer = forget_buyer.named_buyer(session, work.tenant, demand)
        orders = privacy.held_of(session, work.tenant, demand, email=buyer.email)
        # By nothing that a namesake or a neighbour has as well: what is shown here is handed to the buyer.
        words = [*forget_buyer.words_of(session, work.tenant, orders), *forget_buyer.own_words(buyer)]
        held = export.gather(session, work.tenant, orders, forgetting.sought(words))
        gathered = [session.get_one(Order, (work.tenant, order)).remote_id for order in orders]
    named = {"customer": buyer.remote_id, "email": buyer.email, "phone": buyer.phone}
    now = work.now()
    document = {"asked_at": demand.created_at.isoformat(), "gathered_at": now.isoformat(), "buyer": named} | held
    with work.writing() as session:
        lifecycle.move(
            session, work.tenant, "privacy_request", demand.id, "finish",
            sealed_export=work.services.keyring.seal({"document": json.dumps(document)}),
            export_expires_at=now + KEPT_FOR,
            wanted=demand.wanted | {"gathered": gathered},
            found={"orders": len(orders), "deliveries": len(held["deliveries"])},
            done_at=now,
        )  # fmt: skip
    log.info("buyer's data gathered", demand=demand.id, orders=len(orders), deliveries=len(held["deliveries"]))
    return Done()
