"""Reads what somebody typed about stock: units, days, reasons; and says beside each field what is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from web import asked

MOST_UNITS = 1_000_000_000
_LONGEST_REFERENCE = 100
_EARLIEST, _LATEST = date(2000, 1, 1), date(2100, 1, 1)


@dataclass
class Typed:
    """A form as it was typed, by field, and what is wrong with it."""

    act: str = ""
    said: dict[str, str] = field(default_factory=dict)
    wrong: dict[str, str] = field(default_factory=dict)

    def units(self, name: str = "units", *, least: int = 1) -> int:
        """A number of units; 0 where what was typed is none, which is then said beside the field."""
        text = self._keep(name, 40)
        wrong = _no_units(text, least)
        if wrong:
            self.wrong[name] = wrong
            return 0
        return int(text)

    def reason(self, *, needed: bool = True) -> str:
        text = self._keep("reason", asked.MOST_SHOWN_AGAIN)
        wrong = asked.too_long(text, asked.LONGEST_REASON)
        if needed and not text:
            wrong = "Say why: the next person will ask."
        if wrong:
            self.wrong["reason"] = wrong
        return text

    def reference(self) -> str:
        text = self._keep("reference", asked.MOST_SHOWN_AGAIN)
        wrong = asked.too_long(text, _LONGEST_REFERENCE)
        if wrong:
            self.wrong["reference"] = wrong
        return text

    def words(self, name: str) -> str:
        return self._keep(name, asked.MOST_SHOWN_AGAIN)

    def day(self, name: str) -> date | None:
        """A day, or None where none was typed; a wrong one is said beside the field."""
        text = self._keep(name, 40)
        if not text:
            return None
        found = day_in(text)
        if found is None:
            self.wrong[name] = "Write the day as year-month-day, such as 2026-12-01, or leave it empty."
        return found

    def one_of(self, name: str, allowed: tuple[str, ...]) -> str:
        text = self._keep(name, 40)
        if text not in allowed:
            self.wrong[name] = "Choose one of these."
            return allowed[0]
        return text

    def ticked(self, name: str) -> bool:
        return self._keep(name, 10) == "1"

    def _keep(self, name: str, longest: int) -> str:
        self.said[name] = asked.told(name, longest=longest)
        return self.said[name]


def day_in(text: str) -> date | None:
    """The day that these words mean, if it is one of our time. Pure."""
    try:
        found = date.fromisoformat(text)
    except ValueError:
        return None
    return found if _EARLIEST <= found <= _LATEST else None


def _no_units(text: str, least: int) -> str:
    if not (text.isascii() and text.isdigit()):
        return "A whole number of units."
    if len(text) > len(str(MOST_UNITS)) or not least <= int(text) <= MOST_UNITS:
        return f"Between {least:,} and {MOST_UNITS:,} units."
    return ""
