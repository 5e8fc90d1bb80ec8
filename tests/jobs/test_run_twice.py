"""Every kind of job, run twice in a row, changes nothing the second time: not here, and not at any vendor.

A worker may die after its job is done and before that is written, so each kind is run again at two moments: right after
it ran, with all that it called for still to do, and when the whole story is over.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, select, text

from config.settings import Settings
from jobs import desk, digital_desk, privacy, queue, runner, self_test, stock_desk
from jobs.queue import KINDS
from jobs.work import Work
from records.orders import Order
from records.privacy import EXPORT, REDACT_BUYER
from records.schema import METADATA
from records.stock import Variant
from records.tenants import Rules
from tests.supplier_machine import told
from tests.world import SHOP, STRIPE_KEY, World, running_sandbox, running_world, variant

# What a job may write whenever it runs, because it says when that was, with the reason.
SAYS_WHEN = {
    "check_connection": {"connections"},  # when the account was last looked at
    "reconcile": {"comparisons"},  # up to when the two sides were compared
}


@pytest.fixture(scope="module")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[World]:
    with running_world(settings, engine, sandbox_origin) as running:
        yield running


# ------------------------------------------------------------------------------------------- the stories


def an_order(world: World) -> None:
    world.open_shop()
    world.place(("BAG", 2))


def a_shortage(world: World) -> None:
    world.open_shop(rules=Rules(ask_when_short=True), variants=[variant("BAG", stock={"Reno": 1})])
    world.place(("BAG", 2))


def a_code_by_mail(world: World) -> None:
    world.open_shop(variants=[variant("GIFT", tracked=False, requires_shipping=False)])
    with world.reading() as session:
        gift = session.scalars(select(Variant.id).where(Variant.sku == "GIFT")).one()
        digital_desk.add_codes(session, world.services.keyring, world.tenant, gift, ["AAA-111", "BBB-222"])
    world.place(("GIFT", 1))


def a_catalogue(world: World) -> None:
    world.open_shop()
    with world.reading() as session:
        desk.read_catalogue(session, world.tenant, world.connections["shopify"])


def a_count_in_the_store(world: World) -> None:
    world.open_shop()
    world.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "BAG", "location": "Reno", "on_hand": 90})
    world.heard()
    world.work_off()
    world.hurry()


def a_count_here(world: World) -> None:
    world.open_shop()
    (level,) = world.rows("SELECT variant_id, location_id FROM stock_levels LIMIT 1")
    with world.reading() as session:
        stock_desk.count(session, world.tenant, tuple(level), 90, reason="looked", reference="", by="person:Olga")


def a_parcel_on_its_way(world: World) -> None:
    an_order(world)
    world.settle()
    (label,) = world.labels_bought()
    world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {
        "status": "in_transit", "at": "2026-11-22T08:00:00Z"})  # fmt: skip


def a_payment_elsewhere(world: World) -> None:
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    _pay(world, placed, "succeeded")


def a_payment_before_its_order(world: World) -> None:
    world.open_shop()
    _pay(world, {"name": "#7001", "total_price": "17.00"}, "succeeded")
    world.heard()


def an_authorisation(world: World) -> None:
    world.open_shop(rules=Rules(ship_when="authorised", capture_when_shipped=True))
    placed = world.place(("BAG", 1), financial_status="pending")
    _pay(world, placed, "requires_capture")


def _pay(world: World, placed: dict[str, Any], outcome: str) -> None:
    world.control("POST", "/stripe/payments", {
        "key": STRIPE_KEY, "amount": round(float(placed["total_price"]) * 100), "currency": "usd", "outcome": outcome,
        "metadata": {"order_name": placed["name"]}})  # fmt: skip


def another_label(world: World) -> None:
    an_order(world)
    world.settle()
    (parcel,) = world.rows("SELECT id FROM parcels")
    with world.reading() as session:
        assert desk.relabel(session, world.tenant, parcel.id, by="person:Olga", reason="it was smeared") == ""


def another_address(world: World) -> None:
    world.open_shop(rules=Rules(minutes_to_change=60))
    world.place(("BAG", 1))
    world.settle()
    with world.reading() as session:
        order = session.scalars(select(Order).where(Order.tenant_id == world.tenant)).one()
        assert order.ship_to is not None
        address = order.ship_to.model_copy(update={"street1": "1 Other St"})
        assert desk.readdress(session, world.tenant, order.id, address, by="person:Olga") == ""


def a_swap(world: World) -> None:
    goods = [variant("BAG", stock={"Reno": 0}), variant("SACK", stock={"Reno": 3})]
    world.open_shop(variants=goods, rules=Rules(ask_when_short=True))
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE connections SET scopes = '[\"write_order_edits\"]' WHERE vendor = 'shopify'"))
    world.place(("BAG", 1))
    world.settle()
    (asked,) = world.rows("SELECT id, short FROM choices")
    (other,) = world.rows("SELECT id FROM variants WHERE sku = 'SACK'")
    lines = {int(line): f"swap/{other.id}" for line in asked.short}
    with world.reading() as session:
        assert desk.answer_choice(session, world.tenant, asked.id, lines, ship_rest=True, by="person:Olga")


def a_purchase_order(world: World) -> None:
    world.open_shop(variants=[variant("SOFA", stock={"Reno": 0})])
    told(world, f"{world.sandbox}/supplier")
    world.place(("SOFA", 1))


def a_pickup(world: World) -> None:
    world.open_shop()
    world.place(("BAG", 1), delivery_method="PICK_UP")
    world.settle()
    (shipment,) = world.rows("SELECT id FROM shipments")
    with world.reading() as session:
        assert desk.ready(session, world.tenant, shipment.id, by="person:Olga") == ""


def a_cancellation(world: World) -> None:
    world.open_shop()
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)
    placed = world.place(("BAG", 2))
    world.settle()
    world.control("POST", f"/shopify/orders/{placed['id']}/cancel", {"reason": "CUSTOMER"})


def a_look_at_the_vendors(world: World) -> None:
    an_order(world)
    world.settle()
    world.control("POST", "/deliveries/plan", {"drop": 1.0})
    world.place(("BAG", 1))
    world.control("POST", "/deliveries/plan", {})
    with world.reading() as session:
        desk.compare(session, world.tenant, world.connections["shopify"])


def a_test_of_everything(world: World) -> None:
    world.open_shop()
    with world.reading() as session:
        self_test.ask(session, world.tenant, by="person:Olga", now="2026-11-22T08:00:00+00:00")


def a_buyer_to_forget(world: World, kind: str = REDACT_BUYER) -> None:
    an_order(world)
    world.settle()
    with world.reading() as session:
        orders = list(session.scalars(select(Order).where(Order.tenant_id == world.tenant)))
        privacy.ask(session, world.tenant, kind, orders, by="person:Olga", now=datetime.now(UTC))


def a_buyer_to_show(world: World) -> None:
    a_buyer_to_forget(world, EXPORT)


def a_store_that_leaves(world: World) -> None:
    an_order(world)
    world.settle()
    world.control("POST", f"/shopify/shops/{SHOP}/uninstall")
    _ask_for_the_shop(world, "close_shop")


def a_shop_to_forget(world: World) -> None:
    a_store_that_leaves(world)
    world.settle()
    _ask_for_the_shop(world, "forget_shop")


def things_kept_too_long(world: World) -> None:
    an_order(world)
    world.settle()
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE inbox_events SET received_at = received_at - interval '40 days'"))
    _ask_for_the_shop(world, "expire_kept")


def a_forecast(world: World) -> None:
    an_order(world)
    world.settle()
    _ask_for_the_shop(world, "forecast_demand")


def a_level_past_its_ledger(world: World) -> None:
    an_order(world)
    world.settle()
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE stock_levels SET on_hand = on_hand + 3"))
    _ask_for_the_shop(world, "check_stock")


def a_letter_about_stock(world: World) -> None:
    world.open_shop(rules=Rules(mail_stock_to="stock@acme.example"), variants=[variant("BAG", stock={"Reno": 4})])
    with world.engine.begin() as connection:
        connection.execute(
            text(
                "INSERT INTO forecasts (tenant_id, variant_id, location_id, per_week_milli, reorder_point, safety_units)"
                " SELECT level.tenant_id, variant_id, location_id, 7000, 21, 0 FROM stock_levels level"
            )
        )
    _ask_for_the_shop(world, "mail_stock")


def _ask_for_the_shop(world: World, kind: str) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, kind, f"shop/{world.tenant}")


STORIES: dict[str, Callable[[World], None]] = {
    "take_event": an_order,
    "reverse_order": a_cancellation,
    "change_address": another_address,
    "swap_line": a_swap,
    "relabel_parcel": another_label,
    "verify_order": an_order,
    "check_payment": an_order,
    "reserve_stock": an_order,
    "ask_buyer": a_shortage,
    "send_notice": a_shortage,
    "tell_supplier": a_purchase_order,
    "deliver_digital": a_code_by_mail,
    "tell_ready": a_pickup,
    "assign_work": an_order,
    "buy_label": an_order,
    "push_tracking": an_order,
    "replace_tracking": another_label,
    "capture_payment": an_authorisation,
    "void_label": another_label,
    "store_label": an_order,
    "report_parcel": a_parcel_on_its_way,
    "mark_paid": a_payment_elsewhere,
    "match_payment": a_payment_before_its_order,
    "read_catalogue": a_catalogue,
    "read_stock": a_count_in_the_store,
    "tell_stock": a_count_here,
    "reconcile": a_look_at_the_vendors,
    "check_connection": a_look_at_the_vendors,
    "close_shop": a_store_that_leaves,
    "forget_shop": a_shop_to_forget,
    "forget_buyer": a_buyer_to_forget,
    "export_buyer": a_buyer_to_show,
    "expire_kept": things_kept_too_long,
    "forecast_demand": a_forecast,
    "check_stock": a_level_past_its_ledger,
    "mail_stock": a_letter_about_stock,
    "self_test": a_test_of_everything,
}


def test_every_kind_of_job_has_its_story():
    assert set(STORIES) == set(KINDS)


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_that_runs_twice_changes_nothing_the_second_time(
    world: World, kind: str, monkeypatch: pytest.MonkeyPatch
):
    if kind == "forecast_demand":  # the next day it has another day to add
        today = datetime.now(UTC)
        monkeypatch.setattr(Work, "now", lambda _work: today)
    STORIES[kind](world)
    job = _until_it_ran(world, kind)

    for moment in ("right after", "when all is over"):
        before = _everything(world, kind)
        effects = len(world.calls(effect="true"))
        assert _run_again(world, job) in {"done", "cancelled", "due"}, moment
        assert len(world.calls(effect="true")) == effects, moment
        assert _differences(before, _everything(world, kind)) == {}, moment
        world.settle()


# ------------------------------------------------------------------------------------------- one job at a time


def _started(world: World, kind: str) -> set[int]:
    return {row.id for row in world.rows("SELECT id FROM jobs WHERE kind = :k AND started_at IS NOT NULL", k=kind)}


def _until_it_ran(world: World, kind: str) -> int:
    """Run job after job until one of this kind has run; answers it."""
    before = _started(world, kind)
    for _ in range(60):
        ran = _started(world, kind) - before
        if ran:
            world.heard()
            return ran.pop()
        lanes = world.due_lanes()
        if lanes:
            _step(world, lanes[0])
        else:
            world.heard()
    raise AssertionError(f"no {kind} was called for")


def _step(world: World, lane: str) -> None:
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runner, "JOBS_IN_A_ROW", 1)
        assert runner.work_off(world.services, world.tenant, lane) == 1


def _run_again(world: World, job: int) -> str:
    """Put a job back to due, before all else in its lane, and run it; answers how it ended."""
    with world.engine.begin() as connection:
        lane = connection.execute(
            text("UPDATE jobs SET state = 'due', due_at = now(), rank = -1 WHERE id = :id RETURNING lane"), {"id": job}
        ).scalar_one()
    _step(world, lane)
    (ended,) = world.rows("SELECT state, cause, reason FROM jobs WHERE id = :id", id=job)
    assert ended.cause in {"", "early", "unwanted"}, ended
    world.heard()
    return str(ended.state)


def _everything(world: World, kind: str) -> dict[str, frozenset[tuple[Any, ...]]]:
    """Every row of every table; of jobs only that they are there, and what they are for."""
    tables = {table.name: "*" for table in METADATA.sorted_tables if table.name not in SAYS_WHEN.get(kind, set())}
    tables["jobs"] = "id, kind, lane, subject, generation"
    return {
        name: frozenset(tuple(map(repr, row)) for row in world.rows(f"SELECT {columns} FROM {name}"))
        for name, columns in tables.items()
    }


def _differences(before: dict[str, frozenset[Any]], after: dict[str, frozenset[Any]]) -> dict[str, Any]:
    return {name: sorted(before[name] ^ after[name]) for name in before if before[name] != after[name]}
