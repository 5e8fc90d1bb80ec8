"""Sends letters over SMTP, and tells three ends apart: it was taken, it was not, and nobody knows.

A server that has seen the end of the message and does not answer any more may have taken it (RFC 5321, 4.5.3.2.6 and
6.1: the time between the final dot and the answer is where duplicates are made). Everything before that dot is known.
https://www.rfc-editor.org/rfc/rfc5321
"""

from __future__ import annotations

import re
import smtplib
import ssl
import time
from email.message import EmailMessage
from email.policy import SMTP as WIRE
from email.utils import formataddr, formatdate
from typing import NoReturn
from urllib.parse import unquote, urlsplit

from integrations.nouns.mail import Letter
from integrations.ports import LETTER_REFUSED, CallNote, Notice, OutsideFailure, Permanent, Temporary
from integrations.roles import Keys

_PORTS = {"smtp": 587, "smtps": 465}
_PATIENCE_S = 15.0
# RFC 5321 asks for ten minutes after the final dot; a worker waits for two, and then nobody knows.
_PATIENCE_AFTER_THE_DOT_S = 120.0
_OK, _GO_ON, _TEMPORARY, _PERMANENT = 250, 354, 400, 500
_LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})
# What a person has to mend in the settings; the letter itself is blameless.
SETTINGS = "mail_settings"


class SmtpMail:
    """One account at one server. A connection lives for one letter."""

    def __init__(self, url: str, sender: str, notice: Notice) -> None:
        parts = urlsplit(url)
        self._scheme, self._host = parts.scheme, parts.hostname or ""
        self._port = parts.port or _PORTS[parts.scheme]
        self._user, self._password = unquote(parts.username or ""), unquote(parts.password or "")
        self._sender = sender
        self._notice = notice

    def send(self, letter: Letter, keys: Keys) -> None:
        """Hand one letter to the server.

        Raises Temporary where it may be tried again, with `outcome_unknown` where it may have been taken, and
        Permanent where it was refused: code `mail_settings` where the account is to be mended, `mail_refused` where
        the letter or its address is.
        """
        began, outcome = time.monotonic(), "ok"
        try:
            self._deliver(letter, self._written(letter, keys))
        except OutsideFailure as failure:
            outcome = failure.code or "failed"
            raise
        finally:
            ms = round((time.monotonic() - began) * 1000)
            self._notice(CallNote(vendor="mail", verb="send", outcome=outcome, ms=ms, key=keys.mark))

    def _written(self, letter: Letter, keys: Keys) -> bytes:
        """The letter as it goes over the wire. Headers in other scripts are encoded, and none can be added by a value:
        the standard library refuses line ends, and the noun refuses them before.
        """
        message = EmailMessage(policy=WIRE)
        message["From"] = formataddr((letter.sender, self._sender))
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate()
        message["Message-ID"] = f"<{keys.mark}@{self._sender.rpartition('@')[2]}>"
        message["Auto-Submitted"] = "auto-generated"  # no out-of-office answers: RFC 3834
        message["Content-Language"] = letter.language
        message.set_content(letter.text, cte="quoted-printable")
        message.add_alternative(letter.html, subtype="html", cte="quoted-printable")
        for one in letter.attachments:
            kind, _, subtype = one.media_type.partition("/")
            message.add_attachment(one.content, maintype=kind, subtype=subtype, filename=one.name)
        return message.as_bytes()

    def _deliver(self, letter: Letter, written: bytes) -> None:
        server = self._connected()
        try:
            self._introduced(server)
            self._accepted(server.docmd("MAIL", f"FROM:<{self._sender}>"), SETTINGS)
            self._accepted(server.docmd("RCPT", f"TO:<{_wire_address(letter.to)}>"), LETTER_REFUSED)
            self._accepted(server.docmd("DATA"), LETTER_REFUSED, wanted=_GO_ON)
        except (OSError, smtplib.SMTPException) as trouble:
            raise _unreached(trouble) from trouble
        else:
            self._hand_over(server, written)
        finally:
            server.close()

    def _connected(self) -> smtplib.SMTP:
        try:
            if self._scheme == "smtps":
                context = ssl.create_default_context()
                return smtplib.SMTP_SSL(self._host, self._port, timeout=_PATIENCE_S, context=context)
            return smtplib.SMTP(self._host, self._port, timeout=_PATIENCE_S)
        except (OSError, smtplib.SMTPException) as trouble:
            raise _unreached(trouble) from trouble

    def _introduced(self, server: smtplib.SMTP) -> None:
        """Behind TLS, unless the server is on this very machine: passwords and buyers' addresses travel here."""
        server.ehlo_or_helo_if_needed()
        if self._scheme == "smtp" and server.has_extn("starttls"):
            server.starttls(context=ssl.create_default_context())
            server.ehlo()
        elif self._scheme == "smtp" and self._host not in _LOOPBACK:
            raise Permanent(
                "The mail server offers no encryption (STARTTLS), so nothing was sent.",
                remedy="Use a mail server with STARTTLS or an smtps:// address in MAIL_URL, then retry.",
                code=SETTINGS,
            )
        if self._user:
            try:
                server.login(self._user, self._password)
            except smtplib.SMTPAuthenticationError as refusal:
                _refuse(refusal.smtp_code, SETTINGS)
            except smtplib.SMTPNotSupportedError:
                _refuse(_PERMANENT, SETTINGS)

    def _accepted(self, answered: tuple[int, bytes], blame: str, *, wanted: int = _OK) -> None:
        code, _words = answered  # the words are the server's own, and may repeat the address
        if code // 100 != wanted // 100:
            _refuse(code, blame)

    def _hand_over(self, server: smtplib.SMTP, written: bytes) -> None:
        try:
            if server.sock is not None:
                server.sock.settimeout(_PATIENCE_AFTER_THE_DOT_S)
            server.send(re.sub(rb"(?m)^\.", b"..", written).removesuffix(b"\r\n") + b"\r\n.\r\n")
            answered = server.getreply()
        except (OSError, smtplib.SMTPException) as trouble:
            raise Temporary(
                "The mail server did not say whether it took the message.", code="mail_unknown", outcome_unknown=True
            ) from trouble
        self._accepted(answered, LETTER_REFUSED)


def _wire_address(address: str) -> str:
    """The address with its domain as the wire knows it. Raises Permanent for a mailbox in another script."""
    mailbox, _, domain = address.rpartition("@")
    try:
        mailbox.encode("ascii")
        return f"{mailbox}@{domain.encode('idna').decode()}"
    except UnicodeError as odd:
        raise Permanent(
            "The buyer's mail address cannot be written to: it is in a script that mail servers do not take.",
            remedy="Ask the buyer for another address, or reach them in another way.",
            code=LETTER_REFUSED,
        ) from odd


def _unreached(trouble: Exception) -> Temporary:
    return Temporary(f"The mail server could not be spoken to ({type(trouble).__name__}).", code="mail_unreached")


def _refuse(code: int, blame: str) -> NoReturn:
    if _TEMPORARY <= code < _PERMANENT:
        raise Temporary(f"The mail server asks to come later ({code}).", code=f"mail_{code}")
    if blame == SETTINGS:
        raise Permanent(
            f"The mail server refuses this installation ({code}).",
            remedy="Check MAIL_URL (user and password) and MAIL_FROM, start the workers anew, then retry.",
            code=SETTINGS,
        )
    raise Permanent(
        f"The mail server refuses this message or its address ({code}).",
        remedy="Check the buyer's mail address, or reach them in another way.",
        code=LETTER_REFUSED,
    )
