"""One thing that somebody does in a shop: when, what it changed, and the news that Shopify then sends."""

import time
import uuid
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sandbox import shopify_rest
from sandbox.shopify_records import Order, WorkOrder
from sandbox.shopify_store import Shop, Store, whole_seconds
from sandbox.shopify_things import InventoryItem, Level, Location

Body = Callable[[], dict[str, Any]]

# The newest version; the sandbox's app names it in its shopify.app.toml.
CURRENT_VERSION = "2026-10"


@dataclass(frozen=True, slots=True)
class Later:
    """A job of Shopify's own: it runs when the answer has gone out, as an act of its own."""

    gid: str
    work: Callable[["Act"], None]


class Act:
    """One act of the app, the merchant or a buyer; its webhooks share an event id and are written when it is over."""

    __slots__ = ("changed", "jobs", "news", "now", "scopes", "shop", "store", "version")

    def __init__(
        self, store: Store, shop: Shop, version: str = CURRENT_VERSION, scopes: Collection[str] | None = None
    ) -> None:
        self.store = store
        self.shop = shop
        # What the caller's token may do; the merchant and the buyers may do everything.
        self.scopes = scopes
        self.version = version
        self.now = whole_seconds()
        self.changed = False
        self.jobs: list[Later] = []
        self.news: dict[tuple[str, str], Body] = {}

    def sees(self, work: WorkOrder) -> bool:
        """Order routing is done, and the fulfillment order is of a kind that the app may see.

        One of another kind is left out without a word; those of this sandbox are all the merchant's own.
        """
        return work.visible_at <= time.time() and self.may("merchant_managed_fulfillment_orders")

    def may(self, what: str) -> bool:
        """Whether the caller's token may read this; what may be written may be read."""
        return self.scopes is None or f"read_{what}" in self.scopes or f"write_{what}" in self.scopes

    def new_id(self) -> int:
        return next(self.store.ids)

    def later(self, work: Callable[["Act"], None]) -> str:
        """Have Shopify do something in a job; answers the job's id. A shop without delay does it on the spot."""
        job = Later(f"gid://shopify/Job/{uuid.uuid4()}", work)
        self.changed = True
        if self.shop.job_delay_s:
            self.shop.running_jobs.add(job.gid)
            self.jobs.append(job)
        else:
            work(self)
        return job.gid

    def tell(self, topic: str, about: str, body: Body) -> None:
        """Announce something, once per topic and subject, in the state it has when the act is over."""
        self.changed = True
        self.news[topic, about] = body

    def order_changed(self, order: Order, *topics: str) -> None:
        """The order is of now; orders/updated and the given topics go out."""
        self.shop.orders.touch(order, self.now)
        for topic in (*topics, "orders/updated"):
            self.tell(topic, order.gid, lambda: shopify_rest.order(order, self.shop))

    def work_changed(self, work: WorkOrder, topic: str | None = None) -> None:
        work.updated_at = self.now
        self.changed = True
        if topic:
            self.tell(topic, work.gid, lambda: {"fulfillment_order": shopify_rest.work_order(work)})

    def level(self, item: InventoryItem, location: Location) -> Level:
        """An item's level at a location, connected first if it was not."""
        if location.id not in item.levels:
            made = Level(id=self.new_id(), item=item, location=location, created_at=self.now, updated_at=self.now)
            item.levels[location.id] = self.shop.keep(made)
            self.tell("inventory_levels/connect", made.gid, lambda: shopify_rest.level(made, self.shop))
        return item.levels[location.id]

    def shift(self, item: InventoryItem, location: Location, **deltas: int) -> None:
        """Change quantities by state; what is not tracked has none."""
        if not item.tracked or not any(deltas.values()):
            return
        level = self.level(item, location)
        for state, delta in deltas.items():
            level.quantities[state] += delta
            level.changed_at[state] = self.now
        level.updated_at = self.now
        self.changed = True
        # The webhook's body has no other number, so Shopify sends it for no other change.
        if deltas.get("available"):
            self.tell("inventory_levels/update", level.gid, lambda: shopify_rest.level(level, self.shop))
