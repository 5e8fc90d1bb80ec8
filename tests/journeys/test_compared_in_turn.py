"""A comparison is stopped by nothing for good: one thing that is refused, a long list, or what is still being done."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from integrations import registry
from integrations.nouns import Address, Consignment, Parcel
from integrations.ports import Credentials, Permanent
from jobs import desk, reconcile, runner
from jobs.comparing import looking, parcels, voids
from jobs.work import Work
from tests.journeys.test_reconciled import compare, lose_everything, repairs, sentences, shipped
from tests.journeys.test_taken_back import charge, some
from tests.world import EASYPOST_KEY, SHOP, STRIPE_KEY, World, variant

ANN = "person:Ann"


def placed_and_unheard(world: World, count: int) -> list[dict[str, Any]]:
    """Orders that nobody told us of, each in a second of its own."""
    lose_everything(world)
    placed = []
    for _ in range(count):
        placed.append(world.place(("BAG", 1)))
        world.next_second()
    return placed


def passes(world: World, scope: str) -> list[Any]:
    return world.rows("SELECT * FROM comparisons WHERE scope = :scope ORDER BY id", scope=scope)


def put_off(world: World, kind: str) -> None:
    """Leave a job's next try to a later hour."""
    with world.engine.begin() as connection:
        connection.execute(
            text("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE state = 'due' AND kind = :kind"),
            {"kind": kind},
        )


def labels(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM labels ORDER BY id")]


# ------------------------------------------------------------------------------------------- what is refused


class Refusing:
    """A store that refuses to show some orders, as it is seen by whoever asks."""

    def __init__(self, store: Any, refused: set[str]) -> None:
        self._store, self._refused = store, refused

    def __getattr__(self, verb: str) -> Any:
        return getattr(self._store, verb)

    def read_order(self, remote_id: str) -> Any:
        if remote_id in self._refused:
            raise Permanent("The store refuses this order.", remedy="Look at it in the store.", code="refused")
        return self._store.read_order(remote_id)


def refuse(monkeypatch: pytest.MonkeyPatch, *refused: dict[str, Any]) -> None:
    opened, ids = Work.storefront, {one["admin_graphql_api_id"] for one in refused}
    monkeypatch.setattr(Work, "storefront", lambda work, connection: Refusing(opened(work, connection), ids))


def test_one_thing_that_is_refused_is_shown_to_a_person_once_and_stops_nothing(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    world.open_shop()
    refused, shown = placed_and_unheard(world, 2)
    refuse(monkeypatch, refused)

    found = compare(world, "shopify")

    assert [(kind, outcome) for kind, outcome, _ in found] == [("missed", "repaired"), ("drift", "parked")]
    assert found[1][2] == (
        "This could not be compared with Shopify: The store refuses this order. Look at it in the store."
    )
    assert world.order(shown).state == "fulfilled"
    assert world.rows("SELECT kind FROM jobs WHERE state = 'parked'") == []
    assert compare(world, "shopify") == []


def test_an_account_that_is_shown_nothing_fails_its_scope(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(looking, "_NOT_ONE_THING", 2)
    world.open_shop()
    refuse(monkeypatch, *placed_and_unheard(world, 2))
    with world.reading() as session:
        reconcile.ask(session, world.tenant, world.connections["shopify"], now=datetime.now(UTC))
    world.settle()

    assert [(one.state, one.reason) for one in passes(world, "orders")] == [("failed", "The store refuses this order.")]
    assert world.rows("SELECT id FROM findings") == []
    assert [row.kind for row in world.rows("SELECT kind FROM jobs WHERE state = 'parked'")] == ["reconcile"]


# ------------------------------------------------------------------------------------------- what is long


def test_a_list_that_is_too_long_for_one_pass_is_gone_through_in_several(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(looking, "_BATCH", 1)
    monkeypatch.setattr(reconcile, "LONGEST_PASS_S", 0)
    monkeypatch.setattr(reconcile, "GRACE", timedelta(0))
    world.open_shop()
    placed = placed_and_unheard(world, 4)

    found = compare(world, "shopify")

    assert sentences(found) == [f"Order {one['name']} was missing here" for one in placed]
    looks = passes(world, "orders")
    assert len(looks) > 3
    assert max(one.looked_at for one in looks) < 4
    assert looks[1].since == looks[0].until
    assert len({one.job_id for one in looks}) == len(looks)


def test_a_run_that_is_stopped_is_gone_on_with_where_it_stood(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(looking, "_BATCH", 1)
    monkeypatch.setattr(looking, "PUT_DOWN_EVERY_S", 0.0)
    world.open_shop()
    first, second, third = placed_and_unheard(world, 3)
    opened = Work.storefront

    class Stopped(BaseException):
        pass

    class Stopping(Refusing):
        def read_order(self, remote_id: str) -> Any:
            if remote_id == third["admin_graphql_api_id"]:
                raise Stopped
            return self._store.read_order(remote_id)

    with monkeypatch.context() as patched:
        patched.setattr(Work, "storefront", lambda work, connection: Stopping(opened(work, connection), set()))
        with world.reading() as session:
            reconcile.ask(session, world.tenant, world.connections["shopify"], now=datetime.now(UTC))
        with pytest.raises(Stopped):
            runner.work_off(world.services, world.tenant, f"connection/{world.connections['shopify']}")
    *done, left = passes(world, "orders")
    assert {one.state for one in done} == {"done"}
    assert left.state == "running"
    assert left.since == done[-1].until > datetime.now(UTC) - timedelta(minutes=1)
    assert [row.name for row in world.rows("SELECT name FROM orders ORDER BY id")] == [first["name"], second["name"]]

    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE state = 'running'"))
    runner.work_off(world.services, world.tenant, f"connection/{world.connections['shopify']}")
    world.settle()

    assert world.order(third).state == "fulfilled"
    assert len(world.labels_bought()) == 3


def test_a_pass_goes_on_where_the_last_one_stopped_and_overlaps_it_where_it_came_to_its_end():
    began = datetime(2026, 11, 21, 12, tzinfo=UTC)
    now = began + timedelta(minutes=15)

    def next_span(until: datetime) -> reconcile.Span:
        return reconcile._next_span(reconcile.Comparison(until=until, began_at=began), now)

    stopped = next_span(began - timedelta(hours=20))
    assert (stopped.since, stopped.began_at) == (began - timedelta(hours=20), began)
    ended = next_span(began - reconcile.GRACE)
    assert (ended.since, ended.began_at) == (began - reconcile.OVERLAP, now)


def test_parcels_of_a_long_list_are_asked_for_one_by_one_until_all_had_their_turn(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(parcels, "_LONGEST_LIST", 1)
    monkeypatch.setattr(parcels, "_ASKED_AT_ONCE", 1)
    monkeypatch.setattr(parcels, "_QUIET", timedelta(0))
    world.open_shop()
    for _ in range(3):
        world.place(("BAG", 1))
    world.settle()
    lose_everything(world)
    for label in world.labels_bought():
        world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": "in_transit"})

    found = []
    for _ in range(40):
        found += compare(world, "easypost")
        if len(found) == 3:
            break

    assert len(found) == 3
    assert {row.carrier_status for row in world.rows("SELECT carrier_status FROM parcels")} == {"in_transit"}
    assert world.calls(vendor="easypost", operation="tracker.list") == []
    assert max(one.looked_at for one in passes(world, "parcels")) == 1


def test_postage_that_is_given_back_slowly_keeps_no_other_from_being_asked_for(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(voids, "_ASKED_AT_ONCE", 1)
    world.open_shop()
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=None, retry_after=3600)
    orders = [world.place(("BAG", 1)) for _ in range(2)]
    world.settle()
    world.control("DELETE", "/faults")
    for placed in orders:
        world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()
    lose_everything(world)
    _, newer = world.rows("SELECT shipment_ref FROM labels ORDER BY id")
    world.control("POST", f"/easypost/refunds/{newer.shipment_ref}/settle", {"result": "refunded"})

    for _ in range(30):
        with world.engine.begin() as connection:
            connection.execute(text("UPDATE comparisons SET until = until - interval '7 hours' WHERE scope = 'voids'"))
        if compare(world, "easypost"):
            break

    assert labels(world) == ["void_requested", "voided"]
    assert {one.looked_at for one in passes(world, "voids")} == {1}


def test_what_found_nothing_is_forgotten_after_a_month_but_for_the_last(world: World):
    world.open_shop()
    lose_everything(world)
    world.place(("BAG", 1))
    compare(world, "shopify")
    compare(world, "shopify")
    old = world.rows("SELECT id, scope FROM comparisons ORDER BY id")
    (found,) = world.rows("SELECT comparison_id FROM findings")
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE comparisons SET ended_at = ended_at - interval '31 days'"))

    compare(world, "shopify")

    kept = {row.id for row in world.rows("SELECT id FROM comparisons")}
    last = {row.scope: row.id for row in old}
    assert {row.id for row in old} & kept == {found.comparison_id, *last.values()}


# ------------------------------------------------------------------------------------------- labels in doubt


def relabelled_in_doubt(world: World) -> dict[str, Any]:
    """Another label was bought for a parcel of which the store knows, and the answer was lost."""
    placed = shipped(world)
    (parcel,) = world.rows("SELECT id FROM parcels")
    with world.reading() as session:
        assert desk.relabel(session, world.tenant, parcel.id, by=ANN, reason="the label was smeared") == ""
    world.fault(vendor="easypost", kind="timeout_after", operation="shipment.buy", times=1, delay_s=0.1)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.retrieve", times=None)
    for lane in world.due_lanes():
        if lane.startswith("order/"):
            runner.work_off(world.services, world.tenant, lane)
    put_off(world, "buy_label")
    world.control("DELETE", "/faults")
    assert (labels(world), len(world.labels_bought())) == (["void_requested", "intended"], 2)
    return placed


def shown(world: World, placed: dict[str, Any]) -> list[str]:
    (made,) = world.fulfillments(placed)
    return [one["number"] for one in made["tracking"]]


def test_a_purchase_in_doubt_is_left_to_the_job_that_will_ask_for_it(world: World):
    placed = relabelled_in_doubt(world)

    assert compare(world, "easypost") == []
    assert labels(world) == ["void_requested", "intended"]

    world.hurry_but_voids()
    world.settle()
    assert labels(world) == ["void_requested", "bought"]
    assert len(world.labels_bought()) == 2
    (parcel,) = world.rows("SELECT tracking_code FROM parcels")
    assert shown(world, placed) == [parcel.tracking_code]
    assert compare(world) == []


def test_a_purchase_in_doubt_of_a_parcel_that_the_store_knows_is_adopted_where_its_job_was_given_up(world: World):
    placed = relabelled_in_doubt(world)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'parked' WHERE kind = 'buy_label' AND state = 'due'"))

    ((kind, outcome, sentence),) = compare(world, "easypost")

    assert (kind, outcome) == ("drift", "repaired")
    assert "It is adopted" in sentence
    assert labels(world) == ["void_requested", "bought"]
    assert len(world.labels_bought()) == 2
    (parcel,) = world.rows("SELECT tracking_code FROM parcels")
    assert shown(world, placed) == [parcel.tracking_code]
    assert compare(world) == []


def buy_as(world: World, reference: str) -> None:
    """As a run whose own record of it is gone."""
    credentials = Credentials(account="", live=False, secrets={"api_key": EASYPOST_KEY})
    carrier = registry.vendor("easypost").build(credentials, world.services.origins, lambda _: None)
    home = Address(
        name="A", street1="388 Townsend St", city="San Francisco", region="CA", postcode="94107", country="US"
    )
    quote = carrier.quote(
        Consignment(reference=reference, sender=home, recipient=home, parcel=Parcel(weight_grams=300))
    )
    carrier.buy(quote.shipment_ref, quote.rates[0].remote_id)


def test_a_stray_purchase_that_was_given_back_is_not_taken_for_the_label_to_replace(world: World):
    placed = shipped(world)
    (ours,) = world.rows("SELECT id, parcel_id, tracking_code FROM labels")
    buy_as(world, f"{placed['name']}-{ours.id}")
    assert [outcome for _, outcome, _ in compare(world, "easypost")] == ["repaired"]
    assert labels(world) == ["bought", "void_requested"]
    assert [row.attempt for row in world.rows("SELECT attempt FROM labels ORDER BY id")] == [1, 0]

    with world.reading() as session:
        assert desk.relabel(session, world.tenant, ours.parcel_id, by=ANN, reason="torn") == ""
    world.settle()

    assert labels(world) == ["void_requested", "void_requested", "bought"]
    assert sum(one["refund_status"] is None for one in world.labels_bought()) == 1
    replaced = f"Label {ours.tracking_code} goes back and another one is bought for the parcel%"
    assert len(world.rows("SELECT id FROM timeline_entries WHERE sentence LIKE :told", told=replaced)) == 1


# ------------------------------------------------------------------------------------------- what is still being done


def test_work_that_changed_while_our_clock_was_ahead_is_read_again(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    world.next_second()
    world.storefront().hold(placed["admin_graphql_api_id"], handle="theirs", reason="other", notes="wait")
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET started_at = now() + interval '1 minute' WHERE kind = 'verify_order'"))

    assert sentences(compare(world, "shopify")) == [f"The store has put the work on hold for order {placed['name']}"]
    assert "storefront" in world.open_holds(placed)


def test_a_level_that_cannot_be_counted_yet_is_left_for_the_next_comparison(world: World):
    world.open_shop(variants=[variant("BAG", stock={"Reno": 10})])
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    world.place(("BAG", 1))
    world.settle()
    lose_everything(world)
    world.next_second()
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "BAG", "location": "Reno", "on_hand": 7})

    assert compare(world, "shopify") == []
    *_, left = passes(world, "stock")
    assert left.until == left.until.replace(microsecond=0)

    world.hurry()
    world.settle()
    found = compare(world, "shopify")
    assert [one for one in sentences(found) if one.startswith("BAG at Reno")] == ["BAG at Reno"]


def test_a_reversal_that_waits_for_a_person_keeps_no_watermark(world: World):
    world.open_shop()
    placed = world.place(("BAG", 2))
    world.settle()
    world.next_second()
    order, wish = world.order(placed).id, some(world, placed, "BAG", 1)
    with world.reading() as session:
        desk.cancel(session, world.tenant, order, wish, by=ANN)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'parked' WHERE kind = 'reverse_order'"))

    assert compare(world, "shopify") == []

    looked = passes(world, "shipments")[-1]
    assert looked.until > datetime.fromisoformat(world.store_orders()[placed["name"]]["updated_at"])
    assert "taken_back" not in world.open_holds(placed)


# ------------------------------------------------------------------------------------------- money


def test_a_refund_that_failed_unheard_is_told_on_its_order(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    charge(world, placed)
    world.settle()
    (payment,) = world.rows("SELECT remote_id FROM payments")
    world.control("POST", f"/stripe/payments/{payment.remote_id}/refund", {})
    world.settle()
    lose_everything(world)
    world.next_second()
    world.control("POST", f"/stripe/payments/{payment.remote_id}/fail_refund", {})

    found = compare(world, "stripe")

    failed = [sentence for _, _, sentence in found if "refund failed" in sentence]
    assert len(failed) == 1
    assert failed[0] in repairs(world, placed)
    assert "refund_failed" in world.open_holds(placed)


def test_an_event_whose_order_only_its_check_out_names_has_its_line_there(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    lose_everything(world)
    world.control("POST", "/stripe/checkouts", {
        "key": STRIPE_KEY, "amount": 1700, "currency": "usd", "client_reference_id": placed["name"], "metadata": {},
    })  # fmt: skip

    found = compare(world, "stripe")
    compare(world, "stripe")

    assert len(found) > 1
    assert sorted(repairs(world, placed)) == sorted(sentence for _, _, sentence in found)
    assert world.rows("SELECT id FROM findings WHERE order_id IS NULL") == []
    assert world.order(placed).state == "fulfilled"
