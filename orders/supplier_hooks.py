"""Says what a supplier's machine is told of a purchase order, and signs it, so that it can tell us from anybody. Pure.

What is signed is the time, a dot and the very bytes of the body: an old telling cannot be sent again as a new one.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
from collections.abc import Mapping
from datetime import datetime
from typing import Any

TYPES = {
    "ordered": "purchase_order.written",
    "cancelled": "purchase_order.cancelled",
    "stop": "purchase_order.stop",
}
_THING = "supplier_hook/"


def subject_of(purchase_order: int) -> str:
    """What a telling is about, apart from the letters about the same purchase order."""
    return f"{_THING}{purchase_order}"


def purchase_order_of(subject: str) -> int | None:
    """The purchase order that a telling is about; None where the notice is a letter."""
    return int(subject.removeprefix(_THING)) if subject.startswith(_THING) else None


def type_of(fact: str) -> str:
    """`ordered/2` is the same order with a new link."""
    return TYPES[fact.partition("/")[0]]


def new_secret() -> str:
    return f"plsec_{secrets.token_urlsafe(32)}"


def body(written: Mapping[str, Any], *, event: int, fact: str) -> bytes:
    """What is sent. `event` is the same however often it is sent: who has it already leaves it alone."""
    said = {**written, "event": {"id": str(event), "type": type_of(fact)}}
    return json.dumps(said, ensure_ascii=False, separators=(",", ":")).encode()


def headers(secret: str, sent: bytes, *, event: int, fact: str, now: datetime) -> dict[str, str]:
    at = str(int(now.timestamp()))
    return {
        "Content-Type": "application/json",
        "Packline-Event-Id": str(event),
        "Packline-Event": type_of(fact),
        "Packline-Timestamp": at,
        "Packline-Signature": f"v1={signature(secret, at, sent)}",
    }


def signature(secret: str, at: str, sent: bytes) -> str:
    return hmac.new(secret.encode(), at.encode() + b"." + sent, hashlib.sha256).hexdigest()
