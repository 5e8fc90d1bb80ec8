"""Whatever Shopify, or the network before it, does with a call: the job hears what kind of failure it was, once."""

import gzip
import json
import socket

import pytest
from scripted_vendor import Answer
from shopify_calls import TOKEN, asked, client_of, errors, failure, told
from structlog.testing import capture_logs

from integrations.ports import Permanent, Temporary
from integrations.storefronts.shopify import transport


def test_a_question_goes_to_the_shops_graphql_with_its_token_and_comes_back_as_data(scripted, shopify, notes):
    scripted.script = [Answer({"data": {"order": {"fullyPaid": True}}})]

    assert asked(shopify) == {"order": {"fullyPaid": True}}

    (request,) = scripted.asked
    assert (request.method, request.path) == ("POST", "/admin/api/2026-10/graphql.json")
    assert request.headers["x-shopify-access-token"] == TOKEN
    assert request.headers["content-type"] == "application/json"
    assert request.json()["operationName"] == "ReadStanding"
    assert request.json()["variables"] == {"id": "gid://shopify/Order/1"}
    assert request.json()["query"].startswith("query ReadStanding")
    (note,) = notes
    assert (note.vendor, note.verb, note.outcome, note.key) == ("shopify", "ReadStanding", "ok", "")


def test_a_mutation_answers_its_payload_and_its_key_is_noted(scripted, shopify, notes):
    scripted.script = [Answer({"data": {"orderMarkAsPaid": {"order": {"id": "1"}, "userErrors": []}}})]

    assert told(shopify) == {"order": {"id": "1"}, "userErrors": []}
    assert (notes[0].verb, notes[0].outcome, notes[0].key) == ("MarkPaid", "ok", "k1")


def test_an_answer_in_gzip_is_read(scripted, shopify):
    body = gzip.compress(json.dumps({"data": {"order": None}}).encode())
    scripted.script = [Answer(body, headers={"Content-Encoding": "gzip"})]

    assert asked(shopify) == {"order": None}


def test_calls_share_one_connection_also_across_connectors(scripted, notes):
    scripted.script = [Answer({"data": {"order": None}}) for _ in range(4)]
    peers = set()
    original = scripted._server.process_request
    scripted._server.process_request = lambda request, address: (peers.add(address), original(request, address))

    for _ in range(4):
        asked(client_of(scripted.origin, notes))

    assert len(peers) == 1
    assert len(scripted.asked) == 4


@pytest.mark.parametrize(
    ("retry_after", "wait"), [("2.0", 2.0), ("7", 7.0), ("soon", None), ("1e9", 3600.0), ("nan", None)]
)
def test_too_many_calls_are_tried_again_when_shopify_says(scripted, shopify, notes, retry_after, wait):
    scripted.script = [Answer({"errors": "Exceeded"}, status=429, headers={"Retry-After": retry_after})] * 2

    assert failure(asked, shopify, Temporary).retry_in_s == wait
    assert failure(told, shopify, Temporary).outcome_unknown is False
    assert [note.outcome for note in notes] == ["429", "429"]


@pytest.mark.parametrize("status", [500, 502, 503, 504, 520, 530, 599])
def test_shopifys_own_errors_pass_and_leave_a_mutation_in_doubt(scripted, shopify, status):
    scripted.script = [Answer(b"<html>oops</html>", status=status)] * 2

    assert failure(asked, shopify, Temporary).outcome_unknown is False
    assert failure(told, shopify, Temporary).outcome_unknown is True


@pytest.mark.parametrize(
    ("status", "remedy"),
    [
        (400, "report"),
        (401, "Reconnect the store"),
        (402, "settle the bill"),
        (403, "access scopes"),
        (404, "shop domain"),
        (422, "report"),
        (423, "Shopify support"),
    ],
)
def test_a_refusal_is_shown_to_a_person_with_what_to_do(scripted, shopify, status, remedy):
    scripted.script = [Answer({"errors": "[API] Invalid API key or access token"}, status=status)] * 2

    for call in (asked, told):
        refused = failure(call, shopify, Permanent)
        assert (refused.code, remedy in refused.remedy) == (str(status), True)


def test_a_redirect_is_not_followed_with_the_token(scripted, shopify):
    scripted.script = [Answer(status=302, headers={"Location": f"{scripted.origin}/elsewhere"})]

    assert failure(asked, shopify, Permanent).code == "302"
    assert len(scripted.asked) == 1


@pytest.mark.parametrize(
    "body",
    [
        b"<html>Shopify is down for maintenance</html>",
        b"",
        b"{",
        b'{"data": ',
        b"[]",
        b"null",
        b"12",
        b"\xff\xfe{}",
        b"[" * 100_000,
        b'{"data": null}',
        b"{}",
    ],
)
def test_a_broken_answer_with_status_200_is_tried_again_and_leaves_a_mutation_in_doubt(scripted, shopify, body):
    scripted.script = [Answer(body)] * 2

    assert failure(asked, shopify, Temporary).outcome_unknown is False
    assert failure(told, shopify, Temporary).outcome_unknown is True


def test_a_torn_connection_leaves_only_a_mutation_in_doubt(scripted, shopify, notes):
    scripted.script = [Answer(drop=True)] * 2

    assert failure(asked, shopify, Temporary).outcome_unknown is False
    assert failure(told, shopify, Temporary).outcome_unknown is True
    assert {note.outcome for note in notes} == {"connection_lost"}


def test_half_an_answer_is_no_answer(scripted, shopify):
    scripted.script = [Answer(b'{"data": {', headers={"Content-Length": "500", "Connection": "close"})] * 2

    assert failure(asked, shopify, Temporary).outcome_unknown is False
    assert failure(told, shopify, Temporary).outcome_unknown is True


def test_an_answer_that_does_not_come_is_given_up_and_leaves_a_mutation_in_doubt(scripted, shopify, notes, monkeypatch):
    _with_pool(monkeypatch, READ_TIMEOUT_S=0.1)
    scripted.script = [Answer({}, after_s=0.4)] * 2

    assert failure(asked, shopify, Temporary).outcome_unknown is False
    assert failure(told, shopify, Temporary).outcome_unknown is True
    assert {note.outcome for note in notes} == {"timeout"}


def test_an_answer_that_drips_is_given_up(scripted, shopify, monkeypatch):
    monkeypatch.setattr(transport, "WHOLE_ANSWER_TIMEOUT_S", -1.0)
    scripted.script = [Answer({"data": {"order": None}})]

    assert failure(asked, shopify, Temporary).code == "answer_too_slow"


def test_an_endless_answer_is_given_up(scripted, shopify, monkeypatch):
    monkeypatch.setattr(transport, "MAX_ANSWER_BYTES", 1000)
    bomb = gzip.compress(b" " * 100_000)
    scripted.script = [Answer(b" " * 1001), Answer(bomb, headers={"Content-Encoding": "gzip"})]

    assert failure(asked, shopify, Temporary).code == "answer_too_large"
    assert failure(asked, shopify, Temporary).code == "answer_too_large"


def test_a_shop_that_cannot_be_reached_has_done_nothing(notes):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        shopify = client_of(f"http://127.0.0.1:{closed.getsockname()[1]}", notes)

        assert failure(told, shopify, Temporary).outcome_unknown is False
    assert [note.outcome for note in notes] == ["unreachable"]


@pytest.mark.parametrize(
    "origin",
    [
        "http://shopify.example",
        "http://127.0.0.1.example:80",
        "http://10.0.0.1",
        "ftp://127.0.0.1",
        "127.0.0.1:4000",
        "https://",
        "http://127.0.0.1:port",
    ],
)
def test_an_origin_that_would_send_the_token_in_the_clear_is_refused_by_the_name_of_its_setting(origin):
    with pytest.raises(Permanent) as refused:
        client_of(origin)

    assert "SHOPIFY_ORIGIN" in refused.value.reason + refused.value.remedy


@pytest.mark.parametrize(
    "origin", ["http://localhost:4000", "http://127.0.0.1:4000/", "http://[::1]:4000", "https://x"]
)
def test_an_origin_replaces_scheme_and_host_and_keeps_the_path(origin):
    assert client_of(origin)._url == f"{origin.rstrip('/')}/admin/api/2026-10/graphql.json"


def test_without_an_origin_the_shop_itself_is_asked():
    url = client_of("", shop="Packline.myshopify.com", version="2026-04")._url

    assert url == "https://packline.myshopify.com/admin/api/2026-04/graphql.json"


@pytest.mark.parametrize(
    "shop", ["", "evil.example", "packline.myshopify.com/x", "packline.myshopify.com.evil.example"]
)
def test_a_token_goes_to_a_shop_of_shopifys_only(shop):
    with pytest.raises(Permanent, match="shop domain"):
        client_of("", shop=shop)


@pytest.mark.parametrize("token", ["", "shpat with blanks", "shpat\r\nX-Evil: 1", "caf\u00e9"])
def test_a_malformed_token_asks_for_reconnecting(token):
    with pytest.raises(Permanent) as refused:
        client_of("", token=token)

    assert "Reconnect" in refused.value.remedy
    assert not token or token not in str(refused.value)


def test_a_version_that_shopify_no_longer_serves_is_told_once(scripted, notes):
    fallen = {"X-Shopify-API-Version": "2026-07"}
    scripted.script = [Answer({"data": {"order": None}}, headers=fallen) for _ in range(3)]
    shopify = client_of(scripted.origin, notes, version="2026-04")

    with capture_logs() as logs:
        for _ in range(3):
            asked(shopify)

    assert [(entry["event"], entry["log_level"], entry["answered"]) for entry in logs] == [
        ("shopify.version_differs", "warning", "2026-07")
    ]


def test_nothing_that_is_told_or_logged_holds_the_token_or_the_buyer(scripted, shopify, notes):
    scripted.script = [
        Answer(status=401),
        Answer(status=500),
        Answer(drop=True),
        Answer(b"<html>ada@example.com</html>"),
        errors("INTERNAL_SERVER_ERROR", data=None),
    ]

    with capture_logs() as logs:
        failures = [failure(told, shopify, Exception) for _ in range(5)]

    said = repr([(one.reason, getattr(one, "remedy", ""), one.code) for one in failures]) + repr(logs) + repr(notes)
    assert TOKEN not in said
    assert "ada@example.com" not in said
    assert all(one.__cause__ is None for one in failures)


def _with_pool(monkeypatch, **limits):
    for name, value in limits.items():
        monkeypatch.setattr(transport, name, value)
    monkeypatch.setattr(transport, "_pools", type(transport._pools)(most=1))
