"""The door, knocked at by strangers, broken clients and clocks that are wrong: a clear status each time, and never 500."""

from __future__ import annotations

import base64
import hashlib
import hmac
import itertools
import os
import socket
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from test_hooks import ACCOUNTS, BODY, KEYS, SECRET, VENDORS, app, door, gunicorn, one_app, signed
from werkzeug.test import create_environ, run_wsgi_app

from integrations import registry
from tests.odd_input import BROKEN, QUICK
from tests.shop import Said

__all__ = ["app", "door", "gunicorn", "one_app"]

NUMBERS = itertools.count(1)


@pytest.fixture(scope="module", autouse=True)
def impatient():
    """The door that is served for real waits one second for a sender that has fallen silent, where it waits five."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("WEB_PATIENCE_SECONDS", "1")
        yield


def knock(app, path, body, headers, *, method="POST", length=None, **environ):
    """One request as a WSGI server would hand it over, whatever it holds; answers the status."""
    made = create_environ(path="/", method="POST", data=body)
    long = {"64 KB": "x" * 65_536}
    made.update({f"HTTP_{name.upper().replace('-', '_')}": long.get(value, value) for name, value in headers.items()})
    made.update({"PATH_INFO": path, "REQUEST_METHOD": method, **environ})
    if length is not None:
        made["CONTENT_LENGTH"] = length
    _, status, _ = run_wsgi_app(app.wsgi_app, made)
    return int(status.partition(" ")[0])


def counted(door):
    """How many deliveries were kept, how many jobs were asked for, and how many repeats were counted."""
    return door.shop.one(
        "SELECT (SELECT count(*) FROM inbox_events), (SELECT count(*) FROM jobs WHERE kind = 'take_event'), "
        "(SELECT coalesce(sum(duplicates), 0) FROM inbox_events)"
    )


# WSGI hands over what came on the wire as Latin-1: any byte may stand in a value.
latin_1 = st.text(st.characters(max_codepoint=255), max_size=60)
header_values = (
    latin_1
    | st.sampled_from(["", " ", "\x00", "a\x00b", "64 KB", "\xff" * 300, "1" * 500, "é", ",", "=", "\r\nX: y"])
)  # fmt: skip
header_names = st.sampled_from(
    [
        "X-Shopify-Topic", "X-Shopify-Webhook-Id", "X-Shopify-Event-Id", "X-Shopify-Triggered-At", "X-Shopify-Test",
        "X-Shopify-API-Version", "X-Hmac-Signature-V2", "X-Timestamp", "X-Path", "User-Agent", "Content-Encoding",
        "Transfer-Encoding", "Cookie", "Authorization", "Expect", "X-HTTP-Method-Override", "Accept",
    ]
)  # fmt: skip


# ------------------------------------------------------------------------------------------- strangers


@QUICK
@given(
    vendor=st.sampled_from(list(KEYS)),
    body=st.binary(max_size=300) | st.sampled_from(list(BROKEN)),
    signature=header_values,
    others=st.dictionaries(header_names, header_values, max_size=5),
)
def test_whatever_a_stranger_sends_is_refused_and_leaves_nothing(app, door, vendor, body, signature, others):
    body = BROKEN[body] if isinstance(body, str) else body
    headers = others | {registry.vendor(vendor).door.signature_header: signature}
    if vendor == "shopify":
        headers["X-Shopify-Shop-Domain"] = ACCOUNTS["shopify"]

    assert knock(app, door.address(vendor), body, headers) == 401
    assert counted(door) == (0, 0, 0)


def spoilt(vendor, body):
    """Signatures that are nearly right."""
    header = registry.vendor(vendor).door.signature_header
    right = next(value for name, value in signed(vendor, body).items() if name.lower() == header)
    digest = hmac.new(SECRET.encode(), body, hashlib.sha256)
    return {
        "truncated": right[:-1],
        "longer": right + "A",
        "upper case": right.upper(),
        "swapped case": right.swapcase(),
        "without its scheme": right.rpartition("=")[2] if vendor != "shopify" else right.rstrip("="),
        "another scheme": right.replace("v1=", "v0=").replace("sha256", "sha1") if vendor != "shopify" else "sha256=" + right,
        "several": f"{right},{right}",
        "another encoding": digest.hexdigest() if vendor == "shopify" else base64.b64encode(digest.digest()).decode(),
        "other digits": right.translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")).encode().decode("latin-1"),
        "white space inside": right[:20] + " " + right[20:],
        "nul inside": right[:20] + "\x00" + right[21:],
        "of the empty body": next(v for n, v in signed(vendor, b"").items() if n.lower() == header),
        "of no secret": next(v for n, v in signed(vendor, body, "").items() if n.lower() == header),
    }  # fmt: skip


@VENDORS
@pytest.mark.parametrize("how", list(spoilt("shopify", BODY)))
def test_a_signature_that_is_nearly_right_is_wrong(app, door, vendor, how):
    header = registry.vendor(vendor).door.signature_header
    headers = {name: value for name, value in signed(vendor, BODY).items() if name.lower() != header}

    assert knock(app, door.address(vendor), BODY, headers | {header: spoilt(vendor, BODY)[how]}) == 401
    assert counted(door) == (0, 0, 0)


@VENDORS
def test_white_space_around_a_signature_is_the_wires_and_no_forgery(app, door, vendor):
    header = registry.vendor(vendor).door.signature_header
    headers = {n: f" {v}\t" if n.lower() == header else v for n, v in signed(vendor, BODY).items()}

    assert knock(app, door.address(vendor), BODY, headers) == 202


@QUICK
@given(
    path=st.text(st.characters(max_codepoint=255), max_size=40).map(lambda text: f"/hooks/{text}")
    | st.sampled_from(["stripe", "easypost", "shopify"]).flatmap(
        lambda vendor: (
            latin_1 | st.sampled_from(["\x00", "a\x00b", "x" * 9_000, "../" * 40, "%00", "\xff\xfe", "é"])
        ).map(lambda connection: f"/hooks/{vendor}/{connection}")
    )
)
def test_an_address_that_is_nobody_s_is_not_found_whatever_stands_in_it(app, door, path):
    vendor = path.split("/")[2]
    headers = signed(vendor if vendor in KEYS else "stripe", BODY) | {"X-Shopify-Shop-Domain": "nobody.myshopify.com"}

    assert knock(app, path, BODY, headers) in {404, 308}
    assert counted(door) == (0, 0, 0)


@VENDORS
@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "BREW", ""])
def test_only_a_post_is_a_delivery(app, door, vendor, method):
    assert knock(app, door.address(vendor), BODY, signed(vendor, BODY), method=method) == 405
    assert counted(door) == (0, 0, 0)


@pytest.mark.parametrize("host", ["", "\xff\xfe", "a b", "evil.example:99999", "[::1", "x" * 9_000])
def test_a_host_that_is_none_is_no_fault_of_ours(app, door, host):
    assert knock(app, door.address("shopify"), BODY, signed("shopify", BODY, "another") | {"Host": host}) in {400, 401}
    assert counted(door) == (0, 0, 0)


# ------------------------------------------------------------------------------------------- vendors


@QUICK
@given(
    vendor=st.sampled_from(list(KEYS)),
    body=st.binary(min_size=1, max_size=300) | st.sampled_from(list(BROKEN)),
    others=st.dictionaries(header_names, header_values, max_size=5),
    kind=st.sampled_from(["application/json", "text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""]),
)  # fmt: skip
def test_what_is_signed_is_kept_byte_for_byte_once_whatever_else_stands_there(app, door, vendor, body, others, kind):
    body = BROKEN[body] if isinstance(body, str) else body
    body += b" %d" % next(NUMBERS)  # Shopify knows a fact by its body, and examples repeat
    events, jobs, repeats = counted(door)
    headers = (
        {"X-Shopify-Topic": "orders/create"}
        | others
        | {n: v for n, v in signed(vendor, body).items() if n != "X-Shopify-Topic"}
    )
    headers["X-Shopify-Webhook-Id"] = hashlib.sha256(body).hexdigest()

    first = knock(app, door.address(vendor), body, headers, CONTENT_TYPE=kind)
    again = knock(app, door.address(vendor), body, headers, CONTENT_TYPE=kind)

    assert (first, again) == (202, 200)
    assert counted(door) == (events + 1, jobs + 1, repeats + 1)
    assert door.shop.one("SELECT body FROM inbox_events ORDER BY id DESC LIMIT 1") == body


@pytest.mark.parametrize("vendor", ["shopify", "easypost"])
def test_a_delivery_of_years_ago_is_the_same_delivery(door, vendor):
    """Neither vendor signs a time: what tells an old delivery is that it was kept before."""
    assert door.knock(vendor)[0] == 202
    door.shop.run("UPDATE inbox_events SET received_at = now() - interval '3 years', state = 'taken'")

    assert door.knock(vendor) == (200, "duplicate")

    assert door.kept("state, duplicates") == [("taken", 1)]
    assert len(door.jobs()) == 1


def test_an_old_body_under_a_new_delivery_id_is_still_the_same_fact(door):
    """Delivery ids are headers, and headers are not signed."""
    order = {"X-Shopify-Topic": "orders/updated"}
    assert door.knock("shopify", **order)[0] == 202

    for number in range(5):
        assert door.knock("shopify", **order, **{"X-Shopify-Webhook-Id": f"forged-{number}"}) == (200, "duplicate")

    assert len(door.kept()) == len(door.jobs()) == 1


@pytest.fixture
def said(monkeypatch):
    """What Stripe's door writes to the log."""
    lines = Said()
    monkeypatch.setattr("integrations.payments.stripe.door.log", lines)
    return lines


@pytest.mark.parametrize(
    ("seconds", "status", "told"),
    [
        (-240, 202, False), (-301, 401, True), (299, 202, False), (360, 401, True), (86_400, 401, True),
        (-3 * 365 * 86_400, 401, True),
    ],
)  # fmt: skip
def test_a_clock_that_is_wrong_is_told_from_a_forgery(door, said, seconds, status, told):
    """Stripe signs anew for each of its retries, over days: what a wrong clock refuses comes again when it is right."""
    headers = signed("stripe", BODY, at=time.time() + seconds)

    assert door.post(door.address("stripe"), BODY, headers)[0] == status

    assert [line["event"] for line in said.lines] == (["stripe.signed_at_another_time"] if told else [])
    assert len(door.kept()) == (1 if status == 202 else 0)


def test_a_forger_is_not_told_that_the_clock_is_wrong(door, said):
    headers = signed("stripe", BODY, "another", at=time.time() - 400)

    assert door.post(door.address("stripe"), BODY, headers) == (401, "signature does not match")

    assert said.lines == []


# ------------------------------------------------------------------------------------------- on the wire


def head(vendor_headers, extra, path="/hooks/shopify"):
    lines = [f"{name}: {value}" for name, value in vendor_headers.items()] + extra
    return "\r\n".join([f"POST {path} HTTP/1.1", "Host: localhost", *lines, "", ""]).encode("latin-1")


def answer(port, *parts, pause_s=0.0, shut=False, wait_s=30.0):
    """What gunicorn answers to these bytes: the status, or None where it hangs up without a word."""
    with socket.create_connection(("127.0.0.1", port), timeout=wait_s) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause_s)
            if shut:
                connection.shutdown(socket.SHUT_WR)
            heard = connection.recv(200)
        except (ConnectionResetError, BrokenPipeError):  # it had heard enough
            heard = b""
    return int(heard.split()[1]) if heard else None


GENUINE = signed("shopify", BODY)
LENGTH = f"Content-Length: {len(BODY)}"


@pytest.mark.parametrize(
    ("parts", "statuses"),
    [
        pytest.param([head(GENUINE, [LENGTH]), BODY[:-1]], {400, None}, id="one-byte-short"),
        pytest.param([head(GENUINE, [LENGTH])], {400, None}, id="no-body-at-all"),
        pytest.param([head(GENUINE, ["Content-Length: 3"]), BODY], {401}, id="a-length-that-is-too-short"),
        pytest.param([head(GENUINE, ["Content-Length: -1"]), BODY], {400}, id="a-length-below-nothing"),
        pytest.param([head(GENUINE, ["Content-Length: ten"]), BODY], {400}, id="a-length-in-words"),
        pytest.param([head(GENUINE, ["Content-Length: 1e2"]), BODY], {400}, id="a-length-in-powers"),
        pytest.param([head(GENUINE, ["Content-Length: " + "9" * 30]), BODY], {400, 413}, id="an-endless-length"),
        pytest.param([head(GENUINE, [LENGTH, "Content-Length: 5"]), BODY], {400}, id="two-lengths"),
        pytest.param([head(GENUINE, [LENGTH, "Transfer-Encoding: chunked"]), BODY], {400}, id="length-and-chunks"),
        pytest.param([head(GENUINE, ["Transfer-Encoding: gzip"]), BODY], {400, 501}, id="an-encoding-of-the-transfer"),
        pytest.param([head(GENUINE, ["Transfer-Encoding: chunked"]), b"zz\r\n"], {400}, id="a-chunk-of-no-number"),
        pytest.param([head(GENUINE, ["Transfer-Encoding: chunked"]), b"5\r\nab"], {400, None}, id="a-chunk-cut-off"),
        pytest.param([head(GENUINE, ["Transfer-Encoding: chunked"]), b"2\r\nabcdef\r\n0\r\n\r\n"], {400}, id="a-chunk-too-long"),
        pytest.param([head(GENUINE, ["Transfer-Encoding: chunked"]), b"2\r\nab\r\n0\r\nBad Trailer\r\n\r\n"], {400}, id="a-bad-trailer"),
        pytest.param([head(GENUINE, ["Transfer-Encoding: chunked"]), b"-5\r\nabcde\r\n0\r\n\r\n"], {400}, id="a-chunk-below-nothing"),
        pytest.param([head(GENUINE, ["X-Long: " + "x" * 65_536, LENGTH]), BODY], {400, 431, None}, id="a-header-of-64-kb"),
        pytest.param([head(GENUINE, [f"X-{n}: y" for n in range(200)] + [LENGTH]), BODY], {400, 431, None}, id="two-hundred-headers"),
        pytest.param([head(GENUINE, ["X-Nul: a\x00b", LENGTH]), BODY], {400}, id="nul-in-a-header"),
        pytest.param([head(GENUINE, ["Bad Name: x", LENGTH]), BODY], {400}, id="a-name-with-a-blank"),
        pytest.param([head(GENUINE, [LENGTH], path="/hooks/stripe/" + "x" * 9_000), BODY], {400, 414, None}, id="an-endless-address"),
        pytest.param([head(GENUINE, [LENGTH], path="/hooks/stripe/%00"), BODY], {404}, id="nul-in-the-address"),
        pytest.param([head(GENUINE, [LENGTH], path="/hooks/stripe/%ff%fe"), BODY], {404}, id="no-utf-8-in-the-address"),
        pytest.param([b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + os.urandom(60)], {400, None}, id="tls"),
        pytest.param([b"\x00" * 100 + b"\r\n\r\n"], {400, None}, id="noughts"),
        pytest.param([b"POST /hooks/shopify\r\n\r\n"], {400, None}, id="no-version"),
    ],
)  # fmt: skip
def test_a_request_that_lies_about_itself_is_refused_and_leaves_nothing(door, gunicorn, parts, statuses):
    assert answer(gunicorn, *parts, shut=True) in statuses
    assert counted(door) == (0, 0, 0)


@pytest.mark.parametrize("kind", ["text/plain", "application/octet-stream", "application/json; charset=latin-1", ""])
def test_what_is_signed_is_kept_whatever_it_says_it_is(door, gunicorn, kind):
    extra = [LENGTH, f"Content-Type: {kind}", "Content-Encoding: gzip"]

    assert answer(gunicorn, head(GENUINE, extra), BODY) == 202
    assert door.kept("body") == [(BODY,)]


def test_a_topic_told_twice_and_a_signature_told_twice_are_not_believed(door, gunicorn):
    twice = f"X-Shopify-Hmac-Sha256: {GENUINE['X-Shopify-Hmac-Sha256']}"

    assert answer(gunicorn, head(GENUINE, [LENGTH, twice]), BODY) == 401
    assert counted(door) == (0, 0, 0)


def test_a_body_that_comes_in_drops_is_kept_and_one_that_stops_coming_is_let_go(door, gunicorn):
    assert (
        answer(gunicorn, head(GENUINE, [LENGTH]), *(BODY[n : n + 8] for n in range(0, len(BODY), 8)), pause_s=0.02)
        == 202
    )

    started = time.monotonic()
    assert answer(gunicorn, head(GENUINE, [LENGTH]), BODY[:10]) == 408
    assert time.monotonic() - started < 20
    assert len(door.kept()) == 1


@pytest.mark.parametrize(
    "begun", [head(GENUINE, [LENGTH]) + BODY[:10], b"POST /hooks/shopify HTTP/1.1\r\nHost: lo"], ids=["bodies", "heads"]
)
def test_those_who_hold_the_line_do_not_keep_the_door_from_others(door, gunicorn, begun):
    """As many as gunicorn has threads, and more, begin a request and say no more."""
    held = [socket.create_connection(("127.0.0.1", gunicorn), timeout=10) for _ in range(20)]
    try:
        for connection in held:
            connection.sendall(begun)
        time.sleep(0.2)
        started = time.monotonic()
        assert answer(gunicorn, head(GENUINE, [LENGTH]), BODY, wait_s=30) == 202
        assert time.monotonic() - started < 25
    finally:
        for connection in held:
            connection.close()
    assert len(door.kept()) == 1
