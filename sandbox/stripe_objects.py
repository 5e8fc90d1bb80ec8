"""What a payment is made of: intents, charges, refunds, and how each is written on the wire."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.stripe_wire import Fields, new_id, now

# Visa's window for a customer-initiated online authorisation (docs.stripe.com/payments/place-a-hold): seven days.
AUTHORISATION_S = 7 * 24 * 3600


@dataclass(slots=True)
class Intent:
    """A PaymentIntent; money in the currency's smallest unit."""

    amount: int
    currency: str
    livemode: bool
    capture_method: str = "automatic_async"
    status: str = "requires_payment_method"
    id: str = field(default_factory=lambda: new_id("pi"))
    created: int = field(default_factory=now)
    amount_capturable: int = 0
    amount_received: int = 0
    metadata: Fields = field(default_factory=dict)
    payment_method: str | None = None
    latest_charge: str | None = None
    last_payment_error: Fields | None = None
    next_action: Fields | None = None
    canceled_at: int | None = None
    cancellation_reason: str | None = None
    # description, receipt_email, shipping and the like: kept and given back, never looked at.
    extras: Fields = field(default_factory=dict)

    def wire(self) -> Fields:
        return {
            "id": self.id,
            "object": "payment_intent",
            "amount": self.amount,
            "amount_capturable": self.amount_capturable,
            "amount_details": {"tip": {}},
            "amount_received": self.amount_received,
            "application": None,
            "application_fee_amount": None,
            "automatic_payment_methods": {"allow_redirects": "always", "enabled": True},
            "canceled_at": self.canceled_at,
            "cancellation_reason": self.cancellation_reason,
            "capture_method": self.capture_method,
            "client_secret": f"{self.id}_secret_{self.id[-16:]}",
            "confirmation_method": "automatic",
            "created": self.created,
            "currency": self.currency,
            "customer": None,
            "customer_account": None,
            "description": None,
            "excluded_payment_method_types": None,
            "last_payment_error": self.last_payment_error,
            "latest_charge": self.latest_charge,
            "livemode": self.livemode,
            "managed_payments": {"enabled": False},
            "metadata": self.metadata,
            "next_action": self.next_action,
            "on_behalf_of": None,
            "payment_method": self.payment_method,
            "payment_method_configuration_details": None,
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "processing": {"type": "card"} if self.status == "processing" else None,
            "receipt_email": None,
            "review": None,
            "setup_future_usage": None,
            "shipping": None,
            "source": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": self.status,
            "transfer_data": None,
            "transfer_group": None,
            **self.extras,
        }


@dataclass(slots=True)
class Charge:
    """One attempt to take the money of an intent."""

    intent: Intent
    status: str
    captured: bool
    id: str = field(default_factory=lambda: new_id("ch"))
    created: int = field(default_factory=now)
    amount_captured: int = 0
    amount_refunded: int = 0
    disputed: bool = False
    failure_code: str | None = None
    failure_message: str | None = None

    @property
    def amount(self) -> int:
        return self.intent.amount

    @property
    def refunded(self) -> bool:
        return self.status == "succeeded" and self.amount_refunded >= (self.amount_captured or self.amount)

    def wire(self) -> Fields:
        address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
        paid = self.status != "failed"
        return {
            "id": self.id,
            "object": "charge",
            "amount": self.amount,
            "amount_captured": self.amount_captured,
            "amount_refunded": self.amount_refunded,
            "application": None,
            "application_fee": None,
            "application_fee_amount": None,
            "balance_transaction": f"txn_{self.id[3:]}" if self.captured and self.status == "succeeded" else None,
            "billing_details": {"address": address, "email": None, "name": None, "phone": None, "tax_id": None},
            "calculated_statement_descriptor": None,
            "captured": self.captured,
            "created": self.created,
            "currency": self.intent.currency,
            "customer": None,
            "description": self.intent.extras.get("description"),
            "disputed": self.disputed,
            "failure_balance_transaction": None,
            "failure_code": self.failure_code,
            "failure_message": self.failure_message,
            "fraud_details": {},
            "livemode": self.intent.livemode,
            "metadata": self.intent.metadata,
            "on_behalf_of": None,
            "outcome": _outcome(paid=paid, reason=self.failure_code),
            "paid": paid,
            "payment_intent": self.intent.id,
            "payment_method": self.intent.payment_method,
            "payment_method_details": {"card": self._card(), "type": "card"},
            "receipt_email": None,
            "receipt_number": None,
            "receipt_url": f"https://pay.stripe.com/receipts/payment/{self.id}",
            "refunded": self.refunded,
            "review": None,
            "shipping": self.intent.extras.get("shipping"),
            "source": None,
            "source_transfer": None,
            "statement_descriptor": None,
            "statement_descriptor_suffix": None,
            "status": self.status,
            "transfer_data": None,
            "transfer_group": None,
        }

    def _card(self) -> Fields:
        card: Fields = {
            "amount_authorized": self.amount,
            "authorization_code": "000000",
            "brand": "visa",
            "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
            "country": "US",
            "exp_month": 8,
            "exp_year": 2030,
            "extended_authorization": {"status": "disabled"},
            "fingerprint": "AOB934RVNwzk6xtn",
            "funding": "credit",
            "incremental_authorization": {"status": "unavailable"},
            "installments": None,
            "last4": "4242",
            "mandate": None,
            "multicapture": {"status": "unavailable"},
            "network": "visa",
            "network_token": {"used": False},
            "network_transaction_id": None,
            "overcapture": {"maximum_amount_capturable": self.amount, "status": "unavailable"},
            "regulated_status": "unregulated",
            "three_d_secure": None,
            "transaction_link_id": None,
            "wallet": None,
        }
        if not self.captured and self.status == "succeeded":
            card["capture_before"] = self.created + AUTHORISATION_S
        return card


@dataclass(slots=True)
class Refund:
    """Money on its way back."""

    charge: Charge
    amount: int
    reason: str | None
    metadata: Fields
    status: str = "succeeded"
    failure_reason: str | None = None
    id: str = field(default_factory=lambda: new_id("re"))
    created: int = field(default_factory=now)

    def wire(self) -> Fields:
        # Only a refund that failed tells why, and what gave the money back to the shop's balance.
        failure = {"failure_reason": self.failure_reason, "failure_balance_transaction": f"txn_f{self.id[3:]}"}
        return {
            "id": self.id,
            "object": "refund",
            "amount": self.amount,
            "balance_transaction": f"txn_{self.id[3:]}" if self.status == "succeeded" else None,
            "charge": self.charge.id,
            "created": self.created,
            "currency": self.charge.intent.currency,
            "customer": None,
            "customer_account": None,
            "destination_details": {"card": {"type": "refund"}, "type": "card"},
            "metadata": self.metadata,
            "payment_intent": self.charge.intent.id,
            "payment_method": self.charge.intent.payment_method,
            "reason": self.reason,
            "receipt_number": None,
            "source_transfer_reversal": None,
            "status": self.status,
            "transfer_reversal": None,
            **(failure if self.failure_reason else {}),
        }


def _outcome(*, paid: bool, reason: str | None) -> Fields:
    verdict: dict[str, Any] = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network" if paid else "declined_by_network",
        "reason": reason,
        "seller_message": "Payment complete." if paid else "The bank did not return any further details.",
        "type": "authorized" if paid else "issuer_declined",
    }
    return verdict
