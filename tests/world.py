"""A whole small world for a story: a sandbox with a store, the application's door, and workers that can be stepped."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from pydantic import SecretStr
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from app import create_app
from config import boot
from config.settings import Settings
from integrations import registry
from integrations.ports import Credentials
from jobs import connect, desk, hearing, runner
from jobs.work import Services, app_keys, buyer_links, origins, post, supplier_links
from records import database
from records.orders import Order
from records.tenants import Rules
from sandbox.server import create_sandbox, make_sandbox_server
from tests import patient

SHOP, TOKEN, HOOK_SECRET = "acme.myshopify.com", "shpat_acme", "hush-acme"
STRIPE_KEY, STRIPE_HOOK_SECRET = "sk_test_acme", "whsec_acme"
EASYPOST_KEY, EASYPOST_HOOK_SECRET = "EZTKacme", "sécret-acme"

RENO = {
    "name": "Reno", "address1": "500 Vista Blvd", "city": "Sparks", "province": "Nevada", "province_code": "NV",
    "zip": "89434", "country_code": "US", "latitude": 39.53, "longitude": -119.75, "phone": "7755550100",
}  # fmt: skip
NEWARK = {
    "name": "Newark", "address1": "1 Dock St", "city": "Newark", "province": "New Jersey", "province_code": "NJ",
    "zip": "07102", "country_code": "US", "latitude": 40.73, "longitude": -74.17, "phone": "9735550100",
}  # fmt: skip
AUSTIN = {
    "name": "Austin", "address1": "9 Depot Rd", "city": "Austin", "province": "Texas", "province_code": "TX",
    "zip": "78701", "country_code": "US", "latitude": 30.27, "longitude": -97.74, "phone": "5125550100",
}  # fmt: skip
BUYER = {
    "first_name": "Ada", "last_name": "Buyer", "address1": "388 Townsend St", "city": "San Francisco",
    "province_code": "CA", "zip": "94107", "country_code": "US", "phone": "4155550100",
}  # fmt: skip
EASTERN_BUYER = BUYER | {"address1": "20 W 34th St", "city": "New York", "province_code": "NY", "zip": "10001"}
# A server that is to stop is noticed to be after this long: http.server looks up twice a second by itself.
LOOKS_UP_S = 0.02
_ASK_AGAIN = """
UPDATE jobs SET due_at = now() FROM holds
WHERE jobs.kind = 'verify_order' AND jobs.state = 'due' AND jobs.due_at > now()
  AND holds.tenant_id = jobs.tenant_id AND jobs.subject = 'order/' || holds.order_id
  AND holds.kind = 'mismatch' AND holds.state = 'open'
"""


def variant(
    sku: str, *, price: str = "12.00", grams: int = 300, stock: dict[str, int] | None = None, **more: Any
) -> dict[str, Any]:
    return {
        "sku": sku, "price": price, "grams": grams, "requires_shipping": True, "tracked": True,
        "hs_code": "420292", "origin_country": "US", "stock": stock if stock is not None else {"Reno": 100}, **more,
    }  # fmt: skip


@dataclass
class World:
    """One tenant with a store, a payment provider and a carrier, all in the sandbox."""

    sandbox: str
    settings: Settings
    engine: Engine
    services: Services
    origin: str = ""
    door: Flask | None = None
    tenant: int = 0
    connections: dict[str, str] = field(default_factory=dict)

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answered = patient.request(method, f"{self.sandbox}/_sandbox{path}", json=body)
        assert answered.status_code < 300, answered.text
        return answered.json()

    def open_shop(
        self,
        *,
        locations: list[dict[str, Any]] | None = None,
        variants: list[dict[str, Any]] | None = None,
        rules: Rules | None = None,
        **more: Any,
    ) -> None:
        """Connect the tenant and read the store's catalogue. `more` is of the store in the sandbox."""
        self.control(
            "POST",
            "/shopify/shops",
            {
                "domain": SHOP, "token": TOKEN, "secret": HOOK_SECRET, "currency": "USD", "name": "Acme",
                "webhook_url": f"{self.origin}/hooks/shopify",
                "locations": locations or [RENO, NEWARK],
                "products": [{"title": "Bag", "variants": variants or [variant("BAG", stock={"Reno": 100, "Newark": 100})]}],
            } | more,
        )  # fmt: skip
        with database.across_tenants(self.engine, why="test") as session:
            self.tenant = connect.add_tenant(session, "Acme", "USD", rules)
        self._connect("shopify", SHOP, access_token=TOKEN, webhook_secret=HOOK_SECRET)
        self._connect("stripe", "", api_key=STRIPE_KEY, webhook_secret=STRIPE_HOOK_SECRET)
        self._connect("easypost", "", api_key=EASYPOST_KEY, webhook_secret=EASYPOST_HOOK_SECRET)
        self.control("POST", "/stripe/accounts", {
            "key": STRIPE_KEY, "livemode": False, "webhook_url": f"{self.origin}/hooks/stripe/{self.connections['stripe']}",
            "webhook_secret": STRIPE_HOOK_SECRET})  # fmt: skip
        self.control("POST", "/easypost/accounts", {
            "key": EASYPOST_KEY, "mode": "test", "webhook_secret": EASYPOST_HOOK_SECRET,
            "webhook_url": f"{self.origin}/hooks/easypost/{self.connections['easypost']}"})  # fmt: skip
        self.work_off()

    def _connect(self, vendor: str, account: str, **secrets: str) -> None:
        with database.transaction(self.engine, self.tenant) as session:
            self.connections[vendor] = connect.connect(
                session, self.tenant, vendor=vendor, account=account, secrets=secrets, live=False,
                keyring=self.services.keyring,
            ).id  # fmt: skip

    def place(self, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
        """Place an order in the store; its webhooks are on their way when this returns."""
        wish = {
            "shop": SHOP, "lines": [{"sku": sku, "quantity": units} for sku, units in lines], "ship_to": BUYER,
            "email": "ada@example.com", "financial_status": "paid", "risk": "ACCEPT",
            "shipping": {"title": "Standard", "price": "5.00"},
        }  # fmt: skip
        return self.control("POST", "/shopify/orders", wish | more)

    def heard(self) -> None:
        """Wait until every webhook that is on its way has been answered."""
        assert self.control("POST", "/deliveries/flush", {"timeout_s": 50}) == {"queued": 0}

    def settle(self) -> None:
        """Let webhooks arrive and work be done, until neither leads to the other any more."""
        for _ in range(30):
            self.heard()
            if not self.work_off() and not self.five_seconds_pass():
                return
        raise AssertionError("webhooks and jobs go round in circles")

    def five_seconds_pass(self) -> int:
        """Have the store asked again about orders of which it told two versions in one second: on a quick machine, any
        story may have some. Answers how many there were.
        """
        with self.engine.begin() as connection:
            return connection.execute(text(_ASK_AGAIN)).rowcount

    def work_off(self) -> int:
        """Run every job that is due, as workers would; answers how many there were."""
        ran = 0
        while lanes := self.due_lanes():
            for lane in lanes:
                ran += runner.work_off(self.services, self.tenant, lane)
        return ran

    def due_lanes(self) -> list[str]:
        with self.engine.connect() as connection:
            return [
                row.lane
                for row in connection.execute(
                    text("SELECT lane FROM jobs WHERE state = 'due' AND due_at <= now() GROUP BY lane ORDER BY min(id)")
                )
            ]

    def gathered(self) -> None:
        """Let the time pass in which what a store tells of its stock is gathered, and what it calls for be done."""
        for _ in range(3):
            self.settle()
            with self.engine.begin() as connection:
                connection.execute(text("UPDATE jobs SET due_at = now() WHERE kind = 'read_stock' AND state = 'due'"))
        self.settle()

    def unfinished(self, *, but: str = "") -> list[Any]:
        """The jobs that are not at rest, oldest first, with `wait_s` until they are due; what gathers is none.

        A store that is told of a sale tells of its stock in turn, which is gathered for a while and calls for nothing.
        """
        return self.rows(
            "SELECT *, extract(epoch FROM due_at - now()) AS wait_s FROM jobs"
            " WHERE state IN ('due', 'running', 'parked') AND kind NOT IN ('read_stock', :but) ORDER BY id",
            but=but,
        )

    def next_second(self) -> None:
        """Wait for the store's clock, which counts whole seconds, to tell this moment from the last."""
        time.sleep(1.0 - time.time() % 1.0 + 0.01)

    def hurry(self) -> None:
        """Bring everything that waits for a later time forward to now: the test's way to let time pass."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE jobs SET due_at = now() WHERE state = 'due'"))

    def hurry_but_voids(self) -> None:
        """The same, but for the carrier's slow word on labels that go back, which is asked for again and again."""
        with self.engine.begin() as connection:
            connection.execute(text("UPDATE jobs SET due_at = now() WHERE state = 'due' AND kind <> 'void_label'"))

    @contextmanager
    def reading(self) -> Iterator[Session]:
        with database.transaction(self.engine, self.tenant) as session:
            yield session

    def order(self, placed: dict[str, Any]) -> Order:
        with self.reading() as session:
            return session.scalars(
                select(Order).where(Order.tenant_id == self.tenant, Order.remote_id == placed["admin_graphql_api_id"])
            ).one()

    def rows(self, sql: str, **values: Any) -> list[Any]:
        with self.engine.connect() as connection:
            return list(connection.execute(text(sql), values))

    def fulfillments(self, placed: dict[str, Any]) -> list[dict[str, Any]]:
        """What the store itself says has been shipped of an order."""
        return self.store_orders()[placed["name"]]["fulfillments"]

    def open_holds(self, placed: dict[str, Any]) -> list[str]:
        order = self.order(placed).id
        return [
            row.kind
            for row in self.rows("SELECT kind FROM holds WHERE order_id = :id AND state = 'open' ORDER BY 1", id=order)
        ]

    def level(self, sku: str, location: str) -> tuple[int, int]:
        """On hand and reserved."""
        (row,) = self.rows(
            "SELECT s.on_hand, s.reserved FROM stock_levels s JOIN locations l ON l.id = s.location_id "
            "JOIN variants v ON v.id = s.variant_id WHERE l.name = :location AND v.sku = :sku",
            sku=sku, location=location,
        )  # fmt: skip
        return (row.on_hand, row.reserved)

    def read_catalogue(self) -> None:
        with self.reading() as session:
            desk.read_catalogue(session, self.tenant, self.connections["shopify"])
        self.work_off()

    def rotate_carrier_key(self, key: str) -> None:
        self._connect("easypost", "", api_key=key, webhook_secret=EASYPOST_HOOK_SECRET)

    def storefront(self) -> Any:
        """The store as somebody else reaches it."""
        credentials = Credentials(account=SHOP, live=False, secrets={"access_token": TOKEN})
        return registry.vendor("shopify").build(credentials, self.services.origins, lambda _: None)

    def route(self, placed: dict[str, Any]) -> None:
        """The store has found out what ships from where; it tells nobody."""
        self.control("POST", f"/shopify/orders/{placed['id']}/route", {})

    def store_orders(self) -> dict[str, dict[str, Any]]:
        """The store's own view of its orders, by name."""
        answer = self.control("GET", f"/shopify/orders?shop={SHOP}")
        return {order["name"]: order for order in (answer["orders"] if isinstance(answer, dict) else answer)}

    def labels_bought(self) -> list[dict[str, Any]]:
        answer = self.control("GET", "/easypost/shipments")
        return [one for one in (answer["shipments"] if isinstance(answer, dict) else answer) if one["bought"]]

    def fault(self, **fault: Any) -> None:
        self.control("POST", "/faults", fault)

    def letters(self) -> list[dict[str, Any]]:
        """What arrived in the sandbox's mailbox, oldest first."""
        return self.control("GET", "/mail")["messages"]

    def calls(self, **wish: str) -> list[dict[str, Any]]:
        return self.control("GET", "/calls?" + "&".join(f"{name}={value}" for name, value in wish.items()))["calls"]


@contextmanager
def running_sandbox() -> Iterator[str]:
    server = make_sandbox_server(create_sandbox(), "127.0.0.1", 0)
    thread = threading.Thread(target=server.serve_forever, args=(LOOKS_UP_S,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.port}"
    server.shutdown()
    thread.join(5)


@contextmanager
def serving(app: Flask) -> Iterator[str]:
    """The application's own door over real HTTP."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, args=(LOOKS_UP_S,), daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    thread.join(5)


@contextmanager
def running_world(settings: Settings, engine: Engine, sandbox: str) -> Iterator[World]:
    pointed = settings.model_copy(
        update={
            "shopify_origin": sandbox, "stripe_api_base": sandbox, "easypost_api_base": sandbox,
            "mail_url": SecretStr(f"smtp://127.0.0.1:{patient.get(f'{sandbox}/_sandbox/mail').json()['port']}"),
            "mail_from": "orders@packline.example",
        }
    )  # fmt: skip
    services = Services(
        engine=engine,
        keyring=boot.keyring(pointed),
        origins=origins(pointed),
        worker="test",
        lease_s=settings.job_lease_seconds,
        app_keys=app_keys(pointed),
        post=post(pointed),
    )
    world = World(sandbox=sandbox, settings=pointed, engine=engine, services=services)
    world.control("POST", "/reset")
    app = create_app(pointed)
    world.door = app
    with serving(app) as origin, pytest.MonkeyPatch.context() as patched:
        # On a slow machine five seconds may pass within a story, or not: a story says itself when they have.
        patched.setattr(hearing, "GATHERED_FOR", timedelta(minutes=3))
        world.origin = origin
        services.links = buyer_links(pointed.model_copy(update={"public_url": origin}))
        services.supplier_links = supplier_links(pointed.model_copy(update={"public_url": origin}))
        yield world
    app.extensions["letterbox"].close()
    app.extensions["engine"].dispose()
    world.control("POST", "/reset")


def eventually(what: Any, *, within_s: float = 30) -> Any:
    """Ask until the answer is true, and answer it; fails with the last answer."""
    deadline = time.monotonic() + within_s
    while not (answer := what()):
        assert time.monotonic() < deadline, f"still {json.dumps(answer, default=str)} after {within_s} s"
        time.sleep(0.05)
    return answer
