"""Shopify's fulfillment orders: what work an order still asks for and where, and our holds on it.

https://shopify.dev/docs/api/admin-graphql/latest/objects/FulfillmentOrder. Their ids change when work is split, moved
or cancelled, so nothing here is remembered from one call to the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import structlog

from integrations import nouns
from integrations.ports import Temporary
from integrations.storefronts.shopify import answers
from integrations.storefronts.shopify.answers import Answer, Page, Ref, Weight
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.scalars import Count, Moment, Text

log = structlog.get_logger(__name__)

# Shopify routes an order within seconds of its placing; asking again after five finds most of them.
ROUTING_WAIT_S = 5.0
# https://shopify.dev/docs/api/admin-graphql/latest/input-objects/FulfillmentOrderHoldInput: at most 64 characters.
LONGEST_HANDLE = 64
GONE = "Look for the order in the Shopify admin. Orders older than 60 days need the read_all_orders scope."

LIVE = frozenset({"OPEN", "IN_PROGRESS", "SCHEDULED", "ON_HOLD"})
_ENDED = frozenset({"CLOSED", "CANCELLED", "INCOMPLETE"})
_WAYS = {
    "SHIPPING": nouns.Way.CARRIED,
    "PICK_UP": nouns.Way.COLLECTED,
    "LOCAL": nouns.Way.BROUGHT,
    # To a pick-up point a parcel does travel, but only with the carrier that runs the point: no label of ours gets in.
    "PICKUP_POINT": nouns.Way.NOT_OURS,
    "RETAIL": nouns.Way.NOT_OURS,
    "NONE": nouns.Way.NOT_OURS,
}
_HOLD_REASONS = {
    "payment": "AWAITING_PAYMENT",
    "risk": "HIGH_RISK_OF_FRAUD",
    "address": "INCORRECT_ADDRESS",
    "stock": "INVENTORY_OUT_OF_STOCK",
    "until_date": "UNKNOWN_DELIVERY_DATE",
}


class WorkLine(Answer):
    """Units of one order line on one fulfillment order; `id` names them there. The weight is of one unit."""

    id: str
    remaining_quantity: Count
    requires_shipping: bool = True
    weight: Weight | None = None
    line_item: Ref


class Action(Answer):
    action: str


class Hold(Answer):
    id: str
    handle: str | None = None
    display_reason: Text = ""
    held_by_requesting_app: bool = False


class AssignedLocation(Answer):
    name: Text = ""
    location: Ref | None = None


class DeliveryMethod(Answer):
    method_type: str


class Work(Answer):
    """A fulfillment order: what Shopify wants done with units of an order at one location."""

    id: str
    status: str
    fulfill_at: Moment | None = None
    supported_actions: tuple[Action, ...] = ()
    assigned_location: AssignedLocation = AssignedLocation()
    delivery_method: DeliveryMethod | None = None
    fulfillment_holds: tuple[Hold, ...] = ()
    line_items: Page[WorkLine]

    @property
    def location_id(self) -> str:
        return self.assigned_location.location.id if self.assigned_location.location else ""

    @property
    def way(self) -> nouns.Way:
        """How its units get to the buyer. A word that we do not know waits for a person (`waiting`)."""
        method = self.delivery_method.method_type if self.delivery_method else "SHIPPING"
        return _WAYS.get(method, nouns.Way.CARRIED)

    def allows(self, action: str) -> bool:
        return any(supported.action == action for supported in self.supported_actions)


class _OfOrder(Answer):
    fulfillment_orders: Page[Work]


class _MoreLines(Answer):
    line_items: Page[WorkLine]


def complete(client: Client, order_id: str, first: Page[Work]) -> list[Work]:
    """All work of an order with all its lines, given the first page."""
    works = answers.every(first, lambda after: _more_work(client, order_id, after))
    return [_with_all_lines(client, work) for work in works]


def asked(works: Iterable[Work]) -> tuple[nouns.AskedLine, ...]:
    """The units that Shopify still wants fulfilled. Pure."""
    return tuple(
        nouns.AskedLine(
            line_remote_id=line.line_item.id,
            units=line.remaining_quantity,
            location_remote_id=work.location_id,
            way=work.way if line.requires_shipping else nouns.Way.NOT_OURS,
            ready=work.way is nouns.Way.COLLECTED and work.status == "IN_PROGRESS",
            on_hold=waiting(work),
        )
        for work in works
        if not _has_ended(work)
        for line in work.line_items.nodes
        if line.remaining_quantity
    )


def unit_grams(works: Iterable[Work]) -> dict[str, int]:
    """The weight of one unit by order line, for the lines that some work names."""
    return {line.line_item.id: line.weight.grams() for work in works for line in work.line_items.nodes if line.weight}


def waiting(work: Work) -> str:
    """Why the work must not be done yet, in a person's words; empty where it may."""
    if work.status == "SCHEDULED":
        return f"scheduled for {work.fulfill_at:%Y-%m-%d %H:%M} UTC" if work.fulfill_at else "scheduled for later"
    if work.status == "ON_HOLD":
        reasons = dict.fromkeys(hold.display_reason or "no reason given" for hold in work.fulfillment_holds)
        return ", ".join(reasons) or "no reason given"
    if work.status not in LIVE | _ENDED:
        return f"its state is {work.status[:40]}, which Packline does not know"
    if work.delivery_method and work.delivery_method.method_type not in _WAYS:
        method = work.delivery_method.method_type
        return f"it is to be delivered by {method[:40]}, which Packline does not know"
    return ""


def hold(client: Client, order_id: str, *, handle: str, reason: str, notes: str) -> list[str]:
    """Put our hold on every piece of live work; the one that stands there already is adopted."""
    works = _read(client, order_id)
    if not works:
        raise not_routed()
    wanted = {"reason": _HOLD_REASONS.get(reason, "OTHER"), "reasonNotes": notes, "handle": _fitting(handle)}
    held = (_held(client, order_id, work, wanted) for work in works)
    return [hold_id for hold_id in held if hold_id]


def release(client: Client, order_id: str, hold_ids: Sequence[str]) -> None:
    """Release those of the holds that are ours and still there, work by work."""
    gone = set(hold_ids)
    for work in _read(client, order_id):
        held = [one.id for one in work.fulfillment_holds if one.id in hold_ids]
        ours = [one.id for one in work.fulfillment_holds if one.id in hold_ids and one.held_by_requesting_app]
        gone -= set(held)
        if ours:
            _release_one(client, order_id, work.id, ours)
        if held != ours:
            log.warning("shopify.hold_not_ours", order=order_id, work=work.id, holds=sorted(set(held) - set(ours)))
    if gone:
        log.info("shopify.hold_gone", order=order_id, holds=sorted(gone))


def not_routed() -> Temporary:
    return Temporary(
        "Shopify has not decided yet where the order is to be fulfilled.",
        code="not_routed_yet",
        retry_in_s=ROUTING_WAIT_S,
    )


def _more_work(client: Client, order_id: str, after: str) -> Page[Work]:
    order = answers.present(client.ask("ReadMoreWork", id=order_id, after=after), "order", remedy=GONE)
    return answers.read(_OfOrder, order).fulfillment_orders


def _with_all_lines(client: Client, work: Work) -> Work:
    if not work.line_items.next_cursor:
        return work
    lines = answers.every(work.line_items, lambda after: _more_lines(client, work.id, after))
    return work.model_copy(update={"line_items": Page[WorkLine](nodes=tuple(lines))})


def _more_lines(client: Client, work_id: str, after: str) -> Page[WorkLine]:
    answer = client.ask("ReadMoreWorkLines", id=work_id, after=after)
    if answer.get("fulfillmentOrder") is None:
        # Split or moved between two pages: the order has to be read anew.
        raise Temporary("The order's work changed while it was read.", code="work_changed", retry_in_s=1.0)
    return answers.read(_MoreLines, answer["fulfillmentOrder"]).line_items


def _has_ended(work: Work) -> bool:
    # Work in a state that we do not know is told as waiting: neither shipped on a guess nor passed over in silence.
    if work.status not in LIVE | _ENDED:
        log.warning("shopify.work_status_unknown", work=work.id, status=work.status[:40])
    return work.status in _ENDED


def _read(client: Client, order_id: str) -> list[Work]:
    order = answers.present(client.ask("ReadWork", id=order_id), "order", remedy=GONE)
    return complete(client, order_id, answers.read(_OfOrder, order).fulfillment_orders)


def _fitting(handle: str) -> str:
    # A digest is as much our own as what it is of, and the same again after a crash.
    return handle if len(handle) <= LONGEST_HANDLE else hashlib.sha256(handle.encode()).hexdigest()


def _held(client: Client, order_id: str, work: Work, wanted: dict[str, str]) -> str | None:
    handle = wanted["handle"]
    standing = _ours(work, handle)
    if standing:
        return standing
    if work.status in {"OPEN", "ON_HOLD"} or (work.status in LIVE and work.allows("HOLD")):
        payload = once(
            lambda: client.tell("Hold", key=handle, id=work.id, hold=wanted),
            otherwise=lambda: _found(client, order_id, handle, work.id),
        )
        return _id_of(payload)
    log.info("shopify.not_held", order=order_id, work=work.id, status=work.status)
    return None


def _release_one(client: Client, order_id: str, work_id: str, ours: list[str]) -> None:
    def gone() -> dict[str, str] | None:
        standing = {one.id for work in _read(client, order_id) for one in work.fulfillment_holds}
        return None if standing.intersection(ours) else {}

    once(lambda: client.tell("Release", key=ours[0], id=work_id, holdIds=ours), otherwise=gone)


def _ours(work: Work, handle: str) -> str | None:
    return next((one.id for one in work.fulfillment_holds if one.held_by_requesting_app and one.handle == handle), None)


def _found(client: Client, order_id: str, handle: str, work_id: str) -> dict[str, Any] | None:
    for work in _read(client, order_id):
        standing = _ours(work, handle) if work.id == work_id else None
        if standing:
            return {"fulfillmentHold": {"id": standing}}
    return None


def _id_of(payload: dict[str, Any]) -> str:
    found = payload.get("fulfillmentHold")
    if isinstance(found, dict) and found.get("id"):
        return str(found["id"])
    # It may stand there: the next try finds it by its handle.
    raise Temporary("Shopify accepted a hold without naming it.", code="answer_shape", outcome_unknown=True)
