"""What EasyPost's refusals and silences mean for a job: tried again, or shown to a person with what to do.

docs.easypost.com/docs/errors. The SDK loses the status of an answer that is not JSON, and the Retry-After header of
every answer, so both come from `Heard`, which the client fills from the SDK's response hook.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from easypost.errors.api.json_error import JsonError

from integrations.http import retry_after_s
from integrations.ports import Permanent, Temporary
from integrations.sdk_calls import Trouble, network_word, never_sent

POSTAGE_EXISTS = "SHIPMENT.POSTAGE.EXISTS"
IN_PROGRESS = "SHIPMENT.PURCHASE.IN_PROGRESS"
# EasyPost itself gives a purchase 90 seconds; most are over in two, so 15 is soon enough and not a siege.
IN_PROGRESS_RETRY_S = 15.0

# The carrier or a service behind EasyPost was silent: whether it acted is not known.
_UNKNOWN_OUTCOMES = frozenset(
    {IN_PROGRESS, "SHIPMENT.POSTAGE.NO_RESPONSE", "SHIPMENT.POSTAGE.TIMED_OUT", "REFUND.NO_RESPONSE"}
)
_TRY_LATER = frozenset({"ADDRESS.VERIFY.UNAVAILABLE", "ADDRESS.VERIFY.UPSTREAM_UNAVAILABLE", "RATE_LIMITED"})
_SECRETS = re.compile(r"\bEZ[AT]K[A-Za-z0-9]+")
_LONGEST_MESSAGE = 300


@dataclass
class Heard:
    """What came back from the wire for one call; no status where nothing did."""

    status: int | None = None
    retry_after: str | None = None


def understood(wrong: Exception, heard: Heard, *, changes: bool, now: datetime) -> Trouble:
    """The failure of one call; `changes` tells that the call asked EasyPost to do something that costs."""
    status = heard.status
    if status is None:
        word = network_word(wrong)
        sent = not never_sent(wrong)
        lost = Temporary(f"EasyPost could not be asked ({word})", code=word, outcome_unknown=changes and sent)
        return Trouble(lost, word)
    return Trouble(_answered(wrong, status, heard, changes=changes, now=now), str(status))


def _answered(wrong: Exception, status: int, heard: Heard, *, changes: bool, now: datetime) -> Temporary | Permanent:
    code = _code(wrong)
    wait = retry_after_s(heard.retry_after, now)
    if status == 429:
        return Temporary("EasyPost asks for fewer calls", code=code or "429", retry_in_s=wait)
    if code in _UNKNOWN_OUTCOMES:
        soon = IN_PROGRESS_RETRY_S if code == IN_PROGRESS else None
        return Temporary(_reason(wrong, code), code=code, retry_in_s=wait or soon, outcome_unknown=changes)
    if status in {408, 409} or status >= 500 or code in _TRY_LATER:
        reason = f"EasyPost answered {status}: {_reason(wrong, code)}"
        return Temporary(reason, code=code or str(status), retry_in_s=wait, outcome_unknown=changes)
    if status < 400:
        reason = f"EasyPost's answer {status} could not be read ({type(wrong).__name__})"
        return Temporary(reason, code="unreadable", outcome_unknown=changes)
    return Permanent(_refusal(wrong, status, code), remedy=_remedy(status, code), code=code or str(status))


def _refusal(wrong: Exception, status: int, code: str) -> str:
    if status == 401:
        return "EasyPost does not accept the connection's API key"
    return f"EasyPost refused ({status}): {_reason(wrong, code)}"


def _remedy(status: int, code: str) -> str:
    if status == 401 or code.startswith("APIKEY."):
        return "Copy an active API key from EasyPost's dashboard and give it with: packline connect easypost"
    if (
        status == 402
        or "FUNDS" in code
        or code.startswith(("PAYMENT_GATEWAY", "CREDIT_CARD", "BANK_ACCOUNT", "BILLING"))
    ):
        return "Add funds to the EasyPost wallet, or mend its payment method, then retry."
    if status in {403, 405} or code.startswith("MODE."):
        return "Give a key whose account may do this, and do not mix test and production: packline connect easypost"
    return _REMEDIES.get(code) or _REMEDIES.get(code.partition(".")[0]) or _REMEDIES[""]


_REMEDIES = {
    "ADDRESS": "Correct the address, then retry.",
    "CUSTOMS_INFO": "Complete the customs details (description, value, weight, origin, tariff number), then retry.",
    "CUSTOMS_ITEM": "Complete the customs details (description, value, weight, origin, tariff number), then retry.",
    "PARCEL": "Correct the parcel's weight and sizes, then retry.",
    "SHIPMENT.CUSTOMS_INFO.REQUIRED": "Add customs details to the products of this order, then retry.",
    "SHIPMENT.MISSING_RATE": "The rate is gone: rate the parcel again, then choose a rate.",
    "SHIPMENT.POSTAGE.FAILURE": "The carrier made no label: read its reason, correct it or choose another carrier.",
    "SHIPMENT.REFUND.FAILURE": "Ask again tomorrow, or ask EasyPost's support to refund the label.",
    "SHIPMENT.REFUND.UNAVAILABLE": "This label cannot be refunded; if the parcel was not handed over, ask the carrier.",
    "TRACKER": "Check the tracking number and its carrier.",
    "": "Read EasyPost's reason, correct what it names, then retry; its dashboard shows the whole request.",
}


def _code(wrong: Exception) -> str:
    code = getattr(wrong, "code", None)
    return code if isinstance(code, str) else ""


def _reason(wrong: Exception, code: str) -> str:
    """EasyPost's message with its details, which are objects in some answers and plain sentences in others."""
    details = getattr(wrong, "errors", None)
    sentences = [_detail(detail) for detail in details] if isinstance(details, list) else []
    # A JsonError's own message is the whole body.
    message = None if isinstance(wrong, JsonError) else getattr(wrong, "message", None)
    said = "; ".join(part for part in [str(message or ""), *sentences] if part)
    return _SECRETS.sub("…", said or code or "no reason given")[:_LONGEST_MESSAGE]


def _detail(detail: Any) -> str:
    if isinstance(detail, dict):
        return " ".join(str(detail[name]) for name in ("field", "message") if detail.get(name))
    return str(detail)
