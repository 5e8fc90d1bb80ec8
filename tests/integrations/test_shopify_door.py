"""Shopify's door opens to what Shopify signed, to nothing else, and does not fall over whatever stands before it."""

import base64
import hashlib
import hmac
import json
from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integrations.nouns import Fact, Ignored, OrderChanged
from integrations.ports import Delivery, Unreadable
from integrations.storefronts.shopify import VENDOR

DOOR = VENDOR.door
NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
BODY = b'{"id": 1, "note": "caf\xc3\xa9"}'
CURRENT, PREVIOUS = "hush-current", "hush-previous"

header_text = st.text(st.characters(codec=None), max_size=60)


def signed(body, secret):
    return base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()


def delivery(body=BODY, **headers):
    return Delivery(body=body, headers={name.replace("_", "-"): value for name, value in headers.items()})


def genuine(given_signature, body=BODY, secrets=(CURRENT, PREVIOUS)):
    headers = {} if given_signature is None else {"x-shopify-hmac-sha256": given_signature}
    return DOOR.genuine(Delivery(body=body, headers=headers), secrets, NOW)


@pytest.mark.parametrize("secret", [CURRENT, PREVIOUS])
def test_the_current_and_the_previous_secret_open_the_door(secret):
    assert genuine(signed(BODY, secret))


def test_a_documented_signature_is_recognised():
    # RFC 4231, test case 2, in Shopify's base64: the key "Jefe" over "what do ya want for nothing?".
    vector = base64.b64encode(
        bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")
    ).decode()

    assert genuine(vector, b"what do ya want for nothing?", ["Jefe"])


@pytest.mark.parametrize(
    "given_signature",
    [
        None,
        "",
        " ",
        "not base64 at all!",
        signed(BODY, "somebody else"),
        signed(BODY + b" ", CURRENT),
        signed(BODY, CURRENT)[:-1],
        signed(BODY, CURRENT).lower(),
        hmac.new(CURRENT.encode(), BODY, hashlib.sha256).hexdigest(),
        "Ünïcode",
        "\udcff\udc80",
        "\ud800",
        "x" * 100_000,
    ],
)
def test_any_other_signature_is_refused_without_an_error(given_signature):
    assert genuine(given_signature) is False


def test_one_changed_byte_is_refused():
    assert not genuine(signed(BODY, CURRENT), BODY.replace(b"1", b"2"))


@pytest.mark.parametrize("secrets", [(), ("",), ("", "")])
def test_without_a_secret_nobody_may_sign(secrets):
    assert not genuine(signed(BODY, ""), BODY, secrets)


@given(st.binary(max_size=200), header_text, st.lists(st.text(st.characters(codec=None), max_size=20), max_size=3))
def test_no_signature_makes_the_door_raise(body, given_signature, secrets):
    assert genuine(given_signature, body, secrets) is False


@pytest.mark.parametrize(
    ("given_shop", "account"),
    [
        ("packline-demo.myshopify.com", "packline-demo.myshopify.com"),
        ("Packline-Demo.MyShopify.com", "packline-demo.myshopify.com"),
        ("1.myshopify.com", "1.myshopify.com"),
        ("-demo.myshopify.com", None),
        ("demo.myshopify.com.evil.example", None),
        ("evil.example/demo.myshopify.com", None),
        ("demo.myshopify.com\n", "demo.myshopify.com"),
        ("a.b.myshopify.com", None),
        ("d\u00e9mo.myshopify.com", None),
        (".myshopify.com", None),
        ("a" * 300 + ".myshopify.com", None),
        ("", None),
    ],
)
def test_the_account_is_a_shop_domain_or_nothing(given_shop, account):
    assert DOOR.account(delivery(x_shopify_shop_domain=given_shop)) == account
    assert DOOR.account(delivery()) is None


def test_an_envelope_takes_its_names_from_the_headers():
    envelope = DOOR.envelope(
        delivery(
            x_shopify_topic="orders/create", x_shopify_webhook_id="d1", x_shopify_event_id="e1", x_shopify_test="false"
        )
    )

    assert (envelope.topic, envelope.delivery_id, envelope.occasion) == ("orders/create", "d1", "")


@pytest.mark.parametrize(
    "topic",
    [
        "orders/create",
        "orders/updated",
        "orders/paid",
        "orders/cancelled",
        "orders/edited",
        "orders/fulfilled",
        "orders/partially_fulfilled",
        "orders/delete",
        "order_transactions/create",
    ],
)
def test_equal_bodies_that_carry_their_own_time_are_one_fact(topic):
    assert DOOR.envelope(delivery(x_shopify_topic=topic, x_shopify_event_id="e1")).occasion == ""


@pytest.mark.parametrize(
    "topic",
    [
        "fulfillment_orders/moved",
        "fulfillment_orders/placed_on_hold",
        "fulfillment_holds/added",
        "orders/risk_assessment_changed",
        "app/uninstalled",
        "something/new",
    ],
)
def test_equal_bodies_that_hold_only_ids_are_told_apart_by_their_occasion(topic):
    first = delivery(x_shopify_topic=topic, x_shopify_event_id="e1", x_shopify_triggered_at="2026-11-21T12:00:00Z")
    second = delivery(x_shopify_topic=topic, x_shopify_event_id="e2", x_shopify_triggered_at="2026-11-21T12:00:00Z")
    no_event = delivery(x_shopify_topic=topic, x_shopify_triggered_at="2026-11-21T12:00:00Z")

    assert DOOR.envelope(first).occasion == "e1"
    assert DOOR.envelope(second).occasion == "e2"
    assert DOOR.envelope(no_event).occasion == "2026-11-21T12:00:00Z"


def test_a_delivery_without_an_id_is_known_by_what_it_says():
    same = [DOOR.envelope(delivery(x_shopify_topic="orders/create")).delivery_id for _ in range(2)]
    others = [
        DOOR.envelope(delivery(x_shopify_topic="orders/paid")).delivery_id,
        DOOR.envelope(delivery(b"{}", x_shopify_topic="orders/create")).delivery_id,
    ]

    assert same[0] == same[1]
    assert len({same[0], *others}) == 3


@pytest.mark.parametrize("odd", ["x" * 256, "two words", "caf\u00e9", "\udc80", "nul\x00"])
def test_an_odd_id_or_topic_is_not_believed(odd):
    envelope = DOOR.envelope(delivery(x_shopify_topic=odd, x_shopify_webhook_id=odd, x_shopify_event_id=odd))

    assert (envelope.topic, envelope.occasion) == ("", "")
    assert len(envelope.delivery_id) == 64


@given(
    st.binary(max_size=100),
    st.dictionaries(
        st.sampled_from(
            [
                "x-shopify-topic",
                "x-shopify-shop-domain",
                "x-shopify-webhook-id",
                "x-shopify-event-id",
                "x-shopify-triggered-at",
                "x-shopify-hmac-sha256",
            ]
        ),
        header_text | st.text("a/", min_size=250, max_size=300),
    ),
)
def test_no_headers_make_the_envelope_raise_or_grow(body, headers):
    arrived = Delivery(body=body, headers=headers)
    envelope = DOOR.envelope(arrived)

    assert all(len(name) <= 255 for name in (envelope.topic, envelope.delivery_id, envelope.occasion))
    assert all(name.isascii() for name in (envelope.topic, envelope.delivery_id, envelope.occasion))
    assert envelope.delivery_id
    DOOR.account(arrived)


def test_a_sample_triggered_by_hand_never_touches_a_live_store():
    sample = delivery(json.dumps({"order_edit": {"order_id": 5}}).encode(), x_shopify_test="true")

    assert isinstance(DOOR.read("orders/edited", sample, live=True), Ignored)
    assert DOOR.read("orders/edited", sample, live=False) == OrderChanged(remote_id="gid://shopify/Order/5")


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"[]",
        b"null",
        b"12",
        b"{",
        b"\xff{}",
        b'{"id": 1, "id": 2}',
        b'{"id": NaN}',
        b'{"id": ' + b"9" * 5000 + b"}",
        b'{"id": "\\ud800"}',
        b'{"id": "\\u0000"}',
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        b"[" * 100_000,
    ],
)
def test_a_body_that_no_two_readers_would_read_alike_is_unreadable(body):
    with pytest.raises(Unreadable):
        DOOR.read("orders/create", delivery(body), live=True)


@given(
    st.binary(max_size=300), st.sampled_from(["orders/create", "orders/edited", "fulfillment_orders/moved", "", "x"])
)
def test_any_body_is_a_fact_or_unreadable(body, topic):
    with suppress(Unreadable):
        assert isinstance(DOOR.read(topic, delivery(body), live=True), Fact)
