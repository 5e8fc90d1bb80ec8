"""What each Shopify webhook means: one table from topic to reader, one reader a meaning.

https://shopify.dev/docs/api/webhooks. A body that only names its order is followed by reading the order.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from integrations import nouns
from integrations.json_body import parsed
from integrations.ports import Unreadable
from integrations.storefronts.shopify import compliance, payloads, returned, stocked

Reader = Callable[[dict[str, Any]], nouns.Fact]

_WORK = re.compile(r"gid://shopify/FulfillmentOrder/[0-9]{1,20}")


def read(topic: str, body: dict[str, Any]) -> nouns.Fact:
    """The fact that a delivery tells. Raises Unreadable."""
    reader = reader_of(topic)
    return reader(body) if reader else nouns.Ignored(reason=f"Packline does not act on {topic or 'no topic'}")


def reader_of(topic: str) -> Reader | None:
    family = topic.partition("/")[0]
    return TOPICS.get(topic) or FAMILIES.get(family)


def repeats(topic: str) -> bool:
    """Whether two equal bodies of a topic may be two facts: its bodies carry no time and no version."""
    return topic not in TOPICS or topic in _TIMELESS


def _order_changed(body: dict[str, Any]) -> nouns.Fact:
    snapshot = payloads.snapshot(parsed(payloads.OrderPayload, body, called="body"))
    return nouns.OrderChanged(remote_id=snapshot.remote_id, snapshot=snapshot)


def _order_cancelled(body: dict[str, Any]) -> nouns.Fact:
    order = parsed(payloads.CancelledPayload, body, called="body")
    remote_id = _identity(order.admin_graphql_api_id, order.id)
    if order.cancelled_at is None:
        # The topic is not signed: around the body of an order that stands, it is no proof of a cancellation.
        return nouns.OrderChanged(remote_id=remote_id)
    return nouns.OrderCancelled(remote_id=remote_id, at=order.cancelled_at, reason=order.cancel_reason)


def _order_edited(body: dict[str, Any]) -> nouns.Fact:
    return nouns.OrderChanged(remote_id=parsed(payloads.EditedPayload, body, called="body").order_edit.order_id)


def _order_paid_for(body: dict[str, Any]) -> nouns.Fact:
    return nouns.OrderChanged(remote_id=parsed(payloads.TransactionPayload, body, called="body").order_id)


def _risk_assessed(body: dict[str, Any]) -> nouns.Fact:
    named = parsed(payloads.RiskPayload, body, called="body")
    remote_id = named.admin_graphql_api_order_id or named.order_id
    if remote_id is None:
        return nouns.Ignored(reason="Shopify assessed a risk without naming the order")
    return nouns.OrderChanged(remote_id=remote_id)


def _order_deleted(body: dict[str, Any]) -> nouns.Fact:
    gone = parsed(payloads.DeletedPayload, body, called="body").id
    return nouns.Ignored(reason=f"{gone} was deleted in Shopify, which cancels or archives an order first")


def _work_routed(body: dict[str, Any]) -> nouns.Fact:
    work_id = next(_work_ids(body), None)
    if work_id is None:
        raise Unreadable("no fulfillment order is named")
    return nouns.WorkRouted(work_remote_id=work_id)


def _made_ready(body: dict[str, Any]) -> nouns.Fact:
    work_id = next(_work_ids(body), None)
    if work_id is None:
        raise Unreadable("no fulfillment order is named")
    return nouns.WorkRouted(work_remote_id=work_id, made_ready=True)


def _work_ids(body: Mapping[str, Any]) -> Iterator[str]:
    """The fulfillment orders that a body names, those first that live on: any of them leads to the same order."""
    for name in sorted(body, key=_closeness):
        things = body[name] if isinstance(body[name], list) else [body[name]]
        for thing in things:
            if isinstance(thing, Mapping):
                remote_id = thing.get("id")
                if isinstance(remote_id, str) and _WORK.fullmatch(remote_id):
                    yield remote_id
                yield from _work_ids(thing)


def _closeness(name: str) -> int:
    wanted = ("moved_fulfillment_order", "fulfillment_order", "fulfillment_order_merges")
    return wanted.index(name) if name in wanted else len(wanted)


def _identity(gid: str | None, number: str | None) -> str:
    try:
        return payloads.identity(gid, number)
    except ValueError as failure:
        raise Unreadable(str(failure)) from None


TOPICS: dict[str, Reader] = {
    "orders/create": _order_changed,
    "orders/updated": _order_changed,
    "orders/paid": _order_changed,
    "orders/fulfilled": _order_changed,
    "orders/partially_fulfilled": _order_changed,
    "orders/cancelled": _order_cancelled,
    "orders/edited": _order_edited,
    "orders/delete": _order_deleted,
    "orders/risk_assessment_changed": _risk_assessed,
    "order_transactions/create": _order_paid_for,
    "refunds/create": returned.units_returned,
    # https://shopify.dev/docs/api/admin-graphql/latest/enums/WebhookSubscriptionTopic
    "fulfillment_orders/line_items_prepared_for_pickup": _made_ready,
    **stocked.TOPICS,
    **compliance.COMPLIANCE,
    **compliance.OF_THE_APP,
}
# Shopify adds topics to these with time, and every one of them says no more than which work to look at again.
FAMILIES: dict[str, Reader] = {"fulfillment_orders": _work_routed, "fulfillment_holds": _work_routed}
# What webhooks must bring: all that is acted on, but for what comes by the app's own configuration. The families are
# spelled out, because Shopify takes no patterns; left out are the topics that only an app hears which is a fulfillment
# service, and orders/delete, which says nothing new.
# https://shopify.dev/docs/api/admin-graphql/latest/enums/WebhookSubscriptionTopic
_WORK_EVENTS = (
    "order_routing_complete",
    "moved",
    "split",
    "merged",
    "cancelled",
    "placed_on_hold",
    "hold_released",
    "rescheduled",
    "scheduled_fulfillment_order_ready",
    "progress_reported",
    "manually_reported_progress_stopped",
    "line_items_prepared_for_local_delivery",
)
WANTED = (
    *(topic for topic in TOPICS if topic not in {"orders/delete", *compliance.COMPLIANCE, *compliance.OF_THE_APP}),
    *(f"fulfillment_orders/{event}" for event in _WORK_EVENTS),
    "fulfillment_holds/added",
    "fulfillment_holds/released",
)
# Its `created_at` may be null (recorded sample), so that high, low and high again would look like two facts.
_TIMELESS = (
    frozenset({"orders/risk_assessment_changed", "fulfillment_orders/line_items_prepared_for_pickup"})
    | compliance.TIMELESS
    | stocked.TIMELESS
)
