"""A month of a shop's life over a bad line: webhooks lost, late and out of order; then one comparison with each vendor.

Told over any ground that has a sandbox, a door and workers, so that a test and a drill tell the same story.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from drills import books
from drills.books import Ground, Json
from jobs import desk
from orders.reversing import Wish
from records import database

BUYER = {
    "first_name": "Ada", "last_name": "Buyer", "address1": "388 Townsend St", "city": "San Francisco",
    "province_code": "CA", "zip": "94107", "country_code": "US", "phone": "4155550100",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What the line lost, what was found, and what is still different (it should be nothing)."""

    lost: Counter[str]
    """Deliveries that never came, by vendor."""
    found: Counter[str]
    """Repairs by scope."""
    given_back: int
    """Refunds that we had made, at the provider and in the store."""
    failed: int
    """Those of them that the bank sent back."""
    differences: list[str]
    untold: list[str]
    """Repairs of an order without exactly one line on its timeline."""
    found_again: list[str]
    """What a second comparison found."""


def tell(ground: Ground, *, orders: int, drop: float = 0.05, late: float = 0.2, seed: int = 1) -> Losses:
    """Tell the whole story; `drop` and `late` are shares of the deliveries."""
    _spoil_the_line(ground, drop=drop, late=late, seed=seed)
    placed = [_place(ground, number) for number in range(orders)]
    ground.settle()
    _change(ground, placed)
    ground.settle()
    ground.hurry()
    ground.settle()
    _take_back(ground, placed)
    ground.settle()
    ground.hurry()
    ground.settle()
    failed = _fail_refunds(ground, placed)
    _move_parcels(ground)
    _settle_refunds(ground)
    ground.settle()
    lost = Counter(str(one["vendor"]) for one in ground.control("GET", "/deliveries?state=dropped", None)["deliveries"])
    _mend_the_line(ground)
    ground.compare()
    ground.settle()
    found = _findings(ground)
    told = Losses(
        lost=lost,
        found=Counter(str(one.scope) for one in found),
        given_back=_given_back(ground),
        failed=failed,
        differences=books.differences(ground),
        untold=_untold(ground, found),
        found_again=[],
    )
    ground.compare()
    ground.settle()
    told.found_again.extend(str(one.sentence) for one in _findings(ground)[len(found) :])
    return told


# ------------------------------------------------------------------------------------------- what happens


def _spoil_the_line(ground: Ground, *, drop: float, late: float, seed: int) -> None:
    plan = {"drop": drop, "delay_share": late, "delay_s": [0.2, 2.0], "shuffle": True, "seed": seed}
    ground.control("POST", "/deliveries/plan", plan)


def _mend_the_line(ground: Ground) -> None:
    ground.control("POST", "/deliveries/plan", {})


# By an order's number: how it is paid, and what becomes of it.
_FATES = (
    "plain", "stripe", "cancelled", "edited", "voided", "paid_later", "part_back", "part_back_stripe", "refund_fails",
)  # fmt: skip
_AT_STRIPE = frozenset({"stripe", "part_back_stripe", "refund_fails"})
_PART_BACK = frozenset({"part_back", "part_back_stripe", "refund_fails"})


def _place(ground: Ground, number: int) -> Json:
    fate = _FATES[number % len(_FATES)]
    wish = {
        "shop": ground.domain,
        "lines": [{"sku": ground.sku, "quantity": 2}],
        "ship_to": BUYER,
        "email": "ada@example.com",
        "financial_status": "paid" if fate in {"plain", "voided", "part_back"} else "pending",
        "risk": "ACCEPT",
        "shipping": {"title": "Standard", "price": "5.00"},
    }
    if fate == "voided":  # its label is bought, and the store is too busy to hear of it
        fault = {"vendor": "shopify", "kind": "429", "operation": "fulfillmentCreate", "times": 1, "retry_after": 3600}
        ground.control("POST", "/faults", fault)
    placed: Json = ground.control("POST", "/shopify/orders", wish)
    return placed | {"fate": fate}


def _change(ground: Ground, placed: Sequence[Json]) -> None:
    """A second later, because the store's clock tells whole seconds apart."""
    time.sleep(1.0 - time.time() % 1.0 + 0.01)
    ground.control("DELETE", "/faults", None)
    shipped = {one["id"] for one in books.store_orders(ground) if one["fulfillments"]}
    for order in placed:
        if order["fate"] in {"cancelled", "voided"} and order["id"] not in shipped:
            ground.control("POST", f"/shopify/orders/{order['id']}/cancel", {"reason": "CUSTOMER"})
        elif order["fate"] in _AT_STRIPE:
            order["payment"] = ground.control("POST", "/stripe/payments", _payment(ground, order))["id"]
        elif order["fate"] == "edited":
            lines = [{"sku": ground.sku, "quantity": 1}]
            ground.control("POST", f"/shopify/orders/{order['id']}/edit", {"lines": lines})
            ground.control("POST", f"/shopify/orders/{order['id']}/pay", {})
        elif order["fate"] == "paid_later":
            ground.control("POST", f"/shopify/orders/{order['id']}/pay", {})


def _payment(ground: Ground, order: Json) -> Json:
    return {
        "key": ground.stripe_key,
        "amount": round(float(order["total_price"]) * 100),
        "currency": "usd",
        "metadata": {"order_name": order["name"]},
    }


def _take_back(ground: Ground, placed: Sequence[Json]) -> None:
    """A person here takes one of two units back, of orders that are known here and paid by then."""
    paid = {row.remote_id: row for row in ground.rows(_PAID, tenant=ground.tenant)}
    for order in placed:
        row = paid.get(order["admin_graphql_api_id"])
        if order["fate"] in _PART_BACK and row is not None:
            with database.transaction(ground.engine, ground.tenant) as session:
                wish = Wish(purpose="cancel_lines", wanted={row.line: 1}, reason="buyer")
                desk.cancel(session, ground.tenant, row.order_id, wish, by="person:Ann")


_PAID = """
SELECT o.remote_id, o.id AS order_id, l.id AS line
FROM orders o JOIN order_lines l ON l.tenant_id = o.tenant_id AND l.order_id = o.id
WHERE o.tenant_id = :tenant AND o.standing = 'paid' AND o.cancelled_at IS NULL AND l.units = 2
"""


def _fail_refunds(ground: Ground, placed: Sequence[Json]) -> int:
    """The bank sends some of the refunds back; answers how many."""
    given = {refund["payment_intent"] for refund in books.refunds(ground)}
    failing = [order["payment"] for order in placed if order["fate"] == "refund_fails" and order["payment"] in given]
    for payment in failing:
        ground.control("POST", f"/stripe/payments/{payment}/fail_refund", {})
    return len(failing)


def _move_parcels(ground: Ground) -> None:
    """What was cancelled in the store, or goes back, is not handed over, whether we have heard of it or not."""
    kept = {one["name"] for one in books.store_orders(ground) if not one["cancelled"]}
    for number, label in enumerate(books.bought(ground)):
        if label["reference"].rpartition("-")[0] in kept and label["refund_status"] is None:
            for status in ("in_transit", "out_for_delivery", "delivered")[: 1 + number % 3]:
                ground.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": status})


def _settle_refunds(ground: Ground) -> None:
    for label in books.bought(ground):
        if label["refund_status"] == "submitted":
            ground.control("POST", f"/easypost/refunds/{label['id']}/settle", {"result": "refunded"})


# ------------------------------------------------------------------------------------------- what was told of it


def _given_back(ground: Ground) -> int:
    """Refunds that were made for us and moved money: at the provider, and in the store."""
    in_store = sum(
        float(refund["amount"]) > 0
        for order in books.store_orders(ground)
        if not order["cancelled"]
        for refund in order["refunds"]
    )
    return in_store + len(books.refunds(ground))


def _findings(ground: Ground) -> list[Any]:
    return list(
        ground.rows(
            "SELECT f.*, c.scope FROM findings f JOIN comparisons c ON c.id = f.comparison_id "
            "WHERE f.tenant_id = :tenant ORDER BY f.id",
            tenant=ground.tenant,
        )
    )


def _untold(ground: Ground, found: Sequence[Any]) -> list[str]:
    told = Counter(
        (row.order_id, row.sentence)
        for row in ground.rows(
            "SELECT order_id, sentence FROM timeline_entries WHERE tenant_id = :tenant AND kind = 'repair'",
            tenant=ground.tenant,
        )
    )
    expected = Counter((one.order_id, one.sentence) for one in found if one.order_id is not None)
    return [f"order {order}: {sentence}" for order, sentence in (expected - told) + (told - expected)]
