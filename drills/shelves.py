"""Thousands of orders want what lies on the same few shelves, at once, in processes that die: nothing is sold twice."""

from __future__ import annotations

import random
import signal
import time
from typing import Any

from sqlalchemy import text

from drills.play import NotShown, Play
from drills.processes import signalled
from integrations.nouns import Address
from orders import bundles, inventory
from records import database
from records.stock import Location, Variant
from records.tenants import Connection, Rules, Tenant

_PROCESSES = 8
_SKUS, _BUNDLES = 50, 10
_PLACES = ("Reno", "Newark", "Austin")
# So much of what is wanted is there: who comes late goes without.
_ENOUGH = 0.7
_LOOK_S = 0.15


def reserved_by_two_hundred_hands(play: Play) -> int:
    """Orders that reserve the same fifty things and bundles of them at once, in 200 threads of eight processes that are
    killed at random, never wait for each other in a ring, and no unit is promised twice.
    """
    ground, chance = play.ground, random.Random(7)  # nosec B311 # no cryptography
    tenant = _stocked(play, chance)
    deadlocks = _deadlocks(play)
    names = [f"reserver {number}" for number in range(_PROCESSES)]
    for name in names:
        ground.processes.start(name, "drills.reserver", str(tenant))
    kills, until = 0, time.monotonic() + play.size.patience_s
    while _waiting(play, tenant) and time.monotonic() < until:
        time.sleep(_LOOK_S)
        name = chance.choice(names)
        if kills < play.size.faults and ground.processes.alive(name):
            kills += signalled(ground.processes.pid(name), signal.SIGKILL)
        for one in names:
            if not ground.processes.alive(one):
                ground.processes.start(one, "drills.reserver", str(tenant))
    play.fault_ended()
    ground.processes.stop_all(lambda name: name.startswith("reserver"))
    play.lost += [f"reservations of {lane} were never made" for lane in _waiting(play, tenant)]
    wrong = _wrong(play, tenant)
    if _deadlocks(play) > deadlocks:
        wrong.append("orders waited for each other in a ring")
    # No carrier is there for what comes after.
    ground.change("UPDATE jobs SET state = 'cancelled' WHERE tenant_id = :t AND state IN ('due', 'running')", t=tenant)
    if wrong:
        raise NotShown("; ".join(wrong))
    return kills


def _stocked(play: Play, chance: random.Random) -> int:
    """A shop with its shelves, and orders that wait to be reserved; answers the tenant."""
    with database.across_tenants(play.ground.engine, why="drill") as session:
        shop = Tenant(name="Shelves", currency="USD", rules=Rules())
        session.add(shop)
        session.flush()
        store = Connection(
            tenant_id=shop.id, id=f"shelves-{shop.id}", vendor="none", role="storefront", account="", live=False,
            sealed_secrets=b"",
        )  # fmt: skip
        session.add(store)
        session.flush()
        places = [
            Location(
                tenant_id=shop.id, connection_id=store.id, remote_id=name, name=name, ships=True,
                address=Address(country="US"),
            )
            for name in _PLACES
        ]  # fmt: skip
        goods = [_sold(shop.id, store.id, f"SKU-{number:02}") for number in range(_SKUS + _BUNDLES)]
        session.add_all([*places, *goods])
        session.flush()
        things, kits = goods[:_SKUS], goods[_SKUS:]
        for kit in kits:
            for part in chance.sample(things, 3):
                if refused := bundles.put_in(session, shop.id, kit.id, part.id, chance.randint(1, 2)):
                    raise NotShown(refused.why)
        wanted = play.size.reservations
        each = max(1, int(wanted * 3 * _ENOUGH / (_SKUS * len(_PLACES))))
        levels = {(thing.id, place.id): each for thing in things for place in places}
        inventory.count(session, shop.id, levels, actor="drill")
        session.execute(_ORDERS, {"tenant": shop.id, "store": store.id, "count": wanted})
        return shop.id


def _sold(tenant: int, store: str, sku: str) -> Variant:
    return Variant(
        tenant_id=tenant, connection_id=store, remote_id=sku, inventory_remote_id=sku, sku=sku, title=sku,
        unit_price_minor=100, currency="USD", unit_grams=100, needs_shipping=True, tracked=True, hs_code="",
        origin_country="US",
    )  # fmt: skip


# Of one to three lines each, of one or two units, named by the variant as a store names it.
_ORDERS = text("""
WITH placed AS (
    INSERT INTO orders (tenant_id, connection_id, remote_id, name, state, ship_to)
    SELECT :tenant, :store, n, '#' || n, 'released', '{"country": "US"}'::jsonb FROM generate_series(1, :count) n
    RETURNING id
), picked AS (
    SELECT placed.id AS order_id, variant.id, variant.remote_id, 1 + placed.id % 3 AS lines,
           row_number() OVER (PARTITION BY placed.id ORDER BY md5(placed.id || variant.remote_id)) AS place
    FROM placed CROSS JOIN variants variant WHERE variant.tenant_id = :tenant
), ordered AS (
    INSERT INTO order_lines (tenant_id, order_id, remote_id, variant_id, variant_remote_id, sku, title, units, to_ship,
                             unit_price_minor, unit_grams, needs_shipping)
    SELECT :tenant, order_id, place, id, remote_id, remote_id, remote_id, units, units, 100, 100, true
    FROM picked CROSS JOIN LATERAL (SELECT 1 + (order_id + place) % 2 AS units) n WHERE place <= lines
)
INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank)
SELECT :tenant, 'reserve_stock', 'order/' || id, 'order/' || id, 'orders', 30 FROM placed
""")


def _waiting(play: Play, tenant: int) -> list[str]:
    rows = play.ground.rows(
        "SELECT lane FROM jobs WHERE tenant_id = :tenant AND kind = 'reserve_stock' AND state <> 'done'", tenant=tenant
    )
    return [row.lane for row in rows]


def _deadlocks(play: Play) -> int:
    (row,) = play.ground.rows("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    return int(row.deadlocks)


def _wrong(play: Play, tenant: int) -> list[str]:
    """What is not as it has to be, each as a sentence."""
    return [
        f"{sentence}: {[tuple(row) for row in found][:5]}"
        for sentence, sql in _NEVER.items()
        if (found := _found(play, sql, tenant))
    ]


def _found(play: Play, sql: str, tenant: int) -> list[Any]:
    return play.ground.rows(sql, tenant=tenant)


_NEVER = {
    "promised and not there": """
        SELECT variant_id, location_id, on_hand, reserved FROM stock_levels
        WHERE tenant_id = :tenant AND (reserved > on_hand OR reserved < 0)
    """,
    "a level that its movements do not explain": """
        SELECT variant_id, location_id, level.on_hand, told.on_hand, level.reserved, told.reserved
        FROM stock_levels level JOIN (
            SELECT variant_id, location_id, sum(on_hand_change) AS on_hand, sum(reserved_change) AS reserved
            FROM movements WHERE tenant_id = :tenant GROUP BY 1, 2) told USING (variant_id, location_id)
        WHERE level.tenant_id = :tenant AND (level.on_hand, level.reserved) <> (told.on_hand, told.reserved)
    """,
    "reserved and held for nobody": """
        SELECT variant_id, location_id, level.reserved, held.units
        FROM stock_levels level LEFT JOIN (
            SELECT variant_id, location_id, sum(units) AS units FROM reservations
            WHERE tenant_id = :tenant AND state = 'held' GROUP BY 1, 2) held USING (variant_id, location_id)
        WHERE level.tenant_id = :tenant AND level.reserved <> coalesce(held.units, 0)
    """,
    "an order that neither leaves nor waits": """
        SELECT o.id, o.state FROM orders o WHERE o.tenant_id = :tenant
          AND NOT EXISTS (SELECT 1 FROM shipments s WHERE s.tenant_id = o.tenant_id AND s.order_id = o.id)
          AND NOT EXISTS (SELECT 1 FROM holds h WHERE h.tenant_id = o.tenant_id AND h.order_id = o.id)
    """,
    "a shipment without all the parts of its bundles": """
        SELECT l.shipment_id, l.line_id, l.units, p.part_id, r.units
        FROM shipment_lines l
        JOIN order_lines o ON o.tenant_id = l.tenant_id AND o.id = l.line_id
        JOIN bundle_parts p ON p.tenant_id = l.tenant_id AND p.bundle_id = o.variant_id
        LEFT JOIN reservations r ON r.tenant_id = l.tenant_id AND r.line_id = l.line_id AND r.state = 'held'
         AND r.shipment_id = l.shipment_id AND r.variant_id = p.part_id
        WHERE l.tenant_id = :tenant AND coalesce(r.units, 0) <> l.units * p.units
    """,
    "more planned than was ordered": """
        SELECT o.id, o.to_ship, sum(l.units) FROM order_lines o
        JOIN shipment_lines l ON l.tenant_id = o.tenant_id AND l.line_id = o.id
        WHERE o.tenant_id = :tenant GROUP BY o.id, o.to_ship HAVING sum(l.units) > o.to_ship
    """,
    "a unit that stays free while somebody waits for it": """
        SELECT level.variant_id, level.location_id, level.on_hand - level.reserved
        FROM stock_levels level WHERE level.tenant_id = :tenant AND level.on_hand > level.reserved AND EXISTS (
            SELECT 1 FROM order_lines o WHERE o.tenant_id = :tenant AND o.variant_id = level.variant_id
              AND o.to_ship > coalesce((SELECT sum(l.units) FROM shipment_lines l
                                        WHERE l.tenant_id = o.tenant_id AND l.line_id = o.id), 0))
    """,
}
