"""A shop that only watches: every decision is made and shown, nothing is done outside, and one switch makes it real."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs import desk, going_live, shadow
from orders.reversing import Wish
from orders.taking_back import NotPossible
from records import database
from records.tenants import Rules
from tests.world import BUYER, EASTERN_BUYER, STRIPE_KEY, World, variant

# Asked by POST, and yet they leave nothing behind: every question to Shopify, and EasyPost's rates of no shipment.
HARMLESS = ("/graphql.json", "/beta/rates")
ABROAD = BUYER | {
    "address1": "10 Downing St",
    "city": "London",
    "province_code": "",
    "zip": "SW1A 2AA",
    "country_code": "GB",
}


def only_watch(world: World) -> None:
    with world.reading() as session:
        going_live.watch(session, world.tenant, by="person:Ann")


def go_live(world: World, *, since: datetime | None = None) -> None:
    with world.reading() as session:
        going_live.go_live(session, world.tenant, since=since, by="person:Ann", now=datetime.now(UTC))


def mode(world: World) -> str:
    return world.rows("SELECT mode FROM tenants")[0].mode


def acts(world: World, *, after: int = 0) -> list[tuple[str, str]]:
    """Every call that changed something at a vendor, or was of a kind that may."""
    return [
        (call["vendor"], call["operation"])
        for call in world.calls()
        if call["seq"] > after
        and (call["effect"] or (call["method"] not in {"GET", "HEAD"} and not call["path"].endswith(HARMLESS)))
    ]


def calls_so_far(world: World) -> int:
    return len(world.calls())


def decision(world: World, placed: dict, key: str = "ship"):
    (row,) = world.rows(
        "SELECT act, sentence, decided, merchant_did FROM shadow_decisions WHERE order_id = :o AND key = :k",
        o=world.order(placed).id, k=key,
    )  # fmt: skip
    return row


def ship_by_hand(world: World, placed: dict, number: str = "1Z999") -> None:
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/fulfil", {"company": "UPS", "number": number})


def test_a_paid_order_is_decided_in_every_part_and_nothing_is_done(world: World):
    world.open_shop()
    only_watch(world)
    before = calls_so_far(world)

    placed = world.place(("BAG", 2))
    world.settle()

    assert world.order(placed).state == "watched"
    made = decision(world, placed)
    assert made.decided["warehouse"] == "Reno"
    assert (made.decided["carrier"], made.decided["service"]) == ("USPS", "GroundAdvantage")
    assert made.decided["cost_minor"] > 0
    assert made.decided["address"] == "not asked in shadow"
    assert made.sentence.startswith("Reno, USPS GroundAdvantage, ")
    assert acts(world, after=before) == []
    assert world.labels_bought() == []
    assert world.level("BAG", "Reno") == (100, 0)
    assert world.unfinished() == []


def test_what_the_merchant_does_stands_beside_what_would_have_been_done(world: World):
    world.open_shop()
    only_watch(world)
    placed = world.place(("BAG", 1))
    world.settle()
    before = calls_so_far(world)

    ship_by_hand(world, placed)
    world.settle()

    assert world.order(placed).state == "closed"
    did = decision(world, placed).merchant_did
    assert (did["warehouse"], did["carrier"], did["numbers"]) == ("Reno", "UPS", ["1Z999"])
    assert (did["shipping_paid_minor"], did["shipping_paid_currency"]) == (500, "USD")
    assert acts(world, after=before) == []


def test_an_order_that_waits_for_a_person_is_told_so_and_ends_when_the_merchant_ships_it(world: World):
    world.open_shop()
    only_watch(world)
    placed = world.place(("BAG", 1), risk="CANCEL")
    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("received", ["risk"])
    assert decision(world, placed, "hold/risk").sentence.startswith("It would wait (risk): ")

    ship_by_hand(world, placed)
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("closed", [])
    assert decision(world, placed, "hold/risk").merchant_did["carrier"] == "UPS"


def test_an_order_that_is_cancelled_in_the_store_is_over_here_and_no_money_moves(world: World):
    world.open_shop(rules=Rules(refund_when_cancelled="always"))
    only_watch(world)
    placed = world.place(("BAG", 1), financial_status="pending")
    world.control("POST", "/stripe/payments", {
        "key": STRIPE_KEY, "amount": 1700, "currency": "usd", "outcome": "succeeded",
        "metadata": {"order_name": placed["name"]}})  # fmt: skip
    world.settle()
    assert world.order(placed).state == "watched"
    assert decision(world, placed, f"mark_paid/{world.order(placed).id}").sentence == (
        "It would now tell the store that the order is paid."
    )
    before = calls_so_far(world)

    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()

    assert world.order(placed).state == "cancelled"
    assert acts(world, after=before) == []
    (refund,) = world.rows("SELECT state, said FROM reversal_steps WHERE kind = 'refund_payment'")
    assert (refund.state, refund.said.split(":")[0]) == ("skipped", "Not done")


def test_the_last_unit_is_promised_once_although_nothing_is_reserved(world: World):
    world.open_shop(variants=[variant("STOOL", stock={"Reno": 1, "Newark": 1})])
    only_watch(world)

    placed = [world.place(("STOOL", 1)) for _ in range(3)]
    world.settle()

    (late,) = [one for one in placed if world.open_holds(one)]  # the store's messages come in any order
    made = [decision(world, one).decided["warehouse"] for one in placed if one is not late]
    assert sorted(made) == ["Newark", "Reno"]
    assert (world.order(late).state, world.open_holds(late)) == ("released", ["stock"])
    assert [world.level("STOOL", place) for place in ("Reno", "Newark")] == [(1, 0), (1, 0)]


def test_an_order_that_is_changed_in_the_store_is_decided_anew(world: World):
    world.open_shop()
    only_watch(world)
    placed = world.place(("BAG", 1))
    world.settle()
    before = decision(world, placed).decided

    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"lines": [{"sku": "BAG", "quantity": 40}]})
    world.settle()

    after = decision(world, placed).decided
    assert world.order(placed).state == "watched"
    assert after["cost_minor"] > before["cost_minor"]


def test_twenty_orders_of_all_sorts_pass_without_one_act_outside(world: World):
    stock = {"Reno": 6, "Newark": 50}
    world.open_shop(
        variants=[variant("BAG", stock=stock), variant("STOOL", stock={"Reno": 2}), variant("POT", grams=9_000)]
    )
    only_watch(world)
    before = calls_so_far(world)

    placed = [world.place(("BAG", 1), ("POT", 1)) for _ in range(5)]
    placed += [world.place(("BAG", 1), ship_to=EASTERN_BUYER) for _ in range(3)]
    placed += [world.place(("STOOL", 2)) for _ in range(2)]
    placed += [world.place(("BAG", 1), financial_status="pending") for _ in range(2)]
    placed += [world.place(("BAG", 1), financial_status="authorized") for _ in range(1)]
    placed += [world.place(("BAG", 1), risk="CANCEL") for _ in range(1)]
    placed += [world.place(("BAG", 1), ship_to=BUYER | {"zip": ""}) for _ in range(1)]
    placed += [world.place(("BAG", 1), ship_to=ABROAD) for _ in range(2)]
    placed += [world.place(("POT", 3)) for _ in range(1)]
    cancelled, edited = world.place(("BAG", 1)), world.place(("BAG", 1))
    world.settle()
    world.next_second()
    world.control("POST", f"/shopify/orders/{cancelled['id']}/cancel", {"reason": "CUSTOMER"})
    world.control("POST", f"/shopify/orders/{edited['id']}/edit", {"lines": [{"sku": "BAG", "quantity": 3}]})
    world.settle()
    for connection in world.connections.values():
        with world.reading() as session:
            desk.compare(session, world.tenant, connection)
    with world.reading() as session:
        refused = desk.cancel(session, world.tenant, world.order(placed[0]).id, Wish(purpose="cancel"), by="person:Ann")
    world.settle()
    world.hurry()
    world.settle()

    assert len([*placed, cancelled, edited]) == 20
    assert acts(world, after=before) == []
    assert isinstance(refused, NotPossible)
    assert world.labels_bought() == []
    assert world.rows("SELECT sum(reserved) AS held, sum(on_hand) AS there FROM stock_levels")[0] == (0, 158)
    assert world.rows("SELECT kind, cause, reason FROM jobs WHERE state = 'parked'") == []
    states = {row.state: row.n for row in world.rows("SELECT state, count(*) AS n FROM orders GROUP BY 1")}
    assert states == {"watched": 13, "cancelled": 1, "verified": 3, "received": 2, "released": 1}
    costs = world.rows("SELECT sum((decided ->> 'cost_minor')::int) AS total FROM shadow_decisions WHERE key = 'ship'")
    by_hand = sum(
        parcel["cost_minor"]
        for row in world.rows("SELECT decided FROM shadow_decisions WHERE key = 'ship'")
        for parcel in row.decided["parcels"]
    )
    assert costs[0].total == by_hand > 0


def test_what_was_begun_is_finished_before_a_shop_only_watches(world: World):
    world.open_shop()
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    begun = world.place(("BAG", 1))
    world.settle()
    assert world.order(begun).state == "shipping"

    only_watch(world)
    fresh = world.place(("BAG", 1))
    world.settle()
    assert mode(world) == "settling"
    assert world.order(fresh).state == "watched"

    world.hurry()
    world.settle()
    with database.across_tenants(world.engine, why="the clock's chore") as session:
        going_live.settle_all(session)

    assert (mode(world), world.order(begun).state) == ("shadow", "fulfilled")
    assert len(world.labels_bought()) == len(world.fulfillments(begun)) == 1


def test_after_the_switch_only_what_the_merchant_has_not_shipped_gets_a_label(world: World):
    world.open_shop()
    only_watch(world)
    shipped, unseen, waiting = [world.place(("BAG", 1)) for _ in range(3)]
    world.settle()
    ship_by_hand(world, shipped)
    world.settle()
    world.control("POST", "/deliveries/plan", {"drop": 1.0})
    ship_by_hand(world, unseen, "1Z998")  # nobody told us of this one
    world.heard()
    world.control("POST", "/deliveries/plan", {})
    assert world.order(unseen).state == "watched"

    go_live(world, since=datetime.now(UTC) - timedelta(days=1))
    world.settle()

    assert {world.order(one).state for one in (shipped, unseen)} == {"closed"}
    assert world.order(waiting).state == "fulfilled"
    (label,) = world.labels_bought()
    assert [one["tracking"][0]["number"] for one in world.fulfillments(waiting)] == [label["tracking_code"]]
    for one, number in ((shipped, "1Z999"), (unseen, "1Z998")):
        assert [made["tracking"][0]["number"] for made in world.fulfillments(one)] == [number]


def test_orders_from_before_the_chosen_day_are_left_alone_for_good(world: World):
    world.open_shop()
    only_watch(world)
    old = world.place(("BAG", 1))
    world.settle()

    world.next_second()
    go_live(world)
    world.settle()
    world.next_second()
    world.control("POST", f"/shopify/orders/{old['id']}/edit", {"lines": [{"sku": "BAG", "quantity": 2}]})
    fresh = world.place(("BAG", 1))
    world.settle()

    assert (world.order(old).state, world.open_holds(old)) == ("closed", [])
    assert world.order(fresh).state == "fulfilled"
    assert len(world.labels_bought()) == 1
    assert world.fulfillments(old) == []


def test_a_decision_in_hand_when_the_shop_goes_live_is_not_the_last_word(world: World, monkeypatch: pytest.MonkeyPatch):
    world.open_shop()
    only_watch(world)
    priced = shadow._priced

    def switched_meanwhile(*given):
        monkeypatch.setattr(shadow, "_priced", priced)
        go_live(world, since=datetime.now(UTC) - timedelta(days=1))
        return priced(*given)

    monkeypatch.setattr(shadow, "_priced", switched_meanwhile)
    placed = world.place(("BAG", 1))
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1
