"""A self-test proves what a shop connected, from the scopes to a label, and leaves nothing behind."""

from dataclasses import replace

import pytest

from jobs import kept_self_test, self_test
from orders import setting_up
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
    assert [call["operation"] for call in reachable.calls()[before:] if call["effect"]] == []


def test_a_live_key_is_asked_for_prices_only(reachable: World):
    reachable.open_shop()
    with reachable.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET live = true WHERE vendor = 'easypost'")

    kept = test_all(reachable)

    assert "the key is for real postage" in kept["steps"]["label"]["sentence"]
    assert reachable.labels_bought() == []
