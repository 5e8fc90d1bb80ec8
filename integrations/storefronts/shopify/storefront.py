"""Shopify as Packline's storefront: each verb of the port, one line from the file that knows how.

Written against the Admin GraphQL API 2026-04, 2026-07 and 2026-10; last compared with Shopify's schema on 2026-11-21.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import UTC, datetime

import structlog

from integrations import nouns
from integrations.ports import Credentials, Keys, Notice, Origins, Permanent, Renewed
from integrations.storefronts.shopify import (
    addresses,
    answers,
    assigning,
    catalogue,
    changes,
    editing,
    handing_over,
    hooks,
    orders,
    refunds,
    shipments,
    stock,
    taking_back,
    unshipped,
    work,
)
from integrations.storefronts.shopify.announcing import Announcement
from integrations.storefronts.shopify.answers import Answer, Ref
from integrations.storefronts.shopify.client import Client

log = structlog.get_logger(__name__)


class _WorkOfOrder(Answer):
    order: Ref


class ShopifyStorefront:
    """One shop. `clock` only tells how long scheduled work still has to wait."""

    def __init__(
        self,
        credentials: Credentials,
        origins: Origins,
        notice: Notice,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._client = Client(credentials, origins, notice)
        self._clock = clock

    def read_order(self, remote_id: str) -> nouns.StoreOrder:
        return orders.read(self._client, remote_id)

    def read_locations(self) -> Sequence[nouns.StoreLocation]:
        return catalogue.locations(self._client)

    def read_variants(self, remote_ids: Sequence[str] | None = None) -> Iterator[nouns.StoreVariant]:
        return catalogue.variants(self._client, remote_ids)

    def find_order_of_work(self, work_remote_id: str) -> str | None:
        """None where the work is gone: it was merged or moved since, or belongs to a kind the app may not see."""
        try:
            found = self._client.ask("ReadOrderOfWork", id=work_remote_id).get("fulfillmentOrder")
        except Permanent as refusal:
            if refusal.code == "RESOURCE_NOT_FOUND":
                return None
            raise
        return answers.read(_WorkOfOrder, found).order.id if found else None

    def announce(
        self,
        order_remote_id: str,
        lines: Sequence[nouns.ShippedLine],
        tracking: nouns.TrackingLabel,
        *,
        tell_buyer: bool,
    ) -> Sequence[nouns.Announced]:
        if not lines or not tracking.numbers:
            raise ValueError("an announcement needs lines and a tracking number: the number is what tells it was made")
        announcement = Announcement(self._client, order_remote_id, tracking, tell_buyer, self._clock())
        return announcement.make(lines)

    def fulfil_unshipped(self, order_remote_id: str, line_remote_ids: Sequence[str]) -> Sequence[str]:
        return unshipped.fulfil(self._client, order_remote_id, line_remote_ids, self._clock())

    def tell_ready(self, order_remote_id: str, location_remote_id: str, *, begun: bool = False) -> bool:
        return handing_over.tell_ready(self._client, order_remote_id, location_remote_id, begun=begun)

    def read_handed_over(self, order_remote_id: str) -> Sequence[nouns.StoreShipment]:
        return handing_over.shown(self._client, order_remote_id)

    def hand_over(
        self,
        order_remote_id: str,
        location_remote_id: str,
        lines: Sequence[nouns.ShippedLine],
        *,
        tell_buyer: bool,
        known: Collection[str] = (),
        begun: bool = False,
        courier: str = "",
    ) -> Sequence[nouns.Announced]:
        handing = handing_over.HandingOver(
            client=self._client,
            order_id=order_remote_id,
            location_id=location_remote_id,
            tell_buyer=tell_buyer,
            known=frozenset(known),
            now=self._clock(),
            courier=courier,
        )
        return handing.make(lines, begun=begun)

    def assign(self, order_remote_id: str, wanted: Sequence[nouns.Assignment]) -> nouns.Assigned:
        return assigning.assign(self._client, order_remote_id, wanted)

    def replace_tracking(self, fulfillment_remote_id: str, tracking: nouns.TrackingLabel, *, tell_buyer: bool) -> None:
        if not tracking.numbers:
            raise ValueError("a set of tracking numbers without a number")
        shipments.replace_tracking(self._client, fulfillment_remote_id, tracking, tell_buyer=tell_buyer)

    def report_scan(self, fulfillment_remote_id: str, scan: nouns.Scan) -> None:
        shipments.report_scan(self._client, fulfillment_remote_id, scan)

    def hold(self, order_remote_id: str, *, handle: str, reason: str, notes: str) -> Sequence[str]:
        return work.hold(self._client, order_remote_id, handle=handle, reason=reason, notes=notes)

    def release(self, order_remote_id: str, hold_remote_ids: Sequence[str]) -> None:
        if hold_remote_ids:
            work.release(self._client, order_remote_id, hold_remote_ids)

    def mark_paid(self, order_remote_id: str) -> None:
        orders.mark_paid(self._client, order_remote_id)

    def tag(self, order_remote_id: str, tags: Sequence[str]) -> None:
        """Adding a tag that is there changes nothing, so that a repeat needs no reading first."""
        if tags:
            self._client.tell("Tag", key=order_remote_id, id=order_remote_id, tags=list(tags))

    def change_address(self, order_remote_id: str, address: nouns.Address) -> None:
        addresses.change(self._client, order_remote_id, address)

    def swap(self, order_remote_id: str, wish: nouns.Swap, *, note: str) -> None:
        editing.swap(self._client, order_remote_id, wish, note=note)

    def cancel_shipped(self, fulfillment_remote_id: str) -> None:
        taking_back.cancel_shipped(self._client, fulfillment_remote_id)

    def cancel_order(
        self, order_remote_id: str, *, reason: str, restock: bool, refund: bool, tell_buyer: bool, note: str
    ) -> bool:
        return taking_back.cancel_order(
            self._client,
            order_remote_id,
            reason=reason,
            restock=restock,
            refund=refund,
            tell_buyer=tell_buyer,
            note=note,
        )

    def quote_refund(self, order_remote_id: str, lines: Sequence[nouns.TakenBackLine]) -> nouns.StoreRefund:
        return refunds.quote(self._client, order_remote_id, lines)

    def refund(
        self,
        order_remote_id: str,
        lines: Sequence[nouns.TakenBackLine],
        *,
        amount: nouns.Money | None,
        keys: Keys,
        tell_buyer: bool,
        note: str,
    ) -> nouns.StoreRefund:
        return refunds.refund(
            self._client, order_remote_id, lines, amount=amount, keys=keys, tell_buyer=tell_buyer, note=note
        )

    def find_refund(self, order_remote_id: str, mark: str) -> nouns.StoreRefund | None:
        return refunds.find(self._client, order_remote_id, mark)

    def read_units(self, inventory_remote_id: str, location_remote_id: str, state: nouns.StockState) -> int:
        return stock.read_units(self._client, inventory_remote_id, location_remote_id, state)

    def read_on_hand(self, inventory_remote_id: str, location_remote_id: str) -> int:
        return stock.read_on_hand(self._client, inventory_remote_id, location_remote_id)

    def change_stock(self, change: nouns.StockChange, *, seen: int, keys: Keys) -> str:
        return stock.change(self._client, change, seen=seen, keys=keys)

    def changed_orders(self, since: datetime) -> Iterator[nouns.ChangedOrder]:
        return changes.of_orders(self._client, since)

    def changed_work(self, since: datetime) -> Iterator[nouns.ChangedWork]:
        return changes.of_work(self._client, since)

    def changed_stock(self, since: datetime, location_remote_ids: Sequence[str]) -> Iterator[nouns.StockReading]:
        return changes.of_stock(self._client, since, location_remote_ids)

    def read_shipped(self, order_remote_id: str) -> Sequence[nouns.StoreShipment]:
        return shipments.every(self._client, order_remote_id)

    def hooks(self) -> Sequence[nouns.Hook]:
        return hooks.standing(self._client)

    def add_hook(self, topics: Sequence[str], address: str, secret: str) -> str:  # noqa: ARG002
        """Shopify signs with the app's client secret, whatever the subscription: there is none to give or to get."""
        hooks.add(self._client, topics, address)
        return ""

    def enable_hook(self, remote_id: str, secret: str) -> None:  # noqa: ARG002
        """Shopify knows no disabled subscription, only a deleted one, which add_hook makes anew."""
        log.info("shopify.hook_needs_no_enabling", shop=self._client.shop, hook=remote_id)

    def renew_hook(self, remote_id: str, topics: Sequence[str], address: str, secret: str) -> Renewed:  # noqa: ARG002
        raise Permanent(
            "Shopify signs every webhook with the app's client secret, and none with one of its own",
            remedy="Rotate the app's client secret in Shopify's dashboard, and give Packline both, new and old.",
            code="app_secret",
        )

    def drop_hook(self, remote_id: str) -> None:
        hooks.drop(self._client, remote_id)
