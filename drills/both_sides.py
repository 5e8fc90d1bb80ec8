"""A shop's stock that everybody changes at once: buyers, the store's people, ours; over a line that loses webhooks.

Told over any ground that has a sandbox, a door and workers, so that a test and a drill tell the same story.
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drills import books
from drills.books import Ground, Json
from drills.losses import BUYER
from jobs import desk, stock_desk
from orders.reversing import Wish
from records import database

_ROUNDS = 4
_BY = "person:Ann"
# So many orders are paid later, if at all; of so many that are cancelled the units go back to the shelf.
_PENDING, _RESTOCKED = 0.4, 0.8
# After a comparison nothing may be left but what it left on purpose, because it was being worked on.
_COMPARISONS = 3


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What was done to the stock, and what is still different (it should be nothing)."""

    orders: int
    cancelled: int
    taken_back: int
    """Orders of which a person here took a part, or all, back: units came back to the shelf."""
    counted_there: int
    counted_here: int
    lost: int
    """Deliveries that never came."""
    moved: int
    """Movements that a person here made by hand."""
    told: int
    """Those of them that the store was told of."""
    differences: list[str]


def tell(ground: Ground, *, orders: int, drop: float = 0.05, seed: int = 1) -> Changed:
    """Tell the whole story; `drop` is the share of the deliveries that are lost."""
    chance = random.Random(seed)  # nosec B311 # no cryptography
    ground.control("POST", "/deliveries/plan", {"drop": drop, "shuffle": True, "seed": seed})
    done = {"cancelled": 0, "taken_back": 0, "counted_there": 0, "counted_here": 0}
    for number in range(_ROUNDS):
        placed = [_place(ground, chance) for _ in range(orders // _ROUNDS + (number < orders % _ROUNDS))]
        done["counted_there"] += _count_there(ground, chance)
        done["counted_here"] += _count_here(ground, chance)
        _rest(ground)
        done["cancelled"] += _cancel_there(ground, placed, chance)
        done["counted_here"] += _count_here(ground, chance)
        done["taken_back"] += _take_back_here(ground, placed, chance)
        done["counted_there"] += _count_there(ground, chance)
        _rest(ground)
    lost = len(ground.control("GET", "/deliveries?state=dropped", None)["deliveries"])
    ground.control("POST", "/deliveries/plan", {})
    for _ in range(_COMPARISONS):
        ground.compare()
        _rest(ground)
    (moved,) = ground.rows(_MOVED, tenant=ground.tenant)
    return Changed(
        orders=orders, lost=lost, moved=moved.moved, told=moved.told, differences=differences(ground), **done
    )


_MOVED = """
SELECT count(*) AS moved,
       count(*) FILTER (WHERE EXISTS (
           SELECT 1 FROM intentions i WHERE i.tenant_id = m.tenant_id AND i.subject = 'movement/' || m.id
             AND i.state IN ('succeeded', 'adopted'))) AS told
FROM movements m WHERE m.tenant_id = :tenant AND m.actor LIKE 'person:%' AND m.order_id IS NULL
"""


def differences(ground: Ground) -> list[str]:
    """Every level in which the store and we differ, or one of us differs from itself."""
    ours = {(row.sku, row.place): row for row in ground.rows(_LEVELS, tenant=ground.tenant)}
    theirs = ground.control("GET", f"/shopify/inventory?shop={ground.domain}", None)["levels"]
    found = [
        f"{level['sku']} at {level['location']}: {word}"
        for level in theirs
        for word in _differs(level, ours.pop((level["sku"], level["location"]), None))
    ]
    found += [f"{sku} at {place}: {row.on_hand} here, none there" for (sku, place), row in ours.items() if row.on_hand]
    found += [
        f"level {row.variant_id}/{row.location_id}: its movements do not explain it" for row in _unexplained(ground)
    ]
    return found


_LEVELS = """
SELECT v.sku, l.name AS place, s.on_hand, s.reserved, s.damaged, s.safety,
       (SELECT coalesce(sum(r.units), 0) FROM reservations r
        WHERE r.tenant_id = s.tenant_id AND r.variant_id = s.variant_id AND r.location_id = s.location_id
          AND r.state = 'held') AS held
FROM stock_levels s JOIN variants v ON v.tenant_id = s.tenant_id AND v.id = s.variant_id
JOIN locations l ON l.tenant_id = s.tenant_id AND l.id = s.location_id
WHERE s.tenant_id = :tenant
"""


def _differs(level: Json, ours: Any) -> list[str]:
    if ours is None:
        return ["is not here"] if level["on_hand"] else []
    aside = level["damaged"] + level["quality_control"] + level["safety_stock"] + level["reserved"]
    compared = {
        # Units that were never there and are cancelled without going back leave the store with less than nothing.
        "on hand": (max(0, level["on_hand"]), ours.on_hand),
        "set aside": (aside, ours.damaged + ours.safety),
        "available and what it is counted from": (level["available"], level["on_hand"] - level["committed"] - aside),
        "reserved and what orders hold": (ours.held, ours.reserved),
    }
    said = [f"{what}: {there} against {here}" for what, (there, here) in compared.items() if there != here]
    if not 0 <= ours.reserved <= ours.on_hand:
        said.append(f"oversold: {ours.reserved} promised of {ours.on_hand}")
    return said


def _unexplained(ground: Ground) -> Sequence[Any]:
    return ground.rows(
        """SELECT s.variant_id, s.location_id FROM stock_levels s
           LEFT JOIN (SELECT variant_id, location_id, sum(on_hand_change) AS hand, sum(reserved_change) AS held,
                             sum(damaged_change) AS damaged, sum(safety_change) AS safety
                      FROM movements WHERE tenant_id = :tenant GROUP BY variant_id, location_id) m
             USING (variant_id, location_id)
           WHERE s.tenant_id = :tenant AND (s.on_hand, s.reserved, s.damaged, s.safety)
                 <> (coalesce(m.hand, 0), coalesce(m.held, 0), coalesce(m.damaged, 0), coalesce(m.safety, 0))""",
        tenant=ground.tenant,
    )


def _rest(ground: Ground) -> None:
    """Let everything arrive and be done, what is gathered for a while too."""
    for _ in range(2):
        ground.settle()
        ground.hurry()
    ground.settle()


# ------------------------------------------------------------------------------------------- what happens


def _place(ground: Ground, chance: random.Random) -> Json:
    skus = sorted({level["sku"] for level in _there(ground)})
    chosen = chance.sample(skus, k=min(len(skus), chance.randint(1, 2)))
    pending = chance.random() < _PENDING
    wish = {
        "shop": ground.domain,
        "lines": [{"sku": sku, "quantity": chance.randint(1, 3)} for sku in chosen],
        "ship_to": BUYER,
        "email": "ada@example.com",
        "financial_status": "pending" if pending else "paid",
        "risk": "ACCEPT",
        "shipping": {"title": "Standard", "price": "5.00"},
    }
    placed: Json = ground.control("POST", "/shopify/orders", wish)
    return placed | {"pending": pending}


def _there(ground: Ground) -> Sequence[Json]:
    found: Sequence[Json] = ground.control("GET", f"/shopify/inventory?shop={ground.domain}", None)["levels"]
    return found


def _count_there(ground: Ground, chance: random.Random) -> int:
    """The store's people find a few units more, or fewer, of what is not promised to anybody."""
    chosen = chance.sample(list(_there(ground)), k=2)
    for level in chosen:
        found = level["on_hand"] + (chance.randint(1, 9) if level["available"] < 20 else chance.randint(-9, 9))
        where = {"shop": ground.domain, "sku": level["sku"], "location": level["location"]}
        ground.control("POST", "/shopify/inventory", where | {"on_hand": found})
    return len(chosen)


def _count_here(ground: Ground, chance: random.Random) -> int:
    """A person here does the same."""
    levels = sorted(
        ground.rows(
            "SELECT variant_id, location_id, on_hand, reserved FROM stock_levels WHERE tenant_id = :tenant",
            tenant=ground.tenant,
        ),
        key=lambda row: (row.variant_id, row.location_id),
    )
    chosen = chance.sample(levels, k=2)
    with database.transaction(ground.engine, ground.tenant) as session:
        for level in chosen:
            free = level.on_hand - level.reserved
            more = chance.randint(1, 9) if free < 20 else chance.randint(-9, 9)
            place = (level.variant_id, level.location_id)
            stock_desk.adjust(session, ground.tenant, place, more, reason="found", reference="", by=_BY)
    return len(chosen)


def _cancel_there(ground: Ground, placed: Sequence[Json], chance: random.Random) -> int:
    """Every second order that nobody has shipped; the others are paid. The store's clock tells whole seconds apart."""
    time.sleep(1.0 - time.time() % 1.0 + 0.01)
    shipped = {one["id"] for one in books.store_orders(ground) if one["fulfillments"]}
    waiting = [one for one in placed if one["id"] not in shipped]
    cancelled, kept = waiting[::2], waiting[1::2]
    for order in cancelled:
        wish = {"reason": "CUSTOMER", "restock": chance.random() < _RESTOCKED}
        ground.control("POST", f"/shopify/orders/{order['id']}/cancel", wish)
    for order in kept:
        if order["pending"]:
            ground.control("POST", f"/shopify/orders/{order['id']}/pay", {})
    return len(cancelled)


def _take_back_here(ground: Ground, placed: Sequence[Json], chance: random.Random) -> int:
    """A part, or all, of orders that are known here, announced ones among them: their units come back."""
    known = {row.remote_id: row for row in ground.rows(_KNOWN, tenant=ground.tenant)}
    chosen = [known[one["admin_graphql_api_id"]] for one in placed if one["admin_graphql_api_id"] in known]
    taken = chosen[: 1 + len(chosen) // 4]
    for row in taken:
        part = chance.random() < 0.5 and row.units > 1
        wish = (
            Wish(purpose="cancel_lines", wanted={row.line: 1}, reason="buyer")
            if part
            else Wish(purpose="cancel", reason="buyer")
        )
        with database.transaction(ground.engine, ground.tenant) as session:
            desk.cancel(session, ground.tenant, row.order_id, wish, by="person:Ann")
    return len(taken)


_KNOWN = """
SELECT DISTINCT ON (o.id) o.remote_id, o.id AS order_id, l.id AS line, l.units
FROM orders o JOIN order_lines l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
WHERE o.tenant_id = :tenant AND o.cancelled_at IS NULL AND o.state NOT IN ('cancelling', 'cancelled')
ORDER BY o.id, l.units DESC, l.id
"""
