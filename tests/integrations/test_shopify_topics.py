"""What Shopify's webhooks say is told in our words, exactly, or refused by the name of the field."""

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.nouns import (
    Address,
    Ignored,
    Money,
    OrderCancelled,
    OrderChanged,
    PaymentStanding,
    WorkRouted,
)
from integrations.ports import Delivery, Unreadable
from integrations.storefronts.shopify import VENDOR, topics


def line(**changes):
    return {
        "id": 41,
        "admin_graphql_api_id": "gid://shopify/LineItem/41",
        "variant_id": 51,
        "sku": "MUG-BLUE",
        "name": "Mug - Blue",
        "title": "Mug",
        "quantity": 3,
        "current_quantity": 2,
        "price": "12.50",
        "grams": 350,
        "requires_shipping": True,
        "properties": [{"name": "engraving", "value": "for Ada"}],
    } | changes


def order(**changes):
    """An order as webhooks tell it: the fields we read among others that we do not."""
    return {
        "id": 31,
        "admin_graphql_api_id": "gid://shopify/Order/31",
        "name": "#1001",
        "created_at": "2026-11-20T09:30:00-05:00",
        "updated_at": "2026-11-20T09:31:02-05:00",
        "cancelled_at": None,
        "cancel_reason": None,
        "currency": "USD",
        "total_price": "37.00",
        "current_total_price": "32.00",
        "financial_status": "paid",
        "line_items": [line()],
        "shipping_address": {
            "first_name": "Ada",
            "last_name": "Byron",
            "name": "Ada Byron",
            "company": None,
            "address1": "12 St James's Square",
            "address2": None,
            "city": "New York",
            "province": "New York",
            "province_code": "NY",
            "zip": "10001",
            "country": "United States",
            "country_code": "US",
            "phone": None,
            "latitude": 40.7,
        },
        "shipping_lines": [
            {"title": "Ground", "price": "7.00", "discounted_price": "5.00", "is_removed": False},
            {"title": "Air", "price": "20.00", "discounted_price": "20.00", "is_removed": True},
        ],
        "email": "ada@example.com",
        "contact_email": "other@example.com",
        "phone": "+12125550100",
        "tags": "wholesale, gift ",
        "test": False,
        "tax_lines": [],
    } | changes


def read(topic, body, live=True):
    return VENDOR.door.read(topic, Delivery(body=json.dumps(body).encode(), headers={}), live=live)


def snapshot(**changes):
    return read("orders/updated", order(**changes)).snapshot


def refusal(topic, body):
    with pytest.raises(Unreadable) as caught:
        read(topic, body)
    return caught.value.reason


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
    assert "app/uninstalled" in read("app/uninstalled", {"id": 1}).reason
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


def test_a_hold_that_was_added_names_its_work():
    body = {
        "fulfillment_hold": {"id": "gid://shopify/FulfillmentHold/1", "reason": "other"},
        "fulfillment_order": {"id": "gid://shopify/FulfillmentOrder/1"},
    }

    assert read("fulfillment_holds/added", body) == WorkRouted(work_remote_id="gid://shopify/FulfillmentOrder/1")
    assert "no fulfillment order" in refusal("fulfillment_holds/added", {"fulfillment_hold": {"id": "x"}})


@pytest.mark.parametrize(
    ("amount", "currency", "minor"),
    [
        ("12.00", "USD", 1200),
        ("12", "USD", 1200),
        ("12.5", "EUR", 1250),
        ("12.500", "USD", 1250),
        ("0.00", "USD", 0),
        ("-3.10", "USD", -310),
        ("1200", "JPY", 1200),
        ("1200.0", "JPY", 1200),
        ("1.234", "KWD", 1234),
        ("1.2", "KWD", 1200),
        (12, "USD", 1200),
        (19.99, "USD", 1999),
    ],
)
def test_an_amount_is_read_to_the_last_minor_unit(amount, currency, minor):
    told = snapshot(current_total_price=amount, currency=currency, line_items=[line(price=amount)], shipping_lines=[])

    assert told.total == Money(minor=minor, currency=currency)
    assert told.lines[0].unit_price == Money(minor=minor, currency=currency)


@pytest.mark.parametrize(
    ("amount", "currency"),
    [
        ("12.345", "USD"),
        ("12.5", "JPY"),
        ("1.2345", "KWD"),
        ("twelve", "USD"),
        ("", "USD"),
        ("1e9", "USD"),
        ("NaN", "USD"),
        ("Infinity", "USD"),
        ("12,00", "USD"),
        ("9" * 16, "USD"),
        ("\u0661\u0662", "USD"),
    ],
)
def test_an_amount_that_would_have_to_be_rounded_or_guessed_is_refused(amount, currency):
    reason = refusal("orders/create", order(current_total_price=amount, currency=currency, line_items=[]))

    assert "amount" in reason
    assert amount == "" or amount not in reason


@given(st.integers(min_value=0, max_value=10**12))
def test_every_amount_of_cents_comes_through_unchanged(cents):
    told = snapshot(current_total_price=f"{cents // 100}.{cents % 100:02}", line_items=[])

    assert told.total.minor == cents


def test_a_total_before_returns_stands_in_where_there_is_no_current_one():
    assert snapshot(current_total_price=None).total.minor == 3700
    assert "amount" in refusal("orders/create", order(current_total_price=None, total_price=None))


@pytest.mark.parametrize(
    ("named", "remote_id"),
    [
        ({"id": 31, "admin_graphql_api_id": None}, "gid://shopify/Order/31"),
        ({"id": "31", "admin_graphql_api_id": None}, "gid://shopify/Order/31"),
        ({"id": "gid://shopify/Order/31", "admin_graphql_api_id": None}, "gid://shopify/Order/31"),
        # A JSON reader between Shopify and us rounded the number; the gid is text and whole.
        (
            {"id": 820982911946154500, "admin_graphql_api_id": "gid://shopify/Order/820982911946154508"},
            "gid://shopify/Order/820982911946154508",
        ),
    ],
)
def test_an_order_has_one_name_however_shopify_writes_its_id(named, remote_id):
    assert snapshot(**named).remote_id == remote_id


@pytest.mark.parametrize(
    "named",
    [
        {"id": None, "admin_graphql_api_id": None},
        {"id": 0, "admin_graphql_api_id": None},
        {"id": -31},
        {"id": True},
        {"id": 31.5},
        {"id": 2**64},
        {"id": "31; drop"},
        {"admin_graphql_api_id": "gid://shopify/Customer/31"},
        {"admin_graphql_api_id": "gid://shopify/Order/"},
    ],
)
def test_an_id_that_is_none_is_refused(named):
    assert "id" in refusal("orders/create", order(**named))


def test_a_line_that_was_removed_or_edited_counts_what_the_buyer_still_wants():
    told = snapshot(
        line_items=[
            line(id=1, admin_graphql_api_id=None, current_quantity=0),
            line(id=2, admin_graphql_api_id=None, current_quantity=None),
            line(id=3, admin_graphql_api_id=None, quantity=5, current_quantity=4),
        ]
    )

    assert [(one.remote_id, one.units) for one in told.lines] == [
        ("gid://shopify/LineItem/1", 0),
        ("gid://shopify/LineItem/2", 3),
        ("gid://shopify/LineItem/3", 4),
    ]
    without = line()
    del without["current_quantity"]
    assert snapshot(line_items=[without]).lines[0].units == 3


def test_a_custom_line_has_no_variant_and_a_gift_card_needs_no_shipping():
    told = snapshot(line_items=[line(variant_id=None, sku=None, grams=None, requires_shipping=False)])

    assert (told.lines[0].variant_remote_id, told.lines[0].sku, told.lines[0].unit_grams) == ("", "", 0)
    assert not told.lines[0].needs_shipping


def test_an_order_without_buyers_data_is_an_order_all_the_same():
    told = snapshot(
        shipping_address=None, email=None, contact_email=None, phone=None, tags=None, shipping_lines=None, test=None
    )

    assert (told.ship_to, told.email, told.phone, told.tags) == (None, "", "", ())
    assert (told.shipping_title, told.shipping_paid, told.test) == ("", None, False)
    blank = dict.fromkeys(order()["shipping_address"])
    assert snapshot(shipping_address=blank).ship_to is None


def test_the_contact_address_stands_in_for_the_order_s_own():
    assert snapshot(email=None).email == "other@example.com"
    assert snapshot(email=None).ship_to.email == "other@example.com"


def test_a_name_is_put_together_where_shopify_sends_only_its_parts():
    place = order()["shipping_address"] | {"name": None}

    assert snapshot(shipping_address=place).ship_to.name == "Ada Byron"


@pytest.mark.parametrize(
    ("word", "standing"),
    [
        ("pending", PaymentStanding.UNPAID),
        ("authorized", PaymentStanding.AUTHORISED),
        ("partially_paid", PaymentStanding.PART_PAID),
        ("paid", PaymentStanding.PAID),
        ("partially_refunded", PaymentStanding.PART_REFUNDED),
        ("refunded", PaymentStanding.REFUNDED),
        ("voided", PaymentStanding.VOIDED),
        ("expired", PaymentStanding.EXPIRED),
        ("paid_in_chickens", PaymentStanding.UNKNOWN),
        (None, PaymentStanding.UNKNOWN),
    ],
)
def test_the_money_s_standing_is_shopify_s_word_in_ours_and_never_a_guess(word, standing):
    assert snapshot(financial_status=word).standing is standing


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("updated_at", None),
        ("updated_at", "yesterday"),
        ("created_at", "2026-11-20T09:30:00"),
        ("created_at", "9999-12-31T23:59:59-05:00"),
        ("currency", "usd"),
        ("currency", None),
        ("line_items", None),
        ("line_items", {}),
        ("name", 7),
    ],
)
def test_what_cannot_be_read_is_refused_by_the_name_of_the_field(field, value):
    assert field in refusal("orders/create", order(**{field: value}))


@pytest.mark.parametrize(
    "changes", [{"quantity": -1}, {"quantity": 2**31}, {"grams": 10**12}, {"price": None}, {"name": []}]
)
def test_a_strange_line_is_refused_by_its_number(changes):
    reason = refusal("orders/create", order(line_items=[line(), line(**changes)]))

    assert "line_items.1" in reason or "amount" in reason


def test_a_refusal_repeats_nothing_personal():
    place = order()["shipping_address"] | {"city": ["Secretville"]}

    assert "Secretville" not in refusal("orders/create", order(shipping_address=place))


def test_every_topic_of_the_table_is_a_topic_of_shopify_s():
    from tests import shopify_schema

    known = set(shopify_schema.schema("2026-10").type_map["WebhookSubscriptionTopic"].values)
    written = {topic.upper().replace("/", "_") for topic in topics.TOPICS}

    assert written <= known
    for family in topics.FAMILIES:
        assert any(topic.startswith(family.upper() + "_") for topic in known)
