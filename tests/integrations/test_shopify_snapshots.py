"""Every amount, id and line of an order that Shopify tells comes through exactly, or is refused by its field's name."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from shopify_bodies import line, order, refusal, snapshot

from integrations.nouns import Money, PaymentStanding


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
