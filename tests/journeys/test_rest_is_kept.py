"""While a buyer is asked about what is short, the rest of their order is theirs: nobody else gets it, and nobody twice."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from jobs import desk, intake
from orders import bundles
from orders.reversing import Wish
from records.tenants import Rules
from tests import patient
from tests.journeys.test_chosen import deadline_passes, land, link_in, shipped
from tests.journeys.test_reserved_unpaid import days_pass, pay
from tests.world import NEWARK, RENO, SHOP, World, variant

BASKET = (("BAG", 1), ("AXE", 1))
YOUNGER = "bob@example.com"


@pytest.fixture(autouse=True)
def _ledger_is_true(world: World):
    """Whatever becomes of an order, each level is the sum of its movements and of what orders hold of it."""
    yield
    assert (
        world.rows(
            """
        SELECT level.* FROM stock_levels level
        LEFT JOIN LATERAL (SELECT coalesce(sum(on_hand_change), 0) AS on_hand, coalesce(sum(reserved_change), 0) AS reserved
                           FROM movements m WHERE (m.tenant_id, m.variant_id, m.location_id)
                               = (level.tenant_id, level.variant_id, level.location_id)) told ON true
        LEFT JOIN LATERAL (SELECT coalesce(sum(units), 0) AS units FROM reservations r WHERE r.state = 'held'
                           AND (r.tenant_id, r.variant_id, r.location_id)
                               = (level.tenant_id, level.variant_id, level.location_id)) held ON true
        WHERE level.on_hand <> told.on_hand OR level.reserved <> told.reserved OR level.reserved <> held.units
        """
        )
        == []
    )


def asked(world: World, *, bags: int = 1, **more: object) -> dict:
    world.open_shop(
        rules=Rules(ask_when_short=True) if "rules" not in more else more.pop("rules"),
        locations=[RENO],
        variants=[variant("BAG", stock={"Reno": bags}), variant("AXE", price="30.00", stock={"Reno": 0})],
    )
    placed = world.place(*BASKET, **more)
    world.settle()
    assert len(world.letters()) == 1
    return placed


def younger(world: World, units: int = 1) -> dict:
    placed = world.place(("BAG", units), email=YOUNGER)
    world.settle()
    return placed


def question(world: World, placed: dict) -> object:
    """What the buyer of an order was asked last."""
    of = "SELECT * FROM choices WHERE order_id = :order ORDER BY id DESC LIMIT 1"
    return world.rows(of, order=world.order(placed).id)[0]


def answer(world: World, older: dict, said: str, rest: str = "together") -> str:
    """The answer of the older one's buyer; what their page said before it."""
    link = link_in(world.letters()[0])
    with patient.Client(follow_redirects=True) as browser:
        before = browser.get(link).text
        wish = {f"line-{line}": said for line in question(world, older).short}
        assert browser.post(link, data=wish | {"rest": rest}).status_code == 200
    world.settle()
    return before


def test_the_rest_is_there_for_an_older_order_that_gives_up_what_is_short(world: World):
    older = asked(world)
    later = younger(world)
    assert (world.order(later).state, world.open_holds(later)) == ("released", ["stock"])
    assert world.level("BAG", "Reno") == (1, 1)

    page = answer(world, older, "refund", rest="now")

    assert "The rest of your order is here" in page
    assert (shipped(world, older), shipped(world, later)) == ([{"BAG": 1}], [])
    assert (world.open_holds(later), len(world.labels_bought())) == (["stock"], 1)
    assert world.level("BAG", "Reno") == (0, 0)


def test_the_rest_leaves_now_where_the_buyer_waits_for_what_is_short(world: World):
    older = asked(world)
    later = younger(world)

    answer(world, older, "wait", rest="now")

    assert (shipped(world, older), shipped(world, later)) == ([{"BAG": 1}], [])
    assert (world.open_holds(older), world.open_holds(later)) == (["stock"], ["stock"])


def test_what_comes_for_an_older_order_leaves_with_the_rest_of_it(world: World):
    older = asked(world)
    later = younger(world)

    land(world, "AXE", 1)
    world.gathered()

    assert (shipped(world, older), shipped(world, later)) == ([{"AXE": 1, "BAG": 1}], [])


@pytest.mark.parametrize("by", ["desk", "store"])
def test_the_rest_of_an_order_that_is_cancelled_goes_to_who_waits_for_it(world: World, by: str):
    older = asked(world)
    later = younger(world)

    if by == "desk":
        with world.reading() as session:
            wish = Wish(purpose="cancel", reason="buyer")
            desk.cancel(session, world.tenant, world.order(older).id, wish, by="person:Olga")
    else:
        world.control("POST", f"/shopify/orders/{older['id']}/cancel", {"reason": "CUSTOMER", "restock": True})
    world.gathered()

    assert (world.order(older).state, world.order(later).state) == ("cancelled", "fulfilled")
    assert (shipped(world, older), shipped(world, later)) == ([], [{"BAG": 1}])
    assert world.level("BAG", "Reno") == (0, 0)


def test_who_waits_for_all_of_it_lets_others_have_the_rest_meanwhile(world: World):
    older = asked(world)
    later = younger(world)

    answer(world, older, "wait", rest="together")

    assert (shipped(world, older), shipped(world, later)) == ([], [{"BAG": 1}])
    with patient.Client(follow_redirects=True) as browser:
        again = browser.get(link_in(world.letters()[0])).text
    assert "The rest of your order" in again
    assert "The rest of your order is here" not in again


def test_a_deadline_that_waits_for_all_of_it_lets_others_have_the_rest(world: World):
    older = asked(world)
    later = younger(world)

    deadline_passes(world)
    world.settle()

    assert question(world, older).state == "defaulted"
    assert (shipped(world, older), shipped(world, later)) == ([], [{"BAG": 1}])


def test_what_is_taken_off_the_rest_goes_to_who_waits_for_it(world: World):
    older = asked(world)
    later = younger(world)
    (bag,) = world.rows(
        "SELECT id FROM order_lines WHERE sku = 'BAG' AND order_id = :order", order=world.order(older).id
    )

    with world.reading() as session:
        wish = Wish(purpose="cancel_lines", wanted={bag.id: 1}, reason="buyer")
        desk.cancel(session, world.tenant, world.order(older).id, wish, by="person:the buyer")
    world.gathered()

    assert shipped(world, later) == [{"BAG": 1}]
    assert (world.open_holds(older), question(world, older).state) == (["stock"], "asked")


def test_looking_again_changes_nothing_of_what_is_kept(world: World):
    asked(world, bags=5)
    before = world.rows("SELECT id FROM movements ORDER BY id")

    land(world, "BAG", 6)
    world.gathered()

    since = world.rows("SELECT cause FROM movements WHERE id > :last", last=before[-1].id)
    assert [row.cause for row in since] == ["counted"]
    assert world.level("BAG", "Reno") == (6, 1)


def test_the_rest_lies_at_two_places_and_is_kept_at_both(world: World):
    world.open_shop(
        rules=Rules(ask_when_short=True),
        locations=[RENO, NEWARK],
        variants=[
            variant("BAG", stock={"Reno": 2, "Newark": 1}),
            variant("AXE", price="30.00", stock={"Reno": 0}),
        ],
    )
    older = world.place(("BAG", 3), ("AXE", 1))
    world.settle()
    later = younger(world)
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((2, 2), (1, 1))

    answer(world, older, "refund", rest="now")

    assert sorted(one["BAG"] for one in shipped(world, older)) == [1, 2]
    assert (shipped(world, later), world.open_holds(later)) == ([], ["stock"])


def test_what_a_count_has_not_found_of_the_rest_is_short_as_well(world: World):
    older = asked(world)

    land(world, "BAG", 0)
    world.gathered()
    later = younger(world)

    assert world.level("BAG", "Reno") == (0, 0)
    assert (world.open_holds(older), world.open_holds(later)) == (["stock"], ["stock"])
    assert sum(question(world, older).short.values()) == 2


def test_an_order_that_is_cancelled_right_after_the_answer_leaves_the_rest_to_who_waits(world: World):
    older = asked(world)
    later = younger(world)
    order, line = world.order(older).id, int(next(iter(question(world, older).short)))

    with world.reading() as session:
        told = {line: "refund"}
        desk.answer_choice(
            session, world.tenant, question(world, older).id, told, ship_rest=True, by="person:the buyer"
        )
    with world.reading() as session:
        desk.cancel(session, world.tenant, order, Wish(purpose="cancel", reason="buyer"), by="person:Olga")
    world.gathered()

    assert world.order(older).state == "cancelled"
    assert (shipped(world, older), shipped(world, later)) == ([], [{"BAG": 1}])


def in_the_store(world: World) -> dict[str, tuple[int, int]]:
    """On hand and available."""
    levels = world.control("GET", f"/shopify/inventory?shop={SHOP}")["levels"]
    return {one["sku"]: (one["on_hand"], one["available"]) for one in levels if one["location"] == "Reno"}


@pytest.mark.parametrize("cancelled", [False, True])
def test_the_parts_of_a_bundle_are_kept_and_the_store_does_not_sell_them(world: World, *, cancelled: bool):
    world.open_shop(
        rules=Rules(ask_when_short=True),
        locations=[RENO],
        variants=[
            variant("BAG", stock={"Reno": 5}),
            variant("MUG", stock={"Reno": 5}),
            variant("SET", tracked=False, stock={}),
            variant("AXE", price="30.00", stock={"Reno": 0}),
        ],
    )
    named = {row.sku: row.id for row in world.rows("SELECT sku, id FROM variants")}
    with world.reading() as session:
        assert bundles.put_in(session, world.tenant, named["SET"], named["BAG"], 1) is None
        assert bundles.put_in(session, world.tenant, named["SET"], named["MUG"], 2) is None
    older = world.place(("SET", 2), ("AXE", 1))
    world.gathered()
    assert (world.level("BAG", "Reno"), world.level("MUG", "Reno")) == ((5, 2), (5, 4))
    assert in_the_store(world)["BAG"] == (5, 3)
    assert in_the_store(world)["MUG"] == (5, 1)
    told = len(world.rows("SELECT id FROM jobs WHERE kind = 'tell_stock'"))
    land(world, "BAG", 5)
    world.hurry()
    world.gathered()
    assert len(world.rows("SELECT id FROM jobs WHERE kind = 'tell_stock'")) == told

    if cancelled:
        with world.reading() as session:
            wish = Wish(purpose="cancel", reason="buyer")
            desk.cancel(session, world.tenant, world.order(older).id, wish, by="person:Olga")
    else:
        page = answer(world, older, "refund", rest="now")
        assert "The rest of your order is here" in page
    world.gathered()

    left = {"BAG": (5, 5), "MUG": (5, 5)} if cancelled else {"BAG": (3, 3), "MUG": (1, 1)}
    assert {sku: count for sku, count in in_the_store(world).items() if sku in left} == left
    assert {sku: world.level(sku, "Reno") for sku in left} == {sku: (here, 0) for sku, (here, _) in left.items()}
    assert shipped(world, older) == ([] if cancelled else [{"SET": 2}])


def test_the_rest_of_an_order_whose_payment_fails_is_free_after_the_shop_s_days(world: World):
    rules = Rules(ask_when_short=True, ship_when="authorised", release_unpaid_days=3)
    world.open_shop(
        rules=rules,
        locations=[RENO],
        variants=[variant("BAG", stock={"Reno": 1}), variant("AXE", price="30.00", stock={"Reno": 0})],
    )
    older = world.place(*BASKET, financial_status="pending")
    world.settle()
    payment = pay(world, older, "requires_capture")
    world.settle()
    later = younger(world)
    assert (world.level("BAG", "Reno"), world.open_holds(later)) == ((1, 1), ["stock"])
    world.next_second()
    world.control("POST", f"/stripe/payments/{payment['id']}/cancel", {})
    world.settle()
    assert shipped(world, later) == []

    days_pass(world)
    world.gathered()

    assert shipped(world, later) == [{"BAG": 1}]
    assert world.open_holds(older) == ["payment", "stock"]


def test_the_rest_goes_to_another_place_where_its_own_is_closed(world: World):
    world.open_shop(
        rules=Rules(ask_when_short=True),
        locations=[RENO, NEWARK],
        variants=[
            variant("BAG", stock={"Reno": 1, "Newark": 1}),
            variant("AXE", price="30.00", stock={"Reno": 0}),
        ],
    )
    older = world.place(*BASKET)
    world.settle()
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((1, 1), (1, 0))

    with world.engine.begin() as connection:
        connection.execute(text("UPDATE locations SET ships = false WHERE name = 'Reno'"))
    with world.reading() as session:
        intake.fill_backorders(session, world.tenant)
    world.work_off()

    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((1, 0), (1, 1))
    assert question(world, older).state == "asked"
