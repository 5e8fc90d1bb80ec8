"""What each thing will be asked for is worked out from what was ordered, wherever and whether or not it could leave."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from sqlalchemy import insert

from jobs import clock, queue, runner
from jobs.work import Work
from orders import inventory
from orders.allocation import Pick
from orders.inventory import Holding
from records.replenishing import BuyingTerms
from records.shipments import Shipment
from tests.shop import NEWARK, Shop

TODAY = datetime.now(UTC).date()
MONDAY = TODAY - timedelta(days=TODAY.weekday())


@pytest.fixture(autouse=True)
def a_day_that_does_not_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """All is forecast on the day from which the tests count, though a run may go on past midnight."""
    monkeypatch.setattr(Work, "now", lambda _work: at(TODAY))


def at(day: date) -> datetime:
    return datetime.combine(day, time(12), tzinfo=UTC)


def weeks_ago(weeks: int, day: int = 2) -> date:
    return MONDAY - timedelta(weeks=weeks) + timedelta(days=day)


def open_since(shop: Shop, weeks: int) -> None:
    """The shop's first order was heard of so long ago; it is of nothing."""
    shop.order(created_at=at(weeks_ago(weeks, 0)), placed_at=at(weeks_ago(weeks, 0)))


def forecast(shop: Shop) -> None:
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "forecast_demand", f"shop/{shop.tenant}")
    assert runner.work_off(shop.services(), shop.tenant, f"shop/{shop.tenant}") >= 1
    assert shop.one("SELECT state FROM jobs ORDER BY id DESC LIMIT 1") == "done"


def reserve(shop: Shop, order: int, variant: int, location: int, units: int) -> int:
    line = shop.one("SELECT id FROM order_lines WHERE order_id = :o AND variant_id = :v", o=order, v=variant)
    with shop.transaction() as session:
        shipment = session.scalar(
            insert(Shipment).values(tenant_id=shop.tenant, order_id=order, location_id=location).returning(Shipment.id)
        )
        pick = Pick(line=line, variant=variant, location=location, units=units)
        inventory.reserve(session, shop.tenant, order, [Holding(pick=pick, shipment=shipment)], actor="test")
    return shipment


def days(shop: Shop) -> list[tuple[int, int, date, int]]:
    return shop.rows("SELECT variant_id, location_id, day, units FROM demand_days ORDER BY 1, 2, 3")


def row(shop: Shop, columns: str, **where: int):
    told = " AND ".join(f"{name} = :{name}" for name in where) or "true"
    return shop.one(f"SELECT {columns} FROM forecasts WHERE {told}", **where)


def test_demand_counts_where_it_left_where_it_is_held_and_where_it_is_waited_for(shop: Shop):
    reno, newark = shop.location(), shop.location(NEWARK)
    bag = shop.variant(stock={reno: 10, newark: 3})
    gone, held, short = (
        shop.order((bag, units), placed_at=at(TODAY - timedelta(days=ago))) for units, ago in ((4, 3), (2, 2), (5, 1))
    )
    sent = reserve(shop, gone, bag, reno, 4)
    with shop.transaction() as session:
        inventory.consume(session, shop.tenant, gone, sent, actor="test")
    reserve(shop, held, bag, newark, 2)
    reserve(shop, short, bag, newark, 1)

    forecast(shop)

    assert days(shop) == [
        (bag, reno, TODAY - timedelta(days=3), 4),
        (bag, reno, TODAY - timedelta(days=1), 4),  # it lies nowhere: the location that has sent the most catches it
        (bag, newark, TODAY - timedelta(days=2), 2),
        (bag, newark, TODAY - timedelta(days=1), 1),
    ]
    assert row(shop, "catches", location_id=reno) is True
    assert row(shop, "catches", location_id=newark) is False


def test_what_was_cancelled_before_it_left_was_never_wanted_and_what_came_back_was(shop: Shop):
    reno = shop.location()
    bag = shop.variant(stock={reno: 50})
    yesterday = at(TODAY - timedelta(days=1))
    cancelled, part, returned, trial = (
        shop.order((bag, 3), placed_at=yesterday, **more) for more in ({}, {}, {}, {"test": True})
    )
    sent = reserve(shop, returned, bag, reno, 3)
    with shop.transaction() as session:
        inventory.consume(session, shop.tenant, returned, sent, actor="test")
    shop.run("UPDATE order_lines SET units = 0 WHERE order_id = :o", o=returned)
    shop.run("UPDATE order_lines SET units = 1 WHERE order_id = :o", o=part)
    shop.run("UPDATE orders SET state = 'cancelled' WHERE id = :o", o=cancelled)

    forecast(shop)

    assert days(shop) == [(bag, reno, yesterday.date(), 3 + 1)]
    assert trial


def test_an_order_that_is_cancelled_later_is_taken_off_its_day(shop: Shop):
    reno = shop.location()
    bag = shop.variant(stock={reno: 50})
    order = shop.order((bag, 3), placed_at=at(TODAY - timedelta(days=1)))
    forecast(shop)
    assert len(days(shop)) == 1

    shop.run("UPDATE orders SET state = 'cancelled' WHERE id = :o", o=order)
    forecast(shop)

    assert days(shop) == []


def test_a_bundle_that_is_reserved_as_its_parts_is_demand_for_the_parts(shop: Shop):
    reno = shop.location()
    bundle, part = shop.variant("SET", stock={reno: 0}), shop.variant("PART", stock={reno: 9})
    order = shop.order((bundle, 2), placed_at=at(TODAY - timedelta(days=1)))
    line = shop.one("SELECT id FROM order_lines WHERE order_id = :o", o=order)
    with shop.transaction() as session:
        shipment = session.scalar(
            insert(Shipment).values(tenant_id=shop.tenant, order_id=order, location_id=reno).returning(Shipment.id)
        )
        pick = Pick(line=line, variant=part, location=reno, units=4)
        inventory.reserve(session, shop.tenant, order, [Holding(pick=pick, shipment=shipment)], actor="test")

    forecast(shop)

    assert [(variant, units) for variant, _, _, units in days(shop)] == [(part, 4)]


def test_a_bundle_of_which_a_part_is_missing_is_demand_for_every_part(shop: Shop):
    reno = shop.location()
    bundle = shop.variant("SET", tracked=False)
    part, other = shop.variant("PART", stock={reno: 9}), shop.variant("OTHER", stock={reno: 1})
    shop.run(
        "INSERT INTO bundle_parts (tenant_id, bundle_id, part_id, units) VALUES (:t, :b, :part, 2), (:t, :b, :other, 1)",
        t=shop.tenant, b=bundle, part=part, other=other,
    )  # fmt: skip
    shop.order((bundle, 3), placed_at=at(TODAY - timedelta(days=1)))
    named = "variant_remote_id = (SELECT remote_id FROM variants WHERE id = :b)"  # as of what the store does not count
    shop.run(f"UPDATE order_lines SET variant_id = NULL, {named}", b=bundle)

    forecast(shop)

    assert [(variant, units) for variant, _, _, units in days(shop)] == [(part, 6), (other, 3)]


def test_what_is_not_counted_by_the_store_is_not_forecast(shop: Shop):
    reno = shop.location()
    card = shop.variant("GIFT", stock={reno: 4}, tracked=False)
    shop.order((card, 1), placed_at=at(TODAY - timedelta(days=1)))

    forecast(shop)

    assert (days(shop), shop.rows("SELECT 1 FROM forecasts")) == ([], [])


def steady(shop: Shop, weeks: int, *, units: int = 7) -> tuple[int, int]:
    """A shop that is open since so many weeks and sold so much in each of them."""
    open_since(shop, weeks)
    reno = shop.location()
    bag = shop.variant(stock={reno: 10_000})
    shop.run("UPDATE movements SET at = :at", at=at(weeks_ago(weeks, 0)))
    for ago in range(1, weeks + 1):
        shop.order((bag, units), placed_at=at(weeks_ago(ago)))
    return bag, reno


def test_a_forecast_has_its_error_and_its_reorder_point_beside_it(shop: Shop):
    bag, reno = steady(shop, 10)
    shop.order((bag, 500), placed_at=at(TODAY))  # this week is not over

    forecast(shop)

    told = "begins, ends, model, per_week_milli, error_milli, mae_milli, bias_milli, same_mae_milli, reason"
    assert row(shop, told) == (weeks_ago(10, 0), MONDAY, "moving_average", 7000, 0, 0, 0, 0, "")
    assert row(shop, "lead_days, safety_units, reorder_point") == (14, 0, 21)
    tested = row(shop, "tested")
    assert [one["week"] for one in tested] == [weeks_ago(ago, 0).isoformat() for ago in range(6, 0, -1)]
    assert {one["units"] for one in tested} == {7}
    assert (bag, reno) == row(shop, "variant_id, location_id")


def test_what_was_ordered_before_the_shop_was_heard_is_no_history(shop: Shop):
    bag, _ = steady(shop, 5)
    for ago in range(6, 40):
        shop.order((bag, 1), placed_at=at(weeks_ago(ago)))

    forecast(shop)

    assert row(shop, "begins, per_week_milli") == (weeks_ago(5, 0), None)
    assert "5 whole weeks of orders, and it takes 8" in row(shop, "reason")
    assert row(shop, "safety_units, reorder_point") == (None, None)


def test_silence_counts_from_the_day_on_which_a_thing_lay_there(shop: Shop):
    open_since(shop, 30)
    reno = shop.location()
    old, new = shop.variant("OLD", stock={reno: 4}), shop.variant("NEW", stock={reno: 4})
    shop.run("UPDATE movements SET at = :at WHERE variant_id = :v", at=at(weeks_ago(20, 0)), v=old)

    forecast(shop)

    assert row(shop, "per_week_milli, reorder_point", variant_id=old) == (0, 0)
    assert row(shop, "per_week_milli, reason", variant_id=new) == (
        None, "Too little to tell: no whole week of orders is over yet.")  # fmt: skip


def test_a_history_that_is_the_same_is_not_worked_out_twice(shop: Shop):
    steady(shop, 9)
    forecast(shop)
    made = row(shop, "made_at, series_digest")

    forecast(shop)
    assert row(shop, "made_at, series_digest") == made

    shop.run("UPDATE order_lines SET units = 6 WHERE id = (SELECT max(id) FROM order_lines)")
    forecast(shop)
    assert row(shop, "made_at, series_digest") != made


@pytest.mark.parametrize(("own", "lead", "point"), [(None, 14, 21), (0, 0, 7), (35, 35, 42)])
def test_a_variants_own_lead_time_stands_above_the_shops(shop: Shop, own: int | None, lead: int, point: int):
    bag, _ = steady(shop, 9)
    with shop.transaction() as session:
        session.add(BuyingTerms(tenant_id=shop.tenant, variant_id=bag, lead_days=own, pack_units=6))

    forecast(shop)

    assert row(shop, "lead_days, reorder_point") == (lead, point)


def test_a_level_that_is_empty_and_asked_for_by_nobody_is_forgotten(shop: Shop):
    reno = shop.location()
    bag = shop.variant(stock={reno: 4})
    forecast(shop)
    assert len(shop.rows("SELECT 1 FROM forecasts")) == 1

    with shop.transaction() as session:
        inventory.count(session, shop.tenant, {(bag, reno): 0}, actor="test")
    forecast(shop)

    assert shop.rows("SELECT 1 FROM forecasts") == []


def test_a_long_list_is_worked_off_in_turns(shop: Shop, monkeypatch):
    from jobs import forecast_demand

    monkeypatch.setattr(forecast_demand, "_AT_ONCE", 2)
    monkeypatch.setattr(forecast_demand, "_A_RUN", 3)
    reno = shop.location()
    for number in range(9):
        shop.variant(f"V{number}", stock={reno: 4})

    forecast(shop)

    assert shop.one("SELECT count(*) FROM forecasts WHERE made_at IS NOT NULL") == 9
    assert shop.one("SELECT count(*) FROM jobs WHERE kind = 'forecast_demand'") == 3


def test_nothing_is_ordered_for_a_shop_that_has_left(shop: Shop):
    reno = shop.location()
    shop.variant(stock={reno: 4})
    shop.run("UPDATE tenants SET closed_at = now() WHERE id = :t", t=shop.tenant)
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "forecast_demand", f"shop/{shop.tenant}")

    runner.work_off(shop.services(), shop.tenant, f"shop/{shop.tenant}")

    assert shop.rows("SELECT state FROM jobs") == [("cancelled",)]
    assert shop.rows("SELECT 1 FROM forecasts") == []


def test_the_clock_asks_for_every_shop_that_has_not_left(shop: Shop):
    (chore,) = [
        one for one in clock.chores(shop.engine, "redis://nowhere", patience_s=1) if one.name == "forecast demand"
    ]
    chore.do()
    assert shop.rows("SELECT kind, subject, state FROM jobs") == [("forecast_demand", f"shop/{shop.tenant}", "due")]

    shop.run("UPDATE tenants SET closed_at = now()")
    shop.run("DELETE FROM jobs")
    chore.do()
    assert shop.rows("SELECT 1 FROM jobs") == []
