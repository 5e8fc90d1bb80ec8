"""The stores themselves: found by token or domain, their records by id, their orders by number and time of change."""

import threading
from bisect import bisect_left, bisect_right, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from typing import Any, ClassVar, TypeVar

from sandbox.shopify_grants import Grants
from sandbox.shopify_records import Customer, Order, Subscription
from sandbox.shopify_things import Location, Product, Thing, Variant

# Ids as large as Shopify's own, so that code which cuts them to 32 bits fails here too.
FIRST_ID = 7_000_000_000_001
FIRST_ORDER_NUMBER = 1001

T = TypeVar("T", bound=Thing)


class OrderShelf:
    """A store's orders; every look-up but a free search costs the same with ten orders and with ten thousand."""

    def __init__(self) -> None:
        self.by_id: dict[int, Order] = {}
        self.by_name: dict[str, Order] = {}
        self._ids: list[int] = []
        self._changes: list[tuple[datetime, int]] = []

    def add(self, order: Order) -> None:
        self.by_id[order.id] = order
        self.by_name[order.name] = order
        insort(self._ids, order.id)
        insort(self._changes, (order.updated_at, order.id))

    def touch(self, order: Order, now: datetime) -> None:
        """Record that an order changed."""
        del self._changes[bisect_left(self._changes, (order.updated_at, order.id))]
        order.updated_at = now
        insort(self._changes, (now, order.id))

    def by_change(
        self, since: datetime | None, after: tuple[datetime, int] | None, *, reverse: bool
    ) -> Iterator[Order]:
        """Orders by (updated_at, id), from `since` on, continued after a page's last."""
        start = bisect_left(self._changes, (since, 0)) if since else 0
        if reverse:
            end = bisect_left(self._changes, after) if after else len(self._changes)
            return (self.by_id[number] for _, number in reversed(self._changes[start:end]))
        start = max(start, bisect_right(self._changes, after)) if after else start
        return (self.by_id[number] for _, number in self._changes[start:])

    def by_number(self, after: int | None, *, reverse: bool) -> Iterator[Order]:
        """Orders as they were placed, continued after a page's last."""
        if reverse:
            end = bisect_left(self._ids, after) if after else len(self._ids)
            return (self.by_id[number] for number in reversed(self._ids[:end]))
        return (self.by_id[number] for number in self._ids[bisect_right(self._ids, after) if after else 0 :])


@dataclass(slots=True)
class Remembered:
    """The answer given under an idempotency key, and what was asked."""

    asked: str
    answer: dict[str, Any]
    at: datetime


@dataclass(slots=True, kw_only=True, eq=False)
class Shop(Thing):
    kind: ClassVar[str] = "Shop"
    domain: str
    token: str
    secret: str
    name: str
    email: str
    currency: str
    timezone: str
    scopes: list[str]
    created_at: datetime
    # The app's own (shopify.app.toml) topics; None is all of them.
    topics: frozenset[str] | None
    # Whether the app may see who the buyers are (protected customer data, levels 1 and 2).
    approved: bool
    # A store of a developer's, where nothing is sold for real.
    development: bool
    # Points left in the leaky bucket, and when that was; None where the store does not enforce its limit.
    bucket: tuple[float, float] | None
    # How long Shopify's own jobs take after the answer, in seconds.
    job_delay_s: float = 0.0
    running_jobs: set[str] = field(default_factory=set)
    locations: list[Location] = field(default_factory=list)
    products: list[Product] = field(default_factory=list)
    variants: dict[str, Variant] = field(default_factory=dict)
    customers: dict[str, Customer] = field(default_factory=dict)
    orders: OrderShelf = field(default_factory=OrderShelf)
    subscriptions: dict[int, Subscription] = field(default_factory=dict)
    remembered: dict[str, Remembered] = field(default_factory=dict)
    things: dict[str, Thing] = field(default_factory=dict)
    order_numbers: "count[int]" = field(default_factory=lambda: count(FIRST_ORDER_NUMBER))

    def keep(self, thing: T) -> T:
        """Make a thing findable by its gid."""
        self.things[thing.gid] = thing
        return thing


class Store:
    """Every shop of the sandbox; whoever reads or changes one holds `lock`."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.forget()

    def forget(self) -> None:
        self.ids = count(FIRST_ID)
        self.grants = Grants()
        self.by_domain: dict[str, Shop] = {}

    def add(self, shop: Shop) -> None:
        if shop.token:
            self.grants.lasting(shop, shop.token)
        self.by_domain[shop.domain] = shop

    def order(self, number: int) -> tuple[Shop, Order] | None:
        """The order with that id, in whichever shop."""
        for shop in self.by_domain.values():
            if found := shop.orders.by_id.get(number):
                return shop, found
        return None


def whole_seconds() -> datetime:
    """Now, as exact as Shopify's timestamps are."""
    return datetime.now(UTC).replace(microsecond=0)
