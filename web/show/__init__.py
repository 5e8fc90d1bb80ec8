"""How values look on a page: the filters and functions that every template may use."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from urllib.parse import urlsplit

from babel import Locale, UnknownLocaleError
from flask import Flask, current_app, g, request, url_for

from config.version import VERSION
from orders import amounts
from web import surface
from web.show import icons, moments, next_step, polaris, promised, words

_ENGLISH = Locale("en", "US")


def attach(app: Flask) -> None:
    app.jinja_env.filters.update(
        when=lambda moment: moments.element(moment, now()),
        money=lambda minor, currency: amounts.amount(minor, currency, locale()),
        span=moments.span,
        day=lambda one: promised.day(one, locale()),
        leaving=lambda one, zone: promised.leaving(one, zone, locale()),
        calendar_day=lambda on: moments.day(on, locale()),
        plain=words.plain,
        link=web_address,
        polaris_rows=polaris.rows,
        polaris_tone=polaris.tone,
    )
    app.jinja_env.globals.update(
        icon=icons.icon,
        look=words.look,
        choices=lambda thing: [(state, look.word) for state, look in words.LOOKS[thing].items()],
        doing=words.doing,
        hold_word=words.hold,
        cause_word=words.cause,
        actor_word=words.actor,
        timeline_kinds=words.TIMELINE,
        loudest=next_step.loudest,
        promise_clock=lambda order, parcels: promised.clock(order, parcels, now=now()),
        asset=asset,
        is_built=is_built,
        here=here,
        live_here=live_here,
        version=VERSION,
        now=now,
    )
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True


def now() -> datetime:
    """One moment for the whole page, so that its times agree with each other."""
    if "now" not in g:
        g.now = datetime.now(UTC)
    moment: datetime = g.now
    return moment


def locale() -> Locale:
    """The first locale that the reader's browser asks for and that exists; American English otherwise."""
    if "locale" not in g:
        g.locale = next((found for tag in request.accept_languages.values() if (found := _locale(tag))), _ENGLISH)
    chosen: Locale = g.locale
    return chosen


def asset(path: str) -> str:
    """The address of one of our files, which changes with what is in it, so that it may be kept by browsers."""
    return url_for("static", filename=path, v=_digest(str(current_app.static_folder), path))


def is_built(path: str) -> bool:
    """Whether npm's part of the pages was fetched; without it they stay plain."""
    return (Path(str(current_app.static_folder)) / path).is_file()


def here(**changed: object) -> str:
    """The address of this page with some of its query changed; a None takes that part away.

    The part of a page that keeps itself fresh is asked for by itself, and still means the page.
    """
    page = _page()
    whole = next((name for name in (f"{page}.listed", f"{page}.shown") if name in current_app.view_functions), None)
    is_part = str(request.endpoint).endswith(".live") or request.method == "POST"
    return _address(whole if is_part and whole else str(request.endpoint), changed)


def live_here() -> str:
    """The address of the part of this page that keeps itself fresh."""
    return _address(f"{_page()}.live", {})


def draw_as(page: str) -> None:
    """Say which page this answer is, where what was sent went to the address of another."""
    g.drawn_as = page


def _page() -> str:
    return str(g.get("drawn_as") or str(request.endpoint).partition(".")[0])


def web_address(given: str) -> str:
    """A vendor's link as a link, if it is one for the web, and nothing otherwise: a page never runs what it shows."""
    return given if urlsplit(given).scheme in {"http", "https"} else ""


def _address(endpoint: str, changed: dict[str, object]) -> str:
    kept = {name: value for name, value in request.args.to_dict().items() if surface.is_own_word(name)} | changed
    given = {name: value for name, value in kept.items() if value not in (None, "", False)}
    expects = current_app.url_map.is_endpoint_expecting
    own = {name: value for name, value in (request.view_args or {}).items() if expects(endpoint, name)}
    return url_for(endpoint, **{**given, **own})


@lru_cache(maxsize=64)
def _locale(tag: str) -> Locale | None:
    try:
        return Locale.parse(tag, sep="-")
    except (UnknownLocaleError, ValueError, TypeError):
        return None


@lru_cache(maxsize=64)
def _digest(folder: str, path: str) -> str:
    return hashlib.sha256((Path(folder) / path).read_bytes()).hexdigest()[:10]
