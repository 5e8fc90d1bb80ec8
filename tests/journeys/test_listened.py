"""Webhooks that vanished, were disabled or point elsewhere are seen, mended where that can be, and shown."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import func, select

from jobs import check_connection, queue, reconcile
from records.inbox import InboxEvent
from tests import patient
from tests.world import EASYPOST_KEY, SHOP, STRIPE_KEY, World


def open_shop(world: World) -> None:
    world.services.public_url = world.origin
    world.open_shop()
    look(world, "stripe", "easypost", "shopify")


def look(world: World, *vendors: str) -> None:
    for vendor in vendors:
        with world.reading() as session:
            queue.add(session, world.tenant, "check_connection", f"connection/{world.connections[vendor]}")
    world.work_off()


def register(world: World, vendor: str) -> None:
    with world.reading() as session:
        assert check_connection.register(session, world.tenant, world.connections[vendor], world.origin)
    world.work_off()


def remarks(world: World, vendor: str) -> list[tuple[str, bool]]:
    (row,) = world.rows("SELECT remarks FROM connections WHERE id = :id", id=world.connections[vendor])
    return [(one["kind"], one["mended"]) for one in row.remarks]


def said(world: World, vendor: str) -> str:
    (row,) = world.rows("SELECT remarks FROM connections WHERE id = :id", id=world.connections[vendor])
    return " ".join(f"{one['sentence']} {one['remedy']}" for one in row.remarks)


def easypost_hooks(world: World) -> list[dict[str, Any]]:
    return [one for one in world.control("GET", "/easypost/webhooks")["webhooks"] if one["key"] == EASYPOST_KEY]


def stripe(world: World, method: str, path: str, **form: Any) -> Any:
    answered = patient.request(method, f"{world.sandbox}/v1/{path}", auth=(STRIPE_KEY, ""), data=form or None)
    assert answered.status_code == 200, answered.text
    return answered.json()


def stripe_hooks(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = stripe(world, "GET", "webhook_endpoints")["data"]
    return found


def kept(world: World, vendor: str) -> int:
    with world.reading() as session:
        return int(session.scalar(select(func.count()).select_from(InboxEvent).where(InboxEvent.vendor == vendor)) or 0)


def pay(world: World) -> None:
    world.control("POST", "/stripe/payments", {"key": STRIPE_KEY, "amount": 500, "currency": "usd"})
    world.heard()


def test_all_is_well_where_every_webhook_stands(world: World):
    open_shop(world)

    assert [remarks(world, vendor) for vendor in ("shopify", "stripe", "easypost")] == [[], [], []]
    (row,) = world.rows("SELECT checked_at, hooks_seen FROM connections WHERE vendor = 'stripe'")
    assert row.checked_at is not None
    assert [one["address"] for one in row.hooks_seen] == [f"{world.origin}/hooks/stripe/{world.connections['stripe']}"]


def test_a_webhook_that_vanished_is_made_again_and_what_it_signs_is_believed(world: World):
    open_shop(world)
    (hook,) = stripe_hooks(world)
    stripe(world, "DELETE", f"webhook_endpoints/{hook['id']}")

    look(world, "stripe")

    assert remarks(world, "stripe") == [("hook_vanished", True)]
    (again,) = stripe_hooks(world)
    assert (again["id"] != hook["id"], again["url"]) == (True, hook["url"])
    world.next_second()
    before = kept(world, "stripe")
    time.sleep(5.1)  # for so long the door remembers the secrets that it knew
    pay(world)
    assert kept(world, "stripe") > before
    look(world, "stripe")
    assert remarks(world, "stripe") == []
    assert len(stripe_hooks(world)) == 1


def test_a_disabled_webhook_is_enabled_and_told(world: World):
    open_shop(world)
    (hook,) = easypost_hooks(world)
    world.control("POST", f"/easypost/webhooks/{hook['id']}/disable")

    look(world, "easypost")

    assert remarks(world, "easypost") == [("hook_disabled", True)]
    assert "stands disabled since" in said(world, "easypost")
    assert [one["disabled_at"] for one in easypost_hooks(world)] == [None]
    look(world, "easypost")
    assert remarks(world, "easypost") == []


def test_a_webhook_of_easypost_that_vanished_is_made_again_with_our_secret(world: World):
    open_shop(world)
    (hook,) = easypost_hooks(world)
    world.control("POST", f"/easypost/webhooks/{hook['id']}/delete")

    look(world, "easypost")

    assert remarks(world, "easypost") == [("hook_vanished", True)]
    world.place(("BAG", 1))
    world.settle()
    (label,) = world.labels_bought()
    world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": "delivered"})
    world.settle()
    assert [row.carrier_status for row in world.rows("SELECT carrier_status FROM parcels")] == ["delivered"]


def test_a_webhook_that_points_elsewhere_is_shown_and_left(world: World):
    open_shop(world)
    (hook,) = stripe_hooks(world)
    stripe(world, "POST", f"webhook_endpoints/{hook['id']}", url="http://127.0.0.1:9/hooks/stripe/other")

    look(world, "stripe")
    look(world, "stripe")

    assert remarks(world, "stripe") == [("hook_elsewhere", False)]
    assert "points to http://127.0.0.1:9/hooks/stripe/other" in said(world, "stripe")
    assert [one["url"] for one in stripe_hooks(world)] == ["http://127.0.0.1:9/hooks/stripe/other"]


def test_a_webhook_that_never_stood_is_made_when_a_person_asks_for_it(world: World):
    open_shop(world)
    (hook,) = stripe_hooks(world)
    stripe(world, "DELETE", f"webhook_endpoints/{hook['id']}")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET hooks_seen = '[]'")

    look(world, "stripe")
    assert remarks(world, "stripe") == [("hook_missing", False)]
    assert f"packline hooks register {world.tenant} --vendor stripe" in said(world, "stripe")
    assert stripe_hooks(world) == []

    register(world, "stripe")

    assert remarks(world, "stripe") == [("hook_wanted", True)]
    assert len(stripe_hooks(world)) == 1
    look(world, "stripe")
    assert remarks(world, "stripe") == []


def test_a_subscription_that_shopify_deleted_is_made_again(world: World):
    open_shop(world)
    register(world, "shopify")
    subscriptions = world.control("GET", f"/shopify/subscriptions?shop={SHOP}")["subscriptions"]
    assert len(subscriptions) > 10
    world.control("POST", f"/shopify/subscriptions/{subscriptions[0]['id']}/drop")

    look(world, "shopify")

    assert remarks(world, "shopify") == [("hook_vanished", True)]
    again = world.control("GET", f"/shopify/subscriptions?shop={SHOP}")["subscriptions"]
    assert {one["topic"] for one in again} == {one["topic"] for one in subscriptions}


def test_a_refused_key_says_connect_again_and_access_that_ends_soon_is_told(world: World):
    open_shop(world)
    world.rotate_carrier_key("EZTKwrong")
    world.work_off()
    with world.engine.begin() as connection:
        connection.exec_driver_sql(
            "UPDATE connections SET token_expires_at = %s WHERE vendor = 'shopify'",
            (datetime.now(UTC) + timedelta(days=3),),
        )
    look(world, "easypost", "shopify")

    assert remarks(world, "easypost") == [("refused", False)]
    assert "packline connect easypost" in said(world, "easypost")
    assert remarks(world, "shopify") == [("token", False)]
    assert world.rows("SELECT id FROM jobs WHERE state = 'parked' AND kind = 'check_connection'") == []


def test_what_a_comparison_found_missing_shows_that_webhooks_are_lost_until_one_finds_nothing(world: World):
    open_shop(world)
    world.control("POST", "/deliveries/plan", {"drop": 1.0})
    world.place(("BAG", 1))
    for expected in ([("lost", False)], []):
        with world.reading() as session:
            reconcile.ask(session, world.tenant, world.connections["shopify"], now=datetime.now(UTC))
        world.work_off()
        look(world, "shopify")
        assert remarks(world, "shopify") == expected


def test_a_webhook_whose_making_was_cut_off_is_not_made_twice_and_its_secret_is_doubted(world: World):
    open_shop(world)
    (hook,) = stripe_hooks(world)
    stripe(world, "DELETE", f"webhook_endpoints/{hook['id']}")
    world.fault(vendor="stripe", kind="cut_after", operation="webhook_endpoint.create", times=None)
    look(world, "stripe")
    world.control("DELETE", "/faults")

    world.hurry()
    world.work_off()

    assert len(stripe_hooks(world)) == 1
    assert ("hook_secret", False) in remarks(world, "stripe")
