"""`packline privacy`: what is listed, what is gathered and written, and what is forgotten for good."""

from __future__ import annotations

import json
import logging

import pytest
import structlog
from click.testing import CliRunner
from shop import ADA, KEY, Shop, open_shop

from cli import main


@pytest.fixture
def shop(engine) -> Shop:
    return open_shop(engine)


@pytest.fixture
def packline(settings, redis_connection, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)  # no .env of whoever runs the tests
    words = {
        "DATABASE_URL": settings.database_url, "DATABASE_OWNER_URL": settings.owner_url, "REDIS_URL": settings.redis_url,
        "SECRET_KEY": "s" * 40, "ENCRYPTION_KEYS": KEY, "LOG_LEVEL": "WARNING", "LOG_FORMAT": "text",
    }  # fmt: skip
    for name, value in words.items():
        monkeypatch.setenv(name, value)
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield lambda *words: CliRunner().invoke(main, ["privacy", *map(str, words)])
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**kept)


def test_what_is_held_of_a_buyer_is_written_to_a_file_of_one_s_own(packline, shop, tmp_path):
    order = shop.order(state="fulfilled", email="ada@example.com")
    name = shop.one("SELECT name FROM orders WHERE id = :o", o=order)

    answer = packline("export", shop.tenant, name, "--to", tmp_path / "ada.json")

    assert answer.exit_code == 0, answer.output
    held = json.loads((tmp_path / "ada.json").read_text())
    assert held["orders"][0]["orders"][0]["ship_to"]["name"] == ADA.name
    assert (tmp_path / "ada.json").stat().st_mode & 0o077 == 0
    assert ADA.name not in answer.output
    (listed,) = json.loads(packline("list", shop.tenant, "--json").stdout)
    assert (listed["what"], listed["state"], listed["asked_by"], listed["downloadable"]) == (
        "Show what is held of a buyer", "done", "person:command line", True,
    )  # fmt: skip
    assert json.loads(packline("export", shop.tenant, "--demand", listed["id"]).stdout) == held


def test_a_buyer_is_forgotten_once_it_was_meant(packline, shop):
    order = shop.order(state="fulfilled", email="ada@example.com")
    name = shop.one("SELECT name FROM orders WHERE id = :o", o=order)

    assert packline("forget", shop.tenant, name).exit_code == 1
    assert shop.one("SELECT email FROM orders") == "ada@example.com"
    answer = packline("forget", shop.tenant, name, "--yes")

    assert "Forget a buyer: 1 order." in answer.stderr
    assert shop.one("SELECT email, ship_to FROM orders") == ("", {"country": "US"})


def test_an_order_or_an_export_that_is_not_there_is_said_to_be_so(packline, shop):
    for words, said in (
        (("export", shop.tenant, "#9"), "is called #9"),
        (("forget", shop.tenant, "#9", "--yes"), "is called #9"),
        (("export", shop.tenant, "--demand", "7"), "there is no export 7"),
        (("list", "99"), "there is no tenant 99"),
    ):
        answer = packline(*words)
        assert (answer.exit_code, answer.stdout) == (1, ""), words
        assert said in answer.stderr
    assert packline("export", shop.tenant).exit_code == 2
    assert shop.rows("SELECT 1 FROM privacy_requests") == []
