"""Holds the vendors' own books against our tables, without a line of the code that is to keep them equal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import httpx
from sqlalchemy import Engine

Json = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Ground:
    """One shop, and how to reach its vendors' books and our tables."""

    sandbox: str
    """The origin of the stand-ins."""
    control: Callable[[str, str, Any], Any]
    rows: Callable[..., Sequence[Any]]
    engine: Engine
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


def differences(ground: Ground) -> list[str]:
    """Everything in which the vendors' books and our tables differ."""
    return [
        *_of_orders(ground),
        *_of_stock(ground),
        *_of_payments(ground),
        *_of_refunds(ground),
        *_of_postage(ground),
    ]


_STANDINGS = {
    "PAID": "paid",
    "PENDING": "unpaid",
    "VOIDED": "voided",
    "REFUNDED": "refunded",
    "PARTIALLY_REFUNDED": "part_refunded",
    "EXPIRED": "expired",
}


def _of_orders(ground: Ground) -> list[str]:
    ours = {
        row.remote_id: row
        for row in ground.rows(
            """SELECT o.remote_id, o.state, o.standing, o.cancelled_at,
                      (SELECT sum(units) FROM order_lines l WHERE l.order_id = o.id) AS units,
                      (SELECT coalesce(sum(s.amount_minor), 0) FROM reversal_steps s
                       JOIN reversals r ON r.tenant_id = s.tenant_id AND r.id = s.reversal_id
                       WHERE r.tenant_id = o.tenant_id AND r.order_id = o.id AND s.kind = 'refund_in_store'
                         AND s.state = 'done') AS given_back,
                      (SELECT array_agg(p.tracking_code ORDER BY p.tracking_code) FROM parcels p
                       JOIN shipments s ON s.id = p.shipment_id
                       WHERE p.order_id = o.id AND s.state IN ('announced', 'handed_over')) AS numbers
               FROM orders o WHERE o.tenant_id = :tenant""",
            tenant=ground.tenant,
        )
    }
    return [
        f"{theirs['name']}: {word}"
        for theirs in store_orders(ground)
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
        compared["given back"] = (_minor(theirs["refunded"]), int(ours.given_back))
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


def _of_refunds(ground: Ground) -> list[str]:
    """What stands as given back now, and that no refund of ours is missing there: one that failed was made, too."""
    stands: Counter[str] = Counter()
    made: Counter[str] = Counter()
    for refund in refunds(ground):
        made[refund["payment_intent"]] += refund["amount"]
        if refund["status"] in {"succeeded", "pending"}:
            stands[refund["payment_intent"]] += refund["amount"]
    found = []
    for row in ground.rows(_GIVEN_BACK, tenant=ground.tenant):
        if row.refunded_minor != stands[row.remote_id]:
            found.append(f"{row.remote_id}: {stands[row.remote_id]} given back there, {row.refunded_minor} here")
        if row.by_us > made[row.remote_id]:
            found.append(f"{row.remote_id}: of {row.by_us} that we gave back, {made[row.remote_id]} are there")
    return found


_GIVEN_BACK = """
SELECT p.remote_id, p.refunded_minor,
       (SELECT coalesce(sum(s.amount_minor), 0) FROM reversal_steps s
        WHERE s.tenant_id = p.tenant_id AND s.subject = 'payment/' || p.id AND s.kind = 'refund_payment'
          AND s.state = 'done') AS by_us
FROM payments p WHERE p.tenant_id = :tenant
"""


def _minor(amount: str) -> int:
    return round(float(amount) * 100)


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
    for theirs in bought(ground):
        here = ours.get(theirs["id"])
        state = {"refunded": "voided", "submitted": "void_requested"}.get(theirs["refund_status"] or "", "bought")
        if here is None or here.state != state:
            found.append(f"label {theirs['tracking_code']}: {state} there, {here.state if here else 'unknown'} here")
        elif here.travels and state == "bought" and here.carrier_status != theirs["tracker_status"]:
            found.append(f"parcel {theirs['tracking_code']}: {theirs['tracker_status']}, {here.carrier_status} here")
    return found


def store_orders(ground: Ground) -> list[Json]:
    found: list[Json] = ground.control("GET", f"/shopify/orders?shop={ground.domain}", None)["orders"]
    return found


def bought(ground: Ground) -> list[Json]:
    shown = ground.control("GET", f"/easypost/shipments?key={ground.easypost_key}", None)["shipments"]
    return [one for one in shown if one["bought"]]


def refunds(ground: Ground) -> list[Json]:
    """Everything that the payment provider has given back, or tried to."""
    return _listed(ground, "refunds")


def _intents(ground: Ground) -> list[Json]:
    return _listed(ground, "payment_intents")


def _listed(ground: Ground, things: str) -> list[Json]:
    found: list[Json] = []
    after: Json = {}
    while True:
        answered = httpx.get(
            f"{ground.sandbox}/v1/{things}",
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
