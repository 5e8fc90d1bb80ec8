"""Where every Stripe call passes: who asks, whether the key was used before, what is done, how it is answered."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

from flask import Response, request

from sandbox import stripe_keys
from sandbox.core import Answer, Core, Refusal
from sandbox.stripe_accounts import Account, Accounts
from sandbox.stripe_checkout import Checkouts
from sandbox.stripe_payments import Payments
from sandbox.stripe_wire import API_VERSION, Fields, errors_for, form, query

Act = Callable[[Account, Fields], Fields]


class Desk:
    """The stand-in's state and its one way to answer."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.accounts = Accounts(core)
        self.payments = Payments(self.accounts)
        self.checkouts = Checkouts(self.accounts, self.payments)
        core.shape_errors("stripe", errors_for)

    def serve(self, operation: str, act: Act) -> Response:
        """Answer one call; `act` gets the account and the parameters, and answers the object.

        A POST with an Idempotency-Key is carried out once; in flight the same key meets a 409.
        """
        key = request.headers.get("Idempotency-Key") if request.method == "POST" else None
        response = self._once(operation, act, key) if key else self._answer(operation, act)
        response.headers["Request-Id"] = f"req_{uuid4().hex[:14]}"
        response.headers["Stripe-Version"] = request.headers.get("Stripe-Version", API_VERSION)
        if key:
            response.headers["Idempotency-Key"] = key
        return response

    def _answer(self, operation: str, act: Act) -> Response:
        return self.core.answer("stripe", operation, lambda: _acted(stripe_keys.allowed(self.accounts, operation), act))

    def _once(self, operation: str, act: Act, key: str) -> Response:
        try:
            account = stripe_keys.allowed(self.accounts, operation)
            stored = account.idempotency.claim(key, request.path, form())
        except Refusal as refusal:
            refused = refusal.answer
            return self.core.answer("stripe", operation, lambda: refused, key=key)
        if stored is not None:
            return self.core.answer("stripe", operation, lambda: stored, key=key)
        try:
            return self.core.answer(
                "stripe",
                operation,
                lambda: _acted(account, act),
                key=key,
                settled=lambda answer: account.idempotency.settle(key, answer),
            )
        except Exception:
            account.idempotency.release(key)
            raise


def _acted(account: Account, act: Act) -> Answer:
    given = query() if request.method == "GET" else form()
    told = act(account, given)
    for path in given.get("expand") or []:
        _expand(account, told, str(path).split("."))
    summary = {"id": told.get("id"), "status": told.get("status")} if request.method == "POST" else None
    return Answer(200, told, summary=summary)


def _expand(account: Account, told: Any, path: list[str]) -> None:
    """Put the object in place of its id, along a path such as data.latest_charge."""
    if not path:
        return
    if isinstance(told, list):
        for row in told:
            _expand(account, row, path)
        return
    head, *rest = path
    if not isinstance(told, dict) or told.get(head) is None:
        return
    if isinstance(told[head], str):
        told[head] = _object(account, told[head]) or told[head]
    _expand(account, told[head], rest)


def _object(account: Account, object_id: str) -> Fields | None:
    for shelf in (account.intents, account.charges, account.refunds, account.disputes, account.sessions):
        found = shelf.get(object_id)
        if found is not None:
            told: Fields = found.wire()
            return told
    return None
