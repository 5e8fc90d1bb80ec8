"""Why an order leaves from where it does is kept with it, can be repeated, and costs no question that nobody needs."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from sqlalchemy import text

from cli import main
from jobs import desk
from orders.routing import decision
from orders.routing.question import Question
from records.schema import METADATA
from tests.world import SHOP, World, variant


def open_shop(world: World, *, rules: str = "{}", **stock: int) -> None:
    world.open_shop(variants=[variant("BAG", stock=stock or {"Reno": 50, "Newark": 50})])
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE tenants SET rules = rules || jsonb_build_object('routing', cast(:r AS jsonb))"), {"r": rules}
        )


def kept(world: World, placed):
    return world.rows(
        "SELECT * FROM routing_decisions WHERE order_id = :order ORDER BY id", order=world.order(placed).id
    )


def everything(world: World) -> dict[str, list[str]]:
    """Every row of every table, as it stands."""
    return {name: sorted(str(row) for row in world.rows(f"SELECT t::text FROM {name} t")) for name in METADATA.tables}


def estimates(world: World) -> int:
    return len([call for call in world.calls(vendor="easypost") if call["path"].endswith("/rates")])


def test_the_choice_is_kept_with_the_order_and_has_the_same_answer_again(world: World):
    open_shop(world)
    placed = world.place(("BAG", 2))

    world.settle()

    (row,) = kept(world, placed)
    assert row.sentence == "From Reno: the nearest that had everything."
    again = decision.decide(Question.model_validate(row.question))
    assert decision.digest(again) == row.digest
    assert again.chosen is not None
    assert world.rows("SELECT location_id FROM shipments") == [(again.chosen.places[0],)]
    told = json.dumps([row.question, row.answer])
    assert [word for word in ("Ada", "Townsend", "94107", "ada@example.com") if word in told] == []


def test_an_order_that_is_short_keeps_a_choice_for_each_part_that_leaves(world: World):
    open_shop(world, Reno=2, Newark=0)
    placed = world.place(("BAG", 3))
    world.settle()
    assert [row.sentence for row in kept(world, placed)] == ["Only a part of it is there: 2 from Reno. Short: 1 unit."]

    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "BAG", "location": "Newark", "on_hand": 4})
    with world.reading() as session:
        desk.read_catalogue(session, world.tenant, world.connections["shopify"])
    world.settle()

    assert [row.sentence for row in kept(world, placed)][1:] == ["From Newark: the only place that had everything."]
    assert world.order(placed).state == "fulfilled"


def test_no_carrier_is_asked_where_no_rule_wants_to_know(world: World):
    open_shop(world)
    world.place(("BAG", 1))
    world.settle()

    assert estimates(world) == 0


@pytest.mark.parametrize("fault", [None, "5xx"])
def test_the_cheapest_way_is_chosen_by_what_the_carrier_says_and_a_silent_carrier_is_asked_again(world: World, fault):
    open_shop(world, rules='{"order": ["ships_all", "fewest_shipments", "cheapest"]}')
    placed = world.place(("BAG", 1))
    if fault:
        world.fault(vendor="easypost", kind=fault, operation="*", times=1)

    world.settle()
    world.hurry()
    world.settle()

    (row,) = kept(world, placed)
    costs = {tuple(quote["way"]): quote["cost_minor"] for quote in row.question["quotes"]}
    assert len(costs) == 2
    assert row.answer["chosen"]["places"] == list(min(costs, key=lambda way: costs[way]))
    assert "cheapest" in row.sentence or len(set(costs.values())) == 1
    assert world.order(placed).state == "fulfilled"


def test_what_is_kept_is_asked_anew_by_command_and_nothing_is_written(world: World, settings, monkeypatch, tmp_path):
    open_shop(world)
    for _ in range(3):
        world.place(("BAG", 1))
    world.settle()
    monkeypatch.chdir(tmp_path)
    for name, value in {
        "DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.owner_url,
        "REDIS_URL": settings.redis_url, "SECRET_KEY": "s" * 40, "LOG_LEVEL": "WARNING",
        "ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
    }.items():  # fmt: skip
        monkeypatch.setenv(name, value)

    def packline(*words: object):
        return CliRunner().invoke(main, ["routing", *map(str, words)])

    before, calls = everything(world), len(world.calls())
    replayed = packline("replay", world.tenant, "--json")
    simulated = packline("simulate", world.tenant, "--order", "ships_all,preferred", "--json")

    assert (replayed.exit_code, json.loads(replayed.stdout)) == (0, {"replayed": 3, "others": []})
    found = json.loads(simulated.stdout)
    assert (simulated.exit_code, found["asked"], found["left_out"]) == (0, 3, 0)
    # By number, as no place is preferred: which of the two is known first is the store's.
    assert len(found["differences"]) in {0, 3}
    assert len(world.calls()) == calls
    assert everything(world) == before

    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE routing_decisions SET answer = jsonb_set(answer, '{sentence}', '\"Because.\"')")
        )
    changed = packline("replay", world.tenant)
    assert changed.exit_code == 1
    assert "the answer is another one" in changed.stdout
    assert packline("simulate", world.tenant, "--order", "by_magic").exit_code == 2
    assert "there is no tenant 999" in packline("simulate", 999, "--order", "nearest").output
    monkeypatch.setattr("records.tenants.rules_of", lambda session, _: session.execute(text("DELETE FROM movements")))
    assert "read-only" in packline("simulate", world.tenant, "--order", "nearest").output
