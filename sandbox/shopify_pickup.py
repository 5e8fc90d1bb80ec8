"""Local pickup: what waits at a location for its buyer is marked as ready, and Shopify writes the buyer.

The refusal of work that is not to be picked up was recorded (2026-04, fulfillment-order-lifecycle); that ready work is
IN_PROGRESS follows from Shopify's description of that status.
"""

from typing import Any

from sandbox.shopify_act import Act
from sandbox.shopify_errors import found, user_error
from sandbox.shopify_facts import FULFILLABLE
from sandbox.shopify_records import WorkOrder


def prepared_for_pickup(act: Act, asked: dict[str, Any]) -> dict[str, Any]:
    """All or nothing, with a refusal for each fulfillment order that cannot be ready."""
    ids = [wish["fulfillmentOrderId"] for wish in asked["input"]["lineItemsByFulfillmentOrder"]]
    works = [found(act.shop, one, WorkOrder) for one in ids]
    refused = [refusal for place, work in enumerate(works) if (refusal := _refused(act, place, ids[place], work))]
    if refused:
        return {"userErrors": refused}
    for work in works:
        if work is not None:
            make_ready(act, work)
    return {"userErrors": []}


def make_ready(act: Act, work: WorkOrder) -> None:
    work.status = "IN_PROGRESS"
    act.work_changed(work, "fulfillment_orders/line_items_prepared_for_pickup")


def _refused(act: Act, place: int, id: str, work: WorkOrder | None) -> dict[str, Any] | None:
    field = ["input", "lineItemsByFulfillmentOrder", str(place), "fulfillmentOrderId"]
    if work is None or not act.sees(work) or work.method != "PICK_UP" or work.status not in FULFILLABLE:
        bare = id.rpartition("/")[2]
        return user_error(field, f"Invalid fulfillment_order_id provided {bare}", "FULFILLMENT_ORDER_INVALID")
    if not any(row.remaining for row in work.lines):
        message = "The fulfillment order does not have any line items that can be prepared."
        return user_error(field, message, "NO_LINE_ITEMS_TO_PREPARE_FOR_FULFILLMENT_ORDER")
    return None
