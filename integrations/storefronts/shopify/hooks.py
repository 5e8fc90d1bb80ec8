"""The webhooks that stand at Shopify for us, one subscription a topic, and how a missing one is added.

https://shopify.dev/docs/apps/build/webhooks/subscribe. Shopify deletes a subscription made through the API after eight
deliveries in a row have failed, and knows no disabled one: https://shopify.dev/docs/apps/build/webhooks/troubleshoot.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from integrations import nouns
from integrations.storefronts.shopify import answers, topics
from integrations.storefronts.shopify.answers import Answer, Page
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.refusals import Refused

log = structlog.get_logger(__name__)


class _Subscription(Answer):
    id: str
    topic: str
    uri: str


class _Subscriptions(Answer):
    webhook_subscriptions: Page[_Subscription]


def standing(client: Client) -> list[nouns.Hook]:
    """Those made through the API. Those of the app's own configuration are listed nowhere (recorded)."""
    subscriptions = answers.every(_page(client, None), lambda after: _page(client, after))
    return [nouns.Hook(remote_id=one.id, address=one.uri, topics=(wire(one.topic),)) for one in subscriptions]


def add(client: Client, wanted: Sequence[str], address: str) -> None:
    """Subscribe the address to those topics that do not come to it yet.

    All are tried before the first refusal is raised: one topic whose scope is lacking costs no other.
    """
    there = _topics_at(client, address)
    refusals = []
    for topic in dict.fromkeys(wanted):
        if topic not in there:
            try:
                _subscribe(client, topic, address)
            except Refused as refusal:
                log.warning("shopify.hook_refused", shop=client.shop, topic=topic, reason=refusal.reason)
                refusals.append(refusal)
    if refusals:
        raise refusals[0]


def drop(client: Client, remote_id: str) -> None:
    """End a subscription; one that is gone already is left gone."""

    def gone() -> dict[str, Any] | None:
        return None if any(hook.remote_id == remote_id for hook in standing(client)) else {}

    once(lambda: client.tell("DropHook", key=remote_id, id=remote_id), otherwise=gone)


def wire(topic: str) -> str:
    """The topic as deliveries name it: `orders/create` for ORDERS_CREATE. Pure.

    The schema's word does not say where the thing ends and what happened to it begins, so that those we do not act on
    are cut at the last word.
    """
    known = _WIRE.get(topic)
    thing, _, event = topic.lower().rpartition("_")
    return known or f"{thing}/{event}"


def word(topic: str) -> str:
    """The schema's word for a topic: ORDERS_CREATE for `orders/create`. Pure."""
    return topic.replace("/", "_").upper()


_WIRE = {word(topic): topic for topic in (*topics.WANTED, *topics.TOPICS)}


def _page(client: Client, after: str | None) -> Page[_Subscription]:
    return answers.read(_Subscriptions, client.ask("ReadHooks", after=after)).webhook_subscriptions


def _topics_at(client: Client, address: str) -> set[str]:
    return {topic for hook in standing(client) if hook.address == address for topic in hook.topics}


def _subscribe(client: Client, topic: str, address: str) -> None:
    def standing_now() -> dict[str, Any] | None:
        return {} if topic in _topics_at(client, address) else None

    once(lambda: client.tell("AddHook", key=topic, topic=word(topic), address=address), otherwise=standing_now)
