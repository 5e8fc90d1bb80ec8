"""Out of stock, the buyer takes another variant: the store's order is edited once, and one parcel has the right units."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import httpx
import pytest
from sqlalchemy import text

from jobs import desk, intake
from orders import stock_by_hand, swapping
from records.tenants import Rules
from sandbox.shopify_seed import SCOPES
from tests import patient
from tests.dying import work_off_until
from tests.farewells import deliver
from tests.world import RENO, World, variant

# BLUE is out of stock; RED costs the same, DEAR and CHEAP do not, and FEW has too few for two.
GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("BLUE", price="30.00", title="Blue", stock={"Reno": 0}),
    variant("RED", price="30.00", title="Red", stock={"Reno": 5}),
    variant("DEAR", price="35.00", title="Gold", stock={"Reno": 5}),
    variant("CHEAP", price="25.00", title="Tin", stock={"Reno": 5}),
    variant("FEW", price="30.00", title="Few", stock={"Reno": 1}),
    variant("MUG", price="8.00", stock={"Reno": 10}),
]
ASKING = Rules(ask_when_short=True)
BASKET = (("BAG", 1), ("MUG", 2), ("BLUE", 2))


def asked(world: World, rules: Rules = ASKING, **more: object) -> dict:
    """A three-line order of which the blue ones are short; its buyer has been asked."""
    world.open_shop(rules=rules, variants=GOODS, locations=[RENO], **more)
    granted(world, more.get("scopes", SCOPES))
    placed = world.place(*BASKET)
    world.settle()
    return placed


def granted(world: World, scopes: object) -> None:
    """What the store allows, as a look at the connection writes it down."""
    with world.engine.begin() as connection:
        told = {"scopes": json.dumps(list(scopes))}
        connection.execute(
            text("UPDATE connections SET scopes = cast(:scopes AS jsonb) WHERE vendor = 'shopify'"), told
        )


def choice(world: World) -> object:
    return world.rows("SELECT * FROM choices ORDER BY id DESC LIMIT 1")[0]


def link_in(letter: dict) -> str:
    (found,) = set(re.findall(r"http://\S+/choose/[\w.-]+", letter["text"]))
    return found


def variant_of(world: World, sku: str) -> int:
    return world.rows("SELECT id FROM variants WHERE sku = :sku", sku=sku)[0].id


def wish_for(world: World, sku: str = "RED") -> dict[str, str]:
    line = next(iter(choice(world).short))
    return {f"line-{line}": f"swap/{variant_of(world, sku)}", "rest": "together"}


def choose(world: World, sku: str = "RED", *, settle: bool = True) -> httpx.Response:
    link = link_in(world.letters()[0])
    answered = patient.post(link, data=wish_for(world, sku), follow_redirects=True)
    if settle:
        world.settle()
    return answered


def in_store(world: World, placed: dict) -> dict[str, int]:
    lines = world.store_orders()[placed["name"]]["lines"]
    return {line["sku"]: line["quantity"] for line in lines if line["quantity"]}


def shipped(world: World) -> list[dict[str, int]]:
    rows = world.rows(
        "SELECT s.id, o.sku, l.units FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id "
        "JOIN order_lines o ON o.id = l.line_id WHERE s.state IN ('announced', 'handed_over') ORDER BY s.id, o.sku"
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.id, {})[row.sku] = row.units
    return list(found.values())


def swaps(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM swaps ORDER BY id")]


def commits(world: World) -> int:
    return len(world.calls(vendor="shopify", operation="orderEditCommit", effect="true"))


def story(world: World) -> str:
    return "\n".join(row.sentence for row in world.rows("SELECT sentence FROM timeline_entries ORDER BY id"))


def discounted(world: World, off: str) -> None:
    """The store tells again of the order: so much less for its goods, and as much in all as before."""
    (row,) = world.rows(
        "SELECT convert_from(body, 'UTF8') AS body FROM inbox_events WHERE topic = 'orders/create' ORDER BY id LIMIT 1"
    )
    told = json.loads(row.body)
    goods = Decimal(told["current_subtotal_price"])
    assert Decimal(told["current_total_price"]) >= goods + Decimal(off)
    later = (datetime.now(UTC) + timedelta(seconds=30)).isoformat(timespec="seconds")
    again = told | {"updated_at": later, "current_subtotal_price": str(goods - Decimal(off))}
    assert deliver(world, "orders/updated", again)[0] == 202
    world.settle()


def whole(world: World, placed: dict) -> None:
    """The swap was made once, in the store and here, and nothing is left over of it."""
    assert in_store(world, placed) == {"BAG": 1, "MUG": 2, "RED": 2}
    assert commits(world) == 1
    assert swaps(world)[-1] == "written"
    assert shipped(world) == [{"BAG": 1, "MUG": 2, "RED": 2}]
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    levels = {sku: world.level(sku, "Reno") for sku in ("BAG", "MUG", "RED", "BLUE")}
    assert levels == {"BAG": (9, 0), "MUG": (8, 0), "RED": (3, 0), "BLUE": (0, 0)}
    assert world.rows("SELECT 1 FROM reservations WHERE state = 'held'") == []
    assert len(world.labels_bought()) == 1


def test_what_costs_the_same_and_is_all_there_is_offered_and_nothing_else(world: World):
    asked(world)

    page = patient.get(link_in(world.letters()[0])).text

    assert re.findall(r'value="swap/(\d+)"', page) == [str(variant_of(world, "RED"))]
    assert "same price" in world.letters()[0]["text"]


def test_the_buyer_swaps_and_everything_leaves_in_one_parcel(world: World):
    placed = asked(world)
    link = link_in(world.letters()[0])
    shown = patient.get(f"{link}/confirm", params=wish_for(world)).text
    assert "Is this right?" in shown
    assert re.search(r"You get <span dir=\"auto\">Bag - Red</span> instead", shown)
    assert "cannot be changed afterwards" in shown

    choose(world)

    whole(world, placed)
    there = world.store_orders()[placed["name"]]
    assert there["refunded"] in ("0", "0.00", 0, "0.0")
    assert (choice(world).state, choice(world).acted_at is not None) == ("answered", True)
    settled = patient.get(link).text
    assert "it is settled" in settled
    assert "comes instead" in settled
    assert "Chosen: 2 × BLUE swapped for RED" in story(world)
    assert "The store has the swap: 2 × RED instead of BLUE." in story(world)


def test_the_units_are_held_from_the_moment_of_the_answer(world: World):
    asked(world)

    choose(world, settle=False)

    assert world.level("RED", "Reno") == (5, 2)
    assert swaps(world) == ["asked"]


def test_answered_twice_nothing_more_is_done(world: World):
    placed = asked(world)
    choose(world, settle=False)

    choose(world, settle=False)
    world.settle()
    choose(world)

    whole(world, placed)
    assert (swaps(world), len(world.rows("SELECT 1 FROM choices"))) == (["written"], 1)


def test_what_somebody_else_has_taken_meanwhile_is_said_and_nothing_is_changed(world: World):
    placed = asked(world)
    link, wish = link_in(world.letters()[0]), wish_for(world)
    world.place(("RED", 4))
    world.settle()

    answered = patient.post(link, data=wish, follow_redirects=True)

    assert (answered.status_code, "somebody was first" in answered.text) == (422, True)
    assert (choice(world).state, swaps(world), commits(world)) == ("asked", [], 0)
    assert in_store(world, placed) == {"BAG": 1, "MUG": 2, "BLUE": 2}


def test_what_is_taken_between_looking_and_holding_is_nobodys(world: World):
    asked(world)
    line = int(next(iter(choice(world).short)))
    answer = {line: f"swap/{variant_of(world, 'FEW')}"}

    with pytest.raises(swapping.Gone), world.reading() as session:
        desk.answer_choice(session, world.tenant, choice(world).id, answer, ship_rest=False, by="person:the buyer")

    assert (choice(world).state, swaps(world), world.level("FEW", "Reno")) == ("asked", [], (1, 0))


def test_a_store_that_may_not_be_edited_offers_no_swap(world: World):
    scopes = ["write_orders", "write_merchant_managed_fulfillment_orders", "write_third_party_fulfillment_orders",
              "write_fulfillments", "write_inventory", "read_locations", "read_products"]  # fmt: skip
    asked(world, scopes=scopes)

    assert "swap/" not in patient.get(link_in(world.letters()[0])).text
    assert choose(world).status_code == 422
    assert (choice(world).state, swaps(world)) == ("asked", [])


def test_a_scope_that_was_taken_away_ends_with_a_person_who_reads_which_one(world: World):
    placed = asked(world, scopes=[scope for scope in SCOPES if scope != "write_order_edits"])
    granted(world, SCOPES)  # so it was at the last look

    choose(world)

    assert (swaps(world), commits(world), choice(world).acted_at) == (["refused"], 0, None)
    assert "swap" in world.open_holds(placed)
    (hold,) = world.rows("SELECT remedy FROM holds WHERE kind = 'swap' AND state = 'open'")
    assert "write_order_edits" in hold.remedy
    assert (world.level("RED", "Reno"), shipped(world)) == ((5, 2), [])


def release(world: World, placed: dict) -> None:
    with world.reading() as session:
        order, now = world.order(placed).id, datetime.now(UTC)
        assert desk.release_hold(session, world.tenant, order, "swap", by="person:Olga", now=now)
    world.settle()


def test_what_the_store_refused_is_tried_again_when_the_hold_is_released(world: World):
    placed = asked(world)
    world.control("POST", f"/shopify/orders/{placed['id']}/archive", {})
    choose(world)
    assert (swaps(world), world.level("RED", "Reno")) == (["refused"], (5, 2))

    world.control("POST", f"/shopify/orders/{placed['id']}/unarchive", {})
    release(world, placed)

    whole(world, placed)
    assert swaps(world) == ["refused", "written"]


def test_what_a_person_swapped_in_the_store_meanwhile_is_taken_as_it_is(world: World):
    placed = asked(world)
    world.control("POST", f"/shopify/orders/{placed['id']}/archive", {})
    choose(world)
    edited = {"lines": [{"sku": "BLUE", "quantity": 0}, {"sku": "RED", "quantity": 2}]}
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", edited)
    world.settle()
    world.hurry()  # two changes of one second are looked at once more
    world.settle()

    release(world, placed)

    assert (in_store(world, placed), commits(world)) == ({"BAG": 1, "MUG": 2, "RED": 2}, 0)
    assert shipped(world) == [{"BAG": 1, "MUG": 2, "RED": 2}]
    assert (world.level("RED", "Reno"), world.order(placed).state) == ((3, 0), "fulfilled")


def test_an_archived_order_waits_for_a_person_who_may_choose_something_else(world: World):
    placed = asked(world)
    world.control("POST", f"/shopify/orders/{placed['id']}/archive", {})
    world.settle()

    choose(world)

    assert (swaps(world), commits(world)) == (["refused"], 0)
    assert "archived" in story(world)
    line = int(next(iter(choice(world).short)))
    with world.reading() as session:
        assert desk.answer_choice(
            session, world.tenant, choice(world).id, {line: "wait"}, ship_rest=True, by="person:Olga", reason="phoned"
        )
    world.settle()
    assert shipped(world) == [{"BAG": 1, "MUG": 2}]
    assert world.open_holds(placed) == ["stock"]
    assert world.level("RED", "Reno") == (5, 0)


def test_what_another_answer_frees_goes_to_an_order_that_waits_for_it(world: World):
    placed = asked(world)
    world.control("POST", f"/shopify/orders/{placed['id']}/archive", {})
    choose(world)
    first = choice(world)
    other = world.place(("RED", 4))
    world.settle()
    # Two are held for the swap, and three are kept for who is asked about a fourth.
    assert (world.level("RED", "Reno"), "stock" in world.open_holds(other)) == ((5, 5), True)

    waits = {int(line): "wait" for line in first.short}
    with world.reading() as session:
        assert desk.answer_choice(
            session, world.tenant, first.id, waits, ship_rest=True, by="person:Olga", reason="phoned"
        )
    world.settle()

    assert (world.order(other).state, world.open_holds(other)) == ("fulfilled", [])
    assert world.level("RED", "Reno") == (1, 0)


def test_what_is_held_for_a_swap_is_free_when_the_order_has_left_without_it(world: World):
    placed = asked(world)
    world.control("POST", f"/shopify/orders/{placed['id']}/archive", {})
    choose(world)
    assert (swaps(world), world.level("RED", "Reno")) == (["refused"], (5, 2))

    world.control("POST", f"/shopify/orders/{placed['id']}/unarchive", {})
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"lines": [{"sku": "BLUE", "quantity": 0}]})
    world.settle()
    if "swap" in world.open_holds(placed):
        release(world, placed)

    assert (shipped(world), world.order(placed).state) == ([{"BAG": 1, "MUG": 2}], "fulfilled")
    assert (world.level("RED", "Reno"), commits(world)) == ((5, 0), 0)


def test_a_line_that_the_store_has_swapped_is_no_question_any_more(world: World):
    world.open_shop(
        rules=ASKING, variants=[*GOODS, variant("TEAL", price="25.00", stock={"Reno": 0})], locations=[RENO]
    )
    granted(world, SCOPES)
    placed = world.place(("BLUE", 1), ("TEAL", 1), ("BAG", 1))
    world.settle()
    world.control("POST", f"/shopify/orders/{placed['id']}/archive", {})
    by_sku = {row.sku: row.id for row in world.rows("SELECT sku, id FROM order_lines")}
    answer = {by_sku["BLUE"]: f"swap/{variant_of(world, 'RED')}", by_sku["TEAL"]: f"swap/{variant_of(world, 'CHEAP')}"}
    with world.reading() as session:
        assert desk.answer_choice(
            session, world.tenant, choice(world).id, answer, ship_rest=True, by="person:the buyer"
        )  # fmt: skip
    world.settle()
    with world.engine.begin() as connection:  # as where the store took the first before it was archived
        connection.execute(text("UPDATE swaps SET state = 'written' WHERE id = (SELECT min(id) FROM swaps)"))

    link = link_in(world.letters()[0])
    page = patient.get(link).text
    refunded = patient.get(f"{link}/confirm", params={f"line-{line}": "refund" for line in by_sku.values()})

    red = f'<input type="hidden" name="line-{by_sku["BLUE"]}" value="{answer[by_sku["BLUE"]]}">'
    assert (page.count(red), f'type="radio" name="line-{by_sku["BLUE"]}"' in page) == (1, False)
    assert page.count(f'type="radio" name="line-{by_sku["TEAL"]}"') == 3
    assert refunded.status_code == 422
    assert placed["name"] in world.store_orders()


def test_an_order_that_is_cancelled_gives_the_held_units_back(world: World):
    placed = asked(world)
    choose(world, settle=False)

    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()

    assert (world.order(placed).state, world.level("RED", "Reno")[1]) == ("cancelled", 0)
    assert world.rows("SELECT 1 FROM reservations WHERE state = 'held'") == []
    assert swaps(world) in (["refused"], ["written"])


@pytest.mark.parametrize("boundary", range(1, 19))
def test_a_worker_that_dies_anywhere_while_it_swaps_edits_once(world: World, boundary: int):
    placed = asked(world)
    choose(world, settle=False)

    passed = work_off_until(world, f"order/{world.order(placed).id}", boundary)
    if passed < boundary:
        pytest.skip("the lane has fewer boundaries")
    free(world)
    world.settle()

    whole(world, placed)
    assert story(world).count("The store has the swap") == 1


def free(world: World) -> None:
    """The lease of whoever died runs out."""
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'due', lease_until = NULL WHERE state = 'running'"))


def test_a_commit_whose_answer_was_lost_is_found_and_not_repeated(world: World):
    placed = asked(world)
    world.fault(vendor="shopify", kind="5xx_after", operation="orderEditCommit", times=1)

    choose(world)
    world.hurry()
    world.settle()

    whole(world, placed)


def test_the_deadline_swaps_nothing(world: World):
    placed = asked(world, Rules(ask_when_short=True, when_unanswered="ship_rest"))
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE choices SET remind_at = now(), state = 'reminded', answer_by = now()"))
        connection.execute(text("UPDATE jobs SET due_at = now() WHERE kind = 'ask_buyer'"))
    world.settle()

    assert (choice(world).state, swaps(world), shipped(world)) == ("defaulted", [], [{"BAG": 1, "MUG": 2}])
    assert in_store(world, placed)["BLUE"] == 2


def test_one_line_is_swapped_and_another_given_up_in_one_answer(world: World):
    world.open_shop(rules=ASKING, variants=[*GOODS, variant("AXE", price="50.00", stock={"Reno": 0})], locations=[RENO])
    granted(world, SCOPES)
    placed = world.place(("BAG", 1), ("BLUE", 1), ("AXE", 1))
    world.settle()
    by_sku = {row.sku: row.id for row in world.rows("SELECT sku, id FROM order_lines")}
    answer = {by_sku["BLUE"]: f"swap/{variant_of(world, 'RED')}", by_sku["AXE"]: "refund"}
    with world.reading() as session:
        assert desk.answer_choice(
            session, world.tenant, choice(world).id, answer, ship_rest=True, by="person:the buyer"
        )  # fmt: skip
    world.settle()

    assert in_store(world, placed) == {"BAG": 1, "RED": 1}
    assert (commits(world), shipped(world)) == (1, [{"BAG": 1, "RED": 1}])
    assert float(world.store_orders()[placed["name"]]["refunded"]) == 50.0
    assert (world.level("RED", "Reno"), world.order(placed).state) == ((4, 0), "fulfilled")


def test_a_job_that_a_person_gave_up_leaves_two_swaps_held_and_a_released_hold_makes_both(world: World):
    world.open_shop(
        rules=ASKING, variants=[*GOODS, variant("TEAL", price="25.00", stock={"Reno": 0})], locations=[RENO]
    )
    granted(world, SCOPES)
    placed = world.place(("BLUE", 1), ("TEAL", 1), ("BAG", 1))
    world.settle()
    by_sku = {row.sku: row.id for row in world.rows("SELECT sku, id FROM order_lines")}
    answer = {by_sku["BLUE"]: f"swap/{variant_of(world, 'RED')}", by_sku["TEAL"]: f"swap/{variant_of(world, 'CHEAP')}"}
    with world.reading() as session:
        assert desk.answer_choice(
            session, world.tenant, choice(world).id, answer, ship_rest=True, by="person:the buyer"
        )  # fmt: skip
    world.fault(vendor="shopify", kind="5xx", operation="orderEditBegin", times=None)
    world.settle()
    (waits,) = world.rows("SELECT id FROM jobs WHERE kind = 'swap_line' AND state = 'due'")
    assert (commits(world), shipped(world)) == (0, [])
    assert [world.level(sku, "Reno") for sku in ("RED", "CHEAP")] == [(5, 1), (5, 1)]
    world.control("DELETE", "/faults")

    with world.reading() as session:
        assert desk.discard(session, world.tenant, waits.id, reason="too long", by="person:Olga")
    world.settle()
    assert (swaps(world), "swap" in world.open_holds(placed)) == (["refused", "refused"], True)
    release(world, placed)

    assert in_store(world, placed) == {"BAG": 1, "RED": 1, "CHEAP": 1}
    assert (commits(world), shipped(world)) == (2, [{"BAG": 1, "CHEAP": 1, "RED": 1}])
    assert [world.level(sku, "Reno") for sku in ("RED", "CHEAP")] == [(4, 0), (4, 0)]


@pytest.mark.parametrize("found", [0, 1])
def test_what_is_swapped_and_a_count_has_not_found_is_waited_for_like_anything_else(world: World, found: int):
    world.open_shop(rules=ASKING, variants=GOODS, locations=[RENO])
    granted(world, SCOPES)
    placed = world.place(*BASKET, ("FEW", 2))
    world.settle()
    lines = {row.sku: str(row.id) for row in world.rows("SELECT id, sku FROM order_lines")}
    wish = {f"line-{lines['BLUE']}": f"swap/{variant_of(world, 'RED')}", f"line-{lines['FEW']}": "wait"}
    patient.post(link_in(world.letters()[0]), data=wish | {"rest": "together"}, follow_redirects=True)
    world.settle()

    for sku, units in (("RED", found), ("FEW", 2)):
        told = {"shop": "acme.myshopify.com", "sku": sku, "location": "Reno", "on_hand": units}
        world.control("POST", "/shopify/inventory", told)
    world.read_catalogue()
    world.settle()

    assert (shipped(world), world.open_holds(placed)) == ([], ["stock"])
    assert world.level("RED", "Reno") == (found, found)  # what is there stays held
    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": "RED", "location": "Reno", "on_hand": 2}
    )
    world.read_catalogue()
    world.settle()
    assert shipped(world) == [{"BAG": 1, "FEW": 2, "MUG": 2, "RED": 2}]


def test_what_is_swapped_stays_held_while_the_rest_is_waited_for_and_all_of_it_leaves_together(world: World):
    world.open_shop(rules=ASKING, variants=GOODS, locations=[RENO])
    granted(world, SCOPES)
    placed = world.place(*BASKET, ("FEW", 2))
    world.settle()
    lines = {row.sku: str(row.id) for row in world.rows("SELECT id, sku FROM order_lines")}
    wish = {f"line-{lines['BLUE']}": f"swap/{variant_of(world, 'RED')}", f"line-{lines['FEW']}": "wait"}

    patient.post(link_in(world.letters()[0]), data=wish | {"rest": "together"}, follow_redirects=True)
    world.settle()

    assert in_store(world, placed) == {"BAG": 1, "MUG": 2, "RED": 2, "FEW": 2}
    assert (shipped(world), world.level("RED", "Reno")) == ([], (5, 2))
    other = world.place(("RED", 4))
    world.settle()
    assert (world.open_holds(other), world.level("RED", "Reno")) == (["stock"], (5, 5))
    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": "FEW", "location": "Reno", "on_hand": 2}
    )
    world.read_catalogue()
    world.settle()
    assert shipped(world) == [{"BAG": 1, "FEW": 2, "MUG": 2, "RED": 2}]
    assert world.level("RED", "Reno") == (3, 3)


def test_what_is_swapped_stays_the_orders_when_something_else_of_it_runs_out_meanwhile(world: World):
    goods = [one | {"stock": {"Reno": 2}} if one["sku"] == "RED" else one for one in GOODS]
    world.open_shop(rules=ASKING, variants=goods, locations=[RENO])
    granted(world, SCOPES)
    placed = world.place(*BASKET, ("FEW", 2))
    world.settle()
    lines = {row.sku: str(row.id) for row in world.rows("SELECT id, sku FROM order_lines")}
    wish = {f"line-{lines['BLUE']}": f"swap/{variant_of(world, 'RED')}", f"line-{lines['FEW']}": "wait"}
    patient.post(link_in(world.letters()[0]), data=wish | {"rest": "together"}, follow_redirects=True)
    world.settle()

    in_reno(world, BAG=0)
    assert (world.level("RED", "Reno"), shipped(world)) == ((2, 2), [])
    short = [
        world.rows("SELECT sku FROM order_lines WHERE id = :id", id=int(line))[0].sku for line in choice(world).short
    ]
    assert sorted(short) == ["BAG", "FEW"]  # the red ones lie there for this very order
    in_reno(world, BAG=10, FEW=2)

    assert (shipped(world), world.open_holds(placed)) == ([{"BAG": 1, "FEW": 2, "MUG": 2, "RED": 2}], [])
    assert world.level("RED", "Reno") == (0, 0)


def in_reno(world: World, **units: int) -> None:
    """Somebody counts in the store."""
    for sku, there in units.items():
        told = {"shop": "acme.myshopify.com", "sku": sku, "location": "Reno", "on_hand": there}
        world.control("POST", "/shopify/inventory", told)
    world.read_catalogue()
    world.settle()


def test_an_order_without_swaps_is_cancelled_while_stock_is_being_counted_in(world: World):
    world.open_shop(variants=GOODS, locations=[RENO])
    placed = world.place(("BLUE", 2))
    world.settle()
    level = world.rows("SELECT l.variant_id, l.location_id FROM stock_levels l JOIN variants v ON v.id = l.variant_id"
                       " WHERE v.sku = 'BLUE'")[0]  # fmt: skip
    with world.reading() as counting:
        stock_by_hand.standing(counting, world.tenant, [tuple(level)])  # locks it, as whoever counts does
        world.next_second()
        world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER", "restock": False})
        world.settle()

        assert world.order(placed).state == "cancelled"
        intake.fill_backorders(counting, world.tenant)  # whoever counts rings last: nobody waits for the other
    world.settle()
    assert world.unfinished() == []


def test_what_may_not_be_sent_to_the_buyer_is_offered_in_no_place_of_anything(world: World):
    asked(world)
    page = patient.get(link_in(world.letters()[0])).text
    assert re.findall(r'value="swap/(\d+)"', page) == [str(variant_of(world, "RED"))]
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE variants SET bans = '{\"never_to\": [\"US\"]}' WHERE sku = 'RED'"))

    page = patient.get(link_in(world.letters()[0])).text

    assert re.findall(r'value="swap/(\d+)"', page) == []


@pytest.mark.parametrize(("off", "offered"), [("0.00", True), ("5.00", False)])
def test_nothing_else_is_offered_for_what_was_discounted(world: World, off: str, offered: bool):
    """Shipping and taxes cost more than the discount takes off: only what the goods cost says that there is one."""
    asked(world)

    discounted(world, off)

    page = patient.get(link_in(world.letters()[0])).text
    assert (f"swap/{variant_of(world, 'RED')}" in page) is offered
