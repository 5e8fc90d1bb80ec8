"""What vendors never told us is found by comparing, put right, and told on the order's timeline: once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from integrations import registry
from integrations.nouns import Address, Consignment, Parcel, TrackingLabel
from integrations.ports import Credentials, Storefront
from jobs import queue, reconcile, runner
from tests import patient
from tests.world import EASYPOST_KEY, SHOP, STRIPE_KEY, TOKEN, World, variant

Found = list[tuple[str, str, str]]


def lose_everything(world: World) -> None:
    world.control("POST", "/deliveries/plan", {"drop": 1.0})


def lose_nothing(world: World) -> None:
    world.control("POST", "/deliveries/plan", {})


def compare(world: World, *vendors: str) -> Found:
    """One pass over these accounts, or all; answers what was found: (kind, outcome, sentence)."""
    before = max([row.id for row in world.rows("SELECT id FROM findings")], default=0)
    for vendor in vendors or ("shopify", "stripe", "easypost"):
        with world.reading() as session:
            assert reconcile.ask(session, world.tenant, world.connections[vendor], now=datetime.now(UTC))
        world.settle()
    assert world.rows("SELECT scope, reason FROM comparisons WHERE state <> 'done'") == []
    rows = world.rows("SELECT * FROM findings WHERE id > :before ORDER BY id", before=before)
    return [(row.kind, row.outcome, row.sentence) for row in rows]


def sentences(found: Found) -> list[str]:
    """Each finding up to its reason, which tells how long nobody told us."""
    return [sentence.split(":")[0] for _, _, sentence in found]


def repairs(world: World, placed: dict[str, Any]) -> list[str]:
    """The repair lines of an order's timeline."""
    return [
        row.sentence
        for row in world.rows(
            "SELECT sentence FROM timeline_entries WHERE order_id = :id AND kind = 'repair' ORDER BY id",
            id=world.order(placed).id,
        )
    ]


def store(world: World) -> Storefront:
    """The store as another app reaches it."""
    credentials = Credentials(account=SHOP, live=False, secrets={"access_token": TOKEN})
    opened: Storefront = registry.vendor("shopify").build(credentials, world.services.origins, lambda _: None)
    return opened


def pay(world: World, placed: dict[str, Any], **more: Any) -> dict[str, Any]:
    wish = {"key": STRIPE_KEY, "amount": 1700, "currency": "usd", "metadata": {"order_name": placed["name"]}}
    paid: dict[str, Any] = world.control("POST", "/stripe/payments", wish | more)
    return paid


# ------------------------------------------------------------------------------------------- orders


def test_an_order_that_nobody_told_us_of_is_taken_in_and_shipped(world: World):
    world.open_shop()
    lose_everything(world)
    placed = world.place(("BAG", 1))
    world.settle()
    assert world.rows("SELECT id FROM orders") == []

    found = compare(world)

    assert sentences(found) == [f"Order {placed['name']} was missing here"]
    assert [(kind, outcome) for kind, outcome, _ in found] == [("missed", "repaired")]
    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1
    assert repairs(world, placed) == [sentence for _, _, sentence in found]
    assert compare(world) == []
    assert len(repairs(world, placed)) == 1


def test_a_cancellation_that_nobody_told_us_of_is_followed(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})

    found = compare(world, "shopify")

    assert sentences(found) == [f"The store had cancelled order {placed['name']}"]
    assert world.order(placed).state == "cancelled"
    assert world.labels_bought() == []
    assert compare(world) == []


def test_money_that_the_store_took_and_nobody_told_us_of_releases_the_order(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/pay", {})

    found = compare(world, "shopify")

    assert sentences(found) == [f"The store says that order {placed['name']} is paid, we had unpaid"]
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert compare(world) == []


def test_an_edit_that_nobody_told_us_of_is_planned_with(world: World):
    world.open_shop()
    placed = world.place(("BAG", 3), financial_status="pending")
    world.settle()
    lose_everything(world)
    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"lines": [{"sku": "BAG", "quantity": 1}]})

    found = compare(world, "shopify")

    assert sentences(found) == [f"The store had changed order {placed['name']}"]
    assert [row.units for row in world.rows("SELECT units FROM order_lines")] == [1]
    assert compare(world) == []


def test_a_hold_that_another_app_put_and_took_away_unheard_stops_the_order_and_lets_it_go(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    world.next_second()
    holds = store(world).hold(placed["admin_graphql_api_id"], handle="theirs", reason="other", notes="wait")

    found = compare(world, "shopify")

    assert sentences(found) == [f"The store has put the work on hold for order {placed['name']}"]
    assert world.open_holds(placed) == ["payment", "storefront"]

    world.next_second()
    store(world).release(placed["admin_graphql_api_id"], holds)
    found = compare(world, "shopify")

    assert sentences(found) == [f"The store has released its hold for order {placed['name']}"]
    assert world.open_holds(placed) == ["payment"]
    assert compare(world) == []


def test_what_changed_just_now_may_still_be_on_its_way_and_is_left_for_the_next_pass(world: World):
    world.open_shop()
    world.control("POST", "/deliveries/plan", {"paused": True})
    placed = world.place(("BAG", 1))
    with world.reading() as session:
        queue.add(session, world.tenant, "reconcile", f"connection/{world.connections['shopify']}")
    world.work_off()

    assert world.rows("SELECT id FROM findings") == []
    assert world.rows("SELECT id FROM orders") == []
    (orders,) = world.rows("SELECT * FROM comparisons WHERE scope = 'orders'")
    assert orders.state == "done"
    assert orders.until < datetime.now(UTC) - timedelta(minutes=1.5)

    lose_nothing(world)
    world.settle()
    assert world.order(placed).state == "fulfilled"
    assert compare(world) == []


def test_a_delivery_that_waits_to_be_read_is_not_missing(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.heard()
    with world.reading() as session:
        reconcile.ask(session, world.tenant, world.connections["shopify"], now=datetime.now(UTC))
    runner.work_off(world.services, world.tenant, f"connection/{world.connections['shopify']}")

    assert world.rows("SELECT id FROM findings") == []
    (orders,) = world.rows("SELECT * FROM comparisons WHERE scope = 'orders'")
    assert orders.until < orders.ended_at - timedelta(microseconds=1)
    world.settle()
    assert world.order(placed).state == "fulfilled"
    assert compare(world) == []


def test_a_delivery_that_could_not_be_read_is_named_as_the_reason(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.heard()
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE inbox_events SET state = 'parked', reason = 'a test'")
        connection.exec_driver_sql("DELETE FROM jobs WHERE kind = 'take_event'")

    ((_, _, sentence),) = compare(world)

    assert "its delivery arrived and could not be read, so it is parked" in sentence
    assert world.order(placed).state == "fulfilled"


# ------------------------------------------------------------------------------------------- stock


def test_stock_that_was_sold_elsewhere_is_counted_as_the_store_counts_it(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 10})])
    lose_everything(world)
    world.next_second()
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "BAG", "location": "Reno", "on_hand": 7})

    found = compare(world, "shopify")

    assert found == [
        ("drift", "repaired", "BAG at Reno: the store counts 7, we had 10. The store's number was taken over.")
    ]
    assert world.level("BAG", "Reno") == (7, 0)
    assert compare(world) == []


def test_stock_that_is_promised_and_not_there_is_shown_once_and_left_standing(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 10})])
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    world.place(("BAG", 6))
    world.settle()
    world.next_second()
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "BAG", "location": "Reno", "on_hand": 4})

    found = compare(world, "shopify")

    assert [(kind, outcome) for kind, outcome, _ in found] == [("drift", "noted")]
    assert found[0][2].startswith("BAG at Reno: the store counts 4, we had 10, of which 6 are promised to orders.")
    assert world.level("BAG", "Reno") == (6, 6)
    assert [outcome for _, outcome, _ in compare(world, "shopify")] in ([], ["noted"])
    assert compare(world, "shopify") == []


# ------------------------------------------------------------------------------------------- shipments


def shipped(world: World) -> dict[str, Any]:
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.settle()
    assert world.order(placed).state == "fulfilled"
    world.next_second()
    return placed


def fulfillment_id(world: World) -> str:
    (row,) = world.rows("SELECT fulfillments FROM shipments")
    (remote_id,) = row.fulfillments
    return str(remote_id)


def clear_tracking(world: World, fulfillment: str) -> None:
    """As a person does in the store's admin."""
    document = """mutation ($id: ID!) { fulfillmentTrackingInfoUpdate(fulfillmentId: $id, trackingInfoInput: {})
                  { userErrors { message } } }"""
    answered = patient.post(
        f"{world.sandbox}/admin/api/2026-10/graphql.json",
        json={"query": document, "variables": {"id": fulfillment}},
        headers={"X-Shopify-Access-Token": TOKEN},
    )
    assert answered.json()["data"]["fulfillmentTrackingInfoUpdate"]["userErrors"] == [], answered.text


def test_a_shipment_that_somebody_cancelled_in_the_store_waits_for_a_person(world: World):
    placed = shipped(world)
    store(world).cancel_shipped(fulfillment_id(world))

    found = compare(world, "shopify")

    parked = [one for one in found if one[1] == "parked"]
    assert len(parked) == 1
    assert "was cancelled in the store, and its label here is still bought" in parked[0][2]
    assert "taken_back" in world.open_holds(placed)
    assert len(world.labels_bought()) == 1
    assert [one for one in compare(world, "shopify") if one[1] == "parked"] == []


def test_a_number_that_is_gone_from_the_store_is_told_again(world: World):
    placed = shipped(world)
    (label,) = world.labels_bought()
    clear_tracking(world, fulfillment_id(world))
    assert world.fulfillments(placed)[0]["tracking"] == []

    found = compare(world, "shopify")

    sentence = f"In the store {label['tracking_code']} was missing on a shipment. It was told again."
    assert found == [("drift", "repaired", sentence)]
    assert [one["number"] for one in world.fulfillments(placed)[0]["tracking"]] == [label["tracking_code"]]
    assert compare(world, "shopify") == []
    assert repairs(world, placed) == [sentence]


def test_another_number_that_somebody_wrote_in_the_store_is_told_and_left(world: World):
    placed = shipped(world)
    theirs = TrackingLabel(carrier="UPS", numbers=("1Z999AA10123456784",))
    store(world).replace_tracking(fulfillment_id(world), theirs, tell_buyer=False)

    ((kind, outcome, sentence),) = compare(world, "shopify")

    assert (kind, outcome) == ("drift", "noted")
    assert sentence.startswith("The store shows 1Z999AA10123456784 for a shipment that left with ")
    assert [one["number"] for one in world.fulfillments(placed)[0]["tracking"]] == ["1Z999AA10123456784"]
    assert compare(world, "shopify") == []
    assert len(repairs(world, placed)) == 1


# ------------------------------------------------------------------------------------------- payments


def test_a_payment_that_nobody_told_us_of_is_fetched_and_its_late_webhook_is_a_duplicate(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    pay(world, placed)
    world.settle()
    assert world.open_holds(placed) == ["payment"]

    found = compare(world, "stripe")

    assert {(kind, outcome) for kind, outcome, _ in found} == {("missed", "repaired")}
    assert "Stripe told of “payment intent succeeded”" in sentences(found)
    assert world.order(placed).state == "fulfilled"
    assert repairs(world, placed) == [sentence for _, _, sentence in found]
    fetched = world.rows("SELECT id, state FROM inbox_events WHERE vendor = 'stripe'")
    assert {row.state for row in fetched} == {"taken"}

    lose_nothing(world)
    world.control("POST", "/deliveries/replay", {"times": 1, "vendor": "stripe"})
    world.settle()

    heard = world.rows("SELECT id, duplicates FROM inbox_events WHERE topic = 'payment_intent.succeeded'")
    assert [(row.duplicates, row.id in {one.id for one in fetched}) for row in heard] == [(1, True)]
    assert compare(world, "stripe") == []
    assert len(world.labels_bought()) == 1


def test_a_payment_whose_events_are_gone_is_taken_over_from_the_payment_itself(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    paid = pay(world, placed)
    world.next_second()  # what was told in this very one might be on its way
    compare(world, "stripe")
    # What the provider says now was never heard: as after thirty days, when its events are forgotten.
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE payments SET state = 'pending', captured_minor = 0, as_of = as_of - interval '1 day'"
        )

    found = compare(world, "stripe")

    assert found == [
        (
            "drift",
            "repaired",
            f"Payment {paid['id']} is paid (17.00 USD), we had pending: no webhook had told of it. It was taken over.",
        )
    ]
    assert compare(world, "stripe") == []


def test_a_payment_that_was_only_begun_is_no_finding(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    pay(world, placed, outcome="processing")

    assert [one for one in compare(world, "stripe") if one[0] == "drift"] == []


# ------------------------------------------------------------------------------------------- the carrier


def test_scans_that_nobody_told_us_of_are_taken_over_and_reach_the_store(world: World):
    placed = shipped(world)
    (label,) = world.labels_bought()
    lose_everything(world)
    for status in ("in_transit", "delivered"):
        world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": status})

    found = compare(world, "easypost")

    assert sentences(found) == [f"Parcel {label['tracking_code']} was delivered, we had unknown (2 scans missing)"]
    (parcel,) = world.rows("SELECT carrier_status, delivered_at FROM parcels")
    assert parcel.carrier_status == "delivered"
    assert repairs(world, placed) == [found[0][2]]
    assert compare(world) == []


def test_a_refund_of_postage_that_nobody_told_us_of_is_written_down(world: World):
    world.open_shop()
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(("BAG", 1))
    world.settle()
    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()
    (label,) = world.labels_bought()
    lose_everything(world)
    world.control("POST", f"/easypost/refunds/{label['id']}/settle", {"result": "refunded"})

    found = compare(world, "easypost")

    assert [kind for kind, _, _ in found] == ["missed"]
    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["voided"]
    assert compare(world) == []


def test_postage_that_was_bought_and_never_recorded_is_adopted(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="timeout_after", operation="shipment.buy", times=1, delay_s=0.1)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.retrieve", times=None)
    placed = world.place(("BAG", 1))
    world.settle()
    world.control("DELETE", "/faults")
    with world.engine.begin() as connection:  # a person was asked, and nobody came
        connection.exec_driver_sql("UPDATE jobs SET state = 'parked' WHERE kind = 'buy_label' AND state = 'due'")
    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["intended"]

    found = compare(world, "easypost")

    assert [(kind, outcome) for kind, outcome, _ in found] == [("drift", "repaired")]
    assert "It is adopted" in found[0][2]
    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1
    assert compare(world) == []


def test_postage_for_a_parcel_that_does_not_leave_goes_back(world: World):
    world.open_shop()
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(("BAG", 1))
    world.settle()
    with world.engine.begin() as connection:  # as where the carrier said "nothing was bought" and then sold it
        connection.exec_driver_sql("UPDATE labels SET state = 'failed', tracking_code = '', bought_at = NULL")
        connection.exec_driver_sql("UPDATE shipments SET state = 'cancelled'")
        connection.exec_driver_sql("UPDATE orders SET state = 'cancelled'")
        connection.exec_driver_sql("DELETE FROM jobs WHERE state = 'due'")

    found = compare(world, "easypost")

    assert [(kind, outcome) for kind, outcome, _ in found] == [("drift", "repaired")]
    assert "was bought at the carrier for a parcel that does not leave. It goes back." in found[0][2]
    assert [one["refund_status"] for one in world.labels_bought()] == ["submitted"]
    assert repairs(world, placed) == [found[0][2]]
    assert compare(world) == []


def test_a_label_that_somebody_bought_by_hand_is_no_business_of_ours(world: World):
    world.open_shop()
    credentials = Credentials(account="", live=False, secrets={"api_key": EASYPOST_KEY})
    carrier = registry.vendor("easypost").build(credentials, world.services.origins, lambda _: None)
    home = Address(
        name="A", street1="388 Townsend St", city="San Francisco", region="CA", postcode="94107", country="US"
    )
    quote = carrier.quote(
        Consignment(reference="by-hand-1", sender=home, recipient=home, parcel=Parcel(weight_grams=300))
    )
    carrier.buy(quote.shipment_ref, quote.rates[0].remote_id)

    assert compare(world, "easypost") == []
    assert [one["refund_status"] for one in world.labels_bought()] == [None]


# ------------------------------------------------------------------------------------------- the pass itself


def test_a_pass_that_was_cut_off_is_begun_anew_from_where_it_began(world: World):
    world.open_shop()
    lose_everything(world)
    placed = world.place(("BAG", 1))
    long_ago = datetime.now(UTC) - timedelta(days=5)
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "INSERT INTO comparisons (tenant_id, connection_id, scope, since, until, state) "
            "VALUES (%s, %s, 'orders', %s, now(), 'running')",
            (world.tenant, world.connections["shopify"], long_ago),
        )
    with world.reading() as session:
        reconcile.ask(session, world.tenant, world.connections["shopify"], now=datetime.now(UTC))
    world.settle()

    first, second = world.rows("SELECT * FROM comparisons WHERE scope = 'orders' ORDER BY id")
    assert (first.state, first.reason) == ("failed", "Its run ended without a word.")
    assert (second.state, second.since) == ("done", long_ago)
    assert world.order(placed).state == "fulfilled"


@pytest.mark.parametrize("kind", ["5xx", "broken_json"])
def test_a_vendor_that_is_away_fails_one_scope_and_loses_nothing(world: World, kind: str):
    world.open_shop()
    lose_everything(world)
    placed = world.place(("BAG", 1))
    world.fault(vendor="shopify", kind=kind, operation="orders", times=1)
    with world.reading() as session:
        reconcile.ask(session, world.tenant, world.connections["shopify"], now=datetime.now(UTC))
    for lane in world.due_lanes():  # once each: a second round may be late enough for the next try
        runner.work_off(world.services, world.tenant, lane)
    states = {row.scope: row.state for row in world.rows("SELECT scope, state FROM comparisons ORDER BY id")}
    assert states == {"orders": "failed", "work": "done", "shipments": "done", "stock": "done"}
    assert world.rows("SELECT id FROM orders") == []

    world.hurry()
    world.settle()

    assert world.order(placed).state == "fulfilled"
    *failed, done = world.rows("SELECT * FROM comparisons WHERE scope = 'orders' ORDER BY id")
    assert ({row.state for row in failed}, done.state) == ({"failed"}, "done")
    assert done.since <= failed[0].since
