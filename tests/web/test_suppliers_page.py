"""Suppliers and purchase orders: kept by an admin, refused beside the field, and settled by whoever works on orders."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from person import Person
from seeds import Shop
from sqlalchemy import Engine
from sqlalchemy.orm import Session
from test_roles import somebody

from orders import supplier_book
from records.shipments import Shipment


@pytest.fixture
def goods(shop: Shop) -> Shop:
    shop.stock("SOFA", "Sofa", {"Reno": (0, 0)})
    shop.stock("BAG", "Bag", {"Reno": (5, 0)})
    shop.stock("SET", "Set", {}, tracked=False)
    shop.bundle("SET", BAG=1)
    shop.session.commit()
    return shop


SOFAS = {"name": "Sofas Inc", "email": "po@sofas.example", "lead_days": "3"}


def ship(person: Person, page: str, **said: str) -> Any:
    (supplier,) = person.rows("SELECT id FROM suppliers WHERE ended_at IS NULL")
    wish = {"sku": "sofa", "supplier": str(supplier.id), "their_sku": "S-1", "cost": "120.50"}
    return person.post(f"{page}/ships", at=page, **wish | said)


def test_a_supplier_is_kept_ships_something_and_ends(grace: Person, goods: Shop) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    assert "There are no suppliers" in grace.get(page).text
    assert grace.post(page, **SOFAS).status_code == 303
    assert ship(grace, page).status_code == 303

    shown = grace.get(page).text
    assert ("S-1" in shown, "$120.50" in shown) == (True, True)
    kept = grace.row("SELECT sku, cost_minor, currency FROM supplied_variants")
    assert (kept.sku, kept.cost_minor, kept.currency) == ("S-1", 12050, "USD")
    supplier = grace.row("SELECT id FROM suppliers").id
    assert grace.post(f"{page}/{supplier}/end", at=page).status_code == 303
    assert grace.row("SELECT ended_at FROM suppliers").ended_at is None
    assert grace.post(f"{page}/ships/{goods.variants['SOFA']}/stop", at=page).status_code == 303
    assert grace.post(f"{page}/{supplier}/end", at=page).status_code == 303
    assert grace.row("SELECT ended_at FROM suppliers").ended_at is not None
    assert "There are no suppliers" in grace.get(page).text


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ({"name": ""}, "A name of at most 100 characters."),
        ({"email": "a@b, c@d"}, "One plain mail address"),
        ({"email": "Bcc: x@y.example"}, "One plain mail address"),
        ({"lead_days": "-1"}, "A whole number from 0 to 365"),
        ({"lead_days": "³"}, "A whole number from 0 to 365"),
    ],
)
def test_what_is_wrong_with_a_supplier_stands_beside_its_field(
    grace: Person, goods: Shop, typed: dict[str, str], said: str
) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    answer = grace.post(page, **SOFAS | typed)

    assert (answer.status_code, said in answer.text) == (422, True)
    assert grace.rows("SELECT 1 FROM suppliers") == []


def test_what_cannot_be_supplied_is_said_beside_its_field(grace: Person, goods: Shop) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    grace.post(page, **SOFAS)
    assert "Another supplier has this name" in grace.post(page, at=page, **SOFAS | {"name": "SOFAS inc"}).text
    for typed, said in (
        ({"sku": "NOPE"}, "Nothing with this SKU"),
        ({"sku": "BAG"}, "part of a bundle"),
        ({"cost": "1.234"}, "at most 2 decimals"),
        ({"cost": "1e5"}, ""),
        ({"cost": "-1"}, "at most 2 decimals"),
        ({"cost": "nan"}, "at most 2 decimals"),
        ({"supplier": "x"}, "Choose who ships it."),
    ):
        answer = ship(grace, page, **typed)
        assert (answer.status_code, said in answer.text) == (422 if said else 303, True), typed


def test_only_an_admin_says_where_buyers_addresses_go(
    app: Flask, engine: Engine, session: Session, goods: Shop
) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    ops = somebody(app, engine, session, "ops", shop=goods.tenant)

    assert "Add a supplier" not in ops.get(page).text
    assert ops.post(page, at=page, **SOFAS).status_code == 403
    assert ops.rows("SELECT 1 FROM suppliers") == []


def test_a_rejected_purchase_order_is_settled_once(grace: Person, furnished: dict[str, int]) -> None:
    tenant, order, rejected = furnished["tenant"], furnished["split"], furnished["rejected"]
    page = f"/ops/shops/{tenant}/orders/{order}"
    assert "What is to become of these units?" in grace.get(page).text
    settle = f"{page}/purchase-orders/{rejected}/settle"
    assert grace.post(settle, at=page, how="own_stock").status_code == 303
    assert grace.post(settle, at=page, how="asked_again").status_code == 303

    assert grace.row(f"SELECT settled FROM purchase_orders WHERE id = {rejected}").settled == "own_stock"
    told = grace.get(page).text
    assert "Sent from our own stock instead." in told
    assert "What is to become of these units?" not in told
    listed = grace.get(f"/ops/shops/{tenant}/purchase-orders").text
    assert f">{rejected}</a>" not in listed
    assert f">{rejected}</a>" in grace.get(f"/ops/shops/{tenant}/purchase-orders?show=every").text


def test_mailing_it_again_ends_the_old_link(grace: Person, furnished: dict[str, int]) -> None:
    page = f"/ops/shops/{furnished['tenant']}/orders/{furnished['split']}"
    order = furnished["purchase_order"]
    grace.post(f"{page}/purchase-orders/{order}/mail", at=page)

    kept = grace.row(f"SELECT link_version FROM purchase_orders WHERE id = {order}")
    assert kept.link_version == 2
    asked = grace.rows("SELECT fact, state FROM notices WHERE fact LIKE 'ordered/%'")
    assert [(row.fact, row.state) for row in asked] == [("ordered/2", "due")]


def test_what_a_supplier_ships_goes_into_no_bundle(grace: Person, goods: Shop) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    grace.post(page, **SOFAS)
    ship(grace, page)
    answer = grace.post(f"/ops/shops/{goods.tenant}/stock/bundles", bundle="SET", part="SOFA", units="1")

    assert (answer.status_code, "SOFA is shipped by a supplier" in answer.text) == (422, True)
    (held,) = grace.rows("SELECT part_id FROM bundle_parts")
    assert held.part_id == goods.variants["BAG"]


def test_two_admins_who_add_one_name_at_once_add_one_supplier(
    grace: Person, goods: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    assert grace.post(page, **SOFAS).status_code == 303
    # The other one's look came before this one's write.
    monkeypatch.setattr(supplier_book, "_named", lambda *_, **__: False)
    for name in ("Sofas Inc", "SOFAS INC"):
        answer = grace.post(page, at=page, **SOFAS | {"name": name})
        assert (answer.status_code, "Another supplier has this name" in answer.text) == (422, True)

    assert [row.name for row in grace.rows("SELECT name FROM suppliers")] == ["Sofas Inc"]


@pytest.mark.parametrize("act", ["split", "cannot-send"])
def test_what_a_supplier_sends_is_split_and_rerouted_by_nobody_here(
    grace: Person, furnished: dict[str, int], session: Session, act: str
) -> None:
    tenant, order = furnished["tenant"], furnished["split"]
    shipment = Shipment(tenant_id=tenant, order_id=order, purchase_order_id=furnished["purchase_order"])
    session.add(shipment)
    session.commit()
    page = f"/ops/shops/{tenant}/orders/{order}/shipments/{shipment.id}/{act}"

    assert [grace.get(page).status_code, grace.post(page, why="other", note="No.").status_code] == [404, 404]


def test_a_suppliers_machine_gets_a_secret_that_is_shown_once_and_kept_sealed(grace: Person, goods: Shop) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    grace.post(page, **SOFAS)
    supplier = grace.row("SELECT id FROM suppliers").id
    answer = grace.post(f"{page}/{supplier}/machine", at=page, url="https://orders.example.com/in")

    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    (secret,) = re.findall(r"plsec_[\w-]{43}", answer.text)
    kept = grace.row("SELECT hook_url, sealed_hook_secret FROM suppliers")
    assert kept.hook_url == "https://orders.example.com/in"
    assert secret.encode() not in bytes(kept.sealed_hook_secret)
    assert secret not in grace.get(page).text
    again = grace.post(f"{page}/{supplier}/machine", at=page, url="https://orders.example.com/in")
    assert secret not in again.text
    assert grace.post(f"{page}/{supplier}/machine/end", at=page).status_code == 303
    assert grace.row("SELECT hook_url, sealed_hook_secret FROM suppliers") == ("", None)


@pytest.mark.parametrize("url", ["", "http://orders.example.com/", "https://10.0.0.1/", "https://localhost/in"])
def test_a_machine_inside_or_without_https_is_refused_beside_its_field(grace: Person, goods: Shop, url: str) -> None:
    page = f"/ops/shops/{goods.tenant}/suppliers"
    grace.post(page, **SOFAS)
    supplier = grace.row("SELECT id FROM suppliers").id
    answer = grace.post(f"{page}/{supplier}/machine", at=page, url=url)

    assert (answer.status_code, "Nothing was saved" in answer.text, "field-wrong" in answer.text) == (422, True, True)
    assert grace.row("SELECT hook_url FROM suppliers").hook_url == ""
    assert (
        grace.post(f"/ops/shops/{goods.tenant + 9}/suppliers/{supplier}/machine", at=page, url=url).status_code == 404
    )
