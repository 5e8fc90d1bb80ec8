"""Speak GraphQL to one shop: each answer is what was asked for, or a Temporary or Permanent that says why not.

https://shopify.dev/docs/api/admin-graphql. The client is ours because the ones on offer have no timeout, do not tell
throttling from failure, and lose the data of an answer that has errors beside it.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar

import structlog

from integrations.http import retry_after_s, vendor_origin
from integrations.ports import CallNote, Credentials, Notice, Origins, OutsideFailure, Permanent, Temporary
from integrations.storefronts.shopify import documents, refusals, transport

VENDOR = "shopify"
# https://shopify.dev/docs/apps/build/authentication-authorization/access-tokens/authorization-code-grant
SHOP_DOMAIN = re.compile(r"[a-z0-9][a-z0-9-]{0,251}\.myshopify\.com")

# Those that another process brought, then our own; the third report says that these were refused too, and is answered
# with a failure.
MOST_RENEWALS = 3

Done = TypeVar("Done")

log = structlog.get_logger(__name__)
_told_versions: set[tuple[str, str]] = set()


class Client:
    """One connection's way to its shop. Raises Permanent at once where it could never work."""

    def __init__(self, credentials: Credentials, origins: Origins, notice: Notice) -> None:
        self.shop = shop_domain(credentials.account)
        self._version = origins.shopify_api_version
        origin = vendor_origin(origins.shopify, default=f"https://{self.shop}", setting="SHOPIFY_ORIGIN", suffix="")
        self._url = f"{origin}/admin/api/{self._version}/graphql.json"
        self._token = _token(credentials.secrets)
        self._secrets = credentials.secrets
        self._renewed = credentials.renewed
        self._notice = notice

    def ask(self, operation: str, /, *, key: str = "", **variables: Any) -> dict[str, Any]:
        """The data of a query, complete: an answer with errors beside it is not an answer."""
        return self._noted(operation, key, lambda: _data(self._answer(operation, variables, mutation=False)))

    def tell(self, operation: str, /, *, key: str = "", **variables: Any) -> dict[str, Any]:
        """The payload of a mutation that Shopify accepted. Raises Refused with its sentences where it did not."""
        return self._noted(operation, key, lambda: _accepted(self._answer(operation, variables, mutation=True)))

    def _noted(self, operation: str, key: str, call: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        started = time.monotonic()
        outcome = "ok"
        try:
            return call()
        except OutsideFailure as failure:
            outcome = failure.code or "failed"
            raise
        finally:
            ms = round((time.monotonic() - started) * 1000)
            self._notice(CallNote(vendor=VENDOR, verb=operation, outcome=outcome, ms=ms, key=key))

    def _answer(self, operation: str, variables: Mapping[str, Any], *, mutation: bool) -> dict[str, Any]:
        reply = self._taken(operation, variables, mutation=mutation)
        self._compare_version(reply.headers.get("x-shopify-api-version", ""))
        wait = retry_after_s(reply.headers.get("retry-after"), datetime.now(UTC))
        failure = refusals.of_status(reply.status, wait, mutation=mutation)
        if failure:
            raise failure
        answer = _parsed(reply.body, mutation=mutation)
        errors = _errors(answer)
        if errors:
            self._weigh(operation, errors, answer, mutation=mutation)
        return answer

    def _taken(self, operation: str, variables: Mapping[str, Any], *, mutation: bool) -> transport.Reply:
        """The answer to secrets that Shopify takes. With refused ones nothing was done, so newer ones ask again.

        Newer ones that are refused as well are reported too, which ends in a failure that says what to do.
        """
        reply = self._post(operation, variables, mutation=mutation)
        for _ in range(MOST_RENEWALS):
            if reply.status != 401 or self._renewed is None:
                break
            self._secrets = self._renewed(self._secrets)
            self._token = _token(self._secrets)
            reply = self._post(operation, variables, mutation=mutation)
        return reply

    def _post(self, operation: str, variables: Mapping[str, Any], *, mutation: bool) -> transport.Reply:
        question = {"query": documents.text(operation), "operationName": operation, "variables": variables}
        headers = {
            "Content-Type": "application/json",
            "Accept": "application/json",
            "X-Shopify-Access-Token": self._token,
        }
        try:
            return transport.post(self._url, headers, json.dumps(question).encode())
        except transport.NoAnswer as silence:
            raise refusals.of_silence(silence.kind, arrived=mutation and silence.arrived) from None

    def _weigh(
        self, operation: str, errors: list[dict[str, Any]], answer: Mapping[str, Any], *, mutation: bool
    ) -> None:
        """Raises, unless a mutation said what it did: then its errors are about fields that were only looked at."""
        if mutation and _payload(answer) is not None:
            log.warning("shopify.partial_errors", shop=self.shop, verb=operation, errors=len(errors))
            return
        raise refusals.of_errors(errors, answer, _cost(answer), mutation=mutation)

    def _compare_version(self, answered: str) -> None:
        # Shopify falls forward from a version that it no longer serves, and only this header tells.
        if answered and answered != self._version and (self._version, answered) not in _told_versions:
            _told_versions.add((self._version, answered))
            log.warning("shopify.version_differs", shop=self.shop, asked=self._version, answered=answered)


def once(act: Callable[[], Done], otherwise: Callable[[], Done | None]) -> Done:
    """Act; where the answer was lost or was no, look whether it stands there already, and raise only where it does not.

    For mutations that take no idempotency key. The look may fail too: then the first failure is the one to tell.
    """
    try:
        return act()
    except (Temporary, refusals.Refused) as failure:
        if isinstance(failure, Temporary) and not failure.outcome_unknown:
            raise
        try:
            standing = otherwise()
        except OutsideFailure:
            raise failure from None
        if standing is None:
            raise
        return standing


def shop_domain(account: str) -> str:
    """The store's own domain. Raises Permanent where it is none of Shopify's."""
    shop = account.strip().lower()
    if SHOP_DOMAIN.fullmatch(shop):
        return shop
    raise Permanent(
        "The connection's shop domain is not one of Shopify's.",
        remedy="Connect the store with its own domain, such as my-store.myshopify.com.",
        code="shop_domain",
    )


def _token(secrets: Mapping[str, str]) -> str:
    token = secrets.get("access_token", "")
    # Shopify's tokens are printable ASCII; anything else would break the header, or smuggle another.
    if token and re.fullmatch(r"[!-~]+", token):
        return token
    raise Permanent("The store's access token is missing or malformed.", remedy=refusals.RECONNECT, code="token")


def _parsed(body: bytes, *, mutation: bool) -> dict[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        answer = None
    if isinstance(answer, dict):
        return answer
    # A page of HTML with status 200 is a proxy or a maintenance page; whether the call went through is anyone's guess.
    raise Temporary("Shopify's answer is not readable.", code="broken_answer", outcome_unknown=mutation)


def _errors(answer: Mapping[str, Any]) -> list[dict[str, Any]]:
    found = answer.get("errors")
    return _listed(found if isinstance(found, list) else [found] if found else [])


def _listed(errors: object) -> list[dict[str, Any]]:
    """Shopify's errors are objects; some of its older doors answer with a bare sentence."""
    if not isinstance(errors, list):
        return []
    return [error if isinstance(error, dict) else {"message": str(error)} for error in errors]


def _data(answer: Mapping[str, Any]) -> dict[str, Any]:
    data = answer.get("data")
    if isinstance(data, dict):
        return data
    raise Temporary("Shopify's answer holds nothing that was asked for.", code="empty")


def _accepted(answer: Mapping[str, Any]) -> dict[str, Any]:
    payload = _payload(answer)
    if payload is None:
        raise Temporary("Shopify's answer says nothing about what it did.", code="empty", outcome_unknown=True)
    refused = refusals.of_user_errors(_listed(payload.get("userErrors") or payload.get("orderCancelUserErrors")))
    if refused:
        raise refused
    return payload


def _payload(answer: Mapping[str, Any]) -> dict[str, Any] | None:
    """What the one field of a mutation answered, where it answered."""
    data = answer.get("data")
    found = next(iter(data.values()), None) if isinstance(data, dict) else None
    return found if isinstance(found, dict) else None


def _cost(answer: Mapping[str, Any]) -> dict[str, Any]:
    extensions = answer.get("extensions")
    cost = extensions.get("cost") if isinstance(extensions, dict) else None
    return cost if isinstance(cost, dict) else {}
