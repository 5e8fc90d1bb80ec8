"""Reads both sides of the books: what the vendors themselves say has happened, and what our records say."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, text

from drills.shops import Control, Json, Shop

Rows = list[Json]


@dataclass(frozen=True, kw_only=True)
class ShopLedger:
    """One shop's books. `there` is a vendor's own view, `here` are our records."""

    shop: Shop
    orders_there: dict[str, Json]
    """By the store's id."""
    labels_there: Rows
    levels_there: dict[tuple[str, str], int]
    """Units on hand by SKU and location."""
    refunds_there: Rows
    orders_here: dict[str, Json]
    parcels_here: Rows
    labels_here: Rows
    levels_here: dict[tuple[str, str], Json]
    payments_here: Rows


@dataclass(frozen=True, kw_only=True)
class Ledger:
    shops: tuple[ShopLedger, ...]
    accepted: dict[tuple[str, str], str]
    """The topic of each delivery that was answered 2xx, by (vendor, id)."""
    inbox: dict[tuple[str, str], str]
    """The state of every delivery that is kept."""
    counted: Counter[tuple[str, str]]
    """Deliveries that told what is kept already, by (vendor, topic)."""
    jobs: Rows
    """What is not at an end, and what is parked."""


def read(control: Control, connection: Connection, shops: Sequence[Shop]) -> Ledger:
    """Read everything; while work goes on, the two sides are of slightly different moments."""
    delivered = control("GET", "/deliveries?state=delivered")["deliveries"]
    kept = _rows(connection, _INBOX)
    return Ledger(
        shops=tuple(_shop(control, connection, shop) for shop in shops),
        accepted={(one["vendor"], one["delivery_id"]): one["topic"] for one in delivered},
        inbox={(row["vendor"], row["delivery_id"]): row["state"] for row in kept},
        counted=_counted(kept),
        jobs=_rows(connection, _JOBS),
    )


def _counted(kept: Rows) -> Counter[tuple[str, str]]:
    counted: Counter[tuple[str, str]] = Counter()
    for row in kept:
        counted[row["vendor"], row["topic"]] += row["duplicates"]
    return counted


def unsettled(connection: Connection, *, soon_s: float = math.inf) -> int:
    """How much is still under way by our own records: the cheap question, asked before the dear one.

    Work that is due later than `soon_s` from now is left out; so is work that waits for the outside world to decide.
    """
    return int(_rows(connection, _UNSETTLED, soon=min(soon_s, _EVER_S))[0]["count"])


def _shop(control: Control, connection: Connection, shop: Shop) -> ShopLedger:
    orders = control("GET", f"/shopify/orders?shop={shop.domain}")["orders"]
    levels = control("GET", f"/shopify/inventory?shop={shop.domain}")["levels"]
    payments = _rows(connection, _PAYMENTS, tenant=shop.tenant)
    return ShopLedger(
        shop=shop,
        orders_there={order["admin_graphql_api_id"]: order for order in orders},
        labels_there=shop.labels(),
        levels_there={(level["sku"], level["location"]): level["on_hand"] for level in levels},
        refunds_there=shop.refunds(),
        orders_here={row["remote_id"]: row for row in _rows(connection, _ORDERS, tenant=shop.tenant)},
        parcels_here=_rows(connection, _PARCELS, tenant=shop.tenant),
        labels_here=_rows(connection, _LABELS, tenant=shop.tenant),
        levels_here={(row["sku"], row["location"]): row for row in _rows(connection, _LEVELS, tenant=shop.tenant)},
        payments_here=payments,
    )


def _rows(connection: Connection, sql: str, **values: Any) -> Rows:
    return [dict(row) for row in connection.execute(text(sql), values).mappings()]


# A job that waits for the outside world to decide (a refund that takes days) is at rest; one that backs off is not.
_AT_REST = "(state = 'due' AND cause = 'early' AND due_at > now() + interval '1 minute')"
_EVER_S = 10 * 365 * 86_400
_UNSETTLED = f"""
SELECT (SELECT count(*) FROM jobs
        WHERE (state = 'running' OR (state = 'due' AND due_at < now() + make_interval(secs => :soon)))
          AND NOT {_AT_REST})
     + (SELECT count(*) FROM inbox_events WHERE state = 'received') AS count
"""  # nosec B608 # composed of our own constants; every value is bound
_INBOX = "SELECT vendor, delivery_id, topic, state, duplicates FROM inbox_events"
_JOBS = f"""
SELECT tenant_id, id, kind, subject, lane, state, cause, deaths, {_AT_REST} AS at_rest,
       extract(epoch FROM now() - lease_until) AS dead_s, extract(epoch FROM now() - due_at) AS overdue_s
FROM jobs WHERE state IN ('due', 'running', 'parked')
"""  # nosec B608 # composed of our own constants; every value is bound
_ORDERS = """
SELECT o.id, o.remote_id, o.name, o.state,
       (SELECT coalesce(array_agg(h.kind ORDER BY h.kind), '{}') FROM holds h
        WHERE h.tenant_id = o.tenant_id AND h.order_id = o.id AND h.state = 'open') AS holds,
       (SELECT coalesce(array_agg(DISTINCT f.id), '{}')
        FROM (SELECT s.fulfillments FROM shipments s
              WHERE s.tenant_id = o.tenant_id AND s.order_id = o.id AND s.state IN ('announced', 'handed_over')
              UNION ALL SELECT d.fulfillments FROM digital_deliveries d
              WHERE d.tenant_id = o.tenant_id AND d.order_id = o.id AND d.fulfillments IS NOT NULL) told,
             jsonb_array_elements_text(told.fulfillments) f(id))
       AS fulfillments,
       (SELECT coalesce(sum(r.units), 0) FROM reservations r
        WHERE r.tenant_id = o.tenant_id AND r.order_id = o.id AND r.state = 'held') AS held
FROM orders o WHERE o.tenant_id = :tenant
"""
_PARCELS = """
SELECT p.id, p.order_id, p.tracking_code, s.state AS shipment,
       (SELECT count(*) FROM parcel_scans c WHERE c.tenant_id = p.tenant_id AND c.parcel_id = p.id) AS scans
FROM parcels p JOIN shipments s ON s.tenant_id = p.tenant_id AND s.id = p.shipment_id WHERE p.tenant_id = :tenant
"""
_LABELS = "SELECT id, parcel_id, order_id, state, shipment_ref, tracking_code FROM labels WHERE tenant_id = :tenant"
_LEVELS = """
SELECT v.sku, l.name AS location, s.on_hand, s.reserved, m.on_hand AS moved_on_hand, m.reserved AS moved_reserved,
       (SELECT coalesce(sum(r.units), 0) FROM reservations r WHERE r.tenant_id = s.tenant_id
        AND r.variant_id = s.variant_id AND r.location_id = s.location_id AND r.state = 'held') AS held
FROM stock_levels s
JOIN variants v ON v.tenant_id = s.tenant_id AND v.id = s.variant_id
JOIN locations l ON l.tenant_id = s.tenant_id AND l.id = s.location_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(on_hand_change), 0) AS on_hand, coalesce(sum(reserved_change), 0) AS reserved
    FROM movements WHERE tenant_id = s.tenant_id AND variant_id = s.variant_id AND location_id = s.location_id) m
WHERE s.tenant_id = :tenant
"""
_PAYMENTS = """
SELECT id, remote_id, order_id, state, captured_minor, refunded_minor FROM payments WHERE tenant_id = :tenant
"""
