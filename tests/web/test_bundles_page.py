"""The page of bundles: what each is made of, how many there could be, and what is refused beside its field."""

from __future__ import annotations

from typing import Any

import pytest
from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session

PARTS = """
SELECT sold.sku, part.sku, held.units FROM bundle_parts held
JOIN variants sold ON sold.id = held.bundle_id JOIN variants part ON part.id = held.part_id
WHERE held.tenant_id = :tenant ORDER BY 1, 2
"""


@pytest.fixture
def goods(shop: Shop) -> Shop:
    shop.stock("BAG", "Bag", {"Reno": (5, 1)})
    shop.stock("MUG", "Mug", {"Reno": (9, 0), "Newark": (4, 0)})
    shop.stock("SET", "Picnic set", {}, tracked=False)
    shop.session.commit()
    return shop


def put(person: Person, shop: Shop, bundle: str, part: str, units: str) -> Any:
    return person.post(f"/ops/shops/{shop.tenant}/stock/bundles", bundle=bundle, part=part, units=units)


def parts(session: Session, shop: Shop) -> list[tuple[str, str, int]]:
    session.rollback()
    return [tuple(row) for row in session.execute(text(PARTS), {"tenant": shop.tenant})]


def test_a_bundle_is_made_part_by_part_and_says_how_many_could_leave(
    grace: Person, goods: Shop, session: Session
) -> None:
    assert "There are no bundles" in grace.get(f"/ops/shops/{goods.tenant}/stock/bundles").text
    assert put(grace, goods, "SET", "BAG", "1").status_code == 303
    assert put(grace, goods, "set", "mug", "3").status_code == 303

    page = grace.get(f"/ops/shops/{goods.tenant}/stock/bundles").text
    assert parts(session, goods) == [("SET", "BAG", 1), ("SET", "MUG", 3)]
    assert "<strong>3</strong> in Reno" in page
    assert "Newark" not in page


def test_a_part_is_put_in_again_with_other_units_and_taken_out(grace: Person, goods: Shop, session: Session) -> None:
    put(grace, goods, "SET", "BAG", "1")
    put(grace, goods, "SET", "BAG", "2")
    assert parts(session, goods) == [("SET", "BAG", 2)]
    address = f"/ops/shops/{goods.tenant}/stock/bundles/{goods.variants['SET']}/parts/{goods.variants['BAG']}/take-out"

    assert grace.post(address).status_code == 303
    assert parts(session, goods) == []
    grace.post(address)
    assert "not in the bundle any more" in grace.get(f"/ops/shops/{goods.tenant}/stock/bundles").text


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        (("SET", "NONE", "1"), "Nothing with this SKU is sold here."),
        (("", "BAG", "1"), "Nothing with this SKU is sold here."),
        (("SET", "BAG", "1.5"), "A whole number from 1 to 10,000."),
        (("SET", "BAG", "99999"), "A whole number from 1 to 10,000."),
        (("SET", "BAG", "\u0661"), "A whole number from 1 to 10,000."),
        (("SET", "SET", "1"), "A bundle cannot have itself in it."),
    ],
)
def test_what_is_wrong_stands_beside_its_field_with_what_was_typed(
    grace: Person, goods: Shop, session: Session, typed: tuple[str, str, str], wrong: str
) -> None:
    answer = put(grace, goods, *typed)

    assert answer.status_code == 422
    assert wrong in answer.text
    assert f'value="{typed[1]}"' in answer.text
    assert parts(session, goods) == []


def test_another_shop_s_goods_are_nobody_s(grace: Person, goods: Shop, session: Session, other_shop: Shop) -> None:
    other_shop.stock("THEIRS", "Theirs", {})
    other_shop.session.commit()
    assert put(grace, goods, "SET", "THEIRS", "1").status_code == 422
    put(grace, goods, "SET", "BAG", "1")
    address = (
        f"/ops/shops/{other_shop.tenant}/stock/bundles/{goods.variants['SET']}/parts/{goods.variants['BAG']}/take-out"
    )
    assert grace.post(address).status_code == 404
    assert parts(session, goods) == [("SET", "BAG", 1)]
