"""The same search for words that stand nowhere else, in a shop that installed Packline as an app: its tokens and the
app's secret, through an order, renewals, a self-test, an export and the end of the access.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
import redis
from pydantic import SecretStr
from sqlalchemy import Engine

import tests.app_world
from config.settings import Settings
from jobs import privacy
from records.orders import Order
from records.privacy import EXPORT
from tests import telltales
from tests.app_world import AppWorld, running_app_world
from tests.journeys.test_nothing_leaks import (
    assert_only_where_they_belong,
    assert_pages_for_machines_are_clean,
    assert_redis_is_clean,
    assert_the_log_is_clean,
    assert_timelines_tell_calls_without_bodies,
    rung,
    written,
)
from tests.journeys.test_set_up import test_all as run_self_test
from tests.telltales import BUYER, EMAIL, STREET, told_in

__all__ = ["rung", "written"]

APP_SECRET, OLD_APP_SECRET = "shpss_" + "7e11ta1e" * 4, "shpss_" + "01d7e11ta1e00000" * 2


@dataclass
class Secrets:
    """Every token that was granted so far, and what the app is known by."""

    held: dict[str, str] = field(default_factory=lambda: {"app secret": APP_SECRET, "old app secret": OLD_APP_SECRET})

    def note(self, world: AppWorld) -> None:
        for name, secret in world.secrets().items():
            if secret not in self.held.values():
                self.held[f"{name} {len(self.held)}"] = secret

    def count(self, name: str) -> int:
        return sum(one.startswith(name) for one in self.held)


@pytest.fixture
def world(
    settings: Settings, engine: Engine, sandbox_origin: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[AppWorld]:
    monkeypatch.setattr(tests.app_world, "SECRET", APP_SECRET)
    monkeypatch.setattr(tests.app_world, "EASYPOST_KEY", telltales.EASYPOST_KEY)
    monkeypatch.setattr(tests.app_world, "EASYPOST_HOOK_SECRET", telltales.EASYPOST_HOOKS)
    keys = {
        "shopify_client_secret": SecretStr(APP_SECRET), "shopify_old_client_secret": SecretStr(OLD_APP_SECRET),
    }  # fmt: skip
    with running_app_world(settings, engine, sandbox_origin, **keys) as running:
        running.services = replace(running.services, public_url=running.origin)
        yield running


@pytest.fixture
def secrets(world: AppWorld) -> Secrets:
    """The browser's ID tokens are kept as well: who has one is the merchant, for a minute."""
    noted, ask = Secrets(), world.id_token

    def heard(*given: Any, **wish: Any) -> str:
        token = ask(*given, **wish)
        noted.held[f"id token {len(noted.held)}"] = token
        return token

    world.id_token = heard  # type: ignore[method-assign]
    return noted


def place(world: AppWorld) -> dict[str, Any]:
    return world.place(("BAG", 1), ship_to=BUYER, email=EMAIL)


def export(world: AppWorld) -> dict[str, Any]:
    with world.reading() as session:
        orders = list(session.query(Order).where(Order.tenant_id == world.tenant))
        privacy.ask(session, world.tenant, EXPORT, orders, by="person:Olga", now=datetime.now(UTC))
    world.settle()
    (row,) = world.rows("SELECT state, sealed_export FROM privacy_requests")
    document: dict[str, Any] = json.loads(world.services.keyring.open(bytes(row.sealed_export))["document"])
    return document


def test_an_installed_shop_tells_nobody_its_tokens_nor_the_app_s_secret(
    world: AppWorld, written: io.StringIO, rung: list[str], redis_connection: redis.Redis, secrets: Secrets
) -> None:
    world.install()
    world.settle()
    secrets.note(world)
    world.go_live()
    shipped = place(world)
    world.settle()
    world.hour_passes()
    place(world)
    world.settle()
    secrets.note(world)
    tested = run_self_test(world)
    exported = export(world)
    world.fault(vendor="shopify", kind="broken_json", operation="oauth.refresh", times=1)
    world.hour_passes()
    place(world)
    world.settle()
    world.hurry_but_voids()
    world.settle()
    secrets.note(world)
    world.hour_passes(refresh_too=True)  # from here on nobody lets us in
    place(world)
    world.settle()
    turned_away = world.visit(secret="somebody else's " * 4)

    assert world.order(shipped).state == "fulfilled"
    assert {name: step["state"] for name, step in tested["steps"].items() if step["state"] == "failed"} == {}
    assert STREET in json.dumps(exported)
    assert (secrets.count("access_token"), secrets.count("refresh_token")) == (3, 3)
    assert secrets.count("id token") == 2
    also = secrets.held
    assert told_in(f"{turned_away.text} {turned_away.headers}", also=also) == set()
    assert_the_log_is_clean(written, expect=("job ended", "self-test step ended", "buyer's data gathered"), also=also)
    assert_redis_is_clean(rung, redis_connection, also=also)
    assert_only_where_they_belong(world, also=also)
    assert_timelines_tell_calls_without_bodies(world)
    assert_pages_for_machines_are_clean(world)
    reasons = world.rows("SELECT reason, cause FROM jobs UNION ALL SELECT reason, '' FROM intentions")
    assert told_in(f"{reasons} {world.row().remarks} {tested}", also=also) == set()


def test_the_search_would_find_a_token_of_an_installed_shop(world: AppWorld, secrets: Secrets) -> None:
    world.install()
    secrets.note(world)

    for name, secret in secrets.held.items():
        assert name in told_in(f'{{"token": "{secret}"}}', also=secrets.held)
    world.run("UPDATE tenants SET name = :n", n=world.secrets()["refresh_token"])
    with pytest.raises(AssertionError):
        assert_only_where_they_belong(world, also=secrets.held)
