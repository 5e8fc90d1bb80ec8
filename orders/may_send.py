"""Says which places may not send which goods at all, whatever lies or comes there."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Address
from orders.routing import bans
from orders.routing.question import Place, Point, Question, Refused, Want
from records.stock import Location


def closed(
    session: Session, tenant: int, to: Address, wants: Sequence[Want], refused: Sequence[Refused] = ()
) -> set[tuple[int, int]]:
    """(place, line) of the places that orders leave from, where the place may not send this line there."""
    asked = Question(
        wants=tuple(wants),
        to=Point(country=to.country),
        places=_places(session, tenant),
        shelves=(),
        refused=tuple(refused),
        names_bans=True,
    )
    nothing = {one.place for one in bans.places(asked)}
    return bans.closed(asked) | {(place, want.line) for place in nothing for want in wants}


def _places(session: Session, tenant: int) -> tuple[Place, ...]:
    return tuple(
        Place(
            id=one.id,
            name=one.name,
            at=Point(country=one.address.country),
            never_to=one.sending.never_to,
            only_to=one.sending.only_to,
            sends_hazmat=one.sending.sends_hazmat,
        )
        for one in session.scalars(select(Location).where(Location.tenant_id == tenant, Location.ships))
    )
