"""The sandbox's webhooks go as planned: with retries, copies, pauses, disorder and losses.

EasyPost's trackers are the quickest way to one: making a tracker tells it.
"""

import socket
import subprocess
import sys
import time
from collections import Counter


def open_hook(sandbox, receiver, path="/hooks"):
    account = {"key": "EZTK_hooked", "webhook_url": receiver.url(path), "webhook_secret": "s"}
    return sandbox.control("POST", "/easypost/accounts", account)["webhook_id"]


def make_events(sandbox, count):
    for number in range(count):
        tracker = {"tracker": {"tracking_code": f"CODE{number}", "carrier": "USPS"}}
        assert sandbox.call("POST", "/v2/trackers", tracker, key="EZTK_hooked").status == 201


def codes(receiver):
    return [received.body["result"]["tracking_code"] for received in receiver.heard]


def test_a_webhook_is_delivered_and_told(sandbox, receiver):
    open_hook(sandbox, receiver, "/hooks/easypost/1")
    make_events(sandbox, 1)
    sandbox.flush()
    assert [received.path for received in receiver.heard] == ["/hooks/easypost/1"]
    (delivery,) = sandbox.control("GET", "/deliveries?state=delivered")["deliveries"]
    assert (delivery["vendor"], delivery["topic"], delivery["attempts"], delivery["last_status"]) == (
        "easypost",
        "tracker.created",
        1,
        200,
    )


def test_a_webhook_answered_500_comes_again_until_it_is_taken(sandbox, receiver):
    open_hook(sandbox, receiver)
    receiver.answers = [500, 503]
    sandbox.control("POST", "/deliveries/plan", {"retry_delays_s": [0.05, 0.05, 0.05]})
    make_events(sandbox, 1)
    sandbox.flush()
    assert len(receiver.heard) == 3
    assert len({received.raw for received in receiver.heard}) == 1
    (delivery,) = sandbox.control("GET", "/deliveries")["deliveries"]
    assert (delivery["state"], delivery["attempts"]) == ("delivered", 3)


def test_a_webhook_never_taken_fails_after_its_retries(sandbox, receiver):
    open_hook(sandbox, receiver)
    receiver.answers = [500] * 10
    sandbox.control("POST", "/deliveries/plan", {"retry_delays_s": [0.01, 0.01]})
    make_events(sandbox, 1)
    sandbox.flush()
    (delivery,) = sandbox.control("GET", "/deliveries?state=failed")["deliveries"]
    assert (delivery["attempts"], delivery["last_status"], len(receiver.heard)) == (3, 500, 3)


def test_a_webhook_to_nobody_fails_with_the_reason(sandbox):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{unused.getsockname()[1]}/hooks"
    sandbox.control("POST", "/easypost/accounts", {"key": "EZTK_hooked", "webhook_url": url})
    sandbox.control("POST", "/deliveries/plan", {"retries": False})
    make_events(sandbox, 1)
    sandbox.flush()
    (delivery,) = sandbox.control("GET", "/deliveries")["deliveries"]
    assert (delivery["state"], delivery["last_status"]) == ("failed", None)
    assert delivery["last_error"].startswith("ConnectionRefusedError")


def test_duplicates_are_further_copies_of_the_same_bytes_and_id(sandbox, receiver):
    open_hook(sandbox, receiver)
    sandbox.control("POST", "/deliveries/plan", {"duplicates": 4})
    make_events(sandbox, 2)
    sandbox.flush()
    assert Counter(codes(receiver)) == {"CODE0": 5, "CODE1": 5}
    assert len({received.raw for received in receiver.heard}) == 2
    ids = Counter(made["delivery_id"] for made in sandbox.control("GET", "/deliveries")["deliveries"])
    assert sorted(ids.values()) == [5, 5]


def test_a_pause_holds_deliveries_and_a_shuffled_release_mixes_them(sandbox, receiver):
    open_hook(sandbox, receiver)
    sandbox.control("POST", "/deliveries/plan", {"paused": True})
    make_events(sandbox, 30)
    assert sandbox.control("POST", "/deliveries/flush", {"timeout_s": 0.1}) == {"queued": 30}
    assert receiver.heard == []
    sandbox.control("POST", "/deliveries/plan", {"shuffle": True, "seed": 7})
    sandbox.flush()
    made = [f"CODE{number}" for number in range(30)]
    assert sorted(codes(receiver)) == sorted(made)
    # Eight threads alone move a delivery by a few places; a shuffle moves some across half the queue.
    moved = max(abs(made.index(code) - place) for place, code in enumerate(codes(receiver)))
    assert moved > 12


def test_dropped_deliveries_never_arrive_and_are_told(sandbox, receiver):
    open_hook(sandbox, receiver)
    sandbox.control("POST", "/deliveries/plan", {"drop": 1.0})
    make_events(sandbox, 3)
    sandbox.flush()
    assert receiver.heard == []
    assert sandbox.control("GET", "/deliveries?state=dropped")["count"] == 3


def test_delayed_deliveries_wait(sandbox, receiver):
    open_hook(sandbox, receiver)
    sandbox.control("POST", "/deliveries/plan", {"delay_s": [0.3, 0.4]})
    make_events(sandbox, 1)
    started = time.monotonic()
    sandbox.flush()
    assert time.monotonic() - started > 0.2
    assert len(receiver.heard) == 1


def test_replay_sends_every_delivery_again_with_the_same_bytes(sandbox, receiver):
    open_hook(sandbox, receiver)
    make_events(sandbox, 4)
    sandbox.flush()
    assert sandbox.control("POST", "/deliveries/replay", {"times": 5, "vendor": "stripe"}) == {"queued": 0}
    assert sandbox.control("POST", "/deliveries/replay", {"times": 5, "shuffle": True}) == {"queued": 20}
    sandbox.flush()
    assert set(Counter(received.raw for received in receiver.heard).values()) == {6}
    assert len(set(codes(receiver))) == 4
    # A second replay repeats what was made, not what was repeated.
    assert sandbox.control("POST", "/deliveries/replay", {"times": 1}) == {"queued": 4}
    sandbox.flush()
    assert len(receiver.heard) == 28


def test_opening_an_account_twice_still_delivers_once(sandbox, receiver):
    assert open_hook(sandbox, receiver) == open_hook(sandbox, receiver)
    payments = {"key": "sk_test_twice", "webhook_url": receiver.url("/stripe")}
    first, again = (sandbox.control("POST", "/stripe/accounts", payments) for _ in range(2))
    assert first == again
    make_events(sandbox, 1)
    sandbox.control("POST", "/stripe/payments", {"key": "sk_test_twice", "amount": 100, "outcome": "processing"})
    sandbox.flush()
    assert sorted(heard.path for heard in receiver.heard) == ["/hooks", *["/stripe"] * 3]


def test_a_hook_that_was_removed_hears_nothing_more(sandbox, receiver):
    hook = open_hook(sandbox, receiver)
    assert sandbox.call("DELETE", f"/v2/webhooks/{hook}", key="EZTK_hooked").status == 200
    make_events(sandbox, 1)
    sandbox.flush()
    assert receiver.heard == []


def test_the_sandbox_runs_as_a_process_and_stops_when_told_to(receiver, sandbox_at):
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--hooks-origin", receiver.origin]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        alone = sandbox_at(process.stderr.readline().split()[-1])
        # A path alone is taken to be at the app's origin.
        alone.control("POST", "/easypost/accounts", {"key": "EZTK_hooked", "webhook_url": "/hooks/easypost/4"})
        make_events(alone, 1)
        alone.flush()
        process.terminate()
        assert process.wait(10) == 0
    assert [heard.path for heard in receiver.heard] == ["/hooks/easypost/4"]
