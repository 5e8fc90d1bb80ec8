"""A store that left comes back: in time to all that it had begun, and too late to nothing of what was forgotten."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import Engine

from config.settings import Settings
from integrations.ports import Temporary
from jobs import close_shop, desk, forget_shop, installing, queue, stages
from records import inbox, privacy
from tests.app_world import SECRET, AppWorld, running_app_world
from tests.farewells import deliver, dump, redact_buyer, redact_shop, uninstalled
from tests.world import SHOP


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[AppWorld]:
    with running_app_world(settings, engine, sandbox_origin) as running:
        running.services.public_url = running.origin
        running.install()
        running.settle()
        running.go_live()
        yield running


def goodbye(world: AppWorld) -> int:
    """The merchant takes Packline away, and the store says so; answers the store's number."""
    number = int(world.row().remote_account_id)
    world.control("POST", f"/shopify/shops/{SHOP}/uninstall", {})
    assert deliver(world, "app/uninstalled", uninstalled(number=number), secret=SECRET) == (202, "kept")
    world.settle()
    assert world.rows("SELECT closed_at FROM tenants WHERE closed_at IS NULL") == []
    return number


def be_forgotten(world: AppWorld) -> None:
    with world.reading() as session:
        queue.add(session, world.tenant, "forget_shop", f"shop/{world.tenant}")
    world.settle()


def shops(world: AppWorld):
    return [tuple(row) for row in world.rows(
        "SELECT t.id = :t, t.closed_at IS NOT NULL, t.redacted_at IS NOT NULL, c.account, c.ended_at IS NULL "
        "FROM tenants t JOIN connections c ON c.tenant_id = t.id AND c.vendor = 'shopify' ORDER BY t.id",
        t=world.tenant)]  # fmt: skip


def come_back_while(world: AppWorld, monkeypatch, step: str) -> None:
    """The merchant opens Packline while the shop is being forgotten, before this step of it."""
    real = getattr(forget_shop, step)

    def meanwhile(*told):
        monkeypatch.setattr(forget_shop, step, real)
        installing.find_or_make(world.engine, world.services.keyring, "shopify", SHOP, by="exchange")
        return real(*told)

    monkeypatch.setattr(forget_shop, step, meanwhile)


@pytest.mark.parametrize("step", ["_tell_on_timelines", "_end_its_people"])
def test_a_store_that_comes_back_while_it_is_forgotten_gets_a_new_shop(world: AppWorld, monkeypatch, step):
    world.place(("BAG", 1))
    world.settle()
    goodbye(world)
    come_back_while(world, monkeypatch, step)

    be_forgotten(world)

    assert shops(world) == [(True, True, True, "", False), (False, False, False, SHOP, True)]
    assert [row.name for row in world.rows("SELECT name FROM tenants ORDER BY id")] == ["Forgotten shop", SHOP]
    found = installing.find(world.engine, "shopify", SHOP)
    assert found is not None
    assert found.tenant_id != world.tenant
    assert "ada@example.com" not in dump(world)


def test_a_shop_that_opened_before_the_forgetting_began_keeps_everything(world: AppWorld):
    placed = world.place(("BAG", 1))
    world.settle()
    goodbye(world)
    installing.find_or_make(world.engine, world.services.keyring, "shopify", SHOP, by="exchange")

    be_forgotten(world)

    assert shops(world) == [(True, False, False, SHOP, True)]
    assert world.order(placed).email == "ada@example.com"


def test_forgetting_that_was_cut_off_goes_on_where_there_is_no_way_back(world: AppWorld, monkeypatch):
    world.place(("BAG", 1))
    world.settle()
    goodbye(world)

    def cut_off(_work):
        raise Temporary("The lights went out.", code="lights")

    with monkeypatch.context() as darkness:
        darkness.setattr(forget_shop, "_tell_on_timelines", cut_off)
        be_forgotten(world)
    assert installing.find(world.engine, "shopify", SHOP) is None
    (half,) = world.rows("SELECT name, redacted_at, redact_after FROM tenants")
    assert (half.name == "Forgotten shop", half.redacted_at is None, half.redact_after is None) == (False, False, False)

    world.hurry()
    world.settle()

    (whole,) = world.rows("SELECT name, redacted_at, redact_after FROM tenants")
    assert tuple(whole) == ("Forgotten shop", half.redacted_at, None)
    assert world.unfinished() == []


def test_a_demand_that_comes_while_the_shop_is_forgotten_leaves_nothing(world: AppWorld, monkeypatch):
    placed = world.place(("BAG", 1))
    world.settle()
    number = goodbye(world)
    real = forget_shop._tell_on_timelines

    def meanwhile(work):
        """The door looked the shop up a moment before there was no way back."""
        body = json.dumps(redact_buyer(placed, number=number)).encode()
        inbox.Letterbox(world.engine).drop(
            world.tenant, connection=world.connections["shopify"], vendor="shopify", topic="customers/redact",
            delivery_id="late", occasion="late", body=body, body_sha256=hashlib.sha256(body).digest(),
            headers={"x-shopify-topic": "customers/redact", "x-shopify-shop-domain": SHOP},
        )  # fmt: skip
        return real(work)

    monkeypatch.setattr(forget_shop, "_tell_on_timelines", meanwhile)
    be_forgotten(world)

    assert [tuple(row) for row in world.rows(
        "SELECT state, subject, reason, octet_length(body), headers FROM inbox_events WHERE topic = 'customers/redact'"
    )] == [("ignored", "", "", 0, {})]  # fmt: skip
    assert world.rows("SELECT 1 FROM privacy_requests WHERE kind = 'redact_buyer'") == []
    assert "ada@example.com" not in dump(world)


def test_a_store_that_comes_back_goes_on_with_what_closing_had_stopped(world: AppWorld, monkeypatch):
    placed = world.place(("BAG", 1))

    def away(_work):
        raise Temporary("The carrier is away.", code="away")

    with monkeypatch.context() as outage:
        outage.setattr(stages, "_RUN", dict(stages._RUN) | {"buy_label": away})
        world.settle()
    assert (world.order(placed).state, world.level("BAG", "Reno")) == ("allocated", (100, 1))
    world.run("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE kind = 'buy_label'")  # the next try is far off
    (parcel,) = world.rows("SELECT 'parcel/' || id AS subject FROM parcels")
    with world.reading() as session:
        later = datetime.now(UTC) + timedelta(hours=1)
        queue.add(session, world.tenant, "report_parcel", parcel.subject, due_at=later)
    number = goodbye(world)
    assert {row.kind for row in world.rows("SELECT kind FROM jobs WHERE reason = :why", why=close_shop.WHY)} >= {
        "buy_label", "report_parcel"
    }  # fmt: skip
    with world.reading() as session:
        privacy.demand(
            session, world.tenant, kind=privacy.REDACT_SHOP, remote_id="x", wanted={"number": number},
            due_at=world.order(placed).created_at,
        )  # fmt: skip

    assert world.visit().status_code == 302
    world.settle()

    reported = world.rows("SELECT state, reason FROM jobs WHERE kind = 'report_parcel' ORDER BY id")
    assert [row.state for row in reported][:1] == ["cancelled"]
    assert reported[0].reason == "The store took Packline away. It came back, and this was asked for anew."
    assert len(reported) == 2
    assert [(row.state, row.found) for row in world.rows("SELECT state, found FROM privacy_requests")] == [
        ("done", {"shop": "came_back"})
    ]
    (waits,) = world.rows("SELECT kind, remedy FROM jobs WHERE state = 'parked'")
    assert (waits.kind, waits.remedy) == ("buy_label", "Connect a carrier account, then retry.")
    world.go_live()
    with world.reading() as session:
        assert desk.retry_order(session, world.tenant, world.order(placed).id, by="person:Olga") == 1
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert (len(world.labels_bought()), len(world.fulfillments(placed))) == (1, 1)
    assert world.level("BAG", "Reno") == (99, 0)
    # What a connection had to read is read anew by the one that came back.
    stopped = "SELECT 1 FROM jobs WHERE reason = :why AND kind <> 'read_stock'"
    assert world.rows(stopped, why=close_shop.WHY) == []


def test_a_label_on_its_way_back_goes_on_when_the_store_comes_back(world: AppWorld):
    placed = world.place(("BAG", 1))
    world.settle()
    world.run("UPDATE labels SET state = 'void_requested'")
    goodbye(world)

    installing.find_or_make(world.engine, world.services.keyring, "shopify", SHOP, by="exchange")

    (job,) = world.rows("SELECT subject, lane, state FROM jobs WHERE kind = 'void_label'")
    (label,) = world.rows("SELECT id FROM labels WHERE order_id = :o", o=world.order(placed).id)
    assert tuple(job) == (f"label/{label.id}", f"label/{label.id}", "due")


def test_a_demand_to_forget_the_shop_is_withdrawn_when_it_comes_back(world: AppWorld, monkeypatch):
    """Between the demand and its job the merchant comes back: nothing is forgotten."""
    placed = world.place(("BAG", 1))
    world.settle()
    number = goodbye(world)
    with monkeypatch.context() as lull:
        lull.setattr(stages, "_RUN", dict(stages._RUN) | {"forget_shop": _later})
        deliver(world, "shop/redact", redact_shop(number=number), secret=SECRET)
        world.settle()
    installing.find_or_make(world.engine, world.services.keyring, "shopify", SHOP, by="exchange")
    world.hurry()
    world.settle()

    assert [tuple(row) for row in world.rows("SELECT kind, state, found FROM privacy_requests")] == [
        ("redact_shop", "done", {"shop": "came_back"})
    ]
    assert world.order(placed).email == "ada@example.com"
    assert world.rows("SELECT 1 FROM tenants WHERE redacted_at IS NOT NULL") == []


def _later(_work):
    raise Temporary("Another job is first.", code="later")
