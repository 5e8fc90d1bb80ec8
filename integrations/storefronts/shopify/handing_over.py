"""Tell Shopify what buyers pick up, or the shop brings them: that it is ready, and that they have it. Each once.

Neither mutation takes an idempotency key, and there is no tracking number to know ours by. What is ready is in
progress, but not only that; what the buyer has is shown with its units, and each fulfillment is taken for one thing.
https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentOrderLineItemsPreparedForPickup
https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime

import structlog

from integrations import nouns
from integrations.ports import OutsideFailure, Permanent, Temporary
from integrations.storefronts.shopify import announcing, shipments, work
from integrations.storefronts.shopify.announcing import Creation, Units
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.refusals import Refused
from integrations.storefronts.shopify.shipments import Fulfillment, Shipments

log = structlog.get_logger(__name__)

_BY_HAND = frozenset({nouns.Way.COLLECTED, nouns.Way.BROUGHT})


def tell_ready(client: Client, order_id: str, location_id: str, *, begun: bool) -> bool:
    """Tell of all the work there that nobody has begun. Work in progress is ready where it may have been told before;
    else it was picked up in part, or is being packed, and Shopify says whether it can be made ready.
    """
    works = [one for one in _there(shipments.read(client, order_id), location_id) if one.way is nouns.Way.COLLECTED]
    _refuse_what_waits(works)
    untouched = [one.id for one in works if one.status == "OPEN"]
    waiting = untouched or ([] if begun else [one.id for one in works])
    if waiting:
        once(
            lambda: client.tell("TellReady", key=waiting[0], works=[{"fulfillmentOrderId": one} for one in waiting]),
            # What was in progress before looks the same afterwards.
            otherwise=lambda: None if not untouched or _still_open(client, order_id, untouched) else {},
        )
    return bool(waiting)


def shown(client: Client, order_id: str) -> list[nouns.StoreShipment]:
    """What stands there without a tracking number, with its units."""
    bare = [one for one in shipments.every(client, order_id) if one.stands and not one.numbers]
    return [one.model_copy(update={"lines": _lines(shipments.units(client, one.remote_id))}) for one in bare]


@dataclass(frozen=True, kw_only=True)
class HandingOver:
    """What a buyer got of one order at one location; `known` shows other units of it."""

    client: Client
    order_id: str
    location_id: str
    tell_buyer: bool
    known: frozenset[str]
    now: datetime
    courier: str = ""
    """Who brings it; then it is what was to be sent, wherever the store keeps it."""

    def make(self, lines: Sequence[nouns.ShippedLine], *, begun: bool) -> list[nouns.Announced]:
        """The fulfillments that show these units as handed over, made or found."""
        found = shipments.read(self.client, self.order_id)
        wanted = announcing.shipped(lines)
        ours = self._with_just(wanted, found) if begun else []
        if ours:
            return ours
        creations, lacking = announcing.allot(wanted, self._works(found))
        if not creations:
            standing = self._standing(found, wanted)
            if standing:
                return standing
        announcing.refuse_cancelled(found)
        if self.courier and not lacking and len(creations) > 1:
            raise _kept_apart(self.courier)
        if lacking or len(creations) > 1:
            raise announcing.why_not_open(lacking, found.fulfillment_orders.nodes, self.now) or Permanent(
                "Shopify does not have all of these units open in one place: some were fulfilled, moved or removed.",
                remedy="Look at the order in the Shopify admin and mark there what the buyer has. Packline follows.",
                code="not_open",
            )
        return self._create(found, creations[0], wanted)

    def _create(self, before: Shipments, creation: Creation, wanted: Units) -> list[nouns.Announced]:
        fulfillment = {
            "lineItemsByFulfillmentOrder": announcing.grouped(creation),
            "notifyCustomer": self.tell_buyer,
        }
        if self.courier:
            fulfillment["trackingInfo"] = {"company": self.courier}
        try:
            payload = self.client.tell("Announce", key=creation.parts[0][0], fulfillment=fulfillment)
        except (Temporary, Refused) as failure:
            if isinstance(failure, Temporary) and not failure.outcome_unknown:
                raise
            standing = self._made_meanwhile(before, wanted)
            if not standing:
                raise
            return standing
        return [nouns.Announced(remote_id=announcing.id_of(payload))]

    def _made_meanwhile(self, before: Shipments, wanted: Units) -> list[nouns.Announced]:
        """What stands there after a lost answer that did not before, or shows the units that are open no more.

        Open work is no proof that nothing was made: other units of the same line may be open beside ours.
        """
        try:
            now = shipments.read(self.client, self.order_id)
        except OutsideFailure:
            return []
        made = self._with_just(wanted, now, but=[one.id for one in before.fulfillments])
        if made:
            return made
        still, _ = announcing.allot(wanted, self._works(now))
        return [] if still else self._standing(now, wanted)

    def _with_just(self, wanted: Units, found: Shipments, *, but: Collection[str] = ()) -> list[nouns.Announced]:
        """The one fulfillment that nobody knows and that shows these units and no others."""
        strange = (one.id for one in self._strange(found) if one.id not in but)
        return self._adopted([one for one in strange if shipments.units(self.client, one) == wanted][:1])

    def _standing(self, found: Shipments, wanted: Units) -> list[nouns.Announced]:
        """The fulfillments that nobody knows and that show these units; none where they do not show all of them."""
        units = {one.id: shipments.units(self.client, one.id) for one in self._strange(found)}
        just = [id for id, those in units.items() if those == wanted][:1]
        some = [id for id, those in units.items() if wanted & those]
        shown = sum((units[id] for id in some), Counter[str]())
        return self._adopted(just or (some if wanted <= shown else []))

    def _strange(self, found: Shipments) -> list[Fulfillment]:
        return [
            one
            for one in found.fulfillments
            if one.stands
            and not one.numbers
            and one.id not in self.known
            and (self.courier or one.location is None or one.location.id == self.location_id)
        ]

    def _works(self, found: Shipments) -> list[work.Work]:
        if not self.courier:
            return _there(found, self.location_id)
        return [one for one in found.fulfillment_orders.nodes if one.way is nouns.Way.CARRIED]

    def _adopted(self, ids: Sequence[str]) -> list[nouns.Announced]:
        if ids:
            log.info("shopify.handing_over_adopted", order=self.order_id, fulfillments=ids)
        return [nouns.Announced(remote_id=one, adopted=True) for one in ids]


def _refuse_what_waits(works: Sequence[work.Work]) -> None:
    if not works:
        raise Permanent(
            "Shopify has nothing to be picked up there any more.",
            remedy="Look at the order in the Shopify admin: it was fulfilled, moved or cancelled there.",
            code="not_open",
        )
    held = next((one for one in works if one.status not in {"OPEN", "IN_PROGRESS"}), None)
    if held is not None:
        raise Permanent(
            f"Shopify does not let the order be made ready: {work.waiting(held)}.",
            remedy="Release the hold in the Shopify admin (or in Packline, if it is ours), then retry.",
            code="on_hold",
        )


def _kept_apart(courier: str) -> Permanent:
    return Permanent(
        f"Shopify keeps what {courier} brings at several locations, and it can be told only as one.",
        remedy="Mark the units as fulfilled at each of them in the Shopify admin, without a tracking number; then "
        "retry. Packline takes over what stands there.",
        code="not_open",
    )


def _there(found: Shipments, location_id: str) -> list[work.Work]:
    works = found.fulfillment_orders.nodes
    return [one for one in works if one.status in work.LIVE and one.way in _BY_HAND and one.location_id == location_id]


def _still_open(client: Client, order_id: str, works: Sequence[str]) -> bool:
    found = shipments.read(client, order_id).fulfillment_orders.nodes
    return any(one.id in works and one.status == "OPEN" for one in found)


def _lines(units: Units) -> tuple[nouns.ShippedLine, ...]:
    return tuple(nouns.ShippedLine(line_remote_id=line, units=count) for line, count in units.items() if count > 0)
