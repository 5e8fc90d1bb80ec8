"""The `packline` command: what each word does to the records, what it prints, and how it ends."""

from __future__ import annotations

import hashlib
import json
import logging
import os
import socket
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner, Result
from cryptography.fernet import Fernet
from rq import SimpleWorker
from rq.serializers import JSONSerializer
from shop import KEY, Shop, open_shop
from sqlalchemy import Connection as Held
from sqlalchemy import Engine, select, text

from cli import ELSEWHERE, main
from commands import verdicts
from config.keyring import Keyring
from demo import __main__ as demonstration
from integrations.nouns import Money, Rate
from integrations.nouns import Parcel as ParcelShape
from integrations.ports import Checkup
from jobs import bell, looking_at_keys
from jobs.queue import QUEUES
from records import database, users, walls
from records.inbox import InboxEvent
from records.jobs import Job
from records.orders import Hold
from records.shipments import Label, Parcel, Shipment
from records.tenants import Connection
from records.timeline import TimelineEntry

ROOT = Path(__file__).parents[1]
PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def _own_logs():
    """The command sets the process's logs up on a standard error that ends with it."""
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**kept)


@pytest.fixture
def surroundings(settings, engine, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests
    words = {
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.owner_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": "s" * 40,
        "ENCRYPTION_KEYS": KEY,
        "PUBLIC_URL": "https://pack.example.com",
        "LOG_LEVEL": "INFO",
        "LOG_FORMAT": "text",
        "SHOPIFY_ORIGIN": "",
        "STRIPE_API_BASE": "",
        "EASYPOST_API_BASE": "",
    }
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    return words


@pytest.fixture
def packline(surroundings, redis_connection):
    return lambda *words, **more: CliRunner().invoke(main, [str(word) for word in words], **more)


@pytest.fixture
def shop(engine) -> Shop:
    return open_shop(engine)


@pytest.fixture
def stranger(engine, shop) -> Shop:
    return open_shop(engine, name="Other")


def answered(result: Result):
    """The JSON document of a command that went well, and nothing beside it."""
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def refused(result: Result, *words: str) -> None:
    assert (result.exit_code, result.stdout) == (1, "")
    for word in words:
        assert word in result.stderr
    assert "Traceback" not in result.stderr


def job(shop: Shop, subject: str = "order/1", *, state: str = "parked", kind: str = "buy_label", **more) -> int:
    columns = {
        "kind": kind, "subject": subject, "lane": subject, "queue": "orders", "rank": 40, "state": state,
        "attempts": 3, "cause": "no_rates", "reason": "No carrier offers a rate.", "remedy": "Check the weight.",
    }  # fmt: skip
    return shop._insert(Job, **(columns | more))


def delivery(
    shop: Shop, *, body: bytes = b'{"id": 7, "email": "ada@example.com"}', state: str = "taken", **more
) -> int:
    columns = {
        "connection_id": shop.connection, "vendor": "shopify", "topic": "orders/create",
        "delivery_id": f"d{len(body)}{state}", "occasion": "", "body": body, "state": state,
        "body_sha256": hashlib.sha256(state.encode() + body).digest(),
        "headers": {"x-shopify-hmac-sha256": "XWmrwMey6OsLMeiZKwP4FppHH3cmAiiJJAweH5Jo4bM="},
    }  # fmt: skip
    return shop._insert(InboxEvent, **(columns | more))


def shipped(shop: Shop) -> int:
    """An order that has left Reno in one box, and had a hold."""
    reno = shop.location()
    order = shop.order((None, 2), state="fulfilled")
    shipment = shop._insert(Shipment, order_id=order, location_id=reno, state="announced")
    parcel = shop._insert(
        Parcel, order_id=order, shipment_id=shipment, carrier="USPS", tracking_code="9400110898825022579493",
        carrier_status="in_transit", contents={},
        shape=ParcelShape(weight_grams=720, length_mm=300, width_mm=220, height_mm=120),
    )  # fmt: skip
    price = Money(minor=712, currency="USD")
    shop._insert(
        Label, order_id=order, parcel_id=parcel, connection_id="c", attempt=1, state="bought", cost_minor=712,
        currency="USD", rate=Rate(remote_id="r", carrier="USPS", service="GroundAdvantage", price=price),
    )  # fmt: skip
    shop._insert(
        Hold, order_id=order, kind="address", state="released", reason="No such street.", remedy="Correct it.",
        set_by="packline", released_by="person:Grace",
    )  # fmt: skip
    shop._insert(
        TimelineEntry, order_id=order, actor="packline", kind="fact", sentence="Label bought.\x1b[31m", details={}
    )
    return order


# ------------------------------------------------------------------------------------------- how it answers


def test_help_names_every_command_and_every_exit_code(packline):
    shown = packline("--help")

    assert shown.exit_code == 0
    for word in (*ELSEWHERE, "demo", "connect", "worker", "clock", "web", "migrate", "sync", "tenants", "keys"):
        assert f"\n  {word} " in shown.stdout
    for promise in ("0 done", "1 refused, not found, or a check failed", "2 the command was not understood"):
        assert promise in " ".join(shown.stdout.split())


@pytest.mark.parametrize(
    "words",
    [
        ("orders", "list", "acme"),
        ("orders", "list", "1", "--state", "lost"),
        ("jobs", "show", "1", "99999999999999999999"),
        ("jobs", "retry", "1"),
        ("jobs", "retry", "1", "2", "--all", "--cause", "x", "--kind", "buy_label"),
        ("jobs", "retry", "1", "--all", "--cause", "x"),
        ("jobs", "discard", "1", "2"),
        ("jobs", "discard", "1", "2", "--reason", " "),
        ("no", "such"),
    ],
)
def test_what_cannot_be_meant_ends_with_2(packline, words):
    assert packline(*words).exit_code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("orders", "list", 9), ("orders", "show", 9, "#1001"), ("jobs", "list", 9), ("jobs", "show", 9, 1),
        ("jobs", "retry", 9, 1), ("jobs", "retry", 9, "--all", "--cause", "x", "--kind", "buy_label"),
        ("jobs", "discard", 9, 1, "--reason", "r"), ("hooks", "list", 9), ("hooks", "show", 9, 1),
        ("hooks", "replay", 9, 1), ("sync", 9),
    ],
)  # fmt: skip
def test_a_tenant_that_is_not_there_ends_with_1(packline, shop, words):
    refused(packline(*words), "there is no tenant 9")


def test_a_database_that_is_away_is_said_without_a_traceback(packline, monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")

    refused(packline("orders", "list", 1), "the database does not answer", "packline doctor")


def test_settings_that_cannot_be_right_are_said(packline, monkeypatch):
    monkeypatch.setenv("JOB_LEASE_SECONDS", "soon")

    refused(packline("jobs", "list", 1), "JOB_LEASE_SECONDS")


def test_the_installed_command_writes_a_table_without_colours_into_a_file(surroundings, shop):
    shop.order(name="#1001 [bold]\x1b[2J")

    shown = subprocess.run(
        [sys.executable, "-m", "cli", "orders", "list", str(shop.tenant)],
        env=os.environ | surroundings | {"PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert "#1001 [bold] [2J" in shown.stdout
    assert "\x1b" not in shown.stdout
    assert "24.00 USD" in shown.stdout


def test_a_worker_does_not_carry_the_pages():
    found = subprocess.run(
        [sys.executable, "-c", "import cli, sys; print([m for m in sys.modules if m == 'flask' or m == 'demo'])"],
        cwd=ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert found.stdout.strip() == "[]"


def test_the_demo_is_the_one_that_make_starts(packline, monkeypatch, tmp_path):
    asked = []
    monkeypatch.setattr(demonstration.main, "callback", lambda **words: asked.append(words) or sys.exit(1))

    ended = packline("demo", "--once", "--home", tmp_path)

    assert asked == [{"once": True, "no_orders": False, "home": tmp_path}]
    assert ended.exit_code == 1


# ------------------------------------------------------------------------------------------- orders


def test_orders_are_listed_newest_first_and_only_the_shop_s_own(packline, shop, stranger):
    first, second = shop.order((None, 2)), shop.order(state="verified")
    stranger.order()

    listed = answered(packline("orders", "list", shop.tenant, "--json"))

    assert [(one["id"], one["name"], one["state"]) for one in listed] == [
        (second, "#1002", "verified"), (first, "#1001", "released"),
    ]  # fmt: skip
    assert listed[1]["total"] == {"minor": 2400, "currency": "USD"}
    assert listed[1]["units"] == 2
    assert listed[1]["placed_at"] == "2026-11-21T12:00:00Z"


def test_orders_are_narrowed_by_state_hold_search_and_limit(packline, shop):
    held, free = shop.order(state="verified"), shop.order(state="fulfilled")
    shop._insert(Hold, order_id=held, kind="risk", reason="r", remedy="m", set_by="shopify")

    def ids(*words):
        return [one["id"] for one in answered(packline("orders", "list", shop.tenant, "--json", *words))]

    assert ids("--state", "fulfilled") == [free]
    assert ids("--state", "to_ship") == [held]
    assert ids("--hold", "risk") == ids("--hold", "any") == ids("--search", "#1001") == [held]
    assert ids("--hold", "stock") == []
    cut = packline("orders", "list", shop.tenant, "--limit", 1, "--json")
    assert [one["id"] for one in answered(cut)] == [free]
    assert "--limit" in cut.stderr


def test_an_order_is_shown_whole_and_without_its_buyer(packline, shop):
    order = shipped(shop)

    shown = answered(packline("orders", "show", shop.tenant, "#1001", "--json"))

    assert (shown["id"], shown["state"]) == (order, "fulfilled")
    assert [(hold["kind"], hold["state"], hold["released_by"]) for hold in shown["holds"]] == [
        ("address", "released", "person:Grace")
    ]
    assert [(line["sku"], line["units"], line["unplaced"]) for line in shown["lines"]] == [("BAG", 2, 2)]
    (shipment,) = shown["shipments"]
    (parcel,) = shipment["parcels"]
    assert (shipment["location"], shipment["state"]) == ("Reno", "announced")
    assert (parcel["tracking"], parcel["status"]) == ("9400110898825022579493", "in_transit")
    assert parcel["labels"][0]["cost"] == {"minor": 712, "currency": "USD"}
    assert [entry["sentence"] for entry in shown["timeline"]] == ["Label bought.\x1b[31m"]
    table = packline("orders", "show", shop.tenant, "1001")
    assert table.exit_code == 0
    for word in ("fulfilled", "9400110898825022579493", "7.12 USD", "GroundAdvantage", "No such street."):
        assert word in table.stdout
    assert "\x1b" not in table.stdout
    assert "Townsend" not in table.stdout + json.dumps(shown)


def test_another_label_is_asked_for_once_and_refused_for_what_is_on_the_road(packline, shop):
    order = shipped(shop)
    words = ("orders", "relabel", "1001", "--tenant", shop.tenant, "--reason", "it was smeared")
    refused(packline(*words), "The carrier says that the parcel is in transit")
    assert shop.rows("SELECT kind FROM jobs") == []
    shop.run("UPDATE parcels SET carrier_status = 'pre_transit'")

    asked = packline(*words)

    assert asked.exit_code == 0, asked.output
    assert shop.rows("SELECT kind, subject, lane, state FROM jobs") == [
        ("relabel_parcel", "parcel/1", f"order/{order}", "due")
    ]
    (line,) = shop.rows("SELECT actor, sentence FROM timeline_entries WHERE kind = 'person'")
    assert line[0] == "person:command line"
    assert line[1].endswith(": it was smeared")
    refused(packline(*words), "Another label was asked for already.")
    refused(packline(*words, "--parcel", 9), "say which parcel: 1")
    refused(packline("orders", "relabel", "1009", "--tenant", shop.tenant, "--reason", "x"), "has no order 1009")


def test_a_number_that_names_one_order_and_is_the_id_of_another_is_refused(packline, shop):
    first, second = shop.order(name="#2"), shop.order(name="#1")

    refused(packline("orders", "show", shop.tenant, "2"), f"order/{first} or order/{second}")
    assert answered(packline("orders", "show", shop.tenant, "order/2", "--json"))["name"] == "#1"
    assert answered(packline("orders", "show", shop.tenant, "#2", "--json"))["id"] == first


def test_an_order_is_cancelled_by_a_plan_that_is_shown_first(packline, shop):
    order = shop.order((None, 2), state="released")
    shop.order((None, 1), state="released")

    declined = packline("orders", "cancel", "#1001", "--tenant", shop.tenant, input="n\n")

    assert declined.exit_code == 1
    assert "2. Cancel the order in the store, which gives the money back." in declined.stdout
    assert (shop.state("orders", order), shop.rows("SELECT id FROM reversals")) == ("released", [])

    words = ("--reason", "buyer", "--note", "by phone", "--no-refund", "--no-tell", "--yes", "--json")
    begun = answered(packline("orders", "cancel", "1001", "--tenant", shop.tenant, *words))

    assert [step["kind"] for step in begun["steps"]] == ["stop_work", "cancel_in_store"]
    assert shop.state("orders", order) == "cancelling"
    assert shop.rows("SELECT purpose, reason, note, refund, tell_buyer, asked_by FROM reversals") == [
        ("cancel", "buyer", "by phone", False, False, "person:command line")
    ]
    assert shop.rows("SELECT kind, subject, state FROM jobs") == [("reverse_order", f"order/{order}", "due")]
    refused(packline("orders", "cancel", "1001", "--tenant", shop.tenant, "--yes", "--json"), "cancelling already")


def test_some_units_of_an_order_are_cancelled_by_sku(packline, shop):
    order = shop.order((None, 2), (None, 3), state="released")
    lines = [row[0] for row in shop.rows("SELECT id FROM order_lines ORDER BY id")]

    def cancel(*words):
        return packline("orders", "cancel", "1001", "--tenant", shop.tenant, "--yes", "--json", *words)

    for wrong in ("HAT=1", "BAG", "BAG=0", "BAG=x"):
        refused(cancel("--line", wrong), f"{wrong} is not SKU=UNITS of this order, which has BAG")
    refused(cancel("--line", "BAG=6"), "fewer units of BAG")
    begun = answered(cancel("--line", "BAG=3"))

    assert [step["kind"] for step in begun["steps"]] == ["refund_in_store", "plan_again"]
    assert shop.one("SELECT wanted FROM reversals") == {str(lines[0]): 2, str(lines[1]): 1}
    assert shop.state("orders", order) == "released"


@pytest.mark.parametrize("asked", ["#1001", "1001", "1", "order/1", "order/x", "99999999999999999999"])
def test_another_tenant_s_order_is_not_found(packline, shop, stranger, asked):
    shop.order()

    refused(packline("orders", "show", stranger.tenant, asked), f"tenant {stranger.tenant} has no order {asked}")


# ------------------------------------------------------------------------------------------- jobs


def test_jobs_are_listed_by_state_kind_and_cause(packline, shop, stranger):
    order = shop.order()
    parked = job(shop, f"order/{order}")
    due = job(shop, "order/8", state="due", cause="", kind="verify_order")
    job(stranger)

    def ids(*words):
        return [one["id"] for one in answered(packline("jobs", *words, shop.tenant, "--json"))]

    assert ids("list") == [due, parked]
    assert ids("list", "--state", "parked") == ids("parked") == ids("list", "--cause", "no_rates") == [parked]
    assert ids("list", "--kind", "verify_order") == ids("list", "--cause", "") == [due]
    listed = answered(packline("jobs", "parked", shop.tenant, "--json"))[0]
    assert (listed["order"], listed["reason"], listed["remedy"]) == (
        "#1001", "No carrier offers a rate.", "Check the weight.",
    )  # fmt: skip


def test_a_job_is_shown_with_every_time_it_was_asked_for(packline, shop):
    earlier, parked = job(shop, state="done", generation=1), job(shop, generation=2)

    shown = answered(packline("jobs", "show", shop.tenant, parked, "--json"))

    assert (shown["state"], shown["lane"], shown["cause"]) == ("parked", "order/1", "no_rates")
    assert [run["id"] for run in shown["runs"]] == [parked, earlier]
    assert "Check the weight." in packline("jobs", "show", shop.tenant, parked).stdout


def test_a_parked_job_is_tried_again_and_rung_for(packline, shop, redis_connection):
    order = shop.order()
    parked = job(shop, f"order/{order}")

    done = packline("jobs", "retry", shop.tenant, parked)

    assert (done.exit_code, done.stdout) == (0, "")
    assert shop.rows("SELECT state, attempts FROM jobs WHERE id = :id", id=parked) == [("due", 0)]
    assert shop.rows("SELECT actor, sentence FROM timeline_entries") == [
        ("person:command line", "Asked to try again: buy label.")
    ]
    assert redis_connection.llen("rq:queue:orders") == 1


def test_all_of_one_cause_and_kind_are_tried_again_and_no_others(packline, shop, stranger):
    alike = [job(shop, f"order/{shop.order()}") for _ in range(2)]
    other = [job(shop, "order/3", cause="403"), job(shop, "order/4", kind="void_label"), job(stranger)]

    done = packline("jobs", "retry", shop.tenant, "--all", "--cause", "no_rates", "--kind", "buy_label", "--json")

    assert answered(done) == {"retried": 2, "left": 0}
    assert [shop.state("jobs", id) for id in alike + other] == ["due", "due", "parked", "parked", "parked"]
    again = packline("jobs", "retry", shop.tenant, "--all", "--cause", "no_rates", "--kind", "buy_label")
    refused(again, "no parked buy_label job")


def test_a_job_that_is_not_parked_is_not_tried_again(packline, shop):
    done = job(shop, state="done")

    refused(packline("jobs", "retry", shop.tenant, done), f"job {done} is done")
    assert shop.state("jobs", done) == "done"


def test_a_job_is_given_up_with_its_reason(packline, shop):
    parked = job(shop, f"order/{shop.order()}")

    done = packline("jobs", "discard", shop.tenant, parked, "--reason", "shipped by hand", "--json")

    assert answered(done) == {"discarded": parked}
    assert shop.rows("SELECT state, reason FROM jobs") == [
        ("cancelled", "Discarded by person:command line: shipped by hand")
    ]
    refused(packline("jobs", "discard", shop.tenant, parked, "--reason", "again"), f"job {parked} is cancelled")


def test_another_tenant_s_job_is_neither_shown_nor_touched(packline, shop, stranger):
    parked = job(shop)

    for words in (("show",), ("retry",), ("discard", "--reason", "mine")):
        refused(packline("jobs", words[0], stranger.tenant, parked, *words[1:]), f"has no job {parked}")
    assert shop.state("jobs", parked) == "parked"


# ------------------------------------------------------------------------------------------- hooks


def test_deliveries_are_listed_by_vendor_and_state(packline, shop, stranger):
    taken, parked = delivery(shop), delivery(shop, state="parked", vendor="stripe", reason="total: missing")
    delivery(stranger)

    def ids(*words):
        return [one["id"] for one in answered(packline("hooks", "list", shop.tenant, "--json", *words))]

    assert ids() == [parked, taken]
    assert ids("--vendor", "shopify") == ids("--state", "taken") == [taken]
    assert "total: missing" in packline("hooks", "list", shop.tenant).stdout


def test_a_delivery_hides_its_buyer_unless_somebody_asks_which_is_logged(packline, shop):
    kept = delivery(shop)

    hidden = packline("hooks", "show", shop.tenant, kept, "--json")
    whole = packline("hooks", "show", shop.tenant, kept, "--whole", "--json")

    assert answered(hidden)["body"]["id"] == 7
    assert "ada@example.com" not in hidden.output
    assert "personal" not in hidden.stderr
    assert answered(whole)["body"] == {"id": 7, "email": "ada@example.com"}
    assert "personal data looked at" in whole.stderr
    for shown in (hidden, whole):
        assert answered(shown)["headers"] == {"x-shopify-hmac-sha256": "XWmrwMey…"}
    assert "ada@example.com" not in packline("hooks", "show", shop.tenant, kept).stdout


def test_a_delivery_that_is_no_json_does_not_steer_the_terminal(packline, shop):
    kept = delivery(shop, body=b"\x1b[2Jnot json")

    shown = packline("hooks", "show", shop.tenant, kept)

    assert "not json" in shown.stdout
    assert "\x1b" not in shown.stdout


def test_a_delivery_is_read_again_once(packline, shop, redis_connection):
    kept = delivery(shop, state="parked")

    assert answered(packline("hooks", "replay", shop.tenant, kept, "--json")) == {"replayed": kept}

    assert shop.state("inbox_events", kept) == "received"
    assert shop.rows("SELECT kind, subject, state FROM jobs") == [("take_event", f"event/{kept}", "due")]
    assert redis_connection.llen("rq:queue:hooks") == 1
    refused(packline("hooks", "replay", shop.tenant, kept), "is being read already")
    assert shop.one("SELECT count(*) FROM jobs") == 1


def test_another_tenant_s_delivery_is_neither_shown_nor_read_again(packline, shop, stranger):
    kept = delivery(shop)

    for word in ("show", "replay"):
        refused(packline("hooks", word, stranger.tenant, kept), f"has no delivery {kept}")
    assert shop.state("inbox_events", kept) == "taken"


# ------------------------------------------------------------------------------------------- users and tenants


def test_a_user_is_added_with_a_password_from_the_environment(packline, engine, monkeypatch):
    monkeypatch.setenv("PACKLINE_USER_PASSWORD", PASSWORD)

    added = answered(packline("users", "add", "Grace", "--password-from-env", "PACKLINE_USER_PASSWORD", "--json"))

    with users.Session(engine) as session:
        assert users.check(session, "grace", PASSWORD) == added["id"]
        assert users.check(session, "grace", "wrong") is None
    again = packline("users", "add", "GRACE", "--password-from-env", "PACKLINE_USER_PASSWORD")
    refused(again, "there is a user")


def test_a_user_is_added_with_a_password_that_is_typed_twice_and_never_shown(packline, engine):
    added = packline("users", "add", "Grace", input=f"{PASSWORD}\n{PASSWORD}\n")

    assert added.exit_code == 0, added.output
    assert PASSWORD not in added.output
    with users.Session(engine) as session:
        assert users.check(session, "Grace", PASSWORD) == int(added.stdout)


def test_a_user_without_a_good_password_is_not_added(packline, engine, monkeypatch):
    monkeypatch.setenv("WEAK", "short")

    refused(packline("users", "add", "Grace", "--password-from-env", "NOT_SET"), "NOT_SET holds no password")
    refused(packline("users", "add", "Grace", "--password-from-env", "WEAK"), "at least 8 characters")
    with users.Session(engine) as session:
        assert users.everybody(session) == []


def test_a_user_is_ended_and_stays_on_the_list(packline, engine, monkeypatch):
    monkeypatch.setenv("WORD", PASSWORD)
    packline("users", "add", "Grace", "--password-from-env", "WORD")

    assert answered(packline("users", "end", "grace", "--json")) == {"ended": "grace"}

    (listed,) = answered(packline("users", "list", "--json"))
    assert listed["name"] == "Grace"
    assert listed["ended_at"] is not None
    refused(packline("users", "end", "Grace"), "there is no user Grace")


def test_a_shop_is_added_connected_and_listed(packline, engine):
    tenant = int(packline("tenants", "add", "Acme").stdout)
    words = ("easypost", "--tenant", tenant, "--secret", "api_key=EZTKtest", "--secret", "webhook_secret=w")

    connected = answered(packline("connect", *words, "--json"))

    address = f"https://pack.example.com/hooks/easypost/{connected['connection']}"
    assert connected["webhooks"] == address
    assert answered(packline("tenants", "list", "--json")) == [
        {
            "tenant": tenant, "name": "Acme", "connection": connected["connection"], "vendor": "easypost",
            "account": "-", "mode": "test", "webhooks": address,
        }
    ]  # fmt: skip
    with engine.connect() as connection:
        sealed = connection.execute(select(Connection.sealed_secrets)).scalar_one()
    assert Keyring([KEY]).open(sealed) == {"api_key": "EZTKtest", "webhook_secret": "w"}
    refused(packline("connect", "easypost", "--tenant", 9, *words[3:]), "there is no tenant 9")
    refused(packline("sync", tenant), "no store connected")


# ------------------------------------------------------------------------------------------- doctor


def examined(result: Result) -> dict[str, str]:
    """The fix of every line that failed, by what was checked."""
    found = json.loads(result.stdout)
    assert found["ok"] == (result.exit_code == 0) == all(one["ok"] for one in found["checks"])
    assert [one for one in found["checks"] if one["ok"] == bool(one["fix"])] == []
    return {one["check"]: one["fix"] for one in found["checks"] if not one["ok"]}


def test_a_user_is_given_a_role_and_one_shop(packline, engine, shop, monkeypatch):
    monkeypatch.setenv("WORD", PASSWORD)
    words = ("--role", "warehouse", "--shop", shop.tenant, "--password-from-env", "WORD", "--json")

    added = answered(packline("users", "add", "Walter", *words))

    assert added == {"id": added["id"], "name": "Walter", "role": "warehouse", "shop": shop.tenant}
    assert answered(packline("users", "role", "walter", "ops", "--json")) == {"name": "walter", "role": "ops"}
    assert answered(packline("users", "shop", "walter", "--every", "--json")) == {"name": "walter", "shop": None}
    (listed,) = answered(packline("users", "list", "--json"))
    assert (listed["role"], listed["shop"], listed["second_factor"]) == ("ops", None, False)
    with users.Session(engine) as session:
        assert session.get(users.User, added["id"]).session_epoch == 2  # each change signs out


def test_a_role_or_shop_that_is_none_lets_nobody_in(packline, engine, shop, monkeypatch):
    monkeypatch.setenv("WORD", PASSWORD)
    word = ("--password-from-env", "WORD")

    assert packline("users", "add", "Walter", "--role", "owner", *word).exit_code == 2
    refused(packline("users", "add", "Walter", "--shop", 4711, *word), "there is no tenant 4711")
    assert packline("users", "shop", "Walter").exit_code == 2
    assert packline("users", "shop", "Walter", shop.tenant, "--every").exit_code == 2
    with users.Session(engine) as session:
        assert users.everybody(session) == []


def test_sessions_and_a_lost_phone_are_ended_by_name(packline, engine):
    with users.Session(engine) as session, session.begin():
        id = users.add(session, "Grace", PASSWORD)
        users.keep_second_factor(session, id, b"sealed", step=7)

    assert answered(packline("users", "end-sessions", "grace", "--json")) == {"signed_out": "grace"}
    assert answered(packline("users", "reset-second-factor", "grace", "--json")) == {"reset": "grace"}

    with users.Session(engine) as session:
        grace = session.get(users.User, id)
        assert (grace.session_epoch, grace.sealed_totp) == (3, None)
    for word in ("end-sessions", "reset-second-factor"):
        refused(packline("users", word, "Mallory"), "there is no user Mallory")
    refused(packline("users", "role", "Mallory", "ops"), "there is no user Mallory")


def written_down(shop: Shop, tenant: int | None = None) -> list[tuple[str, str]]:
    """The acts of the command line in a shop's book, and what they were about."""
    rows = shop.rows(
        "SELECT act, subject, actor, surface, outcome FROM audit_lines WHERE tenant_id = :of ORDER BY id",
        of=shop.tenant if tenant is None else tenant,
    )
    assert {tuple(row)[2:] for row in rows} <= {("person:command line", "command", "done")}
    return [(row[0], row[1]) for row in rows]


def test_what_is_changed_on_the_command_line_is_written_down_and_looking_is_not(packline, shop, monkeypatch):
    monkeypatch.setenv("WORD", PASSWORD)
    parked, other = (job(shop, f"order/{shop.order()}") for _ in range(2))
    kept = delivery(shop, state="parked")

    answered(packline("jobs", "retry", shop.tenant, parked, "--json"))
    answered(packline("jobs", "discard", shop.tenant, other, "--reason", "Ada called", "--json"))
    answered(packline("hooks", "replay", shop.tenant, kept, "--json"))
    answered(packline("tenants", "rules", shop.tenant, "--set", "label_format=ZPL", "--json"))
    for word in (("jobs", "list", shop.tenant), ("hooks", "list", shop.tenant), ("users", "list")):
        answered(packline(*word, "--json"))

    assert written_down(shop) == [
        ("jobs retry", f"jobs/{parked}"),
        ("jobs discard", f"jobs/{other}"),
        ("hooks replay", f"inbox/{kept}"),
        ("tenants rules", ""),
    ]
    refused(packline("jobs", "retry", shop.tenant, parked))
    assert len(written_down(shop)) == 4
    assert "Ada" not in str(shop.rows("SELECT details FROM audit_lines"))


def test_users_and_shops_are_written_into_their_own_books(packline, shop, monkeypatch):
    monkeypatch.setenv("WORD", PASSWORD)

    id = answered(packline("users", "add", "Grace", "--password-from-env", "WORD", "--json"))["id"]
    packline("users", "end-sessions", "Grace")
    packline("users", "end", "Grace")
    tenant = answered(packline("tenants", "add", "Third", "--json"))["tenant"]

    about = f"people/{id}"
    assert written_down(shop, 0) == [("users add", about), ("users end-sessions", about), ("users end", about)]
    assert written_down(shop, tenant) == [("tenants add", "")]
    assert PASSWORD not in str(shop.rows("SELECT audit_lines::text FROM audit_lines"))


def connect_carrier(shop: Shop, *, key: str = KEY, live: bool = False) -> None:
    with shop.transaction() as session:
        session.add(
            Connection(
                tenant_id=shop.tenant, id="carrier", vendor="easypost", role="carrier", account="", live=live,
                sealed_secrets=Keyring([key]).seal({"api_key": "k"}),
            )
        )  # fmt: skip


@pytest.fixture
def whole(shop, redis_connection):
    """An installation with nothing missing: every queue has a listener, and Redis is told what it must not do."""
    connect_carrier(shop)
    with database.across_tenants(shop.engine, why="test") as session:
        users.add(session, "Grace", PASSWORD)
    kept = redis_connection.config_get("maxmemory-policy")["maxmemory-policy"]
    redis_connection.config_set("maxmemory-policy", "noeviction")
    for name in QUEUES:
        opened = bell.queue(name, redis_connection)
        SimpleWorker([opened], connection=redis_connection, serializer=JSONSerializer, name=name).register_birth()
    yield shop
    redis_connection.config_set("maxmemory-policy", kept)


def test_the_doctor_finds_nothing_where_nothing_is_missing(packline, whole):
    looked = packline("doctor")

    assert looked.exit_code == 0, looked.output
    assert [line.split(":")[0] for line in looked.stdout.splitlines()] == [
        f"ok     {check}"
        for check in (
            "settings", "PUBLIC_URL", "Redis", "Redis memory", "workers", "database", "migrations", "walls", "due jobs",
            "secrets", "shops", "accounts", "users", "shopify's address", "stripe's address", "easypost's address",
        )
    ]  # fmt: skip
    assert examined(packline("doctor", "--json")) == {}


def test_the_doctor_names_everything_that_an_empty_installation_lacks(packline, engine, monkeypatch):
    monkeypatch.setenv("PUBLIC_URL", "http://pack.example.com")

    looked = packline("doctor", "--json")

    assert looked.exit_code == 1
    failed = examined(looked)
    assert set(failed) == {"PUBLIC_URL", "workers", "shops", "users"}
    assert failed["workers"] == "start `packline worker`, and keep it running"
    assert failed["users"] == "`packline users add NAME`"
    shown = packline("doctor").stdout
    assert shown.count("FAILS") == shown.count("       fix: ") == 4


def test_the_doctor_sees_a_queue_that_nobody_listens_to(packline, whole, redis_connection):
    SimpleWorker.find_by_key(
        "rq:worker:orders", connection=redis_connection, serializer=JSONSerializer
    ).register_death()

    looked = packline("doctor")

    assert looked.exit_code == 1
    assert "FAILS  workers: nobody listens to orders\n       fix: start `packline worker`" in looked.stdout


def test_the_doctor_sees_a_shop_without_a_carrier(packline, whole):
    whole.run("UPDATE connections SET ended_at = now() WHERE id = 'carrier'")

    assert examined(packline("doctor", "--json")) == {
        "shops": f"`packline connect easypost --tenant {whole.tenant} --secrets-from-env`"
    }


def test_the_doctor_repeats_what_was_found_wrong_with_an_account_until_it_is_mended(packline, whole):
    remark = '{"kind": "token", "sentence": "The access ends.", "remedy": "Connect again.", "mended": %s}'
    whole.run("UPDATE connections SET remarks = cast(:r AS jsonb) WHERE vendor = 'shopify'", r=f"[{remark % 'false'}]")
    assert examined(packline("doctor", "--json")) == {"accounts": "Connect again."}

    whole.run("UPDATE connections SET remarks = cast(:r AS jsonb) WHERE vendor = 'shopify'", r=f"[{remark % 'true'}]")
    assert examined(packline("doctor", "--json")) == {}


def test_the_doctor_sees_secrets_that_no_key_opens(packline, whole):
    whole.run("DELETE FROM connections WHERE id = 'carrier'")
    connect_carrier(whole, key=Fernet.generate_key().decode())

    failed = examined(packline("doctor", "--json"))

    assert set(failed) == {"secrets"}
    assert failed["secrets"].startswith("put the old key back at the end of ENCRYPTION_KEYS")


def test_the_doctor_sees_work_that_waits_too_long(packline, whole):
    whole.run("UPDATE jobs SET due_at = now() + interval '1 hour'")
    late = job(whole, state="due")
    whole.run("UPDATE jobs SET due_at = now() - interval '5 minutes' WHERE id = :id", id=late)

    assert set(examined(packline("doctor", "--json"))) == {"due jobs"}


def test_the_doctor_sees_a_redis_that_throws_bells_away_or_does_not_answer(
    packline, whole, redis_connection, monkeypatch
):
    redis_connection.config_set("maxmemory-policy", "allkeys-lru")
    assert set(examined(packline("doctor", "--json"))) == {"Redis memory"}

    monkeypatch.setenv("REDIS_URL", "redis://127.0.0.1:1")
    assert set(examined(packline("doctor", "--json"))) == {"Redis"}


def test_the_doctor_sees_calls_that_go_astray(packline, whole, monkeypatch):
    with closing(socket.socket()) as nobody:
        nobody.bind(("127.0.0.1", 0))  # bound and not listening: whoever comes is refused
        monkeypatch.setenv("EASYPOST_API_BASE", f"http://127.0.0.1:{nobody.getsockname()[1]}")
        assert examined(packline("doctor", "--json"))["easypost's address"].startswith("start what answers there")
        nobody.listen()
        assert examined(packline("doctor", "--json")) == {}
        whole.run("UPDATE connections SET live = true WHERE id = 'carrier'")
        failed = examined(packline("doctor", "--json"))

    assert failed["easypost's address"].startswith("empty EASYPOST_API_BASE")


def test_the_doctor_sees_a_database_of_another_shape_or_none(packline, whole, monkeypatch):
    current = whole.one("SELECT version_num FROM alembic_version")
    whole.run("UPDATE alembic_version SET version_num = '0000_older'")
    try:
        (told,) = examined(packline("doctor", "--json")).items()
        assert told == ("migrations", verdicts.MIGRATE.fix)
        assert "`packline migrate`. The tables' owner needs CREATEROLE" in told[1]
    finally:
        whole.run("UPDATE alembic_version SET version_num = :v", v=current)

    monkeypatch.setenv("DATABASE_URL", "postgresql://127.0.0.1:1/none")
    assert examined(packline("doctor", "--json")) == {"database": "start PostgreSQL, or correct DATABASE_URL"}


def test_the_doctor_says_which_settings_cannot_be_right(packline, monkeypatch):
    monkeypatch.setenv("LOG_FORMAT", "poem")

    looked = packline("doctor")

    assert looked.exit_code == 1
    assert "LOG_FORMAT" in looked.stdout
    assert "fix: " in looked.stdout


@pytest.mark.parametrize(
    ("url", "good"),
    [
        ("https://pack.example.com", True), ("http://127.0.0.1:8000", True), ("http://localhost:8000", True),
        ("http://[::1]:8000", True), ("http://pack.example.com", False), ("pack.example.com", False), ("", False),
    ],
)  # fmt: skip
def test_a_public_address_is_https_or_this_machine_s_own(url, good):
    assert verdicts.public_address(url).ok is good


def test_migrate_brings_the_database_up_and_says_so_beside_the_answer(packline, engine):
    done = packline("migrate")

    assert (done.exit_code, done.stdout, done.stderr) == (0, "", "The database is current.\n")
    with engine.connect() as connection:
        assert connection.execute(text("SELECT count(*) FROM alembic_version")).scalar_one() == 1


def test_migrate_says_whose_the_tables_are_where_it_may_not_touch_them(packline, engine, monkeypatch):
    monkeypatch.setenv("DATABASE_OWNER_URL", "")

    refused(packline("migrate"), '"packline" does not own the tables', "DATABASE_OWNER_URL")


def test_the_doctor_remarks_on_a_login_that_could_take_the_walls_down(packline, whole, settings, monkeypatch):
    assert wall_in(packline("doctor", "--json"))["advice"] == ""

    monkeypatch.setenv("DATABASE_URL", settings.owner_url)
    looked = packline("doctor", "--json")
    assert looked.exit_code == 0
    assert "is not bound by row-level security" in wall_in(looked)["says"]
    assert "CREATE ROLE packline LOGIN NOINHERIT" in wall_in(looked)["advice"]
    assert "better: have web and workers log in" in packline("doctor").stdout


def test_the_doctor_sees_a_wall_that_is_down(packline, whole):
    whole.run("ALTER TABLE orders NO FORCE ROW LEVEL SECURITY")
    try:
        failed = packline("doctor", "--json")
    finally:
        whole.run("ALTER TABLE orders FORCE ROW LEVEL SECURITY")

    assert set(examined(failed)) == {"walls"}
    assert "orders: row-level security is off" in wall_in(failed)["says"]


def wall_in(looked: Result) -> dict[str, str]:
    (line,) = [one for one in json.loads(looked.stdout)["checks"] if one["check"] == "walls"]
    return line


def test_a_shop_s_rules_are_shown_and_changed_and_a_wrong_one_changes_nothing(packline, shop):
    assert answered(packline("tenants", "rules", shop.tenant, "--json"))["refund_when_cancelled"] == "ask"

    found = answered(
        packline(
            "tenants", "rules", shop.tenant, "--set", "refund_when_cancelled=always",
            "--set", "capture_when_shipped=true", "--set", 'carriers=["USPS"]', "--json",
        )
    )  # fmt: skip
    assert (found["refund_when_cancelled"], found["capture_when_shipped"], found["carriers"]) == (
        "always",
        True,
        ["USPS"],
    )

    wrong = packline("tenants", "rules", shop.tenant, "--set", "refund_when_cancelled=perhaps", "--set", "tea=yes")
    refused(wrong, "refund_when_cancelled", "tea")
    assert answered(packline("tenants", "rules", shop.tenant, "--json")) == found


def test_when_a_token_ends_is_kept_with_its_connection(packline, shop):
    answered(
        packline(
            "connect", "easypost", "--tenant", shop.tenant, "--secret", "api_key=EZTK1", "--secret", "webhook_secret=x",
            "--expires", "2027-01-02", "--json",
        )
    )  # fmt: skip

    ends = shop.one(
        "SELECT token_expires_at FROM connections WHERE vendor = 'easypost' ORDER BY created_at DESC LIMIT 1"
    )
    assert ends.isoformat() == "2027-01-02T00:00:00+00:00"


@pytest.mark.parametrize("asked", ["look_at_successor", "look_again"])
def test_what_a_worker_renews_while_a_key_is_looked_at_is_not_put_back(packline, shop, engine, monkeypatch, asked):
    keyring = Keyring([KEY])
    shop.run(
        "INSERT INTO connections (tenant_id, id, vendor, role, account, live, sealed_secrets)"
        " VALUES (:tenant, 'stripe-1', 'stripe', 'payments', '', false, :sealed)",
        tenant=shop.tenant, sealed=keyring.seal({"api_key": "sk_test_old", "webhook_secret": "before"}),
    )  # fmt: skip
    monkeypatch.setenv("NEW_KEY", "sk_test_new")
    workers = []

    def look(*_given: object) -> Checkup:
        """A worker holds the row now, and ends once the command waits for it."""
        held = engine.connect()
        held.execute(
            text("UPDATE connections SET sealed_secrets = :s WHERE id = 'stripe-1'"),
            {"s": keyring.seal({"api_key": "sk_test_old", "webhook_secret": "renewed"})},
        )
        workers.append(threading.Thread(target=end_when_waited_for, args=(held, engine)))
        workers[-1].start()
        return Checkup(name="Acme", remote_account_id="acct_1", live=False)

    monkeypatch.setattr(looking_at_keys, asked, look)
    words = {
        "look_at_successor": ("rotate", shop.tenant, "stripe-1", "--key-from-env", "NEW_KEY"),
        "look_again": ("check", shop.tenant, "stripe-1"),
    }
    done = packline("connections", *words[asked])
    workers[0].join()

    assert done.exit_code == 0, done.output
    kept = keyring.open(bytes(shop.one("SELECT sealed_secrets FROM connections WHERE id = 'stripe-1'")))
    assert kept["webhook_secret"] == "renewed"
    assert kept["api_key"] == ("sk_test_new" if asked == "look_at_successor" else "sk_test_old")


def end_when_waited_for(held: Held, engine: Engine) -> None:
    until = time.monotonic() + 30
    waits = text("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%connections%'")
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as looking:
        while not looking.execute(waits).scalar_one() and time.monotonic() < until:
            time.sleep(0.02)
    held.commit()
    held.close()


def test_the_doctor_says_of_a_server_that_is_too_old_that_it_is_and_looks_no_further(packline, shop, monkeypatch):
    monkeypatch.setattr(walls, "NEEDED_VERSION", 990000)
    told = packline("doctor", "--json")
    found = {one["check"]: one for one in json.loads(told.stdout)["checks"]}
    assert told.exit_code == 1
    assert found["database"]["says"] == "answers, and is too old"
    assert "or newer is needed" in found["database"]["fix"]
    assert not {"migrations", "walls", "users"} & set(found)
