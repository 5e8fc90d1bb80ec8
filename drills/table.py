"""Shows what came of the drills: a table for people, JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from rich import box
from rich.console import Console
from rich.table import Table

from drills.play import Row


def show(console: Console, rows: Sequence[Row]) -> None:
    """A row a drill; what was found wrong stands below it in sentences."""
    table = Table(box=box.SIMPLE_HEAD)
    table.add_column("drill", no_wrap=True)
    for name in ("runs", "lost", "doubled", "stuck", "seconds to recover"):
        table.add_column(name, justify="right", max_width=10)
    for row in rows:
        colour = "" if row.passed else "red"
        numbers = (row.runs, row.lost, row.doubled, row.stuck, f"{row.recover_s:.1f}")
        table.add_row(row.drill, *map(str, numbers), style=colour)
    console.print(table)
    for row in rows:
        for finding in ([row.wrong] if row.wrong else []) + list(row.findings[:20]):
            console.print(f"[red]{row.drill}[/]: {finding}", highlight=False)
    failed = sum(not row.passed for row in rows)
    word = "[green]Nothing lost, nothing twice, nothing stuck.[/]" if not failed else f"[red]{failed} drills failed.[/]"
    console.print(f"{len(rows)} drills, {sum(row.runs for row in rows)} faults. {word}")


def document(rows: Sequence[Row]) -> str:
    """The same as JSON, a row a drill."""
    listed: list[dict[str, Any]] = [asdict(row) | {"passed": row.passed} for row in rows]
    return json.dumps({"drills": listed, "passed": all(row.passed for row in rows)}, indent=2) + "\n"
