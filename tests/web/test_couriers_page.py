"""Couriers: kept by an admin, removed and brought back; what one brings is given, delivered and slipped once."""

from __future__ import annotations

import io
from typing import Any

import pypdf
import pytest
from flask import Flask
from furnishing import bob, put_with_courier
from person import Person
from seeds import Shop
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from test_roles import somebody

BOB = {
    "name": "Bob's Bikes", "phone": "555", "email": "", "radius_km": "10", "price": "4.50", "currency": "USD",
    "most_grams": "5000", "days": "0", "cut_off": "14:30",
}  # fmt: skip


@pytest.fixture
def places(shop: Shop) -> Shop:
    shop.stock("BAG", "Bag", {"Reno": (5, 0), "Newark": (5, 0)})
    shop.session.commit()
    return shop


def at(shop: Shop, order: int, shipment: int, what: str) -> str:
    return f"/ops/shops/{shop.tenant}/orders/{order}/shipments/{shipment}/{what}"


def test_a_courier_is_kept_changed_removed_and_brought_back(grace: Person, places: Shop) -> None:
    page = f"/ops/shops/{places.tenant}/couriers"
    assert "There are no couriers" in grace.get(page).text
    assert grace.post(page, **BOB, **{"from": str(places.locations["Reno"])}).status_code == 303
    kept = grace.row("SELECT * FROM couriers")
    assert (kept.price_minor, kept.currency, str(kept.cut_off)) == (450, "USD", "14:30:00")
    assert kept.locations == [places.locations["Reno"]]
    shown = grace.get(page).text
    assert ("$4.50" in shown, "until 14:30" in shown, "from Reno" in shown) == (True, True, True)

    assert grace.post(f"{page}/{kept.id}", at=page, **BOB | {"price": "5", "cut_off": ""}).status_code == 303
    changed = grace.row("SELECT price_minor, cut_off, locations FROM couriers")
    assert (changed.price_minor, changed.cut_off, changed.locations) == (500, None, [])
    assert grace.post(f"{page}/{kept.id}/end", at=page).status_code == 303
    assert grace.row("SELECT ended_at FROM couriers").ended_at is not None
    assert grace.post(f"{page}/{kept.id}", at=page, **BOB).status_code == 404
    assert grace.post(f"{page}/{kept.id}/back", at=page).status_code == 303
    assert grace.row("SELECT ended_at FROM couriers").ended_at is None


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "A name of at most 60 characters"),
        ({"phone": ""}, "somebody has to call them"),
        ({"price": "lots"}, "An amount in USD"),
        ({"currency": "$"}, "three letters"),
        ({"radius_km": "-1"}, "A whole number from 1 to 1000"),
        ({"cut_off": "noon"}, "A time of the day"),
        ({"from": "999999"}, "no location of this shop"),
    ],
)
def test_what_is_wrong_is_told_beside_it_and_nothing_is_kept(
    grace: Person, places: Shop, typed: dict[str, str], said: str
) -> None:
    page = f"/ops/shops/{places.tenant}/couriers"
    answer = grace.post(page, **BOB | typed)

    assert (answer.status_code, said in answer.text) == (422, True)
    assert grace.rows("SELECT 1 FROM couriers") == []


def test_only_an_admin_keeps_couriers(places: Shop, app: Flask, engine: Engine, session: Session) -> None:
    ops = somebody(app, engine, session, "ops")
    assert ops.get(f"/ops/shops/{places.tenant}/couriers").status_code == 403


def test_another_shops_courier_is_nobodys(grace: Person, places: Shop, session: Session) -> None:
    courier = bob(places)
    session.add(courier)
    order, shipment = put_with_courier(places)
    session.commit()
    elsewhere = f"/ops/shops/{places.tenant + 999}"

    for path in (f"couriers/{courier.id}", f"couriers/{courier.id}/end", f"couriers/{courier.id}/back",
                 f"orders/{order}/shipments/{shipment}/courier", f"orders/{order}/shipments/{shipment}/by-carrier",
                 f"orders/{order}/shipments/{shipment}/delivered"):  # fmt: skip
        assert grace.post(f"{elsewhere}/{path}", at=f"/ops/shops/{places.tenant}/couriers", **BOB).status_code == 404
    assert grace.get(f"{elsewhere}/orders/{order}/shipments/{shipment}/address-slip.pdf").status_code == 404
    assert grace.row("SELECT ended_at FROM couriers").ended_at is None


def test_what_a_courier_brings_is_given_and_delivered_from_the_orders_page(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    order, shipment = put_with_courier(shop)
    session.commit()
    page = f"/ops/shops/{shop.tenant}/orders/{order}"
    shown = grace.get(page).text
    assert ("Bob&#39;s Bikes" in shown, "Given to the courier" in shown, "To be given to Bob" in shown) == (
        True, True, True,
    )  # fmt: skip
    assert "Delivered</button>" not in shown

    early = grace.post(at(shop, order, shipment, "delivered"), at=page)
    assert "does not have it yet" in grace.get(early.location).text
    for _ in range(2):
        assert grace.post(at(shop, order, shipment, "handed-over"), at=page).status_code == 303
    telling = "SELECT 1 FROM jobs WHERE kind = 'push_tracking' AND subject = 'shipment/' || :shipment"
    assert len(grace.rows(telling, shipment=str(shipment))) == 1
    for _ in range(2):
        assert grace.post(at(shop, order, shipment, "delivered"), at=page).status_code == 303
    asked = "SELECT 1 FROM jobs WHERE kind = 'report_parcel' AND subject = 'parcel/' || (SELECT max(id) FROM parcels)"
    assert len(grace.rows(asked)) == 1


def test_the_slip_has_the_address_and_the_courier(grace: Person, places: Shop, session: Session) -> None:
    order, shipment = put_with_courier(places)
    session.commit()
    path = at(places, order, shipment, "address-slip.pdf")
    answer: Any = grace.get(path)

    (page,) = pypdf.PdfReader(io.BytesIO(answer.data)).pages
    said = page.extract_text()
    assert ("Bob's Bikes" in said, "Ada" in said) == (True, True)
    assert answer.data == grace.get(path).data
    assert grace.get(at(places, order + 1, shipment, "address-slip.pdf")).status_code == 404
