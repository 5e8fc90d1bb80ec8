"""Asks the carrier for rates, chooses one, and commits what will be bought before it is bought."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import update
from sqlalchemy.orm import Session

from integrations.nouns import Consignment, Quote, Rate
from integrations.ports import Carrier, Permanent
from jobs import story
from jobs.work import Work
from orders import consigning, rates
from records.shipments import Label


def quote(
    work: Work,
    carrier: Carrier,
    consignment: Consignment,
    *,
    label: int,
    order: int,
    deliver_by: datetime | None,
    ships_at: datetime,
    carriers: Collection[str],
    couriers: Sequence[Rate] = (),
) -> tuple[str, Rate]:
    """The reference of the quoted shipment, and the chosen rate. Raises Permanent where nobody offers one."""
    quoted = carrier.quote(consignment)
    choice = rates.choose(
        quoted.rates, ships_at=ships_at, deliver_by=deliver_by, carriers=carriers, couriers=couriers
    )  # fmt: skip
    with work.writing() as session:
        session.execute(
            update(Label)
            .where(Label.tenant_id == work.tenant, Label.id == label, Label.state == "intended")
            .values(
                shipment_ref=quoted.shipment_ref,
                consignment_digest=consigning.digest(consignment),
                rate=None if choice is None else choice.rate,
                rates=[rate.model_dump(mode="json") for rate in (*quoted.rates, *couriers)],
                remarks=list(quoted.remarks),
                choice="" if choice is None else choice.sentence,
            )
        )
        if choice is not None:
            story.tell(session, work, order, choice.sentence, kind="choice", remarks=list(quoted.remarks))
    if choice is None:
        raise _no_rates(quoted, carriers)
    return quoted.shipment_ref, choice.rate


def forget(session: Session, tenant: int, label: int) -> None:
    """What was quoted is not bought: the next try asks for rates of its own."""
    session.execute(
        update(Label)
        .where(Label.tenant_id == tenant, Label.id == label, Label.state == "intended")
        .values(shipment_ref="", rate=None, consignment_digest="")
    )


def _no_rates(quoted: Quote, carriers: Collection[str]) -> Permanent:
    allowed = f" Allowed carriers: {', '.join(carriers)}." if carriers and quoted.rates else ""
    said = " ".join(quoted.remarks) or "No carrier said why."
    return Permanent(
        f"No carrier offers a rate for this parcel. {said}{allowed}",
        remedy="Check address, weight and customs, or allow another carrier; then retry.",
        code="no_rates",
    )
