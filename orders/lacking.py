"""Says what orders that wait for stock still lack: of a bundle, its parts."""

from __future__ import annotations

# Reads from `waiting (order_id)`, which whoever asks defines; answers (variant_id, units). A line of what the store
# does not count, as it does no bundle, bears the store's own name of it only.
BY_VARIANT = """
SELECT coalesce(part.part_id, l.variant_id) AS variant_id,
       sum(l.to_ship * coalesce(part.units, 1) - coalesce(r.units, 0)) AS units
FROM waiting
JOIN orders o ON o.tenant_id = :tenant AND o.id = waiting.order_id
JOIN order_lines l ON l.tenant_id = :tenant AND l.order_id = o.id
LEFT JOIN variants sold ON sold.tenant_id = :tenant AND sold.connection_id = o.connection_id
                       AND sold.remote_id = l.variant_remote_id
LEFT JOIN bundle_parts part ON part.tenant_id = :tenant AND part.bundle_id = sold.id
LEFT JOIN LATERAL (
    SELECT sum(units) AS units FROM reservations
    WHERE tenant_id = :tenant AND order_id = o.id AND line_id = l.id AND state IN ('held', 'consumed')
      AND variant_id = coalesce(part.part_id, l.variant_id)) r ON true
WHERE l.to_ship * coalesce(part.units, 1) > coalesce(r.units, 0)
GROUP BY 1
"""

# The same, of those alone that buyers come for, or that the shop brings: (variant_id, location_id, units).
BY_LEVEL = """
SELECT coalesce(part.part_id, l.variant_id) AS variant_id, spot.location_id,
       sum(spot.units * coalesce(part.units, 1) - coalesce(r.units, 0)) AS units
FROM waiting
JOIN orders o ON o.tenant_id = :tenant AND o.id = waiting.order_id
JOIN order_lines l ON l.tenant_id = :tenant AND l.order_id = o.id
CROSS JOIN LATERAL (
    SELECT (one ->> 'location')::bigint AS location_id, sum((one ->> 'units')::bigint) AS units
    FROM jsonb_array_elements(l.by_hand -> 'parts') AS one GROUP BY 1) spot
LEFT JOIN variants sold ON sold.tenant_id = :tenant AND sold.connection_id = o.connection_id
                       AND sold.remote_id = l.variant_remote_id
LEFT JOIN bundle_parts part ON part.tenant_id = :tenant AND part.bundle_id = sold.id
LEFT JOIN LATERAL (
    SELECT sum(held.units) AS units FROM reservations held
    JOIN shipments s ON s.tenant_id = :tenant AND s.id = held.shipment_id AND s.way <> 'carried'
    WHERE held.tenant_id = :tenant AND held.order_id = o.id AND held.line_id = l.id
      AND held.location_id = spot.location_id AND held.state IN ('held', 'consumed')
      AND held.variant_id = coalesce(part.part_id, l.variant_id)) r ON true
WHERE spot.units * coalesce(part.units, 1) > coalesce(r.units, 0)
GROUP BY 1, 2
"""
