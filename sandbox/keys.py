"""Which API key a request carries."""

import base64
import binascii

from flask import request


def presented_key() -> str | None:
    """The Bearer token, or the user name of Basic; None without either."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return value.strip()
    if scheme.lower() != "basic":
        return None
    try:
        return base64.b64decode(value).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return None
