"""Says when: relative for people in a hurry, exact in UTC for everybody else. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime

from babel import Locale
from babel.dates import format_date
from markupsafe import Markup

_MINUTE, _HOUR, _DAY = 60, 3_600, 86_400


def exact(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def relative(moment: datetime, now: datetime) -> str:
    """`3 min ago`, `in 2 h`, and the date itself where it is more than two weeks away."""
    seconds = (moment - now).total_seconds()
    away = abs(seconds)
    if away < _MINUTE:
        return "just now" if seconds <= 0 else "in a moment"
    if away >= 14 * _DAY:
        day = moment.astimezone(UTC)
        return f"{day.day} {day:%b}" if day.year == now.astimezone(UTC).year else f"{day.day} {day:%b %Y}"
    return f"{span(away)} ago" if seconds < 0 else f"in {span(away)}"


def day(on: date | None, locale: Locale) -> str:
    """A day as the reader writes it; a dash for none."""
    return "–" if on is None else format_date(on, format="medium", locale=locale)


def span(seconds: float) -> str:
    """A length of time in its largest sensible unit: `45 s`, `12 min`, `3 h`, `5 days`."""
    if seconds < _MINUTE:
        return f"{int(seconds)} s"
    if seconds < 100 * _MINUTE:
        return f"{int(seconds // _MINUTE)} min"
    if seconds < 48 * _HOUR:
        return f"{int(seconds // _HOUR)} h"
    return f"{int(seconds // _DAY)} days"


def element(moment: datetime | None, now: datetime) -> Markup:
    """A <time> with the relative text to read and the exact time for machines and on hover; a dash for no time."""
    if moment is None:
        return Markup('<span class="none">–</span>')
    machine = moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(machine, exact(moment), relative(moment, now))
