"""A supplier's machine is told of purchase orders over real HTTP, signed, until it hears; and nobody inside ever is."""

from __future__ import annotations

import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from integrations import wire
from integrations.http import CarefulNetwork
from integrations.ports import Permanent, Temporary
from tests import patient
from tests.supplier_machine import SECRET, told
from tests.world import World, variant


@pytest.fixture
def shop(world: World) -> World:
    world.open_shop(variants=[variant("SOFA", price="300.00", stock={"Reno": 0}, grams=20_000)])
    told(world, f"{world.sandbox}/supplier")
    return world


def heard(world: World) -> list[Any]:
    return world.control("GET", "/supplier")["tellings"]


def place(world: World) -> dict[str, Any]:
    placed = world.place(("SOFA", 2))
    world.settle()
    return placed


def test_a_purchase_order_is_told_once_signed_and_beside_the_mail(shop: World) -> None:
    place(shop)
    (telling,) = heard(shop)
    headers, body = telling["headers"], telling["body"]
    said = json.loads(body)

    assert (said["event"]["type"], said["version"]) == ("purchase_order.written", 1)
    assert said["event"]["id"] == headers["Packline-Event-Id"]
    assert said["purchase_order"]["ship_to"]["street1"] == "388 Townsend St"
    assert [(line["sku"], line["units_left"]) for line in said["purchase_order"]["lines"]] == [("S-1", 2)]
    signed = hmac.new(SECRET.encode(), f"{headers['Packline-Timestamp']}.{body}".encode(), hashlib.sha256)
    assert headers["Packline-Signature"] == f"v1={signed.hexdigest()}"
    assert [one["recipients"] for one in shop.letters()] == [["orders@sofas.example"]]
    # The link that it is told answers, as the supplier's page does.
    assert patient.post(said["links"]["accept"]).json()["purchase_order"]["state"] == "accepted"
    assert (shop.unfinished(but="send_notice"), len(heard(shop))) == ([], 1)


def test_a_cancellation_is_told_without_the_address(shop: World) -> None:
    placed = place(shop)
    shop.control("POST", f"/shopify/orders/{placed['id']}/cancel", {})
    shop.settle()
    told_of = [json.loads(one["body"]) for one in heard(shop)]

    assert [one["event"]["type"] for one in told_of] == ["purchase_order.written", "purchase_order.cancelled"]
    assert (told_of[1]["purchase_order"]["state"], told_of[1]["purchase_order"]["ship_to"]) == ("cancelled", None)


def test_a_machine_that_is_down_is_told_again_under_the_same_event(shop: World) -> None:
    shop.control("POST", "/supplier/answers", [503, 429])
    place(shop)
    assert [one.kind for one in shop.unfinished()][:1] != []
    for _ in range(3):
        shop.hurry()
        shop.settle()

    told_of = heard(shop)
    assert len(told_of) == 3
    assert len({one["headers"]["Packline-Event-Id"] for one in told_of}) == 1
    assert [row.state for row in shop.rows("SELECT state FROM notices WHERE channel = 'wire'")] == ["sent"]


def test_the_end_of_what_was_never_heard_of_is_not_told(shop: World) -> None:
    shop.control("POST", "/supplier/answers", [404])
    placed = place(shop)
    shop.control("POST", f"/shopify/orders/{placed['id']}/cancel", {})
    shop.settle()

    assert [json.loads(one["body"])["event"]["type"] for one in heard(shop)] == ["purchase_order.written"]
    told_of = shop.rows("SELECT fact, state, reason FROM notices WHERE channel = 'wire' AND fact = 'cancelled'")
    assert [(row.state, row.reason) for row in told_of] == [
        ("suppressed", "Their machine never heard of the purchase order, so it hears no end of it.")
    ]


def test_the_end_of_what_may_have_been_heard_is_told(shop: World) -> None:
    shop.control("POST", "/supplier/answers", [503] * 50)
    placed = place(shop)
    shop.control("POST", f"/shopify/orders/{placed['id']}/cancel", {})
    shop.settle()

    events = [json.loads(one["body"])["event"] for one in heard(shop)]
    told_of = {event["id"]: event["type"] for event in events}  # each perhaps more than once: nobody has said yes
    assert list(told_of.values()) == ["purchase_order.written", "purchase_order.cancelled"]


def test_a_machine_that_refuses_needs_a_person_and_the_mail_goes_all_the_same(shop: World) -> None:
    shop.control("POST", "/supplier/answers", [404])
    place(shop)

    (job,) = shop.rows("SELECT kind, cause, reason FROM jobs WHERE state = 'parked'")
    assert (job.kind, job.cause) == ("tell_supplier", "404")
    assert len(shop.letters()) == 1
    assert SECRET not in job.reason


def test_a_redirect_is_not_followed(shop: World) -> None:
    shop.control("POST", "/supplier/answers", [307])
    place(shop)
    assert [row.cause for row in shop.rows("SELECT cause FROM jobs WHERE state = 'parked'")] == ["redirect"]
    assert len(heard(shop)) == 1


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/", "ftp://example.com/", "https://", "example.com", "https://user:word@example.com/",
        "https://localhost/", "https://127.0.0.1/", "https://10.0.0.1/", "https://192.168.1.1/", "https://[::1]/",
        "https://169.254.169.254/latest/meta-data", "https://[fe80::1]/", "https://[::ffff:10.0.0.1]/", "https://0.0.0.0/",
        "https://printer.local/", "https://example.com/#x", "https://exa mple.com/", "https://example.com:port/",
    ],
)  # fmt: skip
def test_an_address_that_is_no_public_https_is_refused_when_it_is_typed_and_when_it_is_told(url: str) -> None:
    assert wire.odd_address(url) != ""
    with pytest.raises(Permanent):
        wire.post(url, b"{}", {})


@pytest.mark.parametrize(
    "inside",
    ["127.0.0.1", "10.1.2.3", "169.254.169.254", "::1", "fe80::1%eth0", "::ffff:192.168.0.1", "64:ff9b::a00:1",
     "64:ff9b:1::a9fe:a9fe", "fec0::1", "::10.0.0.1", "::ffff:0:a00:1", "2002:a00:1::", "0.0.0.0", "224.0.0.1", "100.64.0.1"],  # noqa: S104 # each is refused
)  # fmt: skip
def test_a_name_that_leads_inside_at_that_moment_is_not_connected_to(
    monkeypatch: pytest.MonkeyPatch, inside: str
) -> None:
    asked: list[str] = []

    def resolves(host: str, port: int, **_: Any) -> list[Any]:
        asked.append(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (inside, port))]

    monkeypatch.setattr("integrations.http.socket.getaddrinfo", resolves)
    with pytest.raises(Permanent, match="private network"):
        wire.post("https://orders.example.com/", b"{}", {})
    assert asked == ["orders.example.com"]


def test_a_name_that_is_none_needs_a_person() -> None:
    with pytest.raises(Permanent, match="no name of a machine"):
        wire.post(f"https://{'a' * 64}.example.com/", b"{}", {})


def test_what_is_public_may_be_connected_to() -> None:
    assert CarefulNetwork(from_this_machine=False)._allowed("93.184.215.14")


@contextmanager
def dripping(part: bytes) -> Iterator[tuple[str, threading.Event]]:
    """A machine that answers with the same few bytes, again and again, until whoever asked has gone, or
    until it is `over`: after so long that only an endless wait sees it.
    """
    over = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection:
            connection.recv(65536)
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\n")
                while not over.wait(0.02):
                    connection.sendall(part)
            except OSError:
                return  # they have gone

    with socket.create_server(("127.0.0.1", 0)) as listening:
        machine = threading.Thread(target=drip, args=(listening,), daemon=True)
        machine.start()
        ends = threading.Timer(60.0, over.set)
        ends.start()
        yield f"http://127.0.0.1:{listening.getsockname()[1]}/", over
        ends.cancel()
        over.set()
        machine.join()


@pytest.mark.parametrize("part", [b"x", b"X-Slow: yes\r\n"], ids=["within-a-line", "line-by-line"])
def test_an_answer_that_drips_holds_nobody_longer_than_the_limit_of_the_whole(part: bytes) -> None:
    with dripping(part) as (url, over):
        began = time.monotonic()
        with pytest.raises(Temporary, match="did not answer") as failure:
            wire.post(url, b"{}", {}, from_this_machine=True, patience_s=0.3)
        assert (time.monotonic() - began >= 0.3, over.is_set()) == (True, False)

    assert failure.value.outcome_unknown


def test_nobody_at_home_is_tried_again() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(Temporary):
        wire.post(f"http://127.0.0.1:{port}/", b"{}", {}, from_this_machine=True)
