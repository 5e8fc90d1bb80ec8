"""A merchant adds the app, and an order gets to its tracking number through hours, rotations and leave-taking."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest
from pydantic import SecretStr
from sqlalchemy import Engine

from config.settings import Settings
from integrations.storefronts.shopify import checkup
from tests.app_world import NEWER, SECRET, AppWorld, running_app_world
from tests.world import SHOP, running_sandbox


@pytest.fixture(scope="module")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[AppWorld]:
    with running_app_world(settings, engine, sandbox_origin) as running:
        yield running


def test_from_add_app_to_a_tracking_number_without_anybody_typing_a_token(world: AppWorld):
    world.install()
    world.settle()
    world.go_live()

    placed = world.place(("BAG", 2))
    world.settle()

    assert world.order(placed).state == "fulfilled"
    (announced,) = world.fulfillments(placed)
    (label,) = world.labels_bought()
    assert label["tracking_code"] in str(announced)
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []
    assert world.row().remarks == []


def test_a_day_of_hours_passes_and_every_order_arrives(world: AppWorld):
    world.install()
    world.settle()
    world.go_live()
    tokens = {world.secrets()["access_token"]}

    for _ in range(4):
        world.hour_passes()
        placed = world.place(("BAG", 1))
        world.settle()
        assert world.order(placed).state == "fulfilled"
        tokens.add(world.secrets()["access_token"])

    assert len(tokens) == 5
    assert world.grants("refresh") == 4
    assert len(world.labels_bought()) == 4
    assert world.row().consent_wanted_at is None


def test_a_secret_is_rotated_while_orders_come_in(settings: Settings, engine: Engine, sandbox_origin: str):
    keys = {"shopify_client_secret": SecretStr(NEWER), "shopify_old_client_secret": SecretStr(SECRET)}
    with running_app_world(settings, engine, sandbox_origin, **keys) as world:
        world.install()  # Shopify knows the old one only, and signs with it
        world.settle()
        world.go_live()
        first = world.place(("BAG", 1))
        world.settle()
        world.control("POST", "/shopify/app", {
            "client_id": "packline-app", "client_secret": NEWER, "old_client_secret": SECRET})  # fmt: skip
        world.hour_passes()
        second = world.place(("BAG", 1))
        world.settle()

        assert [world.order(placed).state for placed in (first, second)] == ["fulfilled", "fulfilled"]
        refused = [call["status"] for call in world.calls(operation="oauth.exchange")]
        assert refused == [400, 200]
        assert world.visit(secret=SECRET).status_code == world.visit(secret=NEWER).status_code == 302


def test_permissions_that_are_missing_stand_on_the_connection_and_go_when_they_are_granted(world: AppWorld):
    world.open_store(scopes=["write_orders", "read_products", "write_inventory", "read_locations", "write_fulfillments",
                             "write_merchant_managed_fulfillment_orders"])  # fmt: skip
    assert world.visit().status_code == 302
    world.know()
    world.settle()
    (remark,) = world.row().remarks
    assert remark["kind"] == "scope:write_third_party_fulfillment_orders"
    assert "fulfillment service" in remark["sentence"]

    granted = [*world.row().scopes, "write_third_party_fulfillment_orders"]
    world.control("POST", f"/shopify/shops/{SHOP}/scopes", {"scopes": granted})
    assert world.visit().status_code == 302
    world.settle()

    assert world.row().remarks == []
    assert world.grants("exchange") == 2


def test_an_approval_that_is_missing_is_named_by_the_install_itself(world: AppWorld):
    """Shopify says nothing of it: names and streets of buyers are null, and that is all."""
    world.open_store(approved=False)
    world.place(("BAG", 1))

    assert world.visit().status_code == 302
    world.know()
    world.settle()

    (remark,) = world.row().remarks
    assert remark["kind"] == "buyers_hidden"
    assert "not approved for protected customer data" in remark["sentence"]
    assert "Partner Dashboard" in remark["remedy"]


def test_fulfillment_orders_that_are_left_out_are_named_by_the_install_itself(
    world: AppWorld, monkeypatch: pytest.MonkeyPatch
):
    """Shopify leaves them out of its answers without a word."""
    monkeypatch.setattr(checkup, "_ROUTED_WITHIN", timedelta(seconds=-1))
    world.open_store()
    world.place(("BAG", 1), fo_delay_s=3_600)

    assert world.visit().status_code == 302
    world.know()
    world.settle()

    (remark,) = world.row().remarks
    assert remark["kind"] == "work_absent"
    assert "shows no work to Packline" in remark["sentence"]
    assert "permissions for fulfillment orders" in remark["remedy"]


def test_a_store_that_leaves_and_comes_back_goes_on_with_its_open_orders(world: AppWorld):
    world.install()
    world.settle()
    world.go_live()
    world.control("POST", f"/shopify/shops/{SHOP}/uninstall", {})
    placed = world.place(("BAG", 1))
    world.settle()
    assert world.order_is_known(placed) is False or world.order(placed).state != "fulfilled"
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked'") == []

    assert world.visit().status_code == 302
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1
    assert len(world.fulfillments(placed)) == 1
