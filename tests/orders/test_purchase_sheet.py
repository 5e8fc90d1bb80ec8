"""The sheet of a purchase order: it reads in the letters of many tongues, obeys nobody, and is the same each time."""

from __future__ import annotations

import io
from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from orders.purchase_sheet import as_pdf
from orders.purchase_told import Told, ToShip

LINK = "https://packline.example/supply/WzEsMV0.abc"
MUG = ToShip(
    line=1, sku="M-1", our_sku="MUG", title="Mug", units=2, left=2, cost_minor=12050, currency="EUR"
)  # fmt: skip
ASKED = Told(
    id=12, order_name="#1001", shop="Mugs & Co", supplier="Potters", state="sent", reason="", lines=[MUG],
    address=["Ada Lovelace", "1 High St"], phone="+44 1", written_on=date(2026, 11, 22), ship_by=date(2026, 11, 25),
    parcels=[], order_over=False, held=False,
)  # fmt: skip
CANNOT = "(in letters that this sheet cannot show)"
MISSING = "Part of this is written in letters"


def printed(told: Told) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(as_pdf(told, LINK))).pages)


def test_it_says_who_asks_for_what_until_when_where_to_and_how_to_answer() -> None:
    said = printed(ASKED)

    for told in (
        "Mugs & Co", "Purchase order 12", "Written on 22 November 2026 for Potters, order #1001",
        "Please ship by 25 November 2026.", "M-1", "MUG", "120.50 EUR", "Total cost: 241.00 EUR",
        "Ada Lovelace", "1 High St", "Phone for the carrier: +44 1", LINK,
    ):  # fmt: skip
        assert told in said
    assert MISSING not in said


@pytest.mark.parametrize(
    "written",
    [
        "Zażółć Gęślą Jaźń", "Þórður Ñandú Œuvre", "Nguyễn Văn Ỹ", "Οδός Ερμού 12", "Ольга Петрова, Київ", "საქართველო",
        "上海市浦东新区世纪大道100号", "臺北市信義區", "東京都千代田区まるのうち", "서울특별시 중구 세종대로",
    ],
)  # fmt: skip
def test_an_address_reads_in_its_own_letters(written: str) -> None:
    said = printed(replace(ASKED, address=[written]))

    assert written in said
    assert MISSING not in said
    assert ("your computer's own fonts" in said) == (written[0] >= "\u2e80")  # they do not go with the file


@pytest.mark.parametrize("written", ["محمد علي", "שדרות רוטשילד", "नई दिल्ली", "ถนนสุขุมวิท", "𠮷野家"])
def test_letters_that_it_cannot_show_are_named_as_missing_and_never_shown_wrong(written: str) -> None:
    said = printed(replace(ASKED, address=[written, "1 High St"]))

    assert CANNOT in said
    assert MISSING in said
    assert "1 High St" in said
    assert not set(written.replace(" ", "")) & set(said)


def test_what_somebody_typed_is_read_and_not_obeyed() -> None:
    typed = '<b>Bold</b> & <a href="https://evil.example">here</a> <img src="/etc/passwd"/> &lt; <font'
    written = as_pdf(replace(ASKED, shop=typed, lines=[replace(MUG, title=typed)]), LINK)

    (page,) = PdfReader(io.BytesIO(written)).pages
    assert page.extract_text().count('<a href="https://evil.example">') == 1  # the narrow column breaks the other
    assert {note.get_object()["/A"]["/URI"] for note in page["/Annots"]} == {LINK}


def test_the_same_purchase_order_is_the_same_bytes() -> None:
    assert as_pdf(ASKED, LINK) == as_pdf(ASKED, LINK)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"state": "cancelled"}, "Not wanted any more: please do not ship it."),
        ({"state": "accepted", "order_over": True}, "Not wanted any more: please do not ship it."),
        ({"state": "shipped"}, "All of it has left."),
    ],
)
def test_one_that_is_over_asks_for_nothing(change: dict[str, object], says: str) -> None:
    said = printed(replace(ASKED, **change))

    assert says in said
    assert "Please ship by" not in said
    assert LINK not in said


def test_one_that_is_held_asks_to_wait_and_can_still_be_answered() -> None:
    said = printed(replace(ASKED, held=True))

    assert "Please do not ship it yet: the shop asks you to wait." in said
    assert "Please ship by" not in said
    assert LINK in said


def test_a_total_is_told_only_where_each_cost_is_known_in_one_currency() -> None:
    for other in (replace(MUG, cost_minor=None, currency=""), replace(MUG, currency="USD")):
        assert "Total cost" not in printed(replace(ASKED, lines=[MUG, other]))


def test_a_buyer_who_was_forgotten_is_not_asked_for() -> None:
    assert "The address was deleted" in printed(replace(ASKED, address=[], phone=""))


@settings(max_examples=30, deadline=None)
@given(st.text(max_size=2_000), st.text(max_size=400))
def test_no_text_keeps_it_from_being_written(title: str, sku: str) -> None:
    lines = [replace(MUG, title=title, sku=sku, our_sku=sku, units=2**40)] * 3
    assert as_pdf(replace(ASKED, shop=title, address=[sku, title], lines=lines), LINK).startswith(b"%PDF-")
