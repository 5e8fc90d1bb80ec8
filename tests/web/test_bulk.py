"""Many orders at once: each by itself, with its own outcome; asked first where it cannot be undone."""

from __future__ import annotations

import html
import io
import re
import zipfile
from typing import Any

import pytest
from person import Person
from seeds import PDF, Shop
from sqlalchemy import Engine, select, text
from sqlalchemy.orm import Session

from jobs import desk
from records.shipments import Parcel
from web.pages import bulk, many


def path(shop: Shop, rest: str = "bulk") -> str:
    return f"/ops/shops/{shop.tenant}/orders/{rest}"


def said(somebody: Person, answer: Any) -> str:
    banner = re.search(r'class="banner[^>]*>.*?</div>\s*</div>', somebody.get(answer.location).text, re.DOTALL).group(0)
    return html.unescape(re.sub(r"<[^>]+>", "", banner))


def planned(shop: Shop, name: str = "", **order: Any) -> Any:
    row = shop.order(name, state="allocated", **order)
    line = shop.line(row)
    shop.parcel(shop.shipment(row, [line]), [line])
    return row


def test_one_bad_order_never_sinks_the_others(
    grace: Person, shop: Shop, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    orders = [shop.order(state="released") for _ in range(4)]
    session.commit()
    real = desk.hold

    def broken(session: Session, tenant: int, order: int, **how: Any) -> str:
        held = real(session, tenant, order, **how)
        if order == orders[1].id:
            session.execute(text("SELECT 1 / 0"))
        return held

    monkeypatch.setattr(desk, "hold", broken)
    answer = grace.post(path(shop), action="hold", reason="Recall", order=[one.id for one in orders])
    told = said(grace, answer)
    assert "3 orders were put on hold; 1 not: Packline met a fault of its own, reference " in told
    assert f"({orders[1].name})" in told
    held = [row.order_id for row in grace.rows("SELECT order_id FROM holds ORDER BY order_id")]
    assert held == [orders[0].id, orders[2].id, orders[3].id]


def test_what_does_not_fit_an_order_is_said_with_its_name(grace: Person, shop: Shop, session: Session) -> None:
    free, held, over = (
        shop.order("#1", state="released"),
        shop.order("#2", state="released"),
        shop.order("#3", state="cancelled"),
    )
    shop.hold(held, "operator", set_by="person:Ann")
    session.commit()
    answer = grace.post(path(shop), action="hold", reason="Recall", order=[free.id, held.id, over.id])
    assert (
        "1 order was put on hold; 2 not: a person held it already, and your reason is on it now (#2); "
        "the order is cancelled (#3)." in said(grace, answer)
    )


def test_orders_are_tried_again_and_quoted_anew_together(grace: Person, shop: Shop, session: Session) -> None:
    stuck, quoted, whole = planned(shop, "#1"), planned(shop, "#2"), shop.order("#3", state="fulfilled")
    shop.parked("buy_label", "parcel/1", lane=f"order/{stuck.id}")
    session.commit()
    answer = grace.post(path(shop), action="retry", order=[stuck.id, quoted.id])
    assert "1 order was tried again; 1 not: nothing of it is parked (#2)." in said(grace, answer)
    assert grace.row("SELECT state FROM jobs").state == "due"
    answer = grace.post(path(shop), action="rerate", order=[quoted.id, whole.id])
    assert "1 order was quoted anew; 1 not: no parcel of it waits for a label (#3)." in said(grace, answer)
    assert grace.rows("SELECT subject, state FROM jobs ORDER BY id")[-1] == ("parcel/2", "due")


def test_a_list_of_one_hold_releases_that_hold_where_a_person_may(grace: Person, shop: Shop, session: Session) -> None:
    free, stuck = shop.order("#1", state="verified"), shop.order("#2", state="verified")
    shop.hold(free, "address")
    shop.hold(stuck, "address", overridable=False)
    session.commit()
    page = grace.get(f"/ops/shops/{shop.tenant}/orders?hold=address").text
    assert "Release: address" in page
    assert 'name="kind" value="address"' in page
    answer = grace.post(path(shop), action="release", kind="address", order=[free.id, stuck.id])
    assert "1 order was released; 1 not: the hold is not a person's to release (#2)." in said(grace, answer)
    assert grace.rows("SELECT state, released_by FROM holds ORDER BY order_id") == [
        ("released", "person:Grace"),
        ("open", ""),
    ]


def test_cancelling_many_asks_first_with_what_goes_back(grace: Person, shop: Shop, session: Session) -> None:
    orders = [shop.order(f"#{n}", state="released", total_minor=1000 * n) for n in (1, 2)]
    for order in orders:
        shop.line(order)
        shop.payment(order, amount_minor=order.total_minor, captured_minor=order.total_minor)
    session.commit()
    ids = [order.id for order in orders]
    asks = grace.post(path(shop), action="cancel", order=ids)
    assert (asks.status_code, asks.location.partition("?")[0]) == (303, path(shop))
    page = grace.get(asks.location).text
    assert "<strong>$30.00</strong>" in page
    assert grace.rows("SELECT 1 FROM reversals") == []

    digests = dict(re.findall(r'name="(plan-\d+)" value="([^"]+)"', page))
    shop.payment(orders[1], amount_minor=500, captured_minor=500)  # something happens to the second one
    session.commit()
    answer = grace.post(path(shop), action="cancel", agreed="1", order=ids, **digests)
    assert "1 order was begun to be cancelled; 1 not: something happened to it since you looked (#2)." in said(
        grace, answer
    )
    assert grace.rows("SELECT order_id, asked_by FROM reversals") == [(ids[0], "person:Grace")]


def test_nothing_is_cancelled_whose_plan_was_not_shown(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order("#1", state="released")
    shop.line(order)
    session.commit()
    answer = grace.post(path(shop), action="cancel", agreed="1", order=[order.id])
    assert "its plan was not shown (#1)" in said(grace, answer)
    assert grace.rows("SELECT 1 FROM reversals") == []


def test_all_that_fit_are_done_in_slices_and_none_that_came_later(
    grace: Person, shop: Shop, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "_ELSE", 3)
    for n in range(5):
        shop.order(f"#{n}", state="released")
    other = shop.order("#other", state="verified")
    session.commit()
    asks = grace.post(path(shop), action="hold", reason="Recall", all="1", filter="state=released")
    page = grace.get(asks.location).text
    assert "Hold: 3 orders of 5 that fit?" in page
    assert grace.rows("SELECT 1 FROM holds") == []
    newest = re.search(r'name="newest" value="(\d+)"', page).group(1)
    late = shop.order("#late", state="released")
    session.commit()
    form = {"action": "hold", "reason": "Recall", "all": "1", "filter": "state=released", "agreed": "1"}
    first = grace.post(path(shop), **form, newest=newest)
    assert first.location.startswith(path(shop) + "?")
    onward = grace.get(first.location).text
    assert "3 orders were put on hold." in onward
    newest = re.search(r'name="newest" value="(\d+)"', onward).group(1)
    last = grace.post(path(shop), **form, newest=newest)
    assert last.location == f"/ops/shops/{shop.tenant}/orders?state=released"
    held = {row.order_id for row in grace.rows("SELECT order_id FROM holds")}
    assert len(held) == 5
    assert late.id not in held
    assert other.id not in held


def test_labels_of_many_orders_come_in_one_file(grace: Person, shop: Shop, session: Session) -> None:
    first, second, none = planned(shop, "#1001"), planned(shop, "#1002"), shop.order("#1003", state="released")
    for parcel in session.scalars(select(Parcel).order_by(Parcel.id)).all():
        shop.label(parcel, state="voided", content=b"old")
        shop.label(parcel, attempt=2)
    session.commit()
    answer = grace.post(path(shop, "labels.zip"), order=[second.id, first.id, none.id])
    assert answer.content_type == "application/zip"
    packed = zipfile.ZipFile(io.BytesIO(answer.data))
    assert packed.namelist() == ["1001-1.pdf", "1002-1.pdf", "without-a-label.txt"]
    assert packed.read("1001-1.pdf") == PDF
    assert b"#1003" in packed.read("without-a-label.txt")
    empty = grace.post(path(shop, "labels.zip"), order=[none.id])
    assert "None of these orders has a label to print yet." in said(grace, empty)


def test_labels_of_another_shop_are_never_in_the_file(
    grace: Person, shop: Shop, other_shop: Shop, engine: Engine
) -> None:
    (theirs,) = grace.rows("SELECT order_id AS id FROM labels WHERE tenant_id = :t LIMIT 1", t=other_shop.tenant)
    assert grace.post(path(shop, "labels.zip"), order=[theirs.id]).status_code == 404


def test_an_outcome_names_a_few_orders_and_counts_the_rest() -> None:
    outcome = many.Outcome(done=18)
    outcome.not_done["it has left"] = [f"#{n}" for n in range(7)]
    assert many.told(outcome, many.ACTS["hold"]) == (
        "18 orders were put on hold; 7 not: it has left (#0, #1, #2, #3, #4 and 2 more)."
    )
