"""Say what kind of failure an answer of Shopify is: Temporary with when, or Permanent with what a person can do.

Pure. Sources: https://shopify.dev/docs/api/usage/response-codes, https://shopify.dev/docs/api/usage/limits and
https://shopify.dev/docs/api/usage/idempotent-requests, read 2026-11-21; and recorded answers.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from integrations import http
from integrations.ports import OutsideFailure, Permanent, Temporary

RECONNECT = "Reconnect the store: run `packline connect shopify` with an access token that is valid now."

# Shopify asks for at least a second before a throttled call is repeated.
SHORTEST_WAIT_S = 1.0

_TEMPORARY_STATUS = frozenset({408, 409, 425, 429, 430})
_REMEDY_BY_STATUS = {
    401: ("Shopify refused the store's access token.", RECONNECT),
    402: (
        "The Shopify store is frozen because its bill is unpaid.",
        "The store's owner has to settle the bill in the Shopify admin; then retry.",
    ),
    403: (
        "Shopify refused the call: the token may not do this, or its kind is no longer accepted.",
        "Check the app's access scopes in the Shopify admin, then reconnect the store with `packline connect shopify`.",
    ),
    404: (
        "Shopify knows no such store, or no such version of its API.",
        "Check the connection's shop domain and the setting SHOPIFY_API_VERSION.",
    ),
    423: (
        "Shopify has locked the store.",
        "The store's owner has to contact Shopify support; retry when the store is open again.",
    ),
}
_NO_CODE = "GRAPHQL"
_IN_PROGRESS = "IDEMPOTENCY_CONCURRENT_REQUEST"
_OTHER_PARAMETERS = "IDEMPOTENCY_KEY_PARAMETER_MISMATCH"
_FAILED_BEFORE = "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"
# Codes of errors[] that pass by themselves: nothing was executed under the first, nobody knows under the second.
_NOT_EXECUTED = frozenset({"THROTTLED", _IN_PROGRESS})
_IN_DOUBT = frozenset({"INTERNAL_SERVER_ERROR", "SERVICE_UNAVAILABLE", "TIMEOUT"})
# Codes that a mutation's own field answers before it does anything. The same code deeper in the answer is no refusal:
# a recorded fulfillmentOrderHold was denied one selected field while the hold was made.
_BEFORE_ACTING = frozenset(
    {"ACCESS_DENIED", "RESOURCE_NOT_FOUND", "BAD_REQUEST", "INVALID_FIELD_ARGUMENTS", "SHOP_INACTIVE"}
)
# An idempotency key that is spent: the act has to be looked for, and then may be tried under a fresh key.
_SPENT_KEY = frozenset({_OTHER_PARAMETERS, _FAILED_BEFORE})
# The user errors of refundCreate have no code in the schema, so these three are known by the sentences that the schema
# gives for their codes elsewhere (InventoryMoveQuantitiesUserErrorCode, 2026-10).
_CODE_OF_SENTENCE = {
    "This request is currently in progress, please try again.": _IN_PROGRESS,
    "The same idempotency key cannot be used with different operation parameters.": _OTHER_PARAMETERS,
    "A previous request with this idempotency key failed. Retry with a new idempotency key.": _FAILED_BEFORE,
}


class Refused(Permanent):
    """Shopify understood a mutation and said no: its own sentences, mostly from `userErrors`."""


def of_silence(kind: str, *, arrived: bool) -> Temporary:
    """No usable answer. `arrived` only matters for a mutation: it may have been done."""
    return Temporary(f"Shopify did not answer ({kind.replace('_', ' ')}).", code=kind, outcome_unknown=arrived)


def of_status(status: int, wait_s: float | None, *, mutation: bool) -> OutsideFailure | None:
    """What an HTTP status other than success means; `wait_s` is what Retry-After asked for."""
    if 200 <= status < 300:
        return None
    code = str(status)
    if status in _TEMPORARY_STATUS:
        return Temporary(f"Shopify asked us to wait ({status}).", code=code, retry_in_s=wait_s)
    if status >= 500:
        reason = f"Shopify had an error of its own ({status})."
        return Temporary(reason, code=code, retry_in_s=wait_s, outcome_unknown=mutation)
    reason, remedy = _REMEDY_BY_STATUS.get(
        status,
        (
            f"Shopify refused the call ({status}).",
            "Retry; if it is refused again, report it with the timeline.",
        ),
    )
    return Permanent(reason, remedy=remedy, code=code)


def of_errors(
    errors: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], cost: Mapping[str, Any], *, mutation: bool
) -> OutsideFailure:
    """What `errors` of a GraphQL answer mean that does not say what was done."""
    codes = [_code(error) for error in errors]
    reason = f"Shopify answered: {_sentences(errors)}"
    if "THROTTLED" in codes:
        return Temporary("Shopify's rate limit is used up.", code="THROTTLED", retry_in_s=_refill(cost))
    for code in codes:
        if code in _NOT_EXECUTED | _IN_DOUBT:
            return Temporary(reason, code=code, outcome_unknown=mutation and code in _IN_DOUBT)
    spent = next((code for code in codes if code in _SPENT_KEY), None)
    if spent:
        return _key_is_spent(reason, spent)
    if mutation and not all(_came_before_acting(error, answer) for error in errors):
        return Temporary(reason, code=codes[0], outcome_unknown=True)
    if "ACCESS_DENIED" in codes:
        return Permanent(reason, remedy=_scope_remedy(errors[codes.index("ACCESS_DENIED")]), code="ACCESS_DENIED")
    if "SHOP_INACTIVE" in codes:
        remedy = "The store is closed or paused: reopen it in the Shopify admin, then retry."
        return Permanent(reason, remedy=remedy, code="SHOP_INACTIVE")
    remedy = "Look at the object in the Shopify admin: it may be gone. If it is there, report this with the timeline."
    return Permanent(reason, remedy=remedy, code=codes[0])


def of_user_errors(user_errors: Sequence[Mapping[str, Any]]) -> OutsideFailure | None:
    if not user_errors:
        return None
    first = user_errors[0]
    code = str(first.get("code") or _CODE_OF_SENTENCE.get(str(first.get("message")), "USER_ERROR"))
    if code == _IN_PROGRESS:
        return Temporary("Shopify is still at work on this very request.", code=code, outcome_unknown=True)
    if code in _SPENT_KEY:
        return _key_is_spent(f"Shopify refused: {_sentences(user_errors)}", code)
    remedy = "Look at the order in the Shopify admin, put right what the sentence names, then retry."
    return Refused(f"Shopify refused: {_sentences(user_errors)}", remedy=remedy, code=code)


def _key_is_spent(reason: str, code: str) -> Refused:
    remedy = "Look at the order in the Shopify admin. If it was not done there, retry: that asks under a fresh key."
    return Refused(reason, remedy=remedy, code=code)


def _code(error: Mapping[str, Any]) -> str:
    extensions = error.get("extensions")
    return str(extensions.get("code") or _NO_CODE) if isinstance(extensions, Mapping) else _NO_CODE


def _came_before_acting(error: Mapping[str, Any], answer: Mapping[str, Any]) -> bool:
    """Whether the error is a mutation's refusal: of the whole request, which then has no data and a place in the text
    or a code, or of the mutation's own field, with a code that comes before acting.
    """
    if "data" not in answer:
        return bool(error.get("locations")) or _code(error) != _NO_CODE
    return len(error.get("path") or ()) <= 1 and _code(error) in _BEFORE_ACTING


def _sentences(errors: Sequence[Mapping[str, Any]]) -> str:
    # Each sentence once, and not for ever: an answer can repeat one error for every node of a page.
    return " ".join(dict.fromkeys(str(error.get("message") or "no reason given") for error in errors))[:500]


def _refill(cost: Mapping[str, Any]) -> float:
    """How long the leaky bucket takes to hold what the query asked for."""
    status = cost.get("throttleStatus") or {}
    try:
        lacking = float(cost["requestedQueryCost"]) - float(status["currentlyAvailable"])
        wait = lacking / float(status["restoreRate"])
    except (KeyError, TypeError, ValueError, ZeroDivisionError):
        return SHORTEST_WAIT_S
    return min(max(wait, SHORTEST_WAIT_S), http.LONGEST_WAIT_S) if math.isfinite(wait) else SHORTEST_WAIT_S


def _scope_remedy(error: Mapping[str, Any]) -> str:
    wanted = (error.get("extensions") or {}).get("requiredAccess")
    field = ".".join(str(step) for step in error.get("path") or ()) or "the call"
    scope = str(wanted).rstrip(".") if wanted else "an access scope that the app lacks"
    return f"`{field}` needs {scope}. Grant it to the app in the Shopify admin, then reconnect the store."
