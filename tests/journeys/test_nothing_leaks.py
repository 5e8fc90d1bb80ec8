"""A whole run with words that stand nowhere else; afterwards they stand where they have to, and nowhere besides.

Logs (ours and the libraries', as JSON and as text, at every level), Redis (every command and everything kept), error
pages, metrics, process lists, timelines, audit lines and the reasons of jobs are searched for the buyer and for every
secret.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import io
import json
import logging
import os
import re
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
import structlog
from flask.testing import FlaskClient
from sqlalchemy import text

import tests.world
from config import logs
from integrations.ports import Permanent
from jobs import bell, desk, stages
from jobs.claims import Claim
from jobs.work import Work
from orders.reversing import Wish
from records import audit, database, users
from records.orders import Order
from records.tenants import Rules
from tests import patient, telltales
from tests.telltales import BUYER, EMAIL, NAME, PASSWORD, STREET, WRONG_PASSWORD, Parrot, told_in
from tests.world import World, eventually

# Where a buyer's words have to stand in the clear, and why; nothing else may hold them.
PLACES = {
    ("orders", "email"): "ops find an order by it",
    ("orders", "email_as_searched"): "what the search of it compares with, which PostgreSQL works out of it",
    ("orders", "phone"): "the carrier asks for it",
    ("orders", "ship_to"): "where the parcel goes",
    ("orders", "buyer_as_searched"): "what the search for its name compares with, which PostgreSQL works out of it",
    ("inbox_events", "body"): "what the vendor sent, byte for byte, until it is emptied",
    ("labels", "content"): "the paper that goes on the box",
}


@pytest.fixture(autouse=True)
def _own_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    """The world is opened with secrets that stand nowhere else."""
    for name, secret in {
        "TOKEN": telltales.SHOP_TOKEN, "HOOK_SECRET": telltales.SHOP_HOOKS, "STRIPE_KEY": telltales.STRIPE_KEY,
        "STRIPE_HOOK_SECRET": telltales.STRIPE_HOOKS, "EASYPOST_KEY": telltales.EASYPOST_KEY,
        "EASYPOST_HOOK_SECRET": telltales.EASYPOST_HOOKS, "BUYER": BUYER,
    }.items():  # fmt: skip
        monkeypatch.setattr(tests.world, name, secret)


@pytest.fixture
def written(world: World) -> Iterator[io.StringIO]:
    """All that is logged from now on by anybody in this process, at every level, in both forms."""
    root = logging.getLogger()
    before = (root.handlers[:], root.level)
    logs.set_up(world.settings.model_copy(update={"log_level": "DEBUG"}))
    paper = io.StringIO()
    ours = []
    for form in ("json", "text"):
        handler = logging.StreamHandler(paper)
        handler.setFormatter(logs.formatter(form))
        handler.addFilter(logs.may_be_written)
        ours.append(handler)
    root.handlers[:] = ours
    yield paper
    root.handlers[:], level = before
    root.setLevel(level)


@pytest.fixture
def parrot() -> Iterator[Parrot]:
    made = Parrot()
    yield made
    made.close()


@pytest.fixture
def rung(world: World, redis_connection: redis.Redis) -> Iterator[list[str]]:
    """Bells ring in a Redis that is listened to."""
    with telltales.overheard(world.settings.redis_url) as heard:
        bell.set_up(world.settings.redis_url)
        yield heard
        bell.flush(5)
        bell.set_up("")


def place(world: World, *lines: tuple[str, int], **more: Any) -> dict[str, Any]:
    return world.place(*lines, ship_to=BUYER, email=EMAIL, **more)


def refuse_all(world: World, parrot: Parrot, **vendors: bool) -> None:
    """From now on these vendors are the parrot."""
    world.services.origins = replace(world.services.origins, **dict.fromkeys(vendors, parrot.origin))


def personal_words(found: dict[tuple[str, str], set[str]]) -> dict[tuple[str, str], set[str]]:
    return {place: words & set(telltales.PERSONAL) for place, words in found.items() if words & set(telltales.PERSONAL)}


def assert_only_where_they_belong(world: World, also: dict[str, str] | None = None) -> None:
    """A buyer's words stand where they have to; a secret stands nowhere but sealed."""
    found = telltales.places(world.engine, also=also)
    elsewhere = {where: words for where, words in personal_words(found).items() if where not in PLACES}
    assert elsewhere == {}
    assert [where for where, words in found.items() if words - set(telltales.PERSONAL)] == []


# ---------------------------------------------------------------------------------------- a whole life


def test_a_whole_life_of_orders_tells_nobody_who_bought_and_by_which_keys(
    world: World, written: io.StringIO, rung: list[str], redis_connection: redis.Redis
) -> None:
    world.open_shop(rules=Rules(ship_when="authorised", capture_when_shipped=True))
    shipped = place(world, ("BAG", 2))
    world.settle()
    payable = place(world, ("BAG", 1), financial_status="pending")
    pay(world, payable, outcome="requires_capture")
    world.settle()
    for status in ("in_transit", "delivered"):
        scan(world, status)
    cancelled = place(world, ("BAG", 1), financial_status="pending")
    world.settle()
    world.control("POST", f"/shopify/orders/{cancelled['id']}/cancel", {"reason": "CUSTOMER"})
    world.settle()
    take_back(world, payable)
    troubles(world)
    world.hurry()
    world.settle()

    assert world.order(shipped).state == "fulfilled"
    assert world.order(cancelled).state == "cancelled"
    assert world.rows("SELECT count(*) FROM parcel_scans")[0].count > 0
    assert_the_log_is_clean(written, expect=("job ended", "delivery not genuine", '"by": "park"'))
    assert_redis_is_clean(rung, redis_connection)
    assert_only_where_they_belong(world)
    assert_timelines_tell_calls_without_bodies(world)
    assert_pages_for_machines_are_clean(world)
    assert secrets_can_be_opened(world)


def pay(world: World, placed: dict[str, Any], outcome: str) -> None:
    world.control("POST", "/stripe/payments", {
        "key": telltales.STRIPE_KEY, "amount": round(float(placed["total_price"]) * 100), "currency": "usd",
        "outcome": outcome, "metadata": {"order_name": placed["name"], "buyer": NAME, "email": EMAIL}})  # fmt: skip


def scan(world: World, status: str) -> None:
    code = world.rows("SELECT tracking_code FROM parcels ORDER BY id")[0].tracking_code
    world.control("POST", f"/easypost/trackers/{code}/move", {"status": status})
    world.settle()


def take_back(world: World, placed: dict[str, Any]) -> None:
    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, Wish(purpose="cancel"), by="person:Ann")
    world.settle()
    world.hurry_but_voids()
    world.settle()


def troubles(world: World) -> None:
    """Vendors that fail in every way, a delivery that nobody can read, and one that nobody signed."""
    for kind in ("5xx", "html", "broken_json", "cut"):
        world.fault(vendor="easypost", kind=kind, operation="shipment.create", times=1)
        world.fault(vendor="shopify", kind=kind, times=1)
        place(world, ("BAG", 1))
        world.settle()
        world.hurry()
        world.settle()
    body = json.dumps({"id": "no number", "email": EMAIL, "name": NAME, "shipping_address": BUYER}).encode()
    assert deliver(world, body, secret=telltales.SHOP_HOOKS).status_code == 202
    assert deliver(world, b"{" + body, secret=telltales.SHOP_HOOKS).status_code == 202
    assert deliver(world, body, secret="somebody else's").status_code == 401
    world.settle()
    assert len(world.rows("SELECT 1 FROM inbox_events WHERE state = 'parked'")) == 2


def deliver(world: World, body: bytes, *, secret: str) -> httpx.Response:
    signed = base64.b64encode(hmac.new(secret.encode(), body, hashlib.sha256).digest()).decode()
    headers = {
        "X-Shopify-Hmac-Sha256": signed, "X-Shopify-Topic": "orders/create", "X-Shopify-Shop-Domain": tests.world.SHOP,
        "X-Shopify-Webhook-Id": hashlib.sha256(body).hexdigest(), "Content-Type": "application/json",
    }  # fmt: skip
    return patient.post(f"{world.origin}/hooks/shopify?email={EMAIL}", content=body, headers=headers)


def assert_the_log_is_clean(
    written: io.StringIO, *, expect: tuple[str, ...], also: dict[str, str] | None = None
) -> None:
    said = written.getvalue()
    for line in expect:
        assert line in said
    assert len(said.splitlines()) > 4
    assert told_in(said, also=also) == set()


def assert_redis_is_clean(heard: list[str], connection: redis.Redis, also: dict[str, str] | None = None) -> None:
    bell.flush(5)
    kept = telltales.kept_in(connection)
    assert "jobs.runner.run_lane" in kept  # the bells that nobody answered here
    assert any("jobs.runner.run_lane" in command for command in heard)
    assert told_in(kept, also=also) == set()
    assert told_in("\n".join(heard), also=also) == set()


def assert_timelines_tell_calls_without_bodies(world: World) -> None:
    told = world.rows("SELECT sentence, details FROM timeline_entries")
    calls = [call for line in told for call in line.details.get("calls", [])]
    assert len(calls) > 5
    assert {frozenset(call) for call in calls} == {frozenset({"vendor", "verb", "outcome", "ms", "key"})}
    assert told_in("\n".join(f"{line.sentence} {line.details}" for line in told)) == set()


def assert_pages_for_machines_are_clean(world: World) -> None:
    for path in ("/metrics", "/healthz", "/readyz"):
        answer = patient.get(f"{world.origin}{path}?email={EMAIL}")
        assert answer.status_code == 200, path
        assert told_in(answer.text) == set()
    assert "packline_jobs_total" in patient.get(f"{world.origin}/metrics").text


def secrets_can_be_opened(world: World) -> bool:
    """The secrets are there, sealed: what was searched for is what there is to find."""
    opened = [
        world.services.keyring.open(bytes(row.sealed_secrets))
        for row in world.rows("SELECT sealed_secrets FROM connections")
    ]
    held = {secret for secrets in opened for secret in secrets.values()}
    return held >= {telltales.SHOP_TOKEN, telltales.STRIPE_KEY, telltales.EASYPOST_KEY, telltales.EASYPOST_HOOKS}


# ---------------------------------------------------------------------------------------- vendors that echo


def test_a_carrier_that_echoes_keys_and_addresses_is_quoted_without_them(
    world: World, written: io.StringIO, parrot: Parrot
) -> None:
    world.open_shop()
    refuse_all(world, parrot, easypost=True)
    place(world, ("BAG", 1))
    world.settle()
    world.hurry()
    world.settle()

    assert parrot.asked > 0
    (hold,) = world.rows("SELECT kind, reason, remedy FROM holds")
    assert hold.kind == "address"
    assert "EasyPost refused (422): No key …; •••, •••, •••" in hold.reason
    assert told_in(f"{hold}") == set()
    assert_the_log_is_clean(written, expect=("job ended",))
    assert_only_where_they_belong(world)


def test_a_store_that_echoes_its_token_is_quoted_without_it(world: World, written: io.StringIO, parrot: Parrot) -> None:
    world.open_shop()
    refuse_all(world, parrot, shopify=True)
    place(world, ("BAG", 1))
    world.settle()

    assert parrot.asked > 0
    (job,) = world.rows("SELECT reason FROM jobs WHERE state = 'parked'")
    assert job.reason.startswith("Shopify answered: No key •••; •••, •••, •••")
    assert_the_log_is_clean(written, expect=("job ended",))
    assert_only_where_they_belong(world)


def test_a_payment_provider_that_echoes_its_key_is_quoted_without_it(
    world: World, written: io.StringIO, parrot: Parrot
) -> None:
    world.open_shop(rules=Rules(ship_when="authorised", capture_when_shipped=True))
    placed = place(world, ("BAG", 1), financial_status="pending")
    pay(world, placed, outcome="requires_capture")
    refuse_all(world, parrot, stripe=True)
    world.settle()

    assert parrot.asked > 0
    reasons = " ".join(row.reason for row in world.rows("SELECT reason FROM jobs WHERE state IN ('parked', 'due')"))
    assert "Stripe refused: No key …; •••, •••, •••" in reasons
    assert_the_log_is_clean(written, expect=("job ended",))
    assert_only_where_they_belong(world)


@pytest.mark.parametrize(
    ("role", "ask"),
    [
        ("storefront", lambda vendor: vendor.read_order("gid://shopify/Order/1")),
        ("storefront", lambda vendor: list(vendor.read_variants())),
        ("payments", lambda vendor: vendor.read_payment("pi_1")),
        ("carrier", lambda vendor: vendor.track("trk_1")),
    ],
)
def test_a_refusal_is_quiet_before_any_job_can_write_it_down(world: World, parrot: Parrot, role: str, ask: Any) -> None:
    world.open_shop()
    placed = place(world, ("BAG", 1))
    world.settle()
    refuse_all(world, parrot, shopify=True, stripe=True, easypost=True)
    work = Work(services=world.services, claim=claim_about(world.order(placed)))

    with pytest.raises(Permanent) as refused:
        ask(getattr(work, role)(work.newest_connection(role)))

    failure = refused.value
    assert told_in(f"{failure} {failure!r} {failure.args} {failure.reason} {failure.remedy} {failure.code}") == set()
    assert "•••" in failure.reason


def claim_about(order: Order) -> Claim:
    fields: dict[str, Any] = {
        "id": 1, "tenant": order.tenant_id, "kind": "verify_order", "subject": f"order/{order.id}",
        "lane": f"order/{order.id}",
    }  # fmt: skip
    needed = {name: fields.get(name, 1) for name in Claim.__dataclass_fields__}
    return Claim(**needed)


# ---------------------------------------------------------------------------------------- faults of our own


class Unexpected(RuntimeError):
    """A library's, as far as a log can know."""


Unexpected.__module__ = "some_library.errors"


def break_off(world: World, how: str) -> None:
    """A fault whose words are somebody's."""
    told = f"no way to {STREET}, {NAME} <{EMAIL}>, asked with {telltales.SHOP_TOKEN} and {telltales.EASYPOST_HOOKS}"
    match how:
        case "value":
            raise ValueError(told)
        case "chain":
            try:
                raise KeyError(NAME)  # noqa: TRY301
            except KeyError as first:
                raise Unexpected(told) from first
        case "row":  # PostgreSQL repeats the whole row that broke a rule
            with database.transaction(world.engine, world.tenant) as session:
                session.execute(text("UPDATE orders SET currency = NULL"))
        case "parameter":
            with database.transaction(world.engine, world.tenant) as session:
                session.execute(text("SELECT cast(:street AS integer)"), {"street": STREET})
        case "model":
            Rules.model_validate({"ship_when": STREET, "label_format": telltales.SHOP_TOKEN})
        case "group":
            raise ExceptionGroup(told, [ValueError(told)])


@pytest.mark.parametrize("how", ["value", "chain", "row", "parameter", "model", "group"])
def test_a_fault_in_a_job_is_told_with_its_place_and_without_its_words(
    world: World, written: io.StringIO, rung: list[str], redis_connection: redis.Redis,
    monkeypatch: pytest.MonkeyPatch, how: str,
) -> None:  # fmt: skip
    world.open_shop()
    as_ever = stages.run
    monkeypatch.setattr(
        stages, "run", lambda work: as_ever(work) if work.claim.kind == "take_event" else break_off(world, how)
    )
    place(world, ("BAG", 1))
    world.settle()

    assert_the_log_is_clean(written, expect=("fault in Packline", "in break_off"))
    (job,) = world.rows("SELECT cause, reason FROM jobs WHERE cause = 'fault'")
    assert job.reason == "Packline met a fault of its own; the log has the details."
    assert_redis_is_clean(rung, redis_connection)
    assert_only_where_they_belong(world)


def test_what_ends_a_process_is_told_without_its_words(written: io.StringIO, capfd: pytest.CaptureFixture[str]) -> None:
    def life() -> None:
        with logs.last_words():
            raise ValueError(f"{NAME} {telltales.STRIPE_KEY}")

    with pytest.raises(SystemExit) as ended:
        life()

    assert ended.value.code == 1
    assert_the_log_is_clean(written, expect=("process ended by a fault", "ValueError: (its words"))
    assert told_in(capfd.readouterr().err) == set()


def test_libraries_write_nothing_below_a_warning_and_no_key_above_it(written: io.StringIO) -> None:
    for name in ("httpx", "stripe", "easypost", "urllib3.connectionpool", "sqlalchemy.engine", "a.new.library"):
        library = logging.getLogger(name)
        library.setLevel("DEBUG")
        library.info("GET https://api.example/v1/search?email=%s", EMAIL)
        library.warning(
            "retrying with Authorization: Bearer %s to https://u:%s@h/p?q=%s", telltales.SHOP_TOKEN, "pass", EMAIL
        )
        library.error("failed", exc_info=ValueError(STREET))
        library.setLevel("WARNING")

    said = written.getvalue()
    assert told_in(said) == set()
    assert said.count("retrying with Authorization: Bearer") == 12
    assert "GET https" not in said
    assert "://u:pass@" not in said


def test_a_log_line_stays_one_line_and_steers_no_terminal(written: io.StringIO) -> None:
    log = structlog.get_logger("web.test")
    log.warning("sign-in refused", name="x\n2026-01-01 [info] signed in actor=root\r\x1b[2J\x9b31m")

    lines = written.getvalue().splitlines()
    assert len(lines) == 2  # one as JSON, one as text
    assert not any(char in written.getvalue() for char in "\x1b\x9b\r")


# ---------------------------------------------------------------------------------------- people and pages


@pytest.fixture
def browser(world: World) -> FlaskClient:
    with database.across_tenants(world.engine, why="test") as session:
        users.add(session, "Grace", PASSWORD)
    return world.door.test_client()


def token_of(client: FlaskClient, path: str = "/ops/sign-in") -> str:
    return re.search(r'name="csrf_token" value="([^"]+)"', client.get(path).text).group(1)


def sign_in(client: FlaskClient, **fields: str) -> Any:
    return client.post("/ops/sign-in", data={"csrf_token": token_of(client), **fields})


def test_a_sign_in_leaves_no_password_no_cookie_and_no_guess_behind(
    world: World, written: io.StringIO, rung: list[str], redis_connection: redis.Redis, browser: FlaskClient
) -> None:
    bell.ring("orders", 1, "order/1")
    assert sign_in(browser, name="Grace", password=WRONG_PASSWORD).status_code == 403
    # A password in the field for the name happens to everybody once.
    assert sign_in(browser, name=PASSWORD, password="").status_code == 403
    assert sign_in(browser, name=EMAIL, password=WRONG_PASSWORD).status_code == 403
    welcomed = sign_in(browser, name="Grace", password=PASSWORD)
    assert welcomed.status_code == 303

    cookies = {
        f"cookie {number}": line.partition("=")[2].partition(";")[0]
        for number, line in enumerate(welcomed.headers.getlist("Set-Cookie"))
    }
    assert cookies
    assert_the_log_is_clean(written, expect=("sign-in refused", "signed in"), also=cookies)
    assert_redis_is_clean(rung, redis_connection, also=cookies)
    assert_only_where_they_belong(world, also=cookies)
    with world.reading() as session:
        told = [*audit.newest(session, audit.THE_HOUSE), *audit.newest(session, world.tenant)]
    assert told_in(" ".join(f"{vars(line)}" for line in told), also=cookies) == set()


def test_a_page_that_breaks_shows_and_logs_none_of_its_words(
    world: World, written: io.StringIO, browser: FlaskClient
) -> None:
    world.open_shop()
    sign_in(browser, name="Grace", password=PASSWORD)
    for how in ("value", "chain", "row", "model"):
        world.door.view_functions["work.shown"] = lambda how=how: break_off(world, how)
        answer = browser.get(f"/ops/work?next={EMAIL}", headers={"Referer": f"http://localhost/?q={EMAIL}"})
        assert answer.status_code == 500
        assert told_in(answer.text) == set()
        assert "Traceback" not in answer.text
    assert_the_log_is_clean(written, expect=("fault in a page", "in break_off"))


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", f"/ops/{EMAIL}/{STREET}?q={NAME}", 404),
        ("DELETE", "/ops/work", 405),
        ("POST", f"/ops/sign-in?email={EMAIL}", 400),
        ("POST", "/ops/sign-in", 413),
        ("GET", "/hooks/shopify", 405),
        ("POST", "/hooks/shopify", 401),
        ("POST", f"/hooks/shopify/{telltales.SHOP_HOOKS}", 404),
    ],
)
def test_no_error_page_repeats_what_it_was_asked(
    world: World, written: io.StringIO, method: str, path: str, status: int
) -> None:
    size = world.settings.hook_body_limit_bytes + 1 if status == 413 else 0
    body = EMAIL.encode() + b"=" + b"x" * size
    answer = world.door.test_client().open(
        path, method=method, data=body, content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == status
    assert told_in(answer.data) == set()
    assert told_in(written.getvalue()) == set()


def test_the_search_finds_what_is_there_to_be_found(world: World, redis_connection: redis.Redis) -> None:
    """Each means of searching is tried on a leak of our own making."""
    for word in (NAME, telltales.SHOP_TOKEN, telltales.EASYPOST_HOOKS, telltales.PHONE):
        for form in (word, word.upper(), json.dumps({"a": word}), base64.b64encode(b"ab" + word.encode() + b"c")):
            assert told_in(form), form
    redis_connection.hset("a", "b", NAME)
    assert "name" in told_in(telltales.kept_in(redis_connection))
    with telltales.overheard(world.settings.redis_url) as heard:
        redis_connection.set("c", EMAIL)
    assert "email" in told_in("\n".join(heard))
    world.open_shop()
    place(world, ("BAG", 1))
    world.settle()
    found = personal_words(telltales.places(world.engine))
    assert set(found) == set(PLACES)


# ---------------------------------------------------------------------------------------- real processes


@pytest.mark.drill
@pytest.mark.parametrize("form", ["json", pytest.param("text", marks=pytest.mark.long)])
def test_real_processes_write_and_show_nothing_either(
    world: World, redis_connection: redis.Redis, tmp_path: Path, form: str
) -> None:
    """gunicorn with an access log, workers and the clock, as they are started, at the most talkative level."""
    port = free_port()
    world.origin = f"http://127.0.0.1:{port}"
    with telltales.overheard(world.settings.redis_url) as heard, ExitStack() as stack:
        start = partial(started, stack, world, tmp_path, form)
        gunicorn = "-m gunicorn --config python:config.server --access-logfile - --log-level debug"
        pids = [
            start("web", *gunicorn.split(), "--bind", f"127.0.0.1:{port}", "app:create_app()"),
            start("worker", ENTRY),
            start("clock", "-m", "cli", "clock"),
        ]
        eventually(lambda: answers(f"{world.origin}/healthz"), within_s=90)
        world.open_shop()
        placed = place(world, ("BAG", 1))
        eventually(lambda: arrived(world) and world.order(placed).state == "fulfilled", within_s=90)
        broken = place(world, ("BAG", 1), note="break the next job")
        eventually(lambda: world.rows("SELECT 1 FROM jobs WHERE cause = 'fault'"), within_s=90)
        assert deliver(world, json.dumps({"email": EMAIL}).encode(), secret="nobody's").status_code == 401
        for path in (f"/ops/nowhere?email={EMAIL}&q={NAME}", f"/metrics?email={EMAIL}&id_token=eyJhbGciOiJ.eyJz.c2ln"):
            assert (
                told_in(patient.get(f"{world.origin}{path}", headers={"Referer": f"http://x/?q={STREET}"}).text)
                == set()
            )
        listed = "\n".join(lines_of_process_list(pids))
        kept = telltales.kept_in(redis_connection)

    assert broken["name"] != placed["name"]
    for name, expected in {"web": "/hooks/shopify", "worker": "fault in Packline", "clock": ""}.items():
        said = (tmp_path / f"{name}.log").read_text()
        assert expected in said, name
        assert told_in(said) == set(), name
        assert "eyJhbGciOiJ" not in said
    assert "GET /metrics" in (tmp_path / "web.log").read_text()  # the access log is there, without its queries
    assert "packline" in listed or "cli" in listed
    assert told_in(listed) == set()
    assert world.settings.secret_key.get_secret_value() not in listed
    assert told_in(kept + "\n".join(heard)) == set()
    assert "run_lane" in "\n".join(heard)


ENTRY = str(Path(__file__).with_name("breaking_worker.py"))
ROOT = Path(__file__).parents[2]


def started(stack: ExitStack, world: World, folder: Path, form: str, name: str, *words: str) -> int:
    settings = world.settings
    log = stack.enter_context((folder / f"{name}.log").open("wb"))
    process = subprocess.Popen(
        [sys.executable, *words], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT,
        env=os.environ | {
            "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "LOG_FORMAT": form,
            "SECRET_KEY": settings.secret_key.get_secret_value(), "LOG_LEVEL": "DEBUG", "WEB_PROCESSES": "1",
            "ENCRYPTION_KEYS": ",".join(key.get_secret_value() for key in settings.encryption_keys),
            "SHOPIFY_ORIGIN": settings.shopify_origin, "STRIPE_API_BASE": settings.stripe_api_base,
            "EASYPOST_API_BASE": settings.easypost_api_base, "JOB_LEASE_SECONDS": "3",
            "BREAK_WITH": json.dumps([STREET, NAME, EMAIL, telltales.SHOP_TOKEN]),
        },
    )  # fmt: skip
    stack.callback(ended, process)
    return process.pid


def ended(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(20)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


def answers(url: str) -> bool:
    try:
        return patient.get(url, timeout=2).status_code == 200
    except httpx.HTTPError:
        return False


def arrived(world: World) -> bool:
    return bool(world.rows("SELECT 1 FROM orders"))


def free_port() -> int:
    with socket.socket() as opened:
        opened.bind(("127.0.0.1", 0))
        return int(opened.getsockname()[1])


def lines_of_process_list(parents: list[int]) -> list[str]:
    """What `ps` shows of these processes and of all that they have started."""
    found, waiting = [], list(parents)
    while waiting:
        pid = waiting.pop()
        folder = Path(f"/proc/{pid}")
        found.append((folder / "cmdline").read_text().replace("\0", " ") + (folder / "comm").read_text())
        waiting += [int(child) for child in (folder / "task" / str(pid) / "children").read_text().split()]
    return found
