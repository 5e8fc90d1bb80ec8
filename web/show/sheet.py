"""Writes rows for spreadsheets, in which no cell of a buyer's making can turn into a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal

# What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection"); tab and return hide one.
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Excel reads a file without this mark in the machine's old code page, and spoils every accent.
_MARK = "\ufeff"


def lines(heading: list[str], rows: Iterable[list[object]]) -> Iterator[str]:
    """The file, line by line."""
    yield _MARK + _line(heading)
    for row in rows:
        yield _line(row)


def cell(value: object) -> str:
    """A cell's text; one that would be a formula is led in by an apostrophe, which spreadsheets do not show."""
    text = "" if value is None else str(value)
    if isinstance(value, int | Decimal):
        return text  # a negative number starts like a formula, and is none
    return f"'{text}" if text.startswith(_STARTS_FORMULA) else text


def _line(row: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\r\n").writerow([cell(value) for value in row])
    return written.getvalue()
