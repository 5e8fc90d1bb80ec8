"""Tell Shopify that units have shipped with a tracking number, once, and adopt what already says so.

`fulfillmentCreate` takes no idempotency key: the tracking number on a fulfillment is what tells that it was done.
Shopify wants one fulfillment for each of its locations, and fulfills only what is open there:
https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import structlog

from integrations import nouns
from integrations.ports import OutsideFailure, Permanent, Temporary
from integrations.storefronts.shopify import shipments, work
from integrations.storefronts.shopify.client import Client
from integrations.storefronts.shopify.refusals import Refused
from integrations.storefronts.shopify.shipments import Fulfillment, Shipments

log = structlog.get_logger(__name__)

# After a lost answer Shopify may still be at work; this long, and asking again finds what it made.
LOST_ANSWER_WAIT_S = 15.0

_OPEN = frozenset({"OPEN", "IN_PROGRESS"})

Units = Counter[str]
"""How many units of each order line, by its remote id."""


@dataclass(frozen=True)
class Creation:
    """One fulfillment to make: lines of open work at one location, as (work, its line, units)."""

    location_id: str
    parts: tuple[tuple[str, str, int], ...]


@dataclass(frozen=True)
class Announcement:
    """What is to be told about one order, and to whom."""

    client: Client
    order_id: str
    tracking: nouns.TrackingLabel
    tell_buyer: bool
    now: datetime

    def make(self, lines: Sequence[nouns.ShippedLine]) -> list[nouns.Announced]:
        """The fulfillments that carry our tracking, made or found. Decides all of it before it does any of it."""
        found = shipments.read(self.client, self.order_id)
        ours = carrying(found.fulfillments, self.tracking.numbers)
        wanted = shipped(lines)
        for fulfillment in ours:
            wanted -= shipments.units(self.client, fulfillment.id)
            self._complete_numbers(fulfillment)
        done = [nouns.Announced(remote_id=fulfillment.id, adopted=True) for fulfillment in ours]
        if wanted:
            refuse_cancelled(found)
            # What a buyer comes for is not sent, even where another unit of the same line is.
            carried = [one for one in found.fulfillment_orders.nodes if one.way is nouns.Way.CARRIED]
            creations, lacking = allot(wanted, carried)
            if lacking:
                done.append(self._take_over(found, lacking))
            for creation in creations:
                try:
                    done.append(self._create(found, creation, known={one.remote_id for one in done}))
                except Temporary as failure:
                    raise in_part(failure) if done else failure from None
        return done

    def _complete_numbers(self, fulfillment: Fulfillment) -> None:
        # A fulfillment that has some of our numbers gets them all: the set is one shipment's.
        if not set(self.tracking.numbers) <= set(fulfillment.numbers):
            self._track(fulfillment.id)

    def _take_over(self, found: Shipments, lacking: Units) -> nouns.Announced:
        """Somebody else marked our units as fulfilled: where it can only be one fulfillment, it gets our tracking."""
        reason = why_not_open(lacking, found.fulfillment_orders.nodes, self.now)
        if reason:
            raise reason
        bare = [one for one in found.fulfillments if one.stands and not one.numbers]
        covering = [one.id for one in bare if lacking <= shipments.units(self.client, one.id)]
        if len(covering) != 1:
            raise Permanent(
                "Shopify has no open work for these units: they were fulfilled, removed or refunded there.",
                remedy="Look at the order in the Shopify admin. If the parcel has left, add its tracking number there"
                " by hand; if not, void the label.",
                code="not_open",
            )
        log.info("shopify.fulfillment_taken_over", order=self.order_id, fulfillment=covering[0])
        self._track(covering[0])
        return nouns.Announced(remote_id=covering[0], adopted=True, by_others=True)

    def _track(self, fulfillment_id: str) -> None:
        shipments.replace_tracking(self.client, fulfillment_id, self.tracking, tell_buyer=self.tell_buyer)

    def _create(self, before: Shipments, creation: Creation, known: set[str]) -> nouns.Announced:
        fulfillment = {
            "lineItemsByFulfillmentOrder": grouped(creation),
            "notifyCustomer": self.tell_buyer,
            "trackingInfo": shipments.tracking_input(self.tracking),
        }
        try:
            payload = self.client.tell("Announce", key=self.tracking.numbers[0], fulfillment=fulfillment)
        except (Temporary, Refused) as failure:
            return self._settle(failure, before, creation, known)
        return nouns.Announced(remote_id=id_of(payload))

    def _settle(
        self, failure: Temporary | Refused, before: Shipments, creation: Creation, known: set[str]
    ) -> nouns.Announced:
        """After a lost answer or a no: adopt what stands there now, or say which failure it was."""
        if isinstance(failure, Temporary) and not failure.outcome_unknown:
            raise failure
        try:
            now = shipments.read(self.client, self.order_id)
        except OutsideFailure:
            raise _lost(failure) from failure
        made = [one for one in carrying(now.fulfillments, self.tracking.numbers) if one.id not in known]
        if made:
            log.info("shopify.fulfillment_adopted", order=self.order_id, fulfillment=made[0].id)
            return nouns.Announced(remote_id=made[0].id, adopted=True)
        if isinstance(failure, Refused) and _touched(creation, before) != _touched(creation, now):
            raise Temporary("The order's work changed meanwhile.", code="work_changed", retry_in_s=1.0) from failure
        raise _lost(failure) from failure


def carrying(fulfillments: Iterable[Fulfillment], numbers: Sequence[str]) -> list[Fulfillment]:
    """The standing fulfillments that have one of our numbers. Pure."""
    return [one for one in fulfillments if one.stands and set(one.numbers) & set(numbers)]


def shipped(lines: Iterable[nouns.ShippedLine]) -> Units:
    """The units of these lines, each line once. Pure."""
    units: Units = Counter()
    for line in lines:
        units[line.line_remote_id] += line.units
    return units


def allot(wanted: Units, works: Iterable[work.Work]) -> tuple[list[Creation], Units]:
    """Which open work the units come from, one creation a location, and the units that no open work has. Pure."""
    lacking = Counter(wanted)
    parts: dict[str, list[tuple[str, str, int]]] = {}
    for one in works:
        if one.status not in _OPEN or not one.allows("CREATE_FULFILLMENT"):
            continue
        for line in one.line_items.nodes:
            units = min(lacking[line.line_item.id], line.remaining_quantity)
            if units > 0:
                parts.setdefault(one.location_id, []).append((one.id, line.id, units))
                lacking[line.line_item.id] -= units
    return [Creation(location, tuple(taken)) for location, taken in parts.items()], +lacking


def refuse_cancelled(found: Shipments) -> None:
    if found.cancelled_at:
        raise Permanent(
            f"The order was cancelled in Shopify at {found.cancelled_at:%Y-%m-%d %H:%M} UTC.",
            remedy="Do not hand the parcel over. Void the label; if it has left, tell the buyer in the Shopify admin.",
            code="order_cancelled",
        )


def why_not_open(lacking: Units, works: Sequence[work.Work], now: datetime) -> OutsideFailure | None:
    """Why Shopify lets nobody fulfill these units now; None where they are simply not open any more. Pure."""
    if not works:
        return work.not_routed()
    wanting = [one for one in works if any(_wanted(line, lacking) for line in one.line_items.nodes)]
    for one in wanting:
        if one.status == "ON_HOLD":
            return Permanent(
                f"The order is on hold in Shopify: {work.waiting(one)}.",
                remedy="Release the hold in the Shopify admin (or in Packline, if it is ours), then retry.",
                code="on_hold",
            )
        if one.status == "SCHEDULED":
            wait = (one.fulfill_at - now).total_seconds() if one.fulfill_at else None
            reason = f"Shopify does not want the units shipped yet: {work.waiting(one)}."
            return Temporary(reason, code="scheduled", retry_in_s=max(wait, 1.0) if wait is not None else None)
    for one in wanting:
        if one.status in _OPEN and not one.allows("CREATE_FULFILLMENT"):
            return Permanent(
                f"Shopify has given the work to {one.assigned_location.name or 'another location'}, which fulfills it.",
                remedy="Move the work to a location of your own in the Shopify admin, or let that service ship it.",
                code="not_ours_to_fulfill",
            )
    return None


def _wanted(line: work.WorkLine, lacking: Units) -> bool:
    return line.remaining_quantity > 0 and lacking[line.line_item.id] > 0


def grouped(creation: Creation) -> list[dict[str, Any]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for work_id, line_id, units in creation.parts:
        groups.setdefault(work_id, []).append({"id": line_id, "quantity": units})
    return [{"fulfillmentOrderId": one, "fulfillmentOrderLineItems": lines} for one, lines in groups.items()]


def _touched(creation: Creation, found: Shipments) -> list[work.Work]:
    works = {work_id for work_id, _, _ in creation.parts}
    return [one for one in found.fulfillment_orders.nodes if one.id in works]


def _lost(failure: Temporary | Refused) -> OutsideFailure:
    if not isinstance(failure, Temporary):
        return failure
    wait = failure.retry_in_s if failure.retry_in_s is not None else LOST_ANSWER_WAIT_S
    return Temporary(failure.reason, code=failure.code, retry_in_s=wait, outcome_unknown=failure.outcome_unknown)


def in_part(failure: Temporary) -> Temporary:
    """The failure of a later creation: an earlier one stands, so nobody may take it that nothing was done."""
    return Temporary(failure.reason, code=failure.code, retry_in_s=failure.retry_in_s, outcome_unknown=True)


def id_of(payload: dict[str, Any]) -> str:
    fulfillment = payload.get("fulfillment")
    if isinstance(fulfillment, dict) and fulfillment.get("id"):
        return str(fulfillment["id"])
    raise Temporary("Shopify's answer does not name the fulfillment.", code="answer_shape", outcome_unknown=True)
