"""Tells a shop's stock what a person changed here, once, and only where the shop still counts what we looked at.

https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps. `committed` and `on_hand` are no
app's to change (recorded): units come and go by `available` or by what is set aside of it, and on hand follows.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import Any

from integrations.nouns import StockChange, StockState
from integrations.ports import UNITS_MOVED, Keys, Permanent
from integrations.storefronts.shopify import answers
from integrations.storefronts.shopify.answers import Answer, Ref
from integrations.storefronts.shopify.catalogue import Level
from integrations.storefronts.shopify.client import Client
from integrations.storefronts.shopify.refusals import Refused

_NAMES = MappingProxyType(
    {
        StockState.AVAILABLE: "available",
        StockState.DAMAGED: "damaged",
        StockState.SAFETY: "safety_stock",
        StockState.PROMISED: "reserved",
    }
)
# Shopify takes no reason but its own: https://shopify.dev/docs/apps/build/orders-fulfillment/inventory-management-apps
_REASONS = MappingProxyType({"received": "received", "moved": "movement_created", "returned": "restock"})
# Nothing was changed under either: the second is how the first is answered when its key is sent again.
_NOT_AS_SEEN = frozenset({"CHANGE_FROM_QUANTITY_STALE", "IDEMPOTENCY_PREVIOUS_ATTEMPT_FAILED"})
_REMEDY = (
    "Look at the item's inventory in the Shopify admin. Put right what the sentence names and retry; or discard this "
    "job: then Shopify's number counts."
)


class _Item(Answer):
    inventory_level: Level | None = None


class _Told(Answer):
    inventory_adjustment_group: Ref | None = None


def read_units(client: Client, item_id: str, location_id: str, state: StockState) -> int:
    level = _level(client, item_id, location_id)
    return level.units(_NAMES[state]) if level else 0


def read_on_hand(client: Client, item_id: str, location_id: str) -> int:
    level = _level(client, item_id, location_id)
    return level.units("on_hand") if level else 0


def _level(client: Client, item_id: str, location_id: str) -> Level | None:
    """What Shopify keeps of an item at a location; None where it does not stock it there."""
    answer = client.ask("ReadUnits", item=item_id, location=location_id)
    return answers.read(_Item, answers.present(answer, "inventoryItem", remedy=_REMEDY)).inventory_level


def change(client: Client, wanted: StockChange, *, seen: int, keys: Keys) -> str:
    try:
        _be_stocked(client, wanted, seen, keys.idempotency)
        told = _told(client, wanted, seen, keys.idempotency)
    except Refused as refusal:
        code = UNITS_MOVED if refusal.code in _NOT_AS_SEEN else refusal.code
        raise Permanent(refusal.reason, remedy=_REMEDY, code=code) from None
    group = answers.read(_Told, told).inventory_adjustment_group
    return group.id if group else ""


def _be_stocked(client: Client, wanted: StockChange, seen: int, key: str) -> None:
    """Shopify counts nothing where it does not stock the item. That can only be where nothing was seen."""
    item, location = wanted.inventory_remote_id, wanted.location_remote_id
    if seen == 0 and _level(client, item, location) is None:
        client.tell("StockAt", key=key, item=item, location=location, idempotency=f"{key}/stocked")


def _told(client: Client, wanted: StockChange, seen: int, key: str) -> dict[str, Any]:
    if wanted.taken_from is None or wanted.put_to is None:
        return client.tell("AdjustStock", key=key, input=_adjustment(wanted, seen), idempotency=key)
    asked = _move(wanted, wanted.taken_from, wanted.put_to, seen)
    return client.tell("MoveStock", key=key, input=asked, idempotency=key)


def _adjustment(wanted: StockChange, seen: int) -> dict[str, Any]:
    place = _terminal(wanted, wanted.watched, seen)
    place.pop("name")
    delta = wanted.units if wanted.put_to else -wanted.units
    return {
        "name": _NAMES[wanted.watched],
        "reason": _reason(wanted),
        "referenceDocumentUri": wanted.document,
        "changes": [place | {"inventoryItemId": wanted.inventory_remote_id, "delta": delta}],
    }


def _move(wanted: StockChange, taken_from: StockState, put_to: StockState, seen: int) -> dict[str, Any]:
    """What is taken must be what was looked at; what is put is added to whatever lies there."""
    ends = {"from": _terminal(wanted, taken_from, seen), "to": _terminal(wanted, put_to, None)}
    return {
        "reason": _reason(wanted),
        "referenceDocumentUri": wanted.document,
        "changes": [{"inventoryItemId": wanted.inventory_remote_id, "quantity": wanted.units} | ends],
    }


def _terminal(wanted: StockChange, state: StockState, seen: int | None) -> dict[str, Any]:
    """One end of a change. Shopify wants the quantity before named, were it as null, and a document for every state
    but what is available.
    """
    end: dict[str, Any] = {
        "name": _NAMES[state],
        "locationId": wanted.location_remote_id,
        "changeFromQuantity": seen,
    }
    return end if state is StockState.AVAILABLE else end | {"ledgerDocumentUri": wanted.document}


def _reason(wanted: StockChange) -> str:
    states = {wanted.taken_from, wanted.put_to}
    if StockState.PROMISED in states:
        return "reservation_created" if wanted.put_to is StockState.PROMISED else "reservation_deleted"
    if StockState.DAMAGED in states:
        return "damaged"
    if StockState.SAFETY in states:
        return "safety_stock"
    return "cycle_count_available" if wanted.cause == "counted" else _REASONS.get(wanted.cause, "correction")
