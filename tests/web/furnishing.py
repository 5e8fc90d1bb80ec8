"""Furnishes a shop with something of everything that the pages can show."""

from __future__ import annotations

from datetime import time, timedelta
from typing import Any

from foreseen_rows import foresee_all
from seeds import ADA, Shop
from sqlalchemy import select

from orders import couriers, distance, planning
from orders.routing import decision
from orders.routing.question import Place, Point, Question, Quote, Shelf, Want
from records.choices import Choice
from records.counts import Count, CountLine
from records.couriers import Courier
from records.decisions import Refusal
from records.digital import DigitalCode, DigitalDelivery, DigitalGoods, DigitalLine
from records.jobs import Job
from records.notices import Notice
from records.orders import ByHand, Order, OrderLine, Waiting
from records.reversals import Reversal, ReversalStep
from records.routing import RoutingRules, Sending
from records.shipments import Label, Parcel, Shipment
from records.stock import Arrival, Location
from records.suppliers import PurchaseOrder, PurchaseOrderLine, SuppliedVariant, Supplier
from records.tenants import Connection


def furnish(shop: Shop) -> dict[str, int]:
    """A shop with something of everything that the pages can show; answers ids by what they are."""
    now = shop.now
    shop.stock("BAG", "Bag of canvas", {"Reno": (120, 14), "Newark": (40, 2)})
    shop.stock("TENT", "Tent for two", {"Reno": (3, 3)})
    shop.stock("GIFT", "Gift card", {}, tracked=False, needs_shipping=False)
    shop.stock("MUG", "Mug, enamelled", {"Newark": (0, 0)})
    shop.stock("PICNIC", "Picnic set", {}, tracked=False)
    shop.bundle("PICNIC", BAG=1, MUG=2)
    shipped = _shipped(shop)
    _in_transit(shop)
    split = _split(shop)
    parked = _parked(shop)
    unlabelled = select(Shipment).where(Shipment.tenant_id == shop.tenant, Shipment.state == "planned")
    waiting = shop.session.scalars(unlabelled.order_by(Shipment.id).limit(1)).one()
    _promise(shop, waiting)
    held = _held(shop)
    short = _short(shop)
    _others(shop)
    unmatched = shop.payment(order_name="#9999", as_of=now - timedelta(hours=5))
    shop.payment(currency="EUR", amount_minor=1999, captured_minor=1999, refunded_minor=500, state="part_refunded")
    events = _events(shop, shipped)
    _compared(shop, shipped, held)
    step = _taken_back(shop, split)
    purchased = _drop_shipped(shop, split)
    foresee_all(shop)
    counts = _counted(shop)
    return {
        "shipped": shipped.id,
        "split": split.id,
        "step": step.id,
        "parcel": shop.session.scalars(select(Parcel.id).where(Parcel.order_id == split.id)).one(),
        "parked_job": parked.id,
        "held": held.id,
        "short": short.id,
        "unmatched": unmatched.id,
        **purchased,
        "variant": shop.variants["BAG"],
        "location": shop.locations["Reno"],
        **events,
        **counts,
        "courier": _kept(shop, bob(shop)).id,
        "waiting": waiting.order_id,
        "waiting_shipment": waiting.id,
        "label": shop.session.scalars(select(Label.id).where(Label.order_id == shipped.id)).one(),
    }


def bob(shop: Shop, **said: object) -> Courier:
    """A courier who goes everywhere."""
    given = {"name": "Bob's Bikes", "phone": "555 0100", "radius_km": 1_000, "price_minor": 450, "currency": "USD"}
    measure = {"most_grams": 5_000, "days": 0, "cut_off": time(14, 30)}
    return Courier(tenant_id=shop.tenant, **given | measure | said)


def put_with_courier(shop: Shop, *, state: str = "planned") -> tuple[int, int]:
    """An order whose one shipment Bob brings: its id, and its shipment's."""
    order = shop.order(state="allocated" if state == "planned" else "shipping", ship_to=ADA)
    line = shop.line(order, units=2, to_ship=2)
    shipment = shop.shipment(order, [line], state=state)
    courier = shop.session.scalars(select(Courier).where(Courier.tenant_id == shop.tenant).limit(1)).first()
    if courier is None:
        courier = _kept(shop, bob(shop))
    shipment.courier = couriers.given(courier, days=0)
    shop.parcel(shipment, [line], carrier="", tracking_code="", carrier_status="unknown")
    shop.session.flush()
    return order.id, shipment.id


def put_aside(shop: Shop, *, way: str = "collected", state: str = "planned") -> tuple[int, int]:
    """An order that waits for its buyer at Reno: its id, and its shipment's."""
    order = shop.order(state="allocated", ship_to=None if way == "collected" else ADA, deliver_by=None)
    there = ByHand(parts=(Waiting(way=way, location=shop.locations["Reno"], units=2),))
    line = shop.line(order, units=2, to_ship=2, by_hand=there)
    shipment = shop.shipment(order, [line], state=state)
    shipment.way = way
    shop.session.flush()
    return order.id, shipment.id


def _counted(shop: Shop) -> dict[str, int]:
    """Something on its way, one sheet to be looked through, and a count that is being scanned."""
    where = {"tenant_id": shop.tenant, "location_id": shop.locations["Reno"], "variant_id": shop.variants["TENT"]}
    who = {"tenant_id": shop.tenant, "actor": "person:Grace", "name": "", "remark": ""}
    arrival = _kept(
        shop,
        Arrival(
            **where, units=40, due_on=shop.now.date() + timedelta(days=3), reference="PO-118", actor="person:Grace"
        ),
    )
    _kept(shop, Arrival(**where, units=8, due_on=None, reference="", actor="person:Ann", state="cancelled"))
    sheet = _kept(shop, Count(**who | {"name": "count.csv"}, means="sheet", state="ready"))
    line = {"tenant_id": shop.tenant, "count_id": sheet.id, "reason": "", "problem": ""}
    _kept(shop, CountLine(**line | where, place=2, units=5, seen=3))
    _kept(shop, CountLine(**line | {"problem": "There is no SKU “CAP”."}, place=3, units=1))
    _kept(shop, CountLine(**line | where | {"variant_id": shop.variants["BAG"]}, place=4, units=9, seen=120))
    scanned = _kept(shop, Count(**who, means="scan", state="counting", location_id=shop.locations["Reno"]))
    _kept(shop, CountLine(**line | where | {"count_id": scanned.id}, place=1, units=7, seen=3))
    return {"arrival": arrival.id, "count": sheet.id, "scanned": scanned.id}


def _drop_shipped(shop: Shop, order: Order) -> dict[str, int]:
    """A supplier who rejected one purchase order of an order, and was sent another."""
    supplier = _kept(shop, Supplier(tenant_id=shop.tenant, name="Tents & Co", email="po@tents.example", lead_days=3))
    of = {"tenant_id": shop.tenant, "variant_id": shop.variants["PICNIC"], "supplier_id": supplier.id}
    _kept(shop, SuppliedVariant(**of, sku="T-200", cost_minor=4250, currency="USD"))
    line = shop.session.scalars(select(OrderLine.id).where(OrderLine.order_id == order.id).limit(1)).one()
    asked = {"tenant_id": shop.tenant, "order_id": order.id, "supplier_id": supplier.id, "ship_to": ADA}
    said = {"answered_at": shop.now, "answered_by": "person:the supplier", "reason": "Sold out until June."}
    rejected = _kept(shop, PurchaseOrder(**asked, state="rejected", ended_at=shop.now, **said))
    sent = _kept(shop, PurchaseOrder(**asked, state="sent", sent_at=shop.now - timedelta(hours=2)))
    for row in (rejected, sent):
        at = {"tenant_id": shop.tenant, "purchase_order_id": row.id, "line_id": line, "sku": "T-200"}
        _kept(shop, PurchaseOrderLine(**at, units=2, cost_minor=4250, currency="USD"))
    subject = {"subject": f"purchase_order/{sent.id}", "fact": "ordered", "state": "sent", "ended_at": shop.now}
    _kept(shop, Notice(tenant_id=shop.tenant, order_id=order.id, **subject))
    return {"purchase_order": sent.id, "rejected": rejected.id, "supplier": supplier.id}


def _kept(shop: Shop, row: Any) -> Any:
    shop.session.add(row)
    shop.session.flush()
    return row


def _call(vendor: str, verb: str, ms: int, key: str = "", outcome: str = "ok") -> dict[str, Any]:
    return {"vendor": vendor, "verb": verb, "outcome": outcome, "ms": ms, "key": key}


def _shipped(shop: Shop) -> Order:
    order = shop.order(state="fulfilled", placed_at=shop.now - timedelta(days=3))
    line = shop.line(order)
    gift = shop.line(order, "GIFT", 1, needs_shipping=False, to_ship=0, unit_price_minor=2500)
    _delivered(shop, order, gift)
    shipment = shop.shipment(order, [line], state="handed_over")
    parcel = shop.parcel(
        shipment,
        [line],
        carrier="USPS",
        tracking_code="9400110898825022579493",
        carrier_status="delivered",
        tracking_url="https://track.example.com/9400110898825022579493",
        delivered_at=shop.now - timedelta(hours=5),
        seen_at=shop.now - timedelta(hours=5),
    )
    label = shop.label(parcel, bought_at=shop.now - timedelta(days=2, hours=20))
    shop.scan(parcel, "pre_transit", "Shipping label created", "Reno, NV, US", 60)
    shop.scan(parcel, "in_transit", "Departed the post office", "Sparks, NV, US", 40)
    shop.scan(parcel, "out_for_delivery", "Out for delivery", "San Francisco, CA, US", 9)
    shop.scan(parcel, "delivered", "Delivered, front door", "San Francisco, CA, US", 5)
    job = shop.job("buy_label", f"parcel/{parcel.id}", lane=f"order/{order.id}", attempts=1, ended_at=shop.now)
    shop.payment(order)
    shop.hold(order, state="released", released_by="person:Grace", released_at=shop.now - timedelta(days=2))
    shop.tell(
        order, f"Order {order.name} was placed: 3 units in 2 lines, 64.00 USD, paid.", actor="shopify", minutes_ago=4320
    )
    shop.tell(order, "On hold (address): The carrier cannot deliver to this address.", kind="hold", minutes_ago=4310)
    shop.tell(order, "Hold released (address).", kind="hold", actor="person:Grace", minutes_ago=4200)
    shop.tell(
        order,
        "Checked against the store: complete and consistent.",
        minutes_ago=4199,
        job=job.id,
        calls=[_call("shopify", "read_order", 143), _call("easypost", "verify_address", 310)],
    )
    shop.tell(order, "From Reno: the nearest that had everything.", kind="choice", minutes_ago=4198, picks=[])
    shop.tell(order, label.choice, kind="choice", minutes_ago=4197, calls=[_call("easypost", "quote", 812)])
    shop.tell(
        order,
        f"Label bought: USPS GroundAdvantage, 7.12 USD, {parcel.tracking_code}.",
        minutes_ago=4196,
        key=f"label/{label.id}",
        calls=[_call("easypost", "buy", 1503, f"label/{label.id}")],
        job=job.id,
    )
    shop.tell(
        order,
        f"The storefront has the tracking: USPS {parcel.tracking_code}.",
        minutes_ago=4195,
        key=f"announce/{shipment.id}/USPS",
        calls=[_call("shopify", "announce", 402, f"announce/{shipment.id}/USPS")],
    )
    shop.tell(order, f"Parcel {parcel.tracking_code} is delivered.", actor="easypost", minutes_ago=300)
    return order


def _in_transit(shop: Shop) -> Order:
    order = shop.order(
        state="fulfilled",
        placed_at=shop.now - timedelta(days=1),
        email="grace@example.org",
        ship_to=ADA.model_copy(update={"name": "Grace Hopper", "city": "Arlington", "region": "VA"}),
    )
    line = shop.line(order, units=1)
    shipment = shop.shipment(order, [line], "Newark", "handed_over")
    parcel = shop.parcel(
        shipment, [line], carrier="UPSDAP", tracking_code="1ZXXXX3139302118", carrier_status="in_transit"
    )
    shop.label(parcel, cost_minor=955, bought_at=shop.now - timedelta(hours=20))
    return order


def _split(shop: Shop) -> Order:
    """Half of it shipped from one place, half waits for stock."""
    order = shop.order(
        state="shipping", deliver_by=shop.now - timedelta(hours=4), placed_at=shop.now - timedelta(days=8)
    )
    bags, tents = shop.line(order, "BAG", 2), shop.line(order, "TENT", 2)
    shipment = shop.shipment(order, [bags], state="labelled")
    parcel = shop.parcel(
        shipment, [bags], carrier="USPS", tracking_code="9400110898825022579509", carrier_status="pre_transit"
    )
    shop.label(parcel)
    shop.hold(
        order,
        "stock",
        reason="Out of stock: 2 × TENT.",
        remedy="It goes on by itself when stock is counted in; or cancel these lines in the store.",
    )
    shop.job(
        "push_tracking",
        f"shipment/{shipment.id}",
        lane=f"order/{order.id}",
        state="due",
        attempts=3,
        cause="throttled",
        reason="Shopify asks to wait: THROTTLED.",
        due_at=shop.now + timedelta(minutes=3),
    )
    assert tents.units == 2
    _choose_places(shop, order, bags, tents)
    return order


def _choose_places(shop: Shop, order: Order, *lines: OrderLine) -> None:
    """Why it leaves from there: the bags lie at every place, the tents nowhere, and one place sends nothing there."""
    places = shop.session.scalars(select(Location).where(Location.tenant_id == shop.tenant).order_by(Location.id)).all()
    bags = lines[0]
    question = Question(
        wants=tuple(Want(line=line.id, variant=line.variant_id or 0, units=line.units) for line in lines),
        to=distance.point(ADA),
        places=(
            *(Place(id=place.id, name=place.name, at=distance.point(place.address)) for place in places),
            Place(id=999, name="Toronto", at=Point(country="CA"), never_to=("US",)),
        ),
        shelves=tuple(Shelf(variant=bags.variant_id or 0, place=place.id, units=9) for place in places),
        rules=RoutingRules(order=("ships_all", "fewest_shipments", "nearest", "cheapest")),
        quotes=tuple(Quote(way=(place.id,), cost_minor=700 + place.id, currency="USD") for place in places),
    )
    planning.write_down(
        shop.session, shop.tenant, order.id, planning.Chosen(question=question, decision=decision.decide(question))
    )


def _promise(shop: Shop, shipment: Shipment) -> None:
    """When it leaves and arrives, in the place's own time; and that another place could not send it."""
    order = shop.session.get_one(Order, (shop.tenant, shipment.order_id))
    place = shop.session.get_one(Location, (shop.tenant, shipment.location_id))
    place.sending = Sending(time_zone="America/Los_Angeles", cut_off=time(14), carrier_comes_at=time(16))
    shipment.ship_by = order.ship_by = shop.now + timedelta(days=1)
    shipment.arrives_on = order.arrives_on = (shop.now + timedelta(days=5)).date()
    shipment.arrival_said_by = "rule"
    line = shop.session.scalars(select(OrderLine).where(OrderLine.order_id == order.id)).one()
    shop.session.add(
        Refusal(
            tenant_id=shop.tenant, order_id=order.id, line_id=line.id, location_id=shop.locations["Newark"],
            shipment_id=shipment.id, why="no_goods", note="Looked twice.", actor="person:Grace",
        )
    )  # fmt: skip
    shop.session.flush()


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
    shop.parked(
        "verify_order",
        f"order/{order.id}",
        cause="fault",
        attempts=16,
        reason="Packline met a fault of its own; the log has the details.",
        remedy="Ask whoever runs Packline to look at the log, then retry.",
    )
    return jobs[-1]


def _held(shop: Shop) -> Order:
    order = shop.order(
        state="verified",
        email="katherine@example.net",
        ship_to=ADA.model_copy(update={"name": "Katherine Johnson", "city": "Hampton", "region": "VA"}),
    )
    shop.line(order, units=4)
    shop.hold(order)
    shop.hold(
        order, "operator", reason="Waits for the buyer's answer about the colour.", set_by="person:Grace", remedy=""
    )
    shop.tell(
        order, "On hold (operator): Waits for the buyer's answer about the colour.", kind="hold", actor="person:Grace"
    )
    return order


def _delivered(shop: Shop, order: Order, gift: OrderLine) -> None:
    """Its gift card went out by mail, and there are two more codes."""
    variant = shop.variants["GIFT"]
    shop.session.add(DigitalGoods(tenant_id=shop.tenant, variant_id=variant, kind="codes"))
    delivery = DigitalDelivery(
        tenant_id=shop.tenant, order_id=order.id, link_until=shop.now + timedelta(days=300), fulfillments=[]
    )
    shop.session.add(delivery)
    shop.session.flush()
    line = DigitalLine(
        tenant_id=shop.tenant, delivery_id=delivery.id, line_id=gift.id, variant_id=variant, kind="codes", units=1
    )
    shop.session.add(line)
    shop.session.flush()
    for given in (line.id, None, None):
        shop.session.add(DigitalCode(tenant_id=shop.tenant, variant_id=variant, digital_line_id=given))
    shop.session.add(
        Notice(
            tenant_id=shop.tenant,
            order_id=order.id,
            subject=f"delivery/{delivery.id}",
            fact="delivered",
            state="sent",
            ended_at=shop.now - timedelta(days=2),
        )
    )


def _short(shop: Shop) -> Order:
    """Its buyer was asked what is to become of what nobody has; the mail server refused the question."""
    order = shop.order(
        state="released",
        email="mary@example.net",
        ship_to=ADA.model_copy(update={"name": "Mary Jackson", "city": "Hampton", "region": "VA"}),
    )
    line = shop.line(order, "TENT", 4)
    shop.hold(
        order,
        "stock",
        reason="Out of stock: 4 × TENT.",
        remedy="It goes on by itself when stock is counted in; or cancel these lines in the store.",
    )
    choice = Choice(
        tenant_id=shop.tenant,
        order_id=order.id,
        short={str(line.id): 4},
        unanswered="refund",
        remind_at=shop.now + timedelta(days=1),
        answer_by=shop.now + timedelta(days=2),
    )
    shop.session.add(choice)
    shop.session.flush()
    shop.session.add(
        Notice(
            tenant_id=shop.tenant,
            order_id=order.id,
            subject=f"choice/{choice.id}",
            fact="asked",
            state="failed",
            reason="The mail server refuses this message or its address (550). Check the buyer's mail address, or "
            "reach them in another way.",
            ended_at=shop.now - timedelta(minutes=10),
        )
    )
    return order


def _others(shop: Shop) -> None:
    unpaid = shop.order(state="verified", standing="unpaid", ship_to=ADA.model_copy(update={"name": "Jean Bartik"}))
    shop.line(unpaid)
    shop.hold(
        unpaid,
        "payment",
        reason="Not paid: the store says unpaid.",
        remedy="It goes on by itself when the payment arrives.",
    )
    cancelled = shop.order(state="cancelled", standing="refunded", cancelled_at=shop.now - timedelta(hours=1))
    shop.line(cancelled, units=0)
    abroad = shop.order(
        state="released",
        currency="JPY",
        total_minor=1234,
        standing="authorised",
        test=True,
        ship_to=ADA.model_copy(update={"name": "渡辺 綾", "city": "東京", "region": "", "country": "JP"}),
    )
    shop.line(abroad)
    shop.job(
        "reserve_stock",
        f"order/{abroad.id}",
        state="running",
        attempts=1,
        worker="host-orders-4711",
        started_at=shop.now,
        lease_until=shop.now + timedelta(seconds=20),
    )
    fresh = shop.order(
        name="",
        state="received",
        placed_at=None,
        currency="",
        total_minor=0,
        standing="unknown",
        ship_to=None,
        email="",
        deliver_by=None,
    )
    shop.job("verify_order", f"order/{fresh.id}", state="due", due_at=shop.now)


def _taken_back(shop: Shop, order: Order) -> ReversalStep:
    """A part was taken back: the store said no to one step, and another waits for a yes."""
    reversal = Reversal(
        tenant_id=shop.tenant,
        order_id=order.id,
        purpose="cancel_lines",
        asked_by="person:Grace",
        note="The buyer wants one bag only.",
    )
    shop.session.add(reversal)
    shop.session.flush()
    told = [
        ("stop_work", "done", "2 jobs were stopped.", None),
        ("refund_in_store", "refused", "Shopify says that the order cannot be refunded.", 3200),
        ("refund_payment", "asks", "", 3200),
        ("plan_again", "due", "", None),
    ]
    steps = [
        ReversalStep(
            tenant_id=shop.tenant,
            reversal_id=reversal.id,
            position=place,
            kind=kind,
            subject=f"order/{order.id}",
            state=state,
            said=said,
            amount_minor=amount,
            currency="USD" if amount else "",
        )
        for place, (kind, state, said, amount) in enumerate(told, start=1)
    ]
    shop.session.add_all(steps)
    shop.session.flush()
    return steps[2]


def _compared(shop: Shop, shipped: Order, held: Order) -> None:
    """The store was compared with what stands here; its webhooks had been lost, and somebody cancelled by hand."""
    store = shop.session.get_one(Connection, (shop.tenant, shop.store))
    store.checked_at = shop.now - timedelta(minutes=50)
    store.remarks = [
        {
            "kind": "vanished",
            "sentence": "The webhooks of orders/updated were gone from the store.",
            "remedy": "",
            "mended": True,
        },
        {
            "kind": "token",
            "sentence": "The store's access token ends in 3 days.",
            "remedy": "Connect the store again before that.",
            "mended": False,
        },
    ]
    orders = shop.comparison()
    shop.comparison("stock", looked_at=3)
    shop.comparison("work", state="failed", reason="Shopify asks to wait: THROTTLED.", looked_at=0)
    shop.finding(orders, "The store had cancelled the order; its webhook had not come after 14 minutes.", shipped)
    shop.finding(
        orders,
        "The fulfillment of shipment 2 was cancelled in the store: announce it again, or give the label back.",
        held,
        kind="drift",
        outcome="parked",
    )
    shop.finding(orders, "BAG at Reno: 120 here, 118 in the store; the store's count was taken over.", kind="drift")


def _events(shop: Shop, order: Order) -> dict[str, int]:
    body = {
        "id": 820982911946154508,
        "name": order.name,
        "email": "ada@example.com",
        "contact_email": "ada@example.com",
        "total_price": "64.00",
        "currency": "USD",
        "order_status_url": "https://acme.example/orders/tok/authenticate?key=1",
        "customer": {
            "id": 1,
            "first_name": "Ada",
            "last_name": "Lovelace",
            "name": "Ada Lovelace",
            "phone": "+14155550100",
        },
        "shipping_address": {
            "name": "Ada Lovelace",
            "address1": "388 Townsend St",
            "city": "San Francisco",
            "zip": "94107",
            "country_code": "US",
        },
        "line_items": [{"id": 1, "name": "Bag of canvas", "sku": "BAG", "quantity": 2}],
    }
    taken = shop.event(body=body, subject=f"order/{order.id}", duplicates=4, taken_at=shop.now)
    shop.event("orders/paid", {"id": 2}, subject=f"order/{order.id}", taken_at=shop.now)
    shop.event("carts/update", {"id": 3}, state="ignored", reason="Packline does not act on carts/update.")
    parked = shop.event("orders/create", b"{not json", state="parked", reason="The body is not JSON.")
    shop.event("tracker.updated", {"id": "evt_1"}, vendor="easypost", state="received")
    return {"event": taken.id, "parked_event": parked.id}
