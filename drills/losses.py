"""A month of a shop's life over a bad line: webhooks lost, late and out of order; then one comparison with each vendor.

Told over any ground that has a sandbox, a door and workers, so that a test and a drill tell the same story. What is
left different is read from the sandbox's own books and from the tables, without a line of the code under test.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx

Json = dict[str, Any]

_BUYER = {
    "first_name": "Ada", "last_name": "Buyer", "address1": "388 Townsend St", "city": "San Francisco",
    "province_code": "CA", "zip": "94107", "country_code": "US", "phone": "4155550100",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Ground:
    """One shop, and how to reach its vendors' books and our tables."""

    sandbox: str
    """The origin of the stand-ins."""
    control: Callable[[str, str, Any], Any]
    rows: Callable[..., Sequence[Any]]
    settle: Callable[[], object]
    """Have webhooks arrive and work be done until neither leads to the other."""
    hurry: Callable[[], object]
    """Let time pass for work that was put off, but not for the carrier's slow word on labels that go back."""
    compare: Callable[[], object]
    """Have one comparison made with each vendor, of everything until now."""
    tenant: int
    domain: str
    sku: str
    stripe_key: str
    easypost_key: str


@dataclass(frozen=True, kw_only=True)
class Losses:
    """What the line lost, what was found, and what is still different (it should be nothing)."""

    lost: Counter[str]
    """Deliveries that never came, by vendor."""
    found: Counter[str]
    """Repairs by scope."""
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
        differences=differences(ground),
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
_FATES = ("plain", "stripe", "cancelled", "edited", "voided", "paid_later")


def _place(ground: Ground, number: int) -> Json:
    fate = _FATES[number % len(_FATES)]
    wish = {
        "shop": ground.domain,
        "lines": [{"sku": ground.sku, "quantity": 2}],
        "ship_to": _BUYER,
        "email": "ada@example.com",
        "financial_status": "paid" if fate in {"plain", "voided"} else "pending",
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
    shipped = {one["id"] for one in _store_orders(ground) if one["fulfillments"]}
    for order in placed:
        if order["fate"] in {"cancelled", "voided"} and order["id"] not in shipped:
            ground.control("POST", f"/shopify/orders/{order['id']}/cancel", {"reason": "CUSTOMER"})
        elif order["fate"] == "stripe":
            ground.control("POST", "/stripe/payments", _payment(ground, order))
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


def _move_parcels(ground: Ground) -> None:
    """What was cancelled in the store is not handed over, whether we have heard of it or not."""
    kept = {one["name"] for one in _store_orders(ground) if not one["cancelled"]}
    for number, label in enumerate(_bought(ground)):
        if label["reference"].rpartition("-")[0] in kept:
            for status in ("in_transit", "out_for_delivery", "delivered")[: 1 + number % 3]:
                ground.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": status})


def _settle_refunds(ground: Ground) -> None:
    for label in _bought(ground):
        if label["refund_status"] == "submitted":
            ground.control("POST", f"/easypost/refunds/{label['id']}/settle", {"result": "refunded"})


# ------------------------------------------------------------------------------------------- what is left different


def differences(ground: Ground) -> list[str]:
    """Everything in which the vendors' books and our tables differ."""
    return [*_of_orders(ground), *_of_stock(ground), *_of_payments(ground), *_of_postage(ground)]


_STANDINGS = {"PAID": "paid", "PENDING": "unpaid", "VOIDED": "voided", "REFUNDED": "refunded", "EXPIRED": "expired"}


def _of_orders(ground: Ground) -> list[str]:
    ours = {
        row.remote_id: row
        for row in ground.rows(
            """SELECT o.remote_id, o.state, o.standing, o.cancelled_at,
                      (SELECT sum(units) FROM order_lines l WHERE l.order_id = o.id) AS units,
                      (SELECT array_agg(p.tracking_code ORDER BY p.tracking_code) FROM parcels p
                       JOIN shipments s ON s.id = p.shipment_id
                       WHERE p.order_id = o.id AND s.state IN ('announced', 'handed_over')) AS numbers
               FROM orders o WHERE o.tenant_id = :tenant""",
            tenant=ground.tenant,
        )
    }
    return [
        f"{theirs['name']}: {word}"
        for theirs in _store_orders(ground)
        for word in _order_differs(theirs, ours.get(theirs["admin_graphql_api_id"]))
    ]


def _order_differs(theirs: Json, ours: Any) -> list[str]:
    if ours is None:
        return ["is not here"]
    units = sum(line["quantity"] for line in theirs["lines"])
    numbers = sorted(
        one["number"] for made in theirs["fulfillments"] if made["status"] == "SUCCESS" for one in made["tracking"]
    )
    compared = {
        "cancelled": (theirs["cancelled"], ours.cancelled_at is not None),
        "state": ("cancelled" if theirs["cancelled"] else "fulfilled", ours.state),
        "money": (_STANDINGS.get(theirs["financial_status"], theirs["financial_status"]), ours.standing),
        "numbers": (numbers, ours.numbers or []),
    }
    if not theirs["cancelled"]:  # what is not wanted of a cancelled order is told by its state
        compared["units"] = (units, ours.units)
    return [f"{what} {there} there, {here} here" for what, (there, here) in compared.items() if there != here]


def _of_stock(ground: Ground) -> list[str]:
    ours = {
        (row.sku, row.name): row.on_hand
        for row in ground.rows(
            "SELECT v.sku, l.name, s.on_hand FROM stock_levels s JOIN variants v ON v.id = s.variant_id "
            "JOIN locations l ON l.id = s.location_id WHERE s.tenant_id = :tenant",
            tenant=ground.tenant,
        )
    }
    theirs = ground.control("GET", f"/shopify/inventory?shop={ground.domain}", None)["levels"]
    return [
        f"{level['sku']} at {level['location']}: {level['on_hand']} there, {here} here"
        for level in theirs
        if (here := ours.get((level["sku"], level["location"]), 0)) != level["on_hand"]
    ]


def _of_payments(ground: Ground) -> list[str]:
    ours = {
        row.remote_id: row
        for row in ground.rows(
            "SELECT remote_id, state, captured_minor, order_id FROM payments WHERE tenant_id = :tenant",
            tenant=ground.tenant,
        )
    }
    found = []
    for theirs in _intents(ground):
        here = ours.get(theirs["id"])
        if here is None:
            found.append(f"{theirs['id']}: is not here")
        elif here.captured_minor != theirs["amount_received"] or here.order_id is None:
            found.append(f"{theirs['id']}: {theirs['amount_received']} taken there, {here.captured_minor} here")
    return found


def _of_postage(ground: Ground) -> list[str]:
    ours = {
        row.shipment_ref: row
        for row in ground.rows(
            """SELECT l.shipment_ref, l.state, l.tracking_code, p.carrier_status, p.tracking_code = l.tracking_code
                      AS travels FROM labels l JOIN parcels p ON p.id = l.parcel_id WHERE l.tenant_id = :tenant""",
            tenant=ground.tenant,
        )
    }
    found = []
    for theirs in _bought(ground):
        here = ours.get(theirs["id"])
        state = {"refunded": "voided", "submitted": "void_requested"}.get(theirs["refund_status"] or "", "bought")
        if here is None or here.state != state:
            found.append(f"label {theirs['tracking_code']}: {state} there, {here.state if here else 'unknown'} here")
        elif here.travels and state == "bought" and here.carrier_status != theirs["tracker_status"]:
            found.append(f"parcel {theirs['tracking_code']}: {theirs['tracker_status']}, {here.carrier_status} here")
    return found


def _store_orders(ground: Ground) -> list[Json]:
    found: list[Json] = ground.control("GET", f"/shopify/orders?shop={ground.domain}", None)["orders"]
    return found


def _bought(ground: Ground) -> list[Json]:
    shown = ground.control("GET", f"/easypost/shipments?key={ground.easypost_key}", None)["shipments"]
    return [one for one in shown if one["bought"]]


def _intents(ground: Ground) -> list[Json]:
    found: list[Json] = []
    after: Json = {}
    while True:
        answered = httpx.get(
            f"{ground.sandbox}/v1/payment_intents",
            params={"limit": 100, **after},
            auth=(ground.stripe_key, ""),
            timeout=60,
        )
        answered.raise_for_status()
        page = answered.json()
        found += page["data"]
        if not page["has_more"]:
            return found
        after = {"starting_after": page["data"][-1]["id"]}


# ------------------------------------------------------------------------------------------- what was told of it


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
