"""Reads what is on its way, what comes first standing first, and what came or was cancelled lately."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from records.stock import Arrival, Location, Variant

MOST_EXPECTED = 500
MOST_ENDED = 50


@dataclass(frozen=True, kw_only=True)
class Due:
    """An arrival with what it is of and where it goes."""

    row: Arrival
    variant: Variant
    place: str


def expected(session: Session, tenant: int) -> Sequence[Due]:
    """What is expected, by its day; what has none stands last. At most MOST_EXPECTED."""
    wanted = _whole(tenant).where(Arrival.state == "expected")
    return _read(session, wanted.order_by(Arrival.due_on.nulls_last(), Arrival.id).limit(MOST_EXPECTED))


def ended(session: Session, tenant: int) -> Sequence[Due]:
    """What came, or was cancelled, the newest first."""
    wanted = _whole(tenant).where(Arrival.state != "expected")
    return _read(session, wanted.order_by(Arrival.id.desc()).limit(MOST_ENDED))


def found(session: Session, tenant: int, arrival: int) -> Due | None:
    read = _read(session, _whole(tenant).where(Arrival.id == arrival))
    return read[0] if read else None


def _whole(tenant: int) -> Select[Arrival, Variant, str]:
    return (
        select(Arrival, Variant, Location.name)
        .join(Variant, (Variant.tenant_id == Arrival.tenant_id) & (Variant.id == Arrival.variant_id))
        .join(Location, (Location.tenant_id == Arrival.tenant_id) & (Location.id == Arrival.location_id))
        .where(Arrival.tenant_id == tenant)
    )


def _read(session: Session, statement: Select[Arrival, Variant, str]) -> list[Due]:
    return [Due(row=row, variant=variant, place=place) for row, variant, place in session.execute(statement)]
