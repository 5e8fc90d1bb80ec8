"""The roles that vendors play for us, one Protocol each, in verbs of our own; a big role is told in parts.

A verb that changes something reads first, or carries a key, so that asking twice does it once.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from integrations.hooked import Hooked
from integrations.nouns import (
    Address,
    AddressVerdict,
    Announced,
    Assigned,
    Assignment,
    BoughtLabel,
    Consignment,
    FoundLabel,
    LabelFile,
    Money,
    ParcelProgress,
    PaymentFact,
    Quote,
    RecordedEvent,
    Scan,
    ShippedLine,
    StockChange,
    StockState,
    StoreLocation,
    StoreOrder,
    StoreRefund,
    StoreVariant,
    TakenBackLine,
    TrackingLabel,
    VoidState,
)
from integrations.store_roles import Editing, HandingOver, StoreChanges


@dataclass(frozen=True, kw_only=True)
class Keys:
    """The keys of one outward act. `mark` stays with the act for ever and is written on the thing, where the vendor has
    room for it; `idempotency` is what the vendor itself remembers, for a day at most.
    """

    mark: str
    idempotency: str


class StoreOrders(Protocol):
    """What a store has: its orders, what it sells and where that lies."""

    def read_order(self, remote_id: str) -> StoreOrder:
        """The order as it stands now. Permanent where there is no such order."""

    def read_locations(self) -> Sequence[StoreLocation]: ...

    def read_variants(self, remote_ids: Sequence[str] | None = None) -> Iterator[StoreVariant]:
        """The variants named by their own id or by that of their stock, or all of them, with stock by location.

        What is named and not answered is gone.
        """

    def find_order_of_work(self, work_remote_id: str) -> str | None:
        """The remote id of the order that a piece of routed work belongs to."""


class Announcing(Protocol):
    """What a store is told. Each verb reads first and leaves alone what already says so."""

    def announce(
        self, order_remote_id: str, lines: Sequence[ShippedLine], tracking: TrackingLabel, *, tell_buyer: bool
    ) -> Sequence[Announced]:
        """Tell the storefront that these units have shipped with this tracking, and adopt what already says so.

        Reads the order's open work first, so a repeat after a crash announces nothing twice. Temporary while the
        storefront has not routed the order yet. More than one answer where the storefront keeps the lines at several
        of its locations.
        """

    def fulfil_unshipped(self, order_remote_id: str, line_remote_ids: Sequence[str]) -> Sequence[str]:
        """Tell the storefront that all that is open of these lines was delivered without a parcel; nobody is written.

        Answers the remote ids of all that shows them so. A repeat after a crash makes nothing, and finds what was made.
        """

    def assign(self, order_remote_id: str, wanted: Sequence[Assignment]) -> Assigned:
        """Have the storefront ship these units from these locations of its own; what is there already is left.

        Raises Temporary. What the storefront refuses to move is answered and no failure.
        """

    def replace_tracking(self, fulfillment_remote_id: str, tracking: TrackingLabel, *, tell_buyer: bool) -> None:
        """Put this whole set of numbers in place of the old one."""

    def report_scan(self, fulfillment_remote_id: str, scan: Scan) -> None:
        """Tell the storefront where the parcel is; does nothing where the storefront has this very event already."""

    def hold(self, order_remote_id: str, *, handle: str, reason: str, notes: str) -> Sequence[str]:
        """Hold all open work of an order; `handle` is our own key. Answers the remote ids of the holds."""

    def release(self, order_remote_id: str, hold_remote_ids: Sequence[str]) -> None:
        """Release our own holds and nobody else's."""

    def mark_paid(self, order_remote_id: str) -> None:
        """Record that the order was paid elsewhere; does nothing where the storefront says so already."""

    def tag(self, order_remote_id: str, tags: Sequence[str]) -> None: ...

    def change_address(self, order_remote_id: str, address: Address) -> None:
        """Have the order go to another address; does nothing where it goes there already.

        Its coordinates and mail address are not told. Permanent with the code ADDRESS_REFUSED where the storefront
        does not take the address; what it took stands as it writes it, to be read there.
        """


# The code of the Permanent with which a store refuses an address itself, and not the call.
ADDRESS_REFUSED = "address_refused"
# The same for a swap: nothing of the order was changed, and asking again as it stands is no use.
SWAP_REFUSED = "swap_refused"


class TakingBack(Protocol):
    """How a store takes back what was sold. Each verb reads first and leaves alone what is done already."""

    def cancel_shipped(self, fulfillment_remote_id: str) -> None:
        """Take an announcement back: the units are open work again. Does nothing where it was cancelled before."""

    def cancel_order(
        self, order_remote_id: str, *, reason: str, restock: bool, refund: bool, tell_buyer: bool, note: str
    ) -> bool:
        """Ask for the whole order to be cancelled; answers whether it is by now (storefronts take their time).

        `reason` is one of buyer, declined, fraud, stock, staff, other. Permanent where something has shipped.
        """

    def quote_refund(self, order_remote_id: str, lines: Sequence[TakenBackLine]) -> StoreRefund:
        """What the store would give back for these units by itself. Changes nothing."""

    def refund(
        self,
        order_remote_id: str,
        lines: Sequence[TakenBackLine],
        *,
        amount: Money | None,
        keys: Keys,
        tell_buyer: bool,
        note: str,
    ) -> StoreRefund:
        """Take units off an order, and give `amount` (None: no money) back by the way it was paid."""

    def find_refund(self, order_remote_id: str, mark: str) -> StoreRefund | None:
        """The refund that carries our mark."""


# The code of the Permanent with which a store refuses a change of stock because its units are not what was looked at.
# Nothing was changed; to look again and decide anew is another act, under another key.
UNITS_MOVED = "units_moved"


class StockKeeping(Protocol):
    """How a store is told of what was changed here by hand."""

    def read_units(self, inventory_remote_id: str, location_remote_id: str, state: StockState) -> int:
        """Units in one state now; 0 where the thing does not lie at that location. Permanent where it is gone."""

    def read_on_hand(self, inventory_remote_id: str, location_remote_id: str) -> int:
        """Units in all states together, those committed to the store's own orders among them; as `read_units`."""

    def change_stock(self, change: StockChange, *, seen: int, keys: Keys) -> str:
        """Change what the store counts, where `change.watched` still has the `seen` units; answers the store's
        reference of the change.

        The same change with the same `seen` and keys is made once within a day. Permanent with the code UNITS_MOVED
        where other units are there now.
        """


@runtime_checkable
class Storefront(
    StoreOrders, Announcing, Editing, HandingOver, TakingBack, StockKeeping, StoreChanges, Hooked, Protocol
):
    """Where orders are placed and where buyers look for their tracking number."""


@runtime_checkable
class Payments(Hooked, Protocol):
    """Where buyers' money is."""

    def read_payment(self, remote_id: str) -> PaymentFact: ...

    def find_session(self, payment_remote_id: str) -> PaymentFact | None:
        """The payment with the order that its check-out session names, where there is a session."""

    def cancel(self, remote_id: str, *, key: str) -> PaymentFact:
        """Give back an authorisation that was not captured."""

    def capture(self, remote_id: str, *, amount: Money, key: str) -> PaymentFact:
        """Take authorised money; what the amount leaves over is given back."""

    def refund(self, remote_id: str, *, amount: Money, keys: Keys) -> PaymentFact:
        """Give money back. The answer is the whole payment, read after the refund."""

    def find_refund(self, remote_id: str, mark: str) -> int | None:
        """The minor units of the refund that carries our mark and has not failed."""

    def events_since(self, since: datetime) -> Iterator[RecordedEvent]:
        """The events that the provider recorded, oldest first, for as long as it keeps them."""

    def payments_since(self, since: datetime) -> Iterator[PaymentFact]:
        """The payments that were begun since, as they stand now."""


@runtime_checkable
class Carrier(Hooked, Protocol):
    """Who moves parcels."""

    def verify_address(self, address: Address) -> AddressVerdict: ...

    def quote(self, consignment: Consignment) -> Quote:
        """Rates for one parcel. Costs nothing and promises nothing; no rates is a quote with remarks, not a failure."""

    def estimate(self, consignment: Consignment) -> Quote:
        """The same rates, without anything being left at the carrier: none of them can be bought."""

    def buy(self, shipment_ref: str, rate_ref: str) -> BoughtLabel:
        """Buy the label of a quoted shipment; adopts the label where it was bought before.

        Raises Temporary with `outcome_unknown` when the answer was lost and the carrier could not be asked.
        """

    def find_label(self, shipment_ref: str) -> BoughtLabel | None:
        """The label that was bought for a quoted shipment, or None."""

    def fetch_label(self, label_url: str) -> LabelFile: ...

    def void(self, shipment_ref: str) -> VoidState:
        """Ask for the postage back; may be asked again, after a refusal too."""

    def track(self, tracker_ref: str) -> ParcelProgress: ...

    def labels_since(self, since: datetime) -> Iterator[FoundLabel]:
        """Every label bought since, newest first, whoever bought it."""

    def parcels_since(self, since: datetime) -> Iterator[ParcelProgress]:
        """Every tracker begun since, newest first, with all that is known of its parcel now."""


Connector = Storefront | Payments | Carrier
