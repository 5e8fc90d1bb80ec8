"""Makes guessing passwords slow, by address and by name, without ever locking the person herself out.

Whoever signed in once in a browser keeps a cookie there that says so, and tries from such a browser are counted apart:
strangers who guess at a name use up the strangers' tries only.
https://owasp.org/www-community/Slow_Down_Online_Guessing_Attacks_with_Device_Cookies
"""

from __future__ import annotations

import secrets

from flask import current_app, request
from itsdangerous import BadData, URLSafeTimedSerializer
from limits import RateLimitItemPerDay, RateLimitItemPerMinute
from werkzeug.wrappers import Response

from web import limits

_BY_ADDRESS = RateLimitItemPerMinute(10)
# Wider than an address's: one guesser alone does not use up what a name has.
_BY_NAME = RateLimitItemPerMinute(30)
_BY_KNOWN_BROWSER = RateLimitItemPerMinute(10)
# A code has a million values and three of them are good at any moment. Who gets this far knows the password, so that a
# day's tries may run out: one in ten thousand is guessed then, and an admin can take the second factor away.
_CODES = (RateLimitItemPerMinute(5, 5), RateLimitItemPerDay(30))
_KNOWN_FOR_S = 180 * 24 * 60 * 60


def knock(name: str) -> int:
    """Take one try at a password for this name; answers 0, or the seconds to wait."""
    known = _known_browser(name)
    if known:
        return limits.counts().take(_BY_KNOWN_BROWSER, "sign-in", "browser", known, exact=True)
    # In this order: who is stopped by the address takes none of the name's tries away.
    return limits.counts().take(_BY_ADDRESS, *_address(), exact=True) or limits.counts().take(
        _BY_NAME, *_named(name), exact=True
    )


def try_a_code(user: int) -> int:
    """Take one try at a second factor; answers 0, or the seconds to wait."""
    waits = (limits.counts().take(limit, "code", str(user), exact=True) for limit in _CODES)
    return next((wait_s for wait_s in waits if wait_s), 0)


def welcome(name: str) -> None:
    """Forget the tries of somebody who has signed in, second factor and all."""
    limits.counts().forget(_BY_ADDRESS, *_address())
    limits.counts().forget(_BY_NAME, *_named(name))


def know_this_browser(name: str, answer: Response) -> Response:
    """Have the browser remember that this person signed in with it."""
    word = _signer().dumps([limits.counts().unreadable(*_named(name)), secrets.token_urlsafe(12)])
    answer.set_cookie(
        _cookie(), word, max_age=_KNOWN_FOR_S, httponly=True, samesite="Lax",
        secure=current_app.config["SESSION_COOKIE_SECURE"],
    )  # fmt: skip
    return answer


def _known_browser(name: str) -> str:
    try:
        of, browser = _signer().loads(request.cookies.get(_cookie(), ""), max_age=_KNOWN_FOR_S)
    except (BadData, ValueError, TypeError):
        return ""
    return str(browser) if of == limits.counts().unreadable(*_named(name)) else ""


def _address() -> tuple[str, str, str]:
    return "sign-in", "address", request.remote_addr or ""


def _named(name: str) -> tuple[str, str, str]:
    return "sign-in", "name", name.strip().lower()


def _cookie() -> str:
    return "__Host-known" if current_app.config["SESSION_COOKIE_SECURE"] else "known"


def _signer() -> URLSafeTimedSerializer:
    return URLSafeTimedSerializer(current_app.config["SECRET_KEY"], salt="a browser that somebody signed in with")
