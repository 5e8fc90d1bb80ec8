"""Says how many working days a thing takes to be made, or put together, before it can leave."""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.orm import Session

# A year: what takes longer is not promised by counting days.
MOST_DAYS = 365


def days_in(session: Session, tenant: int, order: int) -> dict[int, int]:
    """Days by order line, where it takes any: its own, or those of the slowest part of a bundle."""
    rows = session.execute(_DAYS_IN, {"tenant": tenant, "order": order})
    return {row.line_id: int(row.days) for row in rows}


def days_of(session: Session, tenant: int, variant: int) -> int:
    """Days of one variant, in the same way."""
    found = session.execute(_DAYS_OF, {"tenant": tenant, "variant": variant}).scalar()
    return int(found or 0)


_DAYS_IN = text("""
SELECT line.id AS line_id, greatest(max(sold.making_days), coalesce(max(part.making_days), 0)) AS days
FROM order_lines line
JOIN orders o ON o.tenant_id = line.tenant_id AND o.id = line.order_id
JOIN variants sold ON sold.tenant_id = line.tenant_id AND sold.connection_id = o.connection_id
                  AND sold.remote_id = line.variant_remote_id
LEFT JOIN bundle_parts held ON held.tenant_id = line.tenant_id AND held.bundle_id = sold.id
LEFT JOIN variants part ON part.tenant_id = held.tenant_id AND part.id = held.part_id
WHERE line.tenant_id = :tenant AND line.order_id = :order
GROUP BY line.id HAVING greatest(max(sold.making_days), coalesce(max(part.making_days), 0)) > 0
""")
_DAYS_OF = text("""
SELECT greatest(max(sold.making_days), coalesce(max(part.making_days), 0))
FROM variants sold
LEFT JOIN bundle_parts held ON held.tenant_id = sold.tenant_id AND held.bundle_id = sold.id
LEFT JOIN variants part ON part.tenant_id = held.tenant_id AND part.id = held.part_id
WHERE sold.tenant_id = :tenant AND sold.id = :variant
""")
