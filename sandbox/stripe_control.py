"""Stripe's control door: accounts, and what buyers, banks and cardholders do there."""

from collections.abc import Callable
from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request

from sandbox import stripe_keys
from sandbox.core import Refusal
from sandbox.stripe_accounts import DEFAULT_KEY, Account, Endpoint
from sandbox.stripe_checkout import Session
from sandbox.stripe_desk import Desk
from sandbox.stripe_objects import Charge, Intent
from sandbox.stripe_payments import OUTCOMES
from sandbox.stripe_wire import refused

T = TypeVar("T")
Reply = tuple[Response, int]
Wish = dict[str, Any]
# One thing done to a payment: answers what is told about it.
Deed = Callable[[Account, Intent, Wish], dict[str, Any]]


def add(routes: Blueprint, desk: Desk) -> None:
    _add_accounts(routes, desk)
    stripe_keys.add(routes, desk.accounts)
    _add_endpoints(routes, desk)
    _add_payments(routes, desk)
    _add_checkouts(routes, desk)


def _add_accounts(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/accounts")
    def open_account() -> Reply:
        wish = _wish()
        if not wish.get("key"):
            return _told(400, "key is missing")
        account = desk.accounts.open(str(wish["key"]), livemode=bool(wish.get("livemode", False)))
        account.name = str(wish.get("name", account.name))
        account.charges_enabled = bool(wish.get("charges_enabled", account.charges_enabled))
        endpoint = None
        if wish.get("webhook_url"):
            endpoint = _endpoint_to(desk, account, wish)
        told = {"key": account.key, "id": account.id, "livemode": account.livemode}
        secret = {"webhook_id": endpoint.id, "webhook_secret": endpoint.secret} if endpoint else {}
        return jsonify({**told, **secret}), 201


def _add_endpoints(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/endpoints")
    def endpoints() -> Reply:
        found = [
            {"key": account.key, **endpoint.wire()}
            for account in desk.accounts.all()
            for endpoint in account.endpoints.values()
        ]
        return jsonify({"count": len(found), "endpoints": found}), 200

    @routes.post("/endpoints/<endpoint_id>/<deed>")
    def do_to_endpoint(endpoint_id: str, deed: str) -> Reply:
        """What Stripe does to an endpoint that fails for days, and what people do in the dashboard."""
        account = next((known for known in desk.accounts.by_key.values() if endpoint_id in known.endpoints), None)
        if account is None or deed not in {"disable", "enable", "delete"}:
            return _told(404, f"no endpoint {endpoint_id}, or nothing called {deed}; there are disable, enable, delete")
        if deed == "delete":
            desk.accounts.remove_endpoint(account, endpoint_id)
            return jsonify({"id": endpoint_id, "deleted": True}), 200
        account.endpoints[endpoint_id].status = f"{deed}d"
        return jsonify(account.endpoints[endpoint_id].wire()), 200


def _endpoint_to(desk: Desk, account: Account, wish: Wish) -> Endpoint:
    """The account's endpoint at this URL; made when there is none, so that asking twice is safe."""
    url, events = str(wish["webhook_url"]), list(wish.get("enabled_events", ["*"]))
    endpoint = next((known for known in account.endpoints.values() if known.url == url), None)
    endpoint = endpoint or desk.accounts.add_endpoint(account, Endpoint(url, events, account.livemode))
    endpoint.enabled_events = events
    endpoint.secret = wish.get("webhook_secret") or endpoint.secret
    return endpoint


def _add_payments(routes: Blueprint, desk: Desk) -> None:
    deeds = _deeds(desk)

    @routes.post("/payments")
    def pay() -> Reply:
        """A buyer pays an intent that the shop made elsewhere: the intent and its events, in one go."""
        wish = _wish()
        account, outcome = _account(desk, wish), str(wish.get("outcome", "succeeded"))
        if account is None or outcome not in OUTCOMES or "amount" not in wish:
            return _told(400, f"unknown key, no amount, or unknown outcome; outcomes are {', '.join(OUTCOMES)}")
        held = outcome == "requires_capture"
        intent = desk.payments.create(
            account,
            Intent(
                int(wish["amount"]),
                str(wish.get("currency", "usd")).lower(),
                account.livemode,
                capture_method="manual" if held else str(wish.get("capture_method", "automatic_async")),
                metadata={name: str(value) for name, value in (wish.get("metadata") or {}).items()},
            ),
        )
        _come_to(desk, account, intent, outcome)
        return jsonify(intent.wire()), 201

    @routes.post("/payments/<intent_id>/<deed>")
    def do_to_payment(intent_id: str, deed: str) -> Reply:
        found = _owner(desk, intent_id)
        if found is None or deed not in deeds:
            return _told(404, f"no payment {intent_id}, or nothing called {deed}; there are {', '.join(deeds)}")
        account, intent = found
        try:
            return jsonify(deeds[deed](account, intent, _wish())), 200
        except Refusal as refusal:
            return jsonify(refusal.answer.body), refusal.answer.status


def _deeds(desk: Desk) -> dict[str, Deed]:
    payments = desk.payments

    def then_intent(act: Callable[[Account, Intent, Wish], object]) -> Deed:
        def deed(account: Account, intent: Intent, wish: Wish) -> dict[str, Any]:
            act(account, intent, wish)
            return intent.wire()

        return deed

    def refund(account: Account, intent: Intent, wish: Wish) -> dict[str, Any]:
        charge, metadata = _charge(account, intent), wish.get("metadata") or {}
        return payments.refund(account, charge, wish.get("amount"), wish.get("reason"), metadata).wire()

    def dispute(account: Account, intent: Intent, wish: Wish) -> dict[str, Any]:
        return payments.dispute(
            account,
            _charge(account, intent),
            status=str(wish.get("status", "needs_response")),
            reason=str(wish.get("reason", "fraudulent")),
            amount=wish.get("amount"),
        ).wire()

    def close_dispute(account: Account, intent: Intent, wish: Wish) -> dict[str, Any]:
        dispute = _latest(account.disputes, lambda found: found.charge.intent is intent)
        payments.close_dispute(account, dispute, str(wish.get("status", "lost")))
        return dispute.wire()

    def fail_refund(account: Account, intent: Intent, wish: Wish) -> dict[str, Any]:
        refund = _latest(account.refunds, lambda found: found.charge.intent is intent and found.status == "succeeded")
        payments.fail_refund(account, refund, str(wish.get("reason", "expired_or_canceled_card")))
        return refund.wire()

    return {
        "succeed": then_intent(lambda account, intent, _: _decide(desk, account, intent, succeeded=True)),
        "fail": then_intent(lambda account, intent, _: _decide(desk, account, intent, succeeded=False)),
        "capture": then_intent(lambda account, intent, wish: payments.capture(account, intent, wish.get("amount"))),
        "cancel": then_intent(lambda account, intent, wish: payments.cancel(account, intent, wish.get("reason"))),
        "expire": then_intent(lambda account, intent, _: payments.expire(account, intent)),
        "refund": refund,
        "fail_refund": fail_refund,
        "dispute": dispute,
        "close_dispute": close_dispute,
    }


def _come_to(desk: Desk, account: Account, intent: Intent, outcome: str) -> None:
    if outcome == "failed":
        desk.payments.fail(account, intent)
    elif outcome == "processing":
        desk.payments.process(account, intent)
    else:
        desk.payments.succeed(account, intent)


def _decide(desk: Desk, account: Account, intent: Intent, *, succeeded: bool) -> None:
    """The bank's answer to a payment under way, told through its session where it has one."""
    session = next((found for found in account.sessions.values() if found.intent == intent.id), None)
    if session is not None and session.status == "complete":
        desk.checkouts.settle(account, session, succeeded=succeeded)
    elif succeeded:
        desk.payments.succeed(account, intent)
    else:
        desk.payments.fail(account, intent)


def _add_checkouts(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/checkouts")
    def check_out() -> Reply:
        """A whole visit: a session is opened and the buyer pays it."""
        wish = _wish()
        account = _account(desk, wish)
        if account is None or "amount" not in wish:
            return _told(400, "unknown key or no amount")
        session = Session(
            int(wish["amount"]),
            str(wish.get("currency", "usd")).lower(),
            account.livemode,
            capture_method="manual" if wish.get("outcome") == "requires_capture" else "automatic_async",
            metadata=wish.get("metadata") or {},
            intent_metadata=wish.get("intent_metadata") or {},
            client_reference_id=wish.get("client_reference_id"),
        )
        account.sessions[session.id] = session
        return _completed(desk, account, session, str(wish.get("outcome", "succeeded")))

    @routes.post("/checkouts/<session_id>/<deed>")
    def do_to_checkout(session_id: str, deed: str) -> Reply:
        for account in desk.accounts.by_key.values():
            session = account.sessions.get(session_id)
            if session is not None and deed == "complete":
                return _completed(desk, account, session, str(_wish().get("outcome", "succeeded")))
            if session is not None and deed == "expire":
                return _expired(desk, account, session)
        return _told(404, f"no session {session_id}, or nothing called {deed}; there are complete, expire")


def _completed(desk: Desk, account: Account, session: Session, outcome: str) -> Reply:
    if outcome not in OUTCOMES:
        return _told(400, f"unknown outcome; there are {', '.join(OUTCOMES)}")
    try:
        desk.checkouts.complete(account, session, outcome)
    except Refusal as refusal:
        return jsonify(refusal.answer.body), refusal.answer.status
    return jsonify(session.wire()), 201


def _expired(desk: Desk, account: Account, session: Session) -> Reply:
    try:
        desk.checkouts.expire(account, session)
    except Refusal as refusal:
        return jsonify(refusal.answer.body), refusal.answer.status
    return jsonify(session.wire()), 200


def _account(desk: Desk, wish: Wish) -> Account | None:
    return desk.accounts.by_key.get(str(wish.get("key", DEFAULT_KEY)))


def _owner(desk: Desk, intent_id: str) -> tuple[Account, Intent] | None:
    for account in desk.accounts.by_key.values():
        if intent_id in account.intents:
            return account, account.intents[intent_id]
    return None


def _charge(account: Account, intent: Intent) -> Charge:
    charge = account.charges.get(intent.latest_charge or "")
    if charge is None:
        raise refused(400, f"{intent.id} has no charge.")
    return charge


def _latest(shelf: dict[str, T], fits: Callable[[T], bool]) -> T:
    found = next((one for one in reversed(shelf.values()) if fits(one)), None)
    if found is None:
        raise refused(400, "There is nothing of the kind on this payment.")
    return found


def _wish() -> Wish:
    wish = request.get_json(silent=True)
    return wish if isinstance(wish, dict) else {}


def _told(status: int, message: str) -> Reply:
    return jsonify({"error": message}), status
