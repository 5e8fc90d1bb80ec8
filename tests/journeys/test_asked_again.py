"""An answer is for the shortage that was asked about: what runs out after it is asked about anew, of buyer and shop."""

from __future__ import annotations

import pytest

from jobs import desk
from records.tenants import Rules
from tests.journeys.test_chosen import choose, land, link_in, shipped
from tests.journeys.test_rerouted import cannot_send
from tests.world import World, variant

ASKING = Rules(ask_when_short=True)


def short_again(world: World) -> None:
    """The one place that has it could not find what was to leave."""
    (shipment,) = world.rows("SELECT id FROM shipments WHERE state <> 'cancelled'")
    assert cannot_send(world, shipment.id) == ""
    world.settle()
    world.hurry_but_voids()
    world.settle()


def asked(world: World) -> list[tuple[dict[str, int], str]]:
    return [(row.short, row.state) for row in world.rows("SELECT short, state FROM choices ORDER BY id")]


@pytest.mark.parametrize(
    ("there", "wanted", "said"), [(1, 2, "refund"), (0, 1, "wait")], ids=["a part was given up", "it was waited for"]
)
def test_what_runs_out_after_an_answer_is_a_new_question(world: World, there: int, wanted: int, said: str):
    world.open_shop(rules=ASKING, variants=[variant("AXE", stock={"Reno": there})])
    placed = world.place(("AXE", wanted))
    world.settle()
    (letter,) = world.letters()
    choose(world, link_in(letter), said)
    if said == "wait":
        land(world, "AXE", 1)
    assert shipped(world, placed) == [{"AXE": 1}]
    (line,) = world.rows("SELECT id FROM order_lines")
    before = len(world.letters())

    short_again(world)

    assert asked(world) == [({str(line.id): 1}, "answered"), ({str(line.id): 1}, "asked")]
    second = link_in(world.letters()[-1])
    assert len(world.letters()) == before + 1
    assert second != link_in(letter)
    (choice,) = world.rows("SELECT id FROM choices WHERE state = 'asked'")
    with world.reading() as session:
        counts = desk.answer_choice(
            session, world.tenant, choice.id, {line.id: "refund"}, ship_rest=True, by="person:Grace", reason="called"
        )
        session.commit()
    world.settle()
    world.hurry_but_voids()
    world.settle()
    assert counts
    assert world.order(placed).state == "cancelled"


def test_who_waits_is_asked_nothing_more_while_it_is_short(world: World):
    """Looked at again and again, with a part that lands: it is the same shortage."""
    world.open_shop(rules=ASKING, variants=[variant("AXE", stock={"Reno": 0})])
    world.place(("AXE", 2))
    world.settle()
    choose(world, link_in(world.letters()[0]), "wait", rest="now")
    before = len(world.letters())

    land(world, "AXE", 1)
    land(world, "AXE", 0)

    assert [state for _, state in asked(world)] == ["answered"]
    assert len(world.letters()) == before
