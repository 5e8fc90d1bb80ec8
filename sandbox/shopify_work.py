"""Steering fulfillment orders: hold, release, move, split, with the refusals as recorded."""

from typing import Any

from sandbox import shopify_rest
from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, unknown_id, user_error
from sandbox.shopify_facts import FULFILLABLE
from sandbox.shopify_records import Hold, WorkLine, WorkOrder
from sandbox.shopify_things import Location

Part = tuple[WorkLine, int]

# One app's holds on one fulfillment order.
HOLD_LIMIT = 10
HANDLE_LENGTH = 64
_NOTHING_HELD = {"fulfillmentHold": None, "fulfillmentOrder": None, "remainingFulfillmentOrder": None}
_NOTHING_MOVED = {"movedFulfillmentOrder": None, "originalFulfillmentOrder": None, "remainingFulfillmentOrder": None}


def fulfillment_order_hold(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    work, wish = _seen(act, asked["id"]), asked["fulfillmentHold"]
    if refused := _hold_refused(work, wish):
        return {**_NOTHING_HELD, "userErrors": [refused]}
    held = {part["id"]: part["quantity"] for part in wish["fulfillmentOrderLineItems"]}
    left = [(row, row.remaining - held.get(row.gid, 0)) for row in work.lines] if held else []
    rest = (
        carve(act, work, [(row, quantity) for row, quantity in left if quantity]) if any(q for _, q in left) else None
    )
    work.remainder = rest or work.remainder
    hold = place_hold(
        act,
        work,
        reason=wish["reason"],
        notes=wish.get("reasonNotes"),
        handle=wish["handle"],
        external_id=wish.get("externalId"),
    )
    return {"fulfillmentHold": hold, "fulfillmentOrder": work, "remainingFulfillmentOrder": rest, "userErrors": []}


def fulfillment_order_release_hold(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """Without ids every hold goes, whoever placed it (the argument's description in Shopify's schema)."""
    work = _seen(act, asked["id"])
    wanted, external = asked.get("holdIds"), asked.get("externalId")
    released = [hold for hold in work.holds if wanted is None or hold.gid in wanted]
    if wanted is None and external is not None:
        released = [hold for hold in released if hold.external_id == external]
    work.holds = [hold for hold in work.holds if hold not in released]
    for hold in released:
        _tell_hold(act, "fulfillment_holds/released", work, hold)
    if released and not work.holds:
        work.status = "OPEN"
        _take_back(act, work)
        act.work_changed(work, "fulfillment_orders/hold_released")
    return {"fulfillmentOrder": work, "userErrors": []}


def fulfillment_order_move(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    work, target = _seen(act, asked["id"]), found(act.shop, asked["newLocationId"], Location)
    if target is None:
        return {**_NOTHING_MOVED, "userErrors": [user_error(["id"], "Location not found.")]}
    parts = _parts(work, asked.get("fulfillmentOrderLineItems") or _all_parts(work))
    if work.status not in {*FULFILLABLE, "ON_HOLD"} or not _stocks(target, parts):
        return {**_NOTHING_MOVED, "userErrors": [user_error(None, "Cannot change location.")]}
    if not _within(parts):
        return {**_NOTHING_MOVED, "userErrors": [user_error(None, "Invalid line item quantity requested.")]}
    whole = _units(parts) == sum(row.remaining for row in work.lines)
    moved = work if whole else carve(act, work, parts)
    _relocate(act, moved, work.location, target)
    act.work_changed(moved)
    act.tell("fulfillment_orders/moved", moved.gid, lambda: _moved_body(work, moved, target))
    return {
        "movedFulfillmentOrder": moved,
        "originalFulfillmentOrder": work,
        "remainingFulfillmentOrder": None if whole else work,
        "userErrors": [],
    }


def fulfillment_order_split(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """All or nothing."""
    planned: list[tuple[WorkOrder, list[Part]]] = []
    for place, wish in enumerate(asked["fulfillmentOrderSplits"]):
        plan = _split_plan(act, place, wish)
        if isinstance(plan, dict):
            return {"fulfillmentOrderSplits": None, "userErrors": [plan]}
        planned.append(plan)
    results = []
    for work, parts in planned:
        made = carve(act, work, parts)
        act.work_changed(work, "fulfillment_orders/split")
        results.append({"fulfillmentOrder": work, "remainingFulfillmentOrder": made})
    return {"fulfillmentOrderSplits": results, "userErrors": []}


def place_hold(
    act: Act,
    work: WorkOrder,
    *,
    reason: str,
    notes: str | None = None,
    handle: str | None = None,
    external_id: str | None = None,
    ours: bool = True,
) -> Hold:
    """Put a fulfillment order on hold, or add a hold to it."""
    hold = Hold(id=act.new_id(), reason=reason, notes=notes, handle=handle, external_id=external_id, ours=ours)
    first = not work.holds
    work.holds.append(act.shop.keep(hold))
    work.status = "ON_HOLD"
    # placed_on_hold tells of the change of state only, fulfillment_holds/added of each hold.
    act.work_changed(work, "fulfillment_orders/placed_on_hold" if first else None)
    _tell_hold(act, "fulfillment_holds/added", work, hold)
    return hold


def carve(act: Act, work: WorkOrder, parts: list[Part]) -> WorkOrder:
    """Take units out of a fulfillment order into a new one at the same place."""
    made = WorkOrder(
        id=act.new_id(),
        order=work.order,
        location=work.location,
        method=work.method,
        created_at=work.created_at,
        updated_at=act.now,
        visible_at=work.visible_at,
    )
    for row, quantity in parts:
        row.total -= quantity
        row.remaining -= quantity
        made.lines.append(act.shop.keep(WorkLine(id=act.new_id(), line=row.line, total=quantity, remaining=quantity)))
    work.lines = [row for row in work.lines if row.total]
    work.order.work_orders.append(act.shop.keep(made))
    act.work_changed(work)
    return made


def _seen(act: Act, gid: str) -> WorkOrder:
    work = found(act.shop, gid, WorkOrder)
    if work is None or not act.sees(work):
        raise unknown_id(gid)
    return work


def _hold_refused(work: WorkOrder, asked: dict[str, Any]) -> dict[str, Any] | None:
    """In the order in which Shopify was seen to check."""
    if asked["fulfillmentOrderLineItems"] and (refused := _part_refused(work, asked["fulfillmentOrderLineItems"])):
        return refused
    if work.status not in {*FULFILLABLE, "ON_HOLD"}:
        # Not recorded: that a closed one cannot be held follows from its supportedActions.
        return user_error(["id"], "The fulfillment order is not in a holdable state.")
    handle, ours = asked["handle"], [hold for hold in work.holds if hold.ours]
    if len(handle) > HANDLE_LENGTH:
        return user_error(["fulfillmentHold", "handle"], "Handle is too long (maximum is 64 characters)")
    if any(hold.handle == handle for hold in ours):
        message = (
            "The handle provided for the fulfillment hold is already in use by this app for another hold on this "
            "fulfillment order."
        )
        return user_error(["fulfillmentHold", "handle"], message, "DUPLICATE_FULFILLMENT_HOLD_HANDLE")
    if len(ours) >= HOLD_LIMIT:
        message = (
            "The maximum number of fulfillment holds for this fulfillment order has been reached for this app. An app "
            "can only have up to 10 holds on a single fulfillment order at any one time."
        )
        return user_error(["id"], message, "FULFILLMENT_ORDER_HOLD_LIMIT_REACHED")
    return None


def _part_refused(work: WorkOrder, wishes: list[dict[str, Any]]) -> dict[str, Any] | None:
    list_field, rows = ["fulfillmentHold", "fulfillmentOrderLineItems"], {row.gid: row for row in work.lines}
    for place, wish in enumerate(wishes):
        if wish["quantity"] <= 0:
            message = "You must select at least one item to place on partial hold."
            return user_error([*list_field, str(place), "quantity"], message, "GREATER_THAN_ZERO")
    if len({wish["id"] for wish in wishes}) < len(wishes):
        message = "must contain unique line item ids"
        return user_error(list_field, message, "DUPLICATED_FULFILLMENT_ORDER_LINE_ITEMS")
    if wishes and work.status not in FULFILLABLE:
        message = "The fulfillment order is not in a splittable state."
        return user_error(list_field, message, "FULFILLMENT_ORDER_NOT_SPLITTABLE")
    if any(wish["id"] not in rows or wish["quantity"] > rows[wish["id"]].remaining for wish in wishes):
        return user_error(list_field, "The line item quantity is invalid.", "INVALID_LINE_ITEM_QUANTITY")
    return None


def _take_back(act: Act, work: WorkOrder) -> None:
    """A partial hold's remainder returns, if nothing has been done with it; its emptied shell closes, as recorded."""
    rest, work.remainder = work.remainder, None
    if rest is None or rest.status != "OPEN" or rest.holds or rest.location is not work.location:
        return
    rows = {row.line.id: row for row in work.lines}
    for part in rest.lines:
        row = rows.get(part.line.id)
        if row is None:
            row = act.shop.keep(WorkLine(id=act.new_id(), line=part.line, total=0, remaining=0))
            work.lines.append(row)
        row.total += part.total
        row.remaining += part.remaining
        part.total = part.remaining = 0
    rest.status = "CLOSED"
    act.work_changed(rest)


def _parts(work: WorkOrder, wishes: list[dict[str, Any]]) -> list[Part]:
    rows = {row.gid: row for row in work.lines}
    for wish in wishes:
        if wish["id"] not in rows:
            raise unknown_id(wish["id"])
    return [(rows[wish["id"]], wish["quantity"]) for wish in wishes]


def _all_parts(work: WorkOrder) -> list[dict[str, Any]]:
    return [{"id": row.gid, "quantity": row.remaining} for row in work.lines if row.remaining]


def _units(parts: list[Part]) -> int:
    return sum(quantity for _, quantity in parts)


def _within(parts: list[Part]) -> bool:
    return bool(parts) and all(0 < quantity <= row.remaining for row, quantity in parts)


def _stocks(target: Location, parts: list[Part]) -> bool:
    items = (row.line.variant.item for row, _ in parts)
    return all(not item.tracked or target.id in item.levels for item in items)


def _relocate(act: Act, work: WorkOrder, source: Location, target: Location) -> None:
    work.location = target
    for row in work.lines:
        item = row.line.variant.item
        act.shift(item, source, committed=-row.remaining, available=row.remaining)
        act.shift(item, target, committed=row.remaining, available=-row.remaining)


def _split_plan(act: Act, place: int, wish: dict[str, Any]) -> tuple[WorkOrder, list[Part]] | dict[str, Any]:
    work = found(act.shop, wish["fulfillmentOrderId"], WorkOrder)
    field = ["fulfillmentOrderSplits", str(place), "fulfillmentOrderLineItems"]
    wishes = wish["fulfillmentOrderLineItems"]
    if work is None or not act.sees(work):
        return user_error(None, "Fulfillment order does not exist.", "FULFILLMENT_ORDER_NOT_FOUND")
    if not wishes:
        message = "There must be at least one item selected in this fulfillment to split it."
        return user_error(field, message, "NO_LINE_ITEMS_PROVIDED_TO_SPLIT")
    for row, part in enumerate(wishes):
        if part["quantity"] <= 0:
            message = "You must select at least one item to split into a new fulfillment order."
            return user_error([*field, str(row), "quantity"], message, "GREATER_THAN")
    parts = _parts(work, wishes)
    everything = _units(parts) >= sum(row.remaining for row in work.lines)
    if work.status not in FULFILLABLE or everything or not _within(parts):
        return user_error(field, "The line item quantity is invalid.", "INVALID_LINE_ITEM_QUANTITY")
    return work, parts


def _tell_hold(act: Act, topic: str, work: WorkOrder, hold: Hold) -> None:
    act.tell(
        topic,
        hold.gid,
        lambda: {"fulfillment_order": shopify_rest.work_order(work), "fulfillment_hold": {"id": hold.gid}},
    )


def _moved_body(work: WorkOrder, moved: WorkOrder, target: Location) -> dict[str, Any]:
    return {
        "original_fulfillment_order": shopify_rest.work_order(work),
        "moved_fulfillment_order": {**shopify_rest.work_order(moved), "assigned_location_id": target.gid},
        "destination_location_id": target.gid,
    }
