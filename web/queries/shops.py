"""Lists the shops that Packline works for."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from records.tenants import Tenant

# More shops than this want a search, which comes with the first installation that has them.
_MOST = 500


def every(session: Session, *, only: int | None = None) -> list[Tenant]:
    """All shops by name; `only` narrows to the one that somebody may see."""
    statement = select(Tenant).order_by(Tenant.name, Tenant.id).limit(_MOST)
    return list(session.scalars(statement if only is None else statement.where(Tenant.id == only)))
