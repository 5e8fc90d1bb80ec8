"""Takes out of what is written down whatever nobody may read there: keys by their look or name, queries, e-mails.

Logs are read by more people than records are, and are kept where nobody deletes a buyer. So a log line is made of
facts with names; what is not plain is told by its kind, and what looks like a key is not told at all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date, datetime, timedelta
from pathlib import PurePath
from typing import Any

HIDDEN = "•••"
# A line longer than this is somebody's body, not a fact.
LONGEST_TEXT = 8_000
# A value that is hidden wherever it stands must not be a word that stands everywhere.
_SHORTEST_SECRET = 8
_DEEPEST = 4

# What opens a door, by its look: Shopify's tokens, Stripe's and EasyPost's keys, signing secrets, JSON web tokens,
# what Fernet has sealed, and whatever is introduced as a credential. Every repetition has an end: no text takes long.
_KEYS = re.compile(
    r"\b(?:shp[a-z]{2}_[A-Za-z0-9_-]{4,200}|(?:sk|rk|pk|whsec|cfut)_[A-Za-z0-9_*-]{4,300}|EZ[AT]K[A-Za-z0-9_-]{4,200}"
    r"|eyJ[A-Za-z0-9_-]{8,4000}(?:\.[A-Za-z0-9_-]{0,4000}){1,2}|gAAAAA[A-Za-z0-9_-]{20,4000}={0,2})"
)
_INTRODUCED = re.compile(r"\b(bearer|basic)\s{1,3}[A-Za-z0-9._~+/=-]{6,4000}", re.IGNORECASE)
# The address of a file is a key to it for ten minutes (web/file_links.py); a buyer's, or a supplier's, until it ends.
_FILE_LINK = re.compile(r"(?:(?<=/files/)|(?<=/choose/)|(?<=/delivered/)|(?<=/order/)|(?<=/supply/))[\w.-]{20,4000}")
_USER_OF_URL = re.compile(r"(?<=://)[^/\s@\"']{1,300}@")
# What follows the question mark of an address: tokens, searches for buyers, signatures.
_QUERY = re.compile(r"\?[\w.%\[\]-]{1,100}=[^\s\"'<>]{0,4000}")
_EMAIL = re.compile(r"[A-Za-z0-9._%+-]{1,64}@[A-Za-z0-9.-]{1,200}\.[A-Za-z]{2,24}")
_PHONE = re.compile(r"\+\d[\d ().-]{7,20}\d")
_CONTROL = {code: f"\\x{code:02x}" for code in (*range(32), 127, *range(128, 160))} | {9: "\\t", 10: "\\n", 13: "\\r"}

# Names of fields whose value is never shown, unless it is no text at all (how many, whether, until when).
_NAMES = re.compile(
    r"pass(?:word|phrase|wd)|secret|token|authori[sz]ation|cookie|credential|api_?key|private|hmac|signature|totp|otp"
    r"|csrf|sealed|e_?mail|phone|street|ship_to|bill_to|first_name|last_name|full_name|postcode|\bbody\b|recipient",
    re.IGNORECASE,
)

_known: tuple[str, ...] = ()


def learn(secrets: Iterable[str]) -> None:
    """Say which values this process has that may stand nowhere, whatever they look like."""
    global _known  # noqa: PLW0603 - a process has one set of settings
    _known = tuple(sorted({one for one in secrets if len(one) >= _SHORTEST_SECRET}, key=len, reverse=True))


def text(given: str) -> str:
    """A text that may be written down."""
    said = given[:LONGEST_TEXT]
    for secret in _known:
        said = said.replace(secret, HIDDEN)
    said = _QUERY.sub(f"?{HIDDEN}", said)
    for pattern in (_KEYS, _FILE_LINK, _EMAIL, _PHONE):
        said = pattern.sub(HIDDEN, said)
    said = _USER_OF_URL.sub(f"{HIDDEN}@", said)
    return _INTRODUCED.sub(rf"\1 {HIDDEN}", said)


def line(given: str) -> str:
    """The same on one line: nobody writes a second line, or a word to the terminal, into a log."""
    return text(given).translate(_CONTROL)


def value(name: str, given: Any, *, depth: int = 0) -> Any:
    """A field's value that may be written down; of an object only its kind."""
    if given is None or isinstance(given, bool | int | float | datetime | date | timedelta):
        return given
    if _NAMES.search(name):
        return HIDDEN if given else given
    if isinstance(given, str | PurePath):
        return line(str(given))
    if depth >= _DEEPEST:
        return f"<{type(given).__name__}>"
    if isinstance(given, Mapping):
        return {line(str(key)): value(str(key), item, depth=depth + 1) for key, item in given.items()}
    if isinstance(given, list | tuple | set | frozenset):
        return [value(name, item, depth=depth + 1) for item in given]
    return f"<{type(given).__name__}>"
