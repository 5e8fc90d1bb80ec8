"""A stand-in mail server: takes every letter over SMTP, keeps it, and goes wrong on demand.

It speaks as much of RFC 5321 as a client needs that sends one letter on a connection; there is no encryption, so it
listens on loopback only. Faults are set like every vendor's, for vendor `mail` and operation `message`:

    refused     550 to the recipient: nothing is kept
    busy        451 to the recipient: nothing is kept
    cut         the connection ends in the middle of the letter: nothing is kept
    cut_after   the letter is kept, and the connection ends without a word
"""

import socketserver
import threading
import time
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any, cast

from flask import Blueprint, Response, jsonify

from sandbox.core import Core

KINDS = frozenset({"refused", "busy", "cut", "cut_after"})
_LARGEST_BYTES = 10 * 1024 * 1024
_PATIENCE_S = 30.0


class Mailbox:
    """What arrived, oldest first; listens once it is started."""

    def __init__(self, core: Core) -> None:
        self.core = core
        self.port = 0
        self._lock = threading.Lock()
        self._kept: list[dict[str, Any]] = []
        core.on_reset(self.clear)

    def listen(self, port: int = 0) -> int:
        """Listen on loopback from now on; answers the port. Port 0 takes a free one."""
        server = _Server(("127.0.0.1", port), _Conversation)
        server.mailbox = self
        self.port = int(server.server_address[1])
        threading.Thread(target=server.serve_forever, name="sandbox-mail", daemon=True).start()
        return self.port

    def keep(self, sender: str, recipients: list[str], written: bytes) -> None:
        message = message_from_bytes(written, policy=default)
        with self._lock:
            self._kept.append(
                {
                    "at": time.time(),
                    "sender": sender,
                    "recipients": recipients,
                    "headers": {name.lower(): str(value) for name, value in message.items()},
                    "text": _part(message, "plain"),
                    "html": _part(message, "html"),
                    "raw": written.decode("utf-8", "replace"),
                }
            )

    def messages(self) -> list[dict[str, Any]]:
        with self._lock:
            return list(self._kept)

    def clear(self) -> None:
        with self._lock:
            self._kept = []


def control(core: Core) -> Blueprint:
    """/_sandbox/mail: what arrived, and forgetting it."""
    routes = Blueprint("mailbox", __name__, url_prefix="/_sandbox/mail")
    mailbox = core.state("mail", Mailbox)

    @routes.get("")
    def arrived() -> Response:
        messages = mailbox.messages()
        return jsonify({"port": mailbox.port, "count": len(messages), "messages": messages})

    @routes.delete("")
    def forget() -> Response:
        mailbox.clear()
        return jsonify({"port": mailbox.port, "count": 0, "messages": []})

    return routes


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    mailbox: Mailbox


class _Conversation(socketserver.StreamRequestHandler):
    """One client's connection, from the greeting to its end."""

    timeout = _PATIENCE_S

    def handle(self) -> None:
        self._sender, self._recipients = "", list[str]()
        self._say("220 sandbox.invalid ESMTP")
        try:
            while line := self.rfile.readline(1_000):
                if not self._answer(line.decode("utf-8", "replace").strip()):
                    return
        except OSError:
            return  # the client is gone, as clients go

    def _answer(self, line: str) -> bool:
        """Answer one command; False ends the connection."""
        verb = line.split(" ", 1)[0].upper()
        match verb:
            case "EHLO" | "HELO":
                self._say("250-sandbox.invalid", "250 8BITMIME")
            case "MAIL":
                self._sender, self._recipients = _address(line), []
                self._say("250 OK")
            case "RCPT":
                self._take_recipient(line)
            case "DATA":
                return self._take_letter()
            case "QUIT":
                self._say("221 Bye")
                return False
            case "NOOP" | "RSET":
                self._say("250 OK")
            case _:
                self._say("502 Not here")
        return True

    def _take_recipient(self, line: str) -> None:
        fault = self._mailbox.core.faults.take("mail", "message", kinds={"refused", "busy"})
        if fault is None:
            self._recipients.append(_address(line))
            self._say("250 OK")
            return
        status = 550 if fault.kind == "refused" else 451
        self._note(status, fault.kind, effect=False)
        self._say(f"{status} {_address(line)}: not now" if fault.kind == "busy" else f"{status} No such mailbox")

    def _take_letter(self) -> bool:
        fault = self._mailbox.core.faults.take("mail", "message", kinds={"cut", "cut_after"})
        self._say("354 Go on")
        written = b""
        if fault is not None and fault.kind == "cut":
            self.rfile.readline()
            self._note(0, "cut", effect=False)
            return False
        while (line := self.rfile.readline()) not in (b".\r\n", b""):
            written += line[1:] if line.startswith(b".") else line
            if len(written) > _LARGEST_BYTES:
                self._say("552 Too large")
                return False
        self._mailbox.keep(self._sender, self._recipients, written)
        self._note(0 if fault else 250, fault.kind if fault else None, effect=True)
        if fault is not None:
            return False
        self._say("250 Taken")
        return True

    @property
    def _mailbox(self) -> Mailbox:
        return cast("_Server", self.server).mailbox

    def _note(self, status: int, fault: str | None, *, effect: bool) -> None:
        self._mailbox.core.calls.record(
            "mail", "message", method="DATA", path="/", status=status, effect=effect, fault=fault
        )

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())


def _address(line: str) -> str:
    return line.partition("<")[2].partition(">")[0]


def _part(message: EmailMessage, kind: str) -> str:
    part = message.get_body((kind,))
    return "" if part is None else str(part.get_content())
