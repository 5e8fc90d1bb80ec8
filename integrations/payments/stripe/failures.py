"""What Stripe's refusals and silences mean for a job: tried again, or shown to a person with what to do.

docs.stripe.com/api/errors and docs.stripe.com/error-low-level name the statuses; 409 and lock time-outs pass by
themselves, and a lost POST may have happened.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime

import stripe

from integrations.http import retry_after_s
from integrations.ports import Permanent, Temporary
from integrations.sdk_calls import Trouble, network_word


class Forbidden(Permanent):
    """The key is known and may not do this. `permissions` are those that would help, where Stripe names them."""

    def __init__(self, reason: str, *, remedy: str, code: str, permissions: tuple[str, ...], account: str) -> None:
        super().__init__(reason, remedy=remedy, code=code)
        self.permissions = permissions
        self.account = account
        """The account that the key belongs to: a restricted key may learn it in no other way."""


_SECRETS = re.compile(r"\b(?:sk|rk|pk|whsec)_[A-Za-z0-9_*]+")
_PERMISSION = re.compile(r"\brak_[a-z0-9_]+")
_ACCOUNT = re.compile(r"\bacct_[A-Za-z0-9]+")
_LONGEST_MESSAGE = 300
# docs.stripe.com/error-codes: an authorisation that was not captured in its days.
_LAPSED = frozenset({"charge_expired_for_capture", "capture_charge_authorization_expired"})


def understood(wrong: Exception, *, changes: bool, now: datetime) -> Trouble:
    """The failure of one call; `changes` tells that the call asked Stripe to do something."""
    if not isinstance(wrong, stripe.StripeError):
        return Trouble(_unread(type(wrong).__name__, changes=changes), "unreadable")
    if wrong.http_status is None:
        word = network_word(wrong)
        lost = Temporary(f"Stripe could not be asked ({word})", code=word, outcome_unknown=changes)
        return Trouble(lost, word)
    return Trouble(_answered(wrong, wrong.http_status, changes=changes, now=now), str(wrong.http_status))


def _answered(wrong: stripe.StripeError, status: int, *, changes: bool, now: datetime) -> Temporary | Permanent:
    code, wait = _code(wrong), _wait_s(wrong.headers, now)
    if status == 429 or isinstance(wrong, stripe.RateLimitError):
        return Temporary("Stripe asks for fewer calls", code=code or "429", retry_in_s=wait)
    if status == 409 or status >= 500:
        reason = f"Stripe answered {status}: {_message(wrong)}"
        return Temporary(reason, code=code or str(status), retry_in_s=wait, outcome_unknown=changes)
    if status < 400:
        return _unread(f"answer {status}", changes=changes)
    if status == 403:
        return _forbidden(wrong, code or str(status))
    return Permanent(_reason(wrong, status), remedy=_remedy(wrong, status), code=code or str(status))


def _forbidden(wrong: stripe.StripeError, code: str) -> Forbidden:
    told = str(wrong.user_message or "")
    account = _ACCOUNT.search(told)
    return Forbidden(
        _reason(wrong, 403),
        remedy=_remedy(wrong, 403),
        code=code,
        permissions=tuple(_PERMISSION.findall(told)),
        account=account.group() if account else "",
    )


def _unread(what: str, *, changes: bool) -> Temporary:
    return Temporary(f"Stripe's answer could not be read ({what})", code="unreadable", outcome_unknown=changes)


def _reason(wrong: stripe.StripeError, status: int) -> str:
    if status == 401:
        return "Stripe does not accept the connection's API key"
    if isinstance(wrong, stripe.IdempotencyError):
        return "Stripe has seen this idempotency key with another request, so it did nothing"
    words = {402: "the card was refused", 403: "the API key may not do this", 404: "Stripe does not know it"}
    return f"{words.get(status, 'Stripe refused')}: {_message(wrong)}"


def _remedy(wrong: stripe.StripeError, status: int) -> str:
    if status == 401:
        return "Make a new restricted key in Stripe's dashboard and give it with: packline connect stripe"
    if status == 403:
        named = _PERMISSION.search(wrong.user_message or "")
        permission = f"the permission {named.group()}" if named else "the permission that Stripe names"
        return f"Give the restricted key {permission} in Stripe's dashboard, then retry."
    if isinstance(wrong, stripe.IdempotencyError):
        return "Look at the payment in Stripe's dashboard; if nothing happened there, discard this job and ask again."
    if status == 404:
        return "Check that the payment belongs to this Stripe account, and that test and live were not mixed up."
    if _code(wrong) in _LAPSED:
        return "The hold on the buyer's money has lapsed: ask the buyer to pay again, then discard this job."
    return "Look at the payment in Stripe's dashboard, settle it there, then retry or discard this job."


def _code(wrong: stripe.StripeError) -> str:
    """Stripe's word; the SDK leaves `code` empty on some classes and keeps it in the error object."""
    told = wrong.error
    return str(wrong.code or (told and (getattr(told, "code", None) or getattr(told, "type", None))) or "")


def _message(wrong: stripe.StripeError) -> str:
    return _SECRETS.sub("…", str(wrong.user_message or "no reason given"))[:_LONGEST_MESSAGE]


def _wait_s(headers: Mapping[str, str] | None, now: datetime) -> float | None:
    named = {name.lower(): value for name, value in (headers or {}).items()}
    return retry_after_s(named.get("retry-after"), now)
