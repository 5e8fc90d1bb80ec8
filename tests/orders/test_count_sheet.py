"""Sheets of counted units, as spreadsheets write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import count_sheet
from orders.count_sheet import Row, Unreadable, doubles, read


def rows(text, encoding="utf-8"):
    return read(text.encode(encoding)).rows


GOOD = Row(line=2, sku="BAG", location="Reno", units=4, reason="")


@pytest.mark.parametrize(
    "content",
    [
        b"sku,location,counted\nBAG,Reno,4\n",
        b"\xef\xbb\xbfsku;location;counted\r\nBAG;Reno;4\r\n",
        "sku\tlocation\tcounted\r\nBAG\tReno\t4".encode("utf-16"),
        b'SKU , "Location",Counted,shelf\n BAG,"Reno", 4 ,A7',
        b"counted;sku;location\n4;BAG;Reno\n;;\n\n",
    ],
)
def test_a_sheet_is_read_however_a_spreadsheet_wrote_it(content):
    assert read(content) == count_sheet.Sheet(rows=(GOOD,))


def test_a_sheet_that_says_its_separator_is_believed():
    assert rows("sep=;\nsku;location;counted\nBAG;Reno;4") == (Row(line=3, sku="BAG", location="Reno", units=4),)


def test_a_sheet_of_an_old_code_page_is_read_and_says_so():
    sheet = read("sku;location;counted\nBAG;Köln;4".encode("cp1252"))

    assert sheet.rows[0].location == "Köln"
    assert "Windows-1252" in sheet.remark


def test_what_our_own_file_led_in_is_what_it_was():
    assert rows("sku,location,counted\n'=1+1,Reno,4")[0].sku == "=1+1"
    assert rows("sku,location,counted\n'Reno's,Reno,4")[0].sku == "'Reno's"


def test_what_was_on_hand_and_why_are_read_where_they_stand():
    assert rows('sku,location,on_hand,counted,reason\nBAG,Reno,9,4,"two,\nbroken"\nHAT,Reno,,1,') == (
        Row(line=2, sku="BAG", location="Reno", units=4, seen=9, reason="two,broken"),
        Row(line=4, sku="HAT", location="Reno", units=1),
    )


@pytest.mark.parametrize(
    ("row", "problem"),
    [
        (",Reno,4", "names no SKU"),
        ("BAG,,4", "names no location"),
        ("BAG,Reno,", "says no number"),
        ("BAG", "names no location"),
        ("BAG,Reno,-1", "“-1” is no number of units"),
        ("BAG,Reno,4.0", "“4.0” is no number of units"),
        ("BAG,Reno,4 pcs", "“4 pcs” is no number of units"),
        ("BAG,Reno,٤", "is no number of units"),
        ("BAG,Reno,9999999999999", "more than a level can count"),
        ("BAG,Reno,4,x,y,z", ""),
    ],
)
def test_a_row_that_cannot_be_read_says_what_is_wrong(row, problem):
    (found,) = rows(f"sku,location,counted\n{row}")

    assert problem in found.problem
    assert bool(found.problem) == bool(problem)
    assert found.line == 2


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"", "empty"),
        (b"sku,location\nBAG,Reno", "counted is missing"),
        (b"BAG,Reno,4", "sku and location and counted are missing"),
        (b"sku,location,counted\n", "no row below"),
        (b"PK\x03\x04 a workbook", "workbook"),
        (b"sku,location,counted\nBAG,Reno\x00,4", "workbook"),
        (b"x" * (count_sheet.MOST_BYTES + 1), "Divide it"),
        (b"sku,location,counted\n" + b"BAG,Reno,4\n" * (count_sheet.MOST_ROWS + 1), "10,001 rows"),
        (b'sku,location,counted\n"' + b"x" * 200_000, "Line 2 is no line"),
    ],
)
def test_a_file_of_which_nothing_can_be_read_says_why_and_what_to_do(content, why):
    with pytest.raises(Unreadable, match=why):
        read(content)


@given(st.binary(max_size=300) | st.text(max_size=200).map(lambda text: f"sku,location,counted\n{text}".encode()))
def test_no_file_whatever_is_in_it_is_a_fault_of_ours(content):
    try:
        sheet = read(content)
    except Unreadable:
        return
    for row in sheet.rows:
        assert "\x00" not in row.sku + row.location + row.reason
        assert 0 <= row.units <= count_sheet.MOST_UNITS


def test_a_level_that_is_named_twice_is_told_by_its_lines():
    assert doubles([(2, (1, 1)), (3, (1, 2)), (4, (1, 1)), (5, (1, 1))]) == {4: 2, 5: 2}
