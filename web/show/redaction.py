"""Takes what identifies a buyer out of a vendor's message, so that ops can read it over anybody's shoulder. Pure."""

from __future__ import annotations

import json
import re
from typing import Any

HIDDEN = "•••"

# Keys whose value tells who somebody is or where they live, in the spelling of any vendor.
_PERSONAL = re.compile(
    r"(^|_)(e?mail|phone|telephone|first_name|last_name|full_name|address_?[12]?|street_?[12]?|city|zip|postal_code|"
    r"postcode|latitude|longitude|company|ip|browser_ip|birthday|note|signed_by|signature)$",
    re.IGNORECASE,
)
# Keys whose value opens a door: links that show an order to whoever has them.
_OPENS = re.compile(r"(^|_)(token|secret|password|client_secret|status_url|receipt_url|public_url)$", re.IGNORECASE)
# Things that are a person or a place, in which a plain `name` or `line1` is personal too.
_PEOPLE = re.compile(r"(address|customer|billing|^shipping$|shipping_details|recipient|buyer|owner)", re.IGNORECASE)
_NAMES = re.compile(r"^(name|line[12]|state|province|province_code|street)$", re.IGNORECASE)
# Every repetition ends, at the length that RFC 5321 allows: two million letters without an @ are read in a moment.
_EMAIL = re.compile(r"[^\s\"'<>@,;:]{1,64}@[^\s\"'<>@,;:]{1,200}\.[^\s\"'<>@,;:.]{1,63}")
_PHONE = re.compile(r"\+?\d[\d\s().-]{8,30}\d")


def pretty(body: bytes, *, redacted: bool) -> tuple[str, bool]:
    """A message to be read, indented; and whether it was JSON at all."""
    text = body.decode("utf-8", "replace")
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):  # brackets without end are no JSON that anybody meant
        return (_without_patterns(text) if redacted else text), False
    return json.dumps(without_persons(value) if redacted else value, indent=2, ensure_ascii=False), True


def without_persons(value: Any, *, within: str = "") -> Any:
    """The same JSON value with every personal string, number and list of them hidden."""
    if isinstance(value, dict):
        return {key: _of_key(str(key), item, within=within) for key, item in value.items()}
    if isinstance(value, list):
        return [without_persons(item, within=within) for item in value]
    if isinstance(value, str):
        return _EMAIL.sub(HIDDEN, value)
    return value


def header(name: str, value: str) -> str:
    """A header's value; of a signature only its beginning, which is enough to compare and not to use."""
    return f"{value[:8]}…" if re.search(r"hmac|signature", name, re.IGNORECASE) else value


def _of_key(key: str, value: Any, *, within: str) -> Any:
    personal = _PERSONAL.search(key) or _OPENS.search(key) or (_PEOPLE.search(within) and _NAMES.search(key))
    if personal and not isinstance(value, dict | list):
        return value if value in (None, "", True, False) else HIDDEN
    if personal and isinstance(value, list):
        return [HIDDEN if isinstance(item, str | int | float) else without_persons(item, within=key) for item in value]
    # What lies inside a person is still theirs: the outer word counts where the inner one says nothing.
    return without_persons(value, within=key if _PEOPLE.search(key) else within)


def _without_patterns(text: str) -> str:
    named = _EMAIL.sub(HIDDEN, text) if "@" in text else text
    return _PHONE.sub(HIDDEN, named)
