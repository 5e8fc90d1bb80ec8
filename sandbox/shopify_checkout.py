"""What buyers and the merchant do past the app: place orders, pay, cancel, edit, ship by hand, count stock."""

import time
from datetime import UTC, datetime
from decimal import Decimal

from sandbox import shopify_facts as facts
from sandbox import shopify_fulfil, shopify_money, shopify_orders, shopify_pickup, shopify_rest
from sandbox.shopify_act import Act
from sandbox.shopify_records import Customer, Fulfillment, Line, Order, ShippingLine, WorkLine, WorkOrder
from sandbox.shopify_seed import address, location_named
from sandbox.shopify_store import Shop
from sandbox.shopify_things import Location, Variant
from sandbox.shopify_wishes import CancelWish, EditWish, FulfilWish, OrderWish, StockWish, TakeBackWish
from sandbox.shopify_work import place_hold


def place_order(act: Act, wish: OrderWish) -> Order:
    """A buyer checks out: stock is committed at once, the fulfillment orders show when routing is done."""
    shop = act.shop
    number = next(shop.order_numbers)
    order = Order(
        id=act.new_id(),
        number=number,
        name=wish.name or f"#{number}",
        email=wish.email,
        phone=wish.phone or (wish.ship_to.phone if wish.ship_to else None),
        note=wish.note,
        tags=sorted(wish.tags),
        risk=wish.risk,
        currency=shop.currency,
        created_at=act.now,
        updated_at=act.now,
        ship_to=address(act.store.ids, wish.ship_to) if wish.ship_to else None,
        customer=_customer(act, wish),
        shipping=None,
    )
    if wish.shipping:
        chosen = wish.shipping
        order.shipping = ShippingLine(id=act.new_id(), title=chosen.title, price=chosen.price, currency=shop.currency)
    fixed = location_named(shop, wish.location) if wish.location else None
    visible_at = time.time() + wish.fo_delay_s
    for variant, quantity, place in routed(
        [(_variant(shop, row.sku), row.quantity) for row in wish.lines], shop, fixed
    ):
        line = add_line(act, order, variant, quantity)
        _assign(act, line, quantity, place, wish.delivery_method, visible_at)
    shop.orders.add(shop.keep(order))
    _charge(act, order, wish)
    for work in order.work_orders if wish.hold_reason else ():
        place_hold(act, work, reason=wish.hold_reason or "OTHER", ours=False)
    act.tell("orders/create", order.gid, lambda: shopify_rest.order(order, shop))
    if facts.financial_status(order) == "PAID":
        act.tell("orders/paid", order.gid, lambda: shopify_rest.order(order, shop))
    return order


def routed(
    units: list[tuple[Variant, int]], shop: Shop, fixed: Location | None = None
) -> list[tuple[Variant, int, Location]]:
    """Where each line is shipped from: the first location that has everything, else for each line the first that has
    enough of it, else the one that has most; as Shopify routes by default, one line is never torn in two.
    """
    online = [one for one in shop.locations if one.active and one.fulfills_online] or shop.locations
    whole = fixed or next((one for one in online if all(_has(item, one, wanted) for item, wanted in units)), None)
    return [(variant, wanted, whole or _best(variant, wanted, online)) for variant, wanted in units]


def route_now(act: Act, order: Order) -> None:
    """Routing is done: work orders that nobody saw yet are made at this moment."""
    for work in order.work_orders:
        if work.visible_at > time.time():
            work.visible_at, work.created_at, work.updated_at = time.time(), act.now, act.now


def pay_order(act: Act, order: Order) -> None:
    if facts.outstanding(order) or facts.capturable(order):
        shopify_money.settle(act, order)


def archive_order(act: Act, order: Order) -> None:
    """The merchant closes it in the admin: it is done with, whatever is left of it."""
    order.archived = True
    act.order_changed(order)


def unarchive_order(act: Act, order: Order) -> None:
    order.archived = False
    act.order_changed(order)


def cancel_order(act: Act, order: Order, wish: CancelWish) -> None:
    if order.cancelled_at:
        raise ValueError(f"{order.name} is cancelled already")
    if any(not made.cancelled for made in order.fulfillments):
        raise ValueError(f"{order.name} has been shipped: Shopify cancels no order with outstanding fulfillments")
    shopify_orders.cancel(act, order, wish.reason, restock=wish.restock, refund=wish.refund)


def take_units_back(act: Act, order: Order, wish: TakeBackWish) -> None:
    """What a merchant does in the admin: a refund without money, of units that come back."""
    place = location_named(act.shop, wish.location) if wish.location else None
    rows = [
        shopify_money.take_back(
            act,
            next(line for line in order.lines if line.variant.sku == row.sku),
            row.quantity,
            wish.restock.upper(),
            place,
        )
        for row in wish.lines
    ]
    shopify_money.refund(act, order, rows, (), wish.note)


def edit_order(act: Act, order: Order, wish: EditWish) -> None:
    """Change the address, or what was ordered; a quantity of 0 takes a line out."""
    if wish.ship_to:
        order.ship_to = address(act.store.ids, wish.ship_to)
    changed: dict[str, list[dict[str, int]]] = {"additions": [], "removals": []}
    for row in wish.lines:
        variant = _variant(act.shop, row.sku)
        line = next((line for line in order.lines if line.variant is variant), None)
        line = line or add_line(act, order, variant, 0)
        delta = row.quantity - line.current_quantity
        if delta > 0:
            add_units(act, line, delta)
        elif delta < 0:
            remove_units(act, line, -delta, restock=True)
        if delta:
            changed["additions" if delta > 0 else "removals"].append({"id": line.id, "delta": abs(delta)})
    if changed["additions"] or changed["removals"]:
        order.edited = True
        edit_id = act.new_id()
        act.tell("orders/edited", order.gid, lambda: shopify_rest.order_edit(order, act.shop, edit_id, changed))
    act.order_changed(order)


def add_units(act: Act, line: Line, units: int) -> None:
    """More of a line is wanted: it is committed and routed as when it is bought."""
    line.quantity += units
    line.current_quantity += units
    place = routed([(line.variant, units)], act.shop)[0][2]
    _assign(act, line, units, place, _method(line.order), time.time())


def remove_units(act: Act, line: Line, units: int, *, restock: bool) -> None:
    shopify_money.take_back(act, line, units, "CANCEL" if restock else "NO_RESTOCK", None)


def tag_order(act: Act, order: Order, add: list[str], remove: list[str]) -> None:
    order.tags = sorted({*order.tags, *add} - set(remove))
    act.order_changed(order)


def ship_by_hand(act: Act, order: Order, wish: FulfilWish) -> list[Fulfillment]:
    """The merchant marks everything that is left as fulfilled in the admin, one parcel a location."""
    works = [work for work in order.work_orders if work.status in facts.FULFILLABLE]
    places = {work.location.id: work.location for work in works}
    tracking = shopify_fulfil.tracking(wish.model_dump())
    return [
        shopify_fulfil.fulfil(act, picks, tracking)
        for place in places.values()
        if (picks := shopify_fulfil.everything([work for work in works if work.location is place]))
    ]


def ready_by_hand(act: Act, order: Order) -> None:
    """The merchant marks everything that is to be picked up as ready in the admin."""
    for work in order.work_orders:
        if work.method == "PICK_UP" and work.status == "OPEN":
            shopify_pickup.make_ready(act, work)


def count_stock(act: Act, wish: StockWish) -> None:
    """Somebody counted: on hand is this many, and what is not spoken for is available."""
    item = _variant(act.shop, wish.sku).item
    location = location_named(act.shop, wish.location)
    level = act.level(item, location)
    worse = 0 if wish.damaged is None else wish.damaged - level.quantity("damaged")
    act.shift(item, location, available=wish.on_hand - level.quantity("on_hand") - worse, damaged=worse)


def _variant(shop: Shop, sku: str) -> Variant:
    if sku not in shop.variants:
        raise ValueError(f"{shop.domain} sells no {sku!r}")
    return shop.variants[sku]


def _customer(act: Act, wish: OrderWish) -> Customer | None:
    if wish.email is None:
        return None
    known = act.shop.customers.get(wish.email)
    if known is None:
        buyer = wish.ship_to
        known = act.shop.customers[wish.email] = act.shop.keep(
            Customer(
                id=act.new_id(),
                email=wish.email,
                first_name=buyer.first_name if buyer else None,
                last_name=buyer.last_name if buyer else None,
                phone=wish.phone,
                created_at=act.now,
            )
        )
    return known


def add_line(act: Act, order: Order, variant: Variant, quantity: int) -> Line:
    line = Line(
        id=act.new_id(),
        order=order,
        variant=variant,
        quantity=quantity,
        current_quantity=quantity,
        price=variant.price,
    )
    order.lines.append(act.shop.keep(line))
    return line


def _assign(act: Act, line: Line, quantity: int, place: Location, method: str, visible_at: float) -> None:
    """Commit the units where they lie, and make or extend the fulfillment order there."""
    method = method if line.variant.requires_shipping else "NONE"
    # What Shopify routes later it makes later: whoever asks what changed since then must find it.
    made_at = max(act.now, datetime.fromtimestamp(visible_at, UTC).replace(microsecond=0))
    act.shift(line.variant.item, place, available=-quantity, committed=quantity)
    same = (work for work in line.order.work_orders if work.location is place and work.method == method)
    work = next((work for work in same if work.status == "OPEN"), None)
    if work is None:
        work = act.shop.keep(
            WorkOrder(
                id=act.new_id(),
                order=line.order,
                location=place,
                method=method,
                created_at=made_at,
                updated_at=made_at,
                visible_at=visible_at,
            )
        )
        line.order.work_orders.append(work)
    work.lines.append(act.shop.keep(WorkLine(id=act.new_id(), line=line, total=quantity, remaining=quantity)))
    work.updated_at = made_at
    act.changed = True


def _best(variant: Variant, wanted: int, places: list[Location]) -> Location:
    enough = next((one for one in places if _has(variant, one, wanted)), None)
    return enough or max(places, key=lambda one: _available(variant, one))


def _method(order: Order) -> str:
    return next((work.method for work in order.work_orders if work.method != "NONE"), "SHIPPING")


def _charge(act: Act, order: Order, wish: OrderWish) -> None:
    total = facts.original_total(order)
    if total == Decimal(0):
        return
    kind, status = {
        "paid": ("SALE", "SUCCESS"),
        "authorized": ("AUTHORIZATION", "SUCCESS"),
        "pending": ("SALE", "PENDING"),
    }[wish.financial_status]
    shopify_money.pay(act, order, kind, total, status=status)


def _has(variant: Variant, location: Location, wanted: int) -> bool:
    return not variant.item.tracked or _available(variant, location) >= wanted


def _available(variant: Variant, location: Location) -> int:
    level = variant.item.levels.get(location.id)
    # A location that does not stock the item at all is the last to be asked for it.
    return level.quantities["available"] if level else -(10**9)
