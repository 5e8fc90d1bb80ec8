"""The way to Stripe: one StripeClient for each key, every call told to the timeline, every list read page by page.

Only the `v1` services of a client of our own: no global key, five seconds to connect and thirty to answer, and the
caller's idempotency key on everything that moves money.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import partial
from typing import Any, TypeVar

import requests
import stripe
from pydantic import BaseModel

from integrations.http import vendor_origin
from integrations.json_body import Model, parsed, refuse_unstorable_text
from integrations.kept import Kept
from integrations.payments.stripe.failures import understood
from integrations.ports import Credentials, Notice, Origins, Permanent, Temporary, Unreadable
from integrations.sdk_calls import api_key, told

Read = TypeVar("Read")
Row = dict[str, Any]
Wish = dict[str, Any]

# (connect, each read). A call may take three tries of this, as the SDK repeats lost calls twice under the same key.
TIMEOUT_S = (5, 30)
NETWORK_RETRIES = 2
# The most that Stripe gives at once: https://docs.stripe.com/api/pagination
ROWS_A_PAGE = 100

_clients: Kept[stripe.StripeClient] = Kept(most=32)


class Page(BaseModel):
    """One page of a list, newest first; its rows are read one by one."""

    data: tuple[Row, ...]
    has_more: bool = False

    @property
    def first(self) -> str:
        return _row_id(self.data[:1])

    @property
    def last(self) -> str:
        return _row_id(self.data[-1:])


class StripeAccount:
    """One Stripe account, spoken to with its own key; `v1` are the SDK's services."""

    def __init__(
        self, credentials: Credentials, origins: Origins, notice: Notice, *, retries: int = NETWORK_RETRIES
    ) -> None:
        origin = vendor_origin(
            origins.stripe, default="https://api.stripe.com", setting="STRIPE_API_BASE", suffix="/v1"
        )
        key = api_key(credentials, "stripe")
        self.v1 = _clients.get((origin, key, retries), partial(_client, origin, key, retries)).v1
        self._notice = notice

    def ask(self, verb: str, call: Callable[[], Any], model: type[Model], *, key: str = "") -> tuple[Model, datetime]:
        """Stripe's answer as `model`, and the moment at which Stripe gave it."""
        answer, at = self._told(verb, call, key=key)
        return readable(row_as, model, answer, changes=bool(key)), at

    def page(self, verb: str, call: Callable[[Any], Any], wish: Wish) -> tuple[Page, datetime]:
        """One page of a list, newest first. Its rows are not looked into: one that cannot be read hides no other."""
        answer, at = self._told(verb, lambda: call({"limit": ROWS_A_PAGE, **wish}))
        return readable(_page, answer), at

    def rows(self, verb: str, call: Callable[[Any], Any], wish: Wish) -> Iterator[tuple[Row, datetime]]:
        """Every row of a list, newest first, each with the moment at which Stripe gave it."""
        page, at = self.page(verb, call, wish)
        while True:
            yield from ((row, at) for row in page.data)
            if not page.has_more:
                return
            page, at = self.page(verb, call, {**wish, "starting_after": page.last})

    def _told(self, verb: str, call: Callable[[], Any], *, key: str = "") -> tuple[Row, datetime]:
        return told(
            lambda: _plain(call()),
            notice=self._notice,
            vendor="stripe",
            verb=verb,
            key=key,
            understand=lambda wrong: understood(wrong, changes=bool(key), now=datetime.now(UTC)),
        )


def safe(remote_id: str) -> str:
    """The id, for use in an address: an empty one would turn one thing's address into the list of all."""
    if not remote_id:
        raise Permanent("no payment was named", remedy="Discard this job: it has no payment to work on.")
    return remote_id


def readable(read: Callable[..., Read], *values: Any, changes: bool = False) -> Read:
    """What `read` makes of an answer; a Temporary where it cannot be read."""
    try:
        return read(*values)
    except Unreadable as unread:
        reason = f"Stripe's answer could not be read ({unread.reason})"
        raise Temporary(reason, code="unreadable", outcome_unknown=changes) from None


def row_as(model: type[Model], row: Mapping[str, Any]) -> Model:
    """One thing of an answer as `model`. Raises Unreadable."""
    refuse_unstorable_text(row)
    return parsed(model, row, called="answer")


def _client(origin: str, key: str, retries: int) -> stripe.StripeClient:
    session = requests.Session()
    # Stripe redirects nothing; a redirect would carry a refund to a place that nobody configured.
    session.max_redirects = 0
    return stripe.StripeClient(
        key,
        http_client=stripe.RequestsClient(timeout=TIMEOUT_S, session=session),
        max_network_retries=retries,
        base_addresses={"api": origin, "connect": origin, "files": origin, "meter_events": origin},
    )


def _plain(answer: Any) -> tuple[Row, datetime]:
    return answer.to_dict(), _answered_at(answer.last_response.headers.get("Date"))


def _page(answer: Row) -> Page:
    page = parsed(Page, answer, called="answer")
    if page.has_more and not page.last:
        raise Unreadable("answer.data: a page that is followed by another ends with a row that has an id")
    return page


def _row_id(rows: tuple[Row, ...]) -> str:
    found = rows[0].get("id") if rows else None
    return found if isinstance(found, str) else ""


def _answered_at(date: str | None) -> datetime:
    """Stripe's own clock, since its events carry it too; ours where the answer has no readable Date."""
    try:
        at = parsedate_to_datetime(date or "")
    except ValueError:
        return datetime.now(UTC)
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
