"""`packline shadow` and `packline self-test`: what they do to the records, what they print, and how they end."""

from __future__ import annotations

import json

import pytest
from click.testing import CliRunner
from shop import KEY, open_shop

from cli import main


@pytest.fixture
def packline(settings, engine, redis_connection, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests
    words = {
        "DATABASE_URL": settings.database_url,
        "DATABASE_OWNER_URL": settings.owner_url,
        "REDIS_URL": settings.redis_url,
        "SECRET_KEY": "s" * 48,
        "ENCRYPTION_KEYS": KEY,
        "PACKLINE_HOME": str(tmp_path),
        "PUBLIC_URL": "http://127.0.0.1:9",
        "SHOPIFY_ORIGIN": "http://127.0.0.1:9",
    }
    return lambda *given: CliRunner(env=words).invoke(main, [str(word) for word in given])


def test_a_shop_is_turned_to_watching_and_back(packline, engine):
    shop = open_shop(engine)

    on = packline("shadow", shop.tenant, "on")
    assert (on.exit_code, shop.one("SELECT mode FROM tenants")) == (0, "shadow")

    off = packline("shadow", shop.tenant, "off", "--since", "2026-11-20")
    assert off.exit_code == 0, off.output
    mode, since = shop.one("SELECT mode, setup ->> 'live_since' FROM tenants")
    assert (mode, since) == ("live", "2026-11-20T00:00:00+00:00")


def test_going_live_for_a_day_to_come_is_refused(packline, engine):
    shop = open_shop(engine)
    packline("shadow", shop.tenant, "on")

    refused = packline("shadow", shop.tenant, "off", "--since", "2199-01-01")

    assert (refused.exit_code, shop.one("SELECT mode FROM tenants")) == (2, "shadow")


def test_a_self_test_of_a_shop_that_lacks_a_carrier_ends_with_1_and_says_what_to_do(packline, engine):
    shop = open_shop(engine)
    shop.run("UPDATE connections SET ended_at = now()")

    ended = packline("self-test", shop.tenant, "--json")

    assert ended.exit_code == 1, ended.output
    found = {row["step"]: row for row in json.loads(ended.stdout)}
    assert found["A label, bought and given back"]["remedy"] == "Connect EasyPost, then test again."
    assert packline("self-test", 999_999).exit_code == 1
