"""Tokens end every hour: they are renewed in time, by one process, and what waits for a merchant is never lost."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner
from sqlalchemy import Engine

from commands import app as app_command
from commands import opening
from config.settings import Settings
from integrations.ports import Permanent, Temporary
from jobs import access, connect, desk, no_access, queue, renewing, steps
from jobs.access import NoAccess, wants_renewal
from records import database
from tests.app_world import NEWER, SECRET, AppWorld, running_app_world
from tests.world import SHOP, running_sandbox

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[AppWorld]:
    with running_app_world(settings, engine, sandbox_origin) as running:
        running.install()
        running.work_off()
        yield running


def fresh(world: AppWorld) -> dict[str, str]:
    return dict(access.secrets_for(world.services, world.tenant, world.connections["shopify"]))


def opens_the_store(world: AppWorld, secrets: dict[str, str]) -> bool:
    return secrets["access_token"] in world.control("GET", f"/shopify/shops/{SHOP}/tokens")["access"]


# ------------------------------------------------------------------------------------------- when


@pytest.mark.parametrize(
    ("ends", "renewal_ends", "wanted"),
    [
        (timedelta(minutes=6), timedelta(days=90), False),
        (timedelta(minutes=5), timedelta(days=90), True),
        (timedelta(minutes=-5), None, True),
        (None, timedelta(days=31), False),
        (None, timedelta(days=29), True),
        (None, None, False),
    ],
)
def test_a_token_is_renewed_shortly_before_its_end(ends, renewal_ends, wanted):
    at = lambda span: None if span is None else NOW + span

    assert wants_renewal(at(ends), at(renewal_ends), NOW) is wanted


def test_a_fresh_token_is_used_as_it_is(world: AppWorld):
    assert fresh(world) == world.secrets()
    assert world.grants("refresh") == 0


def test_a_token_that_ended_is_renewed_and_stored_before_it_is_used(world: AppWorld):
    before = world.secrets()
    world.hour_passes()

    renewed = fresh(world)

    assert renewed == world.secrets()
    assert renewed["access_token"] != before["access_token"]
    assert opens_the_store(world, renewed)
    row = world.row()
    assert row.token_expires_at - datetime.now(UTC) > timedelta(minutes=59)
    assert (row.renewing_until, row.renewing_by, row.granted_by) == (None, "", "exchange")
    assert world.grants("refresh") == 1
    assert fresh(world) == renewed
    assert world.grants("refresh") == 1


def test_many_processes_that_find_a_token_ended_renew_it_once(world: AppWorld):
    world.hour_passes()
    world.fault(vendor="shopify", kind="latency", operation="oauth.refresh", delay_s=0.5)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(fresh(world))) for _ in range(6)]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert len(found) == 6
    assert found == [world.secrets()] * 6
    assert world.grants("refresh") == 1
    assert opens_the_store(world, found[0])


def test_who_comes_second_and_waits_too_long_comes_again_without_counting_a_try(world: AppWorld, monkeypatch):
    world.hour_passes()
    world.run("UPDATE connections SET renewing_until = now() + interval '1 minute', renewing_by = 'another process'")
    monkeypatch.setattr(renewing, "WAIT_S", 0.3)

    with pytest.raises(NoAccess) as waiting:
        fresh(world)

    assert (waiting.value.code, waiting.value.wait_s) == ("renewing", 1.0)
    assert world.grants("refresh") == 0


def test_a_lease_whose_process_is_gone_runs_out(world: AppWorld):
    world.hour_passes()
    world.run("UPDATE connections SET renewing_until = now() - interval '1 ms', renewing_by = 'a dead process'")

    assert opens_the_store(world, fresh(world))


def test_while_another_process_renews_a_token_that_is_still_good_is_used(world: AppWorld):
    world.run(
        "UPDATE connections SET token_expires_at = now() + interval '4 minutes', "
        "renewing_until = now() + interval '1 minute', renewing_by = 'another process'"
    )

    assert fresh(world) == world.secrets()
    assert world.grants("refresh") == 0


class Killed(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("boundary", ["called shopify renew_token", "writing"])
def test_a_process_that_dies_between_the_answer_and_the_commit_loses_nothing(world: AppWorld, boundary: str):
    world.hour_passes()
    before = world.secrets()

    def die(passed: str) -> None:
        if passed == boundary:
            raise Killed

    steps.listen(die)
    with pytest.raises(Killed):
        fresh(world)
    steps.listen(None)
    assert world.secrets() == before
    world.run("UPDATE connections SET renewing_until = now() - interval '1 ms'")  # the lease runs out

    assert opens_the_store(world, fresh(world))
    assert world.row().consent_wanted_at is None


def test_a_token_that_is_granted_while_the_connection_ends_is_kept_nowhere(world: AppWorld):
    world.hour_passes()

    def the_merchant_leaves(passed: str) -> None:
        if passed == "called shopify renew_token":
            world.run("UPDATE connections SET ended_at = now(), sealed_secrets = :s", s=world.services.keyring.seal({}))

    steps.listen(the_merchant_leaves)
    with pytest.raises(NoAccess):
        fresh(world)
    steps.listen(None)

    assert world.secrets() == {}
    assert world.grants("refresh") == 1


@pytest.mark.parametrize("fault", [{"kind": "5xx", "status": 520}, {"kind": "cut_after"}, {"kind": "429"}])
def test_a_renewal_that_fails_by_the_way_keeps_the_old_pair(world: AppWorld, fault: dict[str, Any]):
    world.hour_passes()
    before = world.secrets()
    world.fault(vendor="shopify", operation="oauth.refresh", **fault)

    with pytest.raises(Temporary) as failure:
        fresh(world)

    assert not isinstance(failure.value, NoAccess)
    assert (world.secrets(), world.row().renewing_until, world.row().consent_wanted_at) == (before, None, None)
    assert opens_the_store(world, fresh(world))


def test_a_renewal_that_fails_by_the_way_costs_nothing_while_the_token_is_good(world: AppWorld):
    world.run("UPDATE connections SET token_expires_at = now() + interval '4 minutes'")
    world.fault(vendor="shopify", operation="oauth.refresh", kind="5xx")

    assert fresh(world) == world.secrets()
    assert opens_the_store(world, fresh(world))


def test_an_answer_that_tells_no_end_does_not_end_the_store_s_access(world: AppWorld):
    world.hour_passes()
    kept_until = world.row().renewal_expires_at
    world.control(
        "POST", f"/shopify/shops/{SHOP}/leave-out", {"fields": ["expires_in", "refresh_token_expires_in", "scope"]}
    )

    first = fresh(world)
    row = world.row()
    assert (row.token_expires_at, row.renewal_expires_at, bool(row.scopes)) == (None, kept_until, True)
    world.control("POST", f"/shopify/shops/{SHOP}/expire", {})
    ask_for_the_catalogue(world)

    assert world.work_off() > 0
    assert world.secrets() != first
    assert world.row().token_expires_at is not None
    assert world.waiting() == []


# ------------------------------------------------------------------------------------------- refused before its end


def ask_for_the_catalogue(world: AppWorld) -> None:
    with world.reading() as session:
        desk.read_catalogue(session, world.tenant, world.connections["shopify"])


def test_a_token_that_is_refused_early_is_renewed_and_the_call_made_again(world: AppWorld):
    world.control("POST", f"/shopify/shops/{SHOP}/expire", {})
    ask_for_the_catalogue(world)

    world.work_off()

    (job,) = world.rows("SELECT state, attempts FROM jobs WHERE kind = 'read_catalogue' ORDER BY id DESC LIMIT 1")
    assert (job.state, job.attempts) == ("done", 1)
    assert world.grants("refresh") == 1


def test_a_token_that_another_process_has_renewed_meanwhile_is_looked_up_and_not_renewed_again(world: AppWorld):
    row = world.row()
    held = access.credentials(world.services, row, lambda _: None)
    world.hour_passes()
    newer = fresh(world)

    assert held.renewed is not None
    assert dict(held.renewed(held.secrets)) == newer
    assert world.grants("refresh") == 1


def test_a_second_refusal_in_one_job_looks_for_newer_secrets_before_it_asks_the_merchant(world: AppWorld):
    renewed = access.credentials(world.services, world.row(), lambda _: None).renewed
    assert renewed is not None
    ours = renewed(world.secrets())
    world.hour_passes()
    newest = fresh(world)

    assert dict(renewed(ours)) == newest
    assert world.row().consent_wanted_at is None
    # These were not granted to this job a moment ago: they end as any do.
    once_more = renewed(newest)
    assert dict(once_more) == world.secrets() != newest
    with pytest.raises(NoAccess) as waiting:
        renewed(once_more)
    assert waiting.value.code == "consent"
    assert world.row().consent_wanted_at is not None


def test_a_token_that_was_granted_to_a_job_an_hour_ago_is_renewed_by_it(world: AppWorld, monkeypatch):
    renewed = access.credentials(world.services, world.row(), lambda _: None).renewed
    assert renewed is not None
    ours = renewed(world.secrets())
    monkeypatch.setattr(access, "_JUST_GRANTED_S", 0.0)

    assert opens_the_store(world, dict(renewed(ours)))
    assert world.row().consent_wanted_at is None


def test_a_refusal_does_not_want_consent_for_what_the_merchant_has_granted_meanwhile(world: AppWorld):
    before = world.row()
    world.hour_passes()
    fresh(world)

    renewal = renewing.Renewal(world.services, before, lambda _: None, wanted=lambda _row, _held: True)
    assert renewal.want_consent(before, "refused").code == "renewing"

    assert (world.row().consent_wanted_at, world.row().remarks) == (None, [])


def test_twenty_orders_wait_for_the_merchant_and_none_is_lost_or_done_twice(world: AppWorld):
    world.go_live()
    world.control("POST", f"/shopify/shops/{SHOP}/uninstall", {})
    placed = [world.place(("BAG", 1)) for _ in range(20)]
    world.settle()

    assert set(world.waiting()) == {"consent"}
    assert len(world.waiting()) >= 20
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []
    assert {row.attempts for row in world.rows("SELECT attempts FROM jobs WHERE cause = 'consent'")} == {0}
    wanted_since = world.row().consent_wanted_at
    assert wanted_since is not None
    assert [(one["kind"], "admin" in one["remedy"]) for one in world.row().remarks] == [("consent", True)]
    asked = len(world.calls(operation="oauth.refresh"))
    world.hurry()
    world.settle()
    assert world.row().consent_wanted_at == wanted_since
    # Twenty jobs that look again ask Shopify nothing; only the hourly look at the connection does.
    assert len(world.calls(operation="oauth.refresh")) - asked <= 1

    assert world.visit().status_code == 302
    assert world.row().consent_wanted_at is None
    assert "consent" not in {job.cause for job in world.unfinished() if job.wait_s > 0}
    world.settle()

    assert {world.order(one).state for one in placed} == {"fulfilled"}
    assert len(world.labels_bought()) == 20
    assert [len(world.fulfillments(one)) for one in placed] == [1] * 20
    assert [one["kind"] for one in world.row().remarks if one["kind"] == "consent"] == []


def test_what_waits_for_a_merchant_waits_an_hour_and_counts_no_try(world: AppWorld):
    world.hour_passes(refresh_too=True)
    ask_for_the_catalogue(world)

    for _ in range(30):
        world.hurry()
        world.work_off()

    (job,) = world.rows(
        "SELECT state, cause, attempts, due_at > now() + interval '59 minutes' AS later FROM jobs WHERE kind = 'read_catalogue' ORDER BY id DESC LIMIT 1"
    )
    assert (job.state, job.cause, job.attempts, job.later) == ("due", "consent", 0, True)
    assert len(world.calls(operation="oauth.refresh")) <= 1


def test_a_refusal_that_was_shopify_s_own_mistake_is_found_out_within_the_hour(world: AppWorld):
    world.run("UPDATE connections SET consent_wanted_at = now()")
    ask_for_the_catalogue(world)
    world.work_off()
    assert world.waiting() == ["consent"]

    with world.reading() as session:
        queue.add(session, world.tenant, "check_connection", f"connection/{world.connections['shopify']}")
    world.work_off()

    assert world.row().consent_wanted_at is None
    assert world.waiting() == []
    (job,) = world.rows("SELECT state FROM jobs WHERE kind = 'read_catalogue' ORDER BY id DESC LIMIT 1")
    assert job.state == "done"


def test_keys_that_shopify_does_not_know_make_jobs_wait_and_say_so(world: AppWorld):
    world.hour_passes()
    world.control("POST", "/shopify/app", {"client_id": "packline-app", "client_secret": NEWER})

    with pytest.raises(NoAccess) as waiting:
        fresh(world)

    assert (waiting.value.code, world.row().consent_wanted_at) == ("no_access", None)
    (remark,) = world.row().remarks
    assert "SHOPIFY_CLIENT_SECRET" in remark["remedy"]
    assert SECRET not in str(remark)
    asked = len(world.calls(operation="oauth.refresh"))
    world.control("POST", "/shopify/app", {"client_id": "packline-app", "client_secret": SECRET})
    for _ in range(3):  # a thousand jobs would ask nothing either
        with pytest.raises(NoAccess) as later:
            access.credentials(world.services, world.row(), lambda _: None)
        assert later.value.code == "no_access"
        assert 290 < later.value.wait_s <= 300
    assert len(world.calls(operation="oauth.refresh")) == asked

    access.try_again(world.services, world.row(), lambda _: None)
    assert opens_the_store(world, fresh(world))
    assert world.row().remarks == []


def test_a_refusal_is_asked_about_again_once_its_time_is_over(world: AppWorld):
    world.hour_passes()
    world.control("POST", "/shopify/app", {"client_id": "packline-app", "client_secret": NEWER})
    with pytest.raises(NoAccess):
        fresh(world)
    world.control("POST", "/shopify/app", {"client_id": "packline-app", "client_secret": SECRET})
    at = (datetime.now(UTC) - timedelta(seconds=301)).isoformat()
    world.run("UPDATE connections SET remarks = jsonb_set(remarks, '{0,at}', to_jsonb(CAST(:at AS text)))", at=at)

    assert opens_the_store(world, fresh(world))


def test_a_token_that_is_still_good_is_used_where_shopify_does_not_know_our_keys(world: AppWorld):
    world.run("UPDATE connections SET token_expires_at = now() + interval '4 minutes' WHERE vendor = 'shopify'")
    world.control("POST", "/shopify/app", {"client_id": "packline-app", "client_secret": NEWER})

    assert [fresh(world) for _ in range(3)] == [world.secrets()] * 3

    assert len(world.calls(operation="oauth.refresh")) == 1
    assert [remark["kind"] for remark in world.row().remarks] == ["no_access"]


def test_secrets_that_cannot_be_opened_leave_the_row_free(world: AppWorld):
    sealed = world.row().sealed_secrets
    world.run("UPDATE connections SET consent_wanted_at = now(), sealed_secrets = 'nonsense'")

    with pytest.raises(Permanent) as refusal:
        access.try_again(world.services, world.row(), lambda _: None)

    assert refusal.value.code == "cannot_open"
    assert (world.row().renewing_until, world.row().renewing_by) == (None, "")
    world.run("UPDATE connections SET sealed_secrets = :s", s=sealed)
    assert opens_the_store(world, fresh_after_consent(world))


def fresh_after_consent(world: AppWorld) -> dict[str, str]:
    access.try_again(world.services, world.row(), lambda _: None)
    return fresh(world)


def test_the_lease_is_longer_than_two_secrets_that_are_asked_with_in_turn():
    assert timedelta(seconds=2 * (5 + 30 + 60)) < renewing.LEASE


# ------------------------------------------------------------------------------------------- given up for a pair


def test_a_token_that_lasts_is_migrated_when_asked_and_not_before(world: AppWorld, monkeypatch):
    world.control(
        "POST",
        "/shopify/shops",
        {"domain": "old.myshopify.com", "token": "shpat_old", "secret": "s", "locations": [{"name": "A"}]},
    )
    with database.across_tenants(world.engine, why="test") as session:
        tenant = connect.add_tenant(session, "Old", "USD")
    with database.transaction(world.engine, tenant) as session:
        row = connect.connect(
            session, tenant, vendor="shopify", account="old.myshopify.com", live=True, keyring=world.services.keyring,
            secrets={"access_token": "shpat_old", "webhook_secret": "hush"},
        )  # fmt: skip
    assert dict(access.secrets_for(world.services, tenant, row.id))["access_token"] == "shpat_old"
    assert world.grants("migrate") == 0

    monkeypatch.setattr(opening, "settings", lambda: world.settings)
    unsure = CliRunner().invoke(app_command.group, ["migrate-tokens"], input="n\n")
    assert (unsure.exit_code, world.grants("migrate")) == (1, 0)
    done = CliRunner().invoke(app_command.group, ["migrate-tokens", "--yes", "--json"])
    assert (done.exit_code, json.loads(done.stdout)) == (0, [
        {"tenant": tenant, "connection": row.id, "account": "old.myshopify.com", "result": "migrated"}])  # fmt: skip

    kept = dict(access.secrets_for(world.services, tenant, row.id))
    assert kept["access_token"] != "shpat_old"
    assert (kept["webhook_secret"], bool(kept["refresh_token"])) == ("hush", True)
    assert world.grants("migrate") == 1


def test_every_reason_to_wait_for_access_is_roused_and_no_other(world: AppWorld):
    with world.reading() as session:
        for number in range(len(no_access.WAITING) + 2):
            queue.add(session, world.tenant, "verify_order", f"order/{number}")
    for number, cause in enumerate((*no_access.WAITING, "early", "429")):
        world.run(
            "UPDATE jobs SET due_at = now() + interval '1 hour', cause = :c WHERE subject = :s",
            c=cause,
            s=f"order/{number}",
        )

    with world.reading() as session:
        assert renewing.rouse(session, world.tenant) == len(no_access.WAITING)

    later = {row.cause for row in world.rows("SELECT cause FROM jobs WHERE state = 'due' AND due_at > now()")}
    assert later == {"early", "429"}


def test_the_first_look_at_a_store_says_whether_it_is_a_test_store_and_later_ones_do_not(world: AppWorld):
    def looked_at(sql: str) -> bool:
        world.run(f"UPDATE connections SET {sql} WHERE vendor = 'shopify'")
        with world.reading() as session:
            queue.add(session, world.tenant, "check_connection", f"connection/{world.connections['shopify']}")
        world.work_off()
        assert world.row().checked_at is not None
        return world.row().live

    assert looked_at("live = true, checked_at = NULL") is False  # the sandbox's is a development store
    assert looked_at("live = true") is True
