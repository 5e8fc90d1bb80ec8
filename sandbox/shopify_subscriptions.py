"""Webhook subscriptions made through the API, with the refusals as recorded."""

import re
from typing import Any
from urllib.parse import urlsplit

from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, user_error
from sandbox.shopify_records import Subscription

_FIELD = ["webhookSubscription", "callbackUrl"]
_FILTER = re.compile(r"[\w.]+:\S+")


def webhook_subscription_create(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["webhookSubscription"]
    uri = wish.get("uri") or wish.get("callbackUrl") or ""
    errors = _address_errors(uri) or _filter_errors(wish) or _taken_errors(act, asked["topic"], uri)
    if errors:
        return {"webhookSubscription": None, "userErrors": errors}
    made = Subscription(
        id=act.new_id(),
        topic=asked["topic"],
        uri=uri,
        filter=wish.get("filter"),
        format=wish.get("format") or "JSON",
        include_fields=wish.get("includeFields") or [],
        metafield_namespaces=wish.get("metafieldNamespaces") or [],
        name=wish.get("name"),
        api_version=act.version,
        created_at=act.now,
        updated_at=act.now,
    )
    act.shop.subscriptions[made.id] = act.shop.keep(made)
    act.changed = True
    return {"webhookSubscription": made, "userErrors": []}


def webhook_subscription_update(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish, made = asked["webhookSubscription"], found(act.shop, asked["id"], Subscription)
    if made is None:
        return {"webhookSubscription": None, "userErrors": [_missing()]}
    uri = wish.get("uri", wish.get("callbackUrl", made.uri))
    if errors := _address_errors(uri) or _filter_errors(wish):
        return {"webhookSubscription": None, "userErrors": errors}
    made.uri, made.updated_at = uri, act.now
    made.filter = wish.get("filter", made.filter)
    made.format = wish.get("format", made.format)
    made.include_fields = wish.get("includeFields", made.include_fields)
    made.metafield_namespaces = wish.get("metafieldNamespaces", made.metafield_namespaces)
    made.name = wish.get("name", made.name)
    act.changed = True
    return {"webhookSubscription": made, "userErrors": []}


def webhook_subscription_delete(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    made = found(act.shop, asked["id"], Subscription)
    if made is None:
        return {"deletedWebhookSubscriptionId": None, "userErrors": [_missing()]}
    drop(act, made)
    return {"deletedWebhookSubscriptionId": made.gid, "userErrors": []}


def drop(act: Act, made: Subscription) -> None:
    """End a subscription, as Shopify does itself when eight deliveries in a row have failed."""
    del act.shop.subscriptions[made.id]
    del act.shop.things[made.gid]
    act.changed = True


def _missing() -> dict[str, Any]:
    return user_error(["id"], "Webhook subscription does not exist")


def _address_errors(uri: str) -> list[dict[str, Any]]:
    if not uri:
        return [user_error(_FIELD, "Address can't be blank")]
    address = urlsplit(uri)
    if address.scheme == "pubsub" and not re.fullmatch(r"pubsub://[^:/]+:[^:/]+", uri):
        return [
            user_error(_FIELD, "Address protocol pubsub:// is not supported"),
            user_error(_FIELD, "Address is not a valid GCP pub/sub format. Format should be pubsub://project:topic"),
        ]
    # Shopify takes https only; a stand-in on this machine must reach an app on this machine.
    if address.scheme == "http" and address.hostname not in {"127.0.0.1", "localhost", "::1"}:
        return [user_error(_FIELD, "Address protocol http:// is not supported")]
    return []


def _filter_errors(wish: dict[str, Any]) -> list[dict[str, Any]]:
    terms = (wish.get("filter") or "").split()
    if all(term in {"AND", "OR"} or _FILTER.fullmatch(term) for term in terms):
        return []
    message = "The specified filter is invalid, please ensure you specify the field(s) you wish to filter on."
    return [user_error(["webhookSubscription"], message)]


def _taken_errors(act: Act, topic: str, uri: str) -> list[dict[str, Any]]:
    if any((one.topic, one.uri) == (topic, uri) for one in act.shop.subscriptions.values()):
        return [user_error(_FIELD, "Address for this topic has already been taken")]
    return []
