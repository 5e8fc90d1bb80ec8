"""Builds shops with rows of every kind, written straight through the models: what the pages are tested on."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from integrations.nouns import Address, Money, Rate
from integrations.nouns import Parcel as ParcelShape
from records.inbox import InboxEvent
from records.jobs import Job
from records.orders import Hold, Order, OrderLine, Payment
from records.shipments import Label, Parcel, ParcelScan, Shipment, ShipmentLine
from records.stock import Location, Movement, Reservation, StockLevel, Variant
from records.tenants import Connection, Rules, Tenant
from records.timeline import TimelineEntry

PDF = b"%PDF-1.4 a label"
HOSTILE = '<script>alert("x")</script>'
ADA = Address(
    name="Ada Lovelace", street1="388 Townsend St", city="San Francisco", region="CA", postcode="94107", country="US",
    phone="4155550100", email="ada@example.com",
)  # fmt: skip


@dataclass
class Shop:
    """A tenant and its rows' ids by the name that a story calls them."""

    tenant: int
    session: Session
    store: str
    now: datetime
    numbers: Any = field(default_factory=lambda: itertools.count(1001))
    locations: dict[str, int] = field(default_factory=dict)
    variants: dict[str, int] = field(default_factory=dict)

    def _added(self, row: Any) -> Any:
        self.session.add(row)
        self.session.flush()
        return row

    def order(self, name: str = "", **columns: Any) -> Order:
        name = name or f"#{next(self.numbers)}"
        placed = self.now - timedelta(hours=3)
        return self._added(
            Order(
                **{
                    "tenant_id": self.tenant, "connection_id": self.store, "name": name, "currency": "USD",
                    "remote_id": f"gid://shopify/Order/{self.tenant}{name.strip('#')}", "total_minor": 6400,
                    "standing": "paid", "email": "ada@example.com", "phone": "4155550100", "ship_to": ADA,
                    "shipping_title": "Standard", "placed_at": placed, "deliver_by": placed + timedelta(days=7),
                }
                | columns
            )
        )  # fmt: skip

    def line(self, order: Order, sku: str = "BAG", units: int = 2, **columns: Any) -> OrderLine:
        return self._added(
            OrderLine(
                **{
                    "tenant_id": self.tenant, "order_id": order.id, "remote_id": f"line-{order.id}-{sku}",
                    "variant_id": self.variants.get(sku), "variant_remote_id": f"gid://variant/{sku}", "sku": sku,
                    "title": f"{sku.title()} of canvas", "units": units, "to_ship": units, "unit_price_minor": 3200,
                    "unit_grams": 300, "needs_shipping": True,
                }
                | columns
            )
        )  # fmt: skip

    def hold(self, order: Order, kind: str = "address", **columns: Any) -> Hold:
        return self._added(
            Hold(
                **{
                    "tenant_id": self.tenant, "order_id": order.id, "kind": kind, "set_by": "packline",
                    "reason": "The carrier cannot deliver to this address: Address not found.",
                    "remedy": "Correct the address in the store, or release the hold to ship as it is.",
                }
                | columns
            )
        )  # fmt: skip

    def job(self, kind: str, subject: str, *, lane: str = "", **columns: Any) -> Job:
        queue = {"take_event": "hooks", "void_label": "carriers", "mark_paid": "notices"}.get(kind, "orders")
        return self._added(
            Job(
                **{
                    "tenant_id": self.tenant, "kind": kind, "subject": subject, "lane": lane or subject,
                    "queue": queue, "rank": 10, "state": "done",
                }
                | columns
            )
        )  # fmt: skip

    def parked(self, kind: str, subject: str, **columns: Any) -> Job:
        return self.job(
            kind,
            subject,
            **{
                "state": "parked", "cause": "no_rates", "attempts": 1, "ended_at": self.now - timedelta(minutes=20),
                "reason": "No carrier offers a rate for this parcel. USPS: weight is over the limit.",
                "remedy": "Check address, weight and customs, or allow another carrier; then retry.",
            }
            | columns,
        )  # fmt: skip

    def shipment(self, order: Order, lines: list[OrderLine], place: str = "Reno", state: str = "planned") -> Shipment:
        row = self._added(
            Shipment(tenant_id=self.tenant, order_id=order.id, location_id=self.locations[place], state=state)
        )
        reservation = {"announced": "consumed", "handed_over": "consumed", "cancelled": "released"}.get(state, "held")
        for line in lines:
            self._added(ShipmentLine(tenant_id=self.tenant, shipment_id=row.id, line_id=line.id, units=line.units))
            if line.variant_id is not None:
                self._added(
                    Reservation(
                        tenant_id=self.tenant, order_id=order.id, line_id=line.id, variant_id=line.variant_id,
                        location_id=row.location_id, shipment_id=row.id, units=line.units, state=reservation,
                    )
                )  # fmt: skip
        return row

    def parcel(self, shipment: Shipment, lines: list[OrderLine], **columns: Any) -> Parcel:
        return self._added(
            Parcel(
                **{
                    "tenant_id": self.tenant, "shipment_id": shipment.id, "order_id": shipment.order_id,
                    "shape": ParcelShape(weight_grams=720, length_mm=300, width_mm=220, height_mm=120),
                    "contents": {str(line.id): line.units for line in lines},
                }
                | columns
            )
        )  # fmt: skip

    def label(self, parcel: Parcel, **columns: Any) -> Label:
        rates = [
            Rate(remote_id="r1", carrier="USPS", service="GroundAdvantage", price=Money(minor=712, currency="USD"), transit_days=3),
            Rate(remote_id="r2", carrier="UPSDAP", service="Ground", price=Money(minor=955, currency="USD"), transit_days=2),
            Rate(remote_id="r3", carrier="USPS", service="Priority", price=Money(minor=1041, currency="USD"), transit_days=2),
        ]  # fmt: skip
        return self._added(
            Label(
                **{
                    "tenant_id": self.tenant, "parcel_id": parcel.id, "order_id": parcel.order_id,
                    "connection_id": f"carrier-{self.tenant}", "attempt": 1, "state": "bought",
                    "shipment_ref": f"shp_{parcel.id}", "rate": rates[0],
                    "rates": [rate.model_dump(mode="json") for rate in rates],
                    "remarks": ["FedEx: the account is not billed in this country."],
                    "choice": "USPS GroundAdvantage for 7.12 USD: cheapest of 3 that arrive in time.",
                    "cost_minor": 712, "currency": "USD", "tracking_code": parcel.tracking_code,
                    "media_type": "application/pdf", "content": PDF, "bought_at": self.now - timedelta(hours=2),
                }
                | columns
            )
        )  # fmt: skip

    def scan(self, parcel: Parcel, status: str, message: str, place: str, hours_ago: float) -> ParcelScan:
        at = self.now - timedelta(hours=hours_ago)
        key = hashlib.sha256(f"{parcel.id}{status}{at}".encode()).hexdigest()[:32]
        return self._added(
            ParcelScan(
                tenant_id=self.tenant, parcel_id=parcel.id, key=key, at=at, status=status, detail="", message=message,
                place=place,
            )
        )  # fmt: skip

    def payment(self, order: Order | None = None, **columns: Any) -> Payment:
        number = next(self.numbers)
        return self._added(
            Payment(
                **{
                    "tenant_id": self.tenant, "connection_id": f"stripe-{self.tenant}", "remote_id": f"pi_3Q{number}",
                    "order_id": order.id if order else None, "state": "paid", "currency": "USD", "amount_minor": 6400,
                    "captured_minor": 6400, "as_of": self.now - timedelta(hours=1),
                }
                | columns
            )
        )  # fmt: skip

    def event(self, topic: str = "orders/create", body: Any = None, **columns: Any) -> InboxEvent:
        number = next(self.numbers)
        raw = body if isinstance(body, bytes) else json.dumps(body if body is not None else {"id": number}).encode()
        return self._added(
            InboxEvent(
                **{
                    "tenant_id": self.tenant, "connection_id": self.store, "vendor": "shopify", "topic": topic,
                    "delivery_id": f"b54557e4-bdd9-4b37-8a5f-{number:012}", "occasion": "", "body": raw,
                    "body_sha256": hashlib.sha256(raw).digest(), "state": "taken",
                    "headers": {
                        "x-shopify-topic": topic,
                        "x-shopify-hmac-sha256": "XWmrwMey6OsLMeiZKwP4FppHH3cmAiiJJAweH5Jo4bM=",
                    },
                }
                | columns
            )
        )  # fmt: skip

    def tell(self, order: Order, sentence: str, *, kind: str = "fact", actor: str = "packline", minutes_ago: float = 60, **details: Any) -> None:
        self._added(
            TimelineEntry(
                tenant_id=self.tenant, order_id=order.id, actor=actor, kind=kind, sentence=sentence, details=details,
                at=self.now - timedelta(minutes=minutes_ago),
            )
        )  # fmt: skip

    def stock(self, sku: str, title: str, levels: dict[str, tuple[int, int]], **columns: Any) -> int:
        """A variant with (on hand, reserved) by location; a movement explains each level."""
        variant = self._added(
            Variant(
                **{
                    "tenant_id": self.tenant, "connection_id": self.store, "remote_id": f"gid://variant/{sku}",
                    "inventory_remote_id": f"gid://item/{sku}", "sku": sku, "title": title, "unit_price_minor": 3200,
                    "currency": "USD", "unit_grams": 300, "needs_shipping": True, "tracked": True, "hs_code": "420292",
                    "origin_country": "US",
                }
                | columns
            )
        )  # fmt: skip
        self.variants[sku] = variant.id
        for place, (on_hand, reserved) in levels.items():
            where = {"tenant_id": self.tenant, "variant_id": variant.id, "location_id": self.locations[place]}
            self._added(StockLevel(**where, on_hand=on_hand, reserved=reserved))
            self._added(Movement(**where, cause="counted", on_hand_change=on_hand, reserved_change=0, actor="shopify"))
            if reserved:
                self._added(
                    Movement(**where, cause="reserved", on_hand_change=0, reserved_change=reserved, actor="packline")
                )
        return variant.id


def open_shop(session: Session, name: str = "Acme Bags", *, now: datetime | None = None) -> Shop:
    """A shop with its connections, two locations and no order."""
    tenant = Tenant(name=name, currency="USD", rules=Rules())
    session.add(tenant)
    session.flush()
    roles = {"shopify": "storefront", "stripe": "payments", "easypost": "carrier"}
    names = {"shopify": f"store-{tenant.id}", "stripe": f"stripe-{tenant.id}", "easypost": f"carrier-{tenant.id}"}
    for vendor, role in roles.items():
        session.add(
            Connection(
                tenant_id=tenant.id, id=names[vendor], vendor=vendor, role=role, live=False, sealed_secrets=b"",
                account=f"acme-{tenant.id}.myshopify.com" if vendor == "shopify" else "",
            )
        )  # fmt: skip
    session.flush()
    shop = Shop(tenant=tenant.id, session=session, store=names["shopify"], now=now or datetime.now(UTC))
    for place, region in (("Reno", "NV"), ("Newark", "NJ")):
        address = Address(name=place, street1="500 Vista Blvd", city=place, region=region, country="US")
        row = Location(
            tenant_id=tenant.id, connection_id=shop.store, remote_id=f"gid://location/{place}", name=place,
            address=address, ships=True,
        )  # fmt: skip
        session.add(row)
        session.flush()
        shop.locations[place] = row.id
    return shop


def furnish(shop: Shop) -> dict[str, int]:
    """A shop with something of everything that the pages can show; answers ids by what they are."""
    now = shop.now
    shop.stock("BAG", "Bag of canvas", {"Reno": (120, 14), "Newark": (40, 2)})
    shop.stock("TENT", "Tent for two", {"Reno": (3, 3)})
    shop.stock("GIFT", "Gift card", {}, tracked=False, needs_shipping=False)
    shop.stock("MUG", "Mug, enamelled", {"Newark": (0, 0)})
    shipped = _shipped(shop)
    _in_transit(shop)
    split = _split(shop)
    parked = _parked(shop)
    held = _held(shop)
    _others(shop)
    unmatched = shop.payment(order_name="#9999", as_of=now - timedelta(hours=5))
    shop.payment(currency="EUR", amount_minor=1999, captured_minor=1999, refunded_minor=500, state="part_refunded")
    events = _events(shop, shipped)
    return {
        "shipped": shipped.id, "split": split.id, "parked_job": parked.id, "held": held.id, "unmatched": unmatched.id,
        "variant": shop.variants["BAG"], "location": shop.locations["Reno"], **events,
        "label": shop.session.query(Label).filter_by(tenant_id=shop.tenant, order_id=shipped.id).one().id,
    }  # fmt: skip


def _call(vendor: str, verb: str, ms: int, key: str = "", outcome: str = "ok") -> dict[str, Any]:
    return {"vendor": vendor, "verb": verb, "outcome": outcome, "ms": ms, "key": key}


def _shipped(shop: Shop) -> Order:
    order = shop.order(state="fulfilled", placed_at=shop.now - timedelta(days=3))
    line, gift = shop.line(order), shop.line(order, "GIFT", 1, needs_shipping=False, to_ship=0, unit_price_minor=2500)
    shipment = shop.shipment(order, [line], state="handed_over")
    parcel = shop.parcel(
        shipment, [line], carrier="USPS", tracking_code="9400110898825022579493", carrier_status="delivered",
        tracking_url="https://track.example.com/9400110898825022579493", delivered_at=shop.now - timedelta(hours=5),
        seen_at=shop.now - timedelta(hours=5),
    )  # fmt: skip
    label = shop.label(parcel, bought_at=shop.now - timedelta(days=2, hours=20))
    shop.scan(parcel, "pre_transit", "Shipping label created", "Reno, NV, US", 60)
    shop.scan(parcel, "in_transit", "Departed the post office", "Sparks, NV, US", 40)
    shop.scan(parcel, "out_for_delivery", "Out for delivery", "San Francisco, CA, US", 9)
    shop.scan(parcel, "delivered", "Delivered, front door", "San Francisco, CA, US", 5)
    job = shop.job("buy_label", f"parcel/{parcel.id}", lane=f"order/{order.id}", attempts=1, ended_at=shop.now)
    shop.payment(order)
    shop.hold(order, state="released", released_by="person:Grace", released_at=shop.now - timedelta(days=2))
    shop.tell(order, f"Order {order.name} was placed: 3 units in 2 lines, 64.00 USD, paid.", actor="shopify", minutes_ago=4320)
    shop.tell(order, "On hold (address): The carrier cannot deliver to this address.", kind="hold", minutes_ago=4310)
    shop.tell(order, "Hold released (address).", kind="hold", actor="person:Grace", minutes_ago=4200)
    shop.tell(
        order, "Checked against the store: complete and consistent.", minutes_ago=4199, job=job.id,
        calls=[_call("shopify", "read_order", 143), _call("easypost", "verify_address", 310)],
    )  # fmt: skip
    shop.tell(order, "From Reno: the nearest that had everything.", kind="choice", minutes_ago=4198)
    shop.tell(order, label.choice, kind="choice", minutes_ago=4197, calls=[_call("easypost", "quote", 812)])
    shop.tell(
        order, f"Label bought: USPS GroundAdvantage, 7.12 USD, {parcel.tracking_code}.", minutes_ago=4196,
        key=f"label/{label.id}", calls=[_call("easypost", "buy", 1503, f"label/{label.id}")], job=job.id,
    )  # fmt: skip
    shop.tell(
        order, f"The storefront has the tracking: USPS {parcel.tracking_code}.", minutes_ago=4195,
        key=f"announce/{shipment.id}/USPS", calls=[_call("shopify", "announce", 402, f"announce/{shipment.id}/USPS")],
    )  # fmt: skip
    shop.tell(order, f"Parcel {parcel.tracking_code} is delivered.", actor="easypost", minutes_ago=300)
    return order


def _in_transit(shop: Shop) -> Order:
    order = shop.order(state="fulfilled", placed_at=shop.now - timedelta(days=1), email="grace@example.org",
                       ship_to=ADA.model_copy(update={"name": "Grace Hopper", "city": "Arlington", "region": "VA"}))  # fmt: skip
    line = shop.line(order, units=1)
    shipment = shop.shipment(order, [line], "Newark", "handed_over")
    parcel = shop.parcel(shipment, [line], carrier="UPSDAP", tracking_code="1ZXXXX3139302118", carrier_status="in_transit")
    shop.label(parcel, cost_minor=955, bought_at=shop.now - timedelta(hours=20))
    return order


def _split(shop: Shop) -> Order:
    """Half of it shipped from one place, half waits for stock."""
    order = shop.order(state="shipping", deliver_by=shop.now - timedelta(hours=4), placed_at=shop.now - timedelta(days=8))
    bags, tents = shop.line(order, "BAG", 2), shop.line(order, "TENT", 2)
    shipment = shop.shipment(order, [bags], state="labelled")
    parcel = shop.parcel(shipment, [bags], carrier="USPS", tracking_code="9400110898825022579509", carrier_status="pre_transit")
    shop.label(parcel)
    shop.hold(
        order, "stock", reason="Out of stock: 2 × TENT.",
        remedy="It goes on by itself when stock is counted in; or cancel these lines in the store.",
    )  # fmt: skip
    shop.job(
        "push_tracking", f"shipment/{shipment.id}", lane=f"order/{order.id}", state="due", attempts=3, cause="throttled",
        reason="Shopify asks to wait: THROTTLED.", due_at=shop.now + timedelta(minutes=3),
    )  # fmt: skip
    assert tents.units == 2
    return order


def _parked(shop: Shop) -> Job:
    jobs = []
    for _ in range(3):
        order = shop.order(state="allocated", total_minor=12999)
        line = shop.line(order)
        parcel = shop.parcel(shop.shipment(order, [line]), [line])
        jobs.append(shop.parked("buy_label", f"parcel/{parcel.id}", lane=f"order/{order.id}"))
        shop.tell(order, f"{jobs[-1].reason} {jobs[-1].remedy}", kind="parked", minutes_ago=20, job=jobs[-1].id)
    order = shop.order(state="received", name="", standing="unpaid")
    shop.line(order)
    shop.parked("verify_order", f"order/{order.id}", cause="fault", attempts=16,
                reason="Packline met a fault of its own; the log has the details.",
                remedy="Ask whoever runs Packline to look at the log, then retry.")  # fmt: skip
    return jobs[-1]


def _held(shop: Shop) -> Order:
    order = shop.order(state="verified", email="katherine@example.net",
                       ship_to=ADA.model_copy(update={"name": "Katherine Johnson", "city": "Hampton", "region": "VA"}))  # fmt: skip
    shop.line(order, units=4)
    shop.hold(order)
    shop.hold(order, "operator", reason="Waits for the buyer's answer about the colour.", set_by="person:Grace", remedy="")
    shop.tell(order, "On hold (operator): Waits for the buyer's answer about the colour.", kind="hold", actor="person:Grace")
    return order


def _others(shop: Shop) -> None:
    unpaid = shop.order(state="verified", standing="unpaid", ship_to=ADA.model_copy(update={"name": "Jean Bartik"}))
    shop.line(unpaid)
    shop.hold(unpaid, "payment", reason="Not paid: the store says unpaid.", remedy="It goes on by itself when the payment arrives.")
    cancelled = shop.order(state="cancelled", standing="refunded", cancelled_at=shop.now - timedelta(hours=1))
    shop.line(cancelled, units=0)
    abroad = shop.order(state="released", currency="JPY", total_minor=1234, standing="authorised", test=True,
                        ship_to=ADA.model_copy(update={"name": "渡辺 綾", "city": "東京", "region": "", "country": "JP"}))  # fmt: skip
    shop.line(abroad)
    shop.job("reserve_stock", f"order/{abroad.id}", state="running", attempts=1, worker="host-orders-4711",
             started_at=shop.now, lease_until=shop.now + timedelta(seconds=20))  # fmt: skip
    fresh = shop.order(name="", state="received", placed_at=None, currency="", total_minor=0, standing="unknown", ship_to=None, email="", deliver_by=None)
    shop.job("verify_order", f"order/{fresh.id}", state="due", due_at=shop.now)


def _events(shop: Shop, order: Order) -> dict[str, int]:
    body = {
        "id": 820982911946154508, "name": order.name, "email": "ada@example.com", "contact_email": "ada@example.com",
        "total_price": "64.00", "currency": "USD", "order_status_url": "https://acme.example/orders/tok/authenticate?key=1",
        "customer": {"id": 1, "first_name": "Ada", "last_name": "Lovelace", "name": "Ada Lovelace", "phone": "+14155550100"},
        "shipping_address": {"name": "Ada Lovelace", "address1": "388 Townsend St", "city": "San Francisco", "zip": "94107", "country_code": "US"},
        "line_items": [{"id": 1, "name": "Bag of canvas", "sku": "BAG", "quantity": 2}],
    }  # fmt: skip
    taken = shop.event(body=body, subject=f"order/{order.id}", duplicates=4, taken_at=shop.now)
    shop.event("orders/paid", {"id": 2}, subject=f"order/{order.id}", taken_at=shop.now)
    shop.event("carts/update", {"id": 3}, state="ignored", reason="Packline does not act on carts/update.")
    parked = shop.event("orders/create", b"{not json", state="parked", reason="The body is not JSON.")
    shop.event("tracker.updated", {"id": "evt_1"}, vendor="easypost", state="received")
    return {"event": taken.id, "parked_event": parked.id}


