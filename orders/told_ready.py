"""Knows of a pickup whether its buyer was written that it is ready: Packline had it told, or the merchant did.

That the store calls the work begun is no proof: a part of it was picked up, or somebody is packing it.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from integrations.nouns import Way
from records.intentions import Intention
from records.shipments import shipments_of

# Begun, or done: by us, or there by others.
_TOLD = ("intended", "succeeded", "adopted")


def key_of(shipment: int) -> str:
    """Our key for telling the storefront that a shipment lies ready."""
    return f"ready/{shipment}"


def hear(session: Session, tenant: int, order: int) -> None:
    """The merchant said so in the store: what waits for the buyer need not be told, and its buyer was written."""
    waiting = [
        one for one in shipments_of(session, tenant, order) if one.way == Way.COLLECTED.value and one.state == "planned"
    ]
    for shipment in waiting:
        session.execute(
            insert(Intention)
            .values(
                tenant_id=tenant,
                key=key_of(shipment.id),
                kind="tell_ready",
                subject=f"shipment/{shipment.id}",
                attempt=1,
                request_digest="",
                state="adopted",
            )
            .on_conflict_do_nothing(index_elements=["tenant_id", "key"])
        )


def may_be(session: Session, tenant: int, shipments: Collection[int]) -> bool:
    """Whether the buyer of one of these was written, or may have been."""
    found = select(Intention.id).where(
        Intention.tenant_id == tenant,
        Intention.key.in_([key_of(one) for one in shipments]),
        Intention.state.in_(_TOLD),
    )
    return session.scalars(found.limit(1)).first() is not None
