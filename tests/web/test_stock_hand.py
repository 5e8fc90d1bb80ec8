"""Stock changed on its pages: levels, arrivals, counts by sheet and scan, and what a location is able to do."""

from __future__ import annotations

import io
import re

import pytest
from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session

from web.pages import location_form


@pytest.fixture
def bag(shop: Shop, session: Session) -> int:
    variant = shop.stock("BAG", "Bag", {"Reno": (10, 0)})
    session.commit()
    return variant


def level(shop: Shop, variant: int, place: str = "Reno") -> str:
    return f"/ops/shops/{shop.tenant}/stock/{variant}/{shop.locations[place]}"


LEVELS = "SELECT on_hand, damaged, safety FROM stock_levels ORDER BY location_id"


def test_each_act_on_a_level_is_done_and_stands_on_top_of_its_movements(grace: Person, shop: Shop, bag: int) -> None:
    path, newark = level(shop, bag), shop.locations["Newark"]
    for act, fields, on_hand, damaged, safety in (
        ("adjust", {"way": "fewer", "units": "3", "reason": "fell", "reference": "RMA 1"}, 7, 0, 0),
        ("count", {"units": "9", "seen": "7"}, 9, 0, 0),
        ("damaged", {"way": "more", "units": "2", "reason": "wet"}, 9, 2, 0),
        ("adjust", {"way": "fewer", "units": "2", "reason": "thrown away", "of_damaged": "1"}, 7, 0, 0),
        ("safety", {"units": "1"}, 7, 0, 1),
        ("move", {"units": "4", "to": str(newark)}, 3, 0, 1),
    ):
        answer = grace.post(f"{path}/{act}", **fields)
        assert (answer.status_code, answer.location) == (303, path), (act, answer.text)
        stands = grace.rows("SELECT on_hand, damaged, safety FROM stock_levels WHERE location_id = :l",
                            l=shop.locations["Reno"])  # fmt: skip
        assert [tuple(row) for row in stands] == [(on_hand, damaged, safety)], act
    text = grace.get(path).text
    assert re.findall(r'class="line-title">([^<]+)<', text)[:3] == [
        "Moved between locations",
        "Set aside",
        "Adjusted by hand",
    ]
    assert f'href="{level(shop, bag, "Newark")}">Newark' in text
    assert "RMA 1" in text
    assert grace.rows("SELECT DISTINCT actor FROM movements WHERE cause <> 'counted'") == [("person:Grace",)]


def test_what_a_count_did_not_find_of_what_is_promised_is_said(grace: Person, shop: Shop, session: Session) -> None:
    variant = shop.stock("HAT", "Hat", {"Reno": (6, 4)})
    session.commit()
    before = grace.get(level(shop, variant)).text + grace.get(f"/ops/shops/{shop.tenant}/stock").text
    session.execute(text("UPDATE stock_levels SET missing = 3 WHERE variant_id = :id"), {"id": variant})
    session.commit()

    assert "not found" not in before
    assert "did not find" not in before
    assert "The last count did not find 3 of what is reserved here." in grace.get(level(shop, variant)).text
    assert "3 not found" in grace.get(f"/ops/shops/{shop.tenant}/stock").text


def test_what_cannot_be_done_comes_back_as_it_was_typed(grace: Person, shop: Shop, bag: int) -> None:
    path = level(shop, bag)
    for act, fields, status, said in (
        ("adjust", {"way": "fewer", "units": "x", "reason": "kept words"}, 422, "A whole number of units."),
        ("adjust", {"way": "fewer", "units": "3", "reason": ""}, 422, "Say why"),
        ("adjust", {"way": "fewer", "units": "11", "reason": "kept words"}, 409, "There are 10 on hand there"),
        ("count", {"units": "9", "seen": "8", "reason": "kept words"}, 409, "It said 8 when you began to count"),
        ("move", {"units": "1", "to": str(shop.locations["Reno"]), "reason": "kept words"}, 422, "Choose another"),
        ("move", {"units": "1", "to": "999", "reason": "kept words"}, 422, "Choose another location."),
    ):
        answer = grace.post(f"{path}/{act}", **fields)
        assert (answer.status_code, said in answer.text) == (status, True), (act, fields)
        assert fields["reason"] in answer.text
        assert '<details class="drop" open>' in answer.text
    assert grace.rows(LEVELS) == [(10, 0, 0)]


def test_an_arrival_is_expected_received_in_part_and_cancelled(grace: Person, shop: Shop, bag: int) -> None:
    base = f"/ops/shops/{shop.tenant}/arrivals"
    told = {
        "sku": "BAG",
        "place": str(shop.locations["Reno"]),
        "units": "6",
        "due_on": "2026-12-01",
        "reference": "PO-9",
    }
    assert "There is no SKU" in grace.post(base, **told | {"sku": "CAP"}).text
    assert grace.post(base, **told).status_code == 303
    german = grace.get(f"/ops/shops/{shop.tenant}/stock", headers={"Accept-Language": "de-DE"}).text
    assert "01.12.2026" in german
    assert grace.post(f"{base}/1/receive", units="0", rest="comes").status_code == 422
    assert grace.post(f"{base}/1/receive", units="4", rest="comes").status_code == 303
    assert grace.post(f"{base}/1/receive", units="4", rest="comes").status_code == 422
    assert grace.post(f"{base}/2/cancel").status_code == 303
    assert grace.rows("SELECT units, state FROM arrivals ORDER BY id") == [(4, "received"), (2, "cancelled")]
    assert grace.rows(LEVELS) == [(14, 0, 0)]
    assert 'href="/ops/shops/1/arrivals/1">Arrival 1' in grace.get(level(shop, bag)).text


def upload(grace: Person, shop: Shop, content: bytes, name: str = "count.csv") -> object:
    return grace.post(f"/ops/shops/{shop.tenant}/stock/counts", sheet=(io.BytesIO(content), name))


def test_a_sheet_is_downloaded_edited_looked_through_and_applied(grace: Person, shop: Shop, session: Session) -> None:
    shop.stock("=BAG", "Bag", {"Reno": (10, 0), "Newark": (4, 0)})
    session.commit()
    sheet = grace.get(f"/ops/shops/{shop.tenant}/stock.csv").text
    assert sheet.splitlines()[1:] == ["'=BAG,Reno,10,10,", "'=BAG,Newark,4,4,"]
    edited = sheet.replace("10,10,", "10,7,three gone") + "CAP,Reno,1,1,\r\n"

    answer = upload(grace, shop, edited.replace(",", ";").encode())

    text = grace.get(answer.location).text
    assert "1 level would change, 1 says that already, and 1 row is left out" in text
    assert "three gone" in text
    assert "Line 4" in grace.get(f"{answer.location}?show=problems").text
    assert grace.rows(LEVELS) == [(10, 0, 0), (4, 0, 0)]
    assert grace.post(f"{answer.location}/apply").status_code == 303
    assert grace.rows(LEVELS) == [(7, 0, 0), (4, 0, 0)]
    grace.post(f"{answer.location}/apply")
    assert grace.rows("SELECT count(*) FROM movements WHERE reference = 'count/1'") == [(1,)]


def test_a_file_that_is_none_says_so_beside_its_field(grace: Person, shop: Shop, bag: int) -> None:
    for content, said in ((b"", "The file is empty"), (b"PK\x03\x04", "a workbook")):
        answer = upload(grace, shop, content)
        assert (answer.status_code, said in answer.text) == (422, True), said
    assert "Choose a file first" in grace.post(f"/ops/shops/{shop.tenant}/stock/counts").text
    assert grace.rows("SELECT id FROM counts") == []


def test_scans_are_kept_one_by_one_and_then_looked_through(grace: Person, shop: Shop, bag: int) -> None:
    begun = grace.post(f"/ops/shops/{shop.tenant}/stock/scan", place=str(shop.locations["Reno"])).location
    for code in ("BAG", "BAG", "BAG"):
        assert grace.post(begun, code=code).status_code == 303
    wrong = grace.post(begun, code="CAP")
    assert (wrong.status_code, "Not counted. There is no SKU “CAP”" in wrong.text) == (422, True)
    assert "<strong>3</strong> units of <strong>1</strong> SKU" in grace.get(begun).text
    line = grace.row("SELECT id FROM count_lines").id
    assert grace.post(f"{begun}/units", line=str(line), units="8").status_code == 303
    shown = grace.post(f"{begun}/ready").location
    assert grace.post(begun, code="BAG").status_code == 422  # it is being looked through
    assert grace.rows(LEVELS) == [(10, 0, 0)]
    grace.post(f"{shown}/apply")
    assert grace.rows(LEVELS) == [(8, 0, 0)]


GOOD = {
    "preference": "2", "never_to": "ch, au", "sends_hazmat": "1", "shipments_a_day": "40", "work": "1,50", "time_zone": "America/New_York",
    "cut_off": "14:30", "carrier_comes_at": "17:00", "handling_days": "1", "closed_on": "2026-12-25\n2026-12-26", "day-0": "1", "day-5": "1",
}  # fmt: skip


def test_what_a_location_is_able_to_do_is_kept_and_shown_again(grace: Person, shop: Shop) -> None:
    path = f"/ops/shops/{shop.tenant}/locations/{shop.locations['Reno']}"
    version = re.search(r'name="version" value="(\w+)"', grace.get(path).text).group(1)
    assert grace.post(path, version=version, **GOOD).status_code == 303
    assert grace.row("SELECT sending FROM locations WHERE id = :l", l=shop.locations["Reno"]).sending == {
        "preference": 2, "never_to": ["CH", "AU"], "only_to": [], "sends_hazmat": True, "shipments_a_day": 40, "work_minor": 150,
        "time_zone": "America/New_York", "cut_off": "14:30:00", "carrier_comes_at": "17:00:00", "working_days": [0, 5], "handling_days": 1,
        "closed_on": ["2026-12-25", "2026-12-26"],
    }  # fmt: skip
    assert grace.post(path, version=version, **GOOD | {"preference": "9"}).status_code == 409
    wrong = grace.post(path, version="", **GOOD | {"cut_off": "25:00", "time_zone": "Mars/Base"})
    assert (wrong.status_code, "Mars/Base" in wrong.text, "no such time zone" in wrong.text) == (422, True, True)
    assert "Mon, Sat, until 14:30" in grace.get(f"/ops/shops/{shop.tenant}/locations").text


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("preference", "100"), ("preference", "-1"), ("preference", ""), ("never_to", "XX"), ("never_to", "Germany"), ("only_to", "XX"), ("only_to", "DE"),
        ("shipments_a_day", "0"), ("work", "1.505"), ("work", "-1"), ("work", "x"), ("time_zone", "../etc/passwd"),
        ("cut_off", "24:00"), ("carrier_comes_at", "12:00"), ("carrier_comes_at", "5pm"), ("cut_off", "9"), ("closed_on", "25.12.2026"), ("handling_days", "31"),
    ],
)  # fmt: skip
def test_a_field_of_a_location_that_means_nothing_says_so_beside_itself(field: str, text: str) -> None:
    found, wrong = location_form.read(location_form.typed_in(GOOD | {field: text}), "USD")
    assert found is None
    assert list(wrong) == [field]


def test_a_location_needs_a_working_day() -> None:
    found, wrong = location_form.read(location_form.typed_in(GOOD | {"day-0": "", "day-5": ""}), "USD")
    assert (found, list(wrong)) == (None, ["working_days"])


def test_units_that_a_buyer_sent_back_are_taken_back_with_their_order(grace: Person, shop: Shop, bag: int) -> None:
    order = shop.order("#1001")
    shop.line(order, "BAG", 2)
    shop.session.flush()
    shop.session.execute(text("UPDATE order_lines SET variant_remote_id = (SELECT remote_id FROM variants LIMIT 1)"))
    shop.session.commit()
    path = level(shop, bag)

    for fields, said in (
        ({"units": "2", "order": ""}, "Write the order&#39;s number"),
        ({"units": "2", "order": "#9"}, "There is no order #9."),
        ({"units": "0", "order": "#1001"}, "Between 1 and"),
    ):
        answer = grace.post(f"{path}/returned", **fields)
        assert (answer.status_code in {409, 422}, said in answer.text) == (True, True), answer.text
    assert [tuple(row) for row in grace.rows(LEVELS)] == [(10, 0, 0)]

    assert grace.post(f"{path}/returned", units="2", order="1001", reason="too small").status_code == 303
    assert [tuple(row) for row in grace.rows(LEVELS)] == [(12, 0, 0)]
    page = grace.get(path).text
    assert ("Came back from a buyer" in page, "#1001" in page, "too small" in page) == (True, True, True)
