"""How often pages may be asked for, by address and by shop; what that means is said, and vendors are never stopped."""

from __future__ import annotations

import pytest
from flask import Flask
from person import Person
from seeds import Shop
from sqlalchemy import Engine
from werkzeug.test import TestResponse

from app import create_app
from config.settings import Settings
from web.limits import COSTLY


def small(settings: Settings, **limits: object) -> Flask:
    return create_app(settings.model_copy(update=limits))


def visit(person: Person, path: str, address: str = "127.0.0.1") -> TestResponse:
    return person.client.get(path, environ_overrides={"REMOTE_ADDR": address})


def somebody(app: Flask, engine: Engine, name: str = "Grace") -> Person:
    person = Person(app.test_client(), engine)
    assert person.sign_in(name).status_code == 303
    return person


def test_an_address_that_asks_too_often_waits_and_others_do_not(
    settings: Settings, engine: Engine, staff: dict[str, int]
) -> None:
    app = small(settings, pages_per_minute_by_address=10)
    stranger = Person(app.test_client(), engine)
    answers = [visit(stranger, "/ops/sign-in", "192.0.2.1") for _ in range(21)]  # two minutes of a clock may be touched
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    for part in ("What happened", "Nothing was changed", f"Wait {answers[-1].headers['Retry-After']} seconds"):
        assert part in answers[-1].text
    assert visit(stranger, "/ops/sign-in", "192.0.2.2").status_code == 200


def test_a_shop_whose_people_ask_too_often_waits_and_other_shops_do_not(
    settings: Settings, engine: Engine, staff: dict[str, int], shop: Shop, other_shop: Shop
) -> None:
    app = small(settings, pages_per_minute_by_shop=10)
    grace, ann = somebody(app, engine), somebody(app, engine, "Ann")
    path = f"/ops/shops/{shop.tenant}/inbox"
    answers = [visit(who, path, f"192.0.2.{number}") for number in range(11) for who in (grace, ann)]
    assert [answer.status_code for answer in answers[:10]] == [200] * 10
    assert answers[-1].status_code == 429
    assert visit(grace, f"/ops/shops/{other_shop.tenant}/inbox").status_code == 200
    assert visit(grace, "/ops/me").status_code == 200


def test_a_stranger_uses_up_nothing_of_a_shops(
    settings: Settings, engine: Engine, staff: dict[str, int], shop: Shop
) -> None:
    app = small(settings, pages_per_minute_by_shop=10)
    stranger = Person(app.test_client(), engine)
    path = f"/ops/shops/{shop.tenant}/inbox"
    assert {visit(stranger, path, "192.0.2.1").status_code for _ in range(21)} == {303}
    assert visit(somebody(app, engine), path).status_code == 200


def test_what_is_much_work_has_a_smaller_limit_of_its_own(
    settings: Settings, engine: Engine, staff: dict[str, int], shop: Shop
) -> None:
    app = small(settings, costly_pages_per_minute=2)
    grace = somebody(app, engine)
    compare = f"/ops/shops/{shop.tenant}/vendors/{shop.store}/compare"
    answers = [grace.post(compare, at="/ops/me") for _ in range(5)]
    assert [answer.status_code for answer in answers[:2]] == [303, 303]
    assert answers[-1].status_code == 429
    assert len(grace.rows("SELECT id FROM jobs WHERE kind = 'reconcile'")) <= 4
    assert visit(grace, f"/ops/shops/{shop.tenant}/inbox").status_code == 200


@pytest.mark.parametrize("path", ["connections", "connections/stripe-{tenant}/key"])
def test_a_key_that_a_vendor_is_asked_about_while_somebody_waits_is_much_work(
    settings: Settings, engine: Engine, staff: dict[str, int], shop: Shop, path: str
) -> None:
    app = small(settings, costly_pages_per_minute=2)
    grace = somebody(app, engine)
    there = f"/ops/shops/{shop.tenant}/{path.format(tenant=shop.tenant)}"
    answers = [grace.post(there, at="/ops/me", vendor="stripe", api_key="") for _ in range(5)]
    assert 429 not in {answer.status_code for answer in answers[:2]}
    assert answers[-1].status_code == 429


def test_what_is_called_costly_is_there(app: Flask) -> None:
    assert set(app.view_functions) >= COSTLY


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_machines_that_ask_whether_we_are_well_are_always_answered(
    settings: Settings, engine: Engine, path: str
) -> None:
    client = small(settings, pages_per_minute_by_address=10).test_client()
    assert {client.get(path).status_code for _ in range(25)} == {200}


def test_a_vendors_burst_is_never_stopped(settings: Settings, engine: Engine, shop: Shop) -> None:
    client = small(settings, pages_per_minute_by_address=10, pages_per_minute_by_shop=10).test_client()
    headers = {"X-Shopify-Shop-Domain": f"acme-{shop.tenant}.myshopify.com"}
    assert {client.post("/hooks/shopify", data=b"{}", headers=headers).status_code for _ in range(50)} == {401}


def test_limits_are_there_also_while_redis_is_away(settings: Settings, engine: Engine, staff: dict[str, int]) -> None:
    app = small(settings, redis_url="redis://127.0.0.1:1/0", pages_per_minute_by_address=10)
    answers = [app.test_client().get("/ops/sign-in").status_code for _ in range(21)]
    assert answers[:10] == [200] * 10
    assert answers[-1] == 429
