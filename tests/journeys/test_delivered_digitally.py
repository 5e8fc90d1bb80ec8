"""What is sold and never shipped: codes and links go out once, in one mail, and parcels never wait for them."""

from __future__ import annotations

import re
from threading import Thread

from sqlalchemy import text

from jobs import desk, digital_desk, runner
from orders.reversing import Wish
from tests import patient
from tests.dying import work_off_until
from tests.giving import SHELF, given, mails, page_in, paste, sold
from tests.world import World


def test_codes_go_out_in_one_mail_and_the_parcel_leaves_beside_them(world: World):
    sold(world, codes=("AAA-111", "BBB-222", "CCC-333"))
    placed = world.place(("BAG", 1), ("GIFT", 2))
    world.settle()

    (mail,) = mails(world)
    assert ("AAA-111" in mail, "BBB-222" in mail, "CCC-333" in mail) == (True, True, False)
    assert world.letters()[0]["recipients"] == ["ada@example.com"]
    assert [code for code, _ in given(world)] == ["AAA-111", "BBB-222"]
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert len(world.labels_bought()) == 1
    shown = world.fulfillments(placed)
    assert sorted(len(one["tracking"]) for one in shown) == [0, 1], shown
    assert world.store_orders()[placed["name"]]["fulfillment_status"] == "FULFILLED"
    world.hurry()
    world.settle()
    assert (len(world.letters()), len(world.fulfillments(placed)), len(given(world))) == (1, 2, 2)


def test_an_order_without_a_parcel_waits_for_its_money_and_ends_with_the_delivery(world: World):
    sold(world, codes=("AAA-111",))
    placed = world.place(("GIFT", 1), financial_status="pending")
    world.settle()
    assert (world.order(placed).state, world.open_holds(placed), mails(world)) == ("verified", ["payment"], [])
    assert given(world) == []

    world.control("POST", f"/shopify/orders/{placed['id']}/pay", {})
    world.settle()

    assert len(mails(world)) == 1
    assert (world.order(placed).state, world.open_holds(placed)) == ("closed", [])
    assert len(world.fulfillments(placed)) == 1
    assert world.labels_bought() == []


def test_secrets_are_sealed_at_rest_and_stand_in_no_story_notice_or_job(world: World):
    sold(world, codes=("AAA-111",), link=True)
    world.place(("GIFT", 1), ("BOOK", 1))
    world.settle()

    assert len(mails(world)) == 1
    dump = "\n".join(
        str(row[0])
        for table in (
            "digital_goods", "digital_codes", "digital_lines", "digital_deliveries", "notices", "jobs", "intentions",
            "timeline_entries",
        )
        for row in world.rows(f"SELECT t::text FROM {table} t")
    )  # fmt: skip
    assert "delivered digitally" in dump.lower()
    for secret in ("AAA-111", "secret-shelf", "s3cret", "/delivered/", b"AAA-111".hex(), b"secret-shelf".hex()):
        assert secret not in dump
    (kept,) = world.rows("SELECT words FROM notices")
    assert "[a code]" in kept.words
    assert "secret-shelf" not in mails(world)[0]


def test_a_link_is_counted_by_its_button_and_says_when_it_is_used_up(world: World):
    sold(world, link=True)
    world.place(("BOOK", 1))
    world.settle()
    page = page_in(mails(world)[0])
    (line,) = world.rows("SELECT id FROM digital_lines")

    for _ in range(3):  # programs that check mail look at it
        assert "2 times more" in patient.get(page).text
    for _ in range(2):
        led = patient.post(f"{page}/open/{line.id}")
        assert (led.status_code, led.headers["location"]) == (303, SHELF)
    over = patient.post(f"{page}/open/{line.id}")

    assert (over.status_code, over.headers.get("location")) == (410, None)
    assert "opened as often as it can be" in over.text
    assert "secret-shelf" not in over.text
    assert "Write to the shop" in patient.get(page).text
    assert world.rows("SELECT openings FROM digital_lines")[0].openings == 2


def test_a_link_is_never_opened_more_often_than_it_may_be_by_many_at_once(world: World):
    sold(world, link=True)
    world.place(("BOOK", 1))
    world.settle()
    page = page_in(mails(world)[0])
    (line,) = world.rows("SELECT id FROM digital_lines")
    answers: list[int] = []
    at_once = [
        Thread(target=lambda: answers.append(patient.post(f"{page}/open/{line.id}").status_code)) for _ in range(8)
    ]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join(60)

    assert sorted(answers) == [303] * 2 + [410] * 6


def test_a_link_that_is_over_begins_anew_when_a_person_sends_it_again(world: World):
    sold(world, link=True)
    placed = world.place(("BOOK", 1))
    world.settle()
    page = page_in(mails(world)[0])
    (line,) = world.rows("SELECT id, delivery_id FROM digital_lines")
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE digital_lines SET ends_at = now() - interval '1 day'"))
    assert patient.post(f"{page}/open/{line.id}").status_code == 410
    assert "The time to open this is over." in patient.get(page).text

    with world.reading() as session:
        for _ in range(2):  # pressed twice
            digital_desk.send_again(
                session,
                world.tenant,
                line.delivery_id,
                seen=1,
                anew=True,
                by="person:Olga",
                now=world.order(placed).created_at,
            )
    world.settle()

    assert len(mails(world)) == 2
    assert mails(world)[1].startswith("Here it is once more.")
    assert page_in(mails(world)[1]) == page
    assert patient.post(f"{page}/open/{line.id}").headers["location"] == SHELF


def test_sending_again_sends_the_same_codes(world: World):
    sold(world, codes=("AAA-111", "BBB-222"))
    world.place(("GIFT", 1))
    world.settle()
    (row,) = world.rows("SELECT id, created_at FROM digital_deliveries")
    with world.reading() as session:
        digital_desk.send_again(session, world.tenant, row.id, seen=1, anew=False, by="person:Olga", now=row.created_at)
    world.settle()

    assert ["AAA-111" in mail for mail in mails(world)] == [True, True]
    assert "BBB-222" not in "".join(mails(world))
    assert len(given(world)) == 1


def test_a_pool_that_runs_out_holds_only_its_line_and_goes_on_when_codes_are_pasted(world: World):
    sold(world, codes=("AAA-111",))
    placed = world.place(("BAG", 1), ("GIFT", 2))
    world.settle()

    assert (mails(world), given(world)) == ([], [])
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", ["digital"])
    assert len(world.labels_bought()) == 1
    (hold,) = world.rows("SELECT reason, remedy FROM holds WHERE state = 'open'")
    assert "2 × GIFT (1 code left)" in hold.reason
    assert "Paste more codes" in hold.remedy

    assert paste(world, "AAA-111", "BBB-222") == (1, ["AAA-111"])
    world.settle()

    assert [code for code, _ in given(world)] == ["AAA-111", "BBB-222"]
    assert (world.order(placed).state, world.open_holds(placed), len(mails(world))) == ("fulfilled", [], 1)
    assert len(world.fulfillments(placed)) == 2


def test_two_orders_for_the_last_code_never_both_get_it(world: World):
    sold(world, codes=("AAA-111",))
    world.place(("GIFT", 1))
    world.place(("GIFT", 1))
    world.heard()
    work_until_only_orders(world)
    lanes = [f"order/{row.id}" for row in world.rows("SELECT id FROM orders")]
    at_once = [Thread(target=runner.work_off, args=(world.services, world.tenant, lane)) for lane in lanes]
    for one in at_once:
        one.start()
    for one in at_once:
        one.join(60)
    world.settle()

    assert len(given(world)) == 1
    assert len(mails(world)) == 1
    assert [row.kind for row in world.rows("SELECT kind FROM holds WHERE state = 'open'")] == ["digital"]


def work_until_only_orders(world: World) -> None:
    """Read the deliveries, so that each order's own lane is all that is left to be worked."""
    while lanes := [lane for lane in world.due_lanes() if not lane.startswith("order/")]:
        for lane in lanes:
            runner.work_off(world.services, world.tenant, lane)


def test_a_worker_that_dies_anywhere_loses_and_doubles_nothing(world: World):
    sold(world, codes=tuple(f"CODE-{number:03}" for number in range(100)))
    names = []
    for boundary in range(1, 60):
        placed = world.place(("GIFT", 1))
        names.append(placed["name"])
        world.heard()
        work_until_only_orders(world)
        passed = work_off_until(world, f"order/{world.order(placed).id}", boundary)
        with world.engine.begin() as connection:  # the dead worker's lease runs out
            connection.execute(text("UPDATE jobs SET state = 'due', lease_until = NULL WHERE state = 'running'"))
        if passed < boundary:
            break
    world.settle()

    assert len(names) > 10
    given_to = [row.order_id for row in world.rows("SELECT order_id FROM digital_deliveries ORDER BY 1")]
    assert (len(given_to), len(set(given_to)), len(given(world))) == (len(names), len(names), len(names))
    assert sorted(re.search(r"#\d+", mail)[0] for mail in mails(world)) == sorted(names)
    shown = world.store_orders()
    assert {len(shown[name]["fulfillments"]) for name in names} == {1}
    assert {row.state for row in world.rows("SELECT state FROM orders")} == {"closed"}


def test_a_cancellation_before_the_delivery_delivers_nothing(world: World):
    sold(world)
    paste(world, "AAA-111")
    placed = world.place(("GIFT", 1), financial_status="pending")
    world.settle()
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, Wish(purpose="cancel"), by="person:Olga")
    world.settle()

    assert (world.order(placed).state, mails(world), given(world)) == ("cancelled", [], [])
    paste(world, "BBB-222")
    world.settle()
    assert (mails(world), given(world)) == ([], [])


def test_an_order_that_came_before_the_goods_were_set_is_left_alone(world: World):
    sold(world)
    placed = world.place(("GIFT", 1))
    world.settle()
    paste(world, "AAA-111")
    world.control("POST", f"/shopify/orders/{placed['id']}/pay", {})
    world.settle()

    assert (world.order(placed).state, mails(world), given(world)) == ("closed", [], [])


def test_an_order_that_is_cancelled_after_its_delivery_is_cancelled_in_the_store_too(world: World):
    sold(world, codes=("AAA-111", "BBB-222"))
    placed = world.place(("GIFT", 1))
    world.settle()
    page = page_in(mails(world)[0])
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, Wish(purpose="cancel"), by="person:Olga")
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert world.store_orders()[placed["name"]]["cancelled"]
    assert "This order was cancelled" in patient.get(page).text
    assert len(given(world)) == 1  # it was sent, and is given to nobody else
    assert len(mails(world)) == 1
