"""What a store's product page is told: by when something would arrive; of Shopify's own questions only."""

from __future__ import annotations

import hashlib
import hmac
import time
from datetime import UTC, date, datetime, timedelta
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest
from flask import Flask
from seeds import Shop
from sqlalchemy import select
from sqlalchemy.orm import Session
from werkzeug.test import TestResponse

from records.routing import Sending
from records.stock import Location, Variant
from records.suppliers import SuppliedVariant, Supplier
from records.tenants import Connection
from web import limits

SECRET = "hush"
PATH = "/storefront/shopify/arrives"
EVERY_DAY = Sending(working_days=(0, 1, 2, 3, 4, 5, 6))


@pytest.fixture
def store(app: Flask, shop: Shop, session: Session) -> Shop:
    """A shop whose storefront may ask: the bag lies in Reno, the tent nowhere."""
    row = session.get_one(Connection, (shop.tenant, shop.store))
    row.sealed_secrets = app.extensions["keyring"].seal({"access_token": "t", "webhook_secret": SECRET})
    for place in shop.locations.values():
        session.get_one(Location, (shop.tenant, place)).sending = EVERY_DAY
    shop.stock("BAG", "Bag of canvas", {"Reno": (5, 1), "Newark": (0, 0)})
    shop.stock("TENT", "Tent for two", {"Reno": (3, 3)})
    shop.stock("GIFT", "Gift card", {}, tracked=False, needs_shipping=False)
    session.commit()
    app.extensions["known_connections"]._kept.clear()
    return shop


def signed(shop: Shop, secret: str = SECRET, at: float | None = None, **asked: Any) -> str:
    """An address as Shopify passes it on, by its own rule of signing."""
    told = {name: str(value) for name, value in asked.items()} | {
        "shop": f"acme-{shop.tenant}.myshopify.com", "path_prefix": "/apps/packline", "logged_in_customer_id": "",
        "timestamp": str(int(at or time.time())),
    }  # fmt: skip
    words = "".join(f"{name}={value}" for name, value in sorted(told.items()))
    told["signature"] = hmac.new(secret.encode(), words.encode(), hashlib.sha256).hexdigest()
    return f"{PATH}?{urlencode(told)}"


def ask(app: Flask, address: str, **headers: str) -> TestResponse:
    return app.test_client().get(address, headers=headers)


def not_on_a_sunday(day: date) -> date:
    return day + timedelta(days=1) if day.weekday() == 6 else day


def test_a_product_page_is_told_the_day_and_no_place(app: Flask, store: Shop) -> None:
    answer = ask(app, signed(store, sku="BAG", country="us", postcode="94107", units=2))

    today = datetime.now(UTC).date()
    arrives_on = not_on_a_sunday(today + timedelta(days=5))
    assert answer.status_code == 200
    assert answer.json == {
        "can_say": True,
        "text": f"Arrives by {arrives_on:%a}, {arrives_on:%b} {arrives_on.day}",
        "leaves_on": today.isoformat(),
        "arrives_on": arrives_on.isoformat(),
        "estimate": True,
    }
    assert answer.headers["Cache-Control"] == "public, max-age=300"
    assert answer.headers["Vary"] == "Accept-Language"
    assert "Set-Cookie" not in answer.headers
    assert [name for name, _ in answer.headers if name.startswith("Access-Control")] == []
    assert "Reno" not in answer.text


@pytest.mark.parametrize(
    ("language", "begins"), [("de-DE", "Ankunft bis "), ("fr", "Livraison d’ici le "), ("ja", "Arrives by ")]
)
def test_the_reader_s_own_words_are_used_where_there_are_any(app: Flask, store: Shop, language, begins) -> None:
    answer = ask(app, signed(store, sku="BAG", country="US"), **{"Accept-Language": language})
    assert answer.json["text"].startswith(begins)


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"sku": "BAG", "country": "US", "units": 5}, "not_in_stock"),
        ({"sku": "TENT", "country": "US"}, "not_in_stock"),
        ({"sku": "GIFT", "country": "US"}, "not_shipped"),
        ({"sku": "MUG", "country": "US"}, "unknown_sku"),
        ({"sku": "BAG", "country": "DE"}, "not_sent_there"),
    ],
)
def test_where_nobody_can_say_it_says_so(app: Flask, store: Shop, session: Session, asked, why) -> None:
    for place in store.locations.values():
        session.get_one(Location, (store.tenant, place)).sending = EVERY_DAY.model_copy(update={"never_to": ("DE",)})
    session.commit()

    answer = ask(app, signed(store, **asked))

    assert (answer.status_code, answer.json) == (200, {"can_say": False, "why": why, "text": ""})


def test_of_what_a_supplier_ships_nobody_here_can_say_when_it_arrives(
    app: Flask, store: Shop, session: Session
) -> None:
    supplier = Supplier(tenant_id=store.tenant, name="Sofas Inc", email="orders@sofas.example", lead_days=4)
    session.add(supplier)
    session.flush()
    variant = session.scalars(select(Variant.id).where(Variant.tenant_id == store.tenant, Variant.sku == "BAG")).one()
    session.add(SuppliedVariant(tenant_id=store.tenant, variant_id=variant, supplier_id=supplier.id, currency="USD"))
    session.commit()

    answer = ask(app, signed(store, sku="BAG", country="US"))

    assert (answer.status_code, answer.json) == (200, {"can_say": False, "why": "no_day", "text": ""})


def test_a_store_whose_secrets_cannot_be_opened_is_answered_later(app: Flask, store: Shop, other_shop: Shop) -> None:
    answer = ask(app, signed(other_shop, sku="BAG", country="US"))
    assert (answer.status_code, answer.json) == (503, {"error": "try again later"})


def test_what_shopify_did_not_sign_just_now_is_not_answered(
    app: Flask, store: Shop, other_shop: Shop, session: Session
) -> None:
    row = session.get_one(Connection, (other_shop.tenant, other_shop.store))
    row.sealed_secrets = app.extensions["keyring"].seal({"access_token": "t", "webhook_secret": "another"})
    session.commit()
    good = signed(store, sku="BAG", country="US")
    told = dict(parse_qsl(good.partition("?")[2], keep_blank_values=True))
    bad = [
        PATH,
        good.replace("sku=BAG", "sku=TENT"),
        signed(store, "another secret", sku="BAG", country="US"),
        signed(store, at=time.time() - 120, sku="BAG", country="US"),
        f"{PATH}?{urlencode(told | {'signature': 'ü' * 64})}",
        f"{PATH}?{urlencode(told | {'signature': ''})}",
        f"{good}&shop=acme-{other_shop.tenant}.myshopify.com",
        f"{PATH}?{urlencode(told | {'shop': f'acme-{other_shop.tenant}.myshopify.com'})}",
        f"{PATH}?{urlencode(told | {'shop': 'nobody.myshopify.com'})}",
    ]
    assert [(one, ask(app, one).status_code) for one in bad] == [(one, 401) for one in bad]
    assert ask(app, good).status_code == 200


@pytest.mark.parametrize(
    "asked", [{}, {"sku": "BAG"}, {"sku": "BAG", "country": "USA"}, {"sku": "BAG", "country": "US", "units": "many"},
              {"sku": "BAG", "country": "US", "units": 0}]
)  # fmt: skip
def test_a_question_that_is_none_is_told_what_is_wrong_with_it(app: Flask, store: Shop, asked) -> None:
    answer = ask(app, signed(store, **asked))
    assert answer.status_code == 400
    assert answer.json["error"].partition(":")[0] in {"sku", "country", "units"}


def test_a_storefront_that_asks_too_often_waits(app: Flask, store: Shop, monkeypatch) -> None:
    monkeypatch.setattr(limits, "_STOREFRONT_PER_MINUTE", 3)
    answers = [ask(app, signed(store, sku="BAG", country="US")) for _ in range(7)]  # two minutes may be touched
    assert [answer.status_code for answer in answers[:3]] == [200] * 3
    assert answers[-1].status_code == 429
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
