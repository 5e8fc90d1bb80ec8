"""How soon the merchants' pages stand, hold still and answer, with a long history behind them."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import Engine

from bench import orders_by_the_thousand, pages
from config.settings import Settings

pytestmark = [
    pytest.mark.browser,
    pytest.mark.long,
    pytest.mark.timeout(1800),
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
]


def test_a_page_within_its_budgets_is_said_to_be_and_one_beyond_is_named() -> None:
    good = {"lcp_ms": [100.0] * 4, "cls": [0.0] * 4, "inp_ms": [16.0] * 4}
    slow = good | {"lcp_ms": [100.0, 100.0, 2600.0, 2700.0]}
    assert pages.over_budget({"home": good}) == []
    assert pages.over_budget({"home": good, "orders": slow}) == ["orders: lcp_ms is 2600, and may be 2500"]
    assert pages.p75([4.0, 1.0, 3.0, 2.0]) == 3.0


def test_every_page_keeps_its_budgets_with_a_hundred_thousand_orders(
    settings: Settings, engine: Engine, app: Flask
) -> None:
    pages.let_in(engine)
    tenant = orders_by_the_thousand.fill(engine, orders=pages.ORDERS)
    with pages.served(settings) as (served, origin):
        found = pages.measure(served, origin, tenant)
    assert pages.over_budget(found) == []
