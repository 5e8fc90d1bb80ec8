"""The webhooks at Shopify are seen as they are, and those that are missing are added."""

import pytest
from shopify_shop import SHOP, gid, mug, refused

from integrations import registry
from integrations.ports import Permanent, Temporary
from integrations.storefronts.shopify import compliance, hooks, topics
from tests import shopify_schema

OURS, ELSEWHERE = "https://packline.example/hooks/shopify", "https://elsewhere.example/hooks"


def subscriptions(shop):
    return shop.sandbox.do(f"/shopify/subscriptions?shop={SHOP}")["subscriptions"]


def add(shop, *wanted, address=OURS):
    return shop.storefront.add_hook(wanted, address, "")


def test_every_topic_that_is_acted_on_can_be_subscribed_to_and_is_seen_to_stand(shop):
    shop.open(mug())
    wanted = registry.vendor("shopify").topics

    assert add(shop, *wanted) == ""

    found = shop.storefront.hooks()
    assert sorted(topic for hook in found for topic in hook.topics) == sorted(wanted)
    assert {hook.address for hook in found} == {OURS}
    assert {hook.remote_id for hook in found} == {gid(one) for one in subscriptions(shop)}
    assert all(hook.disabled_at is None for hook in found)


def test_only_what_is_missing_is_added(shop):
    shop.open(mug())
    add(shop, "orders/create", "orders/paid")
    lost = next(one for one in subscriptions(shop) if one["topic"] == "ORDERS_PAID")
    shop.sandbox.do(f"/shopify/subscriptions/{lost['id']}/drop", {})

    add(shop, "orders/create", "orders/paid", "orders/paid")

    assert sorted(one["topic"] for one in subscriptions(shop)) == ["ORDERS_CREATE", "ORDERS_PAID"]
    assert shop.asked("webhookSubscriptionCreate") == 3


def test_a_webhook_that_was_pointed_elsewhere_is_no_webhook_of_ours(shop):
    shop.open(mug())
    add(shop, "orders/create")
    (moved,) = subscriptions(shop)
    shop.sandbox.do(f"/shopify/subscriptions/{moved['id']}/point", {"uri": ELSEWHERE})

    (seen,) = shop.storefront.hooks()
    assert seen.address == ELSEWHERE
    add(shop, "orders/create")

    assert sorted(hook.address for hook in shop.storefront.hooks()) == [ELSEWHERE, OURS]


@pytest.mark.parametrize("kind", ["cut_after", "broken_json"])
def test_a_subscription_whose_answer_was_lost_is_looked_up(shop, kind):
    shop.open(mug())
    shop.fault(kind, "webhookSubscriptionCreate")

    add(shop, "orders/create")

    assert [one["topic"] for one in subscriptions(shop)] == ["ORDERS_CREATE"]
    assert shop.asked("webhookSubscriptionCreate") == 1


def test_a_refused_topic_costs_no_other(shop):
    shop.open(mug())

    wrong = refused(lambda: add(shop, "orders/create", "orders/paid", address="http://packline.example/hooks"))

    assert "protocol http:// is not supported" in wrong.reason
    assert shop.asked("webhookSubscriptionCreate") == 2


def test_a_shopify_that_is_down_is_asked_again_later(shop):
    shop.open(mug())
    shop.fault("5xx", "webhookSubscriptionCreate")

    refused(lambda: add(shop, "orders/create", "orders/paid"), Temporary)

    assert subscriptions(shop) == []


def test_all_pages_of_webhooks_are_read(shop):
    shop.open(mug())
    for number in range(5):
        add(shop, *topics.WANTED, address=f"{OURS}/{number}")

    assert len(shop.storefront.hooks()) == 5 * len(topics.WANTED) > 100


def test_enabling_has_nothing_to_do(shop):
    shop.open(mug())
    add(shop, "orders/create")
    shop.notes.clear()

    shop.storefront.enable_hook(shop.storefront.hooks()[0].remote_id, "")

    assert [note.verb for note in shop.notes] == ["ReadHooks"]


def test_a_subscription_is_dropped_once_and_one_that_is_gone_is_left_gone(shop):
    shop.open(mug())
    add(shop, "orders/create", "orders/paid")
    (first, second) = shop.storefront.hooks()
    for _ in range(2):
        shop.storefront.drop_hook(first.remote_id)
    assert shop.storefront.hooks() == [second]


def test_a_subscription_has_no_secret_of_its_own_to_renew(shop):
    shop.open(mug())
    with pytest.raises(Permanent, match="client secret"):
        shop.storefront.renew_hook("gid://shopify/WebhookSubscription/1", (), "https://x.example", "s")


@pytest.mark.parametrize("version", shopify_schema.VERSIONS)
def test_every_topic_is_a_word_of_shopifys(version):
    known = shopify_schema.schema(version).type_map["WebhookSubscriptionTopic"].values

    assert {hooks.word(topic) for topic in topics.WANTED} - set(known) == set()


def test_every_topic_that_is_acted_on_is_wanted():
    assert all(topics.reader_of(topic) for topic in topics.WANTED)
    by_configuration = {*compliance.COMPLIANCE, *compliance.OF_THE_APP}
    assert set(topics.TOPICS) - set(topics.WANTED) == {"orders/delete", *by_configuration}
    assert set(topics.FAMILIES) <= {topic.partition("/")[0] for topic in topics.WANTED}
    assert len(set(topics.WANTED)) == len(topics.WANTED)


@pytest.mark.parametrize(
    ("word", "wire"),
    [
        ("ORDERS_CREATE", "orders/create"),
        ("ORDERS_PARTIALLY_FULFILLED", "orders/partially_fulfilled"),
        ("ORDERS_RISK_ASSESSMENT_CHANGED", "orders/risk_assessment_changed"),
        ("ORDER_TRANSACTIONS_CREATE", "order_transactions/create"),
        ("FULFILLMENT_ORDERS_ORDER_ROUTING_COMPLETE", "fulfillment_orders/order_routing_complete"),
        ("FULFILLMENT_HOLDS_ADDED", "fulfillment_holds/added"),
        ("INVENTORY_LEVELS_UPDATE", "inventory_levels/update"),
    ],
)
def test_a_topic_has_one_name_in_the_schema_and_one_on_the_wire(word, wire):
    assert (hooks.wire(word), hooks.word(wire)) == (wire, word)
