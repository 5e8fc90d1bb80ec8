"""EasyPost: one account that reaches many carriers; addresses, rates, labels, refunds, trackers, signed events."""

from __future__ import annotations

from collections.abc import Mapping

from integrations.carriers.easypost.door import EasyPostDoor, sample
from integrations.ports import Carrier, Checkup, Credentials, Notice, Origins, Vendor


def is_live(secrets: Mapping[str, str]) -> bool:
    """Whether the key buys real postage: EasyPost's production keys begin with EZAK, its test keys with EZTK.

    A key without a known prefix, such as a stand-in's, counts as test: then production events are ignored, which shows
    at once, where the opposite guess would let test trackers move real parcels.
    """
    return secrets.get("api_key", "").startswith("EZAK")


def build(credentials: Credentials, origins: Origins, notice: Notice) -> Carrier:
    """The connector for one EasyPost account. Raises Permanent where EASYPOST_API_BASE is not allowed."""
    # The web processes, which only receive, never need the SDK.
    from integrations.carriers.easypost.connector import EasyPostCarrier

    return EasyPostCarrier(credentials, origins, notice)


def check(credentials: Credentials, origins: Origins, notice: Notice) -> Checkup:
    """Whose account the key opens, in which mode, and what keeps it from buying.

    Raises Permanent where it opens none.
    """
    from integrations.carriers.easypost import checkup

    return checkup.look(credentials, origins, notice)


VENDOR = Vendor(
    name="easypost",
    role="carrier",
    door=EasyPostDoor(),
    build=build,
    secret_names=("api_key",),
    signing_secret_names=("webhook_secret", "previous_webhook_secret", "next_webhook_secret"),
    is_live=is_live,
    check=check,
    sample=sample,
    keys_made_at="https://app.easypost.com/account/settings?tab=api-keys",
)
