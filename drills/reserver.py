"""python -m drills.reserver TENANT: reserves what the orders of a tenant wait for, in many threads at once."""

from __future__ import annotations

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import Engine, text

from commands import opening
from config import boot
from config.settings import Settings
from jobs import claims, reserve_stock
from jobs.outcomes import Done
from jobs.work import Services, Work, origins
from records import database

# Eight processes of so many threads are two hundred, on fewer connections than PostgreSQL gives away by itself.
THREADS = 25
_CONNECTIONS = 8
_LEASE_S = 2.0


def main() -> None:
    settings = opening.settings()
    engine = database.connect(settings.database_url, pool_size=_CONNECTIONS, role="worker")
    tenant = int(sys.argv[1])
    with ThreadPoolExecutor(THREADS) as threads:
        for ended in [threads.submit(_work, engine, settings, tenant) for _ in range(THREADS)]:
            ended.result()


def _work(engine: Engine, settings: Settings, tenant: int) -> None:
    """A worker of one thread: its name is its own, since a lease is known by it."""
    services = Services(
        engine=engine,
        keyring=boot.keyring(settings),
        origins=origins(settings),
        worker=f"reserver-{threading.get_native_id()}",
        lease_s=_LEASE_S,
    )
    while lanes := _lanes(engine, tenant):
        random.shuffle(lanes)  # so that they meet on the same shelves, not on the same lanes
        for lane in lanes:
            _reserve(services, tenant, lane)


def _lanes(engine: Engine, tenant: int) -> list[str]:
    with database.transaction(engine, tenant) as session:
        return list(session.scalars(_WAITING, {"tenant": tenant}))


_WAITING = text("""
SELECT lane FROM jobs WHERE tenant_id = :tenant AND kind = 'reserve_stock'
  AND (state = 'due' OR (state = 'running' AND lease_until < now()))
""")


def _reserve(services: Services, tenant: int, lane: str) -> None:
    """One job of the lane, by the claim, the fence and the conclusion that every job has."""
    claim = claims.claim_next(services.engine, tenant, lane, worker=services.worker, lease_s=services.lease_s)
    if claim is None:
        return
    mine = claim.kind == "reserve_stock"  # somebody else was first with it, and this is what comes after
    done = mine and isinstance(reserve_stock.run(Work(services=services, claim=claim)), Done)
    with database.transaction(services.engine, tenant) as session:
        claims.conclude(session, claim, state="done" if done else "due", wait_s=None if done else 0.0, fresh=not done)


if __name__ == "__main__":
    main()
