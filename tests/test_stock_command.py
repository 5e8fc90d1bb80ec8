"""`packline stock replenish` says at the command line what the page says."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from cli import main
from orders import foreseeing
from orders.demand import History
from records.replenishing import Forecast
from records.tenants import rules_of
from tests.shop import KEY, Shop, open_shop


@pytest.fixture
def packline(settings, engine, redis_connection, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = {
        "DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.owner_url,
        "REDIS_URL": settings.redis_url, "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": KEY,
        "PUBLIC_URL": "https://pack.example.com", "LOG_LEVEL": "INFO", "LOG_FORMAT": "text",
    }  # fmt: skip
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    return lambda *asked: CliRunner().invoke(main, ["stock", "replenish", *map(str, asked)])


@pytest.fixture
def shop(engine) -> Shop:
    """Ten bags at Reno, of which seven are ordered each week."""
    shop = open_shop(engine)
    reno = shop.location()
    bag = shop.variant("=BAG", stock={reno: 10})
    today = datetime.now(UTC).date()
    history = History(begins=today - timedelta(days=today.weekday(), weeks=12), weeks=(7,) * 12)
    with shop.transaction() as session:
        session.add(
            Forecast(tenant_id=shop.tenant, variant_id=bag, location_id=reno, **foreseeing.columns(history, {}))
        )
        session.flush()
        foreseeing.write_points(session, shop.tenant, bag, rules_of(session, shop.tenant).replenishing)
    return shop


def test_what_runs_out_is_said_with_what_to_order(packline, shop):
    told = packline(shop.tenant)

    assert told.exit_code == 0
    assert told.stdout.split()[-10:] == ["=BAG", "Reno", "runs_out", "10", "0", "7.000", "0.000", "10", "21", "39"]
    assert packline(shop.tenant, "--show", "over").stdout.count("BAG") == 0
    assert packline(shop.tenant, "--sku", "x").stderr == "Nothing has to be ordered, as far as anybody can tell.\n"


def test_a_spreadsheet_has_every_column_and_no_formula(packline, shop):
    (row,) = csv.DictReader(io.StringIO(packline(shop.tenant, "--csv").stdout.removeprefix("\ufeff")))

    assert (row["sku"], row["suggested"], row["why"]) == ("'=BAG", "39", "Lasts 10 days; an order takes 14 days.")


def test_a_program_gets_numbers(packline, shop):
    (row,) = json.loads(packline(shop.tenant, "--json").stdout)

    assert (row["sku"], row["suggested"], row["reorder_point"], row["cover_days"]) == ("=BAG", 39, 21, 10)
    assert row["what"] == "runs_out"


def test_another_shop_s_stock_is_not_listed(packline, shop, engine):
    other = open_shop(engine, name="Other")

    assert "BAG" not in packline(other.tenant, "--show", "all").stdout
    assert packline(other.tenant + 900).exit_code == 1
