"""Words that stand nowhere else, and the means to find them: whoever comes upon one has found a leak."""

from __future__ import annotations

import base64
import codecs
import json
import re
import threading
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import quote, quote_plus

import redis
from sqlalchemy import Engine

from records import schema

NAME, STREET, UNIT = "Zelphine Quarrowby", "4417 Obsidian Terrace", "Wrenfield Annexe"
COMPANY, EMAIL, PHONE = "Quarrowby Parasols", "zelphine.q@telltale.example", "+14155550137"
BUYER = {
    "first_name": "Zelphine", "last_name": "Quarrowby", "company": COMPANY, "address1": STREET, "address2": UNIT,
    "city": "San Francisco", "province_code": "CA", "zip": "94107", "country_code": "US", "phone": PHONE,
}  # fmt: skip
PERSONAL = {
    "name": NAME, "last name": "Quarrowby", "street": STREET, "unit": UNIT, "company": COMPANY, "email": EMAIL,
    "phone": PHONE, "bare phone": "4155550137",
}  # fmt: skip

SHOP_TOKEN, SHOP_HOOKS = "shpat_7e11ta1e0000000000000000acce55", "hush-7e11ta1e-shopify-hooks"
STRIPE_KEY, STRIPE_HOOKS = "sk_test_7e11ta1eStripeKey", "whsec_7e11ta1eStripeHooks"
EASYPOST_KEY, EASYPOST_HOOKS = "EZTK7e11ta1eEasyPostKey", "7e11ta1e-easypost-hooks-sécret"
PASSWORD, WRONG_PASSWORD, TOTP = "7e11ta1e correct horse", "7e11ta1e wrong stable", "JBSWY3DPEHPK3PXPTELLTALE"
SECRET = {
    "shop token": SHOP_TOKEN, "shop hooks": SHOP_HOOKS, "stripe key": STRIPE_KEY, "stripe hooks": STRIPE_HOOKS,
    "easypost key": EASYPOST_KEY, "easypost hooks": EASYPOST_HOOKS, "password": PASSWORD,
    "wrong password": WRONG_PASSWORD, "totp": TOTP,
}  # fmt: skip


def told_in(given: str | bytes, *, also: dict[str, str] | None = None) -> set[str]:
    """Which of the words stand in a text, however they are written: escaped, in base64, in an address, in capitals."""
    said = given.decode("utf-8", "replace") if isinstance(given, bytes) else given
    said = said.lower()
    spaced = re.sub(r"\s+", " ", said)
    return {
        called
        for called, word in (PERSONAL | SECRET | (also or {})).items()
        if any(form.lower() in said or form.lower() in spaced for form in _forms(word))
    }


def _forms(word: str) -> set[str]:
    encoded = word.encode()
    # Base64 of a longer text has the word at one of three offsets; its inner part is the same each time.
    inner = {base64.b64encode(b"\0" * pad + encoded).decode()[(pad * 8 + 5) // 6 + 1 : -4] for pad in range(3)}
    return {
        word, quote(word), quote_plus(word), json.dumps(word)[1:-1], encoded.hex(),
        *(one for one in inner if len(one) > 10),
    }  # fmt: skip


def places(engine: Engine, *, also: dict[str, str] | None = None) -> dict[tuple[str, str], set[str]]:
    """Where in the records each of the words stands in the clear: by table and column."""
    found: dict[tuple[str, str], set[str]] = {}
    with engine.connect() as connection:
        for table in schema.METADATA.sorted_tables:
            for row in connection.execute(table.select()).mappings():
                for column, value in row.items():
                    for word in told_in(_plain(value), also=also):
                        found.setdefault((table.name, column), set()).add(word)
    return found


def _plain(value: Any) -> str | bytes:
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value)


@contextmanager
def overheard(url: str) -> Iterator[list[str]]:
    """Every command that anybody sends to Redis meanwhile, as it is sent."""
    heard: list[str] = []
    listener = redis.Redis.from_url(url, socket_timeout=None)
    over = threading.Event()

    def listen() -> None:
        with listener.monitor() as monitor:
            for said in monitor.listen():
                heard.append(said["command"] + _unpacked_within(said["command"]))
                if "that-was-all" in said["command"]:
                    return

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    speaker = redis.Redis.from_url(url)
    while not heard:  # until it listens
        speaker.ping()
        over.wait(0.02)
    try:
        yield heard
    finally:
        speaker.set("that-was-all", "1", ex=1)
        thread.join(10)
        speaker.close()
        listener.close()


def _unpacked_within(command: str) -> str:
    """What RQ has compressed within a command, of which a listener is told the bytes with escapes."""
    raw = codecs.escape_decode(command.encode("latin-1", "replace"))[0]
    found = []
    for packed in re.finditer(rb"x\x9c", raw):
        try:
            found.append(zlib.decompressobj().decompress(raw[packed.start() :]))
        except zlib.error:
            continue
    return b" ".join(found).decode("utf-8", "replace")


def kept_in(connection: redis.Redis) -> str:
    """Every key of Redis with all that it holds."""
    readers = {
        b"string": lambda key: [connection.get(key)],
        b"list": lambda key: connection.lrange(key, 0, -1),
        b"set": connection.smembers,
        b"hash": lambda key: [part for pair in connection.hgetall(key).items() for part in pair],
        b"zset": lambda key: connection.zrange(key, 0, -1),
        b"stream": lambda key: [part for _, entry in connection.xrange(key) for pair in entry.items() for part in pair],
    }
    found: list[str] = []
    for key in connection.keys("*"):
        parts = [key, *readers[connection.type(key)](key)]
        found += [repr(part) + repr(_unpacked(part)) for part in parts]
    return "\n".join(found)


def _unpacked(part: bytes) -> bytes:
    for form in (part, _from_base64(part)):
        try:
            return zlib.decompress(form)
        except zlib.error:
            continue
    return b""


def _from_base64(part: bytes) -> bytes:
    try:
        return base64.b64decode(part, validate=True)
    except ValueError:
        return b""


# Short enough that a limit on messages cuts nothing off, and with all that a vendor may know.
ECHO = f"No key {{key}}; {NAME}, {STREET.upper()}, {UNIT}, {COMPANY}, {EMAIL}, {PHONE}"


class Parrot:
    """A vendor that refuses everything, and says in its refusals all that it was told, as if that were wise."""

    def __init__(self) -> None:
        self.asked = 0
        parrot = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length") or 0))
                parrot.asked += 1
                status, body = refusal(self.path, dict(self.headers.items()))
                content = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = do_DELETE = do_PATCH = _answer  # noqa: N815 - http.server's own names

            def log_message(self, *args: object) -> None: ...

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.origin = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def refusal(path: str, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """A refusal in the form of whichever vendor was asked."""
    named = {name.lower(): value for name, value in headers.items()}
    if "x-shopify-access-token" in named:
        message = ECHO.format(key=named["x-shopify-access-token"])
        return 200, {"errors": [{"message": message, "extensions": {"code": "INTERNAL_REFUSAL"}, "locations": [{}]}]}
    given = named.get("authorization", "")
    key = given.removeprefix("Bearer ")
    if given.startswith("Basic "):
        key = base64.b64decode(given.removeprefix("Basic ")).decode().rstrip(":")
    message = ECHO.format(key=key)
    if path.startswith("/v1/"):
        return 400, {"error": {"type": "invalid_request_error", "message": message, "param": STREET}}
    wrong = [{"field": "street1", "message": message}]
    return 422, {"error": {"code": "ADDRESS.VERIFY.FAILURE", "message": message, "errors": wrong}}
