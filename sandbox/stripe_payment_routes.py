"""Routes for payment intents and checkout sessions."""

from flask import Blueprint, Response

from sandbox.stripe_accounts import Account
from sandbox.stripe_checkout import Session, new_session
from sandbox.stripe_desk import Desk
from sandbox.stripe_objects import Intent
from sandbox.stripe_wire import Fields, known_only, listed, merged_metadata, missing, refused, whole_number

# Kept and given back as they came.
EXTRAS = (
    "customer",
    "description",
    "receipt_email",
    "setup_future_usage",
    "shipping",
    "statement_descriptor",
    "statement_descriptor_suffix",
    "transfer_group",
)
CREATE_PARAMS = (
    *EXTRAS,
    "amount",
    "currency",
    "capture_method",
    "confirm",
    "confirmation_method",
    "metadata",
    "payment_method",
    "payment_method_types",
    "payment_method_options",
    "automatic_payment_methods",
    "off_session",
    "return_url",
    "error_on_requires_action",
)
CAPTURE_METHODS = ("automatic", "automatic_async", "manual")
CANCEL_REASONS = ("duplicate", "fraudulent", "requested_by_customer", "abandoned")
SESSION_PARAMS = (
    "mode",
    "line_items",
    "success_url",
    "cancel_url",
    "return_url",
    "client_reference_id",
    "customer_email",
    "metadata",
    "payment_intent_data",
    "payment_method_types",
    "ui_mode",
    "expires_at",
)


def add(routes: Blueprint, desk: Desk) -> None:
    _add_intents(routes, desk)
    _add_intent_verbs(routes, desk)
    _add_sessions(routes, desk)


def find_intent(account: Account, intent_id: str) -> Intent:
    intent = account.intents.get(intent_id)
    if intent is None:
        raise missing("payment_intent", intent_id, "intent")
    return intent


def _add_intents(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/payment_intents")
    def create_intent() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            known = known_only(given, CREATE_PARAMS)
            intent = desk.payments.create(account, _new_intent(account, known))
            if known.get("confirm") == "true":
                desk.payments.confirm(account, intent, known.get("payment_method"))
            return intent.wire()

        return desk.serve("payment_intent.create", act)

    @routes.get("/payment_intents")
    def list_intents() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            rows = list(reversed(list(account.intents.values())))
            return listed("/v1/payment_intents", rows, Intent.wire, given)

        return desk.serve("payment_intent.list", act)

    @routes.get("/payment_intents/<intent_id>")
    def retrieve_intent(intent_id: str) -> Response:
        return desk.serve("payment_intent.retrieve", lambda account, _: find_intent(account, intent_id).wire())

    @routes.post("/payment_intents/<intent_id>")
    def update_intent(intent_id: str) -> Response:
        def act(account: Account, given: Fields) -> Fields:
            intent = find_intent(account, intent_id)
            known = known_only(given, (*EXTRAS, "amount", "metadata", "payment_method"))
            _change(intent, known)
            return intent.wire()

        return desk.serve("payment_intent.update", act)


def _add_intent_verbs(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/payment_intents/<intent_id>/confirm")
    def confirm_intent(intent_id: str) -> Response:
        def act(account: Account, given: Fields) -> Fields:
            intent = find_intent(account, intent_id)
            known = known_only(given, ("payment_method", "return_url", "off_session"))
            desk.payments.confirm(account, intent, known.get("payment_method"))
            return intent.wire()

        return desk.serve("payment_intent.confirm", act)

    @routes.post("/payment_intents/<intent_id>/capture")
    def capture_intent(intent_id: str) -> Response:
        def act(account: Account, given: Fields) -> Fields:
            intent = find_intent(account, intent_id)
            known = known_only(given, ("amount_to_capture", "final_capture", "metadata", "statement_descriptor"))
            amount = whole_number(known, "amount_to_capture") if "amount_to_capture" in known else None
            desk.payments.capture(account, intent, amount)
            intent.metadata = merged_metadata(intent.metadata, known.get("metadata"))
            return intent.wire()

        return desk.serve("payment_intent.capture", act)

    @routes.post("/payment_intents/<intent_id>/cancel")
    def cancel_intent(intent_id: str) -> Response:
        def act(account: Account, given: Fields) -> Fields:
            intent = find_intent(account, intent_id)
            reason = known_only(given, ("cancellation_reason",)).get("cancellation_reason")
            if reason is not None and reason not in CANCEL_REASONS:
                raise refused(400, f"Invalid cancellation_reason: {reason}", param="cancellation_reason")
            desk.payments.cancel(account, intent, reason)
            return intent.wire()

        return desk.serve("payment_intent.cancel", act)


def _new_intent(account: Account, known: Fields) -> Intent:
    if not known.get("currency"):
        raise refused(400, "Missing required param: currency.", code="parameter_missing", param="currency")
    method = known.get("capture_method", "automatic_async")
    if method not in CAPTURE_METHODS:
        raise refused(
            400, f"Invalid capture_method: must be one of {', '.join(CAPTURE_METHODS)}", param="capture_method"
        )
    return Intent(
        whole_number(known, "amount"),
        str(known["currency"]).lower(),
        account.livemode,
        capture_method=method,
        metadata=known.get("metadata") or {},
        extras={name: known[name] for name in EXTRAS if name in known},
    )


def _change(intent: Intent, known: Fields) -> None:
    if "amount" in known:
        amount = whole_number(known, "amount")
        if intent.status != "requires_payment_method":
            raise refused(
                400,
                f"This PaymentIntent's amount could not be updated because it has a status of {intent.status}.",
                code="payment_intent_unexpected_state",
            )
        intent.amount = amount
    intent.metadata = merged_metadata(intent.metadata, known.get("metadata"))
    intent.payment_method = known.get("payment_method", intent.payment_method)
    intent.extras.update({name: known[name] for name in EXTRAS if name in known})


def _add_sessions(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/checkout/sessions")
    def create_session() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            session = new_session(known_only(given, SESSION_PARAMS), livemode=account.livemode)
            account.sessions[session.id] = session
            return session.wire()

        return desk.serve("checkout_session.create", act)

    @routes.get("/checkout/sessions")
    def list_sessions() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            wanted = given.get("payment_intent")
            rows = [s for s in reversed(list(account.sessions.values())) if wanted in {None, s.intent}]
            return listed("/v1/checkout/sessions", rows, Session.wire, given)

        return desk.serve("checkout_session.list", act)

    @routes.get("/checkout/sessions/<session_id>")
    def retrieve_session(session_id: str) -> Response:
        return desk.serve("checkout_session.retrieve", lambda account, _: find_session(account, session_id).wire())

    @routes.post("/checkout/sessions/<session_id>/expire")
    def expire_session(session_id: str) -> Response:
        def act(account: Account, _given: Fields) -> Fields:
            session = find_session(account, session_id)
            desk.checkouts.expire(account, session)
            return session.wire()

        return desk.serve("checkout_session.expire", act)


def find_session(account: Account, session_id: str) -> Session:
    session = account.sessions.get(session_id)
    if session is None:
        raise missing("checkout.session", session_id, "session")
    return session
