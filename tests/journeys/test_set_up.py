"""A self-test proves what a shop connected, from the scopes to a label, and leaves nothing behind."""

from dataclasses import replace

import pytest

from integrations import registry
from integrations.only_asking import OnlyWatching
from integrations.ports import Permanent
from jobs import going_live, kept_self_test, label_for_testing, outward, self_test
from orders import setting_up
from sandbox.shopify_seed import SCOPES
from tests.journeys.test_listened import stripe, stripe_hooks
from tests.world import NEWARK, RENO, World


def test_all(world: World) -> dict:
    """Ask for a test, and let it come to its end."""
    with world.reading() as session:
        self_test.ask(session, world.tenant, by="person:Ann", now="2026-11-22T00:00:00+00:00")
    for _ in range(20):
        world.settle()
        world.hurry_but_voids()
        with world.reading() as session:
            kept = kept_self_test.read(session, world.tenant)
        if kept.get("ended_at"):
            return kept
    raise AssertionError(kept)


test_all.__test__ = False


@pytest.fixture
def reachable(world: World) -> World:
    """The world's own door is where its vendors, and the test, reach it."""
    world.services = replace(world.services, public_url=world.origin)
    return world


def test_a_shop_that_is_well_connected_passes_and_its_test_label_goes_back(reachable: World):
    reachable.open_shop()

    kept = test_all(reachable)

    assert {name: step["state"] for name, step in kept["steps"].items() if step["state"] == "failed"} == {}
    assert setting_up.passed(kept)
    assert kept["steps"]["round_trip"]["state"] == "ok"
    (label,) = reachable.labels_bought()
    assert label["refund_status"] in {"submitted", "refunded"}
    kept_events = reachable.rows("SELECT topic, state FROM inbox_events WHERE topic LIKE 'packline%' ORDER BY 1")
    assert {(row.topic, row.state) for row in kept_events} == {
        ("packline.self_test", "ignored"), ("packline/self_test", "ignored"),
    }  # fmt: skip
    assert reachable.rows("SELECT id FROM orders") == []


def test_a_run_that_dies_after_the_purchase_buys_no_second_label(reachable: World, monkeypatch: pytest.MonkeyPatch):
    reachable.open_shop()
    reachable.fault(vendor="easypost", kind="cut_after", operation="shipment.buy", times=1)

    kept = test_all(reachable)

    assert kept["steps"]["label"]["state"] == "ok"
    assert len(reachable.labels_bought()) == 1


def test_a_location_with_stock_that_lacks_its_phone_is_named(reachable: World):
    reachable.open_shop(locations=[RENO | {"phone": ""}, NEWARK])

    kept = test_all(reachable)

    assert kept["steps"]["locations"] == {
        "state": "failed",
        "sentence": "The address of Reno lacks phone.",
        "remedy": "Complete it in the store's settings under Locations, then read the store again.",
    }
    assert not setting_up.passed(kept)


def test_a_scope_that_is_missing_fails_its_step_and_is_named(reachable: World):
    reachable.open_shop(scopes=[scope for scope in SCOPES if scope != "write_fulfillments"])

    kept = test_all(reachable)

    step = kept["steps"]["scopes"]
    assert step["state"] == "failed"
    assert step["sentence"].startswith("The store has not granted `write_fulfillments`.")
    assert step["sentence"].count("has not granted") == 1
    assert "agree to the permissions" in step["remedy"]
    assert not setting_up.passed(kept)


@pytest.mark.parametrize(("seen_before", "remedy"), [(True, "put right by itself"), (False, "packline hooks register")])
def test_a_topic_that_is_missing_fails_its_step_and_is_named(reachable: World, seen_before: bool, remedy: str):
    reachable.open_shop()
    if not seen_before:
        with reachable.engine.begin() as connection:
            connection.exec_driver_sql("UPDATE connections SET hooks_seen = '[]' WHERE vendor = 'stripe'")
    topics = [topic for topic in registry.vendor("stripe").topics if topic != "charge.refunded"]
    (hook,) = stripe_hooks(reachable)
    stripe(reachable, "POST", f"webhook_endpoints/{hook['id']}", **{"enabled_events[]": topics})

    kept = test_all(reachable)

    step = kept["steps"]["topics"]
    assert step["state"] == "failed"
    assert "charge.refunded" in step["sentence"]
    assert not any(topic in step["sentence"] for topic in topics)
    assert remedy in step["remedy"]
    assert not setting_up.passed(kept)


def test_a_door_that_is_not_ours_is_said_with_what_to_do(world: World):
    world.services = replace(world.services, public_url="http://127.0.0.1:9")
    world.open_shop()

    kept = test_all(world)

    assert kept["steps"]["round_trip"]["state"] == "failed"
    assert "does not answer" in kept["steps"]["round_trip"]["sentence"]


def test_in_shadow_nothing_is_bought_and_the_test_says_so(reachable: World):
    reachable.open_shop()
    with reachable.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE tenants SET mode = 'shadow'")
    before = len(reachable.calls())

    kept = test_all(reachable)

    step = kept["steps"]["label"]
    assert (step["state"], "because the shop only watches" in step["sentence"]) == ("skipped", True)
    assert not setting_up.passed(kept)
    assert [call["operation"] for call in reachable.calls()[before:] if call["effect"]] == []


def test_a_live_key_is_asked_for_prices_only(reachable: World):
    reachable.open_shop()
    with reachable.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET live = true WHERE vendor = 'easypost'")

    kept = test_all(reachable)

    assert "the key is for real postage" in kept["steps"]["label"]["sentence"]
    assert reachable.labels_bought() == []


def dying_before(act: str, *, how: type[Exception] = RuntimeError):
    """In place of outward.once: a run that dies before it asks for this act."""
    once = outward.once

    def dies(work, one, **given):
        if one.kind == act:
            raise how(f"died before {act}") if how is not Permanent else Permanent("No.", remedy="Ask.", code="no")
        return once(work, one, **given)

    return dies


def ask_and_work(world: World) -> int:
    with world.reading() as session:
        number = self_test.ask(session, world.tenant, by="person:Ann", now="2026-11-22T00:00:00+00:00")
    for _ in range(8):
        world.settle()
        world.hurry_but_voids()
    return number


def test_a_second_press_goes_on_with_the_test_that_was_interrupted_and_buys_no_second_label(
    reachable: World, monkeypatch: pytest.MonkeyPatch
):
    reachable.open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(label_for_testing.outward, "once", dying_before("void_label"))
        first = ask_and_work(reachable)
    assert len(reachable.labels_bought()) == 1
    with reachable.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'cancelled' WHERE kind = 'self_test'")

    assert ask_and_work(reachable) == first
    with reachable.reading() as session:
        kept = kept_self_test.read(session, reachable.tenant)

    assert kept["steps"]["label"]["state"] == "ok"
    (label,) = reachable.labels_bought()
    assert label["refund_status"] in {"submitted", "refunded"}
    with reachable.reading() as session:
        assert list(going_live.watch(session, reachable.tenant, by="person:Ann")) == []


def test_the_next_test_gives_back_the_label_that_the_last_one_could_not(
    reachable: World, monkeypatch: pytest.MonkeyPatch
):
    reachable.open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(label_for_testing.outward, "once", dying_before("void_label", how=Permanent))
        kept = test_all(reachable)
    assert (kept["number"], kept["steps"]["label"]["state"]) == (1, "failed")

    kept = test_all(reachable)

    assert (kept["number"], kept["steps"]["label"]["state"]) == (2, "ok")
    (label,) = reachable.labels_bought()
    assert label["refund_status"] in {"submitted", "refunded"}
    assert test_all(reachable)["number"] == 3
    assert len(reachable.labels_bought()) == 2  # a test of its own, once the last one's label is back


def test_a_test_in_hand_when_the_shop_turns_to_watching_comes_to_its_end(
    reachable: World, monkeypatch: pytest.MonkeyPatch
):
    reachable.open_shop()
    chosen, turned = label_for_testing._choose, []

    def turned_meanwhile(*given):
        if not turned:
            turned.append(True)
            with reachable.engine.begin() as connection:
                connection.exec_driver_sql("UPDATE tenants SET mode = 'shadow'")
            raise OnlyWatching("quote")
        return chosen(*given)

    monkeypatch.setattr(label_for_testing, "_choose", turned_meanwhile)

    kept = test_all(reachable)

    assert (turned, kept["steps"]["label"]["state"]) == ([True], "skipped")
    assert reachable.labels_bought() == []


def test_what_another_test_finds_is_not_written_down(world: World):
    world.open_shop()
    with world.reading() as session:
        number = kept_self_test.begin(session, world.tenant, by="person:Ann", now="2026-11-22T00:00:00+00:00")

    with pytest.raises(kept_self_test.Superseded), world.reading() as session:
        kept_self_test.write(session, world.tenant, number - 1, {"ended_at": "x"})

    with world.reading() as session:
        assert "ended_at" not in kept_self_test.read(session, world.tenant)
