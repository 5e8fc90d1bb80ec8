"""What happened in a Stripe account lately, for whoever compares: its recorded events, and its payments as they stand.

A thing that cannot be read is logged and left out, so that it does not hide the others.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Annotated

import structlog
from pydantic import StringConstraints

from integrations.json_body import parsed
from integrations.nouns import PaymentFact, RecordedEvent
from integrations.payments.stripe import objects
from integrations.payments.stripe.client import Page, Row, StripeAccount, Wish, row_as
from integrations.payments.stripe.door import TOPICS
from integrations.ports import Unreadable

log = structlog.get_logger(__name__)

# https://docs.stripe.com/api/events/list: "going back up to 30 days".
KEPT_FOR = timedelta(days=30)

# An event's id and type, as they may stand in a column and in a line of the log.
Word = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_.-]{1,255}$")]


class EventHead(objects.Wire):
    """What tells one event from another."""

    id: Word
    type: Word
    created: objects.Moment


def events_since(account: StripeAccount, since: datetime, now: datetime) -> Iterator[RecordedEvent]:
    """The events that our door acts on, oldest first; those of the last 30 days where `since` lies before."""
    begin = int(max(since, now - KEPT_FOR).timestamp())
    # At most twenty types may be named; the door's are fewer.
    wish: Wish = {"created": {"gte": begin}, "types": sorted(TOPICS)}
    page, has_newer = _oldest_page(account, wish)
    while True:
        yield from (event for row in reversed(page.data) if (event := _recorded(row)))
        if not has_newer or not page.first:
            return
        page, _at = account.page("event.list", account.v1.events.list, {**wish, "ending_before": page.first})
        has_newer = page.has_more


def payments_since(account: StripeAccount, since: datetime) -> Iterator[PaymentFact]:
    """The PaymentIntents that were made since, newest first, as they stand now."""
    wish: Wish = {"created": {"gte": int(since.timestamp())}, "expand": ["data.latest_charge"]}
    for row, at in account.rows("payment_intent.list", account.v1.payment_intents.list, wish):
        try:
            yield objects.payment_of_intent(row_as(objects.Intent, row), at)
        except Unreadable as unread:
            log.warning("stripe.payment_unread", payment=str(row.get("id"))[:40], reason=unread.reason)


def _oldest_page(account: StripeAccount, wish: Wish) -> tuple[Page, bool]:
    """The page with the oldest events, and whether there are newer ones.

    Stripe lists the newest first. Going to the end and then back reads the pages between twice, and never holds more
    than one, however much happened; after a short silence there is one page, read once.
    """
    page, _at = account.page("event.list", account.v1.events.list, wish)
    has_newer = False
    while page.has_more:
        page, _at = account.page("event.list", account.v1.events.list, {**wish, "starting_after": page.last})
        has_newer = True
    return page, has_newer


def _recorded(row: Row) -> RecordedEvent | None:
    try:
        event = parsed(EventHead, row, called="event")
    except Unreadable as unread:
        log.warning("stripe.event_unread", delivery=str(row.get("id"))[:40], reason=unread.reason)
        return None
    # Escaped to ASCII: what cannot be stored is then refused by the door, with a reason, and not here without a trace.
    body = json.dumps(row, separators=(",", ":")).encode("ascii")
    return RecordedEvent(delivery_id=event.id, topic=event.type, at=objects.moment(event.created), body=body)
