"""The stand-in against Shopify: each recorded call is sent again; the answers are the same but for ids and times."""

import pytest
from shopify_caller import Caller
from shopify_replay import Replay, at, payload, plain, read

SHIPPING = "2026-04__shipping-fulfillments__"
# Each recording: the orders that were created first, then the calls, in the order in which they were made.
FULFILMENT = {
    "2026-04__orders__fulfillment-state-preconditions": (
        ["setup/orderCreate", "deliveredSetup/orderCreate"],
        [
            "setup/fulfillmentCreate", "initialCancel", "cancelAlreadyCancelled", "trackingAlreadyCancelled",
            "eventOnCancelled", "deliveredSetup/fulfillmentCreate", "deliveredEventCreate", "cancelDelivered",
        ],
    ),
    "2025-01__orders__fulfillment-multi-tracking-info": (
        ["setup/orderCreate"],
        ["fulfillmentCreate", "fulfillmentTrackingInfoUpdate", "downstreamRead"],
    ),
    f"{SHIPPING}fulfillment-event-create-validation": (
        ["setup/orderCreate"],
        [
            "userErrorCodeSelection", "unknownFulfillmentEventCreate", "setup/fulfillmentCreate",
            "fulfillmentEventCreate", "invalidStatusVariable", "fulfillmentCancel",
            "cancelledFulfillmentEventCreateProbe",
        ],
    ),
    f"{SHIPPING}fulfillment-order-hold-multi-line": (["setup/orderCreate"], ["workflow/hold"]),
    f"{SHIPPING}fulfillment-order-move-multi-line": (["setup/orderCreate"], ["workflow/move"]),
    f"{SHIPPING}fulfillment-order-release-hold-selective": (
        ["setup/create"],
        [
            "workflows/selectiveRelease/firstHold", "workflows/selectiveRelease/secondHold",
            "workflows/selectiveRelease/releaseFirstHold", "workflows/selectiveRelease/afterReleaseRead",
        ],
    ),
    f"{SHIPPING}fulfillment-order-split-multi": (
        ["captures/orderACreate", "captures/orderBCreate"],
        [
            "captures/emptyLineItems", "captures/zeroQuantity", "captures/unknownFulfillmentOrder",
            "captures/multiSplit",
        ],
    ),
    f"{SHIPPING}fulfillment-order-lifecycle": (
        ["workflows/holdRelease/create", "workflows/move/create", "workflows/residualSplitDeadlineMerge/create"],
        [
            "validation/holdUnknownId", "validation/releaseHoldUnknownId", "validation/moveUnknownId",
            "workflows/holdRelease/hold", "workflows/holdRelease/afterHold/orderRead",
            "workflows/holdRelease/releaseHold", "workflows/holdRelease/afterReleaseHold/orderRead",
            "workflows/move/move", "workflows/move/afterMove/orderRead",
            "workflows/residualSplitDeadlineMerge/split",
            "workflows/residualSplitDeadlineMerge/afterSplit/orderRead",
        ],
    ),
}  # fmt: skip
PRECONDITIONS = "2026-04__orders__fulfillment-create-preconditions"
GROUPS = "2026-04__orders__fulfillment-create-multi-group"


@pytest.mark.parametrize("name", FULFILMENT)
def test_fulfilment_answers_what_shopify_answered(sandbox, recordings, name):
    creates, calls = FULFILMENT[name]
    recording = read(recordings, name)
    replay = Replay(Caller(sandbox), recording, creates)
    for path in calls:
        recorded, answered = replay.send(at(recording, path))
        assert answered == recorded, path


def test_fulfilling_is_refused_in_the_recorded_words(sandbox, recordings):
    recording = read(recordings, PRECONDITIONS)
    document = at(recording, "cases/closed/setup/firstFulfillmentCreate")["query"]
    cases = ("cancelled", "nonPositiveQuantity", "overFulfill", "missingFulfillmentOrder", "closed", "happyPath")
    made = [f"cases/{case}/setup/orderCreate" for case in cases if "setup" in recording["cases"][case]]
    replay = Replay(Caller(sandbox), recording, made)
    assert _equal(replay.send(at(recording, "cases/closed/setup/firstFulfillmentCreate")))
    cancelled = at(recording, "cases/cancelled/setup/orderCancel")
    replay.caller.ask(cancelled["query"], replay.translated(cancelled["variables"]))
    for case in cases:
        recorded, answered = replay.send(recording["cases"][case], document)
        assert answered == recorded, case


def test_fulfilling_several_fulfillment_orders_at_once_is_refused_in_the_recorded_words(sandbox, recordings):
    recording = read(recordings, GROUPS)
    document = at(read(recordings, PRECONDITIONS), "cases/closed/setup/firstFulfillmentCreate")["query"]
    orders = [f"setup/orders/{name}" for name in recording["setup"]["orders"]]
    replay = Replay(Caller(sandbox), recording, orders)
    assert _equal(replay.send(at(recording, "setup/differentLocation/move")))
    assert _equal(replay.send(at(recording, "setup/valid/split")))
    for case, call in recording["cases"].items():
        recorded, answered = replay.send(call, document)
        assert answered == recorded, case
    assert _equal(replay.send(at(recording, "cases/validMultiGroup/downstreamRead")))


def test_cancelling_an_order_is_refused_in_the_recorded_words(sandbox, recordings):
    recording = read(recordings, "2026-04__orders__orderCancel-error-messages")
    replay = Replay(Caller(sandbox), recording, ["setup/freshOrderCreate", "setup/cancelledOrderCreate"])
    recorded, answered = replay.send(at(recording, "setup/setupCancel"))
    # The job has an id of letters and digits.
    recorded["data"]["orderCancel"].pop("job")
    assert answered["data"]["orderCancel"].pop("job")["done"] is False
    assert answered == recorded
    assert _equal(replay.send(at(recording, "setup/cancelledOrderRead")))
    for name, call in recording["expected"].items():
        recorded, answered = replay.send(call)
        assert answered == recorded, name


def test_marking_an_order_as_paid_answers_what_shopify_answered(sandbox, recordings):
    recording = read(recordings, "2026-04__orders__orderMarkAsPaid-state-and-money")
    money = "shopMoney { amount currencyCode } presentmentMoney { amount currencyCode }"
    document = f"""mutation MarkPaid($input: OrderMarkAsPaidInput!) {{ orderMarkAsPaid(input: $input) {{
      order {{ id presentmentCurrencyCode displayFinancialStatus paymentGatewayNames totalOutstandingSet {{ {money} }}
        transactions {{ id kind status gateway amountSet {{ {money} }} }} }} userErrors {{ field message }} }} }}"""
    replay = Replay(Caller(sandbox), recording, ["setup/unpaid"])
    for case in ("unpaidSuccess", "alreadyPaid"):
        recorded, answered = replay.send(recording["cases"][case], document)
        assert answered == recorded, case


def test_refunding_answers_what_shopify_answered(sandbox, recordings):
    recording = read(recordings, "2026-04__orders__refund-create-transactions-validation")
    caller = Caller(sandbox).open(currency="CAD")
    placed = caller.place(("TEA", 2))
    payment = placed["transactions"][0]["admin_graphql_api_id"]
    for case in ("invalidKind", "missingParent", "mismatchedGateway"):
        call = recording[case]
        variables = call["variables"]["input"]
        parent = "gid://shopify/OrderTransaction/999999999999" if case == "missingParent" else payment
        one = variables["transactions"][0] | {"orderId": placed["admin_graphql_api_id"], "parentId": parent}
        wish = {"orderId": placed["admin_graphql_api_id"], "transactions": [one]}
        key = call["variables"]["idempotencyKey"]
        answered = caller.ask(call["query"], {"idempotencyKey": key, "input": wish})
        recorded = plain(payload(call))
        # The recorded order was paid through a gateway of that name, and the parent's gateway counts.
        assert _text(answered).replace("manual", "bogus-parent-gateway") == _text(recorded), case


def _equal(pair):
    recorded, answered = pair
    assert answered == recorded
    return True


def _text(answer):
    return repr(sorted(plain(answer).items()))
