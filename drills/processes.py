"""Starts Packline's programs as production runs them, and ends them in every way there is."""

from __future__ import annotations

import os
import signal
import subprocess  # nosec B404 # starts programs of our own choice only
import sys
from collections.abc import Callable
from pathlib import Path

from config.settings import Settings
from demo.stage import environment

# A job in hand may be in the middle of a slow call, and is finished first.
_PATIENCE_S = 60


class Processes:
    """Processes by name, each with a log of its own."""

    def __init__(self, settings: Settings, logs: Path) -> None:
        self.settings = settings
        """What the programs that are started from now on are told."""
        self._logs = logs
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, name: str, *words: str, more: dict[str, str] | None = None) -> None:
        """Start a Python program under a name; its log grows over restarts. `more` is added to its environment."""
        # `os.environ` itself is what a child starts with; nothing here is decided by it.
        surroundings = {**os.environ, **environment(self.settings), **(more or {})}
        with self.log(name).open("ab") as log:
            self._running[name] = subprocess.Popen(  # noqa: S603 # nosec B603 # our own programs with our own words
                [sys.executable, "-m", *words],
                env=surroundings,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C is for the drills, which then end the others in order
            )

    def log(self, name: str) -> Path:
        return self._logs / f"{name}.log"

    def names(self) -> list[str]:
        return list(self._running)

    def pid(self, name: str) -> int:
        return self._running[name].pid

    def alive(self, name: str) -> bool:
        return name in self._running and self._running[name].poll() is None

    def children(self, name: str) -> list[int]:
        """The processes that a program has started: a supervisor's workers, gunicorn's servers."""
        pid = self.pid(name)
        try:
            found = Path(f"/proc/{pid}/task/{pid}/children").read_text()
        except OSError:  # it ended between the question and the look
            return []
        return [int(child) for child in found.split()]

    def kill(self, name: str) -> None:
        """End it as a machine does that loses its power."""
        process = self._running.pop(name)
        process.kill()
        process.wait()

    def stop(self, name: str) -> None:
        """Ask it politely, as a new release does, and wait for the job in hand."""
        process = self._running.pop(name)
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def stop_all(self, which: Callable[[str], bool] = lambda _: True) -> None:
        for name in reversed([name for name in self._running if which(name)]):
            self.stop(name)


def signalled(pid: int, number: signal.Signals) -> bool:
    """Send a signal; answers whether there was still somebody to get it."""
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True
