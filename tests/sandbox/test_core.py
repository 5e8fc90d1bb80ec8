"""The sandbox's common ground: every call is logged, and every fault does what its name says."""

import socket
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection, RemoteDisconnected
from urllib.parse import urlsplit

import pytest

from tests.world import eventually

KEY = "EZTK_sandbox"
PARCEL = {"parcel": {"weight": 10.0}}


def post_parcel(sandbox, **more):
    return sandbox.call("POST", "/v2/parcels", PARCEL, key=KEY, **more)


def effects(sandbox) -> int:
    return sandbox.control("GET", "/calls?vendor=easypost&operation=parcel.create&effect=true")["count"]


def test_a_call_without_fault_is_logged_with_its_effect(sandbox):
    assert post_parcel(sandbox).status == 201
    assert sandbox.call("GET", "/v2/parcels/prcl_none", key=KEY).status == 404

    made, missed = sandbox.calls()
    assert (made["operation"], made["method"], made["path"], made["status"]) == (
        "parcel.create",
        "POST",
        "/v2/parcels",
        201,
    )
    assert (made["effect"], made["fault"], made["seq"]) == (True, None, 1)
    assert (missed["operation"], missed["status"], missed["effect"]) == ("parcel.retrieve", 404, False)


def test_one_connection_answers_many_requests(sandbox):
    connection = HTTPConnection(urlsplit(sandbox.origin).netloc, timeout=60)
    ports = set()
    for _ in range(5):
        connection.request("GET", "/_sandbox/health")
        answer = connection.getresponse()
        assert (answer.version, answer.read()) == (11, b'{"status":"ok"}\n')
        ports.add(connection.sock.getsockname()[1])
    connection.close()
    assert len(ports) == 1


def test_a_chunked_body_and_expect_continue_are_understood(sandbox):
    connection = HTTPConnection(urlsplit(sandbox.origin).netloc, timeout=60)
    headers = {"Authorization": f"Bearer {KEY}", "Transfer-Encoding": "chunked", "Content-Type": "application/json"}
    chunks = [b'{"parcel":', b'{"weight": 3}}']
    connection.request("POST", "/v2/parcels", iter(chunks), {**headers, "Expect": "100-continue"}, encode_chunked=True)
    answer = connection.getresponse()
    assert answer.status == 201
    assert b'"weight":3.0' in answer.read()
    connection.close()


def test_a_malformed_request_is_a_400_and_ends_the_connection(sandbox):
    host = urlsplit(sandbox.origin)
    with socket.create_connection((host.hostname, host.port), timeout=60) as plain:
        plain.sendall(b"nonsense\r\n\r\n")
        assert plain.recv(100).startswith(b"HTTP/1.1 400 ")


def test_latency_answers_late_and_normally(sandbox):
    sandbox.fault(vendor="easypost", operation="parcel.create", kind="latency", delay_s=0.3)
    started = time.monotonic()
    assert post_parcel(sandbox).status == 201
    assert time.monotonic() - started >= 0.3
    assert effects(sandbox) == 1


def test_429_carries_retry_after_and_has_no_effect(sandbox):
    sandbox.fault(vendor="easypost", operation="parcel.create", kind="429", retry_after=7)
    sandbox.fault(vendor="easypost", operation="parcel.create", kind="429")
    first, second, third = post_parcel(sandbox), post_parcel(sandbox), post_parcel(sandbox)
    assert (first.status, first.headers["retry-after"]) == (429, "7")
    assert first.body["error"]["code"] == "RATE_LIMITED"
    assert second.status == 429
    assert "retry-after" not in second.headers
    assert third.status == 201
    assert effects(sandbox) == 1


@pytest.mark.parametrize(
    ("kind", "status", "effect"), [("5xx", 503, 0), ("5xx_after", 500, 1)], ids=["before", "after"]
)
def test_a_server_error_comes_before_or_after_the_effect(sandbox, kind, status, effect):
    sandbox.fault(vendor="easypost", operation="parcel.create", kind=kind, retry_after=7)
    answer = post_parcel(sandbox)
    assert (answer.status, answer.headers["retry-after"]) == (status, "7")
    assert effects(sandbox) == effect
    assert sandbox.calls()[0]["fault"] == kind


def test_a_server_error_has_the_status_asked_for(sandbox):
    sandbox.fault(vendor="easypost", kind="5xx_after", status=502)
    assert post_parcel(sandbox).status == 502


@pytest.mark.parametrize(
    ("kind", "held_s", "effect"),
    [("timeout_before", 0.3, 0), ("timeout_after", 0.3, 1), ("cut", 0.0, 0), ("cut_after", 0.0, 1)],
)
def test_a_dropped_connection_says_nothing_and_acts_as_named(sandbox, kind, held_s, effect):
    sandbox.fault(vendor="easypost", operation="parcel.create", kind=kind, delay_s=held_s)
    started = time.monotonic()
    with pytest.raises(RemoteDisconnected):
        post_parcel(sandbox)
    assert time.monotonic() - started >= held_s
    assert effects(sandbox) == effect
    assert sandbox.calls()[0]["status"] == 0


def test_timeout_after_leaves_the_effect_even_when_the_caller_gave_up(sandbox):
    sandbox.fault(vendor="easypost", operation="parcel.create", kind="timeout_after", delay_s=30)
    with pytest.raises(TimeoutError):
        post_parcel(sandbox, timeout=0.2)
    eventually(lambda: effects(sandbox) == 1)


def test_broken_json_acts_and_sends_the_beginning_of_an_answer(sandbox):
    sandbox.fault(vendor="easypost", operation="parcel.create", kind="broken_json")
    answered = post_parcel(sandbox)
    assert answered.status == 200
    assert answered.headers["content-type"].startswith("application/json")
    assert answered.raw.startswith(b'{"id":"prcl_')
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        _ = answered.body
    assert effects(sandbox) == 1


def test_html_acts_and_sends_a_web_page(sandbox):
    sandbox.fault(vendor="easypost", operation="parcel.create", kind="html")
    answered = post_parcel(sandbox)
    assert (answered.status, answered.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answered.raw.startswith(b"<!doctype html>")
    assert effects(sandbox) == 1


def test_a_fault_waits_for_its_operation_its_text_and_its_turn(sandbox):
    sandbox.fault(vendor="easypost", operation="address.create", kind="5xx")
    sandbox.fault(vendor="stripe", kind="5xx", times=None)
    sandbox.fault(vendor="easypost", operation="*", match='"weight": 10.0', skip=1, times=2, kind="5xx")

    assert sandbox.call("POST", "/v2/parcels", {"parcel": {"weight": 11.0}}, key=KEY).status == 201
    assert [post_parcel(sandbox).status for _ in range(4)] == [201, 503, 503, 201]

    assert [fault["taken"] for fault in sandbox.control("GET", "/faults")["faults"]] == [0, 0, 2]


def test_a_fault_without_times_lasts_until_it_is_cleared(sandbox):
    fault = sandbox.fault(vendor="*", kind="5xx", times=None)
    assert [post_parcel(sandbox).status for _ in range(3)] == [503, 503, 503]
    assert sandbox.control("DELETE", f"/faults/{fault['id']}") == {"faults": []}
    assert post_parcel(sandbox).status == 201


def test_a_fault_of_probability_a_third_strikes_about_a_third(sandbox):
    sandbox.fault(vendor="easypost", kind="5xx", times=None, probability=0.33)
    statuses = Counter(post_parcel(sandbox).status for _ in range(100))
    assert statuses[201] + statuses[503] == 100
    assert 15 <= statuses[503] <= 55


def test_an_unknown_fault_is_refused_with_the_kinds_there_are(sandbox):
    answered = sandbox.call("POST", "/_sandbox/faults", {"vendor": "easypost", "kind": "earthquake"})
    assert answered.status == 400
    assert "timeout_after" in answered.body["error"]
    assert sandbox.call("POST", "/_sandbox/faults", {"kind": "5xx"}).status == 400


def test_calls_are_found_by_vendor_operation_and_effect(sandbox):
    post_parcel(sandbox)
    sandbox.call("GET", "/v2/parcels/prcl_none", key=KEY)
    sandbox.call("GET", "/v1/account", key="sk_test_sandbox")
    assert [call["operation"] for call in sandbox.calls(vendor="easypost")] == ["parcel.create", "parcel.retrieve"]
    assert [call["operation"] for call in sandbox.calls(effect="true")] == ["parcel.create"]
    assert sandbox.control("GET", "/calls?vendor=stripe&operation=account.retrieve")["count"] == 1
    limited = sandbox.control("GET", "/calls?limit=1")
    assert (limited["count"], [call["vendor"] for call in limited["calls"]]) == (3, ["stripe"])


def test_what_the_stand_in_does_not_know_is_refused_and_logged(sandbox):
    assert sandbox.call("POST", "/v2/batches", {"batch": {}}, key=KEY).status == 404
    assert sandbox.call("GET", "/v1/payouts", key="sk_test_sandbox").status == 404
    assert [(call["vendor"], call["operation"]) for call in sandbox.calls()] == [
        ("easypost", "unknown"),
        ("stripe", "unknown"),
    ]


def test_reset_forgets_calls_faults_accounts_and_lets_held_callers_go(sandbox):
    sandbox.control("POST", "/easypost/accounts", {"key": "EZTK_other"})
    sandbox.fault(vendor="easypost", kind="timeout_before", delay_s=60, times=None)
    held = threading.Event()

    def wait_to_be_dropped():
        with pytest.raises(RemoteDisconnected):
            post_parcel(sandbox, timeout=30)
        held.set()

    thread = threading.Thread(target=wait_to_be_dropped)
    thread.start()
    while not sandbox.control("GET", "/faults")["faults"][0]["taken"]:
        time.sleep(0.01)
    sandbox.control("POST", "/reset")
    assert held.wait(30)
    thread.join()
    # The held call itself is told to the log after the reset; nothing before it is left.
    assert [call["fault"] for call in sandbox.calls()] in ([], ["timeout_before"])
    assert sandbox.control("GET", "/faults") == {"faults": []}
    assert sandbox.call("GET", "/v2/parcels/x", key="EZTK_other").status == 401


def test_many_callers_at_once_are_all_answered_and_all_logged(sandbox):
    with ThreadPoolExecutor(20) as callers:
        statuses = Counter(answered.status for answered in callers.map(lambda _: post_parcel(sandbox), range(200)))
    assert statuses == {201: 200}
    assert effects(sandbox) == 200
    assert [call["seq"] for call in sandbox.calls()] == list(range(1, 201))
