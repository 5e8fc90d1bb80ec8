"""Digital goods: the merchant's page, the order's card, and the buyer's own page, which shows codes and counts links."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from person import Person
from seeds import Shop
from sqlalchemy import Engine, text
from sqlalchemy.orm import Session
from test_browser import PHONE, WIDE, chromium, origin, wrong_on  # noqa: F401 - origin is a fixture
from test_roles import somebody

from config import secrecy
from orders import digital
from orders.signed_links import Link
from records.digital import find_delivery
from records.orders import Order
from web.pages.choose import links

URL = "https://files.example.com/shelf/book.epub?key=s3cret"


@pytest.fixture
def goods(shop: Shop) -> Shop:
    shop.stock("BAG", "Bag", {"Reno": (5, 1)})
    shop.stock("GIFT", "Gift card", {}, tracked=False, needs_shipping=False)
    shop.stock("BOOK", "The book of bags", {}, tracked=False, needs_shipping=False)
    shop.session.commit()
    return shop


def page(shop: Shop) -> str:
    return f"/ops/shops/{shop.tenant}/stock/digital"


def paste(person: Person, shop: Shop, codes: str, sku: str = "GIFT") -> Any:
    return person.post(f"{page(shop)}/codes", sku=sku, codes=codes)


def link(person: Person, shop: Shop, **other: str) -> Any:
    return person.post(f"{page(shop)}/link", **({"sku": "BOOK", "url": URL, "openings": "2", "days": "7"} | other))


def free(session: Session, shop: Shop) -> int:
    session.rollback()
    return session.execute(
        text("SELECT count(*) FROM digital_codes WHERE tenant_id = :t AND digital_line_id IS NULL"), {"t": shop.tenant}
    ).scalar_one()


@pytest.fixture
def delivery(grace: Person, goods: Shop, session: Session) -> digital.Given:
    """An order for two codes and a book, delivered."""
    paste(grace, goods, "AAA-111\nBBB-222\nCCC-333")
    link(grace, goods)
    order = goods.order(state="released")
    goods.line(order, "GIFT", 2, needs_shipping=False, to_ship=0, to_deliver=2, variant_id=None)
    goods.line(order, "BOOK", 1, needs_shipping=False, to_ship=0, to_deliver=1, variant_id=None)
    session.commit()
    given = digital.give(session, goods.tenant, order.id, now=goods.now)
    session.commit()
    return given


@pytest.fixture
def token(app: Flask, delivery: digital.Given, session: Session) -> str:
    row = find_delivery(session, tenant_of(session), delivery.delivery or 0)
    assert row is not None
    with app.app_context():
        return links().leading_to("delivered").token(digital.link_to(row))


def tenant_of(session: Session) -> int:
    return session.execute(text("SELECT tenant_id FROM digital_deliveries")).scalar_one()


def test_codes_are_pasted_once_and_only_counted_afterwards(grace: Person, goods: Shop, session: Session) -> None:
    assert "Nothing is delivered digitally" in grace.get(page(goods)).text
    assert paste(grace, goods, " AAA-111 \r\n\r\nBBB-222\nAAA-111").status_code == 303
    assert "2 new codes for GIFT." in grace.get(page(goods)).text
    paste(grace, goods, "BBB-222\nCCC-333")
    shown = grace.get(page(goods)).text

    assert "1 new code for GIFT. 1 of the pasted ones were in it before" in shown
    assert free(session, goods) == 3
    assert "AAA-111" not in shown
    sealed = session.execute(
        text("SELECT string_agg(encode(sealed_code, 'escape'), ' ') FROM digital_codes")
    ).scalar_one()
    assert "AAA-111" not in sealed


def test_a_link_shows_its_site_and_limits_and_nothing_else(grace: Person, goods: Shop) -> None:
    assert link(grace, goods).status_code == 303
    shown = grace.get(page(goods)).text

    assert "files.example.com" in shown
    assert "2 openings a unit, 7 days" in shown
    assert "s3cret" not in shown


@pytest.mark.parametrize(
    ("typed", "wrong"),
    [
        ({"url": "http://files.example.com/x"}, "beginning with https://"),
        ({"url": "https://localhost"}, "beginning with https://"),
        ({"url": "https://[oops"}, "beginning with https://"),
        ({"url": "https://files.example.com/" + "x" * 2_000}, "At most 2,000 characters"),
        ({"openings": "0"}, "A whole number from 1 to 1,000."),
        ({"days": "9999"}, "A whole number from 1 to 3,650."),
        ({"days": "\u0663"}, "A whole number from 1 to 3,650."),
        ({"sku": "NONE"}, "Nothing with this SKU is sold here."),
        ({"sku": "BAG"}, "The store ships this in a parcel."),
    ],
)
def test_what_is_wrong_stands_beside_its_field(
    grace: Person, goods: Shop, session: Session, typed: dict[str, str], wrong: str
) -> None:
    answer = link(grace, goods, **typed)

    assert answer.status_code == 422
    assert wrong in answer.text
    session.rollback()
    assert session.execute(text("SELECT count(*) FROM digital_goods")).scalar_one() == 0


def test_codes_that_cannot_be_taken_leave_the_pool_as_it_was(grace: Person, goods: Shop, session: Session) -> None:
    for codes, wrong in (
        ("", "Paste at least one code"),
        ("\n".join(f"C{number}" for number in range(2_001)), "At most 2,000 codes at a time; these are 2,001."),
        ("AAA\n" + "x" * 201, "Code 2 is longer than 200 characters."),
    ):
        answer = paste(grace, goods, codes)
        assert (answer.status_code, wrong in answer.text) == (422, True), wrong
    assert free(session, goods) == 0


def test_who_only_reads_changes_nothing(app: Flask, engine: Engine, goods: Shop, session: Session) -> None:
    reader = somebody(app, engine, session, "read_only")
    assert "Add these codes" not in reader.get(page(goods)).text
    assert paste(reader, goods, "AAA").status_code == 403
    assert free(session, goods) == 0


def test_another_shop_s_goods_are_nobody_s(grace: Person, goods: Shop, session: Session, other_shop: Shop) -> None:
    other_shop.stock("THEIRS", "Theirs", {}, needs_shipping=False)
    other_shop.session.commit()

    assert paste(grace, goods, "AAA", sku="THEIRS").status_code == 422
    assert grace.post(f"{page(goods)}/{other_shop.variants['THEIRS']}/stop").status_code == 404


def test_what_is_stopped_delivers_nothing_more(grace: Person, goods: Shop, session: Session) -> None:
    paste(grace, goods, "AAA")
    assert grace.post(f"{page(goods)}/{goods.variants['GIFT']}/stop").status_code == 303
    order = goods.order(state="released")
    goods.line(order, "GIFT", 1, needs_shipping=False, to_ship=0, variant_id=None)
    session.commit()

    assert digital.owed(session, goods.tenant, order.id) == []
    assert "nothing any more" in grace.get(page(goods)).text
    assert free(session, goods) == 1


def test_the_buyer_sees_their_codes_and_opens_their_link(
    stranger: Person, token: str, delivery: digital.Given, session: Session
) -> None:
    shown = stranger.get(f"/delivered/{token}")

    assert shown.status_code == 200
    assert [code in shown.text for code in ("AAA-111", "BBB-222", "CCC-333")] == [True, True, False]
    assert ("Set-Cookie" in shown.headers, "<script" in shown.text, "s3cret" in shown.text) == (False, False, False)
    assert (shown.headers["Referrer-Policy"], shown.headers["X-Robots-Tag"]) == ("no-referrer", "noindex, nofollow")
    assert shown.headers["Cache-Control"] == "no-store"
    assert "form-action 'self' https:;" in shown.headers["Content-Security-Policy"]
    (address,) = re.findall(r'action="(/delivered/[^"]+)"', shown.text)
    led = stranger.client.post(address, headers={"Origin": "null"})
    assert (led.status_code, led.location) == (303, URL)
    assert stranger.row("SELECT openings FROM digital_lines WHERE kind = 'link'").openings == 1


def test_a_line_of_codes_and_another_s_line_open_nothing(stranger: Person, token: str) -> None:
    codes = stranger.row("SELECT id FROM digital_lines WHERE kind = 'codes'").id

    assert stranger.client.post(f"/delivered/{token}/open/{codes}").status_code == 410
    assert stranger.client.post(f"/delivered/{token}/open/4711").status_code == 404


def test_of_a_cancelled_order_nothing_is_shown(stranger: Person, token: str, session: Session) -> None:
    session.execute(text("UPDATE orders SET state = 'cancelled'"))
    session.commit()
    shown = stranger.get(f"/delivered/{token}").text
    line = stranger.row("SELECT id FROM digital_lines WHERE kind = 'link'").id

    assert "This order was cancelled" in shown
    assert "AAA-111" not in shown
    assert stranger.client.post(f"/delivered/{token}/open/{line}").status_code == 410
    assert stranger.row("SELECT sum(openings) AS n FROM digital_lines").n == 0


def test_nobody_s_link_leads_anywhere(
    app: Flask, stranger: Person, token: str, goods: Shop, other_shop: Shop, delivery: digital.Given
) -> None:
    good = Link(tenant=goods.tenant, about=delivery.delivery or 0, version=1, until=goods.now + timedelta(days=1))
    with app.app_context():
        mine = links().leading_to("delivered")
        others = mine.token(Link(tenant=other_shop.tenant, about=good.about, version=1, until=good.until))
        newer = mine.token(Link(tenant=good.tenant, about=good.about, version=2, until=good.until))
        of_a_choice = links().token(good)
        ended = mine.token(Link(tenant=good.tenant, about=good.about, version=1, until=goods.now - timedelta(days=1)))

    for forged in (others, newer, of_a_choice, token[:-2], "x"):
        answer = stranger.get(f"/delivered/{forged}")
        assert (answer.status_code, "/ops" in answer.text) == (404, False)
    assert stranger.get(f"/choose/{token}").status_code == 404
    over = stranger.get(f"/delivered/{ended}")
    assert (over.status_code, "it can send you a new link" in over.text) == (410, True)


def test_the_link_stands_in_no_log(token: str) -> None:
    assert token not in secrecy.line(f"GET /delivered/{token}/open/1 303")


def test_the_order_s_page_sends_it_again_once_however_often_it_is_pressed(
    grace: Person, goods: Shop, delivery: digital.Given, session: Session
) -> None:
    order = session.query(Order).one().id
    shown = grace.get(f"/ops/shops/{goods.tenant}/orders/{order}").text
    assert "opened 0 of 2 times" in shown
    assert "AAA-111" not in shown
    address = f"/ops/shops/{goods.tenant}/orders/{order}/deliveries/{delivery.delivery}/again"
    for _ in range(3):
        assert grace.post(address, seen="0").status_code == 303

    assert len(grace.rows("SELECT 1 FROM notices")) == 1
    assert grace.row("SELECT count(*) AS n FROM jobs WHERE kind = 'send_notice'").n == 1
    assert "somebody had asked for it already" in grace.get(f"/ops/shops/{goods.tenant}/orders/{order}").text


@pytest.mark.parametrize(
    ("state", "digest", "shown"),
    [("closed", "", True), ("fulfilled", "", True), ("cancelled", "", False), ("closed", "forgotten", False)],
)
def test_what_a_closed_order_gave_can_be_sent_again_and_its_link_copied(
    grace: Person, goods: Shop, delivery: digital.Given, session: Session, state: str, digest: str, shown: bool
) -> None:
    order = session.query(Order).one().id
    session.execute(text("UPDATE orders SET state = :state, content_digest = :mark"), {"state": state, "mark": digest})
    session.commit()
    page = grace.get(f"/ops/shops/{goods.tenant}/orders/{order}").text

    assert ("Send it again" in page, "/delivered/" in page) == (shown, shown)
    assert ("Tell the store" in page) is (state == "closed")


@pytest.mark.browser
@pytest.mark.filterwarnings("ignore::ResourceWarning")
def test_the_buyer_s_page_is_for_everybody(origin: str, token: str, session: Session, tmp_path: Any) -> None:  # noqa: F811
    wrong = {}
    with chromium() as browser:
        for state in ("open", "used up"):
            for screen, scheme in ((WIDE, "light"), (PHONE, "light"), (PHONE, "dark")):
                shown = browser.new_context(base_url=origin, viewport=screen, color_scheme=scheme).new_page()
                wrong[state, screen["width"], scheme] = wrong_on(shown, f"/delivered/{token}")
                shown.screenshot(path=str(tmp_path / f"{state}-{screen['width']}-{scheme}.png"), full_page=True)
            session.execute(text("UPDATE digital_lines SET openings = most_openings"))
            session.commit()

    assert {what: found for what, found in wrong.items() if found} == {}
