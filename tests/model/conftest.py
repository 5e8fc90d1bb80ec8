"""Journeys run in a whole small world."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from config.settings import Settings
from tests.world import World, running_sandbox, running_world


@pytest.fixture(scope="session")
def sandbox_origin() -> Iterator[str]:
    with running_sandbox() as origin:
        yield origin


@pytest.fixture
def world(settings: Settings, engine: Engine, sandbox_origin: str) -> Iterator[World]:
    with running_world(settings, engine, sandbox_origin) as running:
        yield running
