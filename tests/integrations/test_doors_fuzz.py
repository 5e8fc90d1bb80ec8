"""Every door reads anything into a fact or a refusal by name, and no answer of a vendor's, however odd, leaves as more
than Temporary or Permanent."""

from __future__ import annotations

import inspect
import json
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_vendor import Answer
from shopify_shop import LABEL, TOKEN, gid, mug
from shopify_shop import SHOP as SHOP_DOMAIN
from test_easypost_carrier import BUYER, PARCEL, RENO

from integrations import registry, roles
from integrations.carriers.easypost import client as easypost_client
from integrations.carriers.easypost import words
from integrations.json_body import read_object
from integrations.nouns import (
    Assignment,
    Consignment,
    Ignored,
    Money,
    Noun,
    PaymentState,
    Scan,
    ShippedLine,
    StockChange,
    StockState,
    Swap,
    TakenBackLine,
    VoidState,
)
from integrations.ports import Credentials, Delivery, Keys, Origins, Permanent, Temporary, Unreadable
from integrations.storefronts.shopify import documents, orders
from tests import patient
from tests.odd_input import (
    BROKEN,
    ODD,
    QUICK,
    SAMPLES,
    changed,
    charge,
    intent,
    oddities,
    places,
    stripe_event,
    tracker,
)
from tests.shop import Said

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
DOORS = registry.doors()


# ------------------------------------------------------------------------------------------- deliveries


@QUICK
@given(
    vendor=st.sampled_from(sorted(DOORS)),
    body=st.binary(max_size=200) | st.sampled_from(sorted(BROKEN)),
    headers=st.dictionaries(
        st.sampled_from(
            [*(door.signature_header for door in DOORS.values()), "x-shopify-topic", "x-shopify-webhook-id",
             "x-shopify-event-id", "x-shopify-triggered-at", "x-shopify-test", "x-shopify-shop-domain"]
        ),
        st.text(max_size=300),
    ),
    secrets=st.lists(st.text(max_size=20), max_size=3),
)  # fmt: skip
def test_a_door_judges_anything_without_raising_and_names_it_within_bounds(vendor, body, headers, secrets):
    door = DOORS[vendor]
    delivery = Delivery(body=BROKEN[body] if isinstance(body, str) else body, headers=headers)

    assert door.genuine(delivery, secrets, NOW) is False
    envelope = door.envelope(delivery)

    assert 0 < len(envelope.delivery_id) <= 255
    for written in (envelope.topic, envelope.delivery_id, envelope.occasion):
        assert len(written) <= 255
        assert "\x00" not in written
        written.encode()
    account = door.account(delivery)
    assert account is None or account.endswith(".myshopify.com")


@QUICK
@given(odd=oddities(SAMPLES), live=st.booleans())
def test_a_delivery_with_anything_in_it_is_a_fact_or_a_refusal_that_can_be_stored_and_shown(odd, live):
    sample, body, _ = odd
    try:
        fact = DOORS[sample.vendor].read(sample.topic, Delivery(body=body, headers={}), live=live)
    except Unreadable as refusal:
        assert 0 < len(refusal.reason) < 300  # noqa: PT017 - both endings are allowed
        assert "\x00" not in refusal.reason  # noqa: PT017
        refusal.reason.encode()
        return
    assert isinstance(fact, Noun)
    assert "\\u0000" not in fact.model_dump_json()


@pytest.mark.parametrize("kind", sorted(BROKEN))
@pytest.mark.parametrize("vendor", sorted(DOORS))
def test_a_broken_body_is_refused_whoever_sent_it(vendor, kind):
    topic = next(sample.topic for sample in SAMPLES if sample.vendor == vendor)

    with pytest.raises(Unreadable):
        DOORS[vendor].read(topic, Delivery(body=BROKEN[kind], headers={}), live=False)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b'{"a": {"b": [1, {"c": "x\\u0000"}]}}', "a.b.1.c: holds a NUL character"),
        (b'{"a": {"b": "\\udc80"}}', "a.b: holds half of a surrogate pair"),
        (b'{"a": {"caf\\u00e9": "\\u0000"}}', "a.caf\\xe9: holds a NUL character"),
        (b'{"\\u0000": 1}', "the body: holds a NUL character"),
        (b'{"total": 1, "x": {"total": 2, "total": 3}}', "total: the body names this member twice"),
        (b'{"\\ud800": 1, "\\ud800": 2}', "\\ud800: the body names this member twice"),
    ],
)
def test_what_cannot_be_stored_is_refused_by_its_place(body, reason):
    with pytest.raises(Unreadable) as refused:
        read_object(body)

    assert refused.value.reason.startswith(reason)
    assert refused.value.reason.isascii()


# ------------------------------------------------------------------------------------------- unknown words


@pytest.fixture
def said(monkeypatch):
    lines = Said()
    for module in ("payments.stripe.objects", "carriers.easypost.words", "storefronts.shopify.orders"):
        monkeypatch.setattr(f"integrations.{module}.log", lines)
    return lines


def told(vendor, topic, body):
    return DOORS[vendor].read(topic, Delivery(body=json.dumps(body).encode(), headers={}), live=False)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("succeeded", PaymentState.PART_REFUNDED),
        ("paid", PaymentState.PART_REFUNDED),
        ("pending", PaymentState.PENDING),
        ("failed", PaymentState.FAILED),
        ("levitating", PaymentState.UNKNOWN),
    ],
)
def test_a_charge_in_a_state_that_we_do_not_know_is_unknown_and_logged(said, status, state):
    fact = told("stripe", "charge.refunded", stripe_event("charge.refunded", charge(status=status))).fact

    assert fact.state is state
    assert [line["event"] for line in said.lines] == (["stripe.unknown_state"] if state is PaymentState.UNKNOWN else [])


@pytest.mark.parametrize(
    ("word", "state"), [("refunded", VoidState.DONE), ("teleported", VoidState.UNKNOWN), (None, VoidState.UNKNOWN)]
)
def test_a_refund_of_postage_in_a_state_that_we_do_not_know_is_unknown_and_logged(said, word, state):
    assert words.void_state(word, where="shp_1") is state
    assert len(said.lines) == (state is VoidState.UNKNOWN)


@pytest.mark.parametrize("word", ["teleported", "DELIVERED", "in transit"])
def test_a_parcel_in_a_state_that_we_do_not_know_is_unknown_and_logged(said, word):
    assert words.parcel_status(word, where="trk_1").value == "unknown"
    assert [line["status"] for line in said.lines] == [word]


def test_an_advice_and_a_standing_that_we_do_not_know_are_unknown_and_logged(said):
    assert orders.advice("PRAY", "gid://shopify/Order/1").value == "unknown"
    assert orders.standing("PAID_IN_CHICKENS", "gid://shopify/Order/1").value == "unknown"
    assert [line["event"] for line in said.lines] == ["shopify.risk_unknown", "shopify.standing_unknown"]


@pytest.mark.parametrize("topic", ["payment_intent.levitated", "charge.refund.updated.v9", "x" * 255])
def test_a_topic_that_we_do_not_know_is_ignored_by_name(topic):
    assert told("stripe", topic, stripe_event(topic, intent())) == Ignored(reason=f"{topic} is not acted on")


@pytest.mark.parametrize("named", ["x" * 256, "é" * 5_000])
def test_a_note_that_is_too_long_for_an_order_s_name_names_none_and_the_money_is_heard_of(named):
    fact = told("stripe", "x", stripe_event("payment_intent.succeeded", intent())) and told(
        "stripe", "payment_intent.succeeded",
        stripe_event("payment_intent.succeeded", intent(metadata={"order_name": named, "order_id": named})),
    ).fact  # fmt: skip

    assert (fact.state, fact.order_name, fact.order_remote_id) == (PaymentState.PAID, "", "")


# ------------------------------------------------------------------------------------------- answers

ORDER, WORK = "gid://shopify/Order/1", "gid://shopify/FulfillmentOrder/1"
SHIPPED = "gid://shopify/Fulfillment/1"
GIVEN = {
    "remote_id": {"shopify": ORDER, "stripe": "pi_1", "easypost": "x"},
    "remote_ids": ["gid://shopify/ProductVariant/1"],
    "order_remote_id": ORDER,
    "work_remote_id": WORK,
    "line_remote_ids": ["gid://shopify/LineItem/1"],
    "fulfillment_remote_id": SHIPPED,
    "payment_remote_id": "pi_1",
    "lines": {
        "announce": [ShippedLine(line_remote_id="gid://shopify/LineItem/1", units=1)],
        "": [TakenBackLine(line_remote_id="gid://shopify/LineItem/1", units=1)],
    },
    "wanted": [
        Assignment(
            location_remote_id="gid://shopify/Location/1",
            lines=(ShippedLine(line_remote_id="gid://shopify/LineItem/1", units=1),),
        )
    ],
    "tracking": LABEL,
    "scan": Scan(at=NOW, status="in_transit"),
    "courier": "Bob's Bikes",
    "handle": "h", "reason": "staff", "notes": "n", "note": "n", "mark": "m", "key": "k", "secret": "s",
    "keys": Keys(mark="m", idempotency="k"),
    "hold_remote_ids": ["gid://shopify/FulfillmentHold/1"],
    "tags": ["a"],
    "restock": True, "refund": True, "tell_buyer": False, "begun": True, "known": (),
    "amount": Money(minor=100, currency="USD"),
    "since": NOW,
    "location_remote_ids": ["gid://shopify/Location/1"],
    "inventory_remote_id": "gid://shopify/InventoryItem/1",
    "location_remote_id": "gid://shopify/Location/1",
    "state": StockState.AVAILABLE, "seen": 3,
    "change": StockChange(
        inventory_remote_id="gid://shopify/InventoryItem/1",
        location_remote_id="gid://shopify/Location/1",
        put_to=StockState.AVAILABLE,
        units=1,
        cause="counted",
        document="gid://packline/Movement/1",
    ),
    "wish": Swap(
        line_remote_id="gid://shopify/LineItem/1", line_units=2,
        variant_remote_id="gid://shopify/ProductVariant/1", variant_units=0, units=1,
    ),
    "topics": ["tracker.updated"],
    "address": {"verify_address": RENO, "change_address": BUYER, "": "https://packline.example/hooks/x"},
    "consignment": Consignment(reference="a-1", sender=RENO, recipient=BUYER, parcel=PARCEL),
    "shipment_ref": "shp_1", "rate_ref": "rate_1", "tracker_ref": "trk_1",
}  # fmt: skip
ROLES = {"shopify": roles.Storefront, "stripe": roles.Payments, "easypost": roles.Carrier}
VERBS = [
    (vendor, verb)
    for vendor, role in ROLES.items()
    for verb, _ in inspect.getmembers(role, inspect.isfunction)
    if not verb.startswith("_") and verb != "fetch_label"  # a label comes from an address of the answer's, see below
]
GARBAGE = {
    **{name: BROKEN[name] for name in ("nothing", "half", "list", "text", "null", "deep", "latin-1", "utf-16", "gzip", "nul", "half-a-pair", "long-number", "not-a-number")},
    "html": b"<html><body>We will be back soon</body></html>",
    "number": b"7",
    "nothing-in-it": b"{}",
    "only-an-id": b'{"id": "x"}',
    "nulls": b'{"id": null, "object": null, "data": null, "status": null, "errors": null}',
    "wrong-kinds": b'{"id": 7, "object": [], "data": 7, "status": {}, "has_more": "perhaps", "errors": 7}',
    "a-list-of-nulls": b'{"data": [null, 7, "x", {}], "trackers": [null], "shipments": [null, 7], "webhooks": [null], "has_more": true}',
    "errors-of-nothing": b'{"errors": [null, 7, {}], "error": 7}',
    "no-data": b'{"data": {}}',
    "odd-data": b'{"data": {"order": [], "nodes": 7, "orders": null, "locations": {"nodes": [null]}, "fulfillment": "x"}}',
    "order-of-nulls": b'{"data": {"order": {"id": null, "fulfillmentOrders": null, "fulfillments": [null], "refunds": 7}}}',
    "things-of-nothing": b'{"data": {"order": {}, "fulfillmentOrder": {}, "fulfillment": {}, "inventoryItem": {}, "job": {}}}',
    "a-page-without-end": b'{"data": [{"id": "x", "created": 1}], "has_more": true, "shipments": [{"id": "x"}], "trackers": [{"id": "x"}]}',
}  # fmt: skip


def arguments(vendor, verb):
    wanted = inspect.signature(getattr(ROLES[vendor], verb)).parameters
    found = {}
    for name in wanted:
        if name == "self":
            continue
        value = GIVEN[name]
        if isinstance(value, dict):
            value = value[vendor] if vendor in value else value.get(verb, value.get(""))
        found[name] = value
    return found


@pytest.fixture
def connectors(scripted, monkeypatch):
    """All three connectors, whose vendors answer from one script."""
    monkeypatch.setattr(easypost_client, "BUY_TIMEOUT_S", (1, 2))
    monkeypatch.setattr(easypost_client, "ASK_TIMEOUT_S", (1, 2))
    origins = Origins(shopify=scripted.origin, stripe=scripted.origin, easypost=scripted.origin)
    secrets = {"api_key": "sk_test_garbage", "access_token": TOKEN}
    accounts = {"shopify": SHOP_DOMAIN, "stripe": "", "easypost": ""}
    return {
        vendor: registry.vendor(vendor).build(
            Credentials(account=account, live=True, secrets=secrets), origins, lambda _: None
        )
        for vendor, account in accounts.items()
    }


def ending(call):
    """What a verb came to: its value in our words, or one of the two failures; anything else goes through."""
    try:
        value = call()
        return list(value) if isinstance(value, Iterator) else value
    except (Temporary, Permanent) as failure:
        assert failure.reason  # noqa: PT017 - both endings are allowed
        failure.reason.encode()
        return failure


@pytest.mark.parametrize(("vendor", "verb"), VERBS)
def test_no_garbage_of_a_vendor_s_leaves_a_verb_but_as_one_of_the_two_failures(connectors, scripted, vendor, verb):
    ends = {}
    for kind, body in GARBAGE.items():
        # Fewer than the pages that would be turned for ever; beyond the script every call is answered 599.
        scripted.script[:] = [Answer(body, headers={"Content-Type": "application/json"}) for _ in range(6)]
        ends[kind] = ending(lambda: getattr(connectors[vendor], verb)(**arguments(vendor, verb)))

    # No page of HTML, no half of an answer and no list is ever taken for the thing that was asked for.
    # Shopify's webhooks are never disabled, so there is nobody to ask.
    if (vendor, verb) != ("shopify", "enable_hook"):
        assert all(isinstance(ends[kind], Temporary | Permanent) for kind in ("nothing", "half", "html")), ends


def test_no_garbage_is_taken_for_a_label(connectors, scripted):
    for body in GARBAGE.values():
        scripted.script[:] = [Answer(body)]
        failure = ending(lambda: connectors["easypost"].fetch_label(f"{scripted.origin}/label.pdf"))
        assert isinstance(failure, Temporary | Permanent)


SHIPMENT = {
    "id": "shp_1", "tracking_code": "9400", "refund_status": "submitted", "tracker": tracker(),
    "selected_rate": {"id": "rate_1", "carrier": "USPS", "service": "Priority", "rate": "7.50", "currency": "USD", "delivery_days": 2},
    "rates": [{"id": "rate_1", "carrier": "USPS", "service": "Priority", "rate": "7.50", "currency": "USD", "delivery_days": 2}],
    "messages": [{"carrier": "UPS", "message": "no such account", "type": "rate_error"}],
    "postage_label": {"label_url": "https://x.example/l.png", "label_file_type": "image/png"},
}  # fmt: skip
ADDRESS = {
    "id": "adr_1", "street1": "X", "city": "Y", "zip": "1", "country": "US", "residential": True,
    "verifications": {"delivery": {"success": False, "errors": [{"code": "E.X", "field": "street1", "message": "No."}]}},
}  # fmt: skip
ANSWERS = [
    ("easypost", "track", tracker()),
    ("easypost", "find_label", SHIPMENT),
    ("easypost", "quote", SHIPMENT),
    ("easypost", "buy", SHIPMENT),
    ("easypost", "void", SHIPMENT),
    ("easypost", "verify_address", ADDRESS),
    ("stripe", "read_payment", intent(latest_charge=charge())),
    ("stripe", "cancel", intent(status="canceled")),
]


@QUICK
@given(
    chosen=st.sampled_from(ANSWERS).flatmap(
        lambda answer: st.tuples(st.just(answer), st.sampled_from(list(places(answer[2]))), st.sampled_from(ODD))
    )
)
def test_an_answer_with_one_odd_field_is_understood_or_refused(connectors, scripted, chosen):
    (vendor, verb, answer), place, odd = chosen
    scripted.script[:] = [Answer(changed(answer, place, odd)) for _ in range(6)]

    end = ending(lambda: getattr(connectors[vendor], verb)(**arguments(vendor, verb)))

    assert isinstance(end, Noun | VoidState | Temporary | Permanent | None)
    if isinstance(end, Noun):
        end.model_dump_json().encode()


def test_a_store_s_answer_with_one_odd_field_is_understood_or_refused(shop, connectors, scripted):
    shop.open(mug(), mug("POT"))
    placed = shop.order(("MUG", 2), ("POT", 1))
    question = {"query": documents.text("ReadOrder"), "variables": {"id": gid(placed)}, "operationName": "ReadOrder"}
    url = f"{shop.sandbox.origin}/admin/api/2026-10/graphql.json"
    whole = patient.post(url, json=question, headers={"X-Shopify-Access-Token": TOKEN}, trust_env=False).json()
    scripted.script[:] = [Answer(whole)]
    assert connectors["shopify"].read_order(gid(placed)).snapshot.name == placed["name"]

    @QUICK
    @given(place=st.sampled_from(list(places(whole["data"]["order"]))), odd=st.sampled_from(ODD))
    def check(place, odd):
        scripted.script[:] = [Answer(changed(whole, ("data", "order", *place), odd)) for _ in range(6)]
        end = ending(lambda: connectors["shopify"].read_order(gid(placed)))
        if isinstance(end, Noun):
            end.model_dump_json().encode()

    check()
