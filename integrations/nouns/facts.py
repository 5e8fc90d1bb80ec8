"""What vendors tell us, whoever they are: each delivery becomes one of these."""

from __future__ import annotations

from pydantic import AwareDatetime, Field

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
    made_ready: bool = False
    """Somebody has said there that it lies ready for its buyer, and the storefront has written them."""


class AboutGoods(Noun):
    """Something that the storefront sells, or a place where it lies, is not as it was. How it is now is read."""


class StockChanged(AboutGoods):
    """The storefront counts other units of one thing at one location. How many is not told: it has no version."""

    inventory_remote_id: str
    location_remote_id: str


class GoodsChanged(AboutGoods):
    """Variants, or things in stock, are new, different or gone. A product that is gone names itself alone."""

    remote_ids: tuple[str, ...] = ()
    product_remote_id: str = ""


class PlaceChanged(AboutGoods):
    """A location is new, different, closed, opened again or gone."""

    remote_id: str


class ReturnedLine(Noun):
    """Units of one order line that were put back on the shelf of a location. `remote_id` names this very return."""

    remote_id: str
    line_remote_id: str
    location_remote_id: str
    units: int = Field(gt=0)


class UnitsReturned(AboutGoods):
    """The storefront took units back from a buyer, and counts them again. `marks` are what may be marks of ours in it:
    then it did so because we asked.
    """

    order_remote_id: str
    lines: tuple[ReturnedLine, ...]
    marks: tuple[str, ...] = ()


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
    | StockChanged
    | GoodsChanged
    | PlaceChanged
    | UnitsReturned
    | PaymentChanged
    | PaymentDisputed
    | RefundFailed
    | ParcelMoved
    | LabelVoided
    | AboutTheShop
    | Ignored
)
