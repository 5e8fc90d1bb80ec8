"""python -m demo: plays thirty orders through the whole house and shows what became of them."""

from __future__ import annotations

import signal
import sys
from pathlib import Path

import click
from rich.live import Live

from config import logs
from config.settings import Settings
from demo import screen, stage, verdict
from demo.scenarios import all_scenarios
from demo.story import Play

NAME = "demo"
PASSWORD = "demo-demo"  # noqa: S105 # nosec B105 # opens a page on this machine, with invented orders


@click.command()
@click.option("--once", is_flag=True, help="End when all is done: status 0 if every order is where it has to be.")
@click.option("--no-orders", is_flag=True, help="Only the store, ready to be ordered from.")
@click.option("--home", type=click.Path(path_type=Path), default=Path(".cache/demo"), show_default=True)
def main(*, once: bool, no_orders: bool, home: Path) -> None:
    """Run Packline with a demo store against the sandbox vendors."""
    logs.set_up(Settings(_env_file=None, log_level="WARNING", log_format="text"))  # type: ignore[call-arg]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    screen.console.print("Starting PostgreSQL, Redis, the sandbox vendors, web, worker and clock …")
    with stage.set_up(home, name=NAME, password=PASSWORD) as running:
        play = Play(stage=running, scenarios=[] if no_orders else all_scenarios())
        play.open_store()
        play.make_trouble()
        with Live(console=screen.console, refresh_per_second=4, transient=True) as live:
            for doing in play.acts():
                live.update(screen.progress(running, doing))
        judged = verdict.judge(play)
        screen.summary(running, judged, name=NAME, password=PASSWORD)
        if not once:
            _stay()
    if once:
        sys.exit(0 if judged.good else 1)


def _stay() -> None:
    screen.console.print("It stays up until Ctrl-C.")
    try:
        signal.pause()
    except KeyboardInterrupt:
        screen.console.print("Stopping; jobs in hand are finished first …")


if __name__ == "__main__":
    main()
