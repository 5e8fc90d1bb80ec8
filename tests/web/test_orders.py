"""The list of orders: found, narrowed, paged, exported, and many acted on at once."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from person import Person
from seeds import ADA, HOSTILE, Shop
from sqlalchemy import event
from sqlalchemy.orm import Session

from records.orders import Order


def names_on(text: str) -> list[str]:
    return re.findall(r'class="order-name"[^>]*>([^<]+)<', text)


@pytest.fixture
def three(shop: Shop, session: Session) -> dict[str, int]:
    """One order on hold, one with a parcel on the road, one plain."""
    held = shop.order("#1001", state="verified", email="Ada@Example.com", deliver_by=shop.now + timedelta(hours=40))
    shop.hold(held, "address")
    road = shop.order("#1002", state="fulfilled", ship_to=ADA.model_copy(update={"name": "Grace Hopper"}))
    line = shop.line(road, "TENT", 3)
    parcel = shop.parcel(
        shop.shipment(road, [line], state="handed_over"), [line], carrier="USPS", tracking_code="9400ABC",
        carrier_status="in_transit", delivered_at=shop.now - timedelta(days=1),
    )  # fmt: skip
    shop.label(parcel)
    plain = shop.order("1003", state="released", standing="unpaid", deliver_by=shop.now - timedelta(days=1))
    shop.line(plain, "BAG", 1)
    shop.parked("reserve_stock", f"order/{plain.id}")
    session.commit()
    return {"held": held.id, "road": road.id, "plain": plain.id}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", ["1003", "#1002", "#1001"]),
        ("q=1001", ["#1001"]),
        ("q=%231003", ["1003"]),
        ("q=ada@example.com", ["1003", "#1002", "#1001"]),
        ("q=grace", ["#1002"]),
        ("q=tent", ["#1002"]),
        ("q=9400 abc", ["#1002"]),
        ("q=%25", []),
        ("q=nobody", []),
        ("state=verified", ["#1001"]),
        ("state=to_ship", ["1003", "#1001"]),
        ("hold=address", ["#1001"]),
        ("hold=any", ["#1001"]),
        ("hold=customs", []),
        ("payment=unpaid", ["1003"]),
        ("parcel=in_transit", ["#1002"]),
        ("late=1", ["1003"]),
        ("labelled=30", ["#1002"]),
        ("shipment=handed_over", ["#1002"]),
        ("shipment=planned", []),
        ("warehouse={reno}", ["#1002"]),
        ("warehouse={newark}", []),
        ("warehouse=x", ["1003", "#1002", "#1001"]),
        ("service=USPS GroundAdvantage", ["#1002"]),
        ("service=USPS Priority", []),
        ("parked=any", ["1003"]),
        ("parked=no_rates", ["1003"]),
        ("parked=fault", []),
        ("promise=kept", ["#1002"]),
        ("promise=missed", []),
        ("due=24", []),
        ("due=72", ["#1001"]),
        ("due=24&late=1", []),
        ("state=nonsense", ["1003", "#1002", "#1001"]),
        ("q=tent&state=verified", []),
    ],
)
def test_orders_are_found_by_what_people_know(
    grace: Person, shop: Shop, three: dict[str, int], query: str, found: list[str]
) -> None:
    query = query.format(reno=shop.locations["Reno"], newark=shop.locations["Newark"])
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders?{query}")
    assert names_on(answer.text) == found
    if not found:
        assert "No order fits this" in answer.text


def test_another_shops_orders_are_never_found(
    grace: Person, shop: Shop, three: dict[str, int], other_shop: Shop
) -> None:
    for query in ("", "q=1001", "q=tent", "parcel=in_transit", "hold=any", "labelled=30"):
        assert "/ops/shops/1/" not in grace.get(f"/ops/shops/{other_shop.tenant}/orders?{query}").text


def test_the_search_box_leads_straight_to_the_only_match(grace: Person, shop: Shop, three: dict[str, int]) -> None:
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders?q=1002&go=1")
    assert (answer.status_code, answer.location) == (303, f"/ops/shops/{shop.tenant}/orders/{three['road']}")
    assert grace.get(f"/ops/shops/{shop.tenant}/orders?q=ada@example.com&go=1").status_code == 200


def test_an_empty_shop_says_what_to_do_next(grace: Person, shop: Shop) -> None:
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders")
    assert "No order has arrived yet" in answer.text
    assert "Place one in the store" in answer.text


def test_odd_letters_in_a_search_are_no_fault(grace: Person, shop: Shop, three: dict[str, int]) -> None:
    for odd in ("%00", "a%00b", "%ff", "'%22", "%5C", "_" * 5000, HOSTILE):
        answer = grace.get(f"/ops/shops/{shop.tenant}/orders", query_string=f"q={odd}")
        assert answer.status_code == 200
        assert HOSTILE not in answer.text


def test_pages_go_there_and_back_again(grace: Person, shop: Shop, session: Session) -> None:
    for number in range(120):
        shop.order(f"#{number}")
    session.commit()
    seen: list[list[str]] = []
    path = f"/ops/shops/{shop.tenant}/orders?payment=paid"
    for _ in range(3):
        text = grace.get(path).text
        seen.append(names_on(text))
        older = re.search(r'href="([^"]+)">Older', text)
        path = older.group(1).replace("&amp;", "&") if older else ""
    assert path == ""
    assert [len(page) for page in seen] == [50, 50, 20]
    assert [name for page in seen for name in page] == [f"#{number}" for number in reversed(range(120))]
    newer = re.search(r'href="([^"]+)"><svg.*?</svg>Newer', text).group(1).replace("&amp;", "&")
    assert names_on(grace.get(newer).text) == seen[1]
    assert "payment=paid" in newer


def test_a_list_asks_the_database_as_often_for_fifty_orders_as_for_one(
    grace: Person, shop: Shop, session: Session
) -> None:
    def asked() -> int:
        statements: list[str] = []
        listen = lambda *given: statements.append(given[2])
        pool = grace.client.application.extensions["engine"]
        event.listen(pool, "before_cursor_execute", listen)
        grace.get(f"/ops/shops/{shop.tenant}/orders")
        event.remove(pool, "before_cursor_execute", listen)
        return len(statements)

    shop.line(shop.order())
    session.commit()
    once = asked()
    for _ in range(49):
        order = shop.order()
        line = shop.line(order)
        shop.label(shop.parcel(shop.shipment(order, [line]), [line]))
        shop.hold(order)
        shop.job("verify_order", f"order/{order.id}", state="due")
    session.commit()
    assert asked() == once
    assert once <= 12


def test_the_file_holds_every_order_of_the_filter(grace: Person, shop: Shop, session: Session) -> None:
    for number in range(1203):
        session.add(shop_row(shop, number))
    session.commit()
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders.csv?payment=paid")
    assert answer.content_type == "text/csv; charset=utf-8"
    assert re.fullmatch(r'attachment; filename="orders-\d{4}-\d\d-\d\d\.csv"', answer.headers["Content-Disposition"])
    assert answer.is_streamed
    rows = list(csv.DictReader(io.StringIO(answer.data.decode("utf-8-sig"))))
    assert [row["order"] for row in rows] == [f"#{number}" for number in reversed(range(1203)) if number % 2 == 0]
    assert rows[0] | {"placed_at": "", "deliver_by": ""} == {
        "order": "#1202", "placed_at": "", "state": "received", "buyer": "Ada Lovelace", "email": "ada@example.com",
        "city": "San Francisco", "country": "US", "units": "0", "total": "64.00", "currency": "USD", "payment": "paid",
        "holds": "", "carrier": "", "tracking": "", "parcel_status": "", "deliver_by": "",
        "next_step": "Nothing is planned",
    }  # fmt: skip


def shop_row(shop: Shop, number: int) -> Order:
    return Order(
        tenant_id=shop.tenant, connection_id=shop.store, remote_id=f"r{number}", name=f"#{number}", currency="USD",
        total_minor=6400, standing="paid" if number % 2 == 0 else "unpaid", email="ada@example.com", ship_to=ADA,
    )  # fmt: skip


def test_no_cell_of_the_file_is_a_formula(grace: Person, shop: Shop, session: Session) -> None:
    shop.order(
        "=1+1",
        email="@evil",
        ship_to=ADA.model_copy(update={"name": "+cmd|' /C calc'!A0", "city": "-2"}),
        total_minor=-500,
    )
    session.commit()
    (row,) = csv.DictReader(io.StringIO(grace.get(f"/ops/shops/{shop.tenant}/orders.csv").data.decode("utf-8-sig")))
    assert (row["order"], row["email"], row["buyer"], row["city"]) == ("'=1+1", "'@evil", "'+cmd|' /C calc'!A0", "'-2")
    assert row["total"] == "-5.00"


def test_ticked_orders_are_held_with_their_reason(grace: Person, shop: Shop, three: dict[str, int]) -> None:
    back = f"/ops/shops/{shop.tenant}/orders?state=to_ship"
    answer = grace.post(
        f"/ops/shops/{shop.tenant}/orders/bulk", action="hold", reason="Recall of this batch", back=back,
        order=[three["held"], three["plain"]],
    )  # fmt: skip
    assert (answer.status_code, answer.location) == (303, back)
    assert "2 orders were put on hold." in grace.get(back).text
    assert grace.rows(
        "SELECT order_id, reason, set_by, state FROM holds WHERE kind = 'operator' ORDER BY order_id"
    ) == [
        (three["held"], "Recall of this batch", "person:Grace", "open"),
        (three["plain"], "Recall of this batch", "person:Grace", "open"),
    ]


def test_a_hold_without_a_reason_holds_nothing_and_says_why(grace: Person, shop: Shop, three: dict[str, int]) -> None:
    answer = grace.post(f"/ops/shops/{shop.tenant}/orders/bulk", action="hold", reason=" ", order=[three["plain"]])
    assert answer.status_code == 422
    assert "Say why: the next person will ask." in answer.text
    assert grace.rows("SELECT 1 FROM holds WHERE kind = 'operator'") == []


def test_only_a_persons_holds_are_released_together(
    grace: Person, shop: Shop, session: Session, three: dict[str, int]
) -> None:
    shop.hold(session.get_one(Order, (shop.tenant, three["held"])), "operator", set_by="person:Ann")
    session.commit()
    grace.post(f"/ops/shops/{shop.tenant}/orders/bulk", action="release", order=[three["held"], three["plain"]])
    assert (
        "1 order was released; 1 not: no hold of a person&#39;s is on it (1003)."
        in grace.get(f"/ops/shops/{shop.tenant}/orders").text
    )
    assert grace.rows("SELECT kind, state, released_by FROM holds ORDER BY kind") == [
        ("address", "open", ""),
        ("operator", "released", "person:Grace"),
    ]


def test_ticked_orders_go_on_from_where_they_stand(grace: Person, shop: Shop, three: dict[str, int]) -> None:
    grace.post(f"/ops/shops/{shop.tenant}/orders/bulk", action="go_on", order=[three["held"], three["plain"]])
    assert grace.rows("SELECT kind, subject, lane, state FROM jobs WHERE state = 'due' ORDER BY id") == [
        ("check_payment", f"order/{three['held']}", f"order/{three['held']}", "due"),
        ("reserve_stock", f"order/{three['plain']}", f"order/{three['plain']}", "due"),
    ]
    assert grace.rows("SELECT DISTINCT actor, kind, sentence FROM timeline_entries") == [
        ("person:Grace", "person", "Asked to go on.")
    ]


def test_nothing_is_done_where_one_of_the_ticked_is_another_tenants(
    grace: Person, shop: Shop, three: dict[str, int], other_shop: Shop
) -> None:
    (theirs,) = grace.rows("SELECT min(id) AS id FROM orders WHERE tenant_id = :t", t=other_shop.tenant)
    answer = grace.post(
        f"/ops/shops/{shop.tenant}/orders/bulk", action="hold", reason="x", order=[three["plain"], theirs.id]
    )
    assert answer.status_code == 404
    assert grace.rows("SELECT 1 FROM holds WHERE reason = 'x'") == []


def test_an_action_that_does_not_exist_is_refused(grace: Person, shop: Shop, three: dict[str, int]) -> None:
    assert grace.post(f"/ops/shops/{shop.tenant}/orders/bulk", action="burn", order=[three["plain"]]).status_code == 400
