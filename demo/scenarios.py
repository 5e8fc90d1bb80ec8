"""The demo's orders: what is placed, what happens to it on the way, and where it has to be in the end."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from demo.store import (
    BRITAIN,
    BUYERS,
    CANADA,
    EAST,
    GERMANY,
    NOWHERE,
    SHOP,
    STRIPE_KEY,
    WEST,
    Json,
)

Control = Callable[[str, str, Any], Any]
"""Asks the sandbox for something: method, path, body."""


@dataclass(frozen=True, kw_only=True)
class End:
    """Where an order has to be: its state, its open holds, and how many labels and boxes it took."""

    state: str
    holds: tuple[str, ...] = ()
    labels: int = 0
    fulfillments: int = 0
    voided: int = 0


FULFILLED = End(state="fulfilled", labels=1, fulfillments=1)


@dataclass(frozen=True, kw_only=True)
class Scenario:
    """One order, placed in its act.

    `before` and `after` run around its placing, `later` in the act after it, when everything has come to rest.
    """

    title: str
    act: int = 1
    lines: tuple[tuple[str, int], ...]
    end: End = FULFILLED
    buyer: Json = field(default_factory=lambda: WEST)
    more: Json = field(default_factory=dict)
    before: Callable[[Control], None] | None = None
    after: Callable[[Control, Json], None] | None = None
    later: Callable[[Control, Json], None] | None = None

    def wish(self) -> Json:
        return {
            "shop": SHOP,
            "lines": [{"sku": sku, "quantity": units} for sku, units in self.lines],
            "ship_to": self.buyer,
            "email": f"{self.buyer['first_name'].lower()}@example.com",
            "financial_status": "paid",
            "risk": "ACCEPT",
            "shipping": {"title": "Standard", "price": "6.00"},
        } | self.more


def all_scenarios() -> list[Scenario]:
    """The whole programme, some thirty orders."""
    return [*_plain(), *_split_and_heavy(), *_abroad(), *_short(), *_held(), *_money(), *_cancelled(), *_not_ours()]


def _plain() -> list[Scenario]:
    skus = ("BAG", "MUG", "BLANKET")
    one_line = [Scenario(title="one line", lines=((skus[n % 3], 1 + n % 2),), buyer=BUYERS[n % 3]) for n in range(7)]
    several = Scenario(title="several lines", lines=(("BAG", 1), ("MUG", 4), ("BLANKET", 1)), buyer=EAST)
    late = Scenario(title="routed late by the store", lines=(("MUG", 2),), more={"fo_delay_s": 4.0})
    return [*one_line, several, late]


def _split_and_heavy() -> list[Scenario]:
    split = End(state="fulfilled", labels=2, fulfillments=2)
    return [
        Scenario(title="split over two warehouses", lines=(("AXE", 1), ("LANTERN", 1)), end=split),
        Scenario(title="split over two warehouses", lines=(("AXE", 2), ("LANTERN", 3)), end=split, buyer=EAST),
        Scenario(
            title="two boxes of one shipment",
            lines=(("POT", 3),),
            end=End(state="fulfilled", labels=2, fulfillments=1),
        ),
    ]


def _abroad() -> list[Scenario]:
    return [
        Scenario(title="to Canada, with customs", lines=(("BAG", 1),), buyer=CANADA),
        Scenario(title="to Britain, with customs", lines=(("MUG", 2),), buyer=BRITAIN),
        Scenario(
            title="to Germany, no origin known",
            lines=(("MYSTERY", 1),),
            buyer=GERMANY,
            end=End(state="allocated", holds=("customs",)),
        ),
    ]


def _short() -> list[Scenario]:
    return [
        Scenario(title="out of stock", lines=(("KNIFE", 1),), end=End(state="released", holds=("stock",))),
        Scenario(
            title="one line short, the rest ships",
            lines=(("BAG", 1), ("STOOL", 2)),
            end=End(state="shipping", holds=("stock",), labels=1, fulfillments=1),
        ),
    ]


def _held() -> list[Scenario]:
    def correct(control: Control, placed: Json) -> None:
        control("POST", f"/shopify/orders/{placed['id']}/edit", {"ship_to": WEST})

    return [
        Scenario(
            title="bad address", lines=(("MUG", 1),), buyer=NOWHERE, end=End(state="received", holds=("address",))
        ),
        Scenario(title="bad address, corrected", lines=(("MUG", 1),), buyer=NOWHERE, later=correct),
        Scenario(
            title="fraud analysis says no",
            lines=(("BLANKET", 2),),
            more={"risk": "CANCEL"},
            end=End(state="received", holds=("risk",)),
        ),
        Scenario(
            title="held by the merchant in the store",
            lines=(("BAG", 1),),
            more={"hold_reason": "OTHER"},
            end=End(state="received", holds=("storefront",)),
        ),
    ]


def _money() -> list[Scenario]:
    unpaid = {"financial_status": "pending"}

    def pay(control: Control, placed: Json) -> None:
        control("POST", "/stripe/payments", _payment(placed["name"], placed["total_price"], "succeeded"))

    def authorise(control: Control, placed: Json) -> None:
        control("POST", "/stripe/payments", _payment(placed["name"], placed["total_price"], "requires_capture"))

    def pay_first(control: Control) -> None:
        control("POST", "/stripe/payments", _payment("#S-1", "20.00", "succeeded"))

    waits = End(state="verified", holds=("payment",))
    return [
        Scenario(title="unpaid", lines=(("MUG", 1),), more=unpaid, end=waits),
        Scenario(title="paid by Stripe", lines=(("BAG", 1),), more=unpaid, after=pay),
        Scenario(
            title="paid by Stripe before it was placed",
            lines=(("MUG", 1),),
            more=unpaid | {"name": "#S-1"},
            before=pay_first,
        ),
        Scenario(title="authorised only", lines=(("BAG", 1),), more=unpaid, after=authorise, end=waits),
    ]


def _payment(name: str, total: str, outcome: str) -> Json:
    return {
        "key": STRIPE_KEY,
        "amount": round(float(total) * 100),
        "currency": "usd",
        "metadata": {"order_name": name},
        "outcome": outcome,
    }


def _cancelled() -> list[Scenario]:
    def cancel(control: Control, placed: Json) -> None:
        control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})

    def keep_the_store_busy(control: Control) -> None:
        """The store is too busy to take the next tracking number, so there is a label and no fulfillment yet."""
        fault = {"vendor": "shopify", "kind": "429", "operation": "fulfillmentCreate", "times": 1, "retry_after": 3600}
        control("POST", "/faults", fault)

    return [
        Scenario(
            title="cancelled before it was paid",
            lines=(("BAG", 1),),
            more={"financial_status": "pending"},
            later=cancel,
            end=End(state="cancelled"),
        ),
        Scenario(
            title="cancelled while it waits for stock",
            lines=(("KNIFE", 2),),
            later=cancel,
            end=End(state="cancelled"),
        ),
        Scenario(
            title="cancelled with its label bought",
            lines=(("BAG", 1),),
            act=3,
            before=keep_the_store_busy,
            later=cancel,
            end=End(state="cancelled", labels=1, voided=1),
        ),
    ]


def _not_ours() -> list[Scenario]:
    def hand_over(control: Control, placed: Json) -> None:
        control("POST", f"/shopify/orders/{placed['id']}/fulfil", {})

    return [
        Scenario(title="gift card only", lines=(("GIFT", 1),), end=End(state="closed")),
        Scenario(
            title="collected in the shop",
            lines=(("BAG", 1),),
            more={"delivery_method": "PICK_UP"},
            later=hand_over,
            end=End(state="fulfilled", fulfillments=1),
        ),
    ]
