"""What Packline asks a merchant to allow, and what stands still without each; the app's own file repeats it.

No more than is used: https://shopify.dev/docs/api/usage/access-scopes. The scopes of each call were read from Shopify's
schema of 2026-10.
"""

from __future__ import annotations

from collections.abc import Collection
from types import MappingProxyType

# Without one of these an order does not get from its placing to its tracking number.
REQUIRED = MappingProxyType(
    {
        "write_orders": "Orders are not seen, and cannot be cancelled, refunded, tagged or marked as paid.",
        "write_merchant_managed_fulfillment_orders": "Work at your own locations is not seen (Shopify leaves it out "
        "without a word), so that no order from there is shipped, held or announced.",
        "write_third_party_fulfillment_orders": "Work that lies with a fulfillment service is not seen (Shopify leaves "
        "it out without a word), so that no order from there is shipped, held or announced.",
        "write_fulfillments": "Buyers are not told where their parcels are.",
        "write_inventory": "What is counted or changed here does not reach the store; and where stock may not even be "
        "read, nothing can be reserved.",
        "read_locations": "Where parcels leave from is not known.",
        "read_products": "What is in an order, and how heavy it is, is not known.",
    }
)
# What some stores need; the others are not asked.
OPTIONAL = MappingProxyType(
    {
        "read_all_orders": "Orders that are older than 60 days are not seen: they are neither compared nor taken back.",
        "write_order_edits": "A buyer of something that is out of stock cannot take another variant in its place.",
        "write_assigned_fulfillment_orders": "Work that is assigned to a fulfillment service of Packline's own is not "
        "seen.",
    }
)


def missing(granted: Collection[str]) -> list[str]:
    """The required scopes that were not granted; what may be written may be read."""
    return [scope for scope in REQUIRED if not _covers(granted, scope)]


def may_swap(granted: Collection[str]) -> bool:
    """Whether orders may be edited."""
    return _covers(granted, "write_order_edits")


def listed(written: str) -> tuple[str, ...]:
    """The scopes of an answer: separated by commas, in the order in which Shopify names them."""
    return tuple(dict.fromkeys(scope.strip() for scope in written.split(",") if scope.strip()))


def _covers(granted: Collection[str], scope: str) -> bool:
    return scope in granted or scope.replace("read_", "write_", 1) in granted
