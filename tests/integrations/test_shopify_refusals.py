"""What stands beside the data of an answer: throttling, errors that pass, errors that do not, and a plain no."""

import pytest
from scripted_vendor import Answer
from shopify_calls import asked, errors, failure, told
from structlog.testing import capture_logs

from integrations.ports import Permanent, Temporary
from integrations.storefronts.shopify.refusals import Refused

COST = {"requestedQueryCost": 400, "actualQueryCost": None}


@pytest.mark.parametrize(
    ("available", "rate", "wait"), [(100, 100, 3.0), (399, 100, 1.0), (0, 50, 8.0), (0, 0, 1.0), (None, None, 1.0)]
)
def test_throttling_waits_for_the_bucket_to_fill(scripted, shopify, available, rate, wait):
    cost = COST | {"throttleStatus": {"maximumAvailable": 2000, "currentlyAvailable": available, "restoreRate": rate}}
    scripted.script = [errors("THROTTLED", message="Throttled", cost=cost)] * 2

    throttled = failure(asked, shopify, Temporary)
    assert (throttled.code, throttled.retry_in_s) == ("THROTTLED", wait)
    assert failure(told, shopify, Temporary).outcome_unknown is False


def test_throttling_without_a_cost_waits_a_second(scripted, shopify):
    scripted.script = [errors("THROTTLED", data=None)]

    assert failure(asked, shopify, Temporary).retry_in_s == 1.0


@pytest.mark.parametrize(
    ("code", "in_doubt"),
    [("INTERNAL_SERVER_ERROR", True), ("SERVICE_UNAVAILABLE", True), ("IDEMPOTENCY_CONCURRENT_REQUEST", False)],
)
def test_errors_that_pass_are_temporary(scripted, shopify, code, in_doubt):
    scripted.script = [errors(code, data=None), errors(code, data=None), errors(code)]

    assert failure(asked, shopify, Temporary).outcome_unknown is False
    for _ in range(2):
        doubted = failure(told, shopify, Temporary)
        assert (doubted.code, doubted.outcome_unknown) == (code, in_doubt)


def test_a_mutation_that_met_an_error_without_a_place_or_a_code_is_in_doubt(scripted, shopify):
    scripted.script = [Answer({"errors": [{"message": "Something went wrong"}]}), Answer({"errors": "Oops"})]

    assert failure(told, shopify, Temporary).outcome_unknown is True
    assert failure(told, shopify, Temporary).outcome_unknown is True


def test_a_missing_scope_is_named_with_its_field(scripted, shopify):
    denied = {
        "message": "Access denied for fulfillmentOrders field.",
        "path": ["order", "fulfillmentOrders"],
        "extensions": {
            "code": "ACCESS_DENIED",
            "requiredAccess": "`read_merchant_managed_fulfillment_orders` access scope.",
        },
    }
    scripted.script = [Answer({"errors": [denied], "data": {"order": {"fulfillmentOrders": None}}})]

    refused = failure(asked, shopify, Permanent)
    assert refused.code == "ACCESS_DENIED"
    assert "`order.fulfillmentOrders`" in refused.remedy
    assert "read_merchant_managed_fulfillment_orders" in refused.remedy


def test_a_question_that_is_not_understood_is_permanent(scripted, shopify):
    unknown = {"message": "Field 'nome' doesn't exist on type 'Order'", "extensions": {"code": "undefinedField"}}
    scripted.script = [Answer({"errors": [unknown]}), Answer({"errors": [unknown]}), Answer({"errors": "Not found"})]

    assert "nome" in failure(asked, shopify, Permanent).reason
    assert failure(told, shopify, Permanent).code == "undefinedField"
    assert "Not found" in failure(asked, shopify, Permanent).reason


def test_a_mutation_that_was_refused_before_it_acted_is_permanent(scripted, shopify):
    scripted.script = [
        errors("RESOURCE_NOT_FOUND", data={"orderMarkAsPaid": None}, path=["orderMarkAsPaid"]),
        errors("BAD_REQUEST", data={"orderMarkAsPaid": None}, path=["orderMarkAsPaid"]),
    ]

    assert failure(told, shopify, Permanent).code == "RESOURCE_NOT_FOUND"
    assert failure(told, shopify, Permanent).code == "BAD_REQUEST"


def test_a_mutation_without_data_but_with_an_error_deeper_down_is_in_doubt(scripted, shopify):
    scripted.script = [
        errors("ACCESS_DENIED", data={"orderMarkAsPaid": None}, path=["orderMarkAsPaid", "order", "customer"]),
        errors("SOMETHING_NEW", data=None),
    ]

    assert failure(told, shopify, Temporary).outcome_unknown is True
    assert failure(told, shopify, Temporary).outcome_unknown is True


def test_a_mutation_that_says_what_it_did_is_believed_although_errors_stand_beside_it(scripted, shopify):
    # Recorded: a hold was made while one selected field was denied.
    data = {"orderMarkAsPaid": {"order": {"id": "1"}, "userErrors": []}}
    scripted.script = [errors("ACCESS_DENIED", data=data, path=["orderMarkAsPaid", "order", "customer"])]

    with capture_logs() as logs:
        assert told(shopify)["order"] == {"id": "1"}

    assert [entry["event"] for entry in logs] == ["shopify.partial_errors"]


def test_a_query_with_errors_beside_its_data_is_no_answer(scripted, shopify):
    scripted.script = [errors("ACCESS_DENIED", data={"order": {"fullyPaid": True}}, path=["order", "email"])]

    failure(asked, shopify, Permanent)


def test_user_errors_are_told_in_shopifys_sentences(scripted, shopify, notes):
    sentences = [
        {"field": ["id"], "message": "Order cannot be marked as paid."},
        {"field": ["id"], "message": "Order cannot be marked as paid."},
        {"field": None, "message": "Because it is paid.", "code": "PAID"},
    ]
    scripted.script = [Answer({"data": {"orderMarkAsPaid": {"order": None, "userErrors": sentences}}})]

    refused = failure(told, shopify, Refused)
    assert refused.reason == "Shopify refused: Order cannot be marked as paid. Because it is paid."
    assert refused.remedy
    assert notes[0].outcome == "USER_ERROR"
