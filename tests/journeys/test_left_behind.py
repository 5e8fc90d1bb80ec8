"""A test label that nobody can give back is left behind, and said to be: no later test stumbles over it."""

import pytest

from integrations.carriers.easypost.connector import EasyPostCarrier
from integrations.nouns import VoidState
from integrations.ports import Permanent
from jobs import connect, going_live, label_for_testing
from tests.journeys.test_set_up import ask_and_work, dying_before, test_all
from tests.world import World

test_all.__test__ = False
OTHER_KEY = "EZTKother"


def use_another_account(world: World) -> None:
    world.control("POST", "/easypost/accounts", {"key": OTHER_KEY, "mode": "test"})
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET ended_at = now() WHERE vendor = 'easypost'")
    with world.reading() as session:
        connect.connect(
            session, world.tenant, vendor="easypost", account="", secrets={"api_key": OTHER_KEY, "webhook_secret": "x"},
            live=False, keyring=world.services.keyring,
        )  # fmt: skip


def may_turn_to_watching(world: World) -> bool:
    with world.reading() as session:
        return not going_live.watch(session, world.tenant, by="person:Ann")


def test_under_another_account_the_old_label_is_left_behind_and_a_new_one_goes_the_whole_way(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(label_for_testing.outward, "once", dying_before("void_label", how=Permanent))
        assert test_all(world)["steps"]["label"]["state"] == "failed"
    (old,) = world.labels_bought()
    use_another_account(world)

    step = test_all(world)["steps"]["label"]

    assert step["state"] == "ok"
    assert f"An earlier test label ({old['id']}) stays at the carrier" in step["sentence"]
    assert "the account that bought it is no longer the one in use" in step["sentence"]
    labels = {one["id"]: one["refund_status"] for one in world.labels_bought()}
    assert len(labels) == 2
    assert labels.pop(old["id"]) is None
    assert set(labels.values()) <= {"submitted", "refunded"}

    step = test_all(world)["steps"]["label"]
    assert (step["state"], "earlier" in step["sentence"]) == ("ok", False)
    assert len(world.labels_bought()) == 3
    assert may_turn_to_watching(world)


def test_an_account_that_changes_in_the_middle_of_a_test_leaves_nothing_that_waits(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(label_for_testing, "_settled", _dies)
        ask_and_work(world)
    assert world.rows("SELECT state FROM intentions WHERE key LIKE 'self_test/%'") == [("intended",)]
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE jobs SET state = 'cancelled' WHERE kind = 'self_test'")
    use_another_account(world)

    kept = test_all(world)

    assert (kept["number"], kept["steps"]["label"]["state"]) == (1, "ok")
    assert len(world.labels_bought()) == 2
    states = [row.state for row in world.rows("SELECT state FROM intentions WHERE key LIKE 'self_test/%' ORDER BY id")]
    assert states == ["abandoned", "succeeded", "succeeded"]
    test_all(world)
    assert len(world.labels_bought()) == 3
    assert may_turn_to_watching(world)


def test_of_a_label_that_was_chosen_and_not_bought_nothing_is_left_behind(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(label_for_testing.outward, "once", dying_before("buy_label"))
        ask_and_work(world)
    assert world.labels_bought() == []
    use_another_account(world)

    step = test_all(world)["steps"]["label"]

    assert (step["state"], "earlier" in step["sentence"]) == ("ok", False)
    assert len(world.labels_bought()) == 1


def _dies(*_given: object) -> None:
    raise RuntimeError("died before the purchase was written down")


def test_a_label_that_the_carrier_never_takes_back_is_refused_once_and_left_behind_then(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.open_shop()
    refused: list[str] = []
    void = EasyPostCarrier.void

    def refuses_the_first(self: EasyPostCarrier, shipment: str) -> VoidState:
        refused.append(shipment)
        return VoidState.REFUSED if shipment == refused[0] else void(self, shipment)

    monkeypatch.setattr(EasyPostCarrier, "void", refuses_the_first)

    first, second, third = [test_all(world)["steps"]["label"] for _ in range(3)]

    assert (first["state"], first["sentence"]) == ("failed", "The carrier does not take the test label back.")
    assert second["state"] == "ok"
    assert "It could not be given back: The carrier does not take the test label back." in second["sentence"]
    assert (third["state"], "earlier" in third["sentence"]) == ("ok", False)
    assert len(world.labels_bought()) == 3
    assert may_turn_to_watching(world)


def test_of_a_shop_without_a_carrier_no_old_label_keeps_it_from_watching(world: World, monkeypatch: pytest.MonkeyPatch):
    world.open_shop()
    with monkeypatch.context() as patched:
        patched.setattr(label_for_testing, "_settled", _dies)
        ask_and_work(world)
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET ended_at = now() WHERE vendor = 'easypost'")

    step = test_all(world)["steps"]["label"]

    assert step["state"] == "failed"
    assert step["sentence"].startswith("No carrier is connected. An earlier test label (")
    assert may_turn_to_watching(world)
