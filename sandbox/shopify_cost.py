"""What a document costs in Shopify's points, and the leaky bucket they come out of."""

import math
import time
from typing import Any

from graphql import (
    DocumentNode,
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    InlineFragmentNode,
    IntValueNode,
    OperationDefinitionNode,
    OperationType,
    SelectionSetNode,
    VariableNode,
)

from sandbox.shopify_store import Shop

# A development store's bucket, as recorded: 2,000 points, 100 back each second.
MAXIMUM = 2000
RESTORE_RATE = 100
MUTATION_COST = 10
# Shopify asks five times as much where the buyer may be told (recorded on fulfillmentTrackingInfoUpdate).
NOTIFYING = {"fulfillmentTrackingInfoUpdate": 50}
# Values inside a resource, not resources themselves: they cost nothing.
FREE = frozenset({
    "address", "assignedLocation", "changes", "deliveryMethod", "destination", "measurement", "orderCancelUserErrors",
    "pageInfo", "presentmentMoney", "quantities", "shopMoney", "supportedActions", "trackingInfo", "userErrors",
    "weight",
})  # fmt: skip


def requested(document: DocumentNode, operation: OperationDefinitionNode, variables: dict[str, Any]) -> int:
    """An estimate by Shopify's published rules, near the recorded costs: an object 1, a page 2 and more by its size."""
    fragments = {node.name.value: node for node in document.definitions if isinstance(node, FragmentDefinitionNode)}
    roots = [node for node in operation.selection_set.selections if isinstance(node, FieldNode)]
    if operation.operation is OperationType.MUTATION:
        return sum(
            NOTIFYING.get(root.name.value, MUTATION_COST) + _inside(root.selection_set, fragments, variables)
            for root in roots
        )
    return max(1, sum(_field(root, fragments, variables) for root in roots))


def pay(shop: Shop, cost: int) -> bool:
    """Take points from the shop's bucket; False when too few are left. A shop without a bucket pays nothing."""
    if shop.bucket is None:
        return True
    now = time.monotonic()
    available = _available(shop, now)
    if available < cost:
        return False
    shop.bucket = (available - cost, now)
    return True


def described(shop: Shop, cost: int, *, paid: bool) -> dict[str, Any]:
    """`extensions.cost` of an answer."""
    available = _available(shop, time.monotonic()) if shop.bucket else MAXIMUM - (cost if paid else MAXIMUM)
    return {
        "requestedQueryCost": cost,
        "actualQueryCost": cost if paid else None,
        "throttleStatus": {
            "maximumAvailable": MAXIMUM,
            "currentlyAvailable": max(0, int(available)),
            "restoreRate": RESTORE_RATE,
        },
    }


def _available(shop: Shop, now: float) -> float:
    if shop.bucket is None:
        return MAXIMUM
    left, since = shop.bucket
    return min(float(MAXIMUM), left + (now - since) * RESTORE_RATE)


def _inside(selection: SelectionSetNode | None, fragments: dict[str, Any], variables: dict[str, Any]) -> int:
    cost = 0
    for node in selection.selections if selection else ():
        if isinstance(node, FieldNode):
            cost += _field(node, fragments, variables)
        elif isinstance(node, InlineFragmentNode):
            cost += _inside(node.selection_set, fragments, variables)
        elif isinstance(node, FragmentSpreadNode):
            cost += _inside(fragments[node.name.value].selection_set, fragments, variables)
    return cost


def _field(field: FieldNode, fragments: dict[str, Any], variables: dict[str, Any]) -> int:
    name = field.name.value
    if field.selection_set is None or name in FREE or name.endswith("Set"):
        return 0
    inside = _inside(field.selection_set, fragments, variables)
    for given in field.arguments or ():
        if given.name.value == "first":
            size = max(2, _number(given.value, variables))
            return 2 + math.ceil(math.log2(size)) * max(1, inside)
    return 1 + inside


def _number(value: Any, variables: dict[str, Any]) -> int:
    if isinstance(value, IntValueNode):
        return int(value.value)
    given = variables.get(value.name.value) if isinstance(value, VariableNode) else None
    return given if isinstance(given, int) else 1
