"""What a supplier ships leaves as a purchase order and comes back as a shipment; nothing is said or sent twice."""

from __future__ import annotations

import csv
import io
import re
from datetime import UTC, datetime
from email import message_from_string, policy

import httpx
import pytest
from pypdf import PdfReader
from sqlalchemy import text

from jobs import desk, drop_shipping
from orders import forgotten, supplier_book
from orders.reversing import Wish
from records.stock import Variant
from records.suppliers import Supplier
from tests import patient
from tests.world import BUYER, EASTERN_BUYER, SHOP, World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("SOFA", price="300.00", stock={"Reno": 0}, grams=20_000),
]


def supplied(world: World, sku: str = "SOFA") -> None:
    with world.reading() as session:
        tenant = world.tenant
        if world.rows("SELECT 1 FROM suppliers") == []:
            said = {"name": "Sofas Inc", "email": "orders@sofas.example", "lead_days": "3"}
            assert supplier_book.keep(session, tenant, None, said) == {}
        supplier = session.scalars(Supplier.__table__.select().with_only_columns(Supplier.id)).one()
        (row,) = world.rows("SELECT id FROM variants WHERE sku = :sku", sku=sku)
        sold = session.get_one(Variant, (tenant, row.id))
        assert drop_shipping.supply(session, tenant, sold, supplier, sku="S-1", cost="120.50") == {}


@pytest.fixture
def selling(world: World) -> World:
    """A shop with bags of its own, and sofas that Sofas Inc ships."""
    world.open_shop(variants=GOODS)
    supplied(world)
    return world


def purchase_orders(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM purchase_orders ORDER BY id")]


def letters_to_supplier(world: World) -> list[dict]:
    return [one for one in world.letters() if one["recipients"] == ["orders@sofas.example"]]


def link_in(letter: dict) -> str:
    (found,) = set(re.findall(r"http://\S+/supply/[\w.-]+", letter["text"]))
    return found


def press(world: World, link: str, act: str, **fields: str) -> httpx.Response:
    """Look at the supplier's page, press one of its buttons, and see what it says then."""
    with patient.Client(follow_redirects=True) as browser:
        assert browser.get(link).status_code == 200
        answered = browser.post(f"{link}/{act}", data=fields)
        assert not browser.cookies
    world.settle()
    return answered


def sofa_line(world: World) -> int:
    return world.rows("SELECT id FROM order_lines WHERE sku = 'SOFA' ORDER BY id DESC LIMIT 1")[0].id


def story(world: World) -> str:
    return "\n".join(row.sentence for row in world.rows("SELECT sentence FROM timeline_entries ORDER BY id"))


def test_a_line_of_a_suppliers_is_asked_for_once_and_the_rest_leaves_as_ever(selling: World):
    placed = selling.place(("BAG", 2), ("SOFA", 1))
    selling.settle()

    assert purchase_orders(selling) == ["sent"]
    (letter,) = letters_to_supplier(selling)
    assert "388 Townsend St" in letter["text"]
    assert selling.open_holds(placed) == []
    assert (selling.level("BAG", "Reno"), selling.level("SOFA", "Reno")) == ((8, 0), (0, 0))
    assert len(selling.labels_bought()) == 1
    assert (selling.order(placed).state, len(selling.fulfillments(placed))) == ("shipping", 1)
    assert selling.rows("SELECT 1 FROM choices") == []
    selling.hurry()
    selling.settle()
    assert len(letters_to_supplier(selling)) == 1


def test_the_supplier_accepts_and_gives_tracking_and_the_order_is_fulfilled_in_the_store(selling: World):
    placed = selling.place(("BAG", 1), ("SOFA", 2))
    selling.settle()
    link = link_in(letters_to_supplier(selling)[0])

    assert "you ship this" in press(selling, link, "accept").text
    press(selling, link, "accept")
    assert purchase_orders(selling) == ["accepted"]
    told = {"carrier": "UPS", "numbers": "1Z 999 A\n1Z999B", f"units-{sofa_line(selling)}": "2"}
    assert "all of it has left" in press(selling, link, "ship", **told).text
    press(selling, link, "ship", **told)

    assert (purchase_orders(selling), selling.order(placed).state) == (["shipped"], "fulfilled")
    fulfilled = selling.fulfillments(placed)
    assert len(fulfilled) == 2
    assert len(selling.labels_bought()) == 1
    states = [row.state for row in selling.rows("SELECT state FROM shipments ORDER BY id")]
    assert states == ["announced", "handed_over"]
    assert [row.tracking_code for row in selling.rows("SELECT tracking_code FROM parcels ORDER BY id")][1:] == [
        "1Z999A",
        "1Z999B",
    ]
    assert story(selling).count("was accepted.") == 1
    assert selling.rows("SELECT 1 FROM reservations WHERE line_id = :line", line=sofa_line(selling)) == []


def test_an_order_that_a_supplier_ships_in_parts_waits_for_the_last(selling: World):
    placed = selling.place(("SOFA", 3))
    selling.settle()
    assert selling.order(placed).state == "allocated"
    link, line = link_in(letters_to_supplier(selling)[0]), sofa_line(selling)

    press(selling, link, "ship", carrier="UPS", numbers="1Z1", **{f"units-{line}": "1"})
    assert (purchase_orders(selling), selling.order(placed).state) == (["accepted"], "shipping")
    again = press(selling, link, "ship", carrier="UPS", numbers="1Z2", **{f"units-{line}": "3"})
    assert (again.status_code, "There are 2 of it." in again.text) == (422, True)
    assert len(selling.fulfillments(placed)) == 1
    press(selling, link, "ship", carrier="DHL", numbers="JD2", **{f"units-{line}": "2"})

    assert (purchase_orders(selling), selling.order(placed).state) == (["shipped"], "fulfilled")
    assert len(selling.fulfillments(placed)) == 2
    assert selling.labels_bought() == []


def test_what_is_rejected_waits_for_a_person_and_leaves_from_our_own_stock(selling: World):
    placed = selling.place(("BAG", 1), ("SOFA", 1))
    selling.settle()
    link = link_in(letters_to_supplier(selling)[0])
    press(selling, link, "reject", reason="Sold out until June.")
    press(selling, link, "reject", reason="Another reason.")

    (hold,) = selling.rows("SELECT kind, reason, remedy FROM holds WHERE state = 'open'")
    assert (hold.kind, "Sold out until June." in hold.reason) == ("supplier", True)
    assert "ask the supplier again" in hold.remedy
    assert (purchase_orders(selling), len(letters_to_supplier(selling))) == (["rejected"], 1)
    selling.control("POST", "/shopify/inventory", {"shop": SHOP, "sku": "SOFA", "location": "Reno", "on_hand": 4})
    selling.read_catalogue()
    selling.settle()
    assert selling.level("SOFA", "Reno") == (4, 0)  # nothing of it is taken before a person says so

    (row,) = selling.rows("SELECT id FROM purchase_orders")
    for _ in range(2):
        with selling.reading() as session:
            drop_shipping.settle(session, selling.tenant, row.id, "own_stock", by="person:Grace")
        selling.settle()

    assert (selling.open_holds(placed), selling.order(placed).state) == ([], "fulfilled")
    assert selling.level("SOFA", "Reno") == (3, 0)
    assert (purchase_orders(selling), len(selling.labels_bought())) == (["rejected"], 2)


def test_what_is_rejected_can_be_asked_for_again(selling: World):
    placed = selling.place(("SOFA", 1))
    selling.settle()
    press(selling, link_in(letters_to_supplier(selling)[0]), "reject", reason="Wrong week.")
    (row,) = selling.rows("SELECT id FROM purchase_orders")
    with selling.reading() as session:
        assert drop_shipping.settle(session, selling.tenant, row.id, "asked_again", by="person:Grace")
        assert not drop_shipping.settle(session, selling.tenant, row.id, "own_stock", by="person:Grace")
    selling.settle()

    assert (purchase_orders(selling), selling.open_holds(placed)) == (["rejected", "sent"], [])
    assert len(letters_to_supplier(selling)) == 2
    press(selling, link_in(letters_to_supplier(selling)[1]), "ship", carrier="UPS", numbers="1Z5")
    assert selling.order(placed).state == "fulfilled"


def cancel(world: World, placed: dict, wanted: dict[int, int] | None = None) -> None:
    with world.reading() as session:
        purpose = "cancel_lines" if wanted else "cancel"
        wish = Wish(purpose=purpose, wanted=wanted or {}, reason="buyer")
        desk.cancel(session, world.tenant, world.order(placed).id, wish, by="person:Grace")
    world.settle()


def test_a_cancelled_order_takes_its_purchase_order_back_and_tells_the_supplier_once(selling: World):
    placed = selling.place(("SOFA", 1))
    selling.settle()
    link = link_in(letters_to_supplier(selling)[0])
    cancel(selling, placed)
    selling.hurry()
    selling.settle()

    assert (purchase_orders(selling), selling.order(placed).state) == (["cancelled"], "cancelled")
    assert [one["headers"]["subject"].partition(":")[0] for one in letters_to_supplier(selling)][1:] == ["Cancelled"]
    assert "please do not ship it" in patient.get(link).text
    press(selling, link, "ship", carrier="UPS", numbers="1Z5")
    press(selling, link, "accept")
    assert purchase_orders(selling) == ["cancelled"]
    assert selling.rows("SELECT 1 FROM shipments WHERE purchase_order_id IS NOT NULL") == []


def test_a_supplier_who_has_accepted_is_asked_to_stop_and_says_whether_they_did(selling: World):
    placed = selling.place(("SOFA", 1))
    selling.settle()
    link = link_in(letters_to_supplier(selling)[0])
    press(selling, link, "accept")
    with selling.reading() as session:
        plan = desk.taking_back.plan_of(session, selling.tenant, selling.order(placed).id, Wish(purpose="cancel"))
    assert [one for one in plan.keeps if "Sofas Inc has accepted" in one] != []
    cancel(selling, placed)

    assert (purchase_orders(selling), selling.order(placed).state) == (["accepted"], "cancelled")
    assert letters_to_supplier(selling)[1]["headers"]["subject"].startswith("Please stop purchase order")
    assert "the supplier is asked to stop, and has to say" in story(selling)
    press(selling, link, "stop")
    assert purchase_orders(selling) == ["cancelled"]
    assert len(letters_to_supplier(selling)) == 2


def test_fewer_units_are_asked_for_anew_and_the_old_purchase_order_is_cancelled(selling: World):
    placed = selling.place(("BAG", 1), ("SOFA", 3))
    selling.settle()
    cancel(selling, placed, {sofa_line(selling): 1})

    assert purchase_orders(selling) == ["cancelled", "sent"]
    (units,) = [row.units for row in selling.rows("SELECT units FROM purchase_order_lines ORDER BY purchase_order_id")][
        1:
    ]
    assert (units, selling.open_holds(placed)) == (2, [])
    subjects = [one["headers"]["subject"] for one in letters_to_supplier(selling)]
    assert sum(one.startswith("Cancelled") for one in subjects) == 1
    assert len(subjects) == 3


def test_a_letter_that_cannot_be_sent_holds_the_order_and_is_mailed_again_with_a_new_link(world: World):
    world.open_shop(variants=GOODS)
    supplied(world)
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE suppliers SET email = 'not a mailbox'"))
    placed = world.place(("SOFA", 1))
    world.settle()
    assert (purchase_orders(world), world.open_holds(placed)) == (["written"], ["supplier"])
    assert letters_to_supplier(world) == []

    with world.engine.begin() as connection:
        connection.execute(text("UPDATE suppliers SET email = 'orders@sofas.example'"))
    (row,) = world.rows("SELECT id FROM purchase_orders")
    with world.reading() as session:
        assert drop_shipping.send_again(session, world.tenant, row.id, by="person:Grace")
    world.settle()

    assert (purchase_orders(world), world.open_holds(placed)) == (["sent"], [])
    (letter,) = letters_to_supplier(world)
    assert patient.get(link_in(letter)).status_code == 200


def test_the_files_of_the_letter_say_what_and_where_to(selling: World):
    selling.place(("SOFA", 2))
    selling.settle()
    (letter,) = letters_to_supplier(selling)
    sheet, file = message_from_string(letter["raw"], policy=policy.default).iter_attachments()
    written = file.get_content()
    (row,) = csv.DictReader(io.StringIO(written.lstrip("\ufeff")))
    (number,) = selling.rows("SELECT id FROM purchase_orders")
    assert [one.get_filename() for one in (sheet, file)] == [
        f"purchase-order-{number.id}.pdf",
        f"purchase-order-{number.id}.csv",
    ]
    assert sheet.get_content_type() == "application/pdf"
    (page,) = PdfReader(io.BytesIO(sheet.get_content())).pages
    printed = page.extract_text()
    for said in (f"Purchase order {number.id}", "Acme", "S-1", "388 Townsend St", "94107", "Total cost: 241.00 USD"):
        assert said in printed
    assert link_in(letter) in printed.replace("\n", "")
    assert "ada@example.com" not in printed

    assert (row["sku"], row["our_sku"], row["units"], row["unit_cost"]) == ("S-1", "SOFA", "2", "120.50")
    assert (row["street1"], row["postcode"], row["country"]) == ("388 Townsend St", "94107", "US")
    assert "ada@example.com" not in written + letter["text"]


def test_a_buyer_who_is_forgotten_stands_in_no_purchase_order(selling: World):
    placed = selling.place(("SOFA", 1))
    selling.settle()
    link = link_in(letters_to_supplier(selling)[0])
    press(selling, link, "ship", carrier="UPS", numbers="1Z5")
    with selling.reading() as session:
        assert forgotten.forget(session, selling.tenant, selling.order(placed).id, sentence="Forgotten.")

    (row,) = selling.rows("SELECT ship_to FROM purchase_orders")
    assert row.ship_to == {"country": "US"}
    assert "Townsend" not in patient.get(link).text
    assert "Townsend" not in str(selling.rows("SELECT * FROM notices"))


def edit(world: World, placed: dict, *lines: tuple[str, int], **more: object) -> None:
    world.next_second()
    wish = {"lines": [{"sku": sku, "quantity": units} for sku, units in lines]}
    world.control("POST", f"/shopify/orders/{placed['id']}/edit", wish | more)
    world.settle()


def test_what_the_store_takes_off_is_taken_back_from_the_supplier(selling: World):
    placed = selling.place(("SOFA", 2))
    selling.settle()
    edit(selling, placed, ("SOFA", 0))

    assert (purchase_orders(selling), selling.order(placed).state) == (["cancelled"], "closed")
    assert letters_to_supplier(selling)[1]["headers"]["subject"].startswith("Cancelled")


def test_another_address_is_told_in_a_new_purchase_order_and_one_that_was_accepted_waits_for_a_person(selling: World):
    placed = selling.place(("SOFA", 1))
    selling.settle()
    edit(selling, placed, ship_to=EASTERN_BUYER)
    assert purchase_orders(selling) == ["cancelled", "sent"]
    assert "20 W 34th St" in letters_to_supplier(selling)[-1]["text"] + letters_to_supplier(selling)[-2]["text"]

    (row,) = selling.rows("SELECT id FROM purchase_orders WHERE state = 'sent'")
    with selling.reading() as session:
        assert drop_shipping.accept(session, selling.tenant, row.id, by="person:Grace", now=datetime.now(UTC))
    edit(selling, placed, ship_to=BUYER)
    assert (purchase_orders(selling), selling.open_holds(placed)) == (["cancelled", "accepted"], ["supplier"])
    with selling.reading() as session:
        assert drop_shipping.call_off(session, selling.tenant, row.id, by="person:Grace", now=datetime.now(UTC))
    selling.settle()
    assert (purchase_orders(selling), selling.open_holds(placed)) == (["cancelled", "cancelled", "sent"], [])
