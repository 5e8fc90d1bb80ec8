"""python -m drills: does the drills, prints a row for each, and ends with status 1 where one was not passed."""

from __future__ import annotations

import signal
import sys
from dataclasses import replace
from pathlib import Path

import click
from rich.console import Console

from config import logs
from config.settings import Settings
from drills import table
from drills.field import laid_out
from drills.play import LONG, PLAIN, SHORT, Size
from drills.programme import ONLY_WHEN_ASKED, PROGRAMME, perform, sentence

SIZES = {"short": SHORT, "plain": PLAIN, "long": LONG}


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the table to this file as JSON, too.")
@click.option("--only", multiple=True, metavar="NAME", help="Do these drills only; part of a name is enough.")
@click.option("--list", "listed", is_flag=True, help="Say what each drill shows, and do none.")
@click.option("--long", "size", flag_value="long", help="Hit harder, and add the soak of ten minutes.")
@click.option("--short", "size", flag_value="short", help="Hit as the tests do.")
@click.option("--orders", type=int, help="Orders of the soak.")
@click.option("--minutes", type=float, help="Minutes of the soak.")
@click.option("--home", type=click.Path(path_type=Path), default=Path(".cache/drills"), show_default=True)
def main(
    *,
    file: Path | None,
    only: tuple[str, ...],
    listed: bool,
    size: str | None,
    orders: int | None,
    minutes: float | None,
    home: Path,
) -> None:
    """Break every part of Packline on purpose; status 0 if nothing was lost, nothing done twice, nothing stuck."""
    console = Console()
    if listed:
        for name, drill in PROGRAMME.items():
            console.print(f"[bold]{name}[/]\n    {sentence(drill)}", highlight=False)
        return
    logs.set_up(Settings(_env_file=None, log_level="ERROR", log_format="text"))  # type: ignore[call-arg]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    chosen = _chosen(only, long=size == "long")
    hitting = _with_soak(SIZES[size or "plain"], orders, minutes)
    rows = []
    with laid_out(home) as field:
        for number, name in enumerate(chosen, 1):
            console.print(f"{number}/{len(chosen)} {name.replace('_', ' ')} …", end=" ", highlight=False)
            row = perform(field, name, hitting, say=console.print)
            rows.append(row)
            word = "[green]passed[/]" if row.passed else "[red]not passed[/]"
            console.print(f"{word} in {row.took_s:.0f} s", highlight=False)
    table.show(console, rows)
    if file is not None:
        file.write_text(table.document(rows))
    sys.exit(0 if all(row.passed for row in rows) else 1)


def _chosen(only: tuple[str, ...], *, long: bool) -> list[str]:
    """The names of the drills to do. Raises click.UsageError for a name that is none."""
    unknown = [part for part in only if not any(_means(part, name) for name in PROGRAMME)]
    if unknown:
        raise click.UsageError(f"there is no drill called {', '.join(unknown)}: --list names them")
    if only:
        return [name for name in PROGRAMME if any(_means(part, name) for part in only)]
    return [name for name in PROGRAMME if long or name not in ONLY_WHEN_ASKED]


def _means(part: str, name: str) -> bool:
    return part.replace(" ", "_").replace("-", "_") in name


def _with_soak(size: Size, orders: int | None, minutes: float | None) -> Size:
    changed = size if orders is None else replace(size, soak_orders=orders)
    return changed if minutes is None else replace(changed, soak_s=minutes * 60)


if __name__ == "__main__":
    main()
