"""`packline reconcile` and `packline hooks` compare and look in their own process, and say what came of it."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from click.testing import CliRunner, Result

from cli import main
from demo.stage import environment
from tests.world import STRIPE_KEY, World


@pytest.fixture(autouse=True)
def _own_logs() -> Iterator[None]:
    """The command sets the process's logs up on a standard error that ends with it."""
    root, kept = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**kept)


@pytest.fixture
def packline(world: World, monkeypatch: pytest.MonkeyPatch, tmp_path: Any) -> Any:
    monkeypatch.chdir(tmp_path)
    for name, value in environment(world.settings).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("PUBLIC_URL", world.origin)
    return lambda *words: CliRunner().invoke(main, [str(word) for word in words])


def answered(result: Result, code: int = 0) -> Any:
    assert result.exit_code == code, result.output
    return json.loads(result.stdout)


def test_a_person_sees_what_was_missing_and_what_was_done(world: World, packline: Any):
    world.open_shop()
    world.control("POST", "/deliveries/plan", {"drop": 1.0})
    placed = world.place(("BAG", 1))

    shown = packline("reconcile", "--tenant", world.tenant)

    assert shown.exit_code == 0, shown.output
    assert f"Order {placed['name']} was missing here" in shown.stdout
    world.settle()
    assert world.order(placed).state == "fulfilled"
    assert packline("reconcile").stdout == "Nothing differs.\n"
    assert answered(packline("reconcile", "--since", "7d", "--json")) == {"findings": [], "failed": []}


def test_a_comparison_that_failed_ends_with_one_and_says_why(world: World, packline: Any):
    world.open_shop()
    world.fault(vendor="stripe", kind="5xx", operation="event.list", times=None)

    told = answered(packline("reconcile", "--json"), code=1)

    assert {(one["vendor"], one["scope"]) for one in told["failed"]} == {("stripe", "events"), ("stripe", "payments")}
    assert all(one["reason"] for one in told["failed"])


def test_a_wrong_length_of_time_and_an_unknown_shop_are_refused(world: World, packline: Any):
    world.open_shop()

    assert packline("reconcile", "--since", "yesterday").exit_code == 2
    refused = packline("reconcile", "--tenant", 999)
    assert (refused.exit_code, "there is no tenant 999" in refused.stderr) == (1, True)
    assert world.rows("SELECT id FROM comparisons") == []


def test_webhooks_are_checked_and_registered_by_command(world: World, packline: Any):
    world.open_shop()
    assert packline("hooks", "check", world.tenant).exit_code == 0
    world.control("POST", "/stripe/accounts", {"key": STRIPE_KEY + "_other", "livemode": False})
    world._connect("stripe", "", api_key=STRIPE_KEY + "_other", webhook_secret="whsec_other")
    with world.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE connections SET hooks_seen = '[]'")

    missing = answered(packline("hooks", "check", world.tenant, "--json"), code=1)
    assert [remark["kind"] for one in missing for remark in one["remarks"]] == ["hook_missing"]

    made = answered(packline("hooks", "register", world.tenant, "--vendor", "stripe", "--json"))
    assert [(remark["kind"], remark["mended"]) for one in made for remark in one["remarks"]] == [("hook_wanted", True)]
    assert packline("hooks", "check", world.tenant).stdout.count(": well") == 3
    assert packline("hooks", "register", 999, "--vendor", "stripe").exit_code == 1
