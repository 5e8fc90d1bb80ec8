"""The page of connections: a key is checked, stored and never shown; our webhook comes to stand; all of it through HTTP."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from person import PASSWORD, Person, token_in
from sqlalchemy import Engine

from config.settings import Settings
from integrations import registry
from jobs import connect, sealed_words
from records import database, users
from tests import patient
from tests.world import World, eventually, running_sandbox, running_world

TEST_KEY, LIVE_KEY = "EZTKmerchantskey1234", "EZAKmerchantskey5678"
STRIPE_KEY = "rk_test_merchantskey9876"
EVERYTHING = [
    "rak_payment_intent_write", "rak_charge_write", "rak_checkout_session_read", "rak_event_read", "rak_webhook_write",
]  # fmt: skip


@pytest.fixture(scope="module")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[World]:
    """A shop with a test store and nothing else; EasyPost and Stripe have accounts with keys for it."""
    with running_world(settings, engine, sandbox_origin) as running:
        running.door.extensions["settings"] = running.door.extensions["settings"].model_copy(
            update={"public_url": running.origin}
        )
        running.services.public_url = running.origin
        with database.across_tenants(engine, why="test") as session:
            running.tenant = connect.add_tenant(session, "Acme", "USD")
            users.add(session, "Grace", PASSWORD)
        running.control("POST", "/easypost/accounts", {"key": TEST_KEY, "mode": "test"})
        running.control("POST", "/easypost/accounts", {"key": LIVE_KEY, "mode": "production"})
        running.control("POST", "/stripe/accounts", {"key": "sk_test_merchant", "name": "Acme Bags"})
        restrict(running, *EVERYTHING)
        yield running


@pytest.fixture
def grace(world: World) -> Person:
    person = Person(world.door.test_client(), world.engine)
    assert person.sign_in().status_code == 303
    return person


def restrict(world: World, *permissions: str, key: str = STRIPE_KEY) -> None:
    world.control("POST", "/stripe/keys", {"key": key, "of": "sk_test_merchant", "permissions": list(permissions)})


def at(world: World, *more: str) -> str:
    return "/".join([f"/ops/shops/{world.tenant}/connections", *more])


def give(world: World, grace: Person, vendor: str, key: str) -> Any:
    return grace.post(at(world), at=at(world), vendor=vendor, api_key=key)


def connected(world: World, vendor: str) -> Any:
    (row,) = world.rows("SELECT * FROM connections WHERE vendor = :v AND ended_at IS NULL", v=vendor)
    return row


def secrets(world: World, vendor: str) -> dict[str, str]:
    return world.services.keyring.open(bytes(connected(world, vendor).sealed_secrets))


def hooks(world: World, vendor: str) -> list[dict[str, Any]]:
    listed = {"stripe": ("/stripe/endpoints", "endpoints"), "easypost": ("/easypost/webhooks", "webhooks")}
    path, name = listed[vendor]
    return world.control("GET", path)[name]


def wrong(page: str) -> list[str]:
    """What stands in red beside a field."""
    found = re.findall(r'class="wrong">.*?</svg>(.*?)</span>', page, re.DOTALL)
    return [one.replace("&#39;", "'") for one in found]


def kept(world: World, vendor: str) -> list[tuple[str, str]]:
    return [(row.state, row.reason) for row in world.rows(
        "SELECT state, reason FROM inbox_events WHERE vendor = :v ORDER BY id", v=vendor)]  # fmt: skip


def pay(world: World, key: str = "sk_test_merchant") -> None:
    world.control("POST", "/stripe/payments", {"key": key, "amount": 700})
    world.heard()


def forgotten(world: World) -> None:
    """The door forgets what it knew of the connections, as it does every five seconds."""
    world.door.extensions["known_connections"]._emptied_at -= 6


# ------------------------------------------------------------------------------------------- connecting


def test_a_key_is_checked_stored_and_its_webhook_comes_to_stand(world: World, grace: Person):
    answer = give(world, grace, "stripe", STRIPE_KEY)
    assert (answer.status_code, answer.location) == (303, at(world))
    row = connected(world, "stripe")
    assert (row.live, row.remote_account_id[:5], row.remarks) == (False, "acct_", [])
    assert "Being set up" in grace.get(at(world, "live")).text

    world.work_off()

    (hook,) = hooks(world, "stripe")
    assert hook["url"] == f"{world.origin}/hooks/stripe/{row.id}"
    pay(world)
    events = kept(world, "stripe")
    assert events
    assert {reason for _state, reason in events} == {""}
    page = grace.get(at(world)).text
    assert "TEST" in page
    assert "Being set up" not in page
    assert "Well" in page


def test_the_key_is_never_shown_again_but_for_its_end(world: World, grace: Person):
    give(world, grace, "easypost", TEST_KEY)
    world.work_off()
    for path in (at(world), at(world, "live"), at(world, connected(world, "easypost").id, "disconnect")):
        assert TEST_KEY not in grace.get(path).text
    page = grace.get(at(world)).text
    assert "…1234" in page
    assert secrets(world, "easypost")["webhook_secret"] not in page


def test_a_refused_key_stands_red_beside_its_field_and_is_not_kept(world: World, grace: Person):
    answer = give(world, grace, "easypost", "EZTKnobodyknowsthiskey")
    assert answer.status_code == 422
    (said,) = wrong(answer.text)
    assert said.startswith("EasyPost does not accept the connection's API key.")
    assert "EZTKnobodyknowsthiskey" not in answer.text
    assert world.rows("SELECT id FROM connections") == []
    assert world.calls(effect="true") == []


@pytest.mark.parametrize("key", ["", "   ", "E" * 501])
def test_no_key_and_what_is_none_are_refused_without_asking(world: World, grace: Person, key: str):
    answer = give(world, grace, "easypost", key)
    assert (answer.status_code, len(wrong(answer.text))) == (422, 1)
    assert world.calls(vendor="easypost") == []


def test_a_vendor_that_does_not_answer_connects_nothing_and_says_to_try_again(world: World, grace: Person):
    world.fault(vendor="easypost", kind="5xx", operation="user.retrieve")
    answer = give(world, grace, "easypost", TEST_KEY)
    assert answer.status_code == 422
    assert "Nothing was connected; try again in a moment." in wrong(answer.text)[0]
    assert world.rows("SELECT id FROM connections") == []


def test_every_permission_that_a_key_lacks_is_named_and_stays_named_until_it_is_granted(world: World, grace: Person):
    restrict(world, *[one for one in EVERYTHING if one not in {"rak_charge_write", "rak_webhook_write"}])
    answer = give(world, grace, "stripe", STRIPE_KEY)
    assert answer.status_code == 303
    world.work_off()
    world.work_off()
    page = grace.get(at(world)).text
    assert "rak_charge_write" in page
    assert "Charges and Refunds: Write" in page
    assert "rak_webhook_write" in page
    assert "Ailing" in page

    restrict(world, *EVERYTHING)
    grace.post(at(world, connected(world, "stripe").id, "check"), at=at(world))
    world.work_off()

    page = grace.get(at(world)).text
    assert "rak_" not in page
    assert "Well" in page
    assert len(hooks(world, "stripe")) == 1


def test_what_is_connected_is_not_connected_twice(world: World, grace: Person):
    give(world, grace, "easypost", TEST_KEY)
    before = secrets(world, "easypost")
    page = grace.get(at(world)).text
    assert 'value="easypost"' not in page
    answer = give(world, grace, "easypost", TEST_KEY)
    assert answer.status_code == 422
    assert secrets(world, "easypost") == before


def test_an_unknown_vendor_and_the_store_are_not_connected_by_a_key(world: World, grace: Person):
    for vendor in ("shopify", "pigeon", ""):
        assert give(world, grace, vendor, TEST_KEY).status_code == 400
    assert world.rows("SELECT id FROM connections") == []


# ------------------------------------------------------------------------------------------- test and live


def test_a_shop_is_all_test_or_all_live(world: World, grace: Person):
    assert give(world, grace, "stripe", STRIPE_KEY).status_code == 303
    refused = give(world, grace, "easypost", LIVE_KEY)
    assert refused.status_code == 422
    (said,) = wrong(refused.text)
    assert "a live account of easypost, and stripe is connected in test mode" in said
    assert "all test or all live" in said
    assert len(world.rows("SELECT id FROM connections")) == 1
    assert give(world, grace, "easypost", TEST_KEY).status_code == 303


def test_the_mode_stands_where_nobody_overlooks_it(world: World, grace: Person):
    give(world, grace, "easypost", LIVE_KEY)
    page = grace.get(at(world)).text
    assert page.count(">LIVE<") + len(re.findall(r"</svg>LIVE</span>", page)) >= 2
    assert "TEST</span>" not in page


def test_an_event_of_the_other_mode_is_kept_and_ignored(world: World, grace: Person):
    give(world, grace, "stripe", STRIPE_KEY)
    world.work_off()
    forgotten(world)
    event = {
        "id": "evt_live", "object": "event", "type": "payment_intent.succeeded", "created": 1_790_000_000,
        "livemode": True, "data": {"object": {"id": "pi_1", "amount": 5, "currency": "usd", "status": "succeeded"}},
    }  # fmt: skip
    assert knock(world, event) == 202
    world.work_off()
    assert kept(world, "stripe") == [("ignored", "a live event for a test connection")]
    assert world.rows("SELECT id FROM payments") == []
    assert knock(world, event | {"id": "evt_test", "livemode": False}) == 202
    world.work_off()
    assert [row.remote_id for row in world.rows("SELECT remote_id FROM payments")] == ["pi_1"]


def knock(world: World, event: dict[str, Any]) -> int:
    """Deliver an event as Stripe does, signed with the secret that it made for this connection."""
    import hashlib
    import hmac
    import json
    import time

    body, stamp = json.dumps(event).encode(), str(int(time.time()))
    secret = secrets(world, "stripe")["webhook_secret"].encode()
    signed = hmac.new(secret, stamp.encode() + b"." + body, hashlib.sha256).hexdigest()
    return patient.post(
        f"{world.origin}/hooks/stripe/{connected(world, 'stripe').id}", content=body, trust_env=False,
        headers={"Stripe-Signature": f"t={stamp},v1={signed}"},
    ).status_code  # fmt: skip


# ------------------------------------------------------------------------------------------- another key


def test_another_key_of_the_same_account_takes_the_old_ones_place(world: World, grace: Person):
    give(world, grace, "stripe", STRIPE_KEY)
    world.work_off()
    before = secrets(world, "stripe")
    restrict(world, *EVERYTHING, key="rk_test_anotherkey5555")

    answer = grace.post(
        at(world, connected(world, "stripe").id, "key"), at=at(world), api_key=" rk_test_anotherkey5555 "
    )

    assert answer.status_code == 303
    assert secrets(world, "stripe") == before | {"api_key": "rk_test_anotherkey5555"}
    assert "…5555" in grace.get(at(world)).text
    world.work_off()
    assert len(hooks(world, "stripe")) == 1


def test_an_easypost_test_key_proves_its_account_by_the_webhook_that_it_sees(world: World, grace: Person):
    give(world, grace, "easypost", TEST_KEY)
    world.work_off()
    assert connected(world, "easypost").remote_account_id == ""
    world.control("POST", "/easypost/keys", {"key": "EZTKanotherkey7777", "of": TEST_KEY})
    replace = at(world, connected(world, "easypost").id, "key")
    assert grace.post(replace, at=at(world), api_key="EZTKanotherkey7777").status_code == 303
    assert secrets(world, "easypost")["api_key"] == "EZTKanotherkey7777"


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("EZTKstrangers", "It cannot be told that this key opens the same account of easypost"),
        (LIVE_KEY, "This is a live key, and the connection is test"),
        ("EZTKnobodys", "does not accept"),
    ],
)
def test_a_key_of_another_account_or_mode_leaves_the_old_one_in_use(world: World, grace: Person, key: str, said: str):
    world.control("POST", "/easypost/accounts", {"key": "EZTKstrangers", "mode": "test"})
    give(world, grace, "easypost", TEST_KEY)
    world.work_off()
    before = secrets(world, "easypost")
    answer = grace.post(at(world, connected(world, "easypost").id, "key"), at=at(world), api_key=key)
    assert answer.status_code == 422
    assert said in wrong(answer.text)[0]
    assert secrets(world, "easypost") == before


def test_a_key_whose_account_shows_nothing_is_not_said_to_be_anothers(world: World, grace: Person):
    """A test account tells no id; before its webhook stands, a second key of it looks like a stranger's."""
    give(world, grace, "easypost", TEST_KEY)
    world.control("POST", "/easypost/keys", {"key": "EZTKanotherkey7777", "of": TEST_KEY})
    replace = at(world, connected(world, "easypost").id, "key")

    told = wrong(grace.post(replace, at=at(world), api_key="EZTKanotherkey7777").text)[0]

    assert "another account" not in told
    assert "It cannot be told that this key opens the same account of easypost" in told
    assert "once its webhook stands" in told
    assert secrets(world, "easypost")["api_key"] == TEST_KEY
    world.work_off()  # what is to be done, done: the webhook stands, and proves the account
    assert grace.post(replace, at=at(world), api_key="EZTKanotherkey7777").status_code == 303


def test_a_key_of_an_account_that_tells_another_id_is_another_accounts(world: World, grace: Person):
    give(world, grace, "stripe", STRIPE_KEY)
    world.work_off()
    world.control("POST", "/stripe/accounts", {"key": "sk_test_strangers", "livemode": False})

    answer = grace.post(at(world, connected(world, "stripe").id, "key"), at=at(world), api_key="sk_test_strangers")

    assert "This key opens another account of stripe" in wrong(answer.text)[0]


# ------------------------------------------------------------------------------------------- another signing secret


@pytest.mark.parametrize(("vendor", "key"), [("stripe", STRIPE_KEY), ("easypost", TEST_KEY)])
def test_the_webhooks_secret_is_renewed_and_nothing_that_was_signed_before_is_refused(
    world: World, grace: Person, vendor: str, key: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(sealed_words, "DOORS_KNOW_AFTER", timedelta(0))
    give(world, grace, vendor, key)
    world.work_off()
    old = secrets(world, vendor)["webhook_secret"]

    assert grace.post(at(world, connected(world, vendor).id, "secret"), at=at(world)).status_code == 303
    assert "being renewed" in grace.get(at(world)).text
    world.work_off()

    now = secrets(world, vendor)
    assert (now["webhook_secret"] != old, now["previous_webhook_secret"]) == (True, old)
    assert len(hooks(world, vendor)) == 1
    assert "the one before is taken until" in grace.get(at(world)).text
    forgotten(world)
    known = world.door.extensions["known_connections"].find(_vendor(vendor), connected(world, vendor).id, None)
    assert set(known.secrets) == {now["webhook_secret"], old}
    before = len(kept(world, vendor))
    if vendor == "stripe":
        pay(world)
    else:
        track(world)
    eventually(lambda: len(kept(world, vendor)) > before)
    assert all(row["state"] == "delivered" for row in world.control("GET", "/deliveries")["deliveries"])


def _vendor(name: str) -> Any:
    from integrations import registry

    return registry.vendor(name)


def track(world: World) -> None:
    wish = {"tracker": {"tracking_code": "EZ2000000002", "carrier": "USPS"}}
    patient.post(f"{world.sandbox}/v2/trackers", json=wish, auth=(TEST_KEY, ""), trust_env=False).raise_for_status()
    world.heard()


# ------------------------------------------------------------------------------------------- letting go


def test_disconnecting_asks_first_and_says_what_would_wait(world: World, grace: Person):
    give(world, grace, "easypost", TEST_KEY)
    world.work_off()
    page = grace.get(at(world, connected(world, "easypost").id, "disconnect")).text
    assert "0 orders still to ship get no label" in page
    assert "Connect it again with a key" in page
    assert len(hooks(world, "easypost")) == 1


@pytest.mark.parametrize(("vendor", "key"), [("stripe", STRIPE_KEY), ("easypost", TEST_KEY)])
def test_disconnecting_takes_our_webhook_and_the_secrets_away_and_connecting_again_undoes_it(
    world: World, grace: Person, vendor: str, key: str
):
    give(world, grace, vendor, key)
    world.work_off()
    id = connected(world, vendor).id

    assert grace.post(at(world, id, "disconnect"), at=at(world, id, "disconnect")).status_code == 303
    assert patient.post(f"{world.origin}/hooks/{vendor}/{id}", content=b"{}", trust_env=False).status_code in {401, 404}
    world.work_off()

    assert hooks(world, vendor) == []
    (ended,) = world.rows("SELECT sealed_secrets, ended_at FROM connections WHERE id = :id", id=id)
    assert (world.services.keyring.open(bytes(ended.sealed_secrets)), ended.ended_at is not None) == ({}, True)
    assert grace.get(at(world, id, "disconnect")).status_code == 404

    assert give(world, grace, vendor, key).status_code == 303
    world.work_off()
    assert [hook["url"] for hook in hooks(world, vendor)] == [
        f"{world.origin}/hooks/{vendor}/{connected(world, vendor).id}"
    ]


@pytest.mark.parametrize("left", [True, False])
@pytest.mark.parametrize(("vendor", "key"), [("stripe", STRIPE_KEY), ("easypost", LIVE_KEY)])
def test_the_same_account_connected_again_goes_on_as_the_connection_that_it_was(
    world: World, grace: Person, vendor: str, key: str, left: bool
):
    """What was bought and paid under it is asked about under it; with another account it is another connection."""
    give(world, grace, vendor, key)
    world.work_off()
    before = connected(world, vendor)
    grace.post(at(world, before.id, "disconnect"), at=at(world, before.id, "disconnect"))
    if left:
        world.work_off()

    give(world, grace, vendor, key)
    world.work_off()

    again = connected(world, vendor)
    assert again.id == before.id
    assert [hook["url"] for hook in hooks(world, vendor)] == [f"{world.origin}/hooks/{vendor}/{before.id}"]
    signing = registry.vendor(vendor).signing_secret_names[0]
    then, now = (world.services.keyring.open(bytes(row.sealed_secrets))[signing] for row in (before, again))
    assert (now == then) == (not left)
    assert world.rows("SELECT 1 FROM jobs WHERE state = 'parked'") == []


def test_an_account_that_cannot_be_told_to_be_the_same_is_another_connection(world: World, grace: Person):
    """A test key of EasyPost opens an account that does not say which it is."""
    give(world, grace, "easypost", TEST_KEY)
    world.work_off()
    before = connected(world, "easypost")
    grace.post(at(world, before.id, "disconnect"), at=at(world, before.id, "disconnect"))
    world.work_off()

    give(world, grace, "easypost", TEST_KEY)

    assert (before.remote_account_id, connected(world, "easypost").id == before.id) == ("", False)


# ------------------------------------------------------------------------------------------- who may


def test_only_an_admin_connects_and_everybody_may_look(world: World, grace: Person):
    give(world, grace, "easypost", TEST_KEY)
    with database.across_tenants(world.engine, why="test") as session:
        users.add(session, "Wanda", PASSWORD, role="warehouse")
    wanda = Person(world.door.test_client(), world.engine)
    wanda.sign_in("Wanda")
    assert wanda.get(at(world)).status_code == 200
    id = connected(world, "easypost").id
    before = secrets(world, "easypost")
    for path, more in (
        (at(world), {"vendor": "stripe", "api_key": STRIPE_KEY}),
        (at(world, id, "key"), {"api_key": TEST_KEY}),
        (at(world, id, "secret"), {}),
        (at(world, id, "check"), {}),
        (at(world, id, "disconnect"), {}),
    ):
        assert wanda.post(path, at=at(world), **more).status_code == 403, path
    assert secrets(world, "easypost") == before
    assert world.rows("SELECT id FROM connections WHERE vendor = 'stripe'") == []


def test_a_key_stands_in_no_line_of_the_book_and_in_no_job(world: World, grace: Person):
    give(world, grace, "stripe", STRIPE_KEY)
    give(world, grace, "easypost", "EZTKnobodyknowsthiskey")
    world.work_off()
    everything = str(
        [
            world.rows("SELECT to_jsonb(audit_lines)::text FROM audit_lines"),
            world.rows("SELECT to_jsonb(jobs)::text FROM jobs"),
            world.rows("SELECT to_jsonb(intentions)::text FROM intentions"),
            world.rows("SELECT (to_jsonb(connections) - 'sealed_secrets')::text FROM connections"),
        ]
    )
    assert "connections" in everything
    for key in (STRIPE_KEY, "EZTKnobodyknowsthiskey", secrets(world, "stripe")["webhook_secret"]):
        assert key not in everything


def test_the_form_works_for_a_browser_without_scripts(world: World, grace: Person):
    page = grace.get(at(world))
    assert token_in(page)
    assert 'type="password"' in page.text
    assert re.findall(r'href="(https://[^"]+)"', page.text)[0].startswith("https://")
