"""Stock that is reserved for an order whose money is good no more is free for others after a while, and once."""

from __future__ import annotations

from sqlalchemy import text

from records.tenants import Rules
from tests.world import STRIPE_KEY, World, variant

GOODS = [variant("BAG", stock={"Reno": 10, "Newark": 0})]
# Labels wait, so that something is reserved and not bought yet when the money fails.
RULES = Rules(ship_when="authorised", minutes_to_change=60, release_unpaid_days=3)


def pay(world: World, placed: dict, outcome: str) -> dict:
    minor = round(float(placed["total_price"]) * 100)
    wish = {"key": STRIPE_KEY, "amount": minor, "currency": "usd", "outcome": outcome}
    return world.control("POST", "/stripe/payments", wish | {"metadata": {"order_name": placed["name"]}})


def reserved_and_failed(world: World, rules: Rules) -> dict:
    """An order whose authorisation let it through, and has run out since."""
    world.open_shop(rules=rules, variants=GOODS)
    placed = world.place(("BAG", 2), financial_status="pending")
    world.settle()
    payment = pay(world, placed, "requires_capture")
    world.settle()
    assert world.level("BAG", "Reno") == (10, 2)
    world.next_second()
    world.control("POST", f"/stripe/payments/{payment['id']}/cancel", {})
    world.settle()
    assert world.open_holds(placed) == ["payment"]
    return placed


def days_pass(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE holds SET created_at = created_at - interval '4 days'"))
        connection.execute(text("UPDATE jobs SET due_at = now() WHERE state = 'due' AND kind = 'check_payment'"))
    world.settle()


def test_units_are_kept_until_the_days_are_over_and_given_up_once(world: World):
    placed = reserved_and_failed(world, RULES)
    assert world.level("BAG", "Reno") == (10, 2)

    days_pass(world)
    days_pass(world)

    assert world.level("BAG", "Reno") == (10, 0)
    said = [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries")]
    assert said.count("The payment did not come in time: what was reserved for the order is free for others.") == 1
    assert world.open_holds(placed) == ["payment"]
    assert world.rows("SELECT count(*) AS times FROM reversals")[0].times == 1
    assert world.labels_bought() == []


def test_an_order_that_is_paid_after_all_gets_units_of_its_own_again(world: World):
    placed = reserved_and_failed(world, RULES)
    days_pass(world)

    pay(world, placed, "succeeded")
    world.settle()

    assert world.open_holds(placed) == []
    assert world.level("BAG", "Reno") == (10, 2)


def test_units_stay_with_the_order_where_the_shop_says_nothing(world: World):
    reserved_and_failed(world, RULES.model_copy(update={"release_unpaid_days": 0}))

    days_pass(world)

    assert world.level("BAG", "Reno") == (10, 2)
    assert world.rows("SELECT 1 FROM reversals") == []
    assert world.rows("SELECT 1 FROM jobs WHERE state = 'due' AND kind = 'check_payment'") == []
