"""Where personal data lives: every column was thought about, and what is struck out is struck out everywhere."""

from __future__ import annotations

import pytest

from integrations.nouns import Address
from orders import forgetting
from orders.forgetting import KEPT, PLACES, Becomes
from orders.not_personal import NOT_PERSONAL
from records.schema import METADATA
from tests.shop import ADA

COLUMNS = {(table.name, column.name) for table in METADATA.tables.values() for column in table.columns}


def test_every_column_is_personal_kept_with_a_reason_or_declared_to_be_neither():
    places = [(place.table, place.column) for place in PLACES]
    kept = [(table, column) for table, (columns, _) in KEPT.items() for column in columns.split()]
    others = [(table, column) for table, columns in NOT_PERSONAL.items() for column in columns.split()]
    told = [*places, *kept, *others]

    assert COLUMNS - set(told) == set()
    assert set(told) - COLUMNS == set()
    assert sorted(told) == sorted(set(told))
    assert all(reason for _, reason in KEPT.values())


def test_a_shop_that_is_forgotten_loses_every_place_that_a_buyer_loses():
    assert [place for place in PLACES if place.shop is None] == []
    assert {place.shop for place in PLACES} >= {Becomes.EMPTY, Becomes.NOTHING, Becomes.SOMEBODY}
    assert Becomes.STRUCK not in {place.shop for place in PLACES}


def test_every_table_that_a_shop_loses_something_of_can_be_gone_through_by_one_key():
    keys = {
        table: [column.name for column in METADATA.tables[table].primary_key if column.name != "tenant_id"]
        for table in forgetting.of_the_shop()
        if table != "tenants"
    }

    assert {table: key for table, key in keys.items() if len(key) != 1} == {}


def test_no_amount_and_no_count_is_among_the_places():
    numbers = {
        (table.name, column.name) for table in METADATA.tables.values() for column in table.columns
        if column.type.__class__.__name__ in {"BigInteger", "Integer"}
    }  # fmt: skip

    assert numbers & {(place.table, place.column) for place in PLACES} == set()


WORDS = forgetting.words_of(
    ADA.model_copy(update={"company": "Bag & Co"}), email="ada@example.com", phone="+1 415-555-0100"
)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Told ada@example.com of it.", "Told [forgotten] of it."),
        ("The carrier reads 388 TOWNSEND ST.", "The carrier reads [forgotten]."),
        ("The carrier reads TOWNSEND STREET.", "The carrier reads [forgotten] STREET."),
        ("Ada said so; Adam did not.", "[forgotten] said so; Adam did not."),
        ("Call 14155550100 or +1 415-555-0100", "Call [forgotten] or [forgotten]"),
        ("2 units at Reno, 24.00 USD", "2 units at Reno, 24.00 USD"),
        ({"to": ["Ada Buyer", 7, None], "job": 4}, {"to": ["[forgotten]", 7, None], "job": 4}),
        ("", ""),
    ],
)
def test_a_buyer_s_words_are_struck_out_wherever_they_stand(said, left):
    assert forgetting.struck(said, WORDS) == left


def test_of_an_order_without_a_buyer_nothing_is_struck_out():
    assert forgetting.words_of(None, email="", phone="") == ()
    assert forgetting.struck("2 units at Reno", ()) == "2 units at Reno"
    assert forgetting.sought(()) == []


@pytest.mark.parametrize(
    ("by", "left"),
    [
        ("person:Olga", forgetting.WRITTEN_BY_A_PERSON),
        ("shopify:staff/42", forgetting.WRITTEN_BY_A_PERSON),
        ("packline", "call the neighbour"),
        ("shopify", "call the neighbour"),
    ],
)
def test_what_a_person_wrote_goes_as_a_whole(by, left):
    assert forgetting.forgotten_text("call the neighbour", WORDS, written_by=by) == left


def test_deliveries_are_sought_by_words_as_json_may_write_them():
    jose = Address(name="José Ñandú", street1="Rúa 1")

    sought = forgetting.sought(
        [*forgetting.identifying(jose, email="Jose@Example.com"), *forgetting.shared(jose, phone="")]
    )

    assert {b"Jose@Example.com", b"jose@example.com", "José Ñandú".encode(), rb"Jos\u00e9 \u00d1and\u00fa"} <= set(
        sought
    )
    assert all(len(word) >= 5 for word in sought)
