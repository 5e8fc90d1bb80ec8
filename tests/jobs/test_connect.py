"""Connecting and letting go: one mode a shop, secrets that follow each other, and crashes that lose nothing."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import Engine

from config.settings import Settings
from integrations import registry
from integrations.ports import Checkup, Lack
from jobs import connect, hook_secrets, leaving, queue, sealed_words
from jobs.connect import CannotConnect
from jobs.work import Work
from records import database
from tests.world import STRIPE_HOOK_SECRET, STRIPE_KEY, World, running_sandbox, running_world
from web import hooks

NOON = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMES = ("webhook_secret", "previous_webhook_secret", "next_webhook_secret")


@pytest.fixture(scope="module")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    monkeypatch.setattr(
        sealed_words, "DOORS_KNOW_AFTER", timedelta(0)
    )  # nobody waits ten seconds, but where it is said
    with running_world(settings, engine, sandbox_origin) as running:
        running.services.public_url = running.origin
        yield running


def row(world: World, vendor: str) -> Any:
    (found,) = world.rows("SELECT * FROM connections WHERE vendor = :v ORDER BY created_at DESC LIMIT 1", v=vendor)
    return found


def secrets(world: World, vendor: str = "stripe") -> dict[str, str]:
    return world.services.keyring.open(bytes(row(world, vendor).sealed_secrets))


def endpoints(world: World) -> list[dict[str, Any]]:
    return [one for one in world.control("GET", "/stripe/endpoints")["endpoints"] if one["key"] == STRIPE_KEY]


def look(world: World, vendor: str = "stripe") -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "check_connection", f"connection/{world.connections[vendor]}")
    world.work_off()


def renew(world: World, vendor: str = "stripe") -> None:
    from records.tenants import Connection

    with world.reading() as session:
        found = session.get_one(Connection, (world.tenant, world.connections[vendor]))
        connect.renew_signing_secret(session, found, world.services.keyring)


# ------------------------------------------------------------------------------------------- secrets that follow


def test_a_signing_secret_that_is_replaced_stays_good_for_a_day():
    kept = sealed_words.merged({"api_key": "k", "webhook_secret": "a"}, {"webhook_secret": "b"}, NAMES, NOON)
    assert (kept["webhook_secret"], kept["previous_webhook_secret"], kept["api_key"]) == ("b", "a", "k")
    soon, late = NOON + timedelta(hours=23), NOON + timedelta(hours=24)
    assert sealed_words.lapsed(kept, NAMES, soon) == kept
    assert sealed_words.lapsed(kept, NAMES, late) == {"api_key": "k", "webhook_secret": "b"}


@pytest.mark.parametrize(
    ("given", "left"),
    [
        ({"webhook_secret": "a"}, {"webhook_secret": "a"}),
        ({"api_key": "k"}, {"webhook_secret": "a", "api_key": "k"}),
        (
            {"webhook_secret": "b", "previous_webhook_secret": ""},
            {"webhook_secret": "b", "previous_webhook_secret": ""},
        ),
    ],
)
def test_what_is_given_by_hand_stays_as_it_was_given(given, left):
    assert sealed_words.merged({"webhook_secret": "a"}, given, NAMES, NOON) == left


def test_a_wish_for_another_secret_is_made_once_and_its_secret_stays():
    first = sealed_words.renewal_wanted({"webhook_secret": "a"}, NOON)
    assert sealed_words.renewal_wanted(first, NOON + timedelta(hours=1)) == first
    assert sealed_words.renewal_begins(first) == NOON + timedelta(seconds=10)
    assert sealed_words.renewal_begins({"renewal": "of a version before", "next_webhook_secret": "b"}) is None
    done = sealed_words.renewed(first, "", "hook_1", NAMES, NOON)
    assert done == {
        "webhook_secret": first["next_webhook_secret"], "previous_webhook_secret": "a", "only_hook": "hook_1",
        "previous_until": "2026-11-23T12:00:00+00:00",
    }  # fmt: skip


@pytest.mark.parametrize(("key", "end"), [("sk_test_abcdef1234", "1234"), ("short", ""), ("", "")])
def test_a_key_is_shown_by_its_end_and_a_short_one_not_at_all(key, end):
    assert sealed_words.last_four(key) == end


# ------------------------------------------------------------------------------------------- one mode a shop


@pytest.mark.parametrize(("vendor", "key", "live"), [("stripe", "sk_live_x", True), ("easypost", "EZAKx", True)])
def test_a_shop_with_a_test_store_takes_nothing_live(world: World, vendor: str, key: str, live: bool):
    with database.across_tenants(world.engine, why="test") as session:
        world.tenant = connect.add_tenant(session, "Acme", "USD")
    world._connect("shopify", "acme.myshopify.com", access_token="t", webhook_secret="s")
    with pytest.raises(CannotConnect, match="a shop is all test or all live") as refused, world.reading() as session:
        connect.connect(
            session, world.tenant, vendor=vendor, account="", secrets={"api_key": key, "webhook_secret": "s"},
            live=None, keyring=world.services.keyring,
        )  # fmt: skip
    assert "shopify (acme.myshopify.com) is connected in test mode" in refused.value.reason
    assert f"Give the test key of {vendor}" in refused.value.remedy
    assert [one.vendor for one in world.rows("SELECT vendor FROM connections")] == ["shopify"]


def test_when_what_was_test_has_ended_everything_may_be_live(world: World):
    with database.across_tenants(world.engine, why="test") as session:
        world.tenant = connect.add_tenant(session, "Acme", "USD")
    world._connect("stripe", "", api_key="sk_test_x", webhook_secret="s")
    with world.reading() as session:
        assert connect.end(session, world.tenant, world.connections["stripe"])
        assert not connect.end(session, world.tenant, world.connections["stripe"])
        made = connect.connect(
            session, world.tenant, vendor="stripe", account="", live=None, keyring=world.services.keyring,
            secrets={"api_key": "sk_live_x", "webhook_secret": "s"},
        )  # fmt: skip
    assert made.live
    assert made.id != world.connections["stripe"]


def test_another_account_does_not_slip_into_a_connections_place(world: World):
    with database.across_tenants(world.engine, why="test") as session:
        world.tenant = connect.add_tenant(session, "Acme", "USD")

    def give(account: str) -> None:
        found = Checkup(name="Acme", remote_account_id=account, live=False)
        with world.reading() as session:
            connect.connect(
                session, world.tenant, vendor="stripe", account="", live=None, keyring=world.services.keyring,
                secrets={"api_key": f"sk_test_{account}", "webhook_secret": "s"}, found=found,
            )  # fmt: skip

    give("acct_1")
    with pytest.raises(CannotConnect, match="Another account of stripe"):
        give("acct_2")
    assert (secrets(world)["api_key"], row(world, "stripe").remote_account_id) == ("sk_test_acct_1", "acct_1")


def test_what_a_look_at_the_key_found_outlives_a_look_at_the_webhooks(world: World):
    world.open_shop()
    lack = Lack(kind="permission", sentence="The key lacks rak_x.", remedy="Grant it.")
    with world.reading() as session:
        from records.tenants import Connection

        kept = session.get_one(Connection, (world.tenant, world.connections["stripe"]))
        found = Checkup(name="Ann Lee", remote_account_id="acct_9", live=False, lacks=(lack,))
        connect.note(kept, found, world.services.keyring)
    look(world)
    assert [(one["kind"], one["mended"]) for one in row(world, "stripe").remarks] == [("lack_permission", False)]
    assert secrets(world)["account_name"] == "Ann Lee"
    assert b"Ann" not in bytes(row(world, "stripe").sealed_secrets)


# ------------------------------------------------------------------------------------------- renewing


def test_a_renewal_that_died_after_the_vendor_made_the_webhook_leaves_one_that_is_believed(world: World, monkeypatch):
    world.open_shop()
    look(world)
    (old,) = endpoints(world)
    settled = hook_secrets.outward.settle

    class Killed(BaseException):
        pass

    def die(*_given, **_named):
        raise Killed

    renew(world)
    monkeypatch.setattr(hook_secrets.sealed_words, "renewed", die)
    with pytest.raises(Killed):
        world.work_off()
    monkeypatch.undo()
    assert hook_secrets.outward.settle is settled
    assert len(endpoints(world)) == 2
    assert secrets(world)["webhook_secret"] == STRIPE_HOOK_SECRET
    with world.engine.begin() as connection:
        from sqlalchemy import text

        connection.execute(
            text("UPDATE jobs SET state = 'due', due_at = now(), lease_until = NULL WHERE state = 'running'")
        )

    world.work_off()

    (now,) = endpoints(world)
    assert now["id"] != old["id"]
    kept = secrets(world)
    assert kept["previous_webhook_secret"] == STRIPE_HOOK_SECRET
    assert set(kept) & {"renewal", "next_webhook_secret", "only_hook"} == set()
    assert [one.state for one in world.rows("SELECT state FROM intentions WHERE kind = 'renew_hook'")] == ["succeeded"]


def test_the_vendor_is_told_of_a_secret_only_when_every_door_takes_it(world: World, monkeypatch):
    """A web process goes on for five seconds with the secrets that it read."""
    assert hooks._CONNECTIONS_KEPT_S == 5
    monkeypatch.setattr(sealed_words, "DOORS_KNOW_AFTER", timedelta(seconds=10))
    world.open_shop()
    look(world)
    before, asked_at = endpoints(world), datetime.now(UTC)
    renew(world)
    look(world)  # an hourly look, or a person's, does not bring it forward

    (waiting,) = world.rows("SELECT due_at FROM jobs WHERE kind = 'check_connection' AND state = 'due'")
    assert timedelta(seconds=9) < waiting.due_at - asked_at < timedelta(seconds=60)
    assert (endpoints(world), secrets(world)["webhook_secret"]) == (before, STRIPE_HOOK_SECRET)
    assert world.rows("SELECT id FROM intentions WHERE kind = 'renew_hook'") == []

    later = datetime.now(UTC) + timedelta(seconds=10)
    monkeypatch.setattr(Work, "now", lambda _self: later)
    world.hurry()
    world.work_off()

    (now,) = endpoints(world)
    assert now["id"] != before[0]["id"]
    assert secrets(world)["previous_webhook_secret"] == STRIPE_HOOK_SECRET
    assert "renewal_from" not in secrets(world)


def test_a_renewal_runs_once_however_often_the_job_does(world: World):
    world.open_shop()
    look(world)
    renew(world)
    world.work_off()
    (made,), kept = endpoints(world), secrets(world)
    for _ in range(2):
        look(world)
    assert ([one["id"] for one in endpoints(world)], secrets(world)) == ([made["id"]], kept)


def test_a_vendor_that_refuses_the_renewal_leaves_the_old_secret_good_and_says_so(world: World):
    world.open_shop()
    look(world)
    world.control("POST", "/stripe/keys", {"key": STRIPE_KEY, "of": STRIPE_KEY, "permissions": ["rak_webhook_read"]})
    renew(world)
    world.work_off()
    assert secrets(world)["webhook_secret"] == STRIPE_HOOK_SECRET
    (remark,) = row(world, "stripe").remarks
    assert remark["kind"] == "hook_renewal"
    assert "the old one stays good" in remark["sentence"]
    assert "rak_webhook_write" in remark["remedy"]

    world.control("POST", "/stripe/keys", {"key": STRIPE_KEY, "of": STRIPE_KEY, "permissions": None})
    look(world)
    assert row(world, "stripe").remarks == []
    assert secrets(world)["previous_webhook_secret"] == STRIPE_HOOK_SECRET


def test_a_previous_secret_is_taken_no_longer_after_its_day(world: World):
    world.open_shop()
    look(world)
    renew(world)
    world.work_off()
    kept = secrets(world) | {"previous_until": (datetime.now(UTC) - timedelta(minutes=1)).isoformat()}
    with world.engine.begin() as connection:
        from sqlalchemy import text

        connection.execute(
            text("UPDATE connections SET sealed_secrets = :s WHERE vendor = 'stripe'"),
            {"s": world.services.keyring.seal(kept)},
        )
    look(world)
    assert "previous_webhook_secret" not in secrets(world)
    assert secrets(world)["webhook_secret"] == kept["webhook_secret"]


def test_the_stores_webhooks_are_signed_by_the_app_and_are_not_renewed_here(world: World):
    world.open_shop()
    with pytest.raises(CannotConnect, match="app's own secret"):
        renew(world, "shopify")


# ------------------------------------------------------------------------------------------- leaving


def disconnect(world: World, vendor: str) -> None:
    with world.reading() as session:
        assert connect.disconnect(session, world.tenant, world.connections[vendor])


def test_leaving_waits_for_a_vendor_that_is_away_and_keeps_the_secrets_until_then(world: World):
    world.open_shop()
    look(world)
    world.fault(vendor="stripe", kind="5xx", operation="webhook_endpoint.delete", times=3)
    disconnect(world, "stripe")
    world.work_off()
    assert (len(endpoints(world)), secrets(world)["api_key"]) == (1, STRIPE_KEY)
    world.hurry()
    world.work_off()
    assert (endpoints(world), secrets(world)) == ([], {})


def test_leaving_an_account_that_lets_nobody_in_any_more_deletes_the_secrets_all_the_same(world: World):
    world.open_shop()
    look(world)
    world.control("POST", f"/stripe/keys/{STRIPE_KEY}/revoke")
    disconnect(world, "stripe")
    world.work_off()
    assert secrets(world) == {}
    (job,) = world.rows("SELECT state FROM jobs WHERE kind = 'check_connection' AND subject LIKE :s ORDER BY id DESC LIMIT 1",
                        s=f"%{world.connections['stripe']}")  # fmt: skip
    assert job.state == "done"


def test_leaving_twice_asks_the_vendor_once(world: World):
    world.open_shop()
    look(world)
    disconnect(world, "stripe")
    world.work_off()
    calls = len(world.calls(vendor="stripe"))
    look(world)
    assert len(world.calls(vendor="stripe")) == calls
    assert leaving.run.__doc__


def test_only_our_own_webhooks_go(world: World):
    world.open_shop()
    look(world)
    world.control("POST", "/stripe/accounts", {"key": STRIPE_KEY, "webhook_url": "https://somebody.example/hooks"})
    disconnect(world, "stripe")
    world.work_off()
    assert [one["url"] for one in endpoints(world)] == ["https://somebody.example/hooks"]


def test_the_vendors_that_are_connected_by_a_key_are_those_that_can_be_asked_about_one():
    from jobs import looking_at_keys

    assert [vendor.name for vendor in looking_at_keys.by_key()] == ["easypost", "stripe"]
    assert all(vendor.check for vendor in looking_at_keys.by_key())
    assert registry.vendor("shopify").keys_made_at == ""
