"""@idempotent, as Shopify enforces it on money and stock: no key no effect, same key same effect once for 24 hours."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from graphql import get_directive_values

from sandbox.shopify_act import Act
from sandbox.shopify_errors import refusal, user_error
from sandbox.shopify_fields import Info, Resolver
from sandbox.shopify_store import Remembered

Mutation = Callable[[Act, dict[str, Any]], dict[str, Any]]

# shopify.dev/docs/api/usage/idempotent-requests
KEY_LIFE = timedelta(hours=24)


def plainly(mutate: Mutation) -> Resolver:
    """A mutation that is performed as often as it is sent."""
    return lambda _root, info, **asked: mutate(info.context, asked)


def once(mutate: Mutation, check: Callable[[dict[str, Any]], None] | None = None) -> Resolver:
    """A mutation that demands a key; `check` runs before that, as Shopify was seen to do."""

    def resolve(_root: None, info: Info, **asked: Any) -> dict[str, Any]:
        if check:
            check(asked)
        act = info.context
        key = _key(info)
        wish = json.dumps([info.field_name, asked], sort_keys=True, default=str)
        known = act.shop.remembered.get(key)
        if known is None or act.now - known.at > KEY_LIFE:
            known = act.shop.remembered[key] = Remembered(wish, mutate(act, asked), act.now)
        if known.asked != wish:
            message = "The same idempotency key cannot be used with different operation parameters."
            return {"userErrors": [user_error(None, message, "IDEMPOTENCY_KEY_PARAMETER_MISMATCH")]}
        return known.answer

    return resolve


def _key(info: Info) -> str:
    directive = info.schema.get_directive("idempotent")
    given = get_directive_values(directive, info.field_nodes[0], info.variable_values) if directive else None
    if given is None:
        message = "The @idempotent directive is required for this mutation but was not provided."
        raise refusal("BAD_REQUEST", message)
    return str(given["key"])
