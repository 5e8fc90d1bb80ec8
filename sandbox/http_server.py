"""Serves a WSGI app over HTTP/1.1 with keep-alive: one thread per connection, one packet per answer.

Why our own: werkzeug's server answers every request with `Connection: close` and then listens 10 ms for leftovers, and
gunicorn forks, so it can neither start in a test's thread nor keep the stand-ins' state in the process that asks for
it. The dropped-connection faults also need the socket, which stands in the environ as `sandbox.socket`. Loopback only:
no TLS, no request is refused for its size.
"""

import io
import socket
import socketserver
import sys
import traceback
from collections.abc import Iterable
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.types import StartResponse, WSGIApplication

SOCKET_KEY = "sandbox.socket"
_NO_BODY = ("1", "204", "304")


class SandboxServer(socketserver.ThreadingTCPServer):
    """A listening server; `port` is the one it got when asked for 0."""

    daemon_threads = True
    allow_reuse_address = True
    # Hundreds of clients may connect in the same instant; Linux caps this at somaxconn.
    request_queue_size = 512

    def __init__(self, host: str, port: int, app: WSGIApplication) -> None:
        self.app = app
        super().__init__((host, port), _Conversation)
        self.port = int(self.server_address[1])


class _MalformedError(Exception):
    """What came was not an HTTP request."""


class _Conversation(socketserver.StreamRequestHandler):
    """One connection: request after request until either side has had enough."""

    disable_nagle_algorithm = True
    rbufsize = 64 * 1024
    server: SandboxServer
    connection: socket.socket
    rfile: io.BufferedReader

    def handle(self) -> None:
        try:
            while self._answer_one():
                pass
        except _MalformedError as problem:
            self.connection.sendall(b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            sys.stderr.write(f"sandbox: malformed request: {problem}\n")
        except OSError:
            # The caller is gone, or a fault closed the connection on purpose; either way the talk is over.
            return

    def _answer_one(self) -> bool:
        line = self.rfile.readline()
        if not line.strip():
            return line == b"\r\n"
        environ = self._environ(line)
        stays_open = _stays_open(environ)
        head, body = self._run(environ)
        closing = "keep-alive" if stays_open else "close"
        head += f"Content-Length: {len(body)}\r\nConnection: {closing}\r\n\r\n"
        self.connection.sendall(head.encode("latin-1") + (b"" if environ["REQUEST_METHOD"] == "HEAD" else body))
        return stays_open

    def _run(self, environ: dict[str, Any]) -> tuple[str, bytes]:
        started: list[Any] = []

        def start_response(status: str, headers: list[tuple[str, str]], _exc_info: object = None) -> Any:
            started[:] = [status, headers]
            return None

        try:
            body = _joined(self.server.app, environ, start_response)
        except Exception:  # noqa: BLE001 - a stand-in's own bug: the caller gets a 500, the person the traceback
            traceback.print_exc()
            return "HTTP/1.1 500 Internal Server Error\r\n", b""
        status, headers = started
        lines = [f"{name}: {value}\r\n" for name, value in headers if name.lower() != "content-length"]
        return f"HTTP/1.1 {status}\r\n{''.join(lines)}", b"" if status.startswith(_NO_BODY) else body

    def _environ(self, line: bytes) -> dict[str, Any]:
        try:
            method, target, version = line.decode("latin-1").split()
        except ValueError:
            raise _MalformedError(repr(line[:80])) from None
        path, _, query = target.partition("?")
        environ: dict[str, Any] = {
            "REQUEST_METHOD": method,
            "SCRIPT_NAME": "",
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "REQUEST_URI": target,
            "SERVER_NAME": str(self.server.server_address[0]),
            "SERVER_PORT": str(self.server.port),
            "SERVER_PROTOCOL": version,
            "REMOTE_ADDR": self.client_address[0],
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            # The body is read whole below, chunked or not; without this werkzeug takes a chunked one for empty.
            "wsgi.input_terminated": True,
            SOCKET_KEY: self.connection,
        }
        self._read_headers(environ)
        environ["wsgi.input"] = io.BytesIO(self._body(environ))
        return environ

    def _read_headers(self, environ: dict[str, Any]) -> None:
        while True:
            line = self.rfile.readline()
            if line in {b"\r\n", b"\n"}:
                return
            name, colon, value = line.decode("latin-1").partition(":")
            if not colon:
                raise _MalformedError(repr(line[:80]))
            key = name.upper().replace("-", "_")
            key = key if key in {"CONTENT_TYPE", "CONTENT_LENGTH"} else f"HTTP_{key}"
            value = value.strip()
            environ[key] = f"{environ[key]},{value}" if key in environ else value

    def _body(self, environ: dict[str, Any]) -> bytes:
        if environ.get("HTTP_EXPECT", "").lower() == "100-continue":
            self.connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        if "chunked" in environ.get("HTTP_TRANSFER_ENCODING", "").lower():
            body = b"".join(self._chunks())
            environ["CONTENT_LENGTH"] = str(len(body))
            return body
        length = environ.get("CONTENT_LENGTH", "0")
        if not length.isdigit():
            raise _MalformedError(f"Content-Length {length[:20]}")
        return self.rfile.read(int(length))

    def _chunks(self) -> Iterable[bytes]:
        while True:
            size = self.rfile.readline().split(b";")[0].strip()
            try:
                length = int(size, 16)
            except ValueError:
                raise _MalformedError(f"chunk size {size[:20]!r}") from None
            chunk = self.rfile.read(length)
            self.rfile.readline()
            if length == 0:
                return
            yield chunk


def _joined(app: WSGIApplication, environ: dict[str, Any], start_response: StartResponse) -> bytes:
    pieces = app(environ, start_response)
    try:
        return b"".join(pieces)
    finally:
        close = getattr(pieces, "close", None)
        if close:
            close()


def _stays_open(environ: dict[str, Any]) -> bool:
    wish = environ.get("HTTP_CONNECTION", "").lower()
    return "close" not in wish and (environ["SERVER_PROTOCOL"] == "HTTP/1.1" or "keep-alive" in wish)
