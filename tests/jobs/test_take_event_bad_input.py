"""Genuine deliveries that say odd things: each is taken, ignored or parked by name, whole or not at all."""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from sqlalchemy import event as database_event

from config.keyring import Keyring
from integrations.ports import Origins
from jobs import runner
from jobs.work import Services
from records import inbox
from records.tenants import Connection
from tests import odd_input
from tests.integrations.shopify_bodies import line, order
from tests.jobs.test_intake import on_its_way
from tests.odd_input import BROKEN, QUICK, charge, dispute, easypost_event, intent, stripe_event
from tests.odd_input import tracker as tracker_body
from tests.shop import KEY

ROLES = {"stripe": "payments", "easypost": "carrier"}
# Nobody listens there: reading a delivery asks no vendor.
NOWHERE = Origins(shopify="http://127.0.0.1:9", stripe="http://127.0.0.1:9", easypost="http://127.0.0.1:9")
RECORDS = ("orders", "order_lines", "payments", "parcel_scans", "holds", "timeline_entries")


@dataclass
class Inbox:
    """A shop with all three vendors, into whose inbox deliveries are put and read."""

    shop: object
    services: Services
    connections: dict[str, str]
    letterbox: inbox.Letterbox
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    def put(self, vendor, topic, body):
        """Keep a delivery as the door does; answers its id."""
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        number = next(self.numbers)
        return self.letterbox.drop(
            self.shop.tenant, connection=self.connections[vendor], vendor=vendor, topic=topic,
            delivery_id=f"d-{number}", occasion=str(number), body=body, body_sha256=hashlib.sha256(body).digest(),
            headers={},
        )  # fmt: skip

    def read(self, event):
        """Run the job that reads a delivery; answers the state and the reason that it ended with."""
        runner.work_off(self.services, self.shop.tenant, f"event/{event}")
        state, reason, job = self.shop.one(
            "SELECT e.state, e.reason, j.state FROM inbox_events e JOIN jobs j ON j.subject = 'event/' || e.id "
            "WHERE e.id = :id", id=event,
        )  # fmt: skip
        assert job == "done", self.shop.one("SELECT cause, reason FROM jobs WHERE subject = :s", s=f"event/{event}")
        return state, reason

    def hear(self, vendor, topic, body):
        return self.read(self.put(vendor, topic, body))

    def records(self):
        return {table: self.shop.one(f"SELECT count(*) FROM {table}") for table in RECORDS}


@pytest.fixture
def letters(shop):
    services = Services(engine=shop.engine, keyring=Keyring([KEY]), origins=NOWHERE, worker="w1", lease_s=30)
    with shop.transaction() as session:
        for vendor, role in ROLES.items():
            session.add(
                Connection(
                    tenant_id=shop.tenant, id=f"{vendor}-1", vendor=vendor, role=role, account="", live=False,
                    sealed_secrets=Keyring([KEY]).seal({"api_key": "sk_test_x"}),
                )
            )  # fmt: skip
    letterbox = inbox.Letterbox(shop.engine)
    connections = {"shopify": shop.connection, "stripe": "stripe-1", "easypost": "easypost-1"}
    yield Inbox(shop, services, connections, letterbox)
    letterbox.close()


# ------------------------------------------------------------------------------------------- any oddity


def expect_a_clear_ending(letters, sample, body, place):
    before = letters.records()
    event = letters.put(sample.vendor, sample.topic, body)
    state, reason = letters.read(event)

    assert state in {"taken", "ignored", "parked"}
    assert letters.shop.one("SELECT body FROM inbox_events WHERE id = :id", id=event) == body
    if state == "parked":
        assert not reason.startswith("The database"), "what cannot be stored is refused where it is read"
        assert any(str(step) in reason for step in place) or reason.startswith("the body"), (reason, place)
    if state != "taken":
        assert letters.records() == before


@QUICK
@given(odd=odd_input.oddities(odd_input.of("shopify")))
def test_an_order_with_anything_in_it_is_taken_whole_or_parked_by_the_field(letters, odd):
    sample, body, place = odd
    expect_a_clear_ending(letters, sample, body, place)


@QUICK
@given(odd=odd_input.oddities(odd_input.of("stripe", but="charge.dispute")))
def test_a_payment_with_anything_in_it_is_taken_whole_or_parked_by_the_field(letters, odd):
    expect_a_clear_ending(letters, *odd)


@QUICK
@given(odd=odd_input.oddities([s for s in odd_input.SAMPLES if s.topic.startswith("charge.dispute")]))
def test_a_dispute_with_anything_in_it_is_taken_whole_or_parked_by_the_field(letters, odd):
    sample, body, place = odd
    if not letters.shop.one("SELECT count(*) FROM payments"):
        for remote_id in ("pi_1", "ch_1", "pi_2"):
            letters.hear("stripe", "payment_intent.succeeded", stripe_event("x", intent(id=remote_id)))
    named = json.loads(body).get("data")
    thing = named.get("object") if isinstance(named, dict) else None
    ids = [thing.get("payment_intent"), thing.get("charge")] if isinstance(thing, dict) else []
    if all(one in ["pi_1", "ch_1", "pi_2"] for one in ids):  # Stripe is asked for any other payment
        expect_a_clear_ending(letters, sample, body, place)


@QUICK
@given(odd=odd_input.oddities(odd_input.of("easypost")))
def test_a_tracker_with_anything_in_it_is_taken_whole_or_parked_by_the_field(letters, odd):
    if not letters.shop.one("SELECT count(*) FROM parcels"):
        on_its_way(letters.shop)
    sample, body, place = odd
    expect_a_clear_ending(letters, sample, body, place)


def test_what_the_vendors_really_sent_may_be_odd_too(letters):
    recorded = [sample for sample in odd_input.recorded() if not sample.topic.startswith("charge.dispute")]
    if not recorded:
        pytest.skip("PACKLINE_RECORDINGS is not set: the vendors' recorded deliveries are not at hand")

    @QUICK
    @given(odd=odd_input.oddities(recorded))
    def check(odd):
        expect_a_clear_ending(letters, *odd)

    check()
    assert letters.shop.one("SELECT count(*) FROM payments") > 0


@pytest.mark.parametrize("kind", BROKEN)
@pytest.mark.parametrize(
    ("vendor", "topic"),
    [("shopify", "orders/create"), ("stripe", "payment_intent.succeeded"), ("easypost", "tracker.updated")],
)
def test_a_body_that_is_no_object_we_know_is_parked_and_the_next_one_is_read(letters, vendor, topic, kind):
    event = letters.put(vendor, topic, BROKEN[kind])

    state, reason = letters.read(event)

    assert (state, bool(reason)) == ("parked", True)
    assert letters.shop.one("SELECT body FROM inbox_events WHERE id = :id", id=event) == BROKEN[kind]
    assert set(letters.records().values()) == {0}
    assert letters.hear("shopify", "orders/create", order())[0] == "taken"


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"name": "a\x00b"}, "name: holds a NUL character"),
        ({"shipping_address": {"name": "\ud83d"}}, "shipping_address.name: holds half of a surrogate pair"),
        ({"note_attributes": [{"\x00": 1}]}, "the body: holds a NUL character"),
        ({"name": "x" * 1_000_000}, "body.name: String should have at most 300 characters"),
        ({"line_items": [line(title="x" * 1_000_000)]}, "body.line_items.0.title: String should have at most 5000"),
        ({"line_items": [line(), line()]}, "lines: one line is named twice"),
        ({"line_items": [line(), line(price=True)]}, "body.line_items.1.price: Value error, true or false where"),
        ({"line_items": [line(), line(id=42, admin_graphql_api_id=None, price="1.234")]}, "line_items.1.price: an amount"),
        ({"line_items": [line(quantity=-1)]}, "body.line_items.0.quantity: Input should be greater"),
        ({"current_total_price": None, "total_price": None}, "total_price: an amount"),
        ({"currency": "XXX"}, "body.currency: Value error, a code that stands for no currency"),
        ({"created_at": 1_763_726_400}, "body.created_at: Value error, a number where a moment is written"),
        ({"updated_at": "9999-12-31T23:59:59Z"}, "body.updated_at: Value error, a moment outside the years 2000 to 2199"),
        ({"shipping_address": {"latitude": "NaN"}}, "body.shipping_address.latitude: Input should be a finite number"),
    ],
)  # fmt: skip
def test_an_order_that_cannot_be_kept_is_parked_with_a_reason_that_names_the_field(letters, changes, reason):
    state, said = letters.hear("shopify", "orders/create", order(**changes))

    assert (state, said[: len(reason)]) == ("parked", reason)
    assert set(letters.records().values()) == {0}


def test_what_only_the_database_refuses_is_parked_and_half_an_order_is_not_written(letters, monkeypatch):
    """A reader of ours that lets something through must not leave a job that tries for ever, nor half an order."""
    letters.shop.run("ALTER TABLE order_lines ADD CONSTRAINT no_mugs CHECK (sku <> 'MUG-BLUE')")
    try:
        state, reason = letters.hear("shopify", "orders/create", order())
    finally:
        letters.shop.run("ALTER TABLE order_lines DROP CONSTRAINT no_mugs")

    assert (state, reason) == ("parked", "The database cannot keep what this delivery says (CheckViolation).")
    assert set(letters.records().values()) == {0}


def test_names_from_everywhere_are_taken_as_they_are_written(letters):
    name = odd_input._RTL
    place = order()["shipping_address"] | {"name": name, "city": "\u6771\u4eac", "address1": "Zo\u00eb's \U0001f3e0"}

    assert letters.hear("shopify", "orders/create", order(shipping_address=place, name="\u2116 1")) == ("taken", "")

    assert letters.shop.one("SELECT name, ship_to ->> 'name', ship_to ->> 'city' FROM orders") == (
        "\u2116 1", name, "\u6771\u4eac",
    )  # fmt: skip


def test_an_order_without_a_name_goes_by_its_number(letters):
    assert letters.hear("shopify", "orders/create", order(name=None))[0] == "taken"
    assert letters.shop.one("SELECT name FROM orders") == "31"


@pytest.mark.parametrize("lines", [6_553, 10_000])
def test_an_order_of_ten_thousand_lines_is_taken_in_few_statements(letters, lines):
    wanted = [
        {"id": 1_000 + n, "sku": f"S{n}", "title": f"Thing {n}", "quantity": 1, "price": "1.00"} for n in range(lines)
    ]
    body = order(line_items=wanted)
    asked: list[str] = []
    listen = lambda *of: asked.append(of[2])
    database_event.listen(letters.shop.engine, "before_cursor_execute", listen)

    assert letters.hear("shopify", "orders/create", body) == ("taken", "")

    database_event.remove(letters.shop.engine, "before_cursor_execute", listen)
    assert len(asked) < 100  # a statement a line would take longer than a vendor's whole patience
    assert letters.shop.one("SELECT count(*), sum(units), count(DISTINCT sku) FROM order_lines") == (
        lines,
        lines,
        lines,
    )

    fewer = body | {"line_items": wanted[:10], "updated_at": "2026-11-21T09:31:02-05:00"}
    assert letters.hear("shopify", "orders/updated", fewer)[0] == "taken"
    assert letters.shop.one("SELECT count(*), sum(units) FROM order_lines") == (lines, 10)


def test_a_tracker_of_too_many_scans_is_parked_and_of_very_many_is_taken(letters):
    on_its_way(letters.shop)
    scans = [
        {"datetime": f"2026-11-{1 + n // 86_400:02}T{n // 3600 % 24:02}:{n // 60 % 60:02}:{n % 60:02}Z"}
        for n in range(1_001)
    ]

    state, reason = letters.hear(
        "easypost", "tracker.updated", easypost_event("x", tracker_body(tracking_details=scans))
    )
    assert (state, "tracking_details" in reason) == ("parked", True)
    assert letters.records()["parcel_scans"] == 0

    many = tracker_body(tracking_details=scans[1:])
    assert letters.hear("easypost", "tracker.updated", easypost_event("tracker.updated", many))[0] == "taken"
    assert letters.records()["parcel_scans"] == 1_000


# ------------------------------------------------------------------------------------------- old news


def test_old_versions_turn_nothing_back_however_late_they_come(letters):
    newest = order(updated_at="2026-11-20T12:00:00Z", financial_status="paid", name="#1001 newest")
    letters.hear("shopify", "orders/create", newest)
    letters.hear("shopify", "orders/cancelled", newest | {"cancelled_at": "2026-11-20T13:00:00Z"})
    held = letters.shop.one("SELECT state, name, total_minor, standing, cancelled_at FROM orders")
    assert held[0] == "cancelling"
    lines = letters.shop.rows("SELECT remote_id, units FROM order_lines ORDER BY id")

    old = order(
        updated_at="2019-01-01T00:00:00Z", created_at="2019-01-01T00:00:00Z", financial_status="pending",
        current_total_price="0.01", line_items=[line(quantity=90, current_quantity=90), line(id=77, admin_graphql_api_id=None)],
    )  # fmt: skip
    for topic in ("orders/create", "orders/updated", "orders/paid"):
        assert letters.hear("shopify", topic, old)[0] == "taken"

    assert letters.shop.one("SELECT state, name, total_minor, standing, cancelled_at FROM orders") == held
    assert letters.shop.rows("SELECT remote_id, units FROM order_lines ORDER BY id") == lines
    assert letters.shop.one("SELECT count(*) FROM orders") == 1


STORY = (
    ("shopify", "orders/create", order(updated_at="2026-11-20T12:00:00Z", financial_status="pending")),
    ("shopify", "orders/updated", order(updated_at="2026-11-20T12:05:00Z", line_items=[line(current_quantity=1)])),
    ("shopify", "orders/paid", order(updated_at="2026-11-20T12:10:00Z", line_items=[line(current_quantity=1)])),
    ("shopify", "orders/cancelled", order(cancelled_at="2026-11-20T12:15:00Z")),
)
PAID = ("stripe", "payment_intent.succeeded", stripe_event("payment_intent.succeeded", intent()))


def test_a_story_told_in_any_order_and_twice_over_ends_the_same(letters):
    """Nobody promises an order: Shopify and Stripe say so, EasyPost says nothing."""
    endings = set()
    for number, told in enumerate(itertools.permutations(STORY)):
        paid_at = number % 5
        for vendor, topic, body in (*told[:paid_at], PAID, *told[paid_at:], told[0]):
            assert letters.hear(vendor, topic, body)[0] == "taken"
        for lane in {row[0] for row in letters.shop.rows("SELECT lane FROM jobs WHERE kind = 'match_payment'")}:
            runner.work_off(letters.services, letters.shop.tenant, lane)
        endings.add(
            letters.shop.one(
                "SELECT o.state, o.standing, o.total_minor, o.cancelled_at IS NOT NULL, l.units, p.captured_minor, "
                "p.order_id = o.id FROM orders o JOIN order_lines l ON l.order_id = o.id CROSS JOIN payments p"
            )
        )
        letters.shop.run(
            "DELETE FROM jobs; DELETE FROM inbox_events; DELETE FROM timeline_entries; DELETE FROM holds; "
            "DELETE FROM payments; DELETE FROM reversal_steps; DELETE FROM reversals; DELETE FROM order_lines; "
            "DELETE FROM orders"
        )

    assert endings == {("cancelling", "paid", 3200, True, 1, 3200, True)}


def test_a_body_of_an_order_that_stands_cancels_nothing_under_another_topic(letters):
    """The topic is a header, and headers are not signed: whoever has a genuine body may write another one around it."""
    letters.hear("shopify", "orders/create", order())

    assert letters.hear("shopify", "orders/cancelled", order())[0] == "taken"

    assert letters.shop.one("SELECT state, cancelled_at FROM orders") == ("received", None)
    # The store itself is asked how the order stands.
    assert letters.shop.rows("SELECT kind FROM jobs WHERE lane LIKE 'order/%' AND state = 'due'") == [("verify_order",)]


def test_an_old_word_on_a_parcel_takes_no_newer_one_back(letters):
    on_its_way(letters.shop)
    delivered = {"datetime": "2026-11-20T10:00:00Z", "status": "delivered"}
    letters.hear(
        "easypost", "tracker.updated", easypost_event("tracker.updated", tracker_body(status="delivered", tracking_details=[delivered]))
    )  # fmt: skip
    seen = letters.shop.one("SELECT carrier_status, seen_at, delivered_at, told_at FROM parcels")
    assert seen[0] == "delivered"

    old_scan = {"datetime": "2021-01-01T00:00:00Z", "status": "in_transit"}
    old = tracker_body(updated_at="2021-01-01T00:00:00Z", tracking_details=[old_scan])
    assert letters.hear("easypost", "tracker.updated", easypost_event("tracker.updated", old))[0] == "taken"
    bare = tracker_body(status="pre_transit", updated_at="2021-01-01T00:00:00Z", tracking_details=[])
    assert letters.hear("easypost", "tracker.updated", easypost_event("tracker.updated", bare))[0] == "taken"

    assert letters.shop.one("SELECT carrier_status, seen_at, delivered_at, told_at FROM parcels") == seen


def test_a_scan_from_far_ahead_does_not_make_every_later_one_look_old(letters):
    on_its_way(letters.shop)
    slip = [{"datetime": "2099-01-01T00:00:00Z", "status": "in_transit"}]
    letters.hear("easypost", "tracker.updated", easypost_event("x", tracker_body(tracking_details=slip)))

    true = [{"datetime": "2026-11-20T10:00:00Z", "status": "delivered"}]
    letters.hear(
        "easypost", "tracker.updated", easypost_event("x", tracker_body(status="delivered", tracking_details=true))
    )

    assert letters.shop.one("SELECT carrier_status FROM parcels") == "delivered"
    assert letters.records()["parcel_scans"] == 1


def test_old_payments_take_no_money_back(letters):
    letters.hear("stripe", "charge.refunded", stripe_event("charge.refunded", charge(), created=1_763_726_400))
    told = letters.shop.one("SELECT state, captured_minor, refunded_minor, as_of FROM payments")
    assert told[:3] == ("part_refunded", 3200, 500)

    for topic, thing in (
        ("payment_intent.processing", intent(status="processing", amount_received=0)),
        ("payment_intent.succeeded", intent()),
        ("charge.refunded", charge(amount_refunded=100)),
    ):
        assert letters.hear("stripe", topic, stripe_event(topic, thing, created=1_500_000_000))[0] == "taken"

    assert letters.shop.one("SELECT state, captured_minor, refunded_minor, as_of FROM payments") == told


# ------------------------------------------------------------------------------------------- unknown words


def test_a_dispute_that_ends_in_an_unknown_way_still_holds(letters):
    letters.hear("shopify", "orders/create", order())
    letters.hear("stripe", "payment_intent.succeeded", stripe_event("x", intent()))
    letters.hear("stripe", "charge.dispute.created", stripe_event("x", dispute()))

    letters.hear(
        "stripe", "charge.dispute.closed", stripe_event("x", dispute(status="arbitrated"), created=1_763_726_500)
    )

    assert letters.shop.rows("SELECT kind, state FROM holds") == [("dispute", "open")]
    assert letters.shop.one("SELECT disputed FROM payments") is True


@pytest.mark.parametrize("topic", ["orders/teleported", "", "x" * 255, "checkouts/create"])
def test_a_topic_that_we_do_not_know_is_ignored_with_the_reason(letters, topic):
    state, reason = letters.hear("shopify", topic, order())

    assert (state, "not act" in reason) == ("ignored", True)
    assert set(letters.records().values()) == {0}


def test_an_unknown_standing_of_the_money_is_shown_as_unknown(letters):
    letters.hear("shopify", "orders/create", order(financial_status="paid_in_chickens"))

    assert letters.shop.one("SELECT standing FROM orders") == "unknown"
    assert letters.shop.story(1) == ["Order #1001 was placed: 2 units in 1 line, 32.00 USD, unknown."]
