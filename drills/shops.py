"""A tenant with a store, a carrier and a payment provider in the sandbox, and the orders that were placed there."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import httpx
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from config import boot
from config.settings import Settings
from demo.store import BUYERS
from jobs import connect, desk, queue, reconcile, self_test, stock_desk
from orders import choosing
from orders.reversing import Wish
from records import choices, database
from records.orders import Order
from records.shipments import parcels_of

Json = dict[str, Any]
Control = Callable[..., Any]
"""Asks the sandbox for something: method, path, and a body where one is wanted."""

_BY = "person:drill"
# What orders are for, in turn: mostly one line, sometimes two warehouses, sometimes two boxes of one shipment.
_BASKETS = ((("BAG", 1),), (("MUG", 2),), (("BAG", 2), ("MUG", 1)), (("AXE", 1), ("LANTERN", 1)), (("POT", 3),))
PLAIN = (("BAG", 1),)


@dataclass(frozen=True, kw_only=True)
class End:
    """Where an order has to be when all is well again."""

    state: str = "fulfilled"
    holds: tuple[str, ...] = ()
    parked: tuple[str, ...] = ()
    """Causes of jobs that rightly wait for a person."""
    scans: tuple[str, ...] = ()
    """What the store has to have been told of its parcels, each once, as the store writes it."""
    refunded_minor: int = 0


@dataclass(kw_only=True)
class Placed:
    """An order as the store has it."""

    id: int
    remote_id: str
    name: str
    lines: tuple[tuple[str, int], ...]
    total_minor: int
    end: End


@dataclass(kw_only=True)
class Shop:
    """One tenant of the drill."""

    control: Control
    engine: Engine
    settings: Settings
    web: str
    domain: str
    tenant: int = 0
    connections: dict[str, str] = field(default_factory=dict)
    placed: list[Placed] = field(default_factory=list)

    @property
    def keys(self) -> dict[str, str]:
        """What opens each account; told by the shop's number, so that no two shops share one."""
        name = self.domain.partition(".")[0]
        return {"shopify": f"shpat_{name}", "stripe": f"sk_test_{name}", "easypost": f"EZTK{name}"}

    def place(self, *lines: tuple[str, int], end: End | None = None, **more: Any) -> Placed:
        """Place an order in the store; its webhooks are on their way when this returns."""
        wish = self._wish(lines or PLAIN) | more
        return self._remember(self.control("POST", "/shopify/orders", wish), lines or PLAIN, end or End())

    def place_many(self, count: int, *, end: End | None = None, **more: Any) -> list[Placed]:
        """Place many orders at once, all alike."""
        wish = self._wish(PLAIN) | {"count": count} | more
        placed = self.control("POST", "/shopify/orders", wish)["orders"]
        return [self._remember(one, PLAIN, end or End()) for one in placed]

    def place_mixed(self, count: int) -> list[Placed]:
        """Place orders of every shape, to buyers in every corner."""
        return [self.place_one_of_all(number) for number in range(count)]

    def place_one_of_all(self, number: int) -> Placed:
        """The `number`-th order of a row in which every shape comes by, and every corner."""
        return self.place(*_BASKETS[number % len(_BASKETS)], ship_to=BUYERS[number % len(BUYERS)])

    def pay(self, placed: Placed, outcome: str = "succeeded") -> str:
        """Have the buyer pay at the payment provider; answers the payment's id there."""
        return self.pay_for(placed.name, placed.total_minor, outcome)

    def pay_for(self, name: str, amount_minor: int, outcome: str = "succeeded") -> str:
        """The same for an order of that name, which need not be placed yet."""
        paid = self.control(
            "POST",
            "/stripe/payments",
            {
                "key": self.keys["stripe"],
                "amount": amount_minor,
                "currency": "usd",
                "metadata": {"order_name": name},
                "outcome": outcome,
            },
        )
        return str(paid["id"])

    def check_out(self, placed: Placed) -> None:
        """Have the buyer pay in a check-out session; the payment itself names no order."""
        wish = {"key": self.keys["stripe"], "amount": placed.total_minor, "currency": "usd"}
        self.control("POST", "/stripe/checkouts", wish | {"client_reference_id": placed.name, "metadata": {}})

    def keep_store_busy(self) -> None:
        """Have the store put off the next tracking number by an hour."""
        fault = {"vendor": "shopify", "kind": "429", "operation": "fulfillmentCreate", "times": 1, "retry_after": 3600}
        self.control("POST", "/faults", fault)

    def cancel(self, placed: Placed, *, end: End | None = None, **more: Any) -> None:
        """Have the merchant cancel it in the store."""
        placed.end = end or End(state="cancelled")
        self.control("POST", f"/shopify/orders/{placed.id}/cancel", {"reason": "CUSTOMER"} | more)

    def ask_to_cancel(self, placed: Placed, *, end: End) -> None:
        """Have a person here take the whole order back, with its money."""
        placed.end = end
        with database.transaction(self.engine, self.tenant) as session:
            wish = Wish(purpose="cancel", reason="buyer")
            desk.cancel(session, self.tenant, self.order_number(session, placed), wish, by=_BY)

    def ask_for_another_label(self, placed: Placed) -> None:
        """Have a person here say that a label is spoilt. Raises ValueError where the parcel gets no other."""
        with database.transaction(self.engine, self.tenant) as session:
            for parcel in parcels_of(session, self.tenant, self.order_number(session, placed)):
                if refusal := desk.relabel(session, self.tenant, parcel.id, by=_BY, reason="the label is smeared"):
                    raise ValueError(refusal)

    def give_up_what_is_short(self, placed: Placed) -> None:
        """Have a person here answer for the buyer that they want their money back."""
        with database.transaction(self.engine, self.tenant) as session:
            asked = choices.latest_of(session, self.tenant, self.order_number(session, placed))
            if asked is not None:
                lines = dict.fromkeys(choosing.units_of(asked.short), "refund")
                desk.answer_choice(session, self.tenant, asked.id, lines, ship_rest=True, by=_BY, reason="a drill")

    def have_it_go_elsewhere(self, placed: Placed) -> None:
        """Have a person here give an order that is not packed another address."""
        with database.transaction(self.engine, self.tenant) as session:
            order = session.get_one(Order, (self.tenant, self.order_number(session, placed)))
            if order.ship_to is not None:
                address = order.ship_to.model_copy(update={"street1": "2 Second St"})
                desk.readdress(session, self.tenant, order.id, address, by=_BY, reason="a drill")

    def compare(self) -> None:
        """Have our records held against those of every vendor, and each account looked after."""
        with database.transaction(self.engine, self.tenant) as session:
            for connection in self.connections.values():
                reconcile.ask(session, self.tenant, connection, now=datetime.now(UTC))
                queue.add(session, self.tenant, "check_connection", f"connection/{connection}")

    def labels(self, placed: Placed | None = None) -> list[Json]:
        """What the carrier has sold to this shop, or for one order of it."""
        answered = self.control("GET", f"/easypost/shipments?key={self.keys['easypost']}")
        begins = "" if placed is None else f"{placed.name}-"
        return [one for one in answered["shipments"] if one["bought"] and (one["reference"] or "").startswith(begins)]

    def scan(self, placed: Placed, *statuses: str) -> None:
        """Have the carrier scan every parcel of an order."""
        for label in self.labels(placed):
            for status in statuses:
                self.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": status})

    def refunds(self) -> list[Json]:
        """What the payment provider has given back; asked over its own API, as a person's tool would."""
        found: list[Json] = []
        wish: Json = {"limit": 100}
        while True:
            page = _asking.get(
                f"{self.settings.stripe_api_base}/v1/refunds", params=wish, auth=(self.keys["stripe"], "")
            )
            page.raise_for_status()
            found += page.json()["data"]
            if not page.json()["has_more"]:
                return found
            wish["starting_after"] = found[-1]["id"]

    def read_again(self) -> None:
        """Have the store's catalogue read."""
        with database.transaction(self.engine, self.tenant) as session:
            desk.read_catalogue(session, self.tenant, self.connections["shopify"])

    def count_in_store(self) -> None:
        """Have the merchant find one bag more in the store."""
        wish = {"shop": self.domain, "sku": "BAG", "location": "Reno"}
        self.control("POST", "/shopify/inventory", wish | {"on_hand": self.in_store("BAG", "Reno") + 1})

    def count_here(self) -> None:
        """Have a person here find one bag more."""
        with database.transaction(self.engine, self.tenant) as session:
            level = session.execute(_BAGS_IN_RENO, {"tenant": self.tenant}).one()
            place = (level.variant_id, level.location_id)
            stock_desk.adjust(session, self.tenant, place, 1, reason="found", reference="", by=_BY)

    def in_store(self, sku: str, place: str) -> int:
        """On hand, as the store counts."""
        levels = self.control("GET", f"/shopify/inventory?shop={self.domain}")["levels"]
        return next(int(one["on_hand"]) for one in levels if (one["sku"], one["location"]) == (sku, place))

    def test_everything(self) -> None:
        """Have everything that is connected tried."""
        with database.transaction(self.engine, self.tenant) as session:
            self_test.ask(session, self.tenant, by=_BY, now="2026-11-22T08:00:00+00:00")

    def connect(self, vendor: str, **secrets: str) -> None:
        """Connect an account, or give the connection that is there other secrets."""
        account = self.domain if vendor == "shopify" else ""
        with database.transaction(self.engine, self.tenant) as session:
            self.connections[vendor] = connect.connect(
                session,
                self.tenant,
                vendor=vendor,
                account=account,
                secrets=secrets,
                live=False,
                keyring=boot.keyring(self.settings),
            ).id

    def tell_accounts(self, **secrets: str) -> None:
        """Open the carrier's and the payment provider's accounts, with webhooks that come here."""
        for vendor, mode in (("stripe", {"livemode": False}), ("easypost", {"mode": "test"})):
            wish = {
                "key": self.keys[vendor],
                "webhook_url": f"{self.web}/hooks/{vendor}/{self.connections[vendor]}",
                "webhook_secret": secrets.get(vendor, hook_secret(vendor)),
            }
            self.control("POST", f"/{vendor}/accounts", wish | mode)

    def order_number(self, session: Session, placed: Placed) -> int:
        """The number of an order here. Raises NoResultFound while it is unknown here."""
        return session.scalars(
            select(Order.id).where(Order.tenant_id == self.tenant, Order.remote_id == placed.remote_id)
        ).one()

    def _wish(self, lines: tuple[tuple[str, int], ...]) -> Json:
        return {
            "shop": self.domain,
            "lines": [{"sku": sku, "quantity": units} for sku, units in lines],
            "ship_to": BUYERS[0],
            "financial_status": "paid",
            "risk": "ACCEPT",
            "shipping": {"title": "Standard", "price": "6.00"},
        }

    def _remember(self, placed: Json, lines: tuple[tuple[str, int], ...], end: End) -> Placed:
        known = Placed(
            id=placed["id"],
            remote_id=placed["admin_graphql_api_id"],
            name=placed["name"],
            lines=tuple(lines),
            total_minor=round(float(placed["total_price"]) * 100),
            end=end,
        )
        self.placed.append(known)
        return known


_BAGS_IN_RENO = text("""
SELECT s.variant_id, s.location_id, s.on_hand FROM stock_levels s
JOIN variants v ON v.tenant_id = s.tenant_id AND v.id = s.variant_id AND v.sku = 'BAG'
JOIN locations l ON l.tenant_id = s.tenant_id AND l.id = s.location_id AND l.name = 'Reno'
WHERE s.tenant_id = :tenant
""")

# A client of its own for every question would spend 30 ms on certificates that nobody shows here.
_asking = httpx.Client(timeout=120)


def control_of(sandbox: str) -> Control:
    """The sandbox's control door."""

    def ask(method: str, path: str, body: Any = None) -> Any:
        answered = _asking.request(method, f"{sandbox}/_sandbox{path}", json=body)
        answered.raise_for_status()
        return answered.json()

    return ask


def hook_secret(vendor: str) -> str:
    """What a vendor signs with; it opens nothing but the sandbox's own doors."""
    return f"drill-secret-of-{vendor}"
