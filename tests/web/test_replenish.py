"""What to order stands on a page, the most pressing first, with the forecast's error beside each number."""

from __future__ import annotations

import csv
import io
import random
import re
from datetime import timedelta
from typing import Any

import pytest
from foreseen_rows import arrival, foresee
from person import Person
from seeds import Shop
from sqlalchemy.orm import Session

from orders import what_to_order as replenish
from orders.what_to_order import Wish
from records.stock import StockLevel

STEADY = [7] * 12


@pytest.fixture
def bag(shop: Shop, session: Session) -> Shop:
    """Seven bags a week from Reno, without any error: the reorder point is 21."""
    shop.stock("BAG", "Bag of canvas", {"Reno": (10, 0)})
    foresee(shop, "BAG", "Reno", STEADY)
    session.commit()
    return shop


def lie(shop: Shop, sku: str = "BAG", place: str = "Reno", **columns: int) -> None:
    level = shop.session.get_one(StockLevel, (shop.tenant, shop.variants[sku], shop.locations[place]))
    for name, units in columns.items():
        setattr(level, name, units)
    shop.session.commit()


def at(shop: Shop, rest: str = "") -> str:
    return f"/ops/shops/{shop.tenant}/replenish{rest}"


def of_bag(shop: Shop, rest: str = "") -> str:
    return at(shop, f"/{shop.variants['BAG']}/{shop.locations['Reno']}{rest}")


def rows(grace: Person, path: str) -> list[dict[str, str]]:
    answer = grace.get(path)
    assert answer.status_code == 200
    return list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))


def words(page: Any) -> str:
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text)).replace(" .", ".")


def test_what_runs_out_within_its_lead_time_is_asked_for_with_its_reason(grace: Person, bag: Shop) -> None:
    page = words(grace.get(at(bag)))

    assert "Order now (1)" in page
    assert "Runs out Lasts 10 days; an order takes 14 days." in page
    assert "7.0 ± 0.0 Average of the last 8 weeks" in page
    assert rows(grace, at(bag, ".csv")) == [
        {
            "sku": "BAG", "title": "Bag of canvas", "location": "Reno", "free": "10", "incoming": "0", "next_due": "",
            "waiting": "0", "per_week": "7.000", "error": "0.000", "model": "moving_average", "cover_days": "10",
            "lead_days": "14", "reorder_point": "21", "safety_units": "0", "suggested": "39", "pack": "1",
            "what": "runs_out", "why": "Lasts 10 days; an order takes 14 days.",
        }
    ]  # fmt: skip


def test_reserved_and_damaged_units_are_not_there_and_incoming_ones_are(grace: Person, bag: Shop) -> None:
    lie(bag, on_hand=60, reserved=20, damaged=5, safety=30)
    (row,) = rows(grace, at(bag, ".csv?show=all"))
    assert (row["free"], row["what"], row["suggested"]) == ("35", "enough", "0")

    lie(bag, reserved=50)
    due = bag.now.date() + timedelta(days=14)
    arrival(bag, "BAG", "Reno", 6, due)
    arrival(bag, "BAG", "Reno", 5, due + timedelta(days=1))
    arrival(bag, "BAG", "Reno", 4, None)
    arrival(bag, "BAG", "Reno", 900, due, state="received")
    arrival(bag, "BAG", "Reno", 900, due, state="cancelled")
    bag.session.commit()

    (row,) = rows(grace, at(bag, ".csv"))
    assert (row["free"], row["incoming"], row["next_due"]) == ("5", "15", due.isoformat())
    assert (row["what"], row["why"]) == ("runs_out", "Lasts 11 days with the 6 due by then; an order takes 14 days.")
    assert row["suggested"] == str(21 + 28 - 20)


def test_what_orders_wait_for_is_owed_first(grace: Person, bag: Shop) -> None:
    order = bag.order(state="released")
    bag.line(order, "BAG", 90)
    bag.hold(order, "stock", reason="Out of stock: 90 × BAG.", remedy="")
    bag.session.commit()

    (row,) = rows(grace, at(bag, ".csv"))

    assert (row["what"], row["waiting"], row["suggested"]) == ("out", "90", str(21 + 28 - (10 - 90)))
    assert row["why"] == "Orders wait for 90, and 10 are there or incoming."


def test_what_a_bundle_waits_for_is_owed_of_its_parts(grace: Person, bag: Shop) -> None:
    bag.stock("SET", "Set of bags", {}, tracked=False)
    bag.bundle("SET", BAG=3)
    order = bag.order(state="released")
    bag.line(order, "SET", 30, variant_id=None)
    bag.hold(order, "stock", reason="Out of stock: 30 × SET.", remedy="")
    bag.session.commit()

    (row,) = rows(grace, at(bag, ".csv"))

    assert (row["what"], row["waiting"]) == ("out", "90")


def test_the_home_page_counts_what_runs_out_and_leads_there(grace: Person, bag: Shop) -> None:
    home = f"/ops/shops/{bag.tenant}/"
    assert "1 Runs out within its lead time" in words(grace.get(home))
    assert f'href="{at(bag, "?show=out")}"' in grace.get(home).text
    assert "Runs out (1)" in words(grace.get(at(bag, "?show=out")))

    lie(bag, on_hand=14)
    assert "lead time" not in words(grace.get(home))
    assert "Nothing runs out too soon" in words(grace.get(at(bag, "?show=out")))
    assert "Order now (1)" in words(grace.get(at(bag)))  # it lasts, and is below its reorder point

    lie(bag, on_hand=22)
    assert "Order now (0)" in words(grace.get(at(bag)))
    assert "Nothing has to be ordered now" in words(grace.get(at(bag)))


def test_a_sku_that_runs_out_at_two_locations_is_counted_and_listed_at_each(grace: Person, bag: Shop) -> None:
    where = {"tenant_id": bag.tenant, "variant_id": bag.variants["BAG"], "location_id": bag.locations["Newark"]}
    bag.session.add(StockLevel(**where, on_hand=1))
    foresee(bag, "BAG", "Newark", STEADY, catches=False)
    bag.session.commit()

    assert "2 Runs out within" in words(grace.get(f"/ops/shops/{bag.tenant}/"))
    assert [row["location"] for row in rows(grace, at(bag, ".csv?show=out"))] == ["Newark", "Reno"]


def test_too_much_has_a_list_of_its_own(grace: Person, bag: Shop) -> None:
    lie(bag, on_hand=181)
    assert "Too much (1)" in words(grace.get(at(bag)))
    assert [row["what"] for row in rows(grace, at(bag, ".csv?show=over"))] == ["over"]

    lie(bag, on_hand=180)
    assert rows(grace, at(bag, ".csv?show=over")) == []


def test_too_little_is_said_and_no_number_shown(grace: Person, shop: Shop, session: Session) -> None:
    shop.stock("NEW", "New thing", {"Reno": (4, 0)})
    foresee(shop, "NEW", "Reno", [3, 1])
    session.commit()

    assert "Too little to tell yet" in words(grace.get(at(shop)))
    page = words(grace.get(at(shop, "?show=all")))
    assert "Too little to tell: 2 whole weeks of orders, and it takes 8." in page
    (row,) = rows(grace, at(shop, ".csv?show=all"))
    assert (row["per_week"], row["reorder_point"], row["suggested"], row["what"]) == ("", "", "0", "unknown")
    detail = words(grace.get(at(shop, f"/{shop.variants['NEW']}/{shop.locations['Reno']}")))
    assert "No number instead of a guess" in detail


def test_a_shop_that_knows_nothing_is_told_what_to_do(grace: Person, shop: Shop) -> None:
    assert "Nothing is worked out yet" in words(grace.get(at(shop)))

    answer = grace.post(at(shop, "/again"), at=at(shop))

    assert (answer.status_code, answer.location) == (303, at(shop))
    assert grace.row("SELECT kind, subject, state FROM jobs") == ("forecast_demand", f"shop/{shop.tenant}", "due")


def test_the_page_of_one_thing_shows_every_number_on_the_way(grace: Person, bag: Shop) -> None:
    page = words(grace.get(of_bag(bag)))

    for told in (
        "14 days until an order is there, and 7 until the next look 21 days",
        "7.0 a week × 3 weeks, rounded up 21 units",
        "1.645 (for 95 %) × 0.0 (error of a week) × √3, rounded up 0 units",
        "10 on hand − 0 reserved − 0 damaged + 0 incoming 10 units",
        "21 + 28 (for 28 days) − 10 39 units",
        "Tried on 8 past weeks, each from nothing but the weeks before it",
        "“the same as last week” would have been by 0.0",
        "It was neither too high nor too low as a whole.",
        "Only the moving average was tried",
    ):
        assert told in page, told
    assert page.count("Week of") >= 12


def test_a_forecast_that_is_worse_than_last_weeks_number_says_so(grace: Person, bag: Shop, session: Session) -> None:
    bag.stock("UP", "Grows", {"Reno": (1, 0)})
    foresee(bag, "UP", "Reno", list(range(0, 60, 3)))
    session.commit()

    page = words(grace.get(at(bag, f"/{bag.variants['UP']}/{bag.locations['Reno']}")))

    assert "would have been by 3.0, which is better: take the number with care" in page
    assert "It was too low by 13.5 as a whole." in page


def test_own_terms_move_the_reorder_point_at_once(grace: Person, bag: Shop) -> None:
    answer = grace.post(of_bag(bag, "/terms"), at=of_bag(bag), lead_days="28", pack_units="12")

    assert (answer.status_code, answer.location) == (303, of_bag(bag))
    assert grace.row("SELECT lead_days, pack_units FROM buying_terms") == (28, 12)
    (row,) = rows(grace, at(bag, ".csv"))
    assert (row["lead_days"], row["reorder_point"], row["suggested"]) == ("28", "35", "60")  # 53 in packs of 12

    grace.post(of_bag(bag, "/terms"), at=of_bag(bag), lead_days="", pack_units="1")
    (row,) = rows(grace, at(bag, ".csv"))
    assert (row["lead_days"], row["reorder_point"], row["suggested"]) == ("14", "21", "39")


@pytest.mark.parametrize(
    ("lead", "pack", "why"),
    [
        ("366", "1", "Between 0 and 365 days."), ("soon", "1", "A whole number, without a unit."),
        ("3", "0", "Between 1 and 100,000 units."), ("3", "", "A whole number, without a unit."),
        ("-1", "1", "A whole number, without a unit."), ("99999999999999999999", "1", "A whole number, without a unit."),
    ],
)  # fmt: skip
def test_odd_terms_come_back_as_typed_and_change_nothing(
    grace: Person, bag: Shop, lead: str, pack: str, why: str
) -> None:
    answer = grace.post(of_bag(bag, "/terms"), at=of_bag(bag), lead_days=lead, pack_units=pack)

    assert answer.status_code == 422
    assert why in words(answer)
    assert f'value="{lead}"' in answer.text
    assert grace.rows("SELECT 1 FROM buying_terms") == []


def test_other_settings_have_everything_worked_out_anew(grace: Person, bag: Shop) -> None:
    settings = f"/ops/shops/{bag.tenant}/settings"
    page = grace.get(settings).text
    fields = dict(re.findall(r'<input class="form-control"[^>]*? name="([^"]+)"[^>]*? value="([^"]*)"', page))
    fields |= dict(re.findall(r'<select[^>]*name="([^"]+)"[^>]*>.*?value="([^"]*)" selected', page, re.DOTALL))
    fields["version"] = re.findall(r'name="version" value="([^"]+)"', page)[0]
    fields.pop("q", None)
    assert fields["replenishing.lead_days"] == "14"

    answer = grace.post(settings, at=settings, **fields | {"replenishing.lead_days": "20"})

    assert answer.status_code == 303
    assert grace.row("SELECT rules -> 'replenishing' ->> 'lead_days' FROM tenants WHERE id = " + str(bag.tenant)) == (
        "20",
    )
    assert grace.row("SELECT kind FROM jobs") == ("forecast_demand",)


def test_pages_go_on_where_the_last_one_ended(grace: Person, shop: Shop, session: Session) -> None:
    for number in range(120):
        shop.stock(f"S{number:03}", "Thing", {"Reno": (number % 7, 0)})
        foresee(shop, f"S{number:03}", "Reno", STEADY)
    session.commit()
    seen: list[str] = []
    path = at(shop)
    for _ in range(3):
        page = grace.get(path).text
        seen += re.findall(r'<span class="code sku">(S\d+)</span>', page)
        onward = re.search(r'href="([^"]+)">More<', page)
        path = onward.group(1).replace("&amp;", "&") if onward else ""

    assert path == ""
    assert len(seen) == len(set(seen)) == 120
    assert [int(sku[1:]) % 7 for sku in seen] == sorted(int(sku[1:]) % 7 for sku in seen)


def test_a_list_can_be_narrowed_by_sku(grace: Person, bag: Shop) -> None:
    assert len(rows(grace, at(bag, ".csv?q=ba"))) == 1
    assert rows(grace, at(bag, ".csv?q=tent")) == []
    assert "Nothing fits this" in words(grace.get(at(bag, "?q=tent")))


def test_the_database_and_the_arithmetic_say_the_same_of_every_row(shop: Shop, session: Session) -> None:
    """Which rows are listed is decided in SQL, what is said of each in orders/replenishing.py."""
    chance = random.Random(3)
    today = shop.now.date()
    for number in range(300):
        sku = f"S{number:03}"
        on_hand = chance.choice((0, 1, 5, 20, 200, 2000))
        shop.stock(sku, "Thing", {"Reno": (on_hand, chance.choice((0, on_hand // 2, on_hand)))})
        weeks = chance.choice(([], [3], [0] * 12, [chance.randrange(6) for _ in range(12)], [20] * 9))
        foresee(shop, sku, "Reno", weeks)
        if chance.random() < 0.4:
            arrival(
                shop, sku, "Reno", chance.randrange(1, 60), chance.choice((None, today, today + timedelta(days=40)))
            )
        if chance.random() < 0.3:
            order = shop.order(state="shipping")
            shop.line(order, sku, chance.randrange(1, 50))
            shop.hold(order, "stock", reason="", remedy="")
    session.flush()

    def listed(show: str) -> set[str]:
        return {row.sku for row in replenish.every(session, shop.tenant, Wish(show=show), today=today)}

    every = replenish.every(session, shop.tenant, Wish(show="all"), today=today)
    counts = replenish.counts(session, shop.tenant, today=today)
    kinds = {kind: {row.sku for row in every if row.advice.urgency == kind} for kind in
             ("out", "runs_out", "order", "enough", "over", "unknown")}  # fmt: skip
    assert all(kinds.values()), {kind: len(skus) for kind, skus in kinds.items()}
    assert listed("low") == kinds["out"] | kinds["runs_out"] | kinds["order"]
    assert listed("out") == kinds["out"] | kinds["runs_out"]
    assert listed("over") == kinds["over"]
    assert (counts.known, counts.low, counts.over) == (300, len(listed("low")), len(listed("over")))
    assert counts.out == replenish.running_out(session, shop.tenant, today=today) == len(listed("out")) > 0
    pressing = [row.pressing for row in every]
    assert pressing == sorted(pressing)
    assert every[0].position.waiting > every[0].position.free + every[0].position.incoming
