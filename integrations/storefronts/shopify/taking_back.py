"""Take back an announcement or a whole order: each looks first at what is done already, and again after a lost answer.

https://shopify.dev/docs/api/admin-graphql/latest/mutations/fulfillmentCancel and
https://shopify.dev/docs/api/admin-graphql/latest/mutations/orderCancel. Neither takes an idempotency key.
"""

from __future__ import annotations

from typing import Any

import structlog

from integrations.ports import Permanent
from integrations.storefronts.shopify import answers, shipments, work
from integrations.storefronts.shopify.answers import Answer
from integrations.storefronts.shopify.client import Client, once
from integrations.storefronts.shopify.refusals import Refused
from integrations.storefronts.shopify.scalars import Moment

log = structlog.get_logger(__name__)

REASONS = {
    "buyer": "CUSTOMER",
    "declined": "DECLINED",
    "fraud": "FRAUD",
    "stock": "INVENTORY",
    "staff": "STAFF",
    "other": "OTHER",
}
# "Staff note is too long. Maximum length is 255 characters." (recorded)
LONGEST_STAFF_NOTE = 255
_BY_WHICH_IT_WAS_PAID = {"originalPaymentMethodsRefund": True}


class _Ending(Answer):
    cancelled_at: Moment | None = None
    fulfillments: tuple[shipments.Fulfillment, ...] = ()


def cancel_shipped(client: Client, fulfillment_id: str) -> None:
    """Cancel a fulfillment, so that its units are open work again, under new ids."""
    if shipments.read_one(client, fulfillment_id).status == "CANCELLED":
        log.info("shopify.cancelled_before", fulfillment=fulfillment_id)
        return

    def cancelled() -> dict[str, Any] | None:
        return {} if shipments.read_one(client, fulfillment_id).status == "CANCELLED" else None

    once(lambda: client.tell("CancelShipped", key=fulfillment_id, id=fulfillment_id), otherwise=cancelled)


def cancel_order(
    client: Client, order_id: str, *, reason: str, restock: bool, refund: bool, tell_buyer: bool, note: str
) -> bool:
    """Whether the order is cancelled by now: Shopify does it in a job of its own, some seconds after it was asked."""
    if reason not in REASONS:
        raise ValueError(f"no reason to cancel an order: {reason}")
    before = _ending(client, order_id)
    if before.cancelled_at:
        log.info("shopify.cancelled_before", order=order_id)
        return True
    _refuse_shipped(before)
    wish = {
        "reason": REASONS[reason],
        "restock": restock,
        "refund": _BY_WHICH_IT_WAS_PAID if refund else None,
        "notify": tell_buyer,
        "note": note[:LONGEST_STAFF_NOTE],
    }
    _ask_to_cancel(client, order_id, wish)
    return _ending(client, order_id).cancelled_at is not None


def _ask_to_cancel(client: Client, order_id: str, wish: dict[str, Any]) -> None:
    def cancelled() -> dict[str, Any] | None:
        return {} if _ending(client, order_id).cancelled_at else None

    try:
        once(lambda: client.tell("CancelOrder", key=order_id, id=order_id, **wish), otherwise=cancelled)
    except Refused as refusal:
        # Somebody may have fulfilled between our look and our asking. What stands there tells, not Shopify's sentence.
        _refuse_shipped(_ending(client, order_id))
        remedy = "Cancel the order in the Shopify admin, where the reason can be put right; Packline follows."
        raise Permanent(refusal.reason, remedy=remedy, code=refusal.code) from refusal


def _ending(client: Client, order_id: str) -> _Ending:
    order = answers.present(client.ask("ReadEnding", id=order_id), "order", remedy=work.GONE)
    return answers.read(_Ending, order)


def _refuse_shipped(found: _Ending) -> None:
    standing = [one.id for one in found.fulfillments if one.stands]
    if standing:
        raise Permanent(
            "Shopify cancels no order of which something has shipped, and "
            + ("one fulfillment stands." if len(standing) == 1 else f"{len(standing)} fulfillments stand."),
            remedy="If the parcel is still here, void its label and cancel the fulfillment, in Packline or in the"
            " Shopify admin, then retry. If it has left, wait for the return and refund what comes back.",
            code="shipped",
        )
