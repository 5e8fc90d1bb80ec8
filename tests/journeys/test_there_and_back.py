"""The self-test's signed delivery comes back to us, or the step ends with what to do: it never goes on for ever."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from jobs import going_live, kept_self_test, self_test
from tests.journeys.test_set_up import test_all
from tests.world import World

test_all.__test__ = False


@dataclass
class Stranger:
    """Somebody else's server at our address."""

    origin: str = ""
    posted: list[str] = field(default_factory=list)


@contextmanager
def standing_there(answer: bytes, *, status: int = 200) -> Iterator[Stranger]:
    stranger = Stranger()

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self):
            stranger.posted.append(self.path)
            self.rfile.read(int(self.headers.get("content-length", 0)))
            self.send_response(status)
            self.send_header("content-length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        def log_message(self, *_words):
            """Quietly."""

    with HTTPServer(("127.0.0.1", 0), Answers) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        stranger.origin = f"http://127.0.0.1:{server.server_port}"
        yield stranger
        server.shutdown()
        thread.join(5)


@pytest.fixture
def reached_at(world: World) -> Callable[[str], World]:
    """A shop whose vendors, and the test, are told of this address."""

    def told(origin: str) -> World:
        world.services = replace(world.services, public_url=origin)
        world.open_shop()
        return world

    return told


def work_on(world: World, *, times: int = 4) -> None:
    for _ in range(times):
        world.settle()
        world.hurry_but_voids()


def a_minute_passes(world: World) -> None:
    with world.reading() as session:
        kept = kept_self_test.read(session, world.tenant)
        for noted in (posted := deepcopy(kept["posted"])).values():
            noted["at"] = (datetime.fromisoformat(noted["at"]) - timedelta(minutes=1)).isoformat()
        kept_self_test.write(session, world.tenant, kept["number"], {"posted": posted})


@pytest.mark.parametrize(
    "answer", [b"<html>Welcome!</html>", b"", b'{"result":"welcome"}', b'"kept"', b"\xff{", b"x" * 5_000]
)
def test_whoever_answers_there_without_our_receipt_is_said_with_what_to_do(reached_at, answer: bytes):
    with standing_there(answer) as stranger:
        world = reached_at(stranger.origin)

        step = test_all(world)["steps"]["round_trip"]

    assert step["state"] == "failed"
    assert (
        f"Our own address {stranger.origin}/hooks/shopify answers, and it is not Packline that does."
        in step["sentence"]
    )
    assert "See that PUBLIC_URL leads here" in step["remedy"]
    assert len(stranger.posted) == len(set(stranger.posted)) == 3
    with world.reading() as session:
        assert list(going_live.watch(session, world.tenant, by="person:Ann")) == []


def test_another_packline_at_our_address_is_posted_to_once_and_found_out_after_a_minute(reached_at):
    with standing_there(b'{"result":"kept"}\n', status=202) as stranger:
        world = reached_at(stranger.origin)
        with world.reading() as session:
            self_test.ask(session, world.tenant, by="person:Ann", now="2026-11-22T00:00:00+00:00")

        work_on(world)
        with world.reading() as session:
            kept = kept_self_test.read(session, world.tenant)
        assert ("round_trip" in kept["steps"], len(stranger.posted)) == (False, 3)

        a_minute_passes(world)
        work_on(world)

    with world.reading() as session:
        kept = kept_self_test.read(session, world.tenant)
        assert list(going_live.watch(session, world.tenant, by="person:Ann")) == []
    step = kept["steps"]["round_trip"]
    assert (step["state"], len(stranger.posted)) == ("failed", len(world.connections))
    assert "it is not here after a minute" in step["sentence"]
    assert "See that PUBLIC_URL leads here" in step["remedy"]
    assert kept["ended_at"]


def test_at_our_own_door_each_delivery_is_posted_once(world: World, reached_at):
    reached_at(world.origin)

    kept = test_all(world)

    assert kept["steps"]["round_trip"]["state"] == "ok"
    assert set(kept["posted"]) == set(world.connections.values())
    assert len(world.rows("SELECT id FROM inbox_events WHERE topic LIKE 'packline%'")) == 3
