"""A store leaves, a buyer wants to be shown or forgotten: through the real door, and nothing of them is left."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta

import pytest
from cryptography.fernet import Fernet
from pydantic import SecretStr
from sqlalchemy import Engine, text

from config.keyring import Keyring
from config.settings import Settings
from jobs import clock, desk, installing, queue, runner
from orders import ledgers
from records.orders import Order
from records.suppliers import Supplier
from tests import farewells, giving
from tests.farewells import NUMBER, data_request, deliver, dump, found_in, leave, redact_buyer, redact_shop, uninstalled
from tests.world import BUYER, HOOK_SECRET, SHOP, World, running_world

PERSONAL = ("Ada", "ada@example.com", "Townsend", "4155550100", "94107")


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[World]:
    """A world whose app has a secret of its own, which signs what the store tells of itself."""
    keyed = settings.model_copy(
        update={"shopify_client_id": "packline", "shopify_client_secret": SecretStr(HOOK_SECRET)}
    )
    with running_world(keyed, engine, sandbox_origin) as running:
        running.services.public_url = running.origin
        yield running


def ship(world: World, **more):
    """An order that was labelled, announced and scanned on its way."""
    placed = world.place(("BAG", 2), **more)
    world.settle()
    for label in world.labels_bought():
        for status in ("in_transit", "delivered"):
            world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {
                "status": status, "message": "Delivered, signed by ADA", "city": "SAN FRANCISCO", "zip": "94107"})  # fmt: skip
    world.settle()
    assert world.order(placed).state == "fulfilled"
    return placed


def open_shop(world: World, **more) -> None:
    world.open_shop(**more)
    farewells.know_its_number(world)


def events(world: World, *topics: str):
    return [
        (row.state, row.reason)
        for row in world.rows(
            "SELECT state, reason FROM inbox_events WHERE topic = ANY(:t) ORDER BY id", t=list(topics)
        )
    ]


def demands(world: World):
    return [
        tuple(row)
        for row in world.rows("SELECT kind, state, found FROM privacy_requests WHERE kind <> 'retention' ORDER BY id")
    ]


def shop_row(world: World):
    (row,) = world.rows("SELECT name, closed_at, redact_after, redacted_at FROM tenants WHERE id = :t", t=world.tenant)
    return row


def story(world: World, placed) -> list[str]:
    order = world.order(placed).id
    return [
        row.sentence
        for row in world.rows("SELECT sentence FROM timeline_entries WHERE order_id = :o ORDER BY id", o=order)
    ]


def sums(world: World):
    with world.reading() as session:
        return ledgers.sums(session, world.tenant)


# ------------------------------------------------------------------------------------------- a buyer is forgotten


def test_a_buyer_who_asks_is_forgotten_everywhere_and_nothing_else_is_lost(world: World):
    open_shop(world)
    placed = ship(world)
    world.place(
        ("BAG", 1),
        ship_to=BUYER | {"first_name": "Zoe", "last_name": "Quill", "address1": "1 Elm Rd"},
        email="zoe@example.com",
    )
    world.settle()
    with world.reading() as session:
        desk.hold(session, world.tenant, world.order(placed).id, reason="Ada called from next door", by="person:Olga")
        desk.release_hold(
            session,
            world.tenant,
            world.order(placed).id,
            "operator",
            by="person:Olga",
            now=world.order(placed).created_at,
        )
    world.settle()
    assert found_in(dump(world), *PERSONAL) == list(PERSONAL)
    before = sums(world)

    assert deliver(world, "customers/redact", redact_buyer(placed)) == (202, "kept")
    world.settle()

    left = dump(world)
    assert found_in(left, "ada@example.com", "Ada", "388 Townsend", "next door") == []
    assert "zoe@example.com" in left
    assert sums(world) == before
    assert demands(world) == [("redact_buyer", "done", {"orders": 1})]
    order = world.order(placed)
    assert (order.state, order.email, order.phone, order.ship_to.model_dump(exclude_defaults=True)) == (
        "fulfilled", "", "", {"country": "US"},
    )  # fmt: skip
    (asked_on,) = world.rows("SELECT created_at::date AS day FROM privacy_requests")
    assert (
        story(world, placed)[-1] == f"Packline forgot who bought this, as was asked for on {asked_on.day.isoformat()}."
    )
    assert world.rows("SELECT 1 FROM labels WHERE order_id = :o AND content IS NOT NULL", o=order.id) == []


def test_the_same_demand_twice_is_one(world: World):
    open_shop(world)
    placed = ship(world)

    assert deliver(world, "customers/redact", redact_buyer(placed)) == (202, "kept")
    assert deliver(world, "customers/redact", redact_buyer(placed)) == (202, "kept")
    world.settle()

    assert demands(world) == [("redact_buyer", "done", {"orders": 1})]
    assert sum("forgot who bought" in line for line in story(world, placed)) == 1


def test_what_comes_later_brings_no_forgotten_buyer_back(world: World):
    open_shop(world)
    placed = ship(world)
    deliver(world, "customers/redact", redact_buyer(placed))
    world.settle()
    label = world.labels_bought()[0]

    world.next_second()
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"ship_to": BUYER | {"address1": "77 Townsend St"}})
    world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {
        "status": "return_to_sender", "message": "Ada refused it", "city": "SAN FRANCISCO", "zip": "94107"})  # fmt: skip
    world.settle()
    with world.reading() as session:
        for connection in world.connections.values():
            desk.compare(session, world.tenant, connection)
        queue.add(session, world.tenant, "verify_order", f"order/{world.order(placed).id}")
    world.settle()

    left = dump(world)
    assert found_in(left, "ada@example.com", "Ada", "Townsend", "94107") == []
    assert ("", "ignored") in [
        tuple(row) for row in world.rows("SELECT subject, state FROM inbox_events WHERE body = ''")
    ]
    assert world.rows("SELECT 1 FROM findings WHERE order_id = :o", o=world.order(placed).id) == []
    assert world.open_holds(placed) == []


def test_an_order_that_is_forgotten_before_it_arrives_never_has_a_buyer(world: World):
    open_shop(world)
    world.control("POST", "/deliveries/plan", {"drop": 1.0})
    placed = world.place(("BAG", 1))
    world.control("POST", "/deliveries/plan", {})

    deliver(world, "customers/redact", redact_buyer(placed))
    world.settle()
    body = {"id": placed["id"], "admin_graphql_api_id": placed["admin_graphql_api_id"], "name": placed["name"],
            "created_at": "2026-11-20T10:00:00Z", "updated_at": "2026-11-20T10:00:00Z", "currency": "USD",
            "total_price": "17.00", "financial_status": "paid", "line_items": [], "email": "ada@example.com",
            "shipping_address": {"name": "Ada Buyer", "address1": "388 Townsend St", "city": "San Francisco"}}  # fmt: skip
    deliver(world, "orders/create", body)
    world.settle()

    order = world.order(placed)
    assert (order.email, order.ship_to, world.open_holds(placed)) == ("", None, ["address"])
    assert found_in(dump(world), *PERSONAL) == []
    assert world.labels_bought() == []


def test_an_order_that_is_still_worked_on_is_forgotten_at_its_end(world: World):
    open_shop(world)
    placed = world.place(("BAG", 1), risk="INVESTIGATE")
    world.settle()
    assert world.open_holds(placed) == ["risk"]

    deliver(world, "customers/redact", redact_buyer(placed))
    world.settle()
    assert demands(world) == [("redact_buyer", "due", {"waiting": 1})]
    assert world.order(placed).email == "ada@example.com"

    with world.reading() as session:
        desk.release_hold(
            session, world.tenant, world.order(placed).id, "risk", by="person:Olga", now=world.order(placed).created_at
        )
    world.settle()
    world.hurry()
    world.settle()

    assert (world.order(placed).state, world.order(placed).email) == ("fulfilled", "")
    assert demands(world) == [("redact_buyer", "done", {"orders": 1})]
    assert len(world.labels_bought()) == 1


def test_an_order_that_never_ends_is_forgotten_by_its_day_and_goes_nowhere(world: World):
    open_shop(world)
    placed = world.place(("BAG", 1), risk="INVESTIGATE")
    world.settle()
    deliver(world, "customers/redact", redact_buyer(placed))
    world.settle()

    with world.engine.begin() as connection:
        connection.execute(text("UPDATE privacy_requests SET due_at = now()"))
    world.hurry()
    world.settle()
    with world.reading() as session:
        desk.release_hold(
            session, world.tenant, world.order(placed).id, "risk", by="person:Olga", now=world.order(placed).created_at
        )
    world.settle()

    assert demands(world) == [("redact_buyer", "done", {"orders": 1})]
    assert (world.order(placed).email, world.open_holds(placed), world.labels_bought()) == ("", ["address"], [])
    assert found_in(dump(world), "Ada", "ada@example.com", "Townsend") == []


# ------------------------------------------------------------------------------------------- a buyer is shown


def test_a_buyer_s_data_is_gathered_sealed_and_forgotten_with_the_buyer(world: World):
    open_shop(world)
    placed = ship(world)

    deliver(world, "customers/data_request", data_request(placed))
    world.settle()

    ((kind, state, found),) = demands(world)
    assert (kind, state, found["orders"]) == ("export", "done", 1)
    (row,) = world.rows(
        "SELECT sealed_export, export_expires_at - done_at AS lasts, due_at - created_at AS within FROM privacy_requests"
    )
    assert b"Townsend" not in row.sealed_export
    assert row.lasts == timedelta(days=30)
    assert abs(row.within - timedelta(days=30)) < timedelta(seconds=5)
    document = json.loads(world.services.keyring.open(row.sealed_export)["document"])
    assert document["buyer"]["email"] == "ada@example.com"
    (order,) = document["orders"]
    assert order["orders"][0]["ship_to"]["street1"] == "388 Townsend St"
    assert len(order["labels"]) == 1
    assert order["labels"][0]["content"]
    assert {delivery["vendor"] for delivery in document["deliveries"]} >= {"shopify", "easypost"}

    deliver(world, "customers/redact", redact_buyer(placed))
    world.settle()
    assert [row.sealed_export for row in world.rows("SELECT sealed_export FROM privacy_requests")] == [None, None]


def test_an_export_that_no_key_opens_any_more_is_dropped_and_keeps_nobody_from_being_forgotten(world: World):
    open_shop(world)
    placed = ship(world)
    deliver(world, "customers/data_request", data_request(placed))
    world.settle()
    lost = Keyring([Fernet.generate_key().decode()]).seal({"document": "{}"})
    with world.engine.begin() as connection:
        connection.execute(
            text(
                "UPDATE privacy_requests SET sealed_export = :s, wanted = '{}'::jsonb WHERE sealed_export IS NOT NULL"
            ),
            {"s": lost},
        )

    deliver(world, "customers/redact", redact_buyer(placed))
    world.settle()

    assert world.order(placed).email == ""
    assert [row.sealed_export for row in world.rows("SELECT sealed_export FROM privacy_requests")] == [None, None]


# ------------------------------------------------------------------------------------------- a shop leaves


@pytest.mark.parametrize("says_goodbye", [True, False])
def test_a_shop_that_only_watched_leaves_as_every_other_does(world: World, says_goodbye: bool):
    """What it decided was nothing of its own to do; that the vendors tell us no more is."""
    open_shop(world)
    world.place(("BAG", 1))
    world.settle()
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET mode = 'shadow'"))
    leave(world)

    if says_goodbye:
        deliver(world, "app/uninstalled", uninstalled())
        world.settle()
        assert shop_row(world).closed_at is not None
        sealed = world.rows("SELECT sealed_secrets FROM connections")
        assert [world.services.keyring.open(one.sealed_secrets) for one in sealed] == [{}, {}, {}]
        assert [row.remarks for row in world.rows("SELECT remarks FROM connections")] == [[], [], []]
    deliver(world, "shop/redact", redact_shop())
    world.settle()

    assert shop_row(world).redacted_at is not None
    assert demands(world)[-1][:2] == ("redact_shop", "done")
    assert found_in(dump(world), *PERSONAL) == []


def test_a_store_that_leaves_is_closed_and_nothing_more_is_done_for_it(world: World):
    open_shop(world)
    shipped = world.place(("BAG", 1))
    held = world.place(("BAG", 1), risk="INVESTIGATE")
    world.settle()
    world.fault(vendor="shopify", kind="429", operation="*", times=1, retry_after=3600)
    leave(world)

    assert deliver(world, "app/uninstalled", uninstalled()) == (202, "kept")
    world.hurry()
    world.settle()
    world.hurry()
    world.settle()

    row = shop_row(world)
    assert row.redact_after - row.closed_at == timedelta(hours=48)
    assert row.redacted_at is None
    sealed = world.rows("SELECT sealed_secrets, ended_at, remarks, vendor FROM connections")
    assert [world.services.keyring.open(one.sealed_secrets) for one in sealed] == [{}, {}, {}]
    assert all(one.ended_at is not None for one in sealed)
    assert world.unfinished() == []
    told = story(world, shipped)[-1]
    assert told.startswith("The store took Packline away: nothing more is done for this order. Its labels are paid for")
    assert world.labels_bought()[0]["tracking_code"] in told
    assert story(world, held)[-1] == "The store took Packline away: nothing more is done for this order."

    effects = len(world.calls(effect="true"))
    body = json.dumps({"id": held["id"]}).encode()
    assert deliver(world, "orders/updated", body) in {(410, "the shop has left"), (202, "kept")}
    world.door.extensions["known_connections"]._kept.clear()
    assert deliver(world, "orders/updated", body) == (410, "the shop has left")
    world.settle()
    assert len(world.calls(effect="true")) == effects


def test_the_other_vendors_are_told_to_stop_telling(world: World):
    open_shop(world)
    world.place(("BAG", 1))
    world.settle()
    leave(world)

    deliver(world, "app/uninstalled", uninstalled())
    world.settle()

    dropped = world.rows("SELECT state FROM intentions WHERE kind = 'drop_hook'")
    named = world.rows("SELECT remarks FROM connections WHERE vendor <> 'shopify'")
    assert [row.state for row in dropped] == ["succeeded", "succeeded"]
    assert [row.remarks for row in named] == [[], []]


def test_an_old_goodbye_does_not_close_a_store_that_came_back(world: World):
    open_shop(world)
    placed = world.place(("BAG", 1))

    assert deliver(world, "app/uninstalled", uninstalled())[0] == 202
    world.settle()

    assert shop_row(world).closed_at is None
    assert world.order(placed).state == "fulfilled"
    (job,) = world.rows("SELECT state, reason FROM jobs WHERE kind = 'close_shop'")
    assert (job.state, job.reason) == (
        "cancelled",
        "the store still lets Packline in: it has come back since that was said",
    )


@pytest.mark.parametrize("status", [402, 403, 404, 423])
def test_a_store_that_tells_neither_way_is_asked_for_a_day_and_then_taken_at_its_word(world: World, status: int):
    open_shop(world)
    world.fault(vendor="shopify", kind="5xx", operation="webhookSubscriptions", status=status, times=None)

    deliver(world, "app/uninstalled", uninstalled())
    world.settle()
    (waits,) = world.rows("SELECT state, cause, due_at - now() AS wait FROM jobs WHERE kind = 'close_shop'")
    assert (waits.state, waits.cause) == ("due", str(status))
    assert timedelta(minutes=50) < waits.wait < timedelta(minutes=61)
    assert shop_row(world).closed_at is None

    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET created_at = created_at - interval '1 day' WHERE kind = 'close_shop'"))
    world.hurry()
    world.settle()
    assert shop_row(world).closed_at is not None


def test_a_frozen_store_that_lets_us_in_again_within_the_day_stays_open(world: World):
    open_shop(world)
    world.fault(vendor="shopify", kind="5xx", operation="webhookSubscriptions", status=402, times=1)
    deliver(world, "app/uninstalled", uninstalled())
    world.settle()

    world.hurry()
    world.settle()

    assert shop_row(world).closed_at is None
    assert [row.state for row in world.rows("SELECT state FROM jobs WHERE kind = 'close_shop'")] == ["cancelled"]


def test_a_demand_to_forget_an_open_shop_forgets_nothing(world: World):
    open_shop(world)
    placed = world.place(("BAG", 1))
    world.settle()

    assert deliver(world, "shop/redact", redact_shop())[0] == 202
    world.settle()

    assert (shop_row(world).closed_at, shop_row(world).redacted_at) == (None, None)
    assert world.order(placed).email == "ada@example.com"
    assert demands(world) == [("redact_shop", "done", {"shop": "came_back"})]


def test_a_goodbye_that_never_came_is_made_up_for_by_the_demand_to_forget(world: World):
    open_shop(world)
    world.place(("BAG", 1))
    world.settle()
    leave(world)

    deliver(world, "shop/redact", redact_shop())
    world.settle()

    assert shop_row(world).redacted_at is not None
    assert found_in(dump(world), *PERSONAL) == []


def test_a_store_that_refuses_our_token_without_a_goodbye_is_not_closed(world: World):
    open_shop(world)
    world.place(("BAG", 1))
    leave(world)
    world.settle()

    assert shop_row(world).closed_at is None
    assert world.rows("SELECT 1 FROM connections WHERE ended_at IS NOT NULL") == []


def test_a_shop_is_forgotten_after_two_days_and_its_ledgers_stay_whole(world: World):
    open_shop(world)
    placed = ship(world)
    world.place(("BAG", 1), risk="INVESTIGATE")
    world.settle()
    assert found_in(dump(world), *PERSONAL) == list(PERSONAL)
    before = sums(world)
    leave(world)
    deliver(world, "app/uninstalled", uninstalled())
    world.settle()
    clock._forget_shops(world.engine)
    world.settle()
    assert shop_row(world).redacted_at is None

    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET redact_after = now()"))
    clock._forget_shops(world.engine)
    world.settle()

    assert (shop_row(world).name, shop_row(world).redacted_at is not None) == ("Forgotten shop", True)
    left = dump(world)
    assert found_in(left, *PERSONAL, "Buyer", "acme.myshopify.com", "owner@acme.example", "Vista Blvd") == []
    assert sums(world) == before
    assert before["moved"][0] > 0
    assert story(world, placed) == [""] * (len(story(world, placed)) - 1) + [
        "Packline forgot everything personal about this order: its store had left."
    ]
    clock._forget_shops(world.engine)
    assert world.rows("SELECT 1 FROM jobs WHERE state = 'due'") == []


def test_a_forgotten_shop_has_no_link_no_code_and_no_supplier_left(world: World):
    giving.sold(world, codes=("AAA-111",), link=True)
    with world.reading() as session:
        session.add(Supplier(tenant_id=world.tenant, name="Tents & Co", email="po@tents.example", lead_days=3))
    farewells.know_its_number(world)
    leave(world)
    deliver(world, "app/uninstalled", uninstalled())
    world.settle()
    deliver(world, "shop/redact", redact_shop())
    world.settle()

    assert shop_row(world).redacted_at is not None
    assert [row.sealed_link for row in world.rows("SELECT sealed_link FROM digital_goods")] == [None, None]
    assert [row.sealed_code for row in world.rows("SELECT sealed_code FROM digital_codes")] == [None]
    (supplier,) = world.rows("SELECT id, name, email FROM suppliers")
    assert (supplier.name, supplier.email) == (f"Forgotten {supplier.id}", "")


def test_a_forgotten_shop_is_as_one_that_was_never_here(world: World):
    open_shop(world)
    world.place(("BAG", 1))
    world.settle()
    leave(world)
    deliver(world, "app/uninstalled", uninstalled())
    world.settle()
    deliver(world, "shop/redact", redact_shop())
    world.settle()
    world.door.extensions["known_connections"]._kept.clear()
    kept = world.rows("SELECT count(*) AS n FROM inbox_events")[0].n

    assert deliver(world, "customers/redact", redact_buyer()) == (200, "nothing is held")
    assert deliver(world, "shop/redact", redact_shop()) == (200, "nothing is held")
    assert deliver(world, "orders/create", {"id": 1}) == (404, "no such connection")
    assert world.rows("SELECT count(*) AS n FROM inbox_events")[0].n == kept


def test_a_buyer_of_a_closed_shop_is_still_forgotten(world: World):
    open_shop(world)
    placed = ship(world)
    leave(world)
    deliver(world, "app/uninstalled", uninstalled())
    world.settle()
    world.door.extensions["known_connections"]._kept.clear()

    assert deliver(world, "customers/redact", redact_buyer(placed)) == (202, "kept")
    world.settle()

    assert world.order(placed).email == ""
    assert demands(world) == [("redact_buyer", "done", {"orders": 1})]


def test_a_store_that_comes_back_in_time_is_not_forgotten(world: World):
    open_shop(world)
    placed = world.place(("BAG", 1))
    world.settle()
    leave(world)
    deliver(world, "app/uninstalled", uninstalled())
    world.settle()
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET redact_after = now()"))
    installing.find_or_make(world.engine, world.services.keyring, "shopify", SHOP, by="exchange")

    clock._forget_shops(world.engine)
    with world.reading() as session:
        queue.add(session, world.tenant, "forget_shop", f"shop/{world.tenant}")
    world.settle()

    assert shop_row(world).redacted_at is None
    assert world.order(placed).email == "ada@example.com"


# ------------------------------------------------------------------------------------------- whose demand it is


BAD = [
    ("customers/redact", lambda placed: redact_buyer(placed, number=1, domain="other.myshopify.com")),
    ("customers/data_request", lambda placed: data_request(placed, number=1, domain="other.myshopify.com")),
    ("shop/redact", lambda _: redact_shop(number=1, domain="other.myshopify.com")),
    ("app/uninstalled", lambda _: uninstalled(number=1, domain="other.myshopify.com")),
    ("app/scopes_update", lambda _: {"id": 1, "shop_id": "gid://shopify/Shop/1", "previous": [], "current": [], "updated_at": "2026-11-22T10:00:00Z"}),
]  # fmt: skip


@pytest.mark.parametrize(("topic", "body"), BAD, ids=[topic for topic, _ in BAD])
def test_another_shop_s_signed_body_under_this_shop_s_header_does_nothing(world: World, topic, body):
    open_shop(world)
    placed = world.place(("BAG", 1))
    world.settle()
    scopes = world.rows("SELECT scopes FROM connections")
    leave(world)

    assert deliver(world, topic, body(placed)) == (202, "kept")
    world.settle()

    assert events(world, topic) == [
        (
            "parked",
            "The signed body is of another shop than the one that the unsigned header names, so nothing was done.",
        )
    ]
    assert (shop_row(world).closed_at, demands(world), world.order(placed).email) == (None, [], "ada@example.com")
    assert world.rows("SELECT scopes FROM connections") == scopes


def test_where_the_number_is_not_known_the_domain_decides(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.settle()

    deliver(world, "customers/redact", redact_buyer(placed, number=1))
    deliver(world, "customers/redact", redact_buyer(placed, number=1, domain="other.myshopify.com"))
    world.settle()

    assert [state for state, _ in events(world, "customers/redact")] == ["taken", "parked"]


def test_where_nothing_can_be_compared_a_person_decides(world: World):
    world.open_shop()
    leave(world)

    deliver(world, "app/uninstalled", uninstalled(domain=None))
    world.settle()

    ((state, reason),) = events(world, "app/uninstalled")
    assert state == "parked"
    assert reason.startswith("Nothing here can be held against the shop that the body names")
    assert shop_row(world).closed_at is None


def test_a_bad_signature_is_refused_whoever_the_shop_is(world: World):
    open_shop(world)

    for shop in (SHOP, "stranger.myshopify.com", "no domain at all"):
        for topic in ("customers/redact", "shop/redact", "app/uninstalled", "orders/create"):
            assert deliver(world, topic, redact_shop(), shop=shop, secret="guess") == (401, "signature does not match")
    assert world.rows("SELECT 1 FROM inbox_events") == []


def test_a_shop_that_we_never_knew_is_answered_and_nothing_is_kept(world: World):
    open_shop(world)

    assert deliver(world, "shop/redact", redact_shop(), shop="stranger.myshopify.com") == (200, "nothing is held")
    assert deliver(world, "app/uninstalled", uninstalled(), shop="stranger.myshopify.com") == (200, "nothing is held")
    assert deliver(world, "orders/create", {"id": 1}, shop="stranger.myshopify.com") == (404, "no such connection")
    assert world.rows("SELECT 1 FROM inbox_events") == []


@pytest.mark.parametrize(
    "topic", ["customers/redact", "customers/data_request", "shop/redact", "app/uninstalled", "app/scopes_update"]
)
@pytest.mark.parametrize("body", [b"{}", b"[]", b"not json", b'{"shop_id": "x"}', b'{"id": null, "shop_domain": ""}'])
def test_a_body_that_names_no_shop_is_parked_and_does_nothing(world: World, topic, body):
    open_shop(world)

    assert deliver(world, topic, body) == (202, "kept")
    world.settle()

    ((state, reason),) = events(world, topic)
    assert (state, bool(reason), demands(world), shop_row(world).closed_at) == ("parked", True, [], None)


# ------------------------------------------------------------------------------------------- permissions


def test_a_scope_that_is_gone_is_named(world: World):
    open_shop(world)
    body = {"id": 1, "shop_id": f"gid://shopify/Shop/{NUMBER}", "previous": ["write_orders"], "current": ["read_products", "read_orders"],
            "updated_at": "2026-11-22T10:00:00Z"}  # fmt: skip

    deliver(world, "app/scopes_update", body)
    world.heard()
    for row in world.rows("SELECT lane FROM jobs WHERE kind = 'take_event' AND state = 'due'"):
        runner.work_off(world.services, world.tenant, row.lane)

    (row,) = world.rows("SELECT scopes, remarks FROM connections WHERE vendor = 'shopify'")
    assert row.scopes == ["read_orders", "read_products"]
    assert any(remark["sentence"].startswith("write_orders is not granted.") for remark in row.remarks)
    assert [
        job.state
        for job in world.rows("SELECT state FROM jobs WHERE kind = 'check_connection' ORDER BY id DESC LIMIT 1")
    ] == ["due"]


def test_an_order_s_row_says_that_it_is_forgotten_and_nothing_else(world: World):
    open_shop(world)
    placed = ship(world)
    deliver(world, "customers/redact", redact_buyer(placed))
    world.settle()

    order: Order = world.order(placed)
    assert (order.content_digest, order.address_digest, order.total_minor, order.name) == (
        "forgotten",
        "",
        29_00,
        placed["name"],
    )
