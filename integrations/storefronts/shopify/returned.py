"""What a refund in Shopify says of units that came back to a shelf.

https://shopify.dev/docs/api/admin-graphql/latest/enums/RefundLineItemRestockType: only `return` is of units that had
been fulfilled; what is cancelled before that never left its shelf, and its line is in the order's own webhooks.
"""

from __future__ import annotations

import re
from functools import partial
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from integrations import nouns
from integrations.json_body import parsed
from integrations.storefronts.shopify.payloads import Payload
from integrations.storefronts.shopify.scalars import Count, LineId, LocationId, OrderId, Text, gid

_CAME_BACK = "return"
# An order has no more lines, and a refund none that its order has not.
_MOST_LINES = 500
# Our marks are such ids; a merchant's own note is not looked at any further.
_MARK = re.compile(r"\b[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\b")


def _listed(value: object) -> object:
    return () if value is None else value


class RefundLine(Payload):
    id: Annotated[str, BeforeValidator(partial(gid, "RefundLineItem"))]
    line_item_id: LineId
    location_id: LocationId | None = None
    quantity: Count
    restock_type: Text = ""


class RefundPayload(Payload):
    order_id: OrderId
    note: Text = ""
    refund_line_items: Annotated[tuple[RefundLine, ...], Field(max_length=_MOST_LINES), BeforeValidator(_listed)] = ()


def units_returned(body: dict[str, Any]) -> nouns.Fact:
    """A refund's units that lie on a shelf again; a refund of money alone, or of what never left, is ignored."""
    told = parsed(RefundPayload, body, called="body")
    lines = [
        nouns.ReturnedLine(
            remote_id=line.id,
            line_remote_id=line.line_item_id,
            location_remote_id=line.location_id,
            units=line.quantity,
        )
        for line in told.refund_line_items
        if line.restock_type == _CAME_BACK and line.location_id and line.quantity
    ]
    if not lines:
        return nouns.Ignored(reason="Shopify refunded money, and put no units back on a shelf")
    return nouns.UnitsReturned(order_remote_id=told.order_id, lines=tuple(lines), marks=tuple(_MARK.findall(told.note)))
