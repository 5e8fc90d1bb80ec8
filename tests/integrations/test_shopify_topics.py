"""What Shopify's webhooks say is told in our words, exactly, or refused by the name of the field."""

from datetime import UTC, datetime

import pytest
from shopify_bodies import order, read, refusal

from integrations.nouns import Address, Ignored, Money, OrderCancelled, OrderChanged, PaymentStanding, WorkRouted
from integrations.storefronts.shopify import compliance, topics


@pytest.mark.parametrize(
    "topic", ["orders/create", "orders/updated", "orders/paid", "orders/fulfilled", "orders/partially_fulfilled"]
)
def test_an_order_is_told_whole(topic):
    fact = read(topic, order())

    assert isinstance(fact, OrderChanged)
    assert fact.remote_id == "gid://shopify/Order/31"
    told = fact.snapshot
    assert (told.remote_id, told.name, told.currency) == ("gid://shopify/Order/31", "#1001", "USD")
    assert told.placed_at == datetime(2026, 11, 20, 14, 30, tzinfo=UTC)
    assert told.updated_at == datetime(2026, 11, 20, 14, 31, 2, tzinfo=UTC)
    assert told.updated_at.tzinfo is UTC
    assert (told.total, told.standing) == (Money(minor=3200, currency="USD"), PaymentStanding.PAID)
    assert (told.email, told.phone, told.tags) == ("ada@example.com", "+12125550100", ("wholesale", "gift"))
    assert told.goods == Money(minor=2700, currency="USD")
    assert (told.shipping_title, told.shipping_paid) == ("Ground", Money(minor=500, currency="USD"))
    assert (told.cancelled_at, told.test) == (None, False)
    assert told.ship_to == Address(
        name="Ada Byron",
        street1="12 St James's Square",
        city="New York",
        region="NY",
        postcode="10001",
        country="US",
        phone="+12125550100",
        email="ada@example.com",
        latitude=40.7,
    )
    (only,) = told.lines
    assert (only.remote_id, only.variant_remote_id) == ("gid://shopify/LineItem/41", "gid://shopify/ProductVariant/51")
    assert (only.sku, only.title, only.units, only.unit_grams) == ("MUG-BLUE", "Mug - Blue", 2, 350)
    assert (only.unit_price, only.needs_shipping) == (Money(minor=1250, currency="USD"), True)


def test_an_order_that_was_cancelled_and_then_updated_stays_a_changed_order():
    fact = read("orders/updated", order(cancelled_at="2026-11-20T10:00:00Z", cancel_reason="customer"))

    assert isinstance(fact, OrderChanged)
    assert fact.snapshot.cancelled_at == datetime(2026, 11, 20, 10, tzinfo=UTC)


def test_a_cancellation_names_its_moment_and_its_reason():
    fact = read("orders/cancelled", order(cancelled_at="2026-11-20T10:00:00Z", cancel_reason="fraud"))

    at = datetime(2026, 11, 20, 10, tzinfo=UTC)
    assert fact == OrderCancelled(remote_id="gid://shopify/Order/31", at=at, reason="fraud")


def test_a_cancellation_is_heard_even_where_the_rest_of_the_order_is_strange():
    body = {"id": 31, "updated_at": "2026-11-20T10:00:00Z", "line_items": "none of your business"}

    assert read("orders/cancelled", body).remote_id == "gid://shopify/Order/31"
    assert "admin_graphql_api_id" in refusal("orders/cancelled", {"updated_at": "2026-11-20T10:00:00Z"})


def test_an_edit_names_the_order_and_leaves_the_rest_to_reading_it():
    body = {"order_edit": {"id": 7, "order_id": 31, "line_items": {"additions": [{"id": 9, "delta": 1}]}}}

    assert read("orders/edited", body) == OrderChanged(remote_id="gid://shopify/Order/31")
    assert "order_edit" in refusal("orders/edited", order())


def test_a_transaction_means_that_its_order_is_to_be_read():
    body = {"id": 8, "order_id": 31, "kind": "capture", "status": "success", "amount": "32.00"}

    assert read("order_transactions/create", body) == OrderChanged(remote_id="gid://shopify/Order/31")


@pytest.mark.parametrize(
    "named", [{"order_id": "31"}, {"order_id": 31}, {"admin_graphql_api_order_id": "gid://shopify/Order/31"}]
)
def test_a_new_risk_means_that_its_order_is_to_be_read(named):
    body = {"provider_id": None, "risk_level": "high", "created_at": None} | named

    assert read("orders/risk_assessment_changed", body) == OrderChanged(remote_id="gid://shopify/Order/31")


def test_a_risk_of_no_order_is_passed_over():
    body = {"order_id": None, "admin_graphql_api_order_id": None, "risk_level": "high"}

    assert isinstance(read("orders/risk_assessment_changed", body), Ignored)


def test_a_deleted_order_and_an_unknown_topic_are_passed_over_with_a_reason():
    assert "deleted" in read("orders/delete", {"id": 31}).reason
    assert "themes/create" in read("themes/create", {"id": 1}).reason
    assert read("", {}).reason


@pytest.mark.parametrize(
    ("topic", "body", "work"),
    [
        ("order_routing_complete", {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/1"}}, "1"),
        (
            "moved",
            {
                "original_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/1", "status": "closed"},
                "moved_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/2", "status": "open"},
                "source_location": {"id": "gid://shopify/Location/9"},
            },
            "2",
        ),
        (
            "split",
            {
                "split_line_items": [{"id": "gid://shopify/FulfillmentOrderLineItem/1", "quantity": 1}],
                "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/3"},
                "remaining_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/4"},
            },
            "3",
        ),
        (
            "merged",
            {
                "merge_intents": [{"fulfillment_order_id": 1}],
                "fulfillment_order_merges": {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/5"}},
            },
            "5",
        ),
        (
            "merged",
            {"fulfillment_order_merges": [{"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/6"}}]},
            "6",
        ),
        (
            "fulfillment_request_submitted",
            {"submitted_fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/7"}},
            "7",
        ),
        ("some_topic_of_next_year", {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/8"}}, "8"),
    ],
)
def test_routed_work_is_named_and_nothing_more(topic, body, work):
    expected = WorkRouted(work_remote_id=f"gid://shopify/FulfillmentOrder/{work}")

    assert read(f"fulfillment_orders/{topic}", body) == expected


def test_work_that_was_made_ready_for_pickup_says_so():
    body = {"fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/9", "status": "in_progress"}}

    fact = read("fulfillment_orders/line_items_prepared_for_pickup", body)

    assert fact == WorkRouted(work_remote_id="gid://shopify/FulfillmentOrder/9", made_ready=True)


def test_a_hold_that_was_added_names_its_work():
    body = {
        "fulfillment_hold": {"id": "gid://shopify/FulfillmentHold/1", "reason": "other"},
        "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/1"},
    }

    assert read("fulfillment_holds/added", body) == WorkRouted(work_remote_id="gid://shopify/FulfillmentOrder/1")
    assert "no fulfillment order" in refusal("fulfillment_holds/added", {"fulfillment_hold": {"id": "x"}})


def test_every_topic_of_the_table_is_a_topic_of_shopify_s():
    from tests import shopify_schema

    known = set(shopify_schema.schema("2026-10").type_map["WebhookSubscriptionTopic"].values)
    # The compliance topics are an app's configuration's alone, and stand in no enumeration of the Admin API.
    written = {topic.upper().replace("/", "_") for topic in topics.TOPICS if topic not in compliance.COMPLIANCE}

    assert written <= known
    for family in topics.FAMILIES:
        assert any(topic.startswith(family.upper() + "_") for topic in known)
