"""What a location is able to do, as a form: how what was typed becomes a value, and what is wrong with it. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date, time
from decimal import Decimal, InvalidOperation
from typing import Any

from babel import Locale

from integrations.nouns import exponent
from orders import amounts
from records.routing import Sending
from web import asked
from web.pages.stock_forms import day_in

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
NAMES = (
    "preference", "never_to", "only_to", "sends_hazmat", "shipments_a_day", "work", "time_zone", "cut_off",
    "carrier_comes_at", "handling_days", "closed_on",
)  # fmt: skip
_COUNTRIES = frozenset(code for code in Locale("en").territories if re.fullmatch(r"[A-Z]{2}", str(code))) - {
    "ZZ",
    "EU",
    "UN",
}
_MOST_DAYS = 400
_MOST_MINOR = 100_000_000


def written(sending: Sending, currency: str) -> dict[str, str]:
    """What a location is able to do, as its form shows it."""
    typed = {
        "preference": str(sending.preference),
        "never_to": ", ".join(sending.never_to),
        "only_to": ", ".join(sending.only_to),
        "sends_hazmat": "1" if sending.sends_hazmat else "",
        "shipments_a_day": "" if sending.shipments_a_day is None else str(sending.shipments_a_day),
        "work": str(amounts.decimal(sending.work_minor, currency)),
        "time_zone": sending.time_zone,
        "cut_off": "" if sending.cut_off is None else f"{sending.cut_off:%H:%M}",
        "carrier_comes_at": "" if sending.carrier_comes_at is None else f"{sending.carrier_comes_at:%H:%M}",
        "handling_days": str(sending.handling_days),
        "closed_on": "\n".join(day.isoformat() for day in sending.closed_on),
    }
    return typed | {f"day-{day}": "1" if day in sending.working_days else "" for day in range(7)}


def typed_in(form: Mapping[str, str]) -> dict[str, str]:
    """What was typed, as far as a page can show it again."""
    names = [*NAMES, *(f"day-{day}" for day in range(7))]
    return {name: asked.plain(form.get(name, ""), asked.MOST_SHOWN_AGAIN) for name in names}


def read(typed: Mapping[str, str], currency: str) -> tuple[Sending | None, dict[str, str]]:
    """What these words mean, or what is wrong with them, by field."""
    wrong: dict[str, str] = {}
    found: dict[str, Any] = {
        "preference": _number(typed, "preference", 0, 99, wrong),
        "never_to": countries(typed, "never_to", wrong),
        "only_to": countries(typed, "only_to", wrong),
        "sends_hazmat": typed["sends_hazmat"] == "1",
        "shipments_a_day": _number(typed, "shipments_a_day", 1, 100_000, wrong) if typed["shipments_a_day"] else None,
        "work_minor": _money(typed, currency, wrong),
        "time_zone": typed["time_zone"] or "UTC",
        "cut_off": _time(typed, "cut_off", wrong),
        "carrier_comes_at": _time(typed, "carrier_comes_at", wrong),
        "working_days": tuple(day for day in range(7) if typed[f"day-{day}"] == "1"),
        "closed_on": _days(typed, wrong),
        "handling_days": _number(typed, "handling_days", 0, 30, wrong),
    }
    try:
        Sending(time_zone=found["time_zone"])
    except ValueError:
        wrong["time_zone"] = "There is no such time zone. One is called America/New_York."
    if found["cut_off"] and found["carrier_comes_at"] and found["carrier_comes_at"] < found["cut_off"]:
        wrong["carrier_comes_at"] = "Not before the time until which orders leave the same day."
    if found["never_to"] and found["only_to"]:
        wrong["only_to"] = "Name either the countries that it sends to, or those that it does not: one list is enough."
    if not found["working_days"]:
        wrong["working_days"] = "Tick at least one day: without one nothing would ever leave."
    return (None if wrong else Sending(**found)), wrong


def _number(typed: Mapping[str, str], name: str, least: int, most: int, wrong: dict[str, str]) -> int:
    text = typed[name]
    if not (text.isascii() and text.isdigit()) or len(text) > 9:
        wrong[name] = "A whole number, without a unit."
    elif not least <= int(text) <= most:
        wrong[name] = f"Between {least:,} and {most:,}."
    return 0 if name in wrong else int(text)


def countries(typed: Mapping[str, str], name: str, wrong: dict[str, str]) -> tuple[str, ...]:
    """The codes that were typed, each once; one that no country has is said beside the field."""
    codes = [code.upper() for code in re.split(r"[\s,;]+", typed[name]) if code]
    unknown = [code for code in codes if code not in _COUNTRIES]
    if unknown:
        more = "" if len(unknown) <= 3 else f" and {len(unknown) - 3:,} more"
        wrong[name] = (
            f"{', '.join(code[:20] for code in unknown[:3])}{more}: no country has such a code. Write two letters for "
            "each, such as CH, AU."
        )
    return tuple(dict.fromkeys(codes))


def _money(typed: Mapping[str, str], currency: str, wrong: dict[str, str]) -> int:
    text = (
        typed["work"].replace(",", ".") if typed["work"].count(",") == 1 and "." not in typed["work"] else typed["work"]
    )
    places = exponent(currency)
    try:
        amount = Decimal(text or "0")
    except InvalidOperation:
        amount = Decimal("NaN")
    if not re.fullmatch(r"\d{0,9}(\.\d{0,3})?", text) or not amount.is_finite():
        wrong["work"] = "An amount such as 1.50, without the currency."
        return 0
    minor = amount.scaleb(places)
    if minor != minor.to_integral_value():
        wrong["work"] = f"{currency} has {places} places after the point." if places else f"{currency} has no parts."
        return 0
    if minor > _MOST_MINOR:
        wrong["work"] = "That is more than sending a shipment can cost."
    return int(minor)


def _time(typed: Mapping[str, str], name: str, wrong: dict[str, str]) -> time | None:
    text = typed[name]
    if not text:
        return None
    if not re.fullmatch(r"([01]\d|2[0-3]):[0-5]\d", text, re.ASCII):
        wrong[name] = "A time of the day such as 14:00, or nothing where it makes no difference."
        return None
    return time.fromisoformat(text)


def _days(typed: Mapping[str, str], wrong: dict[str, str]) -> tuple[date, ...]:
    words = [word for word in re.split(r"[\s,;]+", typed["closed_on"]) if word]
    days = [day_in(word) for word in words]
    odd = [word for word, day in zip(words, days, strict=True) if day is None]
    if odd:
        wrong["closed_on"] = f"“{odd[0][:20]}” is no day. Write each as year-month-day, such as 2026-12-25."
    elif len(days) > _MOST_DAYS:
        wrong["closed_on"] = f"At most {_MOST_DAYS} days; take out those that are over."
    return tuple(sorted({day for day in days if day is not None}))
