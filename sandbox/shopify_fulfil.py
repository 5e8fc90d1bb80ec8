"""Fulfilling: fulfillmentCreate and what may be told of a fulfillment afterwards, with the refusals as recorded."""

from typing import Any

from sandbox import shopify_facts as facts
from sandbox import shopify_rest
from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, user_error
from sandbox.shopify_records import Event, Fulfillment, ShippedLine, Tracking, WorkLine, WorkOrder

Pick = tuple[WorkOrder, WorkLine, int]

# Shopify makes the tracking page's address itself for carriers it knows, where none is given.
_TRACKING_PAGES = {
    "DHL Express": "https://www.dhl.com/en/express/tracking.html?AWB=",
    "FedEx": "https://www.fedex.com/fedextrack/?trknbr=",
    "UPS": "https://www.ups.com/WebTracking?loc=en_US&requester=ST&trackNums=",
    "USPS": "https://tools.usps.com/go/TrackConfirmAction?tLabels=",
}
_EVENT_FIELDS = ("message", "address1", "city", "province", "country", "zip", "latitude", "longitude")


def fulfillment_create(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["fulfillment"]
    picks = _picks(act, wish["lineItemsByFulfillmentOrder"])
    if isinstance(picks, dict):
        return {"fulfillment": None, "userErrors": [picks]}
    made = fulfil(act, picks, tracking(wish.get("trackingInfo") or {}))
    return {"fulfillment": made, "userErrors": []}


def fulfillment_tracking_info_update(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """Replaces the whole set, and succeeds on a cancelled fulfillment too, as recorded."""
    made = found(act.shop, asked["fulfillmentId"], Fulfillment)
    if made is None:
        return {"fulfillment": None, "userErrors": [user_error(["fulfillmentId"], "Fulfillment does not exist.")]}
    made.tracking = tracking(asked["trackingInfoInput"])
    _changed(act, made)
    return {"fulfillment": made, "userErrors": []}


def fulfillment_event_create(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["fulfillmentEvent"]
    made = found(act.shop, wish["fulfillmentId"], Fulfillment)
    if made is None:
        field = ["fulfillmentEvent", "fulfillmentId"]
        return {"fulfillmentEvent": None, "userErrors": [user_error(field, "Fulfillment does not exist.")]}
    event = Event(
        id=act.new_id(),
        status=wish["status"],
        happened_at=wish.get("happenedAt") or act.now,
        created_at=act.now,
        estimated_delivery_at=wish.get("estimatedDeliveryAt"),
        **{name: wish.get(name) for name in _EVENT_FIELDS},
    )
    made.events.append(act.shop.keep(event))
    _changed(act, made)
    act.tell("fulfillment_events/create", event.gid, lambda: shopify_rest.fulfillment_event(event, made, act.shop))
    return {"fulfillmentEvent": event, "userErrors": []}


def fulfillment_cancel(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """Succeeds again on a cancelled fulfillment and on a delivered one, as recorded."""
    made = found(act.shop, asked["id"], Fulfillment)
    if made is None:
        return {"fulfillment": None, "userErrors": [user_error(["id"], "Fulfillment does not exist.")]}
    if not made.cancelled:
        _undo(act, made)
    return {"fulfillment": made, "userErrors": []}


def fulfil(act: Act, picks: list[Pick], trackings: list[Tracking]) -> Fulfillment:
    """Ship the picked units of one order from one location."""
    work = picks[0][0]
    order = work.order
    made = Fulfillment(
        id=act.new_id(),
        order=order,
        number=len(order.fulfillments) + 1,
        location=work.location,
        lines=_shipped(act, picks),
        tracking=trackings,
        created_at=act.now,
        updated_at=act.now,
    )
    order.fulfillments.append(act.shop.keep(made))
    for source, row, quantity in picks:
        row.remaining -= quantity
        act.shift(row.line.variant.item, work.location, committed=-quantity)
        # IN_PROGRESS after a part has left is not among the recordings; Shopify's documentation says so.
        source.status = "IN_PROGRESS" if any(left.remaining for left in source.lines) else "CLOSED"
        act.work_changed(source)
    whole = facts.fulfillment_status(order) == "FULFILLED"
    act.tell("fulfillments/create", made.gid, lambda: shopify_rest.fulfillment(made, act.shop))
    act.order_changed(order, "orders/fulfilled" if whole else "orders/partially_fulfilled")
    return made


def everything(works: list[WorkOrder]) -> list[Pick]:
    return [(work, row, row.remaining) for work in works for row in work.lines if row.remaining]


def tracking(given: dict[str, Any]) -> list[Tracking]:
    """Numbers and URLs matched by position; one company for all."""
    company = given.get("company")
    numbers = given.get("numbers") or ([given["number"]] if given.get("number") else [])
    urls = given.get("urls") or ([given["url"]] if given.get("url") else [])
    return [
        Tracking(
            company=company,
            number=numbers[place] if place < len(numbers) else None,
            url=urls[place] if place < len(urls) else _tracking_page(company, numbers[place] if numbers else ""),
        )
        # Every field may be left out; a company alone is who brings it, without a number.
        for place in range(max(len(numbers), len(urls), 1 if company else 0))
    ]


def _tracking_page(company: str | None, number: str) -> str | None:
    page = _TRACKING_PAGES.get(company or "")
    return f"{page}{number}" if page and number else None


def _picks(act: Act, groups: list[dict[str, Any]]) -> list[Pick] | dict[str, Any]:
    """What shall be shipped, or the userError that stands against it."""
    for place, group in enumerate(groups):
        for row, wish in enumerate(group.get("fulfillmentOrderLineItems") or ()):
            if wish["quantity"] <= 0:
                where = ["lineItemsByFulfillmentOrder", str(place), "fulfillmentOrderLineItems", str(row), "quantity"]
                return user_error(["fulfillment", *where], "Quantity must be greater than 0")
    works = [found(act.shop, group["fulfillmentOrderId"], WorkOrder) for group in groups]
    there = [work for work in works if work and act.sees(work)]
    if len(there) < len(groups) or not there:
        return user_error(["fulfillment"], "Fulfillment order does not exist.")
    if refused := _refused(there):
        return user_error(["fulfillment"], refused)
    picks: list[Pick] = []
    for work, group in zip(there, groups, strict=True):
        picked = _picked(work, group.get("fulfillmentOrderLineItems"))
        if isinstance(picked, str):
            return user_error(["fulfillment"], picked)
        picks += picked
    return picks


def _refused(works: list[WorkOrder]) -> str | None:
    if len(orders := list(dict.fromkeys(work.order.id for work in works))) > 1:
        return f"All fulfillment orders must belong to the same order. Multiple orders with ids {orders} were found."
    if len(places := list(dict.fromkeys(work.location.id for work in works))) > 1:
        return (
            "All fulfillment orders must be assigned to a single location. "
            f"Multiple locations with ids {places} were found."
        )
    for work in works:
        if work.status not in facts.FULFILLABLE:
            return f"Fulfillment order {work.id} has an unfulfillable status= {work.status.lower()}."
    return None


def _picked(work: WorkOrder, wishes: list[dict[str, Any]] | None) -> list[Pick] | str:
    if not wishes:
        return everything([work])
    rows = {row.gid: row for row in work.lines}
    if any(wish["id"] not in rows for wish in wishes):
        return "Fulfillment order line item does not exist."
    if any(wish["quantity"] > rows[wish["id"]].remaining for wish in wishes):
        return "Invalid fulfillment order line item quantity requested."
    return [(work, rows[wish["id"]], wish["quantity"]) for wish in wishes]


def _shipped(act: Act, picks: list[Pick]) -> list[ShippedLine]:
    """One row for each line of the order, whichever fulfillment orders its units came from."""
    shipped: dict[int, ShippedLine] = {}
    for work, row, quantity in picks:
        line = shipped.get(row.line.id)
        if line is None:
            line = shipped[row.line.id] = ShippedLine(id=act.new_id(), line=row.line, quantity=0, sources=[])
            act.shop.keep(line)
        line.quantity += quantity
        line.sources.append((work, row, quantity))
    return list(shipped.values())


def _undo(act: Act, made: Fulfillment) -> None:
    """Put the units back on the shelf and into work again; a closed fulfillment order is replaced by a new one."""
    made.cancelled = True
    replaced: dict[int, WorkOrder] = {}
    for work, row, quantity in [source for shipped in made.lines for source in shipped.sources]:
        act.shift(row.line.variant.item, made.location, committed=quantity)
        if work.status in facts.LIVE:
            row.remaining += quantity
            act.work_changed(work)
            continue
        target = replaced.get(work.id) or _replacement(act, work)
        replaced[work.id] = target
        again = WorkLine(id=act.new_id(), line=row.line, total=quantity, remaining=quantity)
        target.lines.append(act.shop.keep(again))
    _changed(act, made)


def _replacement(act: Act, work: WorkOrder) -> WorkOrder:
    # The recordings do not show this step; that ids change here is the careful assumption for an app to live with.
    made = WorkOrder(
        id=act.new_id(),
        order=work.order,
        location=work.location,
        method=work.method,
        created_at=act.now,
        updated_at=act.now,
        visible_at=work.visible_at,
    )
    work.order.work_orders.append(act.shop.keep(made))
    return made


def _changed(act: Act, made: Fulfillment) -> None:
    made.updated_at = act.now
    act.tell("fulfillments/update", made.gid, lambda: shopify_rest.fulfillment(made, act.shop))
    act.order_changed(made.order)
