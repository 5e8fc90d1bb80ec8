"""Home, shops, stock, payments and the machine room; and that no text from outside ever runs."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
import redis
from flask import Flask
from furnishing import furnish
from person import Person
from seeds import ADA, HOSTILE, Shop, open_shop
from sqlalchemy.orm import Session

from config.settings import Settings
from jobs import bell, health
from jobs.queue import QUEUES


def test_one_shop_is_opened_at_once_and_several_are_listed(grace: Person, shop: Shop, session: Session) -> None:
    assert grace.get("/ops/").location == f"/ops/shops/{shop.tenant}/"
    second = open_shop(session, "Other Tents")
    session.commit()
    text = grace.get("/ops/").text
    assert re.findall(r"<strong>([^<]+)</strong>", text) == ["Acme Bags", "Other Tents"]
    assert f'href="/ops/shops/{second.tenant}/"' in text


def test_no_shop_says_how_to_connect_one(grace: Person) -> None:
    assert "packline connect shopify" in grace.get("/ops/").text


def test_home_counts_what_there_is_and_links_each_number_to_its_rows(grace: Person, furnished: dict[str, int]) -> None:
    home = f"/ops/shops/{furnished['tenant']}/"
    text = grace.get(home).text
    tiles = re.findall(r'href="([^"]+)" title="[^"]*">\s*<span class="tile-number">(\d+)</span>', text)
    assert len(tiles) == 13
    for link, number in tiles:
        assert len(re.findall("order-name", grace.get(link).text)) == int(number), link
    needs = re.findall(r'<a href="([^"]+)">\s*<span class="needs-count[^>]*>.*?</svg>(\d+)</span>', text, re.DOTALL)
    assert len(needs) == 10
    for link, number in needs:
        rows = grace.get(link.replace("&amp;", "&")).text.partition('id="matched"')[0]
        assert len(re.findall(r'<th scope="row">', rows)) == int(number), link
    assert "$23.79" in text
    assert "3 labels in USD" in text


def test_a_quiet_shop_says_that_nothing_needs_anybody(grace: Person, shop: Shop) -> None:
    text = grace.get(f"/ops/shops/{shop.tenant}/").text
    assert "Nothing needs you" in text
    assert "No label was bought in the last 30 days." in text


def test_postage_is_told_by_currency_in_the_readers_way(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order()
    line = shop.line(order)
    for cost, currency, state in ((123456, "EUR", "bought"), (900, "JPY", "bought"), (5, "EUR", "voided")):
        shop.label(shop.parcel(shop.shipment(order, [line]), [line]), cost_minor=cost, currency=currency, state=state)
    session.commit()
    text = grace.get(f"/ops/shops/{shop.tenant}/", headers={"Accept-Language": "de-DE,de;q=0.9"}).text
    assert "1.234,56\xa0€" in text
    assert "900\xa0¥" in text
    assert "$" not in text


def test_stock_shows_each_level_and_why_it_is_what_it_is(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/stock").text
    rows = re.findall(r'data-label="Location">(\w+)</td>\s*<td[^>]*>(\d+)</td>\s*<td[^>]*>(\d+)</td>', text)
    assert rows == [
        ("Newark", "40", "2"), ("Reno", "120", "14"), ("Reno", "900", "0"), ("Newark", "0", "0"), ("Reno", "3", "3")
    ]  # fmt: skip
    assert "not counted by the store" in text
    assert re.search(r">a bundle</a> of 1 × BAG, 2 × MUG<", text)
    ledger = grace.get(f"/ops/shops/{furnished['tenant']}/stock/{furnished['variant']}/{furnished['location']}").text
    steps = re.findall(r'data-label="(Then \w+ ?\w*)">(\d+)<', ledger)
    assert steps == [("Then on hand", "120"), ("Then reserved", "14"), ("Then on hand", "120"), ("Then reserved", "0")]


def test_stock_is_narrowed_and_paged_by_sku(grace: Person, shop: Shop, session: Session) -> None:
    for number in range(70):
        shop.stock(f"SKU-{number:03}", "Thing", {"Reno": (number % 2, 0)})
    session.commit()
    base = f"/ops/shops/{shop.tenant}/stock"

    def skus(path: str) -> list[str]:
        return re.findall(r'class="code sku">([^<]+)<', grace.get(path).text)

    assert skus(f"{base}?q=sku-01") == [f"SKU-01{digit}" for digit in range(10)]
    assert skus(f"{base}?q=sku-01&short=1") == [f"SKU-01{digit}" for digit in range(0, 10, 2)]
    first = skus(base)
    onward = re.search(r'href="([^"]+)">More', grace.get(base).text).group(1).replace("&amp;", "&")
    assert first + skus(onward) == [f"SKU-{number:03}" for number in range(70)]
    assert skus(f"{base}?q=nothing") == []


def test_the_ledger_counts_back_from_now_on_every_page(grace: Person, shop: Shop, session: Session) -> None:
    from records.stock import Movement, StockLevel

    variant = shop.stock("BAG", "Bag", {"Reno": (0, 0)})
    where = {"tenant_id": shop.tenant, "variant_id": variant, "location_id": shop.locations["Reno"]}
    for _ in range(60):
        session.add(Movement(**where, cause="received", on_hand_change=2, reserved_change=1, actor="shopify"))
    session.get_one(StockLevel, tuple(where.values())).on_hand = 120
    session.get_one(StockLevel, tuple(where.values())).reserved = 60
    session.commit()
    first = grace.get(f"/ops/shops/{shop.tenant}/stock/{variant}/{shop.locations['Reno']}").text
    older = re.search(r'href="([^"]+)">Older', first).group(1).replace("&amp;", "&")
    second = grace.get(older).text
    on_hand = [int(number) for text in (first, second) for number in re.findall(r'"Then on hand">(\d+)<', text)]
    assert on_hand == [*range(120, 0, -2), 0]


def test_reading_the_store_anew_asks_for_the_catalogue(grace: Person, shop: Shop, other_shop: Shop) -> None:
    grace.post(f"/ops/shops/{shop.tenant}/stock/read", connection=shop.store)
    assert grace.rows("SELECT kind, subject, state FROM jobs WHERE tenant_id = :t", t=shop.tenant) == [
        ("read_catalogue", f"connection/{shop.store}", "due")
    ]
    assert grace.post(f"/ops/shops/{shop.tenant}/stock/read", connection=other_shop.store).status_code == 404
    assert grace.post(f"/ops/shops/{shop.tenant}/stock/read", connection=f"stripe-{shop.tenant}").status_code == 404


def test_payments_without_an_order_stand_first(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/payments").text
    assert text.index('id="unmatched"') < text.index('id="matched"')
    assert "#9999" in text
    assert "€19.99" in text
    only = grace.get(f"/ops/shops/{furnished['tenant']}/payments?show=matched").text
    assert "#9999" not in only
    assert ">#1001</a>" in only


def test_the_machine_room_tells_queues_and_who_listens(
    app: Flask, grace: Person, furnished: dict[str, int], settings: Settings, redis_connection: redis.Redis
) -> None:
    bell.ring_now(redis_connection, "orders", [(1, "order/1"), (1, "order/2")])
    announce_worker(redis_connection, "host-orders-1", "orders")
    text = grace.get("/ops/work").text
    assert "Nobody listens to hooks, carriers, notices" in text
    assert "host-orders-1" in text
    cells = re.findall(r'data-label="Bells">(\d+)<', text)
    assert cells == [{"orders": "2"}.get(name, "0") for name in QUEUES]
    orders = re.search(r'<th scope="row">orders</th>(.*?)</tr>', text, re.DOTALL).group(1)
    numbers = re.findall(r'data-label="(Due now|For later|In hand|Parked)">(\d+)<', orders)
    assert numbers == [("Due now", "1"), ("For later", "1"), ("In hand", "1"), ("Parked", "4")]


def announce_worker(connection: redis.Redis, name: str, queue: str) -> None:
    """What RQ writes of a worker that has just started."""
    now = datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")
    connection.sadd("rq:workers", f"rq:worker:{name}")
    connection.hset(
        f"rq:worker:{name}", mapping={"birth": now, "last_heartbeat": now, "queues": queue, "state": "idle", "pid": 1}
    )


def test_the_machine_room_stands_while_redis_is_away(app: Flask, grace: Person, furnished: dict[str, int]) -> None:
    app.extensions["settings"] = app.extensions["settings"].model_copy(update={"redis_url": "redis://127.0.0.1:1/0"})
    for path in ("/ops/work", "/ops/work/live", f"/ops/shops/{furnished['tenant']}/"):
        answer = grace.get(path)
        assert answer.status_code == 200
        assert "Redis does not answer" in answer.text


def test_a_report_of_living_workers_is_read_from_redis(settings: Settings, redis_connection: redis.Redis) -> None:
    for queue in QUEUES:
        announce_worker(redis_connection, f"host-{queue}-1", queue)
    told = health.report(settings.redis_url)
    assert (told.answers, told.unheard) == (True, ())
    assert sorted(listener.queues for listener in told.listeners) == sorted((queue,) for queue in QUEUES)
    assert all(abs((listener.heard_at - datetime.now(UTC)).total_seconds()) < 5 for listener in told.listeners)


PATHS = (
    "/",
    "/ops/shops/{tenant}/",
    "/ops/shops/{tenant}/orders",
    "/ops/shops/{tenant}/orders/{order}",
    "/ops/shops/{tenant}/orders/{order}/holds/operator/release",
    "/ops/shops/{tenant}/jobs",
    "/ops/shops/{tenant}/jobs/{job}",
    "/ops/shops/{tenant}/jobs/retry?cause=%3Cscript%3Ealert(%22x%22)%3C%2Fscript%3E&kind=buy_label",
    "/ops/shops/{tenant}/inbox",
    "/ops/shops/{tenant}/inbox/{event}",
    "/ops/shops/{tenant}/inbox/{event}?show=all",
    "/ops/shops/{tenant}/stock",
    "/ops/shops/{tenant}/stock/{variant}/{location}",
    "/ops/shops/{tenant}/payments",
    "/ops/work",
)


@pytest.mark.parametrize("path", PATHS)
def test_text_from_outside_never_becomes_part_of_a_page(grace: Person, session: Session, path: str) -> None:
    ids = hostile_shop(session)
    answer = grace.get(path.format(**ids), follow_redirects=True)
    assert answer.status_code == 200
    assert "<script>alert" not in answer.text
    if path != "/ops/work":  # which shows nothing that somebody else has written
        assert "&lt;script&gt;" in answer.text


def hostile_shop(session: Session) -> dict[str, int]:
    """A shop in which every text that somebody else may choose is an attack."""
    shop = open_shop(session, HOSTILE)
    shop.stock(HOSTILE, HOSTILE, {"Reno": (5, 1)})
    order = shop.order(
        HOSTILE,
        state="shipping",
        email=HOSTILE,
        phone=HOSTILE,
        shipping_title=HOSTILE,
        risk=HOSTILE,
        ship_to=ADA.model_copy(update={"name": HOSTILE, "company": HOSTILE, "street1": HOSTILE, "city": HOSTILE}),
    )
    line = shop.line(order, HOSTILE, title=HOSTILE)
    parcel = shop.parcel(
        shop.shipment(order, [line], state="labelled"),
        [line],
        carrier=HOSTILE,
        tracking_code=HOSTILE,
        tracking_url=f"javascript:{HOSTILE}",
        carrier_status=HOSTILE,
    )
    shop.label(parcel, choice=HOSTILE, remarks=[HOSTILE], tracking_code=HOSTILE)
    shop.scan(parcel, "in_transit", HOSTILE, HOSTILE, 1)
    shop.hold(order, "operator", reason=HOSTILE, remedy=HOSTILE, set_by=f"person:{HOSTILE}")
    job = shop.parked("buy_label", f"parcel/{parcel.id}", cause=HOSTILE, reason=HOSTILE, remedy=HOSTILE)
    shop.tell(
        order,
        HOSTILE,
        actor=f"person:{HOSTILE}",
        key=HOSTILE,
        calls=[{"vendor": HOSTILE, "verb": HOSTILE, "outcome": HOSTILE, "ms": 1, "key": HOSTILE}],
    )
    shop.payment(order_name=HOSTILE, problem=HOSTILE, remote_id=HOSTILE)
    shop.payment(order, problem=HOSTILE)
    event = shop.event(
        HOSTILE, {"a": HOSTILE, HOSTILE: 1}, delivery_id=HOSTILE, reason=HOSTILE, state="parked", headers={"x": HOSTILE}
    )
    session.commit()
    return {
        "tenant": shop.tenant,
        "order": order.id,
        "job": job.id,
        "event": event.id,
        "variant": shop.variants[HOSTILE],
        "location": shop.locations["Reno"],
    }


def test_a_furnished_shop_has_no_faulty_page_in_any_language(grace: Person, session: Session) -> None:
    shop = open_shop(session, now=datetime.now(UTC) - timedelta(days=400))
    ids = furnish(shop)
    session.commit()
    for language in ("de", "ar-EG", "ja-JP", "xx-nonsense", "*", "../../etc", ""):
        for path in ("", "orders", f"orders/{ids['shipped']}", "payments"):
            answer = grace.get(f"/ops/shops/{shop.tenant}/{path}", headers={"Accept-Language": language})
            assert answer.status_code == 200, (language, path)
