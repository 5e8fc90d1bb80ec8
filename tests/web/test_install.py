"""The doors of an app: who is let in inside a store's admin, to what, and who may frame it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from config.settings import Settings
from tests import patient
from tests.app_world import NEWER, SECRET, AppWorld, running_app_world
from tests.world import SHOP, running_sandbox
from web import embedded

OTHER = "other.myshopify.com"
RETRY = "x-shopify-retry-invalid-session-request"


@pytest.fixture(scope="module")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[AppWorld]:
    with running_app_world(settings, engine, sandbox_origin, shopify_old_client_secret=SecretStr(NEWER)) as running:
        yield running


def ask(world: AppWorld, path: str, method: str = "GET", **more: Any) -> httpx.Response:
    return patient.request(method, f"{world.origin}{path}", trust_env=False, **more)


def bearing(world: AppWorld, domain: str = SHOP, **wish: Any) -> dict[str, str]:
    return {"Authorization": f"Bearer {world.id_token(domain, **wish)}"}


def ancestors(answer: httpx.Response) -> str:
    return answer.headers["Content-Security-Policy"].partition("frame-ancestors")[2].strip(" ;")


# ------------------------------------------------------------------------------------------- the app's home


def test_opening_the_app_makes_a_shop_that_only_watches_with_an_expiring_token(world: AppWorld):
    store = world.open_store()

    opened = world.visit()

    world.know()
    assert opened.status_code == 302
    assert urlsplit(opened.headers["Location"]).path == f"/ops/shops/{world.tenant}/"
    (tenant,) = world.rows("SELECT name, currency, mode FROM tenants")
    assert tuple(tenant) == ("Acme Tents", "CAD", "shadow")
    row = world.row()
    assert (row.granted_by, row.remote_account_id, row.consent_wanted_at) == ("exchange", str(store["id"]), None)
    assert row.token_expires_at is not None
    assert row.renewal_expires_at is not None
    assert "write_orders" in row.scopes
    assert set(world.secrets()) == {"access_token", "refresh_token"}
    assert {one.kind for one in world.rows("SELECT kind FROM jobs")} == {
        "read_catalogue",
        "check_connection",
        "reconcile",
    }
    assert world.grants("exchange") == 1


def test_opening_it_again_exchanges_nothing_and_makes_nothing(world: AppWorld):
    world.install()
    before = world.secrets()

    assert world.visit(user="43").status_code == 302

    assert (world.secrets(), world.grants("exchange")) == (before, 1)
    assert len(world.rows("SELECT id FROM tenants")) == 1


def test_a_store_that_came_back_without_a_goodbye_is_granted_anew_when_it_opens_the_app(world: AppWorld):
    world.install()
    first, before = world.tenant, world.secrets()
    world.control("POST", f"/shopify/shops/{SHOP}/uninstall", {})  # the word of it is not brought here
    assert world.row().consent_wanted_at is None

    assert [world.visit().status_code for _ in range(2)] == [302, 302]

    world.know()
    assert world.tenant == first
    assert world.secrets() != before
    assert world.secrets()["access_token"] in world.control("GET", f"/shopify/shops/{SHOP}/tokens")["access"]
    assert (world.grants("exchange"), len(world.calls(operation="oauth.refresh"))) == (2, 0)


def test_a_store_that_does_not_answer_keeps_nobody_from_its_pages(world: AppWorld):
    world.install()
    world.fault(vendor="shopify", kind="5xx", operation="ReadAccount")

    assert world.visit().status_code == 302
    assert world.grants("exchange") == 1


def test_a_session_that_shopify_refuses_twice_ends_on_a_page_that_says_what_to_do(world: AppWorld):
    world.open_store()

    def opened(path: str) -> httpx.Response:
        # Signed with the secret that is told to us and not to the stand-in, which takes it for a stale one.
        return ask(world, f"{path}&embedded=1&id_token={world.id_token(secret=NEWER)}")

    first = opened(f"/app?shop={SHOP}&host=YWRtaW4")
    assert first.status_code == 302
    where = urlsplit(first.headers["Location"])
    (reload,) = parse_qs(where.query)["shopify-reload"]
    assert (where.path, parse_qs(urlsplit(reload).query)["again"]) == ("/auth/patch-id-token", ["1"])
    assert ask(world, f"{where.path}?{where.query}").status_code == 200

    second = opened(reload)
    assert second.status_code == 502
    assert "choose Apps and Packline" in second.text
    assert ancestors(second) == f"https://{SHOP} https://admin.shopify.com"


def test_a_store_with_a_long_name_is_framed_by_its_own_admin(world: AppWorld):
    long = f"{'a' * 80}.myshopify.com"
    world.open_store(long)

    home = urlsplit(world.visit(long).headers["Location"])

    assert ancestors(world.visit(long, path=home.path)) == f"https://{long} https://admin.shopify.com"


def test_two_who_open_it_at_once_make_one_shop(world: AppWorld):
    import threading

    world.open_store()
    world.fault(vendor="shopify", kind="latency", operation="oauth.exchange", delay_s=0.5, times=2)
    answers: list[httpx.Response] = []
    threads = [threading.Thread(target=lambda: answers.append(world.visit())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert [answer.status_code for answer in answers] == [302] * 4
    assert len(world.rows("SELECT id FROM tenants")) == len(world.rows("SELECT id FROM connections")) == 1
    assert world.grants("exchange") == 1
    world.know()
    assert world.secrets()["access_token"] in world.control("GET", f"/shopify/shops/{SHOP}/tokens")["access"]


def test_an_exchange_that_shopify_does_not_answer_is_begun_again_at_the_next_opening(world: AppWorld):
    world.open_store()
    world.fault(vendor="shopify", kind="5xx", operation="oauth.exchange")

    failed = world.visit()

    assert failed.status_code == 503
    assert "Wait a moment" in failed.text
    assert ancestors(failed) == f"https://{SHOP} https://admin.shopify.com"
    world.know()
    assert world.row().consent_wanted_at is not None
    assert world.visit().status_code == 302
    assert world.row().consent_wanted_at is None
    assert len(world.rows("SELECT id FROM tenants")) == 1


def test_a_store_that_was_connected_by_hand_gets_a_token_that_ends_when_the_app_is_opened(world: AppWorld):
    world.control("POST", "/shopify/app", {"client_id": "packline-app", "client_secret": SECRET})
    world.open_shop()
    before = world.secrets()

    assert world.visit().status_code == 302

    row = world.row()
    assert (row.granted_by, row.token_expires_at is not None) == ("exchange", True)
    assert world.secrets()["access_token"] != before["access_token"]
    assert world.secrets()["webhook_secret"] == before["webhook_secret"]
    assert [one.mode for one in world.rows("SELECT mode FROM tenants")] == ["live"]


def test_an_uninstalled_store_that_comes_back_goes_on_where_it_was_and_a_forgotten_one_begins_anew(world: AppWorld):
    world.install()
    first = world.tenant
    leave = "UPDATE connections SET ended_at = now()"
    world.run(leave)
    world.run("UPDATE tenants SET closed_at = now(), redact_after = now() + interval '48 hours'")

    assert world.visit().status_code == 302
    world.know()
    assert world.tenant == first
    assert world.rows("SELECT id FROM tenants WHERE closed_at IS NOT NULL OR redact_after IS NOT NULL") == []
    assert world.row().consent_wanted_at is None

    world.run(leave)
    world.run("UPDATE tenants SET closed_at = now(), redacted_at = now()")
    assert world.visit().status_code == 302
    world.know()
    assert world.tenant != first


@pytest.mark.parametrize("wish", [{"lasts_s": -60}, {"secret": "shpss_" + "c3" * 16}, {"claims": {"aud": "x"}},
                                  {"claims": {"iss": f"https://{OTHER}/admin"}}])  # fmt: skip
def test_a_bad_token_makes_nothing(world: AppWorld, wish: dict[str, Any]):
    world.open_store()

    answer = world.visit(**wish)

    assert answer.status_code in {302, 401}
    assert "/ops/" not in answer.headers.get("Location", "")
    assert world.rows("SELECT id FROM tenants") == []
    assert world.grants("exchange") == 0


def test_both_secrets_are_taken_while_one_is_rotated(world: AppWorld):
    world.open_store()

    assert world.visit(secret=NEWER).status_code == 302
    assert world.visit(secret=SECRET).status_code == 302


# ------------------------------------------------------------------------------------------- pages in the admin


def test_staff_see_their_own_shop_in_a_frame_that_only_their_admin_may_hold(world: AppWorld):
    world.install()

    page = world.visit(path=f"/ops/shops/{world.tenant}/")

    assert page.status_code == 200
    assert "Acme Tents" in page.text or "Home" in page.text
    assert ancestors(page) == f"https://{SHOP} https://admin.shopify.com"
    assert "Set-Cookie" not in page.headers


def test_another_store_s_staff_find_nothing_there(world: AppWorld):
    world.install()
    mine = world.tenant
    world.open_store(OTHER)
    world.visit(OTHER)
    world.know(OTHER)
    assert world.tenant != mine

    for headers in (bearing(world, OTHER), bearing(world)):
        codes = [ask(world, f"/ops/shops/{tenant}/", headers=headers).status_code for tenant in (mine, world.tenant)]
        assert sorted(codes) == [200, 404]
    lost = world.visit(OTHER, path=f"/ops/shops/{mine}/orders")
    assert lost.status_code == 404
    assert ancestors(lost) == f"https://{OTHER} https://admin.shopify.com"


def test_a_document_without_a_good_token_is_sent_for_one_at_our_own_address(world: AppWorld):
    world.install()
    path = f"/ops/shops/{world.tenant}/orders?shop={SHOP}&embedded=1&state=held"

    for more in ("", f"&id_token={world.id_token(lasts_s=-60)}"):
        answer = ask(world, path + more, headers={"Host": "evil.example"})
        where = urlsplit(answer.headers["Location"])
        assert answer.status_code == 302
        assert f"{where.scheme}://{where.netloc}{where.path}" == f"{world.settings.public_url}/auth/patch-id-token"
        told = parse_qs(where.query)
        assert told["shop"] == [SHOP]
        assert told["shopify-reload"] == [path]
        assert "id_token" not in answer.headers["Location"]


def test_a_fetch_without_a_good_token_is_asked_to_come_again(world: AppWorld):
    world.install()
    path = f"/ops/shops/{world.tenant}/?shop={SHOP}&embedded=1"

    for headers in ({"HX-Request": "true"}, {"Sec-Fetch-Dest": "empty"}, {"Authorization": "Bearer x.y.z"},
                    bearing(world, lasts_s=-60), bearing(world, secret="shpss_" + "c3" * 16)):  # fmt: skip
        answer = ask(world, path, headers=headers)
        assert (answer.status_code, answer.headers[RETRY]) == (401, "1")


def test_a_write_is_let_in_by_its_authorization_and_never_by_an_address(world: AppWorld):
    world.install()
    world.work_off()
    path = f"/ops/shops/{world.tenant}/stock/read"
    asked = "SELECT id FROM jobs WHERE kind = 'read_catalogue'"
    before = len(world.rows(asked))

    by_address = ask(world, f"{path}?shop={SHOP}&embedded=1&id_token={world.id_token()}", "POST")
    assert by_address.status_code in {400, 401}
    assert len(world.rows(asked)) == before

    form = {"connection": world.connections["shopify"]}
    by_token = ask(world, path, "POST", headers=bearing(world), data=form)
    assert by_token.status_code in {302, 303}
    assert len(world.rows(asked)) == before + 1


def test_the_guard_itself_lets_no_write_in_by_an_address(world: AppWorld):
    """The token against forgery refuses such a write before; this is the wall behind it."""
    world.install()
    query = {"shop": SHOP, "embedded": "1", "id_token": world.id_token()}

    with world.door.test_request_context(f"/ops/shops/{world.tenant}/", query_string=query):
        assert embedded.guard() is None
    with world.door.test_request_context(f"/ops/shops/{world.tenant}/", query_string=query, method="POST"):
        refused = embedded.guard()
    assert (refused.status_code, refused.headers[RETRY]) == (401, "1")


def test_without_a_store_named_nobody_is_sent_anywhere(world: AppWorld):
    for path in ("/app", "/app?shop=evil.example", "/app?shop=acme.myshopify.com.evil.example&embedded=1"):
        answer = ask(world, path)
        assert answer.status_code == 401
        assert "Open Packline in the store" in answer.text
        assert ancestors(answer) == "'none'"


def test_plain_pages_are_framed_by_nobody(world: AppWorld):
    assert ancestors(ask(world, "/ops/sign-in")) == "'none'"
    assert ancestors(ask(world, f"/ops/sign-in?shop={SHOP}&embedded=1")) == "'none'"


def test_an_id_token_reaches_no_log(world: AppWorld, caplog: pytest.LogCaptureFixture):
    logging.getLogger("werkzeug").setLevel("ERROR")  # the test's own server writes addresses; gunicorn is told not to
    caplog.set_level("DEBUG")
    world.open_store()
    fresh = world.id_token()
    ask(world, f"/app?shop={SHOP}&embedded=1&id_token={world.id_token(lasts_s=-60)}")
    ask(world, f"/app?shop={SHOP}&embedded=1&id_token={fresh}")
    ask(world, "/ops/", headers={"Authorization": f"Bearer {fresh}"})
    world.know()

    said = caplog.text
    assert "access granted" in said
    for secret in (fresh, SECRET, *world.secrets().values()):
        assert secret not in said


# ------------------------------------------------------------------------------------------- the page that gets a token


def test_the_page_that_gets_a_token_loads_only_pages_of_our_own_again(world: AppWorld):
    good = ask(world, f"/auth/patch-id-token?shop={SHOP}&shopify-reload=%2Fops%2F")
    assert good.status_code == 200
    assert 'data-api-key="packline-app"' in good.text
    assert (
        "https://cdn.shopify.com"
        in good.headers["Content-Security-Policy"].partition("script-src")[2].partition(";")[0]
    )
    assert ancestors(good) == f"https://{SHOP} https://admin.shopify.com"

    for query in (
        "", f"shop={SHOP}", "shopify-reload=%2Fops%2F", "shop=evil.example&shopify-reload=%2F",
        f"shop={SHOP}%3B%20script-src%20%2A&shopify-reload=%2F", f"shop={SHOP}&shopify-reload=https%3A%2F%2Fevil.example",
        f"shop={SHOP}&shopify-reload=%2F%2Fevil.example", f"shop={SHOP}&shopify-reload=%2F&shopify-reload=%2F%2Fevil.example",
    ):  # fmt: skip
        bad = ask(world, f"/auth/patch-id-token?{query}")
        assert bad.status_code == 400, query
        assert ancestors(bad) == "'none'"


# ------------------------------------------------------------------------------------------- by a link and a code


def begin(world: AppWorld, client: httpx.Client, **query: str) -> httpx.Response:
    return client.get(f"{world.origin}/auth/install", params={"shop": SHOP} | query)


def agreed(world: AppWorld, client: httpx.Client, begun: httpx.Response) -> str:
    """The merchant says yes; answers the path that the store sends the browser back to."""
    back = client.get(begun.headers["Location"]).headers["Location"]
    assert back.startswith(f"{world.settings.public_url}/auth/callback?")
    return back.removeprefix(world.settings.public_url)


@pytest.fixture
def browser() -> Iterator[httpx.Client]:
    with patient.Client(trust_env=False) as client:
        yield client


def test_a_merchant_who_says_yes_has_a_shop_with_an_expiring_token(world: AppWorld, browser: httpx.Client):
    world.open_store()

    done = browser.get(world.origin + agreed(world, browser, begin(world, browser)))

    assert done.status_code == 200
    assert "is installed in" in done.text
    world.know()
    assert (world.row().granted_by, world.row().token_expires_at is not None) == ("code", True)
    (call,) = world.calls(operation="oauth.code")
    assert call["summary"]["expiring"] == "1"
    assert world.rows("SELECT state FROM installs_begun") == []
    assert f"--tenant {world.tenant}" in done.text


def test_what_the_merchant_did_not_grant_is_named(world: AppWorld, browser: httpx.Client):
    world.open_store(scopes=["write_orders", "read_products"])

    done = browser.get(world.origin + agreed(world, browser, begin(world, browser)))

    assert "read_locations" in done.text
    assert "Where parcels leave from is not known." in done.text
    assert "<code>write_orders</code>" not in done.text


def test_a_yes_is_good_once(world: AppWorld, browser: httpx.Client):
    world.open_store()
    back = agreed(world, browser, begin(world, browser))
    assert browser.get(world.origin + back).status_code == 200
    before = world.secrets_of_all()

    again = browser.get(world.origin + back)

    assert again.status_code == 400
    assert (world.secrets_of_all(), world.grants("code")) == (before, 1)


@pytest.mark.parametrize("spoil", ["state", "hmac", "shop", "code", "timestamp", "twice", "browser", "late"])
def test_a_spoilt_yes_connects_nothing(world: AppWorld, browser: httpx.Client, spoil: str):
    world.open_store()
    back = agreed(world, browser, begin(world, browser))
    client = browser
    if spoil == "browser":
        client = patient.Client(trust_env=False)
    elif spoil == "late":
        world.run("UPDATE installs_begun SET expires_at = now() - interval '1 second'")
    elif spoil == "twice":
        back += f"&shop={SHOP}"
    else:
        value = parse_qs(urlsplit(back).query)[spoil][0]
        changed = {"shop": OTHER, "timestamp": str(int(value) - 1) if value.isdigit() else ""}.get(
            spoil, value[::-1] + "x"
        )
        back = back.replace(value, changed)

    answer = client.get(world.origin + back)

    assert answer.status_code == 400
    assert world.rows("SELECT id FROM tenants") == []
    assert world.grants("code") == 0
    if client is not browser:
        client.close()


def test_a_link_is_followed_for_stores_of_shopify_only_and_as_shopify_signed_it(world: AppWorld, browser: httpx.Client):
    world.open_store()
    signed = world.control("POST", "/shopify/install-links", {"shop": SHOP})["query"]

    assert browser.get(f"{world.origin}/auth/install?{signed}").status_code == 302
    for query in (f"{signed}x", signed.replace(SHOP, OTHER), "shop=evil.example", "", f"shop={SHOP}&hmac="):
        assert browser.get(f"{world.origin}/auth/install?{query}").status_code == 400, query


def test_where_packline_is_no_app_none_of_its_doors_stand_open(settings: Settings, engine: Engine, sandbox_origin: str):
    with running_app_world(settings, engine, sandbox_origin, shopify_client_id="") as world:
        for path in (f"/auth/install?shop={SHOP}", f"/auth/callback?shop={SHOP}",
                     f"/auth/patch-id-token?shop={SHOP}&shopify-reload=%2F"):  # fmt: skip
            assert ask(world, path).status_code == 404
        assert ask(world, "/app?id_token=x").status_code == 401
        assert ask(world, "/ops/", headers={"Authorization": "Bearer x"}).status_code == 401
        assert ask(world, "/ops/").status_code == 303
