"""Stripe's wire habits: form bodies with brackets, ids, error bodies, lists."""

import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any, Protocol, TypeVar
from uuid import uuid4

from flask import request

from sandbox.core import Answer, Refusal

Fields = dict[str, Any]

# The version the requests of stripe-python 16.1 carry.
API_VERSION = "2026-10-28.endive"
# docs.stripe.com/api/pagination: 10 a page unless asked, 100 at most.
PAGE_SIZE = 10
PAGE_SIZE_LIMIT = 100


class Kept(Protocol):
    """What a list can be paged by."""

    @property
    def id(self) -> str: ...
    @property
    def created(self) -> int: ...


T = TypeVar("T", bound=Kept)


def new_id(prefix: str) -> str:
    return f"{prefix}_{uuid4().hex[:24]}"


def now() -> int:
    return int(time.time())


def refused(status: int, message: str, *, code: str | None = None, param: str | None = None, **more: Any) -> Refusal:
    """An error in Stripe's shape; keys that say nothing are left out, as Stripe leaves them out."""
    error: Fields = {"message": message, "type": "invalid_request_error", **more}
    if code:
        error["code"] = code
        error["doc_url"] = f"https://stripe.com/docs/error-codes/{code.replace('_', '-')}"
    if param:
        error["param"] = param
    return Refusal(Answer(status, {"error": dict(sorted(error.items()))}, effect=False))


def missing(kind: str, object_id: str, param: str = "id") -> Refusal:
    return refused(404, f"No such {kind}: '{object_id}'", code="resource_missing", param=param)


def parameter_missing(param: str) -> Refusal:
    return refused(400, f"Missing required param: {param}.", code="parameter_missing", param=param)


def errors_for(status: int) -> Fields:
    """The body of an injected failure."""
    if status == 429:
        message = "Request rate limit exceeded."
        return {"error": {"code": "rate_limit", "message": message, "type": "invalid_request_error"}}
    return {"error": {"message": "An unknown error occurred.", "type": "api_error"}}


def form() -> Fields:
    """The body's parameters, brackets unfolded: metadata[order_id]=1, expand[]=charge, items[0][price]=5."""
    request.get_data(cache=True)
    return nested(request.form.items(multi=True))


def query() -> Fields:
    return nested(request.args.items(multi=True))


def nested(pairs: Iterable[tuple[str, str]]) -> Fields:
    """Form pairs as the tree they spell; a level whose keys are all empty or numbers becomes a list."""
    tree: Fields = {}
    for name, value in pairs:
        head, *rest = name.replace("]", "").split("[")
        _place(tree, [head, *rest], value)
    return {name: _listed(value) for name, value in tree.items()}


def known_only(given: Fields, allowed: Iterable[str]) -> Fields:
    """The parameters without `expand`.

    Raises:
        Refusal: one of them is none that the call knows, which Stripe refuses too.
    """
    unknown = [name for name in given if name not in {*allowed, "expand"}]
    if unknown:
        raise refused(400, f"Received unknown parameter: {unknown[0]}", code="parameter_unknown", param=unknown[0])
    return {name: value for name, value in given.items() if name != "expand"}


def whole_number(given: Fields, param: str, default: int | None = None) -> int:
    """An amount in the smallest currency unit.

    Raises:
        Refusal: missing without a default, not an integer, or below 1.
    """
    value = given.get(param, default)
    if value is None:
        raise parameter_missing(param)
    try:
        number = int(value)
    except (TypeError, ValueError):
        raise refused(400, f"Invalid integer: {value}", code="parameter_invalid_integer", param=param) from None
    if number < 1:
        raise refused(
            400,
            "This value must be greater than or equal to 1.",
            code="parameter_invalid_integer",
            param=param,
        )
    return number


def merged_metadata(old: Fields, changes: Any) -> Fields:
    """Metadata after an update: keys merge, an empty value removes its key, an empty string removes all."""
    if changes == "":
        return {}
    merged = {**old, **(changes or {})}
    return {name: value for name, value in merged.items() if value != ""}


def listed(url: str, newest_first: Sequence[T], wire: Callable[[T], Fields], wish: Fields) -> Fields:
    """A list object by limit, starting_after, ending_before and created[gte|gt|lte|lt]."""
    rows = [row for row in newest_first if _created_fits(row.created, wish.get("created"))]
    size = min(int(wish.get("limit", PAGE_SIZE)), PAGE_SIZE_LIMIT)
    ids = [row.id for row in rows]
    after, before = wish.get("starting_after"), wish.get("ending_before")
    if before in ids:
        # Going back towards the newest: the page that ends just before the row named.
        stop = ids.index(before)
        start = max(0, stop - size)
        more = start > 0
    else:
        start = ids.index(after) + 1 if after in ids else 0
        stop = start + size
        more = stop < len(rows)
    return {"object": "list", "data": [wire(row) for row in rows[start:stop]], "has_more": more, "url": url}


def _created_fits(created: int, wish: Any) -> bool:
    if not isinstance(wish, dict):
        return wish is None or created == int(wish)
    tests: dict[str, Callable[[int], bool]] = {
        "gte": lambda limit: created >= limit,
        "gt": lambda limit: created > limit,
        "lte": lambda limit: created <= limit,
        "lt": lambda limit: created < limit,
    }
    return all(tests[name](int(limit)) for name, limit in wish.items() if name in tests)


def _place(tree: Fields, path: list[str], value: str) -> None:
    head, *rest = path
    if head == "":
        head = str(len(tree))
    if not rest:
        tree[head] = value
        return
    branch = tree.setdefault(head, {})
    if not isinstance(branch, dict):
        branch = tree[head] = {}
    _place(branch, rest, value)


def _listed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    unfolded = {name: _listed(inner) for name, inner in value.items()}
    if unfolded and all(name.isdigit() for name in unfolded):
        return [unfolded[name] for name in sorted(unfolded, key=int)]
    return unfolded
