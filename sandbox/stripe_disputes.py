"""A cardholder's objection, as Stripe writes it."""

from dataclasses import dataclass, field

from sandbox.stripe_objects import Charge
from sandbox.stripe_wire import Fields, new_id, now

# How long a shop has to answer; the real time is the card network's, this one only has to lie ahead.
ANSWER_WITHIN_S = 7 * 24 * 3600
_EVIDENCE = (
    "access_activity_log",
    "billing_address",
    "cancellation_policy",
    "cancellation_policy_disclosure",
    "cancellation_rebuttal",
    "customer_communication",
    "customer_email_address",
    "customer_name",
    "customer_purchase_ip",
    "customer_signature",
    "duplicate_charge_documentation",
    "duplicate_charge_explanation",
    "duplicate_charge_id",
    "product_description",
    "receipt",
    "refund_policy",
    "refund_policy_disclosure",
    "refund_refusal_explanation",
    "service_date",
    "service_documentation",
    "shipping_address",
    "shipping_carrier",
    "shipping_date",
    "shipping_documentation",
    "shipping_tracking_number",
    "uncategorized_file",
    "uncategorized_text",
)


@dataclass(slots=True)
class Dispute:
    """A cardholder's objection; a warning_* status is an inquiry, and no money has moved."""

    charge: Charge
    amount: int
    reason: str
    status: str
    metadata: Fields = field(default_factory=dict)
    id: str = field(default_factory=lambda: new_id("dp"))
    created: int = field(default_factory=now)

    def wire(self) -> Fields:
        inquiry = self.status.startswith("warning")
        return {
            "id": self.id,
            "object": "dispute",
            "amount": self.amount,
            "balance_transactions": [],
            "charge": self.charge.id,
            "created": self.created,
            "currency": self.charge.intent.currency,
            "enhanced_eligibility_types": [],
            "evidence": dict.fromkeys(_EVIDENCE) | {"enhanced_evidence": {}},
            "evidence_details": {
                "due_by": self.created + ANSWER_WITHIN_S,
                "enhanced_eligibility": {},
                "has_evidence": False,
                "past_due": False,
                "submission_count": 0,
            },
            "is_charge_refundable": inquiry,
            "livemode": self.charge.intent.livemode,
            "metadata": self.metadata,
            "payment_intent": self.charge.intent.id,
            "payment_method_details": {
                "card": {
                    "brand": "visa",
                    "case_type": "inquiry" if inquiry else "chargeback",
                    "network": "visa",
                    "network_reason_code": "10.4",
                },
                "type": "card",
            },
            "reason": self.reason,
            "status": self.status,
        }
