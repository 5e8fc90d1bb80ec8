"""The one door for every vendor's webhooks."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from threading import Barrier

import pytest
from flask.testing import FlaskClient

from app import create_app
from config import boot
from integrations import registry
from jobs import bell, connect, runner
from records import database, inbox
from tests.shop import Shop, open_shop
from tests.world import eventually
from web import hooks

SECRET, PREVIOUS = "hush-now", "hush-before"
KEYS = {"shopify": "access_token", "stripe": "api_key", "easypost": "api_key"}
ACCOUNTS = {"shopify": "acme-store.myshopify.com", "stripe": "", "easypost": ""}
BODY = b'{"id": "evt_1", "type": "a.topic", "description": "a.topic"}'


@dataclass
class Door:
    """One tenant's connections, and how their vendors knock."""

    client: FlaskClient
    shop: Shop
    connections: dict[str, str]

    def address(self, vendor):
        return "/hooks/shopify" if vendor == "shopify" else f"/hooks/{vendor}/{self.connections[vendor]}"

    def knock(self, vendor, body=BODY, *, address="", secret=SECRET, **more):
        """A genuine delivery, or one signed with another secret; answers the status and what became of it."""
        headers = signed(vendor, body, secret) | more
        return self.post(address or self.address(vendor), body, headers)

    def post(self, address, body, headers):
        answered = self.client.post(address, data=body, headers={k: v for k, v in headers.items() if v is not None})
        return answered.status_code, answered.json["result"]

    def kept(self, columns="topic, delivery_id, state, duplicates"):
        return self.shop.rows(f"SELECT {columns} FROM inbox_events ORDER BY id")

    def jobs(self):
        return self.shop.rows("SELECT kind, lane, state FROM jobs WHERE kind = 'take_event' ORDER BY id")

    def read(self):
        """Run the jobs that read what was kept; answers what became of each event."""
        for _, lane, _ in self.jobs():
            runner.work_off(self.shop.services(), self.shop.tenant, lane)
        return self.shop.rows("SELECT state, reason FROM inbox_events ORDER BY id")


def signed(vendor, body, secret=SECRET, at=None):
    digest = lambda signed: hmac.new(secret.encode(), signed, hashlib.sha256)
    if vendor == "shopify":
        return {
            "X-Shopify-Hmac-Sha256": base64.b64encode(digest(body).digest()).decode(),
            "X-Shopify-Shop-Domain": ACCOUNTS["shopify"], "X-Shopify-Topic": "carts/update",
            "X-Shopify-Webhook-Id": "d-1",
        }  # fmt: skip
    if vendor == "stripe":
        stamp = str(int(time.time() if at is None else at))
        return {"Stripe-Signature": f"t={stamp},v1={digest(stamp.encode() + b'.' + body).hexdigest()}"}
    return {"X-Hmac-Signature": f"hmac-sha256-hex={digest(body).hexdigest()}"}


def connect_all(engine, settings, shop, accounts=ACCOUNTS):
    made = {}
    with database.transaction(engine, shop.tenant) as session:
        for vendor, account in accounts.items():
            secrets = {KEYS[vendor]: "sk_test_x", "webhook_secret": SECRET, "previous_webhook_secret": PREVIOUS}
            made[vendor] = connect.connect(
                session, shop.tenant, vendor=vendor, account=account, secrets=secrets, live=False,
                keyring=boot.keyring(settings),
            ).id  # fmt: skip
    return made


@pytest.fixture(scope="module")
def one_app(base_settings, base_engine):
    return create_app(base_settings)


@pytest.fixture
def app(one_app, engine):
    """One application for all tests here; it knows no connection of the test before."""
    one_app.extensions["known_connections"]._kept.clear()
    return one_app


@pytest.fixture
def door(client, engine, settings):
    shop = open_shop(engine)
    return Door(client, shop, connect_all(engine, settings, shop))


VENDORS = pytest.mark.parametrize("vendor", list(KEYS))


# ------------------------------------------------------------------------------------------- who may come in


def test_the_table_of_vendors_here_is_the_registry_s():
    assert set(registry.doors()) == set(KEYS)


@VENDORS
def test_a_genuine_delivery_is_kept_byte_for_byte_with_the_job_that_reads_it(door, vendor):
    assert door.knock(vendor) == (202, "kept")

    ((body, digest, kept_vendor, connection, state),) = door.kept("body, body_sha256, vendor, connection_id, state")
    assert (body, digest) == (BODY, hashlib.sha256(BODY).digest())
    assert (kept_vendor, connection, state) == (vendor, door.connections[vendor], "received")
    assert door.jobs() == [("take_event", "event/1", "due")]


@VENDORS
@pytest.mark.parametrize("secret", [SECRET, PREVIOUS])
def test_the_current_and_the_previous_secret_open_the_door(door, vendor, secret):
    assert door.knock(vendor, secret=secret)[0] == 202


@VENDORS
@pytest.mark.parametrize("secret", ["", "another", SECRET + "x"])
def test_no_other_secret_opens_it(door, vendor, secret):
    assert door.knock(vendor, secret=secret) == (401, "signature does not match")
    assert door.kept() == []
    assert door.jobs() == []


@VENDORS
@pytest.mark.parametrize(
    "signature",
    [
        "",
        "x",
        "=",
        "ä".encode().decode("latin-1"),
        "t=1,v1=",
        "t=²,v1=ff",
        "hmac-sha256-hex=",
        "A" * 8000,
        "\x7f",
        "t=,",
        ",",
    ],
)
def test_a_malformed_signature_is_refused_and_breaks_nothing(door, vendor, signature):
    header = registry.vendor(vendor).door.signature_header
    headers = {k: v for k, v in signed(vendor, BODY).items() if k.lower() != header} | {header: signature}

    assert door.post(door.address(vendor), BODY, headers)[0] == 401
    assert door.kept() == []


@VENDORS
def test_a_delivery_without_a_signature_is_refused(door, vendor):
    assert door.post(door.address(vendor), BODY, {"X-Shopify-Shop-Domain": ACCOUNTS["shopify"]})[0] == 401
    assert door.kept() == []


@VENDORS
def test_a_signature_of_other_bytes_is_refused(door, vendor):
    assert door.post(door.address(vendor), BODY + b" ", signed(vendor, BODY))[0] == 401
    assert door.kept() == []


@pytest.mark.parametrize(
    ("address", "vendor"),
    [
        ("/hooks/paypal", "shopify"), ("/hooks/paypal/x", "shopify"), ("/hooks/stripe/unknown", "stripe"),
        ("/hooks/easypost/unknown", "easypost"), ("/hooks/shopify/unknown", "shopify"), ("/hooks/stripe", "stripe"),
    ],
)  # fmt: skip
def test_nobody_s_address_is_not_found(door, address, vendor):
    assert door.knock(vendor, address=address)[0] == 404
    assert door.kept() == []


@pytest.mark.parametrize("shop", ["other.myshopify.com", "", "acme-store.myshopify.com.evil.com", "ACME", None])
def test_a_shop_that_is_not_connected_is_not_found(door, shop):
    assert door.knock("shopify", **{"X-Shopify-Shop-Domain": shop})[0] == 404


def test_the_address_of_one_vendor_s_connection_is_closed_to_another(door):
    address = f"/hooks/stripe/{door.connections['easypost']}"

    assert door.knock("stripe", address=address)[0] == 404
    assert door.kept() == []


def test_a_connection_that_was_ended_is_not_found(door, engine, monkeypatch):
    monkeypatch.setattr(hooks, "_CONNECTIONS_KEPT_S", 0.0)
    assert door.knock("stripe")[0] == 202

    with database.transaction(engine, door.shop.tenant) as session:
        connect.end(session, door.shop.tenant, door.connections["stripe"])

    assert door.knock("stripe", b'{"id": "evt_2"}')[0] == 404
    assert len(door.kept()) == 1


def test_a_delivery_belongs_to_the_tenant_of_its_connection(door, engine, settings):
    other = open_shop(engine, name="Other")
    theirs = connect_all(engine, settings, other, {"stripe": "", "easypost": ""})

    assert door.knock("stripe", address=f"/hooks/stripe/{theirs['stripe']}")[0] == 202

    assert door.kept("tenant_id, connection_id") == [(other.tenant, theirs["stripe"])]
    assert door.shop.rows("SELECT tenant_id FROM jobs WHERE kind = 'take_event'") == [(other.tenant,)]


@VENDORS
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_the_door_is_only_posted_to(door, vendor, method):
    assert (
        door.client.open(door.address(vendor), method=method, data=BODY, headers=signed(vendor, BODY)).status_code
        == 405
    )
    assert door.kept() == []


@pytest.mark.parametrize(("seconds", "status"), [(-240, 202), (-301, 401), (299, 202), (360, 401), (86_400, 401)])
def test_stripe_s_signature_is_good_for_five_minutes_both_ways(door, seconds, status):
    headers = signed("stripe", BODY, at=time.time() + seconds)

    assert door.post(door.address("stripe"), BODY, headers)[0] == status


# ------------------------------------------------------------------------------------------- how much


def test_a_body_of_exactly_the_limit_is_kept_and_one_byte_more_is_not(door, settings):
    limit = settings.hook_body_limit_bytes
    fits = b'{"id": "' + b"x" * (limit - 10) + b'"}'
    assert len(fits) == limit

    assert door.knock("shopify", fits) == (202, "kept")
    over = fits + b" "
    answered = door.client.post("/hooks/shopify", data=over, headers=signed("shopify", over))

    assert answered.status_code == 413
    assert door.kept("octet_length(body)") == [(limit,)]


@pytest.fixture(scope="module")
def gunicorn(base_settings, base_engine, tmp_path_factory):
    """The door as it is served for real; answers its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    log = tmp_path_factory.mktemp("gunicorn") / "log"
    process = subprocess.Popen(
        [sys.executable, "-m", "gunicorn", "--config", "python:config.server", "--bind", f"127.0.0.1:{port}",
        "app:create_app()"],
        cwd=Path(__file__).parents[2],
        env=os.environ | {
            "DATABASE_URL": base_settings.database_url, "REDIS_URL": base_settings.redis_url, "WEB_PROCESSES": "1",
            "SECRET_KEY": base_settings.secret_key.get_secret_value(), "HOOK_BODY_LIMIT_BYTES": "65536",
            "ENCRYPTION_KEYS": base_settings.encryption_keys[0].get_secret_value(),
        },
        stdout=log.open("w"), stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        eventually(lambda: _listens(port) or process.poll() is not None)
        assert process.poll() is None, log.read_text()
        yield port
    finally:
        process.terminate()
        process.wait(15)


def _listens(port):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.fixture
def raw(gunicorn):
    with socket.create_connection(("127.0.0.1", gunicorn), timeout=10) as connection:
        yield connection


def request_line(extra):
    return f"POST /hooks/shopify HTTP/1.1\r\nHost: localhost\r\nX-Shopify-Hmac-Sha256: x\r\n{extra}\r\n\r\n".encode()


def test_a_body_that_says_it_is_too_large_is_refused_before_it_is_sent(door, raw):
    raw.sendall(request_line("Content-Length: 10000000"))

    assert raw.recv(100).startswith(b"HTTP/1.1 413 ")


def test_an_endless_body_in_chunks_is_refused_when_the_limit_is_passed(door, raw):
    raw.sendall(request_line("Transfer-Encoding: chunked"))
    raw.settimeout(0.05)
    chunk = b"1000\r\n" + b"x" * 4096 + b"\r\n"
    sent, answer = 0, b""
    while not answer and sent < 10_000_000:
        raw.sendall(chunk)
        sent += 4096
        if sent > 65_536:
            try:
                answer = raw.recv(100)
            except TimeoutError:
                continue

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert sent < 1_000_000


@pytest.mark.parametrize(("length", "status"), [(100, b"202"), (65_536, b"202"), (65_537, b"413")])
def test_a_genuine_body_in_chunks_is_kept_up_to_the_limit(door, raw, length, status):
    body = b"x" * length
    headers = "".join(f"{name}: {value}\r\n" for name, value in signed("shopify", body).items())
    raw.sendall(
        f"POST /hooks/shopify HTTP/1.1\r\nHost: localhost\r\n{headers}Transfer-Encoding: chunked\r\n\r\n".encode()
        + f"{len(body):x}\r\n".encode() + body + b"\r\n0\r\n\r\n"
    )  # fmt: skip

    assert raw.recv(100).startswith(b"HTTP/1.1 " + status)
    assert door.kept("body") == ([(body,)] if status == b"202" else [])


# ------------------------------------------------------------------------------------------- once


@VENDORS
def test_the_same_delivery_again_is_answered_well_and_counted(door, vendor):
    assert [door.knock(vendor) for _ in range(3)] == [(202, "kept"), (200, "duplicate"), (200, "duplicate")]

    assert door.kept("duplicates") == [(2,)]
    assert len(door.jobs()) == 1


@pytest.mark.parametrize(
    ("changed", "result"),
    [
        pytest.param({"body": b'{"n": 2}'}, "duplicate", id="a-delivery-id-that-was-used"),
        pytest.param({"X-Shopify-Webhook-Id": "d-2"}, "duplicate", id="the-same-fact-under-another-delivery-id"),
        pytest.param({"X-Shopify-Webhook-Id": "d-2", "X-Shopify-Topic": "carts/create"}, "kept", id="another-topic"),
        pytest.param({"X-Shopify-Webhook-Id": "d-2", "body": b'{"n": 2}'}, "kept", id="another-fact"),
        pytest.param({"X-Shopify-Webhook-Id": None}, "duplicate", id="no-delivery-id-and-the-same-fact"),
    ],
)
def test_two_keys_tell_one_delivery_from_another(door, changed, result):
    door.knock("shopify")

    assert door.knock("shopify", **changed)[1] == result
    assert len(door.kept()) == len(door.jobs()) == (2 if result == "kept" else 1)


def test_the_same_delivery_at_another_connection_is_another(door, engine, settings):
    other = connect_all(engine, settings, open_shop(engine, name="Other"), {"stripe": ""})["stripe"]

    assert door.knock("stripe") == (202, "kept")
    assert door.knock("stripe", address=f"/hooks/stripe/{other}") == (202, "kept")


def test_a_delivery_that_arrives_sixteen_times_at_once_is_kept_once(app, door):
    start = Barrier(16)

    def knock(_):
        client = app.test_client()
        start.wait(10)
        return client.post("/hooks/shopify", data=BODY, headers=signed("shopify", BODY)).status_code

    with ThreadPoolExecutor(16) as pool:
        statuses = sorted(pool.map(knock, range(16)))

    assert statuses == [200] * 15 + [202]
    assert door.kept("duplicates") == [(15,)]
    assert len(door.jobs()) == 1


# ------------------------------------------------------------------------------------------- what is believed


@VENDORS
@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[]", b"null", b'{"id": "a\\u0000b"}', b'{"id": "\\ud800"}', b"[" * 100_000]
)
def test_a_signed_body_that_is_not_json_is_kept_and_parked_when_it_is_read(door, vendor, body):
    topic = {"X-Shopify-Topic": "orders/create"} if vendor == "shopify" else {}

    assert door.knock(vendor, body, **topic) == (202, "kept")

    ((state, reason),) = door.read()
    assert state == "parked"
    assert reason
    assert door.kept("body") == [(body,)]
    assert door.jobs() == [("take_event", "event/1", "done")]


@VENDORS
def test_a_topic_that_is_not_acted_on_is_kept_and_ignored_with_the_reason(door, vendor):
    door.knock(vendor)

    ((state, reason),) = door.read()
    assert state == "ignored"
    assert "not act" in reason


@pytest.mark.parametrize("topic", ["a\x01b", "ä".encode().decode("latin-1"), "x" * 5000, " "])
def test_a_topic_that_is_no_word_is_kept_without_one(door, topic):
    assert door.knock("shopify", **{"X-Shopify-Topic": topic}) == (202, "kept")
    assert door.kept("topic") == [("",)]


def test_only_what_tells_a_delivery_is_kept_of_its_headers(door):
    door.knock(
        "shopify",
        Cookie="session=1",
        Authorization="Bearer x",
        **{"X-Forwarded-For": "192.0.2.1", "User-Agent": "Shopify"},
    )

    ((headers,),) = door.kept("headers")
    assert set(headers) == {
        "x-shopify-hmac-sha256", "x-shopify-shop-domain", "x-shopify-topic", "x-shopify-webhook-id", "user-agent",
    }  # fmt: skip


def test_nothing_is_read_before_it_is_answered(door):
    """The door believes nothing: an order in the body is no order yet."""
    order = json.dumps({"id": 1, "admin_graphql_api_id": "gid://shopify/Order/1", "name": "#1"}).encode()

    door.knock("shopify", order, **{"X-Shopify-Topic": "orders/create"})

    assert door.shop.rows("SELECT id FROM orders") == []


# ------------------------------------------------------------------------------------------- trouble


def test_a_delivery_and_its_job_are_written_together_or_not_at_all(door):
    door.shop.run("CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''no''; END'")
    door.shop.run("CREATE TRIGGER refuse BEFORE INSERT ON jobs FOR EACH ROW EXECUTE FUNCTION refuse()")
    try:
        answered = door.client.post("/hooks/shopify", data=BODY, headers=signed("shopify", BODY))
    finally:
        door.shop.run("DROP FUNCTION refuse CASCADE")

    assert answered.status_code == 500
    assert door.kept() == []
    assert door.knock("shopify") == (202, "kept")
    assert (len(door.kept()), len(door.jobs())) == (1, 1)


def test_while_the_database_is_away_the_vendor_is_asked_to_send_again(app, door, tmp_path, monkeypatch):
    away = database.connect(f"postgresql://nobody@/nothing?host={tmp_path}", pool_size=1, role="web")
    monkeypatch.setitem(app.extensions, "letterbox", inbox.Letterbox(away))

    assert door.knock("shopify") == (503, "not kept, send it again")


@pytest.mark.parametrize("code", ["53100", "53300", "57P02", "40001", "25006"])
def test_a_database_that_is_full_or_failed_over_is_no_fault_of_the_door(door, code):
    """Disk full, too many connections, a crash, a serialisation failure, a server that may only read."""
    door.shop.run(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN RAISE EXCEPTION ''no'' USING ERRCODE = ''{code}''; END'"
    )
    door.shop.run("CREATE TRIGGER refuse BEFORE INSERT ON inbox_events FOR EACH ROW EXECUTE FUNCTION refuse()")
    try:
        answered = door.knock("shopify")
    finally:
        door.shop.run("DROP FUNCTION refuse CASCADE")

    assert answered == (503, "not kept, send it again")
    assert door.kept() == []
    assert door.knock("shopify") == (202, "kept")


def test_a_database_that_was_restarted_costs_no_delivery(door):
    assert door.knock("shopify")[0] == 202
    cut = door.shop.one(
        "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
        "WHERE query LIKE '%inbox_events%' AND application_name <> 'packline-tests' AND pid <> pg_backend_pid()"
    )
    assert cut >= 1

    assert door.knock("shopify", b'{"n": 2}', **{"X-Shopify-Webhook-Id": "d-2"}) == (202, "kept")


def test_a_redis_that_is_down_or_hangs_does_not_delay_the_answer(door, talkers):
    with socket.create_server(("127.0.0.1", 0)) as hung:
        for number, url in enumerate(["unix:///nowhere/redis.sock", f"redis://127.0.0.1:{hung.getsockname()[1]}/0"]):
            bell.set_up(url)
            door.knock("shopify", b"%d" % number, **{"X-Shopify-Webhook-Id": f"warm-{number}"})
            talkers.clear()
            assert door.knock("shopify", b"1%d" % number, **{"X-Shopify-Webhook-Id": f"d-{number}"})[0] == 202
            bell.flush(5)
            assert talkers == {"bell"}  # whoever answers never waits for Redis


def test_a_kept_delivery_rings_for_its_event_and_a_duplicate_does_not(door, redis_connection, settings):
    bell.set_up(settings.redis_url)
    door.knock("shopify")
    door.knock("shopify")
    assert bell.flush(5)

    assert [job.args for job in bell.queue("hooks", redis_connection).jobs] == [[door.shop.tenant, "event/1"]]


def test_a_new_secret_is_known_within_seconds(app, door, engine, settings, monkeypatch):
    monkeypatch.setattr(hooks, "_CONNECTIONS_KEPT_S", 3_600.0)  # however slow the machine is
    assert door.knock("stripe")[0] == 202
    with database.transaction(engine, door.shop.tenant) as session:
        connect.connect(
            session, door.shop.tenant, vendor="stripe", account="",
            secrets={"api_key": "sk_test_x", "webhook_secret": "rolled"},
            live=False, keyring=boot.keyring(settings),
        )  # fmt: skip
    assert door.knock("stripe", b'{"id": "evt_2"}', secret="rolled")[0] == 401

    app.extensions["known_connections"]._emptied_at -= hooks._CONNECTIONS_KEPT_S
    assert door.knock("stripe", b'{"id": "evt_2"}', secret="rolled")[0] == 202


def test_strangers_do_not_fill_the_memory(app, door):
    for number in range(50):
        door.knock("stripe", address=f"/hooks/stripe/unknown-{number}")

    assert len(app.extensions["known_connections"]._kept) == 0
