"""Put another variant in the place of units of a line, once: what the order shows already is left alone.

https://shopify.dev/docs/apps/build/orders-fulfillment/order-management-apps/edit-orders. Editing takes no idempotency
key. What is staged changes nothing until the commit, so it is looked at first: no other line, and no other amount.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import structlog

from integrations import nouns
from integrations.ports import SWAP_REFUSED, Permanent
from integrations.storefronts.shopify import answers, orders, refusals
from integrations.storefronts.shopify.answers import Answer, Bag, Page, Ref
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.scalars import Count

log = structlog.get_logger(__name__)

# https://shopify.dev/docs/api/admin-graphql/latest/mutations/orderEditCommit names no limit; orderCancel has this one.
LONGEST_NOTE = 255
_BY_HAND = "Look at the order in the Shopify admin and edit it there, or choose something else for the buyer."
_WITHOUT_THE_SCOPE = (
    "Allow Packline to edit orders (the access scope `write_order_edits`) in the app's settings at Shopify, then"
    " release the hold; or choose something else for the buyer."
)


class Line(Answer):
    id: str
    quantity: Count
    editable_quantity: Count = 0
    variant: Ref | None = None

    @property
    def sells(self) -> str:
        return self.variant.id if self.variant else ""


class Edit(Answer):
    """An order as it would be after the edit, which has begun and is not committed."""

    id: str
    total_outstanding_set: Bag
    line_items: Page[Line] = Page[Line]()
    added_line_items: Page[Line] = Page[Line]()

    def line(self, line_id: str) -> Line | None:
        """A line of the order itself: Shopify gives it the order line's own number here."""
        number = line_id.rpartition("/")[2]
        return next((one for one in self.line_items.nodes if one.id.rpartition("/")[2] == number), None)


def swap(client: Client, order_id: str, wish: nouns.Swap, *, note: str) -> None:
    """Raises Permanent with the code SWAP_REFUSED where Shopify does not take it, or what it would make of it is not
    the swap that was chosen. Nothing was changed then.
    """
    lines = _lines(client, order_id)
    if is_done(wish, lines):
        log.info("shopify.swapped_before", order=order_id, line=wish.line_remote_id)
        return
    if not is_due(wish, lines):
        raise _refused("The order was changed in Shopify while the swap was on its way.")
    try:
        edit = _staged(client, order_id, wish)
        once(
            lambda: client.tell("CommitEdit", key=order_id, id=edit.id, note=note[:LONGEST_NOTE]),
            otherwise=lambda: {} if is_done(wish, _lines(client, order_id)) else None,
        )
    except refusals.Refused as refusal:
        raise _refused(refusal.reason) from None
    except Permanent as failure:
        if failure.code == "ACCESS_DENIED":
            raise Permanent(failure.reason, remedy=_WITHOUT_THE_SCOPE, code=SWAP_REFUSED) from None
        raise


def is_done(wish: nouns.Swap, lines: Sequence[nouns.OrderedLine]) -> bool:
    """Whether the order shows the swap: the one line lowered, and as many units more of the other variant. Pure."""
    return _units(wish, lines) == (wish.line_units - wish.units, wish.variant_units + wish.units)


def is_due(wish: nouns.Swap, lines: Sequence[nouns.OrderedLine]) -> bool:
    """Whether the order still is as it was when the swap was begun. Pure."""
    return _units(wish, lines) == (wish.line_units, wish.variant_units)


def _units(wish: nouns.Swap, lines: Sequence[nouns.OrderedLine]) -> tuple[int, int]:
    line = sum(one.units for one in lines if one.remote_id == wish.line_remote_id)
    return line, sum(one.units for one in lines if one.variant_remote_id == wish.variant_remote_id)


def _lines(client: Client, order_id: str) -> Sequence[nouns.OrderedLine]:
    return orders.read(client, order_id).snapshot.lines


def _staged(client: Client, order_id: str, wish: nouns.Swap) -> Edit:
    """The edit, ready to be committed, and nothing else than the swap."""
    begun = _edit(client.tell("BeginEdit", key=order_id, id=order_id))
    line = begun.line(wish.line_remote_id)
    if line is None or line.editable_quantity < wish.units or begun.added_line_items.nodes:
        raise _refused("Shopify does not let these units be edited: they may be shipped, or somebody edits the order.")
    left = line.quantity - wish.units
    client.tell("LowerInEdit", key=order_id, id=begun.id, line=line.id, units=left)
    asked = {"variant": wish.variant_remote_id, "units": wish.units}
    staged = _edit(client.tell("AddInEdit", key=order_id, id=begun.id, **asked))
    lowered, added = staged.line(wish.line_remote_id), staged.added_line_items.nodes
    # A line that is taken off as a whole may not be shown any more.
    if (lowered.quantity if lowered else 0) != left or [(one.sells, one.quantity) for one in added] != [
        (wish.variant_remote_id, wish.units)
    ]:
        raise _refused("Shopify would make something else of the order than the swap.")
    before, after = _owed(begun), _owed(staged)
    if before != after:
        raise _refused(f"With the swap, {after} instead of {before} would be left to pay: its price is another one.")
    return staged


def _edit(payload: dict[str, Any]) -> Edit:
    return answers.read(Edit, payload.get("calculatedOrder"))


def _owed(edit: Edit) -> nouns.Money:
    try:
        return edit.total_outstanding_set.shop_money.money()
    except ValueError as failure:
        raise answers.unreadable(failure) from None


def _refused(reason: str) -> Permanent:
    return Permanent(reason, remedy=_BY_HAND, code=SWAP_REFUSED)
