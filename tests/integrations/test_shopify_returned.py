"""What a refund in Shopify says of units that came back: which, of whose order, to which shelf, and nothing else."""

import pytest
from shopify_bodies import read, refusal

from integrations.nouns import Ignored, ReturnedLine, UnitsReturned

MARK = "c0ffee00-0000-4000-8000-000000000001"


def line(**changes):
    return {
        "id": 61, "line_item_id": 41, "location_id": 9, "quantity": 2, "restock_type": "return", "subtotal": 25.0,
        "line_item": {"id": 41, "variant_id": 51, "sku": "MUG-BLUE"},
    } | changes  # fmt: skip


def refund(*lines, **changes):
    """As refunds/create tells it, with fields that we do not read."""
    return {
        "id": 71, "order_id": 31, "note": "wrong size", "created_at": "2026-11-20T10:00:00-05:00", "restock": True,
        "user_id": 5, "refund_line_items": list(lines), "transactions": [], "order_adjustments": [],
    } | changes  # fmt: skip


def test_units_that_were_returned_are_told_with_their_line_and_their_place():
    told = read("refunds/create", refund(line(), line(id=62, line_item_id=42, quantity=1)))

    assert told == UnitsReturned(
        order_remote_id="gid://shopify/Order/31",
        lines=(
            ReturnedLine(
                remote_id="gid://shopify/RefundLineItem/61", line_remote_id="gid://shopify/LineItem/41",
                location_remote_id="gid://shopify/Location/9", units=2,
            ),
            ReturnedLine(
                remote_id="gid://shopify/RefundLineItem/62", line_remote_id="gid://shopify/LineItem/42",
                location_remote_id="gid://shopify/Location/9", units=1,
            ),
        ),
    )  # fmt: skip


@pytest.mark.parametrize(
    "lines",
    [
        (),
        None,
        (line(restock_type="no_restock", location_id=None),),
        (line(restock_type="cancel"),),
        (line(restock_type="legacy_restock"),),
        (line(restock_type="return", location_id=None),),
        (line(quantity=0),),
        (line(restock_type=None),),
    ],
)
def test_what_did_not_come_back_to_a_shelf_is_ignored(lines):
    body = refund(*(lines or ())) | ({"refund_line_items": None} if lines is None else {})

    assert isinstance(read("refunds/create", body), Ignored)


@pytest.mark.parametrize(
    ("note", "marks"),
    [(None, ()), ("wrong size", ()), (f"Taken back ({MARK})", (MARK,)), (MARK, (MARK,)), (f"x{MARK}", ())],
)
def test_of_a_note_nothing_is_kept_but_what_may_be_a_mark_of_ours(note, marks):
    assert read("refunds/create", refund(line(), note=note)).marks == marks


def test_what_cannot_be_read_is_said_without_its_value():
    assert "order_id" in refusal("refunds/create", refund(line(), order_id=None))
    assert "quantity" in refusal("refunds/create", refund(line(quantity="two")))
