"""What a shop keeps no longer goes by itself: in small batches, which hold nobody up."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from sqlalchemy import event, text

from jobs import clock, queue, runner
from records import timeline
from records.tenants import Rules
from tests.shop import ADA, Shop


def keep(shop: Shop, **rules) -> None:
    shop.run("UPDATE tenants SET rules = :r WHERE id = :t", r=Rules(**rules).model_dump_json(), t=shop.tenant)


def delivery(shop: Shop, *, days: float, state: str = "taken", count: int = 1, body: str = "hush") -> None:
    shop.run(
        "INSERT INTO inbox_events (tenant_id, connection_id, vendor, topic, delivery_id, occasion, body_sha256, body, headers, received_at, state) "
        "SELECT :t, :c, 'shopify', 'orders/updated', gen_random_uuid()::text, '', sha256(gen_random_uuid()::text::bytea), "
        "convert_to(repeat(:body, 1 + (n % 3)), 'UTF8'), '{\"x-shopify-topic\": \"orders/updated\"}', now() - :age, :state "
        "FROM generate_series(1, :count) n",
        t=shop.tenant, c=shop.connection, age=timedelta(days=days), state=state, count=count, body=body,
    )  # fmt: skip


def let_go(shop: Shop) -> None:
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "expire_kept", f"shop/{shop.tenant}")
    assert runner.work_off(shop.services(), shop.tenant, f"shop/{shop.tenant}") >= 1


def bodies(shop: Shop):
    return [row[0] for row in shop.rows("SELECT octet_length(body) FROM inbox_events ORDER BY id")]


def test_old_deliveries_lose_their_bodies_and_keep_what_tells_them_apart(shop: Shop):
    keep(shop, keep_deliveries_days=30)
    delivery(shop, days=31)
    delivery(shop, days=29)
    before = shop.rows("SELECT delivery_id, body_sha256, headers, state FROM inbox_events ORDER BY id")

    let_go(shop)

    assert bodies(shop) == [0, 8]
    assert shop.rows("SELECT delivery_id, body_sha256, headers, state FROM inbox_events ORDER BY id") == before
    assert shop.one("SELECT found FROM privacy_requests WHERE kind = 'retention'") == {"up_to": 1, "emptied": 1}


def test_what_was_never_read_is_kept_and_found_again_when_it_was(shop: Shop):
    keep(shop, keep_deliveries_days=30)
    for state in ("taken", "received", "parked"):
        delivery(shop, days=40, state=state)

    let_go(shop)
    assert bodies(shop) == [0, 8, 0]
    shop.run("UPDATE inbox_events SET state = 'ignored' WHERE state = 'received'")
    let_go(shop)

    assert bodies(shop) == [0, 0, 0]


def test_an_emptied_delivery_that_is_read_again_says_that_it_is_gone(shop: Shop):
    keep(shop, keep_deliveries_days=30)
    delivery(shop, days=31)
    let_go(shop)
    shop.run("UPDATE inbox_events SET state = 'received'")
    with shop.transaction() as session:
        queue.add(session, shop.tenant, "take_event", "event/1")

    runner.work_off(shop.services(), shop.tenant, "event/1")

    assert shop.rows("SELECT state, reason FROM inbox_events") == [
        ("ignored", "What it said is not kept any more, so that it cannot be read again.")
    ]


def test_buyers_of_orders_long_over_are_forgotten_where_the_shop_says_so(shop: Shop):
    over, fresh, open_still = shop.order(state="fulfilled"), shop.order(state="fulfilled"), shop.order(state="shipping")
    shop.run("UPDATE orders SET created_at = now() - interval '100 days'")
    with shop.transaction() as session:
        timeline.write(session, shop.tenant, fresh, actor="shopify", kind="fact", sentence="It was delivered.")
    let_go(shop)
    assert shop.rows("SELECT 1 FROM orders WHERE content_digest = 'forgotten'") == []

    keep(shop, keep_buyers_days=90)
    let_go(shop)
    let_go(shop)

    assert shop.rows("SELECT id, ship_to ->> 'name' FROM orders ORDER BY id") == [
        (over, None), (fresh, ADA.name), (open_still, ADA.name)
    ]  # fmt: skip
    assert shop.story(over) == ["Packline forgot who bought this: the shop keeps buyers for 90 days."]


def test_an_export_that_has_run_out_is_gone(shop: Shop):
    for remote_id, ends in (("a", "- interval '1 minute'"), ("b", "+ interval '1 minute'")):
        shop.run(
            "INSERT INTO privacy_requests (tenant_id, kind, remote_id, sealed_export, export_expires_at, due_at) "
            f"VALUES (:t, 'export', :r, 'sealed', now() {ends}, now())", t=shop.tenant, r=remote_id)  # fmt: skip

    let_go(shop)

    assert shop.rows("SELECT remote_id, sealed_export IS NULL FROM privacy_requests WHERE kind = 'export' ORDER BY 1") == [
        ("a", True), ("b", False)
    ]  # fmt: skip


def test_the_clock_asks_for_every_shop_that_is_not_forgotten(shop: Shop):
    clock._let_old_things_go(shop.engine)
    clock._let_old_things_go(shop.engine)
    assert shop.rows("SELECT kind, subject, state FROM jobs") == [("expire_kept", f"shop/{shop.tenant}", "due")]

    shop.run("DELETE FROM jobs")
    shop.run("UPDATE tenants SET redacted_at = now()")
    clock._let_old_things_go(shop.engine)
    assert shop.rows("SELECT 1 FROM jobs") == []


@pytest.mark.long
def test_a_hundred_thousand_deliveries_go_without_a_long_lock(shop: Shop, capsys):
    keep(shop, keep_deliveries_days=30)
    for _ in range(20):
        delivery(shop, days=31, count=5_000, body="a body as deliveries have " * 20)
    with shop.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("ANALYZE inbox_events"))  # as autovacuum does of any table that grew
    began: dict[int, float] = {}
    lasted: list[float] = []
    event.listen(shop.engine, "begin", lambda connection: began.__setitem__(id(connection), time.perf_counter()))
    event.listen(
        shop.engine, "commit", lambda connection: lasted.append(time.perf_counter() - began.pop(id(connection)))
    )
    started = time.perf_counter()

    let_go(shop)

    took = time.perf_counter() - started
    assert shop.one("SELECT count(*) FROM inbox_events WHERE octet_length(body) > 0") == 0
    with capsys.disabled():
        print(f"\n100,000 deliveries in {took:.1f} s; the longest transaction took {max(lasted) * 1000:.0f} ms")
    assert max(lasted) < 1.0
