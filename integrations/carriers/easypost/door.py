"""EasyPost's signed events, told apart and read; pure, and without EasyPost's SDK.

The SDK's own check raises TypeError on a signature that is not ASCII. Only signature v1 is checked: it is documented
and sent with every delivery; how v2 puts its parts together is not published. v1 signs no time, so a replay is stopped
by the event's id, which the caller keeps.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import unicodedata
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal

from integrations.carriers.easypost import objects
from integrations.json_body import parsed, read_object
from integrations.nouns import Fact, Ignored, LabelVoided, ParcelMoved, VoidState
from integrations.ports import Delivery, Envelope, Unreadable

_PREFIX = b"hmac-sha256-hex="


class EasyPostDoor:
    """Where EasyPost's events arrive: one address a connection, since the headers name no account."""

    vendor = "easypost"
    signature_header = "x-hmac-signature"

    def account(self, delivery: Delivery) -> str | None:  # noqa: ARG002
        return None

    def genuine(self, delivery: Delivery, secrets: Sequence[str], now: datetime) -> bool:  # noqa: ARG002
        theirs = delivery.headers.get(self.signature_header, "").strip().encode("utf-8", "surrogatepass")
        expected = [_signature(secret, delivery.body) for secret in secrets if secret]
        return any(hmac.compare_digest(ours, theirs) for ours in expected)

    def envelope(self, delivery: Delivery) -> Envelope:
        try:
            body = read_object(delivery.body)
        except Unreadable:
            body = {}
        digest = hashlib.sha256(delivery.body).hexdigest()
        return Envelope(topic=_word(body.get("description")), delivery_id=_word(body.get("id")) or digest)

    def read(self, topic: str, delivery: Delivery, *, live: bool) -> Fact:
        body = read_object(delivery.body)
        if not topic:
            raise Unreadable("event.description: an event names what happened")
        reader = TOPICS.get(topic)
        if reader is None:
            return Ignored(reason=f"{topic} is not acted on")
        event = parsed(Event, body, called="event")
        if (event.mode == "production") is not live:
            return Ignored(reason=_wrong_mode(live=live))
        return reader(event)


class Event(objects.Wire):
    mode: Literal["test", "production"]
    created_at: objects.Text = ""
    result: dict[str, Any]


def sample(account: str, secret: str, mark: str, now: datetime) -> Delivery:  # noqa: ARG001 - its address names it
    """An event of a kind that EasyPost does not have."""
    told = {"id": f"evt_{mark}", "object": "Event", "description": "packline.self_test", "created_at": now.isoformat()}
    body = json.dumps(told).encode()
    return Delivery(body=body, headers={EasyPostDoor.signature_header: _signature(secret, body).decode("ascii")})


def _signature(secret: str, body: bytes) -> bytes:
    key = unicodedata.normalize("NFKD", secret).encode("utf-8", "surrogatepass")
    return _PREFIX + hmac.new(key, body, hashlib.sha256).hexdigest().encode("ascii")


def _word(value: object) -> str:
    return value if isinstance(value, str) and len(value) <= 255 else ""


def _wrong_mode(*, live: bool) -> str:
    return "a test event for a live connection" if live else "a production event for a test connection"


def _moved(event: Event) -> Fact:
    tracker = parsed(objects.Tracker, event.result, called="tracker")
    return ParcelMoved(progress=objects.progress_of(tracker, told_at=event.created_at))


def _refunded(event: Event) -> Fact:
    refund = parsed(objects.Refund, event.result, called="refund")
    # The topic itself says that the money is back, whatever status the refund carried when the event was written.
    return LabelVoided(shipment_ref=refund.shipment_id, tracking_code=refund.tracking_code, state=VoidState.DONE)


TOPICS: Mapping[str, Callable[[Event], Fact]] = {
    "tracker.created": _moved,
    "tracker.updated": _moved,
    "refund.successful": _refunded,
}
