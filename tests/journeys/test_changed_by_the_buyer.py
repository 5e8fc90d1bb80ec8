"""Until picking starts a buyer changes their order: the store, the plan and the money follow; after that they are told."""

from __future__ import annotations

import re
from threading import Thread

import httpx
import pytest
from sqlalchemy import text

from integrations.nouns import Address
from jobs import desk, runner
from orders import consigning, forgotten, readdressing
from records.tenants import Rules
from tests import patient
from tests.dying import work_off_until
from tests.world import EASTERN_BUYER, World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10, "Newark": 10}),
    variant("MUG", price="8.00", stock={"Reno": 10, "Newark": 10}),
]
PATIENT = Rules(minutes_to_change=60)
NEW_YORK = {
    "name": "Ada Buyer", "street1": "20 W 34th St", "city": "New York", "region": "ny", "postcode": "10001",
    "phone": "4155550100",
}  # fmt: skip


def placed(world: World, rules: Rules = PATIENT, **more: object) -> dict:
    world.open_shop(rules=rules, variants=GOODS)
    order = world.place(("BAG", 1), ("MUG", 2), **more)
    world.settle()
    return order


def link_to(world: World, order: dict) -> str:
    return world.services.links.leading_to("order").address(readdressing.link_of(world.order(order)))


def change(world: World, order: dict, **form: object) -> httpx.Response:
    """Open the page, fill a form, see it once more, and say yes; answers the last page."""
    link = link_to(world, order)
    with patient.Client(follow_redirects=True) as browser:
        assert browser.get(link).status_code == 200
        sure = browser.post(f"{link}/confirm", data=form)
        assert sure.status_code == 200, sure.text
        digest = re.search(r'name="plan" value="(\w+)"', sure.text)
        answer = browser.post(link, data=form | ({"plan": digest[1]} if digest else {}))
        assert not browser.cookies
        return answer


def units(world: World, order: dict) -> dict[str, str]:
    lines = world.rows("SELECT id, sku FROM order_lines WHERE order_id = :id", id=world.order(order).id)
    return {line.sku: f"units-{line.id}" for line in lines}


def time_is_up(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE orders SET placed_at = placed_at - interval '2 hours'"))
    world.hurry()
    world.settle()


def places(world: World) -> list[tuple[str, str]]:
    rows = world.rows("SELECT l.name, s.state FROM shipments s JOIN locations l ON l.id = s.location_id ORDER BY s.id")
    return [(row.name, row.state) for row in rows]


def store_sends_to(world: World, order: dict) -> Address:
    """Where the store itself says that it goes."""
    address = world.storefront().read_order(order["admin_graphql_api_id"]).snapshot.ship_to
    assert address is not None
    return address


def acts(world: World, operation: str) -> int:
    return len(world.calls(vendor="shopify", operation=operation, effect="true"))


def test_an_order_waits_for_its_buyer_as_long_as_the_shop_says_and_leaves_then(world: World):
    placed(world)

    assert (places(world), world.labels_bought()) == ([("Reno", "planned")], [])
    time_is_up(world)
    assert (places(world), len(world.labels_bought())) == ([("Reno", "announced")], 1)


def test_another_address_reaches_the_store_and_the_order_leaves_from_nearer_by(world: World):
    order = placed(world)

    answer = change(world, order, what="address", **NEW_YORK)

    assert "We have your new address." in answer.text
    assert world.open_holds(order) == ["change"]
    world.settle()
    there = store_sends_to(world, order)
    assert (there.street1, there.city, there.region, there.postcode) == ("20 W 34th St", "New York", "NY", "10001")
    assert (there.name, there.email) == ("Ada Buyer", "ada@example.com")
    assert world.open_holds(order) == []
    assert places(world) == [("Reno", "cancelled"), ("Newark", "planned")]
    assert (world.level("BAG", "Reno"), world.level("BAG", "Newark")) == ((10, 0), (10, 1))
    time_is_up(world)
    assert len(world.labels_bought()) == 1
    with world.reading() as session:
        assert consigning.outdated_labels(session, world.tenant, world.order(order), PATIENT) == []
    assert world.order(order).ship_to.city == "New York"
    assert acts(world, "orderUpdate") == 1


def test_our_own_change_that_comes_back_from_the_store_changes_nothing(world: World):
    order = placed(world)
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    before = world.rows("SELECT count(*) AS told FROM timeline_entries"), world.order(order).ship_to

    world.next_second()
    world.control("POST", f"/shopify/orders/{order['id']}/tag", {"add": ["seen"]})
    world.settle()

    assert (world.rows("SELECT count(*) AS told FROM timeline_entries"), world.order(order).ship_to) == before
    assert acts(world, "orderUpdate") == 1
    assert len(places(world)) == 2


def test_a_buyer_stays_in_their_country_whatever_they_send(world: World):
    order = placed(world)

    change(world, order, what="address", country="DE", **NEW_YORK)
    world.settle()

    assert world.order(order).ship_to.country == "US"


def test_a_unit_less_is_refunded_in_the_store_and_the_rest_leaves(world: World):
    order = placed(world)

    answer = change(world, order, what="lines", **{units(world, order)["MUG"]: 1})

    assert "being changed at this moment" in answer.text
    world.settle()
    time_is_up(world)
    (left,) = world.rows("SELECT sum(units) AS units FROM shipment_lines l JOIN shipments s ON s.id = l.shipment_id "
                         "WHERE s.state = 'announced'")  # fmt: skip
    assert left.units == 2
    assert world.level("MUG", "Reno") == (9, 0)
    kept = world.store_orders()[order["name"]]
    assert {line["sku"]: line["quantity"] for line in kept["lines"]} == {"BAG": 1, "MUG": 1}
    assert kept["refunded"] == "8.00"
    assert len(world.labels_bought()) == 1


def test_the_whole_order_is_cancelled_and_the_money_goes_back(world: World):
    order = placed(world)

    change(world, order, what="cancel")
    world.settle()

    assert world.order(order).state == "cancelled"
    assert world.store_orders()[order["name"]]["financial_status"] == "REFUNDED"
    assert world.level("BAG", "Reno") == (10, 0)
    assert world.labels_bought() == []
    assert "Your order is cancelled" in patient.get(link_to(world, order)).text


def test_once_it_is_packed_the_page_says_so_and_nothing_is_changed(world: World):
    order = placed(world, Rules())
    link = link_to(world, order)

    page = patient.get(link)
    assert "It is too late to change where it goes" in page.text
    assert "refuse the parcel" in page.text
    for form in ({"what": "address", **NEW_YORK}, {"what": "cancel"}, {"what": "lines", units(world, order)["MUG"]: 1}):
        assert patient.post(f"{link}/confirm", data=form).status_code == 409
        answer = patient.post(link, data=form)
        assert (answer.status_code, "too late" in answer.text) == (409, True), form

    world.settle()
    assert world.rows("SELECT 1 FROM address_changes") == []
    assert world.rows("SELECT 1 FROM reversals") == []
    assert (acts(world, "orderUpdate"), acts(world, "orderCancel")) == (0, 0)


def test_a_label_that_is_begun_while_the_buyer_confirms_wins_or_loses_and_never_both(world: World):
    for attempt in range(4):
        order = placed(world) if attempt == 0 else world.place(("BAG", 1))
        world.settle()
        row = world.order(order)
        with world.engine.begin() as connection:
            connection.execute(
                text("UPDATE orders SET placed_at = placed_at - interval '2 hours' WHERE id = :id"), {"id": row.id}
            )
        world.hurry()
        link, answers = link_to(world, order), []
        buying = Thread(target=runner.work_off, args=(world.services, world.tenant, f"order/{row.id}"))
        wish = {"what": "address", **NEW_YORK}
        asking = Thread(target=lambda at=link, heard=answers, wish=wish: heard.append(patient.post(at, data=wish)))
        for thread in (buying, asking) if attempt % 2 else (asking, buying):
            thread.start()
        for thread in (buying, asking):
            thread.join(60)
        world.settle()

        (answer,) = answers
        changes = world.rows("SELECT state FROM address_changes WHERE order_id = :id", id=row.id)
        labels = world.rows("SELECT state FROM labels WHERE order_id = :id", id=row.id)
        assert [label.state for label in labels] == ["bought"]
        city = store_sends_to(world, order).city
        if answer.status_code == 303:
            assert ([one.state for one in changes], city) == (["written"], "New York")
        else:
            assert (answer.status_code, changes, city) == (409, [], "San Francisco")
            assert "too late" in answer.text
    assert len(world.labels_bought()) == 4


def test_an_address_that_the_store_refuses_holds_the_order_for_a_person(world: World):
    order = placed(world)
    with world.reading() as session:
        address = world.order(order).ship_to.model_copy(update={"street1": ""})
        assert desk.readdress(session, world.tenant, world.order(order).id, address, by="person:Olga") == ""

    world.settle()

    assert world.rows("SELECT state FROM address_changes")[0].state == "refused"
    assert world.open_holds(order) == ["change"]
    time_is_up(world)
    assert world.labels_bought() == []
    assert "could not be written to your order" in patient.get(link_to(world, order)).text
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    assert world.open_holds(order) == []
    time_is_up(world)
    assert len(world.labels_bought()) == 1


@pytest.mark.drill
@pytest.mark.timeout(900)
def test_an_address_is_told_once_wherever_the_worker_dies(world: World):
    order = placed(world)
    row, boundary, written = world.order(order), 0, 0
    while written < 2:  # until it dies behind the change's own end
        boundary += 1
        moved = {"street1": f"{boundary} W 34th St", "city": "New York", "region": "NY", "postcode": "10001"}
        with world.reading() as session:
            address = row.ship_to.model_copy(update=moved)
            assert desk.readdress(session, world.tenant, row.id, address, by="person:Olga") == ""
        before = acts(world, "orderUpdate")
        assert work_off_until(world, f"order/{row.id}", boundary) == boundary
        written += world.rows("SELECT state FROM address_changes ORDER BY id DESC LIMIT 1")[0].state == "written"
        with world.engine.begin() as connection:
            connection.execute(
                text("UPDATE jobs SET lease_until = now() - interval '1 second' WHERE state = 'running'")
            )
        runner.work_off(world.services, world.tenant, f"order/{row.id}")
        world.settle()
        assert acts(world, "orderUpdate") == before + 1, boundary
        assert world.order(order).ship_to.street1 == moved["street1"]
        assert world.open_holds(order) == []
    assert boundary > 4
    assert world.labels_bought() == []


def test_the_buyer_is_written_once_where_the_shop_says_so(world: World):
    order = placed(world, Rules(minutes_to_change=60, send_change_link=True))

    (letter,) = world.letters()
    (found,) = set(re.findall(r"http://\S+/order/[\w.-]+", letter["text"]))
    page = patient.get(found).text
    assert "You can still change your order" in page
    assert world.order(order).name in page
    (kept,) = world.rows("SELECT words FROM notices")
    assert found not in kept.words
    with world.reading() as session:
        desk.resume(session, world.tenant, world.order(order).id, by="person:Olga")
    world.control("POST", f"/shopify/orders/{order['id']}/edit", {"ship_to": EASTERN_BUYER})
    world.settle()
    assert len(world.letters()) == 1


def test_nobody_is_written_unless_the_shop_says_so(world: World):
    placed(world)

    assert world.letters() == []
    assert world.rows("SELECT 1 FROM notices") == []


def test_a_link_that_was_ended_leads_nowhere_and_the_next_one_does(world: World):
    order = placed(world)
    old = link_to(world, order)

    with world.reading() as session:
        desk.end_links(session, world.tenant, world.order(order).id, by="person:Olga")

    assert patient.get(old).status_code == 404
    assert patient.post(old, data={"what": "cancel"}).status_code == 404
    assert patient.get(link_to(world, order)).status_code == 200


def test_a_buyer_who_was_forgotten_has_no_page_that_tells_who_they_were(world: World):
    order = placed(world)
    change(world, order, what="address", **NEW_YORK)
    world.settle()
    with world.reading() as session:
        forgotten.forget(session, world.tenant, world.order(order).id, sentence="Forgotten.")

    page = patient.get(link_to(world, order))
    assert not re.search("Ada|34th|10001|4155550100", page.text)
    assert world.rows("SELECT address FROM address_changes")[0].address == {"country": "US"}
