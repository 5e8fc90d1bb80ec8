"""Three parts of what a store is to us: what buyers get from it by hand, an order's edits, and what changed lately."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime
from typing import Protocol

from integrations.nouns import Announced, ChangedOrder, ChangedWork, ShippedLine, StockReading, StoreShipment, Swap


class HandingOver(Protocol):
    """What a store is told of units that no carrier brings. Each verb reads first and leaves alone what says so."""

    def tell_ready(self, order_remote_id: str, location_remote_id: str, *, begun: bool = False) -> bool:
        """Tell the storefront that all that buyers pick up there of an order is ready; it writes the buyer by itself.

        Answers whether that was told now. `begun` says that it may have been told before: then what somebody has begun
        to work on there is taken to be ready.
        """

    def hand_over(
        self,
        order_remote_id: str,
        location_remote_id: str,
        lines: Sequence[ShippedLine],
        *,
        tell_buyer: bool,
        known: Collection[str] = (),
        begun: bool = False,
        courier: str = "",
    ) -> Sequence[Announced]:
        """Tell the storefront that a buyer has these units, without a carrier, and adopt what already says so.

        `courier` names who brings what was to be sent in parcels: then it has left, and travels without a number.

        `known` names what shows other units of the order. `begun` says that it may have been told before: then what
        nobody knows, with just these units, is ours.
        """

    def read_handed_over(self, order_remote_id: str) -> Sequence[StoreShipment]:
        """What the storefront shows of an order without a tracking number, with its units."""


class Editing(Protocol):
    """How what was ordered is changed in a store. It reads first and leaves alone what says so already."""

    def swap(self, order_remote_id: str, wish: Swap, *, note: str) -> None:
        """Put units of another variant in the place of units of a line; no money moves, and nobody is written.

        `note` is for the merchant. Permanent with the code SWAP_REFUSED where the storefront does not take it: the
        order cannot be edited, it is not any more what the wish says it was, or it would cost another amount.
        """


class StoreChanges(Protocol):
    """What changed in a store lately, oldest change first, each thing once."""

    def changed_orders(self, since: datetime) -> Iterator[ChangedOrder]: ...

    def changed_work(self, since: datetime) -> Iterator[ChangedWork]: ...

    def changed_stock(self, since: datetime, location_remote_ids: Sequence[str]) -> Iterator[StockReading]: ...

    def read_shipped(self, order_remote_id: str) -> Sequence[StoreShipment]:
        """Every fulfillment of an order, whoever made it."""
