"""One drill while it happens: its shops, how hard it hits, and the wait until both sides of the books agree again."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import partial
from itertools import cycle
from pathlib import Path
from tempfile import TemporaryDirectory

import httpx
from sqlalchemy.exc import DBAPIError

from drills import ledger, verdict
from drills.field import NOTHING, Field, until
from drills.opening import open_shop
from drills.shops import Placed, Shop
from drills.verdict import Verdict

# Work that backs off is waited for; what a vendor has put off by an hour is not.
_SOON_S = 40.0


@dataclass(frozen=True, kw_only=True)
class Size:
    """How hard a drill hits: orders that are under way, how often the fault strikes, and how long a part is away."""

    orders: int
    faults: int
    away_s: float
    redis_away_s: float
    backlog: int
    lossy_orders: int
    reservations: int
    stock_orders: int
    soak_orders: int
    soak_s: float
    patience_s: float
    """How long recovery may take before what is missing counts as lost."""


SHORT = Size(
    orders=5,
    faults=3,
    away_s=2,
    redis_away_s=3,
    backlog=30,
    lossy_orders=24,
    reservations=200,
    stock_orders=24,
    soak_orders=40,
    soak_s=30,
    patience_s=240,
)
PLAIN = Size(
    orders=20,
    faults=8,
    away_s=8,
    redis_away_s=60,
    backlog=300,
    lossy_orders=300,
    reservations=600,
    stock_orders=200,
    soak_orders=300,
    soak_s=120,
    patience_s=300,
)
LONG = Size(
    orders=40,
    faults=15,
    away_s=20,
    redis_away_s=60,
    backlog=2_000,
    lossy_orders=300,
    reservations=2_000,
    stock_orders=1_000,
    soak_orders=2_000,
    soak_s=600,
    patience_s=2400,
)


@dataclass(frozen=True, kw_only=True)
class Row:
    """What came of a drill. `runs` is how often the fault struck."""

    drill: str
    runs: int
    orders: int
    lost: int
    doubled: int
    stuck: int
    recover_s: float
    took_s: float = 0.0
    """The whole drill, with setting up and judging."""
    findings: tuple[str, ...] = ()
    wrong: str = ""
    """Why the drill itself did not do what it is for."""

    @property
    def passed(self) -> bool:
        return not (self.lost or self.doubled or self.stuck or self.wrong)


class NotShown(Exception):
    """The fault did not strike, so that nothing was shown; the message says what was missing."""


@dataclass(kw_only=True)
class Play:
    """What a drill has in hand."""

    ground: Field
    size: Size
    shops: list[Shop] = field(default_factory=list)
    fault_ended_at: float | None = None
    more_orders: int = 0
    """Orders that the drill placed past its shops."""
    lost: list[str] = field(default_factory=list)
    """What the drill itself found missing, beside what the books show."""
    say: Callable[[str], None] = lambda _: None

    @property
    def shop(self) -> Shop:
        return self.shops[0]

    def open_shops(self, count: int = 1, *, more: Mapping[str, str] = NOTHING) -> None:
        """Open shops and have their catalogues read by a crew, which stays; `more` is in its environment."""
        ground = self.ground
        for _ in range(count):
            number = next(ground.numbers)
            self.shops.append(open_shop(ground.control, ground.engine, ground.settings, ground.web, number=number))
        self.crew(more=more)
        if not self.settle():
            raise NotShown("the shops' catalogues were not read")

    def crew(self, *, processes: int = 1, more: Mapping[str, str] = NOTHING) -> None:
        """A worker and a clock, as production runs them; `more` is in the worker's environment."""
        self.dismiss()
        self.ground.start_worker(processes=processes, more=more)
        self.ground.start_clock()

    def dismiss(self) -> None:
        """Let every worker and clock finish and go."""
        self.ground.processes.stop_all(lambda name: name not in {"web", "sandbox"})

    def place(self, count: int | None = None) -> list[Placed]:
        """Orders of every shape, spread over the shops."""
        wanted = count or self.size.orders
        share, more = divmod(wanted, len(self.shops))
        return [placed for n, shop in enumerate(self.shops) for placed in shop.place_mixed(share + (n < more))]

    @contextmanager
    def orders_coming(self, count: int, *, over_s: float | None = None) -> Iterator[None]:
        """Orders are placed one after the other while the block runs; all of them stand when it ends."""
        pause_s = (over_s or 0.5 * count) / max(1, count)
        failed: list[Exception] = []

        def place() -> None:
            baskets = cycle(self.shops)
            for number in range(count):
                began = time.monotonic()
                try:
                    next(baskets).place_one_of_all(number)
                except Exception as error:  # noqa: BLE001 - told to who waits for this thread, below
                    failed.append(error)
                    return
                time.sleep(max(0.0, pause_s - (time.monotonic() - began)))

        placing = threading.Thread(target=place, name="buyers")
        placing.start()
        try:
            yield
        finally:
            placing.join()
        if failed:
            raise failed[0]

    @contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder that is gone afterwards."""
        with TemporaryDirectory(prefix="drill-", dir=self.ground.logs) as made:
            yield Path(made)

    def all_labelled(self) -> bool:
        """Whether no order waits for a label any more."""
        return not self.ground.rows("SELECT 1 FROM orders WHERE state NOT IN ('shipping', 'fulfilled') LIMIT 1")

    def fault(self, **fault: object) -> None:
        """Have the sandbox go wrong; see sandbox/faults.py."""
        self.ground.control("POST", "/faults", fault)

    def faults_are_used_up(self) -> bool:
        """Whether every fault that was set has struck as often as it was to, where it was to strike at all."""
        faults = self.ground.control("GET", "/faults")["faults"]
        return all(one["taken"] == one["times"] for one in faults)

    def heal(self) -> None:
        """End whatever goes wrong: recovery is counted from here."""
        self.ground.control("DELETE", "/faults")
        self.fault_ended()

    def faults_taken(self) -> int:
        return sum(int(one["taken"]) for one in self.ground.control("GET", "/faults")["faults"])

    def fault_ended(self) -> None:
        self.fault_ended_at = time.monotonic()

    def time_passes(self, seconds: float) -> None:
        """Bring everything that waits for a later time nearer."""
        self.ground.change(
            "UPDATE jobs SET due_at = due_at - make_interval(secs => :seconds) WHERE state = 'due'", seconds=seconds
        )

    def settle(self, *, within_s: float | None = None) -> bool:
        """Wait until nothing is on its way and nothing is due soon; answers whether it came to that."""
        return until(partial(self.at_rest, soon_s=_SOON_S), within_s=within_s or self.size.patience_s, pause_s=0.1)

    def at_rest(self, *, soon_s: float = math.inf) -> bool:
        """Whether nothing is on its way, and no work waits that is due within this time."""
        try:
            if self.ground.control("POST", "/deliveries/flush", {"timeout_s": 0.05})["queued"]:
                return False
            with self.ground.engine.connect() as connection:
                return ledger.unsettled(connection, soon_s=soon_s) == 0
        except (DBAPIError, httpx.TransportError):
            return False

    def judged(self) -> tuple[Verdict, float]:
        """The verdict as soon as it is clean, or when patience ends; and the seconds since the fault was over."""
        began = self.fault_ended_at or time.monotonic()
        deadline = time.monotonic() + self.size.patience_s
        while time.monotonic() < deadline:
            if self.at_rest() and (found := self.judge()).clean:
                return found, time.monotonic() - began
            time.sleep(0.1)
        return self.judge(at_rest=self.at_rest()), time.monotonic() - began

    def judge(self, *, at_rest: bool = True) -> Verdict:
        """The verdict of this moment; work that did not come to rest in time stands still somewhere."""
        with self.ground.engine.connect() as connection:
            found = verdict.judge(ledger.read(self.ground.control, connection, self.shops))
        return found if at_rest else replace(found, stuck=(*found.stuck, "work is still under way"))
