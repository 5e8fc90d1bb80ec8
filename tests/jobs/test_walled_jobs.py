"""Every kind of job, of one shop and about another shop's row: a person is asked or it is let be, and nothing is done."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import Engine, text

from config.settings import Settings
from jobs import connect, runner
from jobs.queue import KINDS
from records import database, walls
from records.schema import METADATA
from tests.jobs.test_run_twice import STORIES
from tests.world import RENO, World, running_sandbox, running_world, variant

MINE = "mine.myshopify.com"


@pytest.fixture(scope="module")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[World]:
    with running_world(settings, engine, sandbox_origin) as running:
        yield running


def open_mine(world: World) -> int:
    """A shop beside the world's own, with accounts of its own that work."""
    world.control("POST", "/shopify/shops", {
        "domain": MINE, "token": "shpat_mine", "secret": "hush", "currency": "USD", "name": "Mine",
        "webhook_url": f"{world.origin}/hooks/shopify", "locations": [RENO],
        "products": [{"title": "Bag", "variants": [variant("BAG")]}],
    })  # fmt: skip
    world.control("POST", "/stripe/accounts", {"key": "sk_test_mine", "livemode": False})
    world.control("POST", "/easypost/accounts", {"key": "EZTKmine", "mode": "test"})
    with database.across_tenants(world.engine, why="test") as session:
        tenant = connect.add_tenant(session, "Mine", "USD")
    for vendor, account, secrets in (
        ("shopify", MINE, {"access_token": "shpat_mine", "webhook_secret": "hush"}),
        ("stripe", "", {"api_key": "sk_test_mine", "webhook_secret": "whsec_mine"}),
        ("easypost", "", {"api_key": "EZTKmine", "webhook_secret": "mine"}),
    ):
        with database.transaction(world.engine, tenant) as session:
            connect.connect(
                session, tenant, vendor=vendor, account=account, secrets=secrets, live=False,
                keyring=world.services.keyring,
            )  # fmt: skip
    with world.engine.begin() as connection:  # what connecting called for is not what this is about
        connection.execute(text("DELETE FROM jobs WHERE tenant_id = :t"), {"t": tenant})
    return tenant


def asked_for(world: World, kind: str) -> Any:
    """The world's own job of this kind, as soon as there is one."""
    STORIES[kind](world)
    for _ in range(60):
        if found := world.rows("SELECT * FROM jobs WHERE kind = :k ORDER BY id", k=kind):
            return found[-1]
        world.heard()
        for lane in world.due_lanes()[:1]:
            with pytest.MonkeyPatch.context() as patched:
                patched.setattr(runner, "JOBS_IN_A_ROW", 1)
                runner.work_off(world.services, world.tenant, lane)
    raise AssertionError(f"no {kind} was called for")


def rows_of(world: World, tenant: int) -> dict[str, frozenset[str]]:
    """Every row of a shop, by table."""
    return {
        table.name: frozenset(
            row[0] for row in world.rows(f"SELECT r::text FROM {table.name} r WHERE {column} = :t", t=tenant)
        )
        for table in METADATA.sorted_tables
        if (column := walls.column_of(table))
    }


@pytest.mark.parametrize("kind", KINDS)
def test_a_job_about_another_shop_s_row_does_nothing_and_says_so(world: World, kind: str):
    theirs = asked_for(world, kind)
    mine = open_mine(world)
    world.heard()
    with world.engine.begin() as connection:
        connection.execute(
            text("INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank) VALUES (:t, :k, :l, :s, :q, :r)"),
            {"t": mine, "k": kind, "l": theirs.lane, "s": theirs.subject, "q": theirs.queue, "r": theirs.rank},
        )
    before, own, calls = rows_of(world, world.tenant), rows_of(world, mine), len(world.calls())

    assert runner.work_off(world.services, mine, theirs.lane) == 1

    (ended,) = world.rows("SELECT state, cause, reason, remedy FROM jobs WHERE tenant_id = :t", t=mine)
    assert ended.state in {"parked", "cancelled"}, ended
    assert ended.cause
    assert ended.reason
    assert bool(ended.remedy) == (ended.state == "parked")
    assert rows_of(world, world.tenant) == before
    assert {name: rows for name, rows in rows_of(world, mine).items() if name != "jobs"} == {
        name: rows for name, rows in own.items() if name != "jobs"
    }
    assert len(world.calls()) == calls
