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
from jobs.work import Services, app_keys, buyer_links, origins, post, supplier_links
from records import database

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
        post=post(read),
        links=buyer_links(read),
        supplier_links=supplier_links(read),
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


def work_off_wholly(own: Services, tenant: int, lane: str) -> None:
    """The same, and what waits for a moment as well, such as a delivery that is on its way."""
    deadline = time.monotonic() + _PATIENCE_S
    work_off(own, tenant, lane)
    while _waits_a_moment(own.engine, tenant, lane):
        if time.monotonic() > deadline:
            raise click.ClickException(f"{lane} is still being worked on: packline jobs list {tenant}")
        time.sleep(0.5)
        work_off(own, tenant, lane)


def _waits_a_moment(engine: Engine, tenant: int, lane: str) -> bool:
    with database.transaction(engine, tenant) as session:
        return session.execute(_WAITS_A_MOMENT, {"tenant": tenant, "lane": lane}).first() is not None


_WAITS_A_MOMENT = text("""
SELECT 1 FROM jobs WHERE tenant_id = :tenant AND lane = :lane
  AND state = 'due' AND due_at < now() + interval '5 seconds' LIMIT 1
""")


def _is_busy(engine: Engine, tenant: int, lane: str) -> bool:
    """Whether a job of the lane runs, or is due now; one that waits for a later try is told by its reason."""
    with database.transaction(engine, tenant) as session:
        return session.execute(_BUSY, {"tenant": tenant, "lane": lane}).first() is not None


_BUSY = text("""
SELECT 1 FROM jobs WHERE tenant_id = :tenant AND lane = :lane
  AND (state = 'running' OR (state = 'due' AND due_at <= now())) LIMIT 1
""")
