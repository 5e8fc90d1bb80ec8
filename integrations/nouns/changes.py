"""What has changed at a vendor since we last looked, and how it means to tell us: the nouns of reconciliation."""

from __future__ import annotations

from pydantic import AwareDatetime

from integrations.nouns.base import Noun
from integrations.nouns.carriers import BoughtLabel
from integrations.nouns.storefront import PaymentStanding


class ChangedOrder(Noun):
    """An order that the storefront touched at `updated_at`."""

    remote_id: str
    updated_at: AwareDatetime
    cancelled_at: AwareDatetime | None = None
    standing: PaymentStanding = PaymentStanding.UNKNOWN


class ChangedWork(Noun):
    """A piece of routed work that the storefront touched at `updated_at`."""

    work_remote_id: str
    order_remote_id: str
    updated_at: AwareDatetime


class StockReading(Noun):
    """What a storefront counts of one variant at one location, since `updated_at`."""

    inventory_remote_id: str
    location_remote_id: str
    on_hand: int
    available: int
    damaged: int = 0
    safety: int = 0
    updated_at: AwareDatetime


class RecordedEvent(Noun):
    """A delivery as the vendor itself recorded it: the same id, topic and meaning as its webhook."""

    delivery_id: str
    topic: str
    at: AwareDatetime
    body: bytes


class FoundLabel(Noun):
    """A label that was bought at the carrier. `reference` is what we called the consignment."""

    reference: str
    bought_at: AwareDatetime
    label: BoughtLabel


class Hook(Noun):
    """A vendor's promise to tell us: which topics (in its own words, empty for all) go to which address."""

    remote_id: str
    address: str
    topics: tuple[str, ...] = ()
    disabled_at: AwareDatetime | None = None
    """Since when it tells nothing, where it does not."""
