"""Pages of a connection: Shopify's `first` and `after`, with its opaque cursors."""

import base64
import json
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from typing import Any, TypeVar

from sandbox.shopify_errors import refusal
from sandbox.shopify_things import Thing

# Shopify's own limit on a page (shopify.dev/docs/api/usage/pagination-graphql).
MAX_PAGE = 250

T = TypeVar("T", bound=Thing)


def page(things: Sequence[T], first: int | None, after: str | None = None, *, reverse: bool = False) -> dict[str, Any]:
    """A page of a short list."""
    rows = list(reversed(things)) if reverse else list(things)
    if after:
        last = position(after)["last_id"]
        behind = next((place for place, thing in enumerate(rows) if thing.id == last), len(rows) - 1)
        rows = rows[behind + 1 :]
    return page_of(rows, first, after)


def page_of(
    rows: Iterable[T], first: int | None, after: str | None, value: Callable[[T], Any] = lambda thing: thing.id
) -> dict[str, Any]:
    """A page of rows that already start behind `after`; `value` is what the rows are sorted by."""
    size = wanted(first)
    taken = list(islice(rows, size + 1))
    shown = taken[:size]
    return {
        "nodes": shown,
        "pageInfo": {
            "hasNextPage": len(taken) > size,
            "hasPreviousPage": after is not None,
            "startCursor": _cursor(shown[0], value) if shown else None,
            "endCursor": _cursor(shown[-1], value) if shown else None,
        },
    }


def wanted(first: int | None) -> int:
    if first is None:
        raise refusal("BAD_REQUEST", "you must provide one of first or last")
    if not 0 <= first <= MAX_PAGE:
        raise refusal("BAD_REQUEST", f"first must be between 0 and {MAX_PAGE}")
    return first


def position(cursor: str) -> dict[str, Any]:
    try:
        place = json.loads(base64.b64decode(cursor, validate=True))
    except ValueError as problem:
        raise refusal("INVALID_CURSOR", "The cursor is invalid") from problem
    if not isinstance(place, dict) or not isinstance(place.get("last_id"), int):
        raise refusal("INVALID_CURSOR", "The cursor is invalid")
    return place


def _cursor(thing: T, value: Callable[[T], Any]) -> str:
    place = {"last_id": thing.id, "last_value": value(thing)}
    return base64.b64encode(json.dumps(place, separators=(",", ":")).encode()).decode()
