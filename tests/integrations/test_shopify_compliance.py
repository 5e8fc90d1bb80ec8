"""What Shopify tells of a leaving store, of buyers' wishes and of permissions, by its own samples."""

from __future__ import annotations

import pytest
from shopify_bodies import read, refusal

from integrations import registry
from integrations.nouns import (
    AppUninstalled,
    BuyerDataWanted,
    BuyerToForget,
    NamedBuyer,
    NamedShop,
    ScopesChanged,
    ShopToForget,
)
from integrations.storefronts.shopify import compliance, topics
from jobs import privacy

# The samples of https://shopify.dev/docs/api/webhooks, with a shop's name in the place of its gap.
CUSTOMER = {"id": 191167, "email": "john@example.com", "phone": "555-625-1199"}
OF_THE_SHOP = {"shop_id": 954889, "shop_domain": "Acme.myshopify.com"}
SHOP = NamedShop(remote_account_id="954889", account="acme.myshopify.com")
ORDERS = tuple(f"gid://shopify/Order/{number}" for number in (299938, 280263, 220458))
JOHN = NamedBuyer(remote_id="191167", email="john@example.com", phone="555-625-1199", orders=ORDERS)


def test_a_buyer_wants_to_be_shown():
    body = OF_THE_SHOP | {
        "customer": CUSTOMER,
        "orders_requested": [299938, 280263, 220458],
        "data_request": {"id": 9999},
    }

    assert read("customers/data_request", body) == BuyerDataWanted(shop=SHOP, remote_id="9999", buyer=JOHN)


def test_a_buyer_wants_to_be_forgotten():
    body = OF_THE_SHOP | {"customer": CUSTOMER, "orders_to_redact": [299938, 280263, 220458]}

    assert read("customers/redact", body) == BuyerToForget(shop=SHOP, buyer=JOHN)
    assert read(
        "customers/redact", body | {"customer": {"id": None, "email": None, "phone": None}, "orders_to_redact": None}
    ) == (BuyerToForget(shop=SHOP, buyer=NamedBuyer()))


def test_a_shop_is_to_be_forgotten():
    assert read("shop/redact", OF_THE_SHOP) == ShopToForget(shop=SHOP)


def test_a_shop_has_left_and_its_domain_may_be_null():
    body = {"id": 548380009, "name": "Super Toys", "domain": None, "myshopify_domain": None}

    assert read("app/uninstalled", body) == AppUninstalled(shop=NamedShop(remote_account_id="548380009"))
    assert read(
        "app/uninstalled", body | {"domain": "toys.example", "myshopify_domain": "Toys.myshopify.com"}
    ).shop.account == ("toys.myshopify.com")


def test_permissions_have_changed():
    body = {"id": 1, "shop_id": "gid://shopify/Shop/954889", "previous": ["write_orders"], "current": ["write_orders", "read_products"],
            "updated_at": "2026-11-22T10:00:00.000Z"}  # fmt: skip
    fact = read("app/scopes_update", body)

    assert isinstance(fact, ScopesChanged)
    assert (fact.shop, fact.scopes) == (NamedShop(remote_account_id="954889"), ("read_products", "write_orders"))
    assert any(sentence.startswith("write_fulfillments is not granted.") for sentence in fact.lacking)
    assert not any("write_orders" in sentence.split(" ")[0] for sentence in fact.lacking)


@pytest.mark.parametrize(
    ("topic", "body", "field"),
    [
        ("shop/redact", {}, "neither the shop's id nor its domain"),
        ("shop/redact", {"shop_id": "954889x"}, "shop_id"),
        ("customers/redact", OF_THE_SHOP, "customer"),
        ("customers/redact", OF_THE_SHOP | {"customer": {}, "orders_to_redact": ["x"]}, "orders_to_redact.0"),
        ("customers/data_request", OF_THE_SHOP | {"customer": CUSTOMER}, "data_request"),
        ("app/uninstalled", {"id": -1}, "id"),
        ("app/scopes_update", {"shop_id": 1, "current": ["a"]}, "updated_at"),
        ("app/scopes_update", {"current": ["a"], "updated_at": "2026-11-22T10:00:00Z"}, "neither the shop's id"),
    ],
)
def test_what_does_not_fit_is_refused_by_the_field_s_name(topic, body, field):
    assert field in refusal(topic, body)


def test_bodies_that_carry_no_time_are_told_apart_by_their_occasion():
    assert all(topics.repeats(topic) for topic in ("app/uninstalled", "shop/redact", "customers/redact"))
    assert not topics.repeats("customers/data_request")
    assert not topics.repeats("app/scopes_update")
    assert set(registry.vendor("shopify").parting_topics) == {*compliance.COMPLIANCE, "app/uninstalled"}


@pytest.mark.parametrize(
    ("number", "domain", "known_number", "known_domain", "ours"),
    [
        ("7", "a.example", "7", "b.example", True),  # a store may change its domain, and never its number
        ("7", "a.example", "gid://shopify/Shop/7", "", True),
        ("7", "a.example", "8", "a.example", False),
        ("7", "a.example", "", "a.example", True),
        ("7", "a.example", "", "b.example", False),
        ("7", "", "", "a.example", None),
        ("", "a.example", "7", "", None),
        ("", "", "7", "a.example", None),
    ],
)
def test_a_demand_is_of_the_shop_that_its_body_names(number, domain, known_number, known_domain, ours):
    named = NamedShop(remote_account_id=number, account=domain)

    assert privacy.is_of(named, remote_account_id=known_number, account=known_domain) is ours
