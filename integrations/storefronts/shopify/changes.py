"""What changed in a shop since a moment, as far as Shopify tells by `updated_at`: orders, their work, and stock.

https://shopify.dev/docs/api/usage/search-syntax. An order's own time does not move when its work is held or split, nor
the work's when the order's address changes, so that both are asked: https://community.shopify.com/t/322697.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from datetime import datetime
from typing import TypeVar

import structlog

from integrations import nouns
from integrations.storefronts.shopify import answers, catalogue, orders
from integrations.storefronts.shopify.answers import Answer, Page, Ref
from integrations.storefronts.shopify.client import Client
from integrations.storefronts.shopify.scalars import Moment

log = structlog.get_logger(__name__)


class Changed(Answer):
    id: str
    updated_at: Moment


class _Order(Changed):
    cancelled_at: Moment | None = None
    display_financial_status: str | None = None


class _Work(Changed):
    order_id: str


class _Level(catalogue.Level):
    updated_at: Moment
    item: Ref


class _Orders(Answer):
    orders: Page[_Order]


class _Works(Answer):
    fulfillment_orders: Page[_Work]


class _Location(Answer):
    inventory_levels: Page[_Level]


class _OfLocation(Answer):
    location: _Location | None = None


Node = TypeVar("Node", bound=Changed)


def of_orders(client: Client, since: datetime) -> Iterator[nouns.ChangedOrder]:
    def page(after: str | None) -> Page[_Order]:
        return answers.read(_Orders, client.ask("ReadChangedOrders", changed=changed(since), after=after)).orders

    for order in _each(page):
        yield nouns.ChangedOrder(
            remote_id=order.id,
            updated_at=order.updated_at,
            cancelled_at=order.cancelled_at,
            standing=orders.standing(order.display_financial_status, order.id),
        )


def of_work(client: Client, since: datetime) -> Iterator[nouns.ChangedWork]:
    def page(after: str | None) -> Page[_Work]:
        answer = client.ask("ReadChangedWork", changed=changed(since), after=after)
        return answers.read(_Works, answer).fulfillment_orders

    for work in _each(page):
        yield nouns.ChangedWork(work_remote_id=work.id, order_remote_id=work.order_id, updated_at=work.updated_at)


def of_stock(client: Client, since: datetime, location_ids: Sequence[str]) -> Iterator[nouns.StockReading]:
    """Shopify lists a location's levels in an order of its own, so all are read before the first is told."""
    found = {
        (location_id, level.item.id): nouns.StockReading(
            inventory_remote_id=level.item.id,
            updated_at=level.updated_at,
            **(level.told().model_dump() | {"location_remote_id": location_id}),
        )
        for location_id in dict.fromkeys(location_ids)
        for level in _levels(client, since, location_id)
    }
    yield from sorted(found.values(), key=lambda reading: reading.updated_at)


def changed(since: datetime) -> str:
    """Shopify's search for what changed since, that very second included: its times have no finer parts. Pure."""
    return f"updated_at:>='{nouns.utc(since):%Y-%m-%dT%H:%M:%SZ}'"


def _each(page: Callable[[str | None], Page[Node]]) -> Iterator[Node]:
    """Every node once. What changes while we read moves to a later page and is met again: the next pass has it anew."""
    seen: set[str] = set()
    after: str | None = None
    while True:
        found = page(after)
        for node in found.nodes:
            if node.id not in seen:
                seen.add(node.id)
                yield node
        if found.next_cursor is None:
            return
        if found.next_cursor == after:
            raise answers.unreadable(ValueError("a page that leads back to itself"))
        after = found.next_cursor


def _levels(client: Client, since: datetime, location_id: str) -> list[_Level]:
    def page(after: str | None) -> Page[_Level]:
        answer = client.ask("ReadChangedLevels", id=location_id, changed=changed(since), after=after)
        location = answers.read(_OfLocation, answer).location
        if location is None:
            log.info("shopify.location_gone", location=location_id)
        return location.inventory_levels if location else Page[_Level]()

    return answers.every(page(None), page)
