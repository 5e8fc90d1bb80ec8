"""Tell Shopify that units which are never shipped were delivered: a fulfillment without tracking, once.

`fulfillmentCreate` takes no idempotency key, and there is no tracking number to know ours by. The open work tells:
every unit of a line that is still to be fulfilled is fulfilled, so where it was done before, nothing is left to do.
https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCreate
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from integrations.ports import Permanent, Temporary
from integrations.storefronts.shopify import announcing, shipments, work
from integrations.storefronts.shopify.announcing import Creation, Units
from integrations.storefronts.shopify.client import Client
from integrations.storefronts.shopify.shipments import Fulfillment, Shipments


def fulfil(client: Client, order_id: str, line_ids: Sequence[str], now: datetime) -> list[str]:
    """The fulfillments that show these lines as delivered: made now, or found, also where somebody else made them."""
    found = shipments.read(client, order_id)
    wanted = _still_open(found, line_ids)
    standing = [
        one.id for one in found.fulfillments if one.stands and not one.numbers and _shows(client, one, line_ids)
    ]
    if not wanted or found.cancelled_at:
        return standing
    creations, lacking = announcing.allot(wanted, found.fulfillment_orders.nodes)
    if lacking:
        raise announcing.why_not_open(lacking, found.fulfillment_orders.nodes, now) or Permanent(
            "Shopify does not let these units be fulfilled.",
            remedy="Look at the order in the Shopify admin and mark its digital items as fulfilled there, then retry.",
            code="not_open",
        )
    made: list[str] = []
    for creation in creations:
        try:
            made.append(_create(client, creation))
        except Temporary as failure:
            raise announcing.in_part(failure) if made else failure from None
    return [*standing, *made]


def _shows(client: Client, fulfillment: Fulfillment, line_ids: Sequence[str]) -> bool:
    units = shipments.units(client, fulfillment.id)
    return any(units[line] for line in line_ids)


def _still_open(found: Shipments, line_ids: Sequence[str]) -> Units:
    units: Units = Counter()
    for one in found.fulfillment_orders.nodes:
        for line in one.line_items.nodes:
            if one.status in work.LIVE and line.line_item.id in line_ids and not line.requires_shipping:
                units[line.line_item.id] += line.remaining_quantity
    return +units


def _create(client: Client, creation: Creation) -> str:
    fulfillment = {"lineItemsByFulfillmentOrder": announcing.grouped(creation), "notifyCustomer": False}
    return announcing.id_of(client.tell("Announce", key=creation.parts[0][0], fulfillment=fulfillment))
