"""Reads a sheet of counted units as spreadsheets write it: every row, or what is wrong with it. Pure."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

HEADING = ("sku", "location", "on_hand", "counted", "reason")
MOST_ROWS = 10_000
MOST_BYTES = 1_500_000
MOST_UNITS = 1_000_000_000
_LONGEST_REASON = 500
_LONGEST_SHOWN = 60
_NEEDED = ("sku", "location", "counted")
# What spreadsheets put between cells: commas, semicolons where a comma stands in numbers, and tabs in "Unicode text".
_BETWEEN = (",", ";", "\t")
# What our own file leads in with an apostrophe, so that no cell turns into a formula (orders/sheet.py).
_LED_IN = ("'=", "'+", "'-", "'@", "'\t", "'\r")
_OLD_CODE_PAGE = (
    "The file is not in UTF-8, so it was read as Windows-1252, which Excel writes in Western Europe. Look at the "
    "accents in the names; if they are wrong, save it as “CSV UTF-8”."
)


class Unreadable(Exception):
    """Nothing of the file can be read; says why and what to do."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One row: what it says, or what is wrong with it. `line` counts from 1, the heading being one of them."""

    line: int
    sku: str = ""
    location: str = ""
    units: int = 0
    seen: int | None = None
    """What was on hand when the sheet was downloaded; None where it does not say."""
    reason: str = ""
    problem: str = ""


@dataclass(frozen=True, kw_only=True)
class Sheet:
    rows: tuple[Row, ...]
    remark: str = ""
    """What is to be known of how it was read; empty where nothing is."""


def read(content: bytes) -> Sheet:
    """The rows of a sheet. Raises Unreadable."""
    if len(content) > MOST_BYTES:
        raise Unreadable(
            f"The file has {len(content) / 1_000_000:.1f} MB, and {MOST_BYTES / 1_000_000:.1f} are read at once. "
            "Divide it, and upload the parts one after the other."
        )
    words, remark = _decoded(content)
    lines = _lines(words)
    if not lines:
        raise Unreadable("The file is empty. Download the current levels, write what was counted, and upload that.")
    columns = _columns(lines[0][1])
    written = [(line, cells) for line, cells in lines[1:] if any(cell.strip() for cell in cells)]
    if len(written) > MOST_ROWS:
        raise Unreadable(
            f"The file has {len(written):,} rows, and {MOST_ROWS:,} are read at once. Divide it, and upload the parts "
            "one after the other."
        )
    if not written:
        raise Unreadable(
            "There is a heading and no row below it. Each row says a SKU, a location and what was counted."
        )
    return Sheet(rows=tuple(_row(line, cells, columns) for line, cells in written), remark=remark)


def _decoded(content: bytes) -> tuple[str, str]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            return content.decode("utf-16"), ""
        except UnicodeDecodeError as error:
            raise Unreadable("The file is cut off in the middle. Save it once more and upload it again.") from error
    if b"\x00" in content or content.startswith(b"PK"):
        raise Unreadable("This is a workbook and no CSV file. In the spreadsheet choose “Save as”, then “CSV UTF-8”.")
    try:
        return content.decode("utf-8-sig"), ""
    except UnicodeDecodeError:
        return content.decode("cp1252", errors="replace"), _OLD_CODE_PAGE


def _lines(words: str) -> list[tuple[int, list[str]]]:
    """The rows with the line that each begins in; a first line `sep=;`, which Excel understands, is obeyed."""
    text, first = words, 1
    head, _, rest = words.partition("\n")
    told = head.strip().lower()
    if told.startswith("sep="):
        between, text, first = (told[4:5] or ","), rest, 2
    else:
        between = max(
            _BETWEEN, key=lambda one: len(set(_NEEDED) & {name.strip(' "\r').lower() for name in head.split(one)})
        )
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=between, skipinitialspace=True)
    found: list[tuple[int, list[str]]] = []
    began = first
    try:
        for cells in reader:
            found.append((began, cells))
            began = first + reader.line_num
    except csv.Error as error:
        raise Unreadable(
            f"Line {began:,} is no line of a CSV file. Look for a quotation mark that is alone."
        ) from error
    return found


def _columns(heading: Sequence[str]) -> Mapping[str, int]:
    """Where each column stands. Others may stand between them and are not looked at."""
    names = [name.strip().strip("\ufeff").lower() for name in heading]
    missing = [name for name in _NEEDED if name not in names]
    if missing:
        are = "is" if len(missing) == 1 else "are"
        raise Unreadable(
            f"The first line has to name the columns, and {' and '.join(missing)} {are} missing. "
            f"They are called {', '.join(_NEEDED)}; on_hand and reason may stand beside them."
        )
    return {name: names.index(name) for name in HEADING if name in names}


def _row(line: int, cells: Sequence[str], columns: Mapping[str, int]) -> Row:
    said = {name: _cell(cells, columns.get(name)) for name in HEADING}
    problem = _problem(said)
    if problem:
        return Row(line=line, sku=said["sku"], location=said["location"], problem=problem)
    return Row(
        line=line, sku=said["sku"], location=said["location"], units=int(said["counted"]), reason=said["reason"],
        seen=int(said["on_hand"]) if said["on_hand"] else None,
    )  # fmt: skip


def _cell(cells: Sequence[str], at: int | None) -> str:
    """A cell's words, as a row of the database can hold them."""
    text = cells[at] if at is not None and at < len(cells) else ""
    plain = "".join(char for char in text if char >= " " or char == "\t").strip()
    return plain[1:] if plain.startswith(_LED_IN) else plain


def _problem(said: Mapping[str, str]) -> str:
    """What is wrong with a row by itself."""
    if not said["sku"]:
        return "It names no SKU. Write which one was counted."
    if not said["location"]:
        return "It names no location. Write where it was counted."
    if not said["counted"]:
        return "It says no number. Write how many were counted; 0 where there are none."
    wrong = _no_units(said["counted"]) or (_no_units(said["on_hand"]) if said["on_hand"] else "")
    if wrong:
        return wrong
    if len(said["reason"]) > _LONGEST_REASON:
        return f"Its reason has {len(said['reason']):,} characters, and {_LONGEST_REASON:,} are kept. Say it shorter."
    return ""


def _no_units(text: str) -> str:
    if not (text.isascii() and text.isdigit()):
        return f"“{shown(text)}” is no number of units. Write a whole number, without a point, a comma or a unit."
    if len(text) > len(str(MOST_UNITS)) or int(text) > MOST_UNITS:
        return f"{shown(text)} is more than a level can count. Look at the number again."
    return ""


def shown(text: str) -> str:
    """As much of somebody's words as a sentence can hold."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def doubles(levels: Iterable[tuple[int, tuple[int, int]]]) -> dict[int, int]:
    """The lines that name a level again, each with the line that named it first."""
    first: dict[tuple[int, int], int] = {}
    found: dict[int, int] = {}
    for line, level in levels:
        if level in first:
            found[line] = first[level]
        else:
            first[level] = line
    return found
