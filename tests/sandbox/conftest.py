"""A sandbox on a free port, a webhook receiver beside it, and the recordings to measure it by."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit

import easypost
import pytest
import stripe

from sandbox.http_server import SandboxServer
from sandbox.server import create_sandbox


@dataclass
class Answered:
    """What came back over the wire."""

    status: int
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Sandbox:
    """A running sandbox, asked over real HTTP."""

    origin: str

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        key: str | None = None,
        form: Any = None,
        headers: dict[str, str] | None = None,
        timeout: float = 10,
    ) -> Answered:
        sent = dict(headers or {})
        raw = None
        if key:
            sent["Authorization"] = f"Bearer {key}"
        if form is not None:
            raw, sent["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        elif body is not None:
            raw, sent["Content-Type"] = json.dumps(body), "application/json"
        connection = HTTPConnection(urlsplit(self.origin).netloc, timeout=timeout)
        try:
            connection.request(method, path, raw, sent)
            answer = connection.getresponse()
            return Answered(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())
        finally:
            connection.close()

    def control(self, method: str, path: str, body: Any = None) -> Any:
        answered = self.call(method, f"/_sandbox{path}", body)
        assert answered.status < 300, answered.raw
        return answered.body

    def fault(self, **fault: Any) -> Any:
        return self.control("POST", "/faults", fault)

    def calls(self, **wish: str) -> list[dict[str, Any]]:
        return self.control("GET", f"/calls?{urlencode(wish)}")["calls"]

    def flush(self, timeout_s: float = 10) -> None:
        assert self.control("POST", "/deliveries/flush", {"timeout_s": timeout_s}) == {"queued": 0}


@dataclass
class Received:
    """One webhook as it arrived."""

    path: str
    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        return json.loads(self.raw)


@dataclass
class Receiver:
    """An app that hears webhooks; `answers` are the statuses it gives, in turn, then 200."""

    origin: str
    heard: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)

    def url(self, path: str = "/hooks") -> str:
        return f"{self.origin}{path}"


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[Sandbox]:
    server = SandboxServer("127.0.0.1", 0, create_sandbox())
    yield from _served(server, Sandbox)


@pytest.fixture
def sandbox_at() -> type[Sandbox]:
    """Speaks to a sandbox that a test has started itself, by its origin."""
    return Sandbox


@pytest.fixture
def sandbox(running_sandbox: Sandbox) -> Iterator[Sandbox]:
    running_sandbox.control("POST", "/reset")
    yield running_sandbox
    running_sandbox.control("POST", "/reset")


@pytest.fixture
def easypost_client(sandbox: Sandbox) -> easypost.EasyPostClient:
    return easypost.EasyPostClient("EZTK_sandbox", api_base=f"{sandbox.origin}/v2", timeout=60)


@pytest.fixture
def stripe_client(sandbox: Sandbox) -> stripe.StripeClient:
    http = stripe.RequestsClient(timeout=60)
    return stripe.StripeClient("sk_test_sandbox", base_addresses={"api": sandbox.origin}, http_client=http)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    lock = threading.Lock()
    receiver = Receiver("")

    def app(environ: Any, start_response: Any) -> list[bytes]:
        names = [name for name in environ if name.startswith("HTTP_") or name == "CONTENT_TYPE"]
        headers = {name.removeprefix("HTTP_").replace("_", "-").title(): environ[name] for name in names}
        with lock:
            receiver.heard.append(Received(environ["PATH_INFO"], headers, environ["wsgi.input"].read()))
            status = receiver.answers.pop(0) if receiver.answers else 200
        start_response(f"{status} Whatever", [])
        return [b""]

    def named(origin: str) -> Receiver:
        receiver.origin = origin
        return receiver

    yield from _served(SandboxServer("127.0.0.1", 0, app), named)


def _served(server: SandboxServer, made: Callable[[str], Any]) -> Iterator[Any]:
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    yield made(f"http://127.0.0.1:{server.port}")
    server.shutdown()
    server.server_close()
    thread.join(5)


@pytest.fixture(scope="session")
def recordings() -> Path:
    """The folder of recorded vendor calls; tests that read it skip aloud without one."""
    folder = os.environ.get("PACKLINE_RECORDINGS")
    if not folder:
        pytest.skip("PACKLINE_RECORDINGS is not set: there are no recorded vendor calls to compare with")
    return Path(folder)
