"""What comes free though no number of it changed lets the orders go that wait for it; what changes nothing asks nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from click.testing import CliRunner
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

import cli
from commands import opening
from orders import bundles
from records import database, users
from records.routing import Sending
from records.stock import Location
from records.tenants import Rules
from tests.world import NEWARK, RENO, World, variant
from web.pages import location_form, locations, settings_form

PASSWORD = "correct horse"
CLOSED_NEWARK = NEWARK | {"fulfills_online": False}


def run(world: World, sql: str, **values: object) -> None:
    with world.engine.begin() as connection:
        connection.execute(text(sql), values)


def press(world: World, path: str, **fields: str) -> None:
    """Send a form of the shop's, as somebody who may."""
    client = world.door.test_client()
    if not world.rows("SELECT 1 FROM users"):
        with database.across_tenants(world.engine, why="test") as session:
            users.add(session, "Grace", PASSWORD)
    token = _token(client, "/ops/sign-in")
    assert client.post("/ops/sign-in", data={"csrf_token": token, "name": "Grace", "password": PASSWORD}).location
    page = f"/ops/shops/{world.tenant}{path}"
    token = _token(client, "/ops/work")
    assert client.post(page, data={"csrf_token": token} | fields).status_code == 303


def _token(client: FlaskClient, path: str) -> str:
    found = re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text)
    assert found
    return found.group(1)


def ids(world: World, table: str, name: str) -> dict[str, int]:
    return {row.name: row.id for row in world.rows(f"SELECT {name} AS name, id FROM {table}")}


def number(world: World, table: str, name: str, called: str) -> int:
    """The store's own number of a place or a variant."""
    (row,) = world.rows(f"SELECT remote_id FROM {table} WHERE {name} = :called", called=called)
    return int(row.remote_id.rpartition("/")[2])


def looks(world: World) -> int:
    (row,) = world.rows("SELECT count(*) AS times FROM jobs WHERE kind IN ('reserve_stock', 'verify_order')")
    return row.times


def it_left(world: World, placed: dict[str, Any], *, labels: int = 1) -> bool:
    found = (world.open_holds(placed), world.order(placed).state, len(world.labels_bought()))
    assert found == ([], "fulfilled", labels)
    return True


@pytest.fixture
def elsewhere(world: World) -> tuple[World, dict[str, Any]]:
    """An order waits for what lies where online orders do not leave from."""
    world.open_shop(locations=[RENO, CLOSED_NEWARK], variants=[variant("AXE", stock={"Reno": 0, "Newark": 7})])
    placed = world.place(("AXE", 1))
    world.settle()
    assert (world.open_holds(placed), world.level("AXE", "Newark")) == (["stock"], (7, 0))
    return world, placed


@pytest.mark.parametrize("heard", [True, False])
def test_an_order_leaves_from_a_place_that_begins_to_send(elsewhere: tuple[World, dict[str, Any]], *, heard: bool):
    world, placed = elsewhere
    world.control("POST", "/deliveries/plan", {} if heard else {"drop": 1.0})
    world.control("POST", f"/shopify/locations/{number(world, 'locations', 'name', 'Newark')}/send", {})
    world.control("POST", "/deliveries/plan", {})
    if not heard:
        world.read_catalogue()

    world.gathered()

    assert it_left(world, placed)
    assert world.level("AXE", "Newark") == (6, 0)


def test_an_order_leaves_from_a_place_that_the_merchant_ticks(world: World):
    world.open_shop(locations=[RENO, NEWARK], variants=[variant("AXE", stock={"Reno": 0, "Newark": 7})])
    places = ids(world, "locations", "name")
    press(world, "/setup/locations", **{f"place-{places['Reno']}": "1"})
    placed = world.place(("AXE", 1))
    world.settle()
    assert world.open_holds(placed) == ["stock"]

    press(world, "/setup/locations", **{f"place-{id}": "1" for id in places.values()})
    world.settle()

    assert it_left(world, placed)


def test_a_catalogue_in_which_nothing_opens_has_nobody_looked_at_again(elsewhere: tuple[World, dict[str, Any]]):
    world, placed = elsewhere
    before = looks(world)

    world.read_catalogue()
    world.gathered()

    assert (looks(world), world.open_holds(placed)) == (before, ["stock"])


# --------------------------------------------------------------------------------------- bundles


@pytest.fixture
def kit(world: World) -> tuple[World, dict[str, Any]]:
    """A set of a bag and two axes, which somebody waits for as only one axe is there."""
    world.open_shop(
        variants=[
            variant("BAG", stock={"Reno": 5}),
            variant("AXE", stock={"Reno": 1}),
            variant("SET", tracked=False, stock={}),
        ]
    )
    sold = ids(world, "variants", "sku")
    with world.reading() as session:
        bundles.put_in(session, world.tenant, sold["SET"], sold["BAG"], 1)
        bundles.put_in(session, world.tenant, sold["SET"], sold["AXE"], 2)
    placed = world.place(("SET", 1))
    world.settle()
    assert world.open_holds(placed) == ["stock"]
    return world, placed


def test_an_order_leaves_once_what_it_lacks_is_taken_out_of_its_bundle(kit: tuple[World, dict[str, Any]]):
    world, placed = kit
    sold = ids(world, "variants", "sku")

    press(world, f"/stock/bundles/{sold['SET']}/parts/{sold['AXE']}/take-out")
    world.settle()

    assert it_left(world, placed)
    assert (world.level("BAG", "Reno"), world.level("AXE", "Reno")) == ((4, 0), (1, 0))


def test_an_order_leaves_once_fewer_of_what_it_lacks_are_in_its_bundle(kit: tuple[World, dict[str, Any]]):
    world, placed = kit

    press(world, "/stock/bundles", bundle="SET", part="AXE", units="1")
    world.settle()

    assert it_left(world, placed)
    assert (world.level("BAG", "Reno"), world.level("AXE", "Reno")) == ((4, 0), (0, 0))


def test_an_order_leaves_as_parts_once_what_it_lacks_is_made_a_bundle(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 5}), variant("SET", stock={"Reno": 0})])
    placed = world.place(("SET", 1))
    world.settle()
    assert world.open_holds(placed) == ["stock"]

    press(world, "/stock/bundles", bundle="SET", part="BAG", units="2")
    world.settle()

    assert it_left(world, placed)
    assert world.level("BAG", "Reno") == (3, 0)


def test_a_part_that_is_put_in_as_it_was_has_nobody_looked_at_again(kit: tuple[World, dict[str, Any]]):
    world, _ = kit
    before = looks(world)

    press(world, "/stock/bundles", bundle="SET", part="AXE", units="2")
    world.settle()

    assert looks(world) == before


# ------------------------------------------------------------------------- what is not counted any more


@pytest.mark.parametrize("sold", ["AXE", "SET"])
def test_an_order_leaves_once_the_store_counts_what_it_lacks_no_more(world: World, sold: str):
    world.open_shop(variants=[variant("AXE", stock={"Reno": 1}), variant("SET", tracked=False, stock={})])
    known = ids(world, "variants", "sku")
    with world.reading() as session:
        bundles.put_in(session, world.tenant, known["SET"], known["AXE"], 1)
    placed = world.place((sold, 2))
    world.settle()
    assert "stock" in world.open_holds(placed)

    world.control("POST", f"/shopify/variants/{number(world, 'variants', 'sku', 'AXE')}/untrack", {})
    world.gathered()

    assert (world.open_holds(placed), world.order(placed).state) == ([], "fulfilled")
    assert world.rows("SELECT sum(units) AS units FROM shipment_lines") == [(2,)]
    assert world.rows("SELECT 1 FROM stock_levels WHERE reserved <> 0 OR on_hand < 0") == []


# ------------------------------------------------------------------------- what the merchant's rules let go


ONLY_AT_ONCE = Rules.model_validate({"routing": {"split_from_units": 9}, "when_short": "wait_for_all"})


def in_three_places(world: World, **limits: str) -> dict[str, Any]:
    """An order that is not split; the one place that has all of it may not send it."""
    world.open_shop(
        locations=[RENO, NEWARK, NEWARK | {"name": "Boston"}],
        variants=[
            variant("AXE", stock={"Reno": 1, "Newark": 0, "Boston": 1}),
            variant("BAG", stock={"Reno": 0, "Newark": 1, "Boston": 1}),
        ],
        rules=ONLY_AT_ONCE,
    )
    for where, what in limits.items():
        run(world, f"UPDATE {where} SET {what}")
    placed = world.place(("AXE", 1), ("BAG", 1))
    world.settle()
    assert (world.open_holds(placed), world.labels_bought()) == (["not_split"], [])
    return placed


def test_an_order_leaves_whole_once_a_place_with_all_of_it_may_send_it_there(world: World):
    placed = in_three_places(world, locations="sending = '{\"only_to\": [\"CA\"]}' WHERE name = 'Boston'")
    boston = ids(world, "locations", "name")["Boston"]

    allow_everywhere(world, boston)
    world.settle()

    assert it_left(world, placed)


def allow_everywhere(world: World, place: int) -> None:
    with world.reading() as session:
        before = session.get_one(Location, (world.tenant, place)).sending
    typed = location_form.written(Sending(), "USD") | {"version": locations.version(before)}
    press(world, f"/locations/{place}", **typed)


def test_an_order_leaves_whole_once_its_goods_are_not_marked_any_more(world: World):
    placed = in_three_places(
        world,
        variants="bans = '{\"hazmat\": true}' WHERE sku = 'AXE'",
        locations="sending = '{\"sends_hazmat\": true}' WHERE name = 'Reno'",
    )

    press(world, "/stock/where", sku="AXE")
    world.settle()

    assert it_left(world, placed)


@pytest.mark.parametrize("by", ["setup", "command"])
def test_what_is_there_leaves_once_the_merchant_waits_for_the_rest_no_more(
    world: World, monkeypatch: pytest.MonkeyPatch, by: str
):
    world.open_shop(
        variants=[variant("AXE", stock={"Reno": 1}), variant("BAG", stock={"Reno": 0})],
        rules=Rules(when_short="wait_for_all"),
    )
    placed = world.place(("AXE", 1), ("BAG", 1))
    world.settle()
    assert world.labels_bought() == []

    if by == "setup":
        press(world, "/setup/holds", **settings_form.written(Rules(when_short="ship_what_is_there")))
    else:
        by_command(world, monkeypatch, "when_short=ship_what_is_there")
    world.settle()

    assert (world.open_holds(placed), len(world.labels_bought())) == (["stock"], 1)


def by_command(world: World, monkeypatch: pytest.MonkeyPatch, change: str) -> None:
    @contextmanager
    def shop(tenant: int) -> Iterator[Session]:
        with database.transaction(world.engine, tenant) as session:
            yield session

    monkeypatch.setattr(opening, "shop", shop)
    answer = CliRunner().invoke(cli.main, ["tenants", "rules", str(world.tenant), "--set", change])
    assert answer.exit_code == 0, answer.output
