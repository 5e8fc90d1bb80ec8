"""Shopify grants, renews and refuses access, over real HTTP to its stand-in and to a vendor that answers from a script."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import httpx
import pytest
from scripted_vendor import Answer

from integrations import registry
from integrations.ports import AppKeys, Credentials, Origins, Permanent, Temporary
from integrations.storefronts.shopify import app_home, code_grant, granting, scopes
from tests import patient

SHOP, TOKEN = "acme.myshopify.com", "shpat_by_hand"
# As long as Shopify's own are.
SECRET, NEWER, GUESSED = "shpss_" + "a1" * 16, "shpss_" + "b2" * 16, "shpss_" + "c3" * 16
KEYS = AppKeys(client_id="packline-app", client_secret=SECRET)
ROTATED = AppKeys(client_id="packline-app", client_secret=NEWER, old_client_secret=SECRET)
PLACE = {
    "name": "Reno",
    "address1": "1 A St",
    "city": "Sparks",
    "province_code": "NV",
    "zip": "89434",
    "country_code": "US",
}


@pytest.fixture
def at_store(sandbox):
    """A store whose merchant has installed the app."""
    sandbox.do("/shopify/app", {"client_id": KEYS.client_id, "client_secret": KEYS.client_secret})
    sandbox.do("/shopify/shops", {"domain": SHOP, "token": TOKEN, "secret": "s", "locations": [PLACE]})
    return sandbox


def id_token(sandbox, **wish) -> str:
    return sandbox.do("/shopify/id-tokens", {"shop": SHOP} | wish)["id_token"]


def held(granted) -> Credentials:
    return Credentials(account=SHOP, live=True, secrets=granted.secrets)


def exchanged(sandbox, notes):
    return granting.exchange(id_token(sandbox), SHOP, KEYS, sandbox.origins, notes.append)


def asks(sandbox, granted) -> bool:
    """Whether the granted token opens the store."""
    try:
        checked(sandbox, granted)
    except Permanent as refusal:
        return refusal.code != "401"
    return True


def test_an_id_token_is_exchanged_for_a_pair_that_ends(at_store, notes):
    granted = exchanged(at_store, notes)

    assert set(granted.secrets) == {"access_token", "refresh_token"}
    now = datetime.now(UTC)
    assert timedelta(minutes=59) < granted.expires_at - now <= timedelta(hours=1)
    assert timedelta(days=89) < granted.renewal_expires_at - now <= timedelta(days=90)
    assert scopes.missing(granted.scopes) == []
    assert [(note.verb, note.outcome) for note in notes] == [("exchange_token", "ok")]
    (call,) = at_store.calls("oauth.exchange")
    assert call["summary"]["expiring"] == "1"
    assert asks(at_store, granted)
    assert "shpat" not in repr(granted)
    assert "shprt" not in repr(granted)


def test_a_renewal_brings_another_pair_and_ends_the_first_token(at_store, notes):
    first = exchanged(at_store, notes)

    second = granting.renew(held(first), KEYS, at_store.origins, notes.append)

    assert second.secrets["access_token"] != first.secrets["access_token"]
    assert second.secrets["refresh_token"] != first.secrets["refresh_token"]
    assert (asks(at_store, second), asks(at_store, first)) == (True, False)


def test_a_refresh_token_whose_answer_was_lost_is_good_until_its_replacement_is_used(at_store, notes):
    first = exchanged(at_store, notes)
    at_store.fault("shopify", "cut_after", "oauth.refresh")
    with pytest.raises(Temporary) as lost:
        granting.renew(held(first), KEYS, at_store.origins, notes.append)
    assert lost.value.outcome_unknown

    second = granting.renew(held(first), KEYS, at_store.origins, notes.append)
    third = granting.renew(held(second), KEYS, at_store.origins, notes.append)

    assert asks(at_store, third)
    with pytest.raises(Permanent) as spent:
        granting.renew(held(first), KEYS, at_store.origins, notes.append)
    assert spent.value.code == granting.CONSENT
    assert "admin" in spent.value.remedy


@pytest.mark.parametrize("kind", ["5xx", "html", "broken_json", "timeout_before", "cut"])
def test_what_is_no_answer_is_tried_again_and_costs_no_pair(at_store, notes, kind):
    first = exchanged(at_store, notes)
    at_store.fault("shopify", kind, "oauth.refresh", delay_s=0.05)

    with pytest.raises(Temporary):
        granting.renew(held(first), KEYS, at_store.origins, notes.append)

    assert len(at_store.calls("oauth.refresh")) == 1  # Shopify's own package would have asked three times
    assert granting.renew(held(first), KEYS, at_store.origins, notes.append).secrets["access_token"]


@pytest.mark.parametrize("status", [500, 503, 520, 429])
def test_a_status_that_passes_by_itself_is_temporary_with_shopify_s_own_wait(scripted, notes, status):
    scripted.script = [Answer({"error": "x"}, status=status, headers={"Retry-After": "2.0"})]

    with pytest.raises(Temporary) as failure:
        granting.renew(_pair(), KEYS, Origins(shopify=scripted.origin), notes.append)

    assert (failure.value.code, failure.value.retry_in_s) == (str(status), 2.0)
    assert len(scripted.asked) == 1


def test_an_answer_that_tells_no_end_is_kept_and_nothing_is_guessed(at_store, notes):
    first = exchanged(at_store, notes)
    at_store.do(f"/shopify/shops/{SHOP}/leave-out", {"fields": ["expires_in", "refresh_token_expires_in", "scope"]})

    second = granting.renew(held(first), KEYS, at_store.origins, notes.append)

    assert (second.expires_at, second.renewal_expires_at, second.scopes) == (None, None, ())
    assert asks(at_store, second)
    assert granting.renew(held(second), KEYS, at_store.origins, notes.append).expires_at is not None


@pytest.mark.parametrize("odd", [{}, {"access_token": ""}, {"access_token": "a b"}, {"access_token": 7}, [], "x",
                                 {"access_token": "t", "expires_in": "soon"}, {"access_token": "t", "expires_in": -1}])  # fmt: skip
def test_an_odd_answer_is_no_token(scripted, notes, odd):
    scripted.script = [Answer(odd)]

    with pytest.raises(Temporary) as failure:
        granting.renew(_pair(), KEYS, Origins(shopify=scripted.origin), notes.append)

    assert failure.value.code == "broken_answer"


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, "invalid_grant", "consent"), (401, "invalid_token", "consent"), (400, "", "consent"),
        (400, "invalid_client", "app_keys"), (403, "", "403"), (402, "", "402"), (404, "", "404"), (423, "", "423"),
    ],
)  # fmt: skip
def test_a_refusal_says_who_can_help(scripted, notes, status, error, code):
    scripted.script = [Answer({"error": error}, status=status)]

    with pytest.raises(Permanent) as refusal:
        granting.renew(_pair(), KEYS, Origins(shopify=scripted.origin), notes.append)

    assert refusal.value.code == code
    assert refusal.value.remedy
    assert "shprt" not in refusal.value.reason + refusal.value.remedy


def test_a_stale_id_token_is_told_from_a_store_that_has_left(at_store, notes):
    with pytest.raises(Permanent) as refusal:
        granting.exchange(id_token(at_store, lasts_s=-60), SHOP, KEYS, at_store.origins, notes.append)

    assert refusal.value.code == granting.STALE


def test_while_the_secret_is_rotated_a_token_bound_to_the_old_one_is_renewed_with_it(at_store, notes):
    first = exchanged(at_store, notes)

    second = granting.renew(held(first), ROTATED, at_store.origins, notes.append)

    assert asks(at_store, second)
    assert [note.outcome for note in notes[-2:]] == ["app_keys", "ok"]


def test_a_token_that_lasts_is_given_up_for_a_pair_and_a_lost_answer_is_asked_for_again(at_store, notes):
    lasting = Credentials(account=SHOP, live=True, secrets={"access_token": TOKEN})
    at_store.fault("shopify", "cut_after", "oauth.migrate")
    with pytest.raises(Temporary):
        granting.renew(lasting, KEYS, at_store.origins, notes.append)

    pair = granting.renew(lasting, KEYS, at_store.origins, notes.append)

    assert pair.secrets["refresh_token"]
    assert pair.expires_at is not None
    assert asks(at_store, pair)
    with pytest.raises(Permanent):
        registry.vendor("shopify").check(lasting, at_store.origins, lambda _: None)


def test_without_keys_nobody_is_asked(scripted, notes):
    with pytest.raises(Permanent) as refusal:
        granting.renew(_pair(), AppKeys(), Origins(shopify=scripted.origin), notes.append)

    assert refusal.value.code == granting.APP_KEYS
    assert scripted.asked == []


# ------------------------------------------------------------------------------------------- who asks


def ask(token: str = "", *, bearer: str = "", query: str = "shop=acme.myshopify.com") -> app_home.Request:
    headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
    more = f"&id_token={token}" if token else ""
    return app_home.Request(method="GET", url=f"https://packline.example/ops/shops/1/?{query}{more}", headers=headers)


def test_an_id_token_says_which_store_and_who(at_store):
    visitor = app_home.verify(ask(id_token(at_store, user="77")), KEYS)

    assert isinstance(visitor, app_home.Visitor)
    assert (visitor.shop, visitor.user) == (SHOP, "77")
    assert visitor.id_token not in repr(visitor)
    assert app_home.verify(ask(bearer=id_token(at_store)), KEYS).shop == SHOP


@pytest.mark.parametrize("secret", [SECRET, NEWER])
def test_both_secrets_prove_while_one_is_rotated(at_store, secret):
    assert isinstance(app_home.verify(ask(id_token(at_store, secret=secret)), ROTATED), app_home.Visitor)


@pytest.mark.parametrize(
    "claims",
    [
        {"iss": "https://evil.myshopify.com/admin"}, {"iss": None}, {"iss": "http://acme.myshopify.com/admin"},
        {"dest": "https://acme.myshopify.com.evil.example"}, {"dest": "acme.myshopify.com"}, {"dest": None},
        {"dest": "https://acme.myshopify.com/", "iss": "https://acme.myshopify.com/admin"},
        {"dest": "https://u:p@acme.myshopify.com"}, {"exp": None}, {"nbf": None}, {"iat": None}, {"sub": "a b"},
        {"sub": None}, {"aud": "another-app"}, {"exp": 99_999_999_999}, {"nbf": 99_999_999_999},
    ],
)  # fmt: skip
def test_a_token_with_an_odd_claim_proves_nothing(at_store, claims):
    for request in (ask(id_token(at_store, claims=claims)), ask(bearer=id_token(at_store, claims=claims))):
        assert isinstance(app_home.verify(request, KEYS), app_home.Turned)


def test_nobody_else_s_signature_and_no_time_that_is_over_prove_anything(at_store):
    for token in (id_token(at_store, secret=GUESSED), id_token(at_store, lasts_s=-60), "x.y.z", "", "é"):
        assert isinstance(app_home.verify(ask(bearer=token or "x"), KEYS), app_home.Turned)


def test_a_document_without_a_token_goes_to_the_page_that_gets_one_at_our_own_address():
    turned = app_home.verify(ask(), KEYS)

    assert turned.status == 302
    assert turned.headers["Location"].startswith("https://packline.example/auth/patch-id-token?shop=acme.myshopify.com")


# ------------------------------------------------------------------------------------------- by a link and a code


def query_of(sandbox, **parameters) -> dict[str, str]:
    from urllib.parse import parse_qsl

    return dict(parse_qsl(sandbox.do("/shopify/install-links", {"shop": SHOP} | parameters)["query"]))


def test_a_query_is_shopify_s_own_where_its_secret_signed_it_of_late(at_store):
    now = datetime.now(UTC)
    query = query_of(at_store, host="x", code="0907a61c")

    assert code_grant.genuine(query, KEYS, now)
    assert code_grant.genuine(query, ROTATED, now)
    assert not code_grant.genuine(query | {"shop": "evil.myshopify.com"}, KEYS, now)
    assert not code_grant.genuine(query | {"more": "1"}, KEYS, now)
    assert not code_grant.genuine(query, AppKeys(client_id="packline-app", client_secret=GUESSED), now)
    assert not code_grant.genuine(query, KEYS, now + timedelta(minutes=11))
    assert not code_grant.genuine(query, KEYS, now - timedelta(minutes=11))
    assert not code_grant.genuine({name: value for name, value in query.items() if name != "hmac"}, KEYS, now)
    for odd in ("", "soon", "-1", "9" * 40, "१२"):
        assert not code_grant.genuine(query | {"timestamp": odd}, KEYS, now)
    assert not code_grant.genuine(query, AppKeys(client_id="packline-app"), now)


@pytest.mark.parametrize(
    "text",
    ["", "acme", "acme.myshopify.com.evil.example", "evil.example/acme.myshopify.com", "acme.myshopify.com/x",
     "https://acme.myshopify.com", "-a.myshopify.com", "acme.myshopify.com\n.evil", "acme.myshopify.io", "acmé.myshopify.com"],
)  # fmt: skip
def test_what_is_no_store_s_own_domain_is_none(text):
    assert code_grant.shop_of(text) is None


def test_a_store_s_own_domain_is_one():
    assert code_grant.shop_of(" Acme.MyShopify.com ") == SHOP


def test_the_merchant_is_asked_at_the_store_for_every_scope_that_all_need_with_our_state():
    url = code_grant.permission_url(SHOP, "state-1", "https://packline.example/auth/callback", KEYS, Origins())

    assert url.startswith(f"https://{SHOP}/admin/oauth/authorize?client_id=packline-app&scope=")
    assert "state=state-1" in url
    assert "redirect_uri=https%3A%2F%2Fpackline.example%2Fauth%2Fcallback" in url
    # Shopify refuses the whole link for a scope that it has to approve first.
    assert httpx.URL(url).params["scope"].split(",") == [*scopes.REQUIRED]
    assert SECRET not in url


def test_a_code_is_good_once_and_brings_a_pair_that_ends(at_store, notes):
    asked = code_grant.permission_url(SHOP, "s", "http://packline.example/auth/callback", KEYS, at_store.origins)
    code = httpx.URL(patient.get(asked, trust_env=False).headers["Location"]).params["code"]

    granted = granting.take_code(code, SHOP, KEYS, at_store.origins, notes.append)

    assert granted.expires_at is not None
    assert asks(at_store, granted)
    with pytest.raises(Permanent):
        granting.take_code(code, SHOP, KEYS, at_store.origins, notes.append)


# ------------------------------------------------------------------------------------------- what the store lets us do


def checked(sandbox, granted):
    return registry.vendor("shopify").check(held(granted), sandbox.origins, lambda _: None)


def test_a_look_at_a_store_tells_whose_it_is(at_store, notes):
    found = checked(at_store, exchanged(at_store, notes))

    assert (found.name, found.currency, found.live, found.lacks) == ("Sandbox Store", "USD", True, ())
    assert found.remote_account_id.isdigit()
    assert set(scopes.missing(found.scopes)) == set()


def test_every_scope_that_is_missing_is_named_with_what_stands_still(at_store, notes):
    at_store.do(f"/shopify/shops/{SHOP}/scopes", {"scopes": ["read_orders", "write_orders", "write_products"]})

    found = checked(at_store, exchanged(at_store, notes))

    assert [lack.kind for lack in found.lacks] == [
        "scope:write_merchant_managed_fulfillment_orders", "scope:write_third_party_fulfillment_orders",
        "scope:write_fulfillments", "scope:write_inventory", "scope:read_locations",
    ]  # fmt: skip
    for lack in found.lacks:
        assert lack.kind.removeprefix("scope:") in lack.sentence
        assert "admin" in lack.remedy


def order(sandbox, **wish):
    place = {
        "first_name": "Ada",
        "address1": "1 A St",
        "city": "Reno",
        "province_code": "NV",
        "zip": "89501",
        "country_code": "US",
    }
    sandbox.do("/shopify/orders", {"shop": SHOP, "lines": [{"sku": "MUG", "quantity": 1}], "ship_to": place} | wish)


def test_hidden_buyers_and_absent_work_are_found_in_the_newest_orders(sandbox, notes):
    sandbox.do("/shopify/app", {"client_id": KEYS.client_id, "client_secret": KEYS.client_secret})
    products = [{"title": "Mug", "variants": [{"sku": "MUG", "stock": {"Reno": 9}}]}]
    sandbox.do("/shopify/shops", {"domain": SHOP, "locations": [PLACE], "products": products, "approved": False})
    order(sandbox)

    found = checked(sandbox, exchanged(sandbox, notes))

    assert [lack.kind for lack in found.lacks] == ["buyers_hidden"]
    assert "protected customer data" in found.lacks[0].sentence


def _samples(**order):
    from integrations.storefronts.shopify import answers, checkup

    node = {"createdAt": "2026-11-22T10:00:00Z", "requiresShipping": True, "cancelledAt": None,
            "shippingAddress": {"name": "Ada", "address1": "1 A St"}, "fulfillmentOrders": {"nodes": []}}  # fmt: skip
    return answers.read(checkup._Samples, {"orders": {"nodes": [node | order]}}).orders.nodes


@pytest.mark.parametrize(
    ("told", "minutes", "kinds"),
    [
        ({}, 11, ["work_absent"]),
        ({}, 9, []),
        ({"fulfillmentOrders": {"nodes": [{"id": "1"}]}}, 11, []),
        ({"cancelledAt": "2026-11-22T10:01:00Z"}, 11, []),
        ({"requiresShipping": False}, 11, []),
        ({"shippingAddress": None}, 9, []),
        ({"shippingAddress": {"name": None, "address1": None}}, 9, ["buyers_hidden"]),
        ({"shippingAddress": {"name": None, "address1": "x"}}, 9, []),
    ],
)
def test_what_an_order_shows_to_be_left_out(told, minutes, kinds):
    from integrations.storefronts.shopify import checkup

    now = datetime(2026, 11, 22, 10, tzinfo=UTC) + timedelta(minutes=minutes)

    assert [lack.kind for lack in checkup.judged(_samples(**told), now)] == kinds


def _pair() -> Credentials:
    return Credentials(account=SHOP, live=True, secrets={"access_token": "shpat_1", "refresh_token": "shprt_1"})
