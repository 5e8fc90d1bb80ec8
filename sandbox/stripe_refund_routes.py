"""Routes for charges, refunds and disputes."""

from flask import Blueprint, Response

from sandbox.stripe_accounts import Account
from sandbox.stripe_desk import Desk
from sandbox.stripe_disputes import Dispute
from sandbox.stripe_objects import Charge, Refund
from sandbox.stripe_payment_routes import find_intent
from sandbox.stripe_wire import (
    Fields,
    known_only,
    listed,
    merged_metadata,
    missing,
    parameter_missing,
    refused,
    whole_number,
)

REASONS = ("duplicate", "fraudulent", "requested_by_customer")


def add(routes: Blueprint, desk: Desk) -> None:
    _add_charges(routes, desk)
    _add_refunds(routes, desk)
    _add_disputes(routes, desk)


def _add_charges(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/charges")
    def list_charges() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            wanted = given.get("payment_intent")
            rows = [c for c in reversed(list(account.charges.values())) if wanted in {None, c.intent.id}]
            return listed("/v1/charges", rows, Charge.wire, given)

        return desk.serve("charge.list", act)

    @routes.get("/charges/<charge_id>")
    def retrieve_charge(charge_id: str) -> Response:
        return desk.serve("charge.retrieve", lambda account, _: _charge(account, charge_id).wire())


def _add_refunds(routes: Blueprint, desk: Desk) -> None:
    @routes.post("/refunds")
    def create_refund() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            known = known_only(given, ("payment_intent", "charge", "amount", "reason", "metadata"))
            if known.get("reason") not in {None, *REASONS}:
                raise refused(400, f"Invalid reason: must be one of {', '.join(REASONS)}", param="reason")
            amount = whole_number(known, "amount") if "amount" in known else None
            charge = _refunded_charge(account, known)
            metadata = known.get("metadata") or {}
            return desk.payments.refund(account, charge, amount, known.get("reason"), metadata).wire()

        return desk.serve("refund.create", act)

    @routes.get("/refunds")
    def list_refunds() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            intent, charge = given.get("payment_intent"), given.get("charge")
            rows = [
                refund
                for refund in reversed(list(account.refunds.values()))
                if intent in {None, refund.charge.intent.id} and charge in {None, refund.charge.id}
            ]
            return listed("/v1/refunds", rows, Refund.wire, given)

        return desk.serve("refund.list", act)

    @routes.get("/refunds/<refund_id>")
    def retrieve_refund(refund_id: str) -> Response:
        return desk.serve("refund.retrieve", lambda account, _: _refund(account, refund_id).wire())

    @routes.post("/refunds/<refund_id>")
    def update_refund(refund_id: str) -> Response:
        def act(account: Account, given: Fields) -> Fields:
            refund, known = _refund(account, refund_id), known_only(given, ("metadata",))
            desk.payments.update_refund(account, refund, merged_metadata(refund.metadata, known.get("metadata")))
            return refund.wire()

        return desk.serve("refund.update", act)


def _add_disputes(routes: Blueprint, desk: Desk) -> None:
    @routes.get("/disputes")
    def list_disputes() -> Response:
        def act(account: Account, given: Fields) -> Fields:
            wanted = given.get("payment_intent")
            rows = [d for d in reversed(list(account.disputes.values())) if wanted in {None, d.charge.intent.id}]
            return listed("/v1/disputes", rows, Dispute.wire, given)

        return desk.serve("dispute.list", act)

    @routes.get("/disputes/<dispute_id>")
    def retrieve_dispute(dispute_id: str) -> Response:
        return desk.serve("dispute.retrieve", lambda account, _: _dispute(account, dispute_id).wire())

    @routes.post("/disputes/<dispute_id>")
    def update_dispute(dispute_id: str) -> Response:
        def act(account: Account, given: Fields) -> Fields:
            dispute, known = _dispute(account, dispute_id), known_only(given, ("metadata", "evidence", "submit"))
            desk.payments.update_dispute(account, dispute, merged_metadata(dispute.metadata, known.get("metadata")))
            return dispute.wire()

        return desk.serve("dispute.update", act)

    @routes.post("/disputes/<dispute_id>/close")
    def close_dispute(dispute_id: str) -> Response:
        def act(account: Account, _given: Fields) -> Fields:
            dispute = _dispute(account, dispute_id)
            # The shop gives in: an inquiry is closed, a chargeback is lost.
            inquiry = dispute.status.startswith("warning")
            desk.payments.close_dispute(account, dispute, "warning_closed" if inquiry else "lost")
            return dispute.wire()

        return desk.serve("dispute.close", act)


def _charge(account: Account, charge_id: str) -> Charge:
    charge = account.charges.get(charge_id)
    if charge is None:
        raise missing("charge", charge_id)
    return charge


def _refund(account: Account, refund_id: str) -> Refund:
    refund = account.refunds.get(refund_id)
    if refund is None:
        raise missing("refund", refund_id)
    return refund


def _dispute(account: Account, dispute_id: str) -> Dispute:
    dispute = account.disputes.get(dispute_id)
    if dispute is None:
        raise missing("dispute", dispute_id)
    return dispute


def _refunded_charge(account: Account, known: Fields) -> Charge:
    if known.get("charge"):
        return _charge(account, known["charge"])
    if not known.get("payment_intent"):
        raise parameter_missing("payment_intent")
    intent = find_intent(account, known["payment_intent"])
    if intent.latest_charge is None:
        message = f"This PaymentIntent ({intent.id}) does not have a successful charge to refund."
        raise refused(400, message, code="charge_not_refundable")
    return account.charges[intent.latest_charge]
