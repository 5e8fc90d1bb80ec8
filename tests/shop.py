"""A small shop in the records, without any vendor: for tests of the business and of the jobs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import Engine, insert, text
from sqlalchemy.orm import Session

from config.keyring import Keyring
from integrations.nouns import Address, Money, OrderedLine, OrderSnapshot, PaymentStanding
from integrations.ports import Origins
from jobs.claims import Claim
from jobs.work import Services, Work
from orders import inventory
from records import database
from records.orders import Order, OrderLine
from records.stock import Location, Variant
from records.tenants import Connection, Rules, Tenant

KEY = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
RENO = Address(
    name="Reno", street1="500 Vista Blvd", city="Sparks", region="NV", postcode="89434", country="US",
    latitude=39.53, longitude=-119.75,
)  # fmt: skip
NEWARK = Address(
    name="Newark", street1="1 Dock St", city="Newark", region="NJ", postcode="07102", country="US",
    latitude=40.73, longitude=-74.17,
)  # fmt: skip
AUSTIN = Address(
    name="Austin", street1="9 Depot Rd", city="Austin", region="TX", postcode="78701", country="US",
    latitude=30.27, longitude=-97.74,
)  # fmt: skip
ADA = Address(
    name="Ada Buyer", street1="388 Townsend St", city="San Francisco", region="CA", postcode="94107", country="US",
    latitude=37.77, longitude=-122.39,
)  # fmt: skip
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


@dataclass
class Shop:
    """One tenant with a store connection, and short ways to put things into its records."""

    engine: Engine
    tenant: int
    connection: str
    _numbers: dict[str, int] = field(default_factory=dict)
    _services: dict[tuple[str, float], Services] = field(default_factory=dict)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        with database.transaction(self.engine, self.tenant) as session:
            yield session

    def location(self, address: Address = RENO, *, ships: bool = True) -> int:
        return self._insert(
            Location, connection_id=self.connection, remote_id=self._next("location"), name=address.name,
            address=address, ships=ships,
        )  # fmt: skip

    def variant(self, sku: str = "BAG", *, stock: Mapping[int, int] | None = None, **more: Any) -> int:
        columns = {
            "connection_id": self.connection, "remote_id": self._next("variant"), "inventory_remote_id": "i",
            "sku": sku,
            "title": sku.title(), "unit_price_minor": 1200, "currency": "USD", "unit_grams": 300,
            "needs_shipping": True,
            "tracked": True, "hs_code": "", "origin_country": "US",
        }  # fmt: skip
        variant = self._insert(Variant, **(columns | more))
        if stock:
            with self.transaction() as session:
                inventory.count(
                    session, self.tenant, {(variant, at): units for at, units in stock.items()}, actor="test"
                )
        return variant

    def order(
        self, *lines: tuple[int | None, int], state: str = "released", ship_to: Address = ADA, **more: Any
    ) -> int:
        """An order with a line for each (variant, units), all of it to be shipped."""
        number = self._next("order")
        columns = {
            "connection_id": self.connection, "remote_id": f"shop/Order/{number}", "name": f"#{number}", "state": state,
            "placed_at": NOON, "remote_updated_at": NOON, "currency": "USD", "total_minor": 2400, "standing": "paid",
            "ship_to": ship_to,
        }  # fmt: skip
        order = self._insert(Order, **(columns | more))
        for variant, units in lines:
            self._insert(
                OrderLine, order_id=order, remote_id=self._next("line"), variant_id=variant, variant_remote_id="",
                sku="BAG", title="Bag", units=units, to_ship=units, unit_price_minor=1200, unit_grams=300,
                needs_shipping=True,
            )  # fmt: skip
        return order

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(sql), values)]

    def one(self, sql: str, **values: Any) -> Any:
        (row,) = self.rows(sql, **values)
        return row[0] if len(row) == 1 else row

    def run(self, sql: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(sql), values)

    def story(self, order: int) -> list[str]:
        return [
            row[0]
            for row in self.rows("SELECT sentence FROM timeline_entries WHERE order_id = :o ORDER BY id", o=order)
        ]

    def state(self, table: str, id: int) -> str:
        return str(self.one(f"SELECT state FROM {table} WHERE id = :id", id=id))

    def services(self, *, worker: str = "w1", lease_s: float = 30, engine: Engine | None = None) -> Services:
        """What a worker process has; the same for the same worker, as in a process."""
        if (worker, lease_s) not in self._services:
            self._services[worker, lease_s] = Services(
                engine=engine or self.engine, keyring=Keyring([KEY]), origins=Origins(), worker=worker, lease_s=lease_s
            )
        return self._services[worker, lease_s]

    def work(self, claim: Claim, **more: Any) -> Work:
        return Work(services=self.services(**more), claim=claim)

    def _insert(self, table: Any, **columns: Any) -> int:
        with self.engine.begin() as connection:
            return int(
                connection.execute(
                    insert(table).values(tenant_id=self.tenant, **columns).returning(table.id)
                ).scalar_one()
            )

    def _next(self, thing: str) -> str:
        self._numbers[thing] = self._numbers.get(thing, 1000) + 1
        return str(self._numbers[thing])


def open_shop(engine: Engine, *, name: str = "Acme", **rules: Any) -> Shop:
    with database.across_tenants(engine, why="test") as session:
        tenant = Tenant(name=name, currency="USD", rules=Rules(**rules))
        session.add(tenant)
        session.flush()
        connection = Connection(
            tenant_id=tenant.id, id=f"store-{tenant.id}", vendor="shopify", role="storefront",
            account=f"{name.lower()}.myshopify.com", live=False,
            sealed_secrets=Keyring([KEY]).seal({"access_token": "t"}),
        )  # fmt: skip
        session.add(connection)
    return Shop(engine=engine, tenant=tenant.id, connection=connection.id)


def snapshot(
    *, at: datetime = NOON, lines: Sequence[tuple[str, int]] = (("l1", 2),), total: int = 2400, **more: Any
) -> OrderSnapshot:
    """A version of order shop/Order/1 as the store knew it at a time."""
    fields = {
        "remote_id": "shop/Order/1", "name": "#1001", "placed_at": NOON, "updated_at": at, "currency": "USD",
        "total": usd(total), "standing": PaymentStanding.PAID, "ship_to": ADA,
        "lines": tuple(
            OrderedLine(remote_id=id, sku="BAG", title="Bag", units=units, unit_price=usd(1200)) for id, units in lines
        ),
    }  # fmt: skip
    return OrderSnapshot(**(fields | more))


def usd(minor: int) -> Money:
    return Money(minor=minor, currency="USD")


class Said:
    """Stands in for a module's log and keeps its lines."""

    def __init__(self) -> None:
        self.lines: list[dict[str, Any]] = []

    def __getattr__(self, level: str) -> Any:
        return lambda event, **more: self.lines.append({"event": event, "level": level, **more})
