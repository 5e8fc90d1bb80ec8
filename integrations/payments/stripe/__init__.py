"""Stripe: buyers' payments, read, cancelled and refunded; told to us by signed snapshot events."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.payments.stripe.door import TOPICS, StripeDoor, sample
from integrations.payments.stripe.permissions import KEYS_MADE_AT
from integrations.ports import Checkup, Credentials, Notice, Origins, Payments, Vendor


def is_live(secrets: Mapping[str, str]) -> bool:
    """Whether the key moves real money (`sk_live_…`, `rk_live_…`, `sk_org_live_…`).

    A key without a known prefix, such as a stand-in's, counts as test: then events of real payments are ignored, which
    shows at once, where the opposite guess would let test payments release real orders.
    """
    kind, _, rest = secrets.get("api_key", "").partition("_")
    return kind in {"sk", "rk"} and rest.removeprefix("org_").startswith("live_")


def build(credentials: Credentials, origins: Origins, notice: Notice) -> Payments:
    """The connector for one Stripe account. Raises Permanent where STRIPE_API_BASE is not allowed."""
    # The SDK takes half a second to import; the web processes, which only receive, never need it.
    from integrations.payments.stripe.connector import StripePayments

    return StripePayments(credentials, origins, notice)


def check(credentials: Credentials, origins: Origins, notice: Notice) -> Checkup:
    """Whose account the key opens, in which mode, and what it may not do. Raises Permanent where it opens none."""
    from integrations.payments.stripe import checkup

    return checkup.look(credentials, origins, notice)


VENDOR = Vendor(
    name="stripe",
    role="payments",
    door=StripeDoor(),
    build=build,
    secret_names=("api_key",),
    signing_secret_names=("webhook_secret", "previous_webhook_secret"),
    is_live=is_live,
    topics=tuple(TOPICS),
    check=check,
    sample=sample,
    keys_made_at=KEYS_MADE_AT,
)
