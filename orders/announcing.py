"""Names what the storefront is told of a shipment by keys of our own, and says where nobody knows how that ended."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.intentions import Intention
from records.shipments import BY_HAND, parcels_of, shipments_of

# What the storefront is to be told of, or is being told.
TO_TELL = frozenset({"labelled", "handing_over"})


def key_of(shipment: int, carrier: str) -> str:
    """Our key for telling the storefront of one carrier's boxes of a shipment."""
    return f"announce/{shipment}/{carrier}"


def in_doubt(session: Session, tenant: int, order: int) -> list[int]:
    """The shipments that the storefront may show as shipped already: telling it was begun, and never ended."""
    to_tell = {one.id: one for one in shipments_of(session, tenant, order) if one.state in TO_TELL}
    if not to_tell:
        return []
    keys = {
        key_of(parcel.shipment_id, parcel.carrier): parcel.shipment_id
        for parcel in parcels_of(session, tenant, order)
        if parcel.shipment_id in to_tell
    } | {key_of(id, ""): id for id, one in to_tell.items() if one.way in BY_HAND or one.courier}
    return sorted({keys[key] for key in begun(session, tenant, keys)})


def begun(session: Session, tenant: int, keys: Collection[str]) -> set[str]:
    """Those of these keys under which something was begun that has no known end."""
    return set(
        session.scalars(
            select(Intention.key).where(
                Intention.tenant_id == tenant, Intention.key.in_(keys), Intention.state == "intended"
            )
        )
    )
