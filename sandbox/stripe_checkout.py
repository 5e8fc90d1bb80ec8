"""Checkout sessions: opened by the shop, completed or left by a buyer whom the control door plays."""

from dataclasses import dataclass, field

from sandbox.stripe_accounts import Account, Accounts
from sandbox.stripe_objects import Intent
from sandbox.stripe_payments import Payments
from sandbox.stripe_wire import Fields, new_id, now, parameter_missing, refused, whole_number

# A session lives 24 hours unless asked otherwise (docs.stripe.com/api/checkout/sessions/create).
LIFETIME_S = 24 * 3600


# What a plain hosted check-out of the sandbox never fills.
ALWAYS_NULL = (
    "after_expiration",
    "allow_promotion_codes",
    "billing_address_collection",
    "client_secret",
    "collected_information",
    "consent",
    "consent_collection",
    "currency_conversion",
    "customer",
    "customer_account",
    "integration_identifier",
    "invoice",
    "invoice_creation",
    "locale",
    "origin_context",
    "payment_link",
    "payment_method_configuration_details",
    "permissions",
    "recovered_from",
    "saved_payment_method_options",
    "setup_intent",
    "shipping_address_collection",
    "shipping_cost",
    "submit_type",
    "subscription",
    "wallet_options",
)


@dataclass(slots=True)
class Session:
    """A payment page; its intent exists from the buyer's first attempt on."""

    amount: int
    currency: str
    livemode: bool
    capture_method: str = "automatic_async"
    metadata: Fields = field(default_factory=dict)
    intent_metadata: Fields = field(default_factory=dict)
    client_reference_id: str | None = None
    customer_email: str | None = None
    success_url: str | None = None
    cancel_url: str | None = None
    intent: str | None = None
    status: str = "open"
    payment_status: str = "unpaid"
    id: str = ""
    created: int = field(default_factory=now)

    def __post_init__(self) -> None:
        self.id = new_id("cs_live" if self.livemode else "cs_test")

    def wire(self) -> Fields:
        done = self.status == "complete"
        return dict.fromkeys(ALWAYS_NULL) | {
            "id": self.id,
            "object": "checkout.session",
            "adaptive_pricing": {"enabled": False},
            "amount_subtotal": self.amount,
            "amount_total": self.amount,
            "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
            "cancel_url": self.cancel_url,
            "client_reference_id": self.client_reference_id,
            "created": self.created,
            "currency": self.currency,
            "custom_fields": [],
            "custom_text": dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")),
            "customer_creation": "if_required",
            "customer_details": _customer_details(self.customer_email) if done else None,
            "customer_email": self.customer_email,
            "discounts": [],
            "expires_at": self.created + LIFETIME_S,
            "livemode": self.livemode,
            "managed_payments": {"enabled": False},
            "metadata": self.metadata,
            "mode": "payment",
            "payment_intent": self.intent,
            "payment_method_collection": "if_required",
            "payment_method_options": {},
            "payment_method_types": ["card"],
            "payment_status": self.payment_status,
            "phone_number_collection": {"enabled": False},
            "shipping_options": [],
            "status": self.status,
            "success_url": self.success_url,
            "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
            "ui_mode": "hosted",
            "url": None if done else f"https://checkout.stripe.com/c/pay/{self.id}",
        }


class Checkouts:
    """The verbs on sessions."""

    def __init__(self, accounts: Accounts, payments: Payments) -> None:
        self._accounts = accounts
        self._payments = payments
        self._lock = accounts.core.lock

    def complete(self, account: Account, session: Session, outcome: str) -> None:
        """The buyer pays. `processing` completes the session unpaid; `failed` leaves it open, for another try.

        Raises:
            Refusal: the session is not open.
        """
        with self._lock:
            if session.status != "open":
                raise refused(400, f"This Session is {session.status}, not open.")
            intent = self._intent(account, session)
            if outcome == "failed":
                self._payments.fail(account, intent)
                return
            if outcome == "processing":
                self._payments.process(account, intent)
            else:
                self._payments.succeed(account, intent)
            session.status = "complete"
            # Held money is not yet the shop's: with manual capture the session completes unpaid.
            session.payment_status = "paid" if intent.status == "succeeded" else "unpaid"
            self._accounts.tell(account, "checkout.session.completed", session.wire())

    def settle(self, account: Account, session: Session, *, succeeded: bool) -> None:
        """The slow payment of a completed session is decided."""
        with self._lock:
            intent = account.intents[str(session.intent)]
            if succeeded:
                self._payments.succeed(account, intent)
                session.payment_status = "paid"
                self._accounts.tell(account, "checkout.session.async_payment_succeeded", session.wire())
                return
            self._payments.fail(account, intent)
            self._accounts.tell(account, "checkout.session.async_payment_failed", session.wire())

    def expire(self, account: Account, session: Session) -> None:
        with self._lock:
            if session.status != "open":
                raise refused(400, f"Only Checkout Sessions with a status of open can be expired: {session.status}.")
            session.status = "expired"
            self._accounts.tell(account, "checkout.session.expired", session.wire())

    def _intent(self, account: Account, session: Session) -> Intent:
        known = account.intents.get(session.intent or "")
        if known:
            return known
        intent = Intent(
            session.amount,
            session.currency,
            session.livemode,
            session.capture_method,
            metadata=dict(session.intent_metadata),
        )
        session.intent = intent.id
        return self._payments.create(account, intent)


def new_session(given: Fields, *, livemode: bool) -> Session:
    """A session from the parameters of POST /v1/checkout/sessions; prices must be given in full (price_data).

    Raises:
        Refusal: no items, or one without price_data.
    """
    items = given.get("line_items") or []
    if not items:
        raise parameter_missing("line_items")
    intent = given.get("payment_intent_data") or {}
    return Session(
        amount=sum(_item_total(number, item) for number, item in enumerate(items)),
        currency=str(items[0]["price_data"].get("currency", "usd")).lower(),
        livemode=livemode,
        capture_method=intent.get("capture_method", "automatic_async"),
        metadata=given.get("metadata") or {},
        intent_metadata=intent.get("metadata") or {},
        client_reference_id=given.get("client_reference_id"),
        customer_email=given.get("customer_email"),
        success_url=given.get("success_url"),
        cancel_url=given.get("cancel_url"),
    )


def _item_total(number: int, item: Fields) -> int:
    price = item.get("price_data")
    if not isinstance(price, dict):
        raise parameter_missing(f"line_items[{number}][price_data]")
    return whole_number(price, "unit_amount") * whole_number(item, "quantity", 1)


def _customer_details(email: str | None) -> Fields:
    address = dict.fromkeys(("city", "country", "line1", "line2", "postal_code", "state"))
    return {
        "address": address,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": None,
        "phone": None,
        "tax_exempt": "none",
        "tax_ids": [],
    }
