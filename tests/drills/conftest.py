"""Drills in a test: a whole small world for those that need no process of their own, a field for those that do."""

from collections.abc import Iterator
from itertools import count

import pytest
from sqlalchemy import Engine

from config.settings import Settings
from drills.opening import open_shop
from drills.shops import Shop, control_of
from tests.world import World, running_sandbox, running_world

_numbers = count(1)


@pytest.fixture(scope="session")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[World]:
    with running_world(settings, engine, sandbox_origin) as running:
        yield running


@pytest.fixture
def shop(world: World) -> Shop:
    """A drill's shop in the world, its catalogue read."""
    opened = open_shop(control_of(world.sandbox), world.engine, world.settings, world.origin, number=next(_numbers))
    world.tenant = opened.tenant
    world.services.public_url = world.origin  # where the vendors' webhooks have to point
    world.work_off()
    return opened
