"""python -m bench: measures ingest, pipeline and reservations in one run, and prints the table."""

from __future__ import annotations

import json
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import text

from bench import burst, ingest, pipeline, reserve
from config import boot, embedded, logs
from config.settings import Settings
from records import database, migrate

# What a number has to be, where there is a target, and what it says.
ROWS = {
    "ingest.ratio": ("≥ 0.7", "committed webhooks a second against a bare Flask view (same server, HMAC, one INSERT)"),
    "ingest.per_s": ("", "committed webhooks a second"),
    "ingest.bare_per_s": ("", "the bare view's"),
    "ingest.p99_ms": ("", "99 of 100 webhooks are answered within, at 16 connections"),
    "pipeline.cpu_ms_per_order": ("", "our processes' CPU from webhook to tracking"),
    "pipeline.orders_per_s.1": ("", "orders a second, one worker process a queue"),
    "pipeline.orders_per_s.2": ("", "orders a second, two worker processes"),
    "burst.times": (
        "≥ 20",
        "how many times the sustained rate a burst of five seconds was, all of it answered 2xx in time",
    ),
    "burst.sent_per_s": ("", "deliveries a second in it, none of them lost"),
    "burst.drained_per_s": ("", "orders a second afterwards, two worker processes"),
    "burst.other_s": ("", "seconds that another shop's one order took in the middle of the backlog"),
    "reserve.ratio": ("≥ 0.65", "reservations a second of one hot variant against bare guarded UPDATEs"),
    "reserve.per_s": ("", "reservations a second"),
    "reserve.bare_per_s": ("", "bare updates a second"),
    "reserve.large_per_s": ("", "reservations a second among a million stock levels"),
    "reserve.flat": ("≤ 1.2", "reservations a second among a thousand stock levels against among a million"),
}


@click.command()
@click.option("--json", "file", type=click.Path(path_type=Path), help="Write the numbers to this file, too.")
@click.option("--home", type=click.Path(path_type=Path), default=Path(".cache/bench"), show_default=True)
def main(*, file: Path | None, home: Path) -> None:
    """Measure; a ratio compares two things of one run on one machine, so it means something elsewhere, too."""
    settings = boot.complete(
        Settings(_env_file=None, packline_home=home, database_url="", redis_url="", log_level="WARNING")
    )
    logs.set_up(settings)
    _empty(settings)
    console = Console()
    numbers: dict[str, float] = {}
    for part in (lambda: ingest.measure(settings), lambda: reserve.measure(settings)):
        numbers |= part()
    folder = embedded.reachable(home)
    embedded.stop_redis(folder / "redis")
    embedded.stop_postgresql(folder / "postgresql")
    numbers |= pipeline.measure(home)
    numbers |= burst.measure(home)
    table = Table("number", "measured", "wanted", "what it says")
    for name, (wanted, meaning) in ROWS.items():
        table.add_row(name, f"{numbers[name]:.2f}", wanted, meaning)
    console.print(table)
    if file is not None:
        file.write_text(json.dumps(_nested(numbers), indent=2) + "\n")


def _nested(numbers: dict[str, float]) -> dict[str, object]:
    """The numbers under their dotted names, and the orders a second by workers."""
    flat: dict[str, object] = {name: round(value, 4) for name, value in numbers.items()}
    flat["pipeline.orders_per_s"] = {
        workers: round(numbers[f"pipeline.orders_per_s.{workers}"], 4) for workers in ("1", "2")
    }
    return flat


def _empty(settings: Settings) -> None:
    engine = database.connect(settings.owner_url, pool_size=1, role="bench")
    with engine.begin() as connection:
        connection.execute(text("DROP SCHEMA public CASCADE"))
        connection.execute(text("CREATE SCHEMA public"))
    migrate.upgrade(engine, login=settings.database_login)
    engine.dispose()


if __name__ == "__main__":
    main()
