"""Does the work of one lane in this very process, as a worker would, for a command that waits for what comes of it."""

from __future__ import annotations

import os
import socket
import time

import click
from sqlalchemy import Engine, text

from config import boot
from config.settings import Settings
from jobs import runner
from jobs.work import Services, app_keys, origins

# A pass over a large store takes minutes; after this long it goes on without anybody watching.
_PATIENCE_S = 900.0


def services(read: Settings, engine: Engine) -> Services:
    return Services(
        engine=engine,
        keyring=boot.keyring(read),
        origins=origins(read),
        worker=f"{socket.gethostname()}-command-{os.getpid()}",
        lease_s=read.job_lease_seconds,
        public_url=read.public_url,
        app_keys=app_keys(read),
    )


def work_off(own: Services, tenant: int, lane: str) -> None:
    """Do what is due in a lane, or wait until a worker that was first has done it."""
    deadline = time.monotonic() + _PATIENCE_S
    runner.work_off(own, tenant, lane)
    while _is_busy(own.engine, tenant, lane):
        if time.monotonic() > deadline:
            raise click.ClickException(f"{lane} is still being worked on: packline jobs list {tenant}")
        time.sleep(0.5)
        runner.work_off(own, tenant, lane)


def _is_busy(engine: Engine, tenant: int, lane: str) -> bool:
    """Whether a job of the lane runs, or is due now; one that waits for a later try is told by its reason."""
    with engine.connect() as connection:
        return connection.execute(_BUSY, {"tenant": tenant, "lane": lane}).first() is not None


_BUSY = text("""
SELECT 1 FROM jobs WHERE tenant_id = :tenant AND lane = :lane
  AND (state = 'running' OR (state = 'due' AND due_at <= now())) LIMIT 1
""")
