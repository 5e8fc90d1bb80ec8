"""The merchant is told once a day what is to be ordered or in excess: each thing once, until it has recovered."""

from __future__ import annotations

from collections import Counter
from itertools import count

from sqlalchemy import text

from jobs import clock, connect, queue
from records import database
from records.tenants import Rules
from tests import patient
from tests.dying import work_off_until
from tests.world import World, variant

TO = "stock@acme.example"


def open_shop(world: World, *, to: str = TO, **stock: int) -> None:
    stocked = {"BAG": 4, "MUG": 500, "HAT": 100} | stock
    world.open_shop(
        rules=Rules(mail_stock_to=to),
        variants=[variant(sku, stock={"Reno": units}) for sku, units in stocked.items()],
    )
    world.services.public_url = world.origin
    for sku, per_week in (("BAG", 7), ("MUG", 7), ("HAT", 21)):
        foresee(world, sku, per_week)


def foresee(world: World, sku: str, per_week: int) -> None:
    run(
        world,
        "INSERT INTO forecasts (tenant_id, variant_id, location_id, per_week_milli, error_milli, mae_milli, model,"
        " lead_days, safety_units, reorder_point)"
        " SELECT v.tenant_id, v.id, l.id, :milli, 0, 0, 'average', 14, 0, :point FROM variants v"
        " JOIN locations l ON l.tenant_id = v.tenant_id AND l.name = 'Reno' WHERE v.sku = :sku AND v.tenant_id = :t",
        sku=sku, milli=per_week * 1000, point=per_week * 3, t=world.tenant,
    )  # fmt: skip


def run(world: World, sql: str, **values: object) -> None:
    with world.engine.begin() as connection:
        connection.execute(text(sql), values)


def lies(world: World, sku: str, units: int) -> None:
    run(world, "UPDATE stock_levels SET on_hand = :u WHERE variant_id = (SELECT id FROM variants WHERE sku = :s)",
        u=units, s=sku)  # fmt: skip


def ask(world: World) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "mail_stock", f"shop/{world.tenant}")


def a_day_later(world: World) -> None:
    run(world, "UPDATE stock_letters SET created_at = created_at - interval '1 day'")
    ask(world)
    world.work_off()


def told(world: World) -> list[str]:
    return [letter["headers"]["subject"] for letter in world.letters()]


def alerts(world: World) -> list[tuple[str, str]]:
    return [
        tuple(row)
        for row in world.rows(
            "SELECT v.sku, a.kind FROM stock_alerts a JOIN variants v ON v.id = a.variant_id ORDER BY 1"
        )
    ]


def test_one_letter_says_what_to_order_how_much_and_what_is_in_excess_and_leads_to_the_page(world: World):
    open_shop(world)
    ask(world)
    world.work_off()

    (letter,) = world.letters()
    assert (letter["recipients"], letter["headers"]["subject"]) == ([TO], "Acme: 1 to order, 1 in excess")
    words = letter["text"].replace("\r\n", "\n")
    assert "  BAG at Reno\n    4 free, 0 incoming. Lasts 4 days." in words
    assert " Order 45." in words  # up to the reorder point of 21 and four weeks of 7, less the 4
    assert "  MUG at Reno\n    500 free, 0 incoming. Lasts 500 days." in words
    assert ("HAT" in words, "<img" in letter["html"]) == (False, False)
    link = f"{world.origin}/ops/shops/{world.tenant}/replenish"
    assert (link in words, link in letter["html"]) == (True, True)
    assert patient.get(link, follow_redirects=False).status_code in {302, 303}  # to the door, and not to nowhere
    assert world.rows("SELECT state, address, title FROM stock_letters") == [("sent", TO, letter["headers"]["subject"])]


def test_what_was_told_is_not_told_again_and_nothing_new_is_no_letter(world: World):
    open_shop(world)
    ask(world)
    world.work_off()
    for _ in range(3):
        a_day_later(world)
    lies(world, "BAG", 1)  # lower still, and told already
    a_day_later(world)
    assert told(world) == ["Acme: 1 to order, 1 in excess"]

    lies(world, "HAT", 5)
    a_day_later(world)
    assert told(world)[1:] == ["Acme: 1 to order"]
    assert "BAG" not in world.letters()[1]["text"]


def test_what_has_recovered_and_falls_again_is_told_again(world: World):
    open_shop(world)
    ask(world)
    world.work_off()
    lies(world, "BAG", 60)
    a_day_later(world)
    assert (told(world), alerts(world)) == (["Acme: 1 to order, 1 in excess"], [("MUG", "over")])

    lies(world, "BAG", 3)
    a_day_later(world)
    assert told(world)[1:] == ["Acme: 1 to order"]


def test_a_clock_that_starts_anew_within_the_day_writes_no_second_letter(world: World):
    open_shop(world)
    ask(world)
    world.work_off()
    lies(world, "HAT", 5)
    ask(world)
    world.work_off()

    assert len(world.letters()) == 1
    a_day_later(world)
    assert told(world)[1:] == ["Acme: 1 to order"]


def test_nobody_is_told_where_no_address_is_set_and_everything_is_once_there_is_one(world: World):
    open_shop(world, to="")
    ask(world)
    world.work_off()
    assert (world.letters(), world.rows("SELECT 1 FROM stock_letters")) == ([], [])

    run(world, "UPDATE tenants SET rules = rules || jsonb_build_object('mail_stock_to', cast(:to AS text))", to=TO)
    a_day_later(world)
    assert told(world) == ["Acme: 1 to order, 1 in excess"]


def test_of_another_shop_nothing_is_told(world: World):
    open_shop(world)
    first = world.tenant
    run(world, "UPDATE variants SET title = 'Secret of the first'")
    with database.across_tenants(world.engine, why="test") as session:
        other = connect.add_tenant(session, "Other", "USD", Rules(mail_stock_to="other@example.com"))
    world.tenant = other
    ask(world)
    world.work_off()
    assert (world.letters(), alerts(world)) == ([], [])

    world.tenant = first
    ask(world)
    world.work_off()
    assert [letter["recipients"] for letter in world.letters()] == [[TO]]


def test_the_clock_asks_for_every_open_shop(world: World):
    open_shop(world)
    (chore,) = (
        one for one in clock.chores(world.engine, world.settings.redis_url, patience_s=5) if one.name == "mail stock"
    )

    chore.do()

    assert chore.every_s == 86_400
    asked = world.rows("SELECT subject FROM jobs WHERE kind = 'mail_stock'")
    assert asked == [(f"shop/{world.tenant}",)]


def test_a_letter_that_the_server_refuses_is_told_of_the_next_day(world: World):
    open_shop(world)
    world.fault(vendor="mail", kind="refused", times=1)
    ask(world)
    world.work_off()
    (row,) = world.rows("SELECT state, reason FROM stock_letters")
    assert (row.state, bool(row.reason), world.letters(), alerts(world)) == ("failed", True, [], [])

    a_day_later(world)
    assert told(world) == ["Acme: 1 to order, 1 in excess"]


def test_a_letter_that_may_have_arrived_is_not_sent_again_and_the_page_says_so(world: World):
    open_shop(world)
    world.fault(vendor="mail", kind="cut_after", times=1)
    ask(world)
    world.work_off()
    a_day_later(world)

    assert len(world.letters()) == 1
    (row,) = world.rows("SELECT state, reason FROM stock_letters")
    assert (row.state, row.reason.startswith("Nobody knows")) == ("failed", True)
    assert alerts(world) == [("BAG", "low"), ("MUG", "over")]


def test_wherever_a_worker_dies_the_letter_arrives_at_most_once_and_its_end_is_written(world: World):
    open_shop(world)
    seen: Counter[tuple[int, str]] = Counter()
    for boundary in count(1):
        before = len(world.letters())
        for table in ("stock_alerts", "stock_letters", "intentions", "jobs"):
            run(world, f"DELETE FROM {table}")  # nosec B608 # our own names
        ask(world)
        passed = work_off_until(world, f"shop/{world.tenant}", boundary)
        if passed < boundary:
            break
        run(world, "UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'")
        run(world, "UPDATE jobs SET due_at = now() WHERE state = 'due'")
        for _ in range(3):
            work_off_until(world, f"shop/{world.tenant}", None)
        (letter,) = world.rows("SELECT state, reason FROM stock_letters")
        arrived = len(world.letters()) - before
        seen[arrived, letter.state] += 1
        assert arrived == 1 if letter.state == "sent" else arrived <= 1, boundary
        assert letter.state in {"sent", "failed"}, boundary
        assert [job.state for job in world.rows("SELECT state FROM jobs WHERE kind = 'mail_stock'")] in (
            ["done"], ["cancelled"],
        )  # fmt: skip
    assert seen[1, "sent"] >= 2
    assert seen[1, "failed"] >= 1  # it had left, and nobody lived to say so: it is not sent again
