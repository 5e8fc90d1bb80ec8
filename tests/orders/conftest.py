"""The business is tested in a small shop."""

import pytest
from sqlalchemy import Engine

from tests.shop import Shop, open_shop


@pytest.fixture
def shop(engine: Engine) -> Shop:
    return open_shop(engine)
