"""The webhook endpoints of a Stripe account: which stand, and how one comes to stand.

https://docs.stripe.com/api/webhook_endpoints. An endpoint's secret is told once, when it is made, and its version of
the API never changes: so it is made with the version that our SDK speaks.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import stripe

from integrations.nouns import Hook
from integrations.payments.stripe.client import StripeAccount, readable, row_as, safe
from integrations.payments.stripe.objects import Id, Wire
from integrations.ports import Permanent, Renewed

_ALL = "*"


class Endpoint(Wire):
    """A webhook endpoint. Its secret is in the answer that made it, and in no other."""

    id: Id
    url: str
    enabled_events: tuple[str, ...] = ()
    status: str = "enabled"
    secret: str = ""


class DroppedEndpoint(Wire):
    id: Id


def standing(account: StripeAccount) -> Sequence[Hook]:
    """The account's endpoints. A disabled one counts as disabled since now: Stripe does not tell since when."""
    return [_hook(endpoint, at) for endpoint, at in _endpoints(account)]


def add(account: StripeAccount, topics: Sequence[str], address: str) -> str:
    """Have these topics sent to an address; answers the new endpoint's secret, or nothing where one stands there.

    One that stands is given the topics that it lacks, and is enabled where it was disabled.
    """
    stands = next((endpoint for endpoint, _at in _endpoints(account) if endpoint.url == address), None)
    if stands is None:
        return _made(account, topics, address).secret
    lacks = set() if _ALL in stands.enabled_events else set(topics) - set(stands.enabled_events)
    if lacks or stands.status != "enabled":
        _update(account, stands.id, {"enabled_events": [*stands.enabled_events, *sorted(lacks)], "disabled": False})
    return ""


def enable(account: StripeAccount, remote_id: str) -> None:
    _update(account, safe(remote_id), {"disabled": False})


def renew(account: StripeAccount, remote_id: str, topics: Sequence[str], address: str) -> Renewed:
    """Have another endpoint at the same address: Stripe rolls a secret in its dashboard only, and tells it once.

    What else stands at the address was made by a run whose answer was lost with its secret. Nobody can check what it
    signs, so it goes first.
    """
    for endpoint, _at in _endpoints(account):
        if endpoint.url == address and endpoint.id != remote_id:
            drop(account, endpoint.id)
    made = _made(account, topics, address)
    return Renewed(remote_id=made.id, secret=made.secret)


def drop(account: StripeAccount, remote_id: str) -> None:
    """Delete an endpoint; one that is gone already is left gone."""
    try:
        account.ask(
            "webhook_endpoint.delete", lambda: account.v1.webhook_endpoints.delete(safe(remote_id)), DroppedEndpoint
        )
    except Permanent as refused:
        if refused.code != "resource_missing":
            raise


def _made(account: StripeAccount, topics: Sequence[str], address: str) -> Endpoint:
    wish: Any = {"url": address, "enabled_events": list(topics) or [_ALL], "api_version": stripe.api_version}
    made, _at = account.ask("webhook_endpoint.create", lambda: account.v1.webhook_endpoints.create(wish), Endpoint)
    return made


def _endpoints(account: StripeAccount) -> list[tuple[Endpoint, datetime]]:
    rows = account.rows("webhook_endpoint.list", account.v1.webhook_endpoints.list, {})
    return [(readable(row_as, Endpoint, row), at) for row, at in rows]


def _hook(endpoint: Endpoint, at: datetime) -> Hook:
    return Hook(
        remote_id=endpoint.id,
        address=endpoint.url,
        topics=() if _ALL in endpoint.enabled_events else endpoint.enabled_events,
        disabled_at=None if endpoint.status == "enabled" else at,
    )


def _update(account: StripeAccount, remote_id: str, wish: Any) -> None:
    account.ask("webhook_endpoint.update", lambda: account.v1.webhook_endpoints.update(remote_id, wish), Endpoint)
