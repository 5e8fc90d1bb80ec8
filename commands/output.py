"""Writes answers: tables for people, one JSON document for machines; messages go to standard error."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from integrations.nouns import Money

Row = Mapping[str, Any]
Command = TypeVar("Command", bound=Callable[..., Any])

# Where no terminal says how wide it is, no cell is folded: a line of the file is a row.
_FILE_WIDTH = 1_000


def json_option(command: Command) -> Command:
    """`--json`, as every command that reads has it."""
    return click.option("--json", "as_json", is_flag=True, help="One JSON document on standard output.")(command)


def limit_option(command: Command) -> Command:
    """`--limit`, as every list has it."""
    return click.option(
        "--limit", type=click.IntRange(1, 10_000), default=50, show_default=True, help="At most so many, newest first."
    )(command)


def listing(rows: Sequence[Row], columns: Sequence[str], *, as_json: bool, more: bool = False) -> None:
    """Rows as a table of some columns, or whole as a JSON list; says where there are more."""
    if as_json:
        document(list(rows))
    else:
        table(rows, columns)
    if more:
        message(f"There are more than these {len(rows)}: --limit shows more of them.")


def document(value: Any) -> None:
    """One JSON document. Times are ISO 8601 in UTC; money is its minor units beside its currency."""
    click.echo(json.dumps(value, indent=2, default=_for_json))


def table(rows: Sequence[Row], columns: Sequence[str], *, title: str = "") -> None:
    shown = Table(*(name.replace("_", " ") for name in columns), box=SIMPLE_HEAD, title=title, title_justify="left")
    for row in rows:
        shown.add_row(*(Text(cell(row.get(name)), overflow="fold") for name in columns))
    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = _FILE_WIDTH
    console.print(shown)


def facts(row: Row) -> None:
    """One thing's facts, a line each."""
    for name, value in row.items():
        click.echo(f"{name.replace('_', ' ') + ':':<14} {cell(value)}")


def message(text: str) -> None:
    """What is no answer: to standard error, so that it never ends up in a file."""
    click.echo(plain(text), err=True)


def cell(value: Any) -> str:
    """A value as people read it."""
    if value is None or value in ("", [], ()):
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, datetime):
        return f"{value.astimezone(UTC):%Y-%m-%d %H:%M:%S}Z"
    if isinstance(value, list | tuple):
        return ", ".join(cell(one) for one in value)
    return plain(str(value))


def plain(text: str) -> str:
    """Text without control characters: what a buyer typed must not steer the terminal of whoever reads it."""
    return "".join(char if char == "\n" or char.isprintable() else " " for char in text)


def money(minor: int | None, currency: str) -> Money | None:
    """An amount; None where nothing is known of it."""
    return Money(minor=minor, currency=currency) if minor is not None and currency else None


def _for_json(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
    if isinstance(value, Money):
        return value.model_dump()
    raise TypeError(f"{type(value).__name__} has no form in JSON here")
