"""The inbox's pages: what arrived, what became of it, and nobody's address by the way."""

from __future__ import annotations

import re

import pytest
from person import Person
from seeds import Shop
from sqlalchemy.orm import Session


def topics_on(text: str) -> list[str]:
    return re.findall(r'<th scope="row"><a href="/ops/shops/\d+/inbox/\d+">([^<]+)</a>', text)


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["tracker.updated", "orders/create", "carts/update", "orders/paid", "orders/create"]),
        ("vendor=easypost", ["tracker.updated"]),
        ("topic=orders/create", ["orders/create", "orders/create"]),
        ("state=parked", ["orders/create"]),
        ("state=ignored&vendor=shopify", ["carts/update"]),
        ("topic=nothing", []),
    ],
)
def test_deliveries_are_narrowed(grace: Person, furnished: dict[str, int], query: str, found: list[str]) -> None:
    assert topics_on(grace.get(f"/ops/shops/{furnished['tenant']}/inbox?{query}").text) == found


def test_a_delivery_is_shown_without_its_buyer(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/inbox/{furnished['event']}").text
    for hidden in ("ada@example.com", "Lovelace", "Townsend", "94107", "+1415", "authenticate?key=1"):
        assert hidden not in text, hidden
    for kept in ("820982911946154508", "#1001", "Bag of canvas", "64.00", "XWmrwMey…", "4 times"):
        assert kept in text, kept
    assert "XWmrwMey6OsL" not in text


def test_looking_at_everything_is_possible_and_written_down(
    grace: Person, furnished: dict[str, int], caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO"):
        text = grace.get(f"/ops/shops/{furnished['tenant']}/inbox/{furnished['event']}?show=all").text
    assert "ada@example.com" in text
    (line,) = [record.getMessage() for record in caplog.records if "personal data looked at" in record.getMessage()]
    assert "person:Grace" in line
    assert "ada@" not in line


def test_a_delivery_that_is_no_json_is_shown_as_text(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/inbox/{furnished['parked_event']}").text
    assert "{not json" in text
    assert "This is not JSON" in text
    assert "The body is not JSON." in text


def test_replaying_reads_a_delivery_again(grace: Person, furnished: dict[str, int]) -> None:
    event = furnished["parked_event"]
    answer = grace.post(f"/ops/shops/{furnished['tenant']}/inbox/{event}/replay")
    assert answer.location == f"/ops/shops/{furnished['tenant']}/inbox/{event}"
    assert grace.row("SELECT state, reason FROM inbox_events WHERE id = :e", e=event) == ("received", "")
    assert grace.row("SELECT kind, state FROM jobs WHERE subject = :s", s=f"event/{event}") == ("take_event", "due")
    assert "is read again" in grace.get(answer.location).text


def test_a_delivery_that_is_being_read_is_not_replayed(grace: Person, shop: Shop, session: Session) -> None:
    event = shop.event(state="received")
    session.commit()
    grace.post(f"/ops/shops/{shop.tenant}/inbox/{event.id}/replay")
    assert grace.rows("SELECT 1 FROM jobs") == []
    assert "is being read already" in grace.get(f"/ops/shops/{shop.tenant}/inbox/{event.id}").text


def test_bytes_of_any_kind_are_no_fault(grace: Person, shop: Shop, session: Session) -> None:
    for body in (b"", b"\x00\xff\xfe", b"[1, 2]", b"null", b'"a@b.example"', b"9" * 5000, b"[" * 20_000):
        event = shop.event(body=body)
        session.commit()
        assert grace.get(f"/ops/shops/{shop.tenant}/inbox/{event.id}").status_code == 200, body[:20]
