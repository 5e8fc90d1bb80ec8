"""The settings of where goods come from: how locations are chosen, and when to order more."""

from __future__ import annotations

from collections.abc import Mapping

from records.routing import RuleName
from web.pages.settings_field import Field, Group

_RULES: Mapping[RuleName, str] = {
    "ships_all": "leaves the fewest units short",
    "fewest_shipments": "needs the fewest shipments",
    "nearest": "is nearest to the buyer",
    "cheapest": "costs the least to send",
    "soonest": "arrives soonest",
    "oldest_stock": "sends what has lain longest",
    "preferred": "ranks highest with you",
    "least_busy": "has most room today",
}
ROUTING_RULES: tuple[tuple[str, str], ...] = tuple(_RULES.items())

ROUTING: Group = (
    "routing",
    "From where orders leave",
    (
        Field(
            name="routing.order",
            label="What decides between warehouses",
            kind="words",
            choices=ROUTING_RULES,
            hint="Rules, separated by commas; the first decides, the next between what is equal by it. "
            + "; ".join(f"{name}: {meaning}" for name, meaning in ROUTING_RULES)
            + ".",
        ),
        Field(
            name="routing.most_shipments",
            label="Split an order into at most",
            kind="number",
            unit="shipments",
            least=1,
            most=4,
            hint="1 never splits. What has left already counts; what stays by this is held for you to let go.",
        ),
        Field(
            name="routing.split_from_units",
            label="Split no order of fewer than",
            kind="number",
            unit="units",
            least=2,
            most=10_000,
        ),
        Field(
            name="routing.ask_rates_for",
            label="Ask carriers about the best",
            kind="number",
            unit="ways",
            least=1,
            most=6,
            hint="Only where a rule wants to know what they cost or how long they take.",
        ),
    ),
)
REPLENISHING: Group = (
    "replenishing",
    "When to order new stock",
    (
        Field(
            name="replenishing.lead_days",
            label="From ordering to the shelf it takes",
            kind="number",
            unit="days",
            least=0,
            most=365,
            hint="What the page of a SKU says of its own lead time stands above this.",
        ),
        Field(
            name="replenishing.review_days",
            label="You look at what to order every",
            kind="number",
            unit="days",
            least=0,
            most=90,
            hint="Stock has to last until the order after this one arrives. 0 orders at any moment.",
        ),
        Field(
            name="replenishing.service_percent",
            label="Nothing runs out in",
            kind="number",
            unit="% of such spans",
            least=50,
            most=99,
            hint="The more, the more units lie there for safety.",
        ),
        Field(
            name="replenishing.order_for_days",
            label="An order lasts for",
            kind="number",
            unit="days",
            least=1,
            most=365,
            hint="Beyond the reorder point.",
        ),
        Field(
            name="replenishing.overstock_days",
            label="Too much is what lasts longer than",
            kind="number",
            unit="days",
            least=7,
            most=3650,
        ),
        Field(
            name="mail_stock_to",
            label="Mail what is new on this list to",
            kind="text",
            mailbox=True,
            longest=254,
            hint="Once a day, and only where there is anything new: each thing once, until it has recovered. Empty: "
            "nobody is told. It needs a mail account (MAIL_URL).",
        ),
    ),
)
