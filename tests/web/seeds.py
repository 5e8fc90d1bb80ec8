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
from records.comparisons import Comparison, Finding
from records.inbox import InboxEvent
from records.jobs import Job
from records.orders import Hold, Order, OrderLine, Payment
from records.shipments import Label, Parcel, ParcelScan, Shipment, ShipmentLine
from records.stock import BundlePart, Location, Movement, Reservation, StockLevel, Variant
from records.tenants import Connection, Rules, Tenant
from records.timeline import TimelineEntry

PDF = b"%PDF-1.4 a label"
HOSTILE = '<script>alert("x")</script>'
ADA = Address(
    name="Ada Lovelace",
    street1="388 Townsend St",
    city="San Francisco",
    region="CA",
    postcode="94107",
    country="US",
    phone="4155550100",
    email="ada@example.com",
)


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
                    "tenant_id": self.tenant,
                    "connection_id": self.store,
                    "name": name,
                    "currency": "USD",
                    "remote_id": f"gid://shopify/Order/{self.tenant}{name.strip('#')}",
                    "total_minor": 6400,
                    "standing": "paid",
                    "email": "ada@example.com",
                    "phone": "4155550100",
                    "ship_to": ADA,
                    "shipping_title": "Standard",
                    "placed_at": placed,
                    "deliver_by": placed + timedelta(days=7),
                }
                | columns
            )
        )

    def line(self, order: Order, sku: str = "BAG", units: int = 2, **columns: Any) -> OrderLine:
        return self._added(
            OrderLine(
                **{
                    "tenant_id": self.tenant,
                    "order_id": order.id,
                    "remote_id": f"line-{order.id}-{sku}",
                    "variant_id": self.variants.get(sku),
                    "variant_remote_id": f"gid://variant/{sku}",
                    "sku": sku,
                    "title": f"{sku.title()} of canvas",
                    "units": units,
                    "to_ship": units,
                    "unit_price_minor": 3200,
                    "unit_grams": 300,
                    "needs_shipping": True,
                }
                | columns
            )
        )

    def hold(self, order: Order, kind: str = "address", **columns: Any) -> Hold:
        return self._added(
            Hold(
                **{
                    "tenant_id": self.tenant,
                    "order_id": order.id,
                    "kind": kind,
                    "set_by": "packline",
                    "reason": "The carrier cannot deliver to this address: Address not found.",
                    "remedy": "Correct the address in the store, or release the hold to ship as it is.",
                }
                | columns
            )
        )

    def job(self, kind: str, subject: str, *, lane: str = "", **columns: Any) -> Job:
        queue = {"take_event": "hooks", "void_label": "carriers", "mark_paid": "notices"}.get(kind, "orders")
        return self._added(
            Job(
                **{
                    "tenant_id": self.tenant,
                    "kind": kind,
                    "subject": subject,
                    "lane": lane or subject,
                    "queue": queue,
                    "rank": 10,
                    "state": "done",
                }
                | columns
            )
        )

    def parked(self, kind: str, subject: str, **columns: Any) -> Job:
        return self.job(
            kind,
            subject,
            **{
                "state": "parked",
                "cause": "no_rates",
                "attempts": 1,
                "ended_at": self.now - timedelta(minutes=20),
                "reason": "No carrier offers a rate for this parcel. USPS: weight is over the limit.",
                "remedy": "Check address, weight and customs, or allow another carrier; then retry.",
            }
            | columns,
        )

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
                        tenant_id=self.tenant,
                        order_id=order.id,
                        line_id=line.id,
                        variant_id=line.variant_id,
                        location_id=row.location_id,
                        shipment_id=row.id,
                        units=line.units,
                        state=reservation,
                    )
                )
        return row

    def parcel(self, shipment: Shipment, lines: list[OrderLine], **columns: Any) -> Parcel:
        return self._added(
            Parcel(
                **{
                    "tenant_id": self.tenant,
                    "shipment_id": shipment.id,
                    "order_id": shipment.order_id,
                    "shape": ParcelShape(weight_grams=720, length_mm=300, width_mm=220, height_mm=120),
                    "contents": {str(line.id): line.units for line in lines},
                }
                | columns
            )
        )

    def label(self, parcel: Parcel, **columns: Any) -> Label:
        rates = [
            Rate(
                remote_id="r1",
                carrier="USPS",
                service="GroundAdvantage",
                price=Money(minor=712, currency="USD"),
                transit_days=3,
            ),
            Rate(
                remote_id="r2",
                carrier="UPSDAP",
                service="Ground",
                price=Money(minor=955, currency="USD"),
                transit_days=2,
            ),
            Rate(
                remote_id="r3",
                carrier="USPS",
                service="Priority",
                price=Money(minor=1041, currency="USD"),
                transit_days=2,
            ),
        ]
        return self._added(
            Label(
                **{
                    "tenant_id": self.tenant,
                    "parcel_id": parcel.id,
                    "order_id": parcel.order_id,
                    "connection_id": f"carrier-{self.tenant}",
                    "attempt": 1,
                    "state": "bought",
                    "shipment_ref": f"shp_{parcel.id}",
                    "rate": rates[0],
                    "rates": [rate.model_dump(mode="json") for rate in rates],
                    "remarks": ["FedEx: the account is not billed in this country."],
                    "choice": "USPS GroundAdvantage for 7.12 USD: cheapest of 3 that arrive in time.",
                    "cost_minor": 712,
                    "currency": "USD",
                    "tracking_code": parcel.tracking_code,
                    "media_type": "application/pdf",
                    "content": PDF,
                    "bought_at": self.now - timedelta(hours=2),
                }
                | columns
            )
        )

    def scan(self, parcel: Parcel, status: str, message: str, place: str, hours_ago: float) -> ParcelScan:
        at = self.now - timedelta(hours=hours_ago)
        key = hashlib.sha256(f"{parcel.id}{status}{at}".encode()).hexdigest()[:32]
        return self._added(
            ParcelScan(
                tenant_id=self.tenant,
                parcel_id=parcel.id,
                key=key,
                at=at,
                status=status,
                detail="",
                message=message,
                place=place,
            )
        )

    def payment(self, order: Order | None = None, **columns: Any) -> Payment:
        number = next(self.numbers)
        return self._added(
            Payment(
                **{
                    "tenant_id": self.tenant,
                    "connection_id": f"stripe-{self.tenant}",
                    "remote_id": f"pi_3Q{number}",
                    "order_id": order.id if order else None,
                    "state": "paid",
                    "currency": "USD",
                    "amount_minor": 6400,
                    "captured_minor": 6400,
                    "as_of": self.now - timedelta(hours=1),
                }
                | columns
            )
        )

    def event(self, topic: str = "orders/create", body: Any = None, **columns: Any) -> InboxEvent:
        number = next(self.numbers)
        raw = body if isinstance(body, bytes) else json.dumps(body if body is not None else {"id": number}).encode()
        return self._added(
            InboxEvent(
                **{
                    "tenant_id": self.tenant,
                    "connection_id": self.store,
                    "vendor": "shopify",
                    "topic": topic,
                    "delivery_id": f"b54557e4-bdd9-4b37-8a5f-{number:012}",
                    "occasion": "",
                    "body": raw,
                    "body_sha256": hashlib.sha256(raw).digest(),
                    "state": "taken",
                    "headers": {
                        "x-shopify-topic": topic,
                        "x-shopify-hmac-sha256": "XWmrwMey6OsLMeiZKwP4FppHH3cmAiiJJAweH5Jo4bM=",
                    },
                }
                | columns
            )
        )

    def comparison(self, scope: str = "orders", **columns: Any) -> Comparison:
        return self._added(
            Comparison(
                **{
                    "tenant_id": self.tenant,
                    "connection_id": self.store,
                    "scope": scope,
                    "since": self.now - timedelta(minutes=40),
                    "until": self.now - timedelta(minutes=12),
                    "state": "done",
                    "looked_at": 1200,
                    "ended_at": self.now - timedelta(minutes=10),
                }
                | columns
            )
        )

    def finding(self, comparison: Comparison, sentence: str, order: Order | None = None, **columns: Any) -> Finding:
        return self._added(
            Finding(
                **{
                    "tenant_id": self.tenant,
                    "comparison_id": comparison.id,
                    "order_id": order.id if order else None,
                    "subject": f"order/{order.id}" if order else "level",
                    "kind": "missed",
                    "outcome": "repaired",
                    "sentence": sentence,
                }
                | columns
            )
        )

    def tell(
        self,
        order: Order,
        sentence: str,
        *,
        kind: str = "fact",
        actor: str = "packline",
        minutes_ago: float = 60,
        **details: Any,
    ) -> None:
        self._added(
            TimelineEntry(
                tenant_id=self.tenant,
                order_id=order.id,
                actor=actor,
                kind=kind,
                sentence=sentence,
                details=details,
                at=self.now - timedelta(minutes=minutes_ago),
            )
        )

    def bundle(self, sku: str, **parts: int) -> None:
        """What a bundle is made of: units by the part's SKU."""
        for part, units in parts.items():
            self._added(
                BundlePart(
                    tenant_id=self.tenant, bundle_id=self.variants[sku], part_id=self.variants[part], units=units
                )
            )

    def stock(self, sku: str, title: str, levels: dict[str, tuple[int, int]], **columns: Any) -> int:
        """A variant with (on hand, reserved) by location; a movement explains each level."""
        variant = self._added(
            Variant(
                **{
                    "tenant_id": self.tenant,
                    "connection_id": self.store,
                    "remote_id": f"gid://variant/{sku}",
                    "inventory_remote_id": f"gid://item/{sku}",
                    "sku": sku,
                    "title": title,
                    "unit_price_minor": 3200,
                    "currency": "USD",
                    "unit_grams": 300,
                    "needs_shipping": True,
                    "tracked": True,
                    "hs_code": "420292",
                    "origin_country": "US",
                }
                | columns
            )
        )
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
                tenant_id=tenant.id,
                id=names[vendor],
                vendor=vendor,
                role=role,
                live=False,
                sealed_secrets=b"",
                account=f"acme-{tenant.id}.myshopify.com" if vendor == "shopify" else "",
            )
        )
    session.flush()
    shop = Shop(tenant=tenant.id, session=session, store=names["shopify"], now=now or datetime.now(UTC))
    for place, region in (("Reno", "NV"), ("Newark", "NJ")):
        address = Address(name=place, street1="500 Vista Blvd", city=place, region=region, country="US")
        row = Location(
            tenant_id=tenant.id,
            connection_id=shop.store,
            remote_id=f"gid://location/{place}",
            name=place,
            address=address,
            ships=True,
        )
        session.add(row)
        session.flush()
        shop.locations[place] = row.id
    return shop
