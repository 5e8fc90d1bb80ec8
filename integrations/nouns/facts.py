"""What vendors tell us, whoever they are: each delivery becomes one of these."""

from __future__ import annotations

from pydantic import AwareDatetime

from integrations.nouns.base import Money, Noun
from integrations.nouns.carriers import ParcelProgress, VoidState
from integrations.nouns.payments import PaymentFact
from integrations.nouns.privacy import AboutTheShop
from integrations.nouns.storefront import OrderSnapshot


class OrderChanged(Noun):
    """The storefront says that an order is new or different; `snapshot` is absent where it only names the order."""

    remote_id: str
    snapshot: OrderSnapshot | None = None


class OrderCancelled(Noun):
    remote_id: str
    at: AwareDatetime
    reason: str = ""


class WorkRouted(Noun):
    """The storefront moved, held, released or routed the work on an order; only the work's own id is told."""

    work_remote_id: str


class PaymentChanged(Noun):
    fact: PaymentFact


class PaymentDisputed(Noun):
    """The buyer's bank wants the money back."""

    payment_remote_id: str
    dispute_remote_id: str
    reason: str
    at: AwareDatetime
    over: bool = False
    """True when the dispute is settled in the merchant's favour."""


class RefundFailed(Noun):
    """A refund came to nothing, perhaps after it had succeeded: the money is the merchant's again."""

    payment_remote_id: str
    refund_remote_id: str
    amount: Money
    reason: str
    at: AwareDatetime


class ParcelMoved(Noun):
    progress: ParcelProgress


class LabelVoided(Noun):
    shipment_ref: str
    tracking_code: str
    state: VoidState


class Ignored(Noun):
    """A genuine delivery that we do not act on, and why."""

    reason: str


Fact = (
    OrderChanged
    | OrderCancelled
    | WorkRouted
    | PaymentChanged
    | PaymentDisputed
    | RefundFailed
    | ParcelMoved
    | LabelVoided
    | AboutTheShop
    | Ignored
)
