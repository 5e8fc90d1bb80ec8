"""`packline keys`: everything that is sealed is sealed anew while others write, nothing newer is put back, none forgotten."""

from __future__ import annotations

import json
import logging
from typing import Any

import pytest
import structlog
from click.testing import CliRunner
from cryptography.fernet import Fernet
from sqlalchemy import LargeBinary, text

from cli import main
from config.keyring import CannotOpen, Keyring
from jobs import resealing
from records import database, sealed
from records.schema import METADATA
from tests.shop import open_shop

OLD, NEW, OTHER = (Fernet.generate_key().decode() for _ in range(3))
BEFORE, BOTH = Keyring([OLD]), Keyring([NEW, OLD])


@pytest.fixture(autouse=True)
def _own_logs():
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**kept)


@pytest.fixture
def sessions(engine):
    return lambda: database.across_tenants(engine, why="test")


@pytest.fixture
def packline(settings, engine, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    words = {
        "DATABASE_URL": settings.database_url, "REDIS_URL": settings.redis_url, "SECRET_KEY": "s" * 40,
        "PUBLIC_URL": "https://pack.example.com", "LOG_FORMAT": "text",
    }  # fmt: skip
    for name, value in words.items():
        monkeypatch.setenv(name, value)

    def run(*words: str, keys: str) -> Any:
        monkeypatch.setenv("ENCRYPTION_KEYS", keys)
        return CliRunner().invoke(main, list(words))

    return run


def seal_something_everywhere(engine, shop, keyring: Keyring, connections: int = 3) -> None:
    """Connections, a second factor and an export, each under the first key of this ring."""
    with engine.begin() as connection:
        for number in range(connections):
            connection.execute(
                text("INSERT INTO connections (tenant_id, id, vendor, role, account, live, sealed_secrets) "
                     "VALUES (:t, :id, 'stripe', 'payments', '', false, :sealed)"),
                {"t": shop.tenant, "id": f"c-{number:04}", "sealed": keyring.seal({"api_key": f"key-{number}"})},
            )  # fmt: skip
        connection.execute(
            text("INSERT INTO users (name, password_hash, sealed_totp) VALUES ('Ann', 'x', :sealed)"),
            {"sealed": keyring.seal({"totp": "JBSW"})},
        )
        connection.execute(text("INSERT INTO users (name, password_hash) VALUES ('Bob', 'x')"))
        connection.execute(
            text("INSERT INTO privacy_requests (tenant_id, kind, remote_id, sealed_export, due_at) "
                 "VALUES (:t, 'export', 'r', :sealed, now())"),
            {"t": shop.tenant, "sealed": keyring.seal({"orders": "…"})},
        )  # fmt: skip


def shop_sealed_by(engine, keyring: Keyring):
    """A shop whose own store connection is sealed by this ring too."""
    shop = open_shop(engine)
    shop.run("UPDATE connections SET sealed_secrets = :s", s=keyring.seal({"access_token": "t"}))
    return shop


def everything(engine) -> list[bytes]:
    with engine.connect() as connection:
        return [
            bytes(row[0])
            for what in sealed.EVERY
            for row in connection.execute(
                text(f"SELECT {what.column.name} FROM {what.table.name} WHERE {what.column.name} IS NOT NULL")
            )
        ]


def test_every_sealed_column_of_the_schema_is_sealed_anew():
    of_schema = {
        f"{table.name}.{column.name}" for table in METADATA.tables.values() for column in table.columns
        if isinstance(column.type, LargeBinary) and column.name.startswith("sealed_")
    }  # fmt: skip

    assert {str(what) for what in sealed.EVERY} == of_schema
    assert len(of_schema) >= 3


def test_everything_is_sealed_anew_and_says_the_same(packline, engine):
    shop = shop_sealed_by(engine, BEFORE)
    seal_something_everywhere(engine, shop, BEFORE)

    rotated = packline("keys", "rotate", "--json", keys=f"{NEW},{OLD}")

    assert rotated.exit_code == 0, rotated.output
    assert "6 sealed anew; 0 left" in rotated.stderr
    assert {one["what"]: one["by_key"] for one in json.loads(rotated.stdout)} == {
        "connections.sealed_secrets": [4, 0], "users.sealed_totp": [1, 0], "privacy_requests.sealed_export": [1, 0],
        "digital_goods.sealed_link": [0, 0], "digital_codes.sealed_code": [0, 0],
        "suppliers.sealed_hook_secret": [0, 0],
    }  # fmt: skip
    with_new_alone = Keyring([NEW])
    assert [with_new_alone.open(one) for one in everything(engine)][-2:] == [{"totp": "JBSW"}, {"orders": "…"}]
    (line,) = shop.rows("SELECT act, details->>'left' FROM audit_lines WHERE tenant_id = 0")
    assert line == ("keys rotate", "0")


def test_a_second_run_finds_nothing_to_do_and_writes_nothing(packline, engine):
    shop = shop_sealed_by(engine, BEFORE)
    seal_something_everywhere(engine, shop, BEFORE)
    packline("keys", "rotate", keys=f"{NEW},{OLD}")
    before = everything(engine)

    again = packline("keys", "rotate", keys=f"{NEW},{OLD}")

    assert (again.exit_code, "0 sealed anew; 0 left" in again.stderr) == (0, True)
    assert everything(engine) == before


def test_what_each_key_opens_is_counted_before_and_after(packline, engine):
    shop = shop_sealed_by(engine, BEFORE)
    seal_something_everywhere(engine, shop, BEFORE)
    both = packline("keys", "check", "--json", keys=f"{NEW},{OLD}")
    assert both.exit_code == 1
    assert json.loads(both.stdout)[0] == {"what": "connections.sealed_secrets", "by_key": [0, 4], "no_key": 0}
    assert packline("keys", "check", keys=OLD).exit_code == 0
    assert "older keys" in packline("keys", "check", keys=f"{NEW},{OLD}").stdout

    packline("keys", "rotate", keys=f"{NEW},{OLD}")

    assert packline("keys", "check", keys=NEW).exit_code == 0


def test_what_no_key_opens_is_left_alone_counted_and_stops_nothing(packline, engine):
    shop = shop_sealed_by(engine, BEFORE)
    seal_something_everywhere(engine, shop, BEFORE)
    lost = Keyring([OTHER]).seal({"api_key": "lost"})
    shop.run("UPDATE connections SET sealed_secrets = :s WHERE id = 'c-0001'", s=lost)

    rotated = packline("keys", "rotate", keys=f"{NEW},{OLD}")

    assert (rotated.exit_code, "5 sealed anew; 1 left" in rotated.stderr) == (1, True)
    assert bytes(shop.one("SELECT sealed_secrets FROM connections WHERE id = 'c-0001'")) == lost


def test_a_secret_that_is_renewed_in_the_same_moment_is_never_put_back(engine, sessions, monkeypatch):
    shop = shop_sealed_by(engine, BEFORE)
    seal_something_everywhere(engine, shop, BEFORE)
    swap, renewed = sealed.swap, BEFORE.seal({"api_key": "renewed meanwhile"})
    overtaken = []

    def overtaking(session, what, row, anew):
        if "c-0001" in row.key and not overtaken:
            overtaken.append(row.key)
            shop.run("UPDATE connections SET sealed_secrets = :s WHERE id = 'c-0001'", s=renewed)
        return swap(session, what, row, anew)

    monkeypatch.setattr(sealed, "swap", overtaking)
    resealing.rotate(sessions, BOTH, lambda _what, _moved: None)

    kept = bytes(shop.one("SELECT sealed_secrets FROM connections WHERE id = 'c-0001'"))
    assert BOTH.open(kept) == {"api_key": "renewed meanwhile"}
    assert (overtaken, BOTH.place_of(kept)) == ([(shop.tenant, "c-0001")], 0)


def test_a_pass_in_which_everything_was_renewed_meanwhile_is_not_the_last(engine, sessions, monkeypatch):
    """One connection, whose secrets a process with the old list of keys renews in the same moment."""
    shop = shop_sealed_by(engine, BEFORE)
    swap, renewed, overtaken = sealed.swap, BEFORE.seal({"api_key": "renewed meanwhile"}), []

    def overtaking(session, what, row, anew):
        if not overtaken:
            overtaken.append(row.key)
            shop.run("UPDATE connections SET sealed_secrets = :s", s=renewed)
        return swap(session, what, row, anew)

    monkeypatch.setattr(sealed, "swap", overtaking)

    assert resealing.rotate(sessions, BOTH, lambda _what, _moved: None) == 1
    assert sum(one.old for one in resealing.count(sessions, BOTH).values()) == 0


def test_a_run_that_was_cut_off_goes_on_where_it_was(engine, sessions, monkeypatch):
    shop = shop_sealed_by(engine, BEFORE)
    seal_something_everywhere(engine, shop, BEFORE, connections=25)
    monkeypatch.setattr(resealing, "LOT", 10)

    class CutOff(Exception):
        pass

    def cut(_what, _moved):
        raise CutOff

    with pytest.raises(CutOff):
        resealing.rotate(sessions, BOTH, cut)
    found = resealing.count(sessions, BOTH)["connections.sealed_secrets"]
    assert (found.by_place[0], found.old) == (10, 16)

    assert resealing.rotate(sessions, BOTH, lambda _what, _moved: None) == 18
    assert sum(one.old + one.lost for one in resealing.count(sessions, BOTH).values()) == 0


def test_a_process_that_knows_both_keys_reads_all_of_it_at_every_moment(engine, sessions):
    shop = shop_sealed_by(engine, BEFORE)
    seal_something_everywhere(engine, shop, BEFORE, connections=5)
    # The order that the manual gives: first both keys everywhere with the old one in front, then the new one in front.
    careful = Keyring([OLD, NEW])
    seen = []
    resealing.rotate(
        sessions, BOTH, lambda _what, _moved: seen.append([careful.open(one) for one in everything(engine)])
    )
    assert len(seen) == 3
    assert all(len(moment) == 8 for moment in seen)


def test_a_ring_rotates_whatever_bytes_it_is_given_and_refuses_what_it_cannot_open():
    token = Fernet(OLD.encode()).encrypt(b"\x00 no JSON at all \xff")
    anew = BOTH.rotate(token)
    assert Fernet(NEW.encode()).decrypt(anew) == b"\x00 no JSON at all \xff"
    assert (BOTH.place_of(token), BOTH.place_of(anew)) == (1, 0)
    for refused in (lambda: BEFORE.rotate(anew), lambda: BEFORE.open(anew), lambda: BEFORE.place_of(anew)):
        with pytest.raises(CannotOpen, match="ENCRYPTION_KEYS"):
            refused()
