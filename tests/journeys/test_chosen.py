"""Out of stock, the buyer chooses: each choice ends in the right split, refund and reservation, and the default once."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta
from threading import Thread

import httpx
import pytest
from sqlalchemy import insert, text

from jobs import desk, runner
from orders import choosing, export, forgotten, restocking
from orders.reversing import Wish
from records.choices import Choice
from records.stock import Arrival
from records.tenants import Rules
from tests import patient
from tests.dying import work_off_until
from tests.world import STRIPE_KEY, World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("MUG", price="8.00", stock={"Reno": 10}),
    variant("AXE", price="30.00", stock={"Reno": 0}),
]
ASKING = Rules(ask_when_short=True)
BASKET = (("BAG", 1), ("MUG", 2), ("AXE", 1))


def asked(world: World, rules: Rules = ASKING, **more: object) -> dict:
    """A three-line order of which the axe is short; its buyer has been asked."""
    world.open_shop(rules=rules, variants=GOODS, locations=None)
    placed = world.place(*BASKET, **more)
    world.settle()
    return placed


def choice(world: World) -> object:
    return world.rows("SELECT * FROM choices ORDER BY id DESC LIMIT 1")[0]


def notices(world: World) -> list[tuple[str, str]]:
    return [(row.fact, row.state) for row in world.rows("SELECT fact, state FROM notices ORDER BY id")]


def link_in(letter: dict) -> str:
    (found,) = set(re.findall(r"http://\S+/choose/[\w.-]+", letter["text"]))
    return found


def choose(world: World, link: str, said: str, rest: str = "together") -> httpx.Response:
    """Follow the mail's link, fill the form, see it once more, and say yes."""
    line = str(next(iter(choice(world).short)))
    with patient.Client(follow_redirects=True) as browser:
        assert browser.get(link).status_code == 200
        wish = {f"line-{line}": said, "rest": rest}
        shown = browser.get(f"{link}/confirm", params=wish)
        assert "Is this right?" in shown.text, shown.text
        assert browser.post(link, data=wish).status_code == 200
        assert not browser.cookies
        world.settle()
        return browser.get(link)


def later(world: World, **columns: str) -> None:
    """Let the moments of the open choice pass."""
    moved = ", ".join(f"{name} = now() - interval '{ago}'" for name, ago in columns.items())
    with world.engine.begin() as connection:
        connection.execute(text(f"UPDATE choices SET {moved} WHERE state IN ('asked', 'reminded')"))
        connection.execute(text("UPDATE jobs SET due_at = now() WHERE kind = 'ask_buyer' AND state = 'due'"))


def deadline_passes(world: World) -> None:
    """The buyer is reminded, and still says nothing; what the deadline calls for is due."""
    later(world, remind_at="2 seconds", answer_by="1 second")
    world.settle()
    later(world, answer_by="1 second")


def land(world: World, sku: str, units: int) -> None:
    world.control(
        "POST", "/shopify/inventory", {"shop": "acme.myshopify.com", "sku": sku, "location": "Reno", "on_hand": units}
    )
    world.read_catalogue()
    world.settle()


def reserved(world: World) -> dict[str, tuple[int, int]]:
    return {sku: world.level(sku, "Reno") for sku in ("BAG", "MUG", "AXE")}


def shipped(world: World, placed: dict) -> list[dict[str, int]]:
    """What left, by SKU, a parcel each."""
    rows = world.rows(
        "SELECT s.id, o.sku, l.units FROM shipments s JOIN shipment_lines l ON l.shipment_id = s.id "
        "JOIN order_lines o ON o.id = l.line_id WHERE s.state IN ('announced', 'handed_over') AND s.order_id = :order "
        "ORDER BY s.id, o.sku",
        order=world.order(placed).id,
    )
    found: dict[int, dict[str, int]] = {}
    for row in rows:
        found.setdefault(row.id, {})[row.sku] = row.units
    return list(found.values())


def story(world: World) -> str:
    return "\n".join(row.sentence for row in world.rows("SELECT sentence FROM timeline_entries ORDER BY id"))


def test_the_buyer_is_asked_once_and_nothing_leaves_meanwhile(world: World):
    placed = asked(world)

    (letter,) = world.letters()
    assert (letter["recipients"], notices(world)) == (["ada@example.com"], [("asked", "sent")])
    assert (choice(world).state, world.open_holds(placed)) == ("asked", ["stock"])
    assert (shipped(world, placed), world.labels_bought()) == ([], [])
    assert reserved(world) == {"BAG": (10, 1), "MUG": (10, 2), "AXE": (0, 0)}  # the rest is kept for it
    world.hurry()
    world.settle()
    assert len(world.letters()) == 1


def test_the_letter_says_until_when_and_otherwise_before_all_else_and_brings_nothing_of_others(world: World):
    asked(world)

    (letter,) = world.letters()
    assert letter["text"].startswith("Please choose by ")
    assert "If we do not hear from you, we wait for what is missing and send everything together." in letter["text"]
    assert letter["headers"]["from"] == "Acme <orders@packline.example>"
    (intention,) = world.rows("SELECT mark FROM intentions WHERE kind = 'send_notice'")
    assert letter["headers"]["message-id"] == f"<{intention.mark}@packline.example>"
    assert re.search(r"1 × .+ \(\$30\.00 each\)", letter["text"])
    assert "<img" not in letter["html"]
    assert set(re.findall(r"https?://[^/\"]+", letter["html"])) == {world.origin}
    (kept,) = world.rows("SELECT address, words FROM notices")
    assert kept.address == "ada@example.com"
    assert "/choose/" not in kept.words


def test_whoever_waits_gets_everything_together_when_the_stock_lands(world: World):
    placed = asked(world)

    answered = choose(world, link_in(world.letters()[0]), "wait", "together")

    assert "We have your choice" in answered.text
    assert (choice(world).state, choice(world).rest, choice(world).acted_at) == ("answered", "together", None)
    assert (shipped(world, placed), world.labels_bought()) == ([], [])
    land(world, "AXE", 5)
    assert shipped(world, placed) == [{"AXE": 1, "BAG": 1, "MUG": 2}]
    assert reserved(world) == {"BAG": (9, 0), "MUG": (8, 0), "AXE": (4, 0)}
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert choice(world).acted_at is not None
    assert world.store_orders()[placed["name"]]["refunded"] in ("0", "0.00", 0, "0.0")


def test_whoever_wants_the_rest_now_gets_it_and_the_missing_part_later(world: World):
    placed = asked(world)

    choose(world, link_in(world.letters()[0]), "wait", "now")

    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    assert (world.order(placed).state, world.open_holds(placed)) == ("shipping", ["stock"])
    assert reserved(world) == {"BAG": (9, 0), "MUG": (8, 0), "AXE": (0, 0)}
    land(world, "AXE", 1)
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}, {"AXE": 1}]
    assert world.order(placed).state == "fulfilled"
    assert len(world.letters()) == 1


def test_whoever_wants_the_money_back_gets_it_for_that_line_and_the_rest_leaves(world: World):
    placed = asked(world)

    answered = choose(world, link_in(world.letters()[0]), "refund")

    assert "cannot be changed any more" in answered.text
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert float(world.store_orders()[placed["name"]]["refunded"]) == 30.0
    assert len(world.calls(vendor="shopify", operation="refundCreate", effect="true")) == 1
    assert [(row.purpose, row.reason, row.asked_by) for row in world.rows("SELECT * FROM reversals")] == [
        ("cancel_lines", "stock", "person:the buyer")
    ]
    land(world, "AXE", 5)
    assert reserved(world)["AXE"] == (5, 0)


def test_money_that_was_paid_elsewhere_goes_back_there(world: World):
    placed = asked(world, financial_status="pending")
    world.control("POST", "/stripe/payments", {
        "key": STRIPE_KEY, "amount": round(float(placed["total_price"]) * 100), "currency": "usd",
        "outcome": "succeeded", "metadata": {"order_name": placed["name"]}})  # fmt: skip
    world.settle()

    choose(world, link_in(world.letters()[0]), "refund")

    assert [row.refunded_minor for row in world.rows("SELECT refunded_minor FROM payments")] == [3000]
    assert len(world.calls(vendor="stripe", operation="refund.create", effect="true")) == 1
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]


def test_an_order_of_which_everything_is_missing_and_given_up_is_cancelled(world: World):
    world.open_shop(rules=ASKING, variants=GOODS)
    placed = world.place(("AXE", 1))
    world.settle()

    choose(world, link_in(world.letters()[0]), "refund")

    assert world.order(placed).state == "cancelled"
    assert choice(world).state == "answered"
    there = world.store_orders()[placed["name"]]
    assert (there["cancelled"], there["refunded"]) == (True, there["received"])


def test_who_only_waits_may_think_better_of_it_and_who_was_refunded_may_not(world: World):
    placed = asked(world)
    link = link_in(world.letters()[0])

    choose(world, link, "wait", "together")
    choose(world, link, "refund")
    once_more = choose_again(world, link, "wait")

    assert "cannot be changed any more" in once_more.text
    assert choice(world).answers == {str(next(iter(choice(world).short))): "refund"}
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    assert len(world.calls(vendor="shopify", operation="refundCreate", effect="true")) == 1


def choose_again(world: World, link: str, said: str) -> httpx.Response:
    answered = patient.post(link, data={f"line-{next(iter(choice(world).short))}": said}, follow_redirects=True)
    world.settle()
    return answered


def test_without_an_answer_there_is_one_reminder_and_then_the_default_once(world: World):
    placed = asked(world, Rules(ask_when_short=True, when_unanswered="refund"))
    assert "we refund what is missing and send the rest" in world.letters()[0]["text"]

    for _ in range(3):
        later(world, remind_at="1 second")
        world.settle()
    assert [letter["headers"]["subject"].split(":")[0] for letter in world.letters()[1:]] == ["Reminder"]
    assert (choice(world).state, shipped(world, placed)) == ("reminded", [])
    for _ in range(3):
        later(world, answer_by="1 second")
        world.hurry_but_voids()
        world.settle()

    assert (choice(world).state, choice(world).answered_by) == ("defaulted", "packline")
    assert len(world.calls(vendor="shopify", operation="refundCreate", effect="true")) == 1
    assert float(world.store_orders()[placed["name"]]["refunded"]) == 30.0
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    assert len(world.letters()) == 2
    assert story(world).count("did not answer in time") == 1


def test_a_buyer_who_could_not_be_reminded_in_time_is_reminded_late_and_has_as_long_to_answer(world: World):
    placed = asked(world, Rules(ask_when_short=True, when_unanswered="refund"))

    later(world, remind_at="3 days", answer_by="1 day")  # nobody worked meanwhile
    world.settle()

    assert [letter["headers"]["subject"].split(":")[0] for letter in world.letters()[1:]] == ["Reminder"]
    assert (choice(world).state, shipped(world, placed)) == ("reminded", [])
    assert timedelta(days=1, hours=23) < choice(world).answer_by - datetime.now(UTC) < timedelta(days=2)
    assert world.calls(vendor="shopify", operation="refundCreate", effect="true") == []


def test_the_time_to_answer_begins_with_the_letter(world: World):
    world.fault(vendor="mail", kind="busy", times=None)
    asked(world, Rules(ask_when_short=True, days_to_answer=5, remind_hours_before=24))
    assert world.letters() == []
    world.control("DELETE", "/faults")
    with world.engine.begin() as connection:  # three days go by until the server takes letters again
        days_later = "remind_at = remind_at - interval '3 days', answer_by = answer_by - interval '3 days'"
        connection.execute(text(f"UPDATE choices SET {days_later}"))

    world.hurry()
    world.settle()

    (letter,) = world.letters()
    assert timedelta(days=4, hours=23) < choice(world).answer_by - datetime.now(UTC) < timedelta(days=5)
    assert timedelta(days=3, hours=23) < choice(world).remind_at - datetime.now(UTC) < timedelta(days=4)
    assert f"{choice(world).answer_by:%B} {choice(world).answer_by.day}" in letter["text"]


@pytest.mark.parametrize(("default", "leaves"), [("wait", []), ("ship_rest", [{"BAG": 1, "MUG": 2}])])
def test_the_default_is_the_shops_own(world: World, default: str, leaves: list[dict[str, int]]):
    placed = asked(world, Rules(ask_when_short=True, when_unanswered=default))

    deadline_passes(world)
    world.settle()

    assert (choice(world).state, shipped(world, placed)) == ("defaulted", leaves)
    assert world.calls(vendor="shopify", operation="refundCreate", effect="true") == []
    land(world, "AXE", 1)
    assert sorted(sku for left in shipped(world, placed) for sku in left) == ["AXE", "BAG", "MUG"]


def test_two_clocks_at_once_let_the_default_act_once(world: World):
    asked(world, Rules(ask_when_short=True, when_unanswered="refund"))
    deadline_passes(world)
    order = f"order/{choice(world).order_id}"

    both = [Thread(target=runner.work_off, args=(world.services, world.tenant, order)) for _ in range(2)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    world.settle()

    assert len(world.rows("SELECT 1 FROM reversals")) == 1
    assert len(world.calls(vendor="shopify", operation="refundCreate", effect="true")) == 1
    assert story(world).count("did not answer in time") == 1


def test_no_money_goes_back_by_default_where_no_letter_reached_the_buyer(world: World):
    world.fault(vendor="mail", kind="refused", times=None)
    placed = asked(world, Rules(ask_when_short=True, when_unanswered="refund"))

    deadline_passes(world)
    world.settle()

    assert notices(world) == [("asked", "failed"), ("reminded", "failed")]
    assert (choice(world).state, choice(world).rest) == ("defaulted", "together")
    assert "No mail has reached the buyer" in story(world)
    assert (world.rows("SELECT 1 FROM reversals"), shipped(world, placed)) == ([], [])


def test_stock_that_lands_first_ends_the_choice_and_the_link_says_so(world: World):
    placed = asked(world)

    land(world, "AXE", 1)

    assert (choice(world).state, choice(world).answered_by) == ("answered", "stock")
    assert shipped(world, placed) == [{"AXE": 1, "BAG": 1, "MUG": 2}]
    assert "Your order goes on" in patient.get(link_in(world.letters()[0])).text
    assert world.rows("SELECT 1 FROM jobs WHERE state = 'due' AND kind = 'ask_buyer'") == []


def test_a_cancelled_order_ends_its_choice(world: World):
    placed = asked(world)

    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()

    assert (world.order(placed).state, choice(world).state) == ("cancelled", "withdrawn")
    link = link_in(world.letters()[0])
    assert "nothing left to choose" in patient.get(link).text
    assert patient.post(link, data={"rest": "now"}, follow_redirects=True).status_code == 200
    assert choice(world).state == "withdrawn"
    assert world.rows("SELECT 1 FROM jobs WHERE state = 'due' AND kind = 'ask_buyer'") == []


def test_other_units_that_run_short_are_a_new_question_and_fewer_are_none(world: World):
    placed = asked(world)
    first = link_in(world.letters()[0])
    land(world, "MUG", 1)  # nothing is reserved: one of the two mugs is gone as well
    with world.reading() as session:
        desk.resume(session, world.tenant, world.order(placed).id, by="person:Olga")
    world.settle()
    assert [row.state for row in world.rows("SELECT state FROM choices ORDER BY id")] == ["withdrawn", "asked"]
    assert (len(world.letters()), len(choice(world).short)) == (2, 2)

    land(world, "AXE", 1)

    assert (choice(world).state, len(choice(world).short), len(world.letters())) == ("asked", 1, 2)
    assert "nothing left to choose" in patient.get(first).text


def test_a_person_may_answer_for_the_buyer_with_a_reason(world: World):
    placed = asked(world)
    line = int(next(iter(choice(world).short)))

    with world.reading() as session:
        assert desk.answer_choice(
            session, world.tenant, choice(world).id, {line: "wait"}, ship_rest=True, by="person:Olga",
            reason="said so on the phone",
        )  # fmt: skip
    world.settle()

    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    assert "Chosen: 1 × AXE waited for; the rest leaves now. Because: said so on the phone" in story(world)


def test_where_the_shop_ships_what_is_there_only_the_missing_line_is_asked_about(world: World):
    placed = asked(world, Rules(ask_when_short=True, while_asked="ship_what_is_there"))
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    link = link_in(world.letters()[0])
    assert "Send the rest now" not in patient.get(link).text

    choose(world, link, "refund")

    assert (world.order(placed).state, shipped(world, placed)) == ("fulfilled", [{"BAG": 1, "MUG": 2}])
    assert float(world.store_orders()[placed["name"]]["refunded"]) == 30.0


def test_the_restock_date_is_the_next_day_on_which_units_are_expected(world: World):
    asked(world)
    due = date(2031, 3, 9)
    (axe,) = world.rows(
        "SELECT v.id, l.id AS place FROM variants v, locations l WHERE v.sku = 'AXE' AND l.name = 'Reno'"
    )
    with world.reading() as session:
        for on in (due + timedelta(days=9), due, None, date(2020, 1, 1)):
            session.execute(insert(Arrival).values(
                tenant_id=world.tenant, variant_id=axe.id, location_id=axe.place, units=5, due_on=on, reference="PO-1",
                actor="person:Olga"))  # fmt: skip

    page = patient.get(link_in(world.letters()[0]), headers={"Accept-Language": "de-DE"}).text

    assert "Expected on 9. März 2031." in page
    assert "30,00" in page


def test_the_restock_date_is_the_day_on_which_enough_has_come_for_all_who_wait_longer(world: World):
    asked(world)
    later_one = world.place(("AXE", 3))
    world.settle()
    (axe,) = world.rows("SELECT id FROM variants WHERE sku = 'AXE'")
    places = {row.name: row.id for row in world.rows("SELECT id, name FROM locations")}
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE locations SET ships = false WHERE name = 'Newark'"))
    with world.reading() as session:
        for units, on, place in (
            (9, date(2031, 3, 1), "Newark"), (2, date(2031, 3, 9), "Reno"), (2, date(2031, 3, 12), "Reno"),
        ):  # fmt: skip
            session.execute(insert(Arrival).values(
                tenant_id=world.tenant, variant_id=axe.id, location_id=places[place], units=units, due_on=on,
                reference="PO-1", actor="person:Olga"))  # fmt: skip

    orders = {row.order_id: row.id for row in world.rows("SELECT id, order_id FROM choices")}
    with world.reading() as session:
        first, second = (
            restocking.days(session, world.tenant, order, choosing.units_of(session.get_one(
                Choice, (world.tenant, orders[order])).short), today=date(2031, 1, 1))
            for order in sorted(orders)
        )  # fmt: skip

    assert world.order(later_one).id == max(orders)
    assert list(first.values()) == [date(2031, 3, 9)]
    assert list(second.values()) == [date(2031, 3, 12)]


def test_a_buyer_who_is_forgotten_stands_in_no_notice_and_no_choice(world: World):
    placed = asked(world)
    order, line = world.order(placed).id, int(next(iter(choice(world).short)))
    with world.reading() as session:
        desk.answer_choice(
            session, world.tenant, choice(world).id, {line: "refund"}, ship_rest=False, by="person:Olga",
            reason="Ada phoned",
        )  # fmt: skip
    world.settle()

    with world.reading() as session:
        shown = export.gather(session, world.tenant, [order], [])["orders"][0]
        assert forgotten.forget(session, world.tenant, order, sentence="Forgotten.")

    assert (shown["notices"][0]["address"], shown["choices"][0]["reason"]) == ("ada@example.com", "Ada phoned")
    (kept,) = world.rows("SELECT address, words, title FROM notices")
    assert (kept.address, kept.words, kept.title) == ("", "", "Something in order #1001 is out of stock")
    assert "Ada" not in choice(world).reason
    assert choice(world).answers == {str(line): "refund"}


def test_a_shop_that_does_not_ask_asks_nobody(world: World):
    placed = asked(world, Rules())

    assert (world.letters(), world.rows("SELECT 1 FROM choices")) == ([], [])
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]


@pytest.mark.parametrize("kind", ["busy", "refused", "cut", "cut_after"])
def test_what_goes_wrong_with_a_letter_never_makes_two_of_it(world: World, kind: str):
    world.fault(vendor="mail", kind=kind, times=1)

    asked(world)
    for _ in range(3):
        world.hurry()
        world.settle()

    ends = {"busy": ("sent", 1), "refused": ("failed", 0), "cut": ("failed", 0), "cut_after": ("failed", 1)}
    assert (notices(world)[0][1], len(world.letters())) == ends[kind]
    assert ("not sent again" in story(world)) == (kind in {"cut", "cut_after"})
    later(world, remind_at="1 second")
    world.settle()
    assert notices(world)[1] == ("reminded", "sent")


def test_a_worker_that_dies_anywhere_while_writing_sends_one_letter_at_most(world: World):
    world.open_shop(rules=ASKING, variants=GOODS)
    fates = []
    for boundary in range(1, 30):
        before = len(world.letters())
        placed = world.place(("AXE", 1))
        world.heard()
        while not (lanes := [lane for lane in world.due_lanes() if lane.startswith("notice/")]):
            runner.work_off(world.services, world.tenant, world.due_lanes()[0])
        passed = work_off_until(world, lanes[0], boundary)
        free(world)
        world.settle()
        (ended,) = world.rows("SELECT state FROM notices WHERE order_id = :id", id=world.order(placed).id)
        fates.append((len(world.letters()) - before, ended.state))
        if passed < boundary:
            break

    assert fates[0] == (1, "sent")
    assert set(fates) == {(1, "sent"), (0, "failed"), (1, "failed")}
    assert fates[-1] == (1, "sent")


def free(world: World) -> None:
    """The lease of whoever died runs out."""
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'"))
        connection.execute(text("UPDATE jobs SET state = 'due', lease_until = NULL WHERE state = 'running'"))


@pytest.mark.parametrize("boundary", range(1, 7))
def test_a_worker_that_dies_anywhere_while_the_default_acts_refunds_once(world: World, boundary: int):
    placed = asked(world, Rules(ask_when_short=True, when_unanswered="refund"))
    deadline_passes(world)

    assert work_off_until(world, f"order/{world.order(placed).id}", boundary) == boundary
    free(world)
    world.settle()

    assert len(world.calls(vendor="shopify", operation="refundCreate", effect="true")) == 1
    assert shipped(world, placed) == [{"BAG": 1, "MUG": 2}]
    assert story(world).count("did not answer in time") == 1


def test_an_order_that_is_cancelled_while_the_buyer_answers_gives_all_money_back_once(world: World):
    placed = asked(world)
    order, line = world.order(placed).id, int(next(iter(choice(world).short)))
    answers = []

    def answer() -> None:
        with world.reading() as session:
            answers.append(desk.answer_choice(
                session, world.tenant, choice(world).id, {line: "refund"}, ship_rest=False, by="person:the buyer"))  # fmt: skip

    def cancel() -> None:
        with world.reading() as session:
            desk.cancel(session, world.tenant, order, Wish(purpose="cancel", reason="buyer"), by="person:Olga")

    both = [Thread(target=answer), Thread(target=cancel)]
    for one in both:
        one.start()
    for one in both:
        one.join(30)
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert choice(world).state == ("answered" if answers == [True] else "withdrawn")
    there = world.store_orders()[placed["name"]]
    assert there["refunded"] == there["received"]
    assert datetime.now(UTC) > choice(world).acted_at
