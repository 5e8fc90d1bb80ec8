"""What a restricted key of Stripe's has to be allowed for what Packline does, and where its owner allows it.

https://docs.stripe.com/keys/restricted-api-keys. Here, and not beside the questions, because the pages link to
Stripe's own form with these permissions ticked, and pages never need the SDK.
"""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlencode


@dataclass(frozen=True, kw_only=True)
class Permission:
    """One permission: Stripe's name for it, its row in the dashboard's form, and what stops without it."""

    name: str
    row: str
    stops: str


READ_PAYMENTS = Permission(
    name="rak_payment_intent_read",
    row="PaymentIntents: Read",
    stops="payments cannot be read, so orders that are paid at Stripe wait for ever",
)
READ_CHARGES = Permission(
    name="rak_charge_read",
    row="Charges and Refunds: Read",
    stops="what was captured and given back cannot be read, so orders that are paid at Stripe wait for ever",
)
READ_SESSIONS = Permission(
    name="rak_checkout_session_read",
    row="Checkout Sessions: Read",
    stops="a payment whose order only its check-out session names finds no order",
)
READ_EVENTS = Permission(
    name="rak_event_read", row="Events: Read", stops="what a lost webhook would have told is never found by comparing"
)
WRITE_PAYMENTS = Permission(
    name="rak_payment_intent_write",
    row="PaymentIntents: Write",
    stops="authorised money cannot be taken when an order leaves, or given up when it is cancelled",
)
WRITE_REFUNDS = Permission(
    name="rak_charge_write",
    row="Charges and Refunds: Write",
    stops="money cannot be given back when an order is cancelled",
)
WRITE_HOOKS = Permission(
    name="rak_webhook_write",
    row="Webhook Endpoints: Write",
    stops="Stripe cannot be asked to tell us of payments, so they are heard of a quarter of an hour late",
)

# Write includes read, so only these are ticked.
_TICKED = (WRITE_PAYMENTS, WRITE_REFUNDS, READ_SESSIONS, READ_EVENTS, WRITE_HOOKS)
KEYS_MADE_AT = "https://dashboard.stripe.com/apikeys/create?" + urlencode(
    [("name", "Packline"), *(("permissions[]", one.name) for one in _TICKED)]
)
