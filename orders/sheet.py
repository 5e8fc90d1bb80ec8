"""Writes rows for spreadsheets, in which no cell of a buyer's making can turn into a formula. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import islice

# What a spreadsheet takes for the start of a formula (OWASP, "CSV Injection"); tab and return hide one.
_STARTS_FORMULA = ("=", "+", "-", "@", "\t", "\r")
# Excel reads a file without this mark in the machine's old code page, and spoils every accent.
_MARK = "\ufeff"
_PIECE = 200


def lines(heading: list[str], rows: Iterable[list[object]]) -> Iterator[str]:
    """The file, some hundred lines at a time: each piece is a write to the network."""
    yield _MARK + _line(heading)
    rest = iter(rows)
    while piece := "".join(_line(row) for row in islice(rest, _PIECE)):
        yield piece


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
