"""Changing quantities: move, adjust, set; with compare-and-swap, ledger documents and the refusals as recorded."""

from collections.abc import Callable
from typing import Any

from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, refusal, unknown_id, user_error
from sandbox.shopify_fields import Info, Resolver
from sandbox.shopify_things import InventoryItem, Location

Errors = list[dict[str, Any]]
Check = Callable[[dict[str, Any]], None]

REASONS = (
    "correction", "cycle_count_available", "damaged", "movement_canceled", "movement_created", "movement_received",
    "movement_updated", "other", "promotion", "quality_control", "received", "reservation_created",
    "reservation_deleted", "reservation_updated", "restock", "safety_stock", "shrinkage",
)  # fmt: skip
# What an app may change itself; `committed` and `on_hand` follow from other things.
ADJUSTABLE = ("available", "damaged", "incoming", "quality_control", "reserved", "safety_stock")
MAX_QUANTITY = 1_000_000_000
MAX_LEDGER_DOCUMENTS = 2


def move_quantities(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["input"]
    errors = _reason_errors(wish)
    for place, change in enumerate(wish["changes"]):
        errors += _move_errors(act, change, ["input", "changes", str(place)])
    documents = {end.get("ledgerDocumentUri") for change in wish["changes"] for end in (change["from"], change["to"])}
    if len(documents - {None}) > MAX_LEDGER_DOCUMENTS:
        message = "Only a maximum of 2 ledger document URIs across all changes is allowed."
        errors.append(user_error(["input", "changes"], message, "MAXIMUM_LEDGER_DOCUMENT_URIS"))
    if errors:
        return _refused(errors)
    changes = []
    for change in wish["changes"]:
        for end, sign in ((change["from"], -1), (change["to"], 1)):
            changes += _apply(act, change["inventoryItemId"], end, end["name"], sign * change["quantity"])
    return _done(act, wish, [change for change in changes if change["name"] != "on_hand"])


def adjust_quantities(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["input"]
    errors = _reason_errors(wish) + _name_errors(wish["name"], ["input", "name"])
    for place, change in enumerate(wish["changes"]):
        at = ["input", "changes", str(place)]
        errors += _existence_errors(act, change, at) or [
            *_stocked_errors(act, change["inventoryItemId"], change, at, "ADJUST_QUANTITIES_FAILED"),
            *_document_errors(wish["name"], change, at),
            *_stale_errors(act, change["inventoryItemId"], change, wish["name"], at),
        ]
    if len({change.get("ledgerDocumentUri") for change in wish["changes"]}) > 1:
        message = (
            "All changes must have the same ledger document URI or, in the case of adjusting available, "
            "no ledger document URI."
        )
        errors = [user_error(["input", "changes"], message, "MAX_ONE_LEDGER_DOCUMENT")]
    if errors:
        return _refused(errors)
    changes = []
    for change in wish["changes"]:
        changes += _apply(act, change["inventoryItemId"], change, wish["name"], change["delta"])
    return _done(act, wish, changes)


def set_quantities(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    wish = asked["input"]
    errors = _reason_errors(wish)
    if wish["name"] not in {"available", "on_hand"}:
        message = "The quantity name must be either 'available' or 'on_hand'."
        errors.append(user_error(["input", "name"], message, "INVALID_NAME"))
    for place, entry in enumerate(wish["quantities"]):
        at = ["input", "quantities", str(place)]
        errors += _existence_errors(act, entry, at) or [
            *_bounds_errors(wish["name"], entry["quantity"], at),
            *(_stale_errors(act, entry["inventoryItemId"], entry, wish["name"], at) if not errors else []),
        ]
    if errors:
        return _refused(errors)
    changes = []
    for entry in wish["quantities"]:
        item, location = _item(act, entry["inventoryItemId"]), _location(act, entry["locationId"])
        before = act.level(item, location).quantity(wish["name"])
        # on_hand is a sum: what is set on it falls to what is available.
        changes += _apply(act, entry["inventoryItemId"], entry, "available", entry["quantity"] - before)
    return _done(act, wish, changes)


def activate(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """Stock an item at a location; what is stocked there keeps its units (since 2026-04)."""
    errors = _item_errors(act, asked["inventoryItemId"], []) + _location_errors(act, asked["locationId"], [])
    if errors:
        return {"inventoryLevel": None, "userErrors": errors}
    item, location = _item(act, asked["inventoryItemId"]), _location(act, asked["locationId"])
    begun = location.id not in item.levels
    level = act.level(item, location)
    if begun and asked.get("available"):
        act.shift(item, location, available=asked["available"])
    return {"inventoryLevel": level, "userErrors": []}


def names_the_quantity_before(input_type: str, entries: str, *, ends: tuple[str, ...] = ()) -> Check:
    """That changeFromQuantity, which may be null, is there; the schema cannot say so (required since 2026-04)."""

    def check(asked: dict[str, Any]) -> None:
        for entry in asked["input"][entries]:
            for given in [entry[end] for end in ends] or [entry]:
                if "changeFromQuantity" not in given:
                    message = f"{input_type} must include the following argument: changeFromQuantity."
                    raise refusal("INVALID_FIELD_ARGUMENTS", message)

    return check


def _group_changes(group: dict[str, Any], _info: Info, **wanted: list[str] | None) -> list[dict[str, Any]]:
    items, places, names = (wanted.get(name) for name in ("inventoryItemIds", "locationIds", "quantityNames"))
    return [
        change
        for change in group["changes"]
        if (items is None or change["item"].gid in items)
        and (places is None or change["location"].gid in places)
        and (names is None or change["name"] in names)
    ]


FIELDS: dict[str, dict[str, Resolver]] = {"InventoryAdjustmentGroup": {"changes": _group_changes}}


def _apply(act: Act, item_gid: str, place: dict[str, Any], name: str, delta: int) -> list[dict[str, Any]]:
    item, location = _item(act, item_gid), _location(act, place["locationId"])
    act.level(item, location)
    act.shift(item, location, **{name: delta})
    change = {"name": name, "delta": delta, "item": item, "location": location}
    own = {**change, "ledgerDocumentUri": place.get("ledgerDocumentUri")}
    # The recordings list on_hand beside what changed it, and leave quantityAfterChange null.
    return [own] if name == "incoming" else [own, {**change, "name": "on_hand"}]


def _done(act: Act, wish: dict[str, Any], changes: list[dict[str, Any]]) -> dict[str, Any]:
    group = {
        "__typename": "InventoryAdjustmentGroup",
        "id": f"gid://shopify/InventoryAdjustmentGroup/{act.new_id()}",
        "createdAt": act.now,
        "reason": wish["reason"],
        "referenceDocumentUri": wish.get("referenceDocumentUri"),
        "changes": changes,
    }
    return {"inventoryAdjustmentGroup": group, "userErrors": []}


def _refused(errors: Errors) -> dict[str, Any]:
    return {"inventoryAdjustmentGroup": None, "userErrors": errors}


def _reason_errors(wish: dict[str, Any]) -> Errors:
    if wish["reason"] in REASONS:
        return []
    message = f"The specified reason is invalid. Valid values are: {', '.join(REASONS)}."
    return [user_error(["input", "reason"], message, "INVALID_REASON")]


def _name_errors(name: str, field: list[str]) -> Errors:
    if name in ADJUSTABLE:
        return []
    message = f"The specified quantity name is invalid. Valid values are: {', '.join(ADJUSTABLE)}."
    return [user_error(field, message, "INVALID_QUANTITY_NAME")]


def _existence_errors(act: Act, entry: dict[str, Any], at: list[str]) -> Errors:
    errors = _item_errors(act, entry["inventoryItemId"], at)
    return errors + _location_errors(act, entry["locationId"], at)


def _item_errors(act: Act, gid: str, at: list[str]) -> Errors:
    if found(act.shop, gid, InventoryItem):
        return []
    message = "The specified inventory item could not be found."
    return [user_error([*at, "inventoryItemId"], message, "INVALID_INVENTORY_ITEM")]


def _location_errors(act: Act, gid: str, at: list[str]) -> Errors:
    if found(act.shop, gid, Location):
        return []
    return [user_error([*at, "locationId"], "The specified location could not be found.", "INVALID_LOCATION")]


def _move_errors(act: Act, change: dict[str, Any], at: list[str]) -> Errors:
    errors = _item_errors(act, change["inventoryItemId"], at)
    for end in ("from", "to"):
        errors += _name_errors(change[end]["name"], [*at, end, "name"])
        errors += _location_errors(act, change[end]["locationId"], [*at, end])
        errors += _document_errors(change[end]["name"], change[end], [*at, end])
    if errors:
        return errors
    if change["from"]["locationId"] != change["to"]["locationId"]:
        message = "The quantities can't be moved between different locations."
        errors.append(user_error(at, message, "DIFFERENT_LOCATIONS"))
    if change["from"]["name"] == change["to"]["name"]:
        message = "The quantity names for each change can't be the same."
        errors.append(user_error(at, message, "SAME_QUANTITY_NAME"))
    if change["quantity"] < 0:
        errors.append(user_error([*at, "quantity"], "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE"))
    for end in ("from", "to"):
        errors += _stocked_errors(act, change["inventoryItemId"], change[end], [*at, end], "MOVE_QUANTITIES_FAILED")
        errors += _stale_errors(act, change["inventoryItemId"], change[end], change[end]["name"], [*at, end])
    return errors


def _stocked_errors(act: Act, item_gid: str, entry: dict[str, Any], at: list[str], code: str) -> Errors:
    """Nothing is put where the item is not stocked. Not recorded: the sentence and the code are our own."""
    if _location(act, entry["locationId"]).id in _item(act, item_gid).levels:
        return []
    return [user_error([*at, "locationId"], "The inventory item is not stocked at the location.", code)]


def _document_errors(name: str, entry: dict[str, Any], at: list[str]) -> Errors:
    document, field = entry.get("ledgerDocumentUri"), [*at, "ledgerDocumentUri"]
    if name not in ADJUSTABLE:
        return []
    if name == "available":
        message = "A ledger document URI is not allowed when adjusting available."
        return [user_error(field, message, "INVALID_AVAILABLE_DOCUMENT")] if document else []
    if not document:
        message = "A ledger document URI is required except when adjusting available."
        return [user_error(field, message, "INVALID_QUANTITY_DOCUMENT")]
    if document.startswith("gid://shopify/"):
        message = "Internal (gid://shopify/) ledger documents are not allowed to be adjusted via API."
        return [user_error(field, message, "INTERNAL_LEDGER_DOCUMENT")]
    return []


def _stale_errors(act: Act, item_gid: str, entry: dict[str, Any], name: str, at: list[str]) -> Errors:
    expected = entry["changeFromQuantity"]
    if expected is None or (name not in ADJUSTABLE and name != "on_hand"):
        return []
    level = _item(act, item_gid).levels.get(_location(act, entry["locationId"]).id)
    if (level.quantity(name) if level else 0) == expected:
        return []
    message = "The changeFromQuantity argument no longer matches the persisted quantity."
    return [user_error([*at, "changeFromQuantity"], message, "CHANGE_FROM_QUANTITY_STALE")]


def _bounds_errors(name: str, quantity: int, at: list[str]) -> Errors:
    field = [*at, "quantity"]
    if quantity > MAX_QUANTITY:
        message = "The quantity can't be higher than 1,000,000,000."
        return [user_error(field, message, "INVALID_QUANTITY_TOO_HIGH")]
    if quantity < 0 and name == "on_hand":
        return [user_error(field, "The quantity can't be negative.", "INVALID_QUANTITY_NEGATIVE")]
    return []


def _item(act: Act, gid: str) -> InventoryItem:
    item = found(act.shop, gid, InventoryItem)
    if item is None:
        raise unknown_id(gid)
    return item


def _location(act: Act, gid: str) -> Location:
    location = found(act.shop, gid, Location)
    if location is None:
        raise unknown_id(gid)
    return location
