"""One order's page: everything about it, and what a person can do."""

from __future__ import annotations

import pytest
from person import Person
from seeds import PDF, Shop
from sqlalchemy.orm import Session


def test_a_shipped_order_tells_its_whole_story(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/orders/{furnished['shipped']}").text
    for told in (
        "Ada Lovelace", "388 Townsend St", "Bag of canvas", "From Reno", "9400110898825022579493",
        "USPS GroundAdvantage", "$7.12", "cheapest of 3 that arrive in time", "FedEx: the account is not billed",
        "UPSDAP", "Delivered, front door", "pi_3Q", "Label bought: USPS", "1503 ms", "announce/", "Verify address",
        "Grace", "needs no shipping",
    ):  # fmt: skip
        assert told in text, told


def test_lines_say_where_each_unit_is(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/orders/{furnished['split']}").text
    assert "<strong>2</strong> Reno" in text
    assert "no place yet" in text
    assert "Out of stock: 2 × TENT." in text
    assert "Late: promised" in text


def test_the_timeline_narrows_to_a_kind(grace: Person, furnished: dict[str, int]) -> None:
    path = f"/ops/shops/{furnished['tenant']}/orders/{furnished['shipped']}"
    text = grace.get(f"{path}?kind=hold").text
    assert "On hold (address)" in text
    assert "Label bought" not in text
    assert "No line of this kind" in grace.get(f"{path}?kind=person").text
    calls = grace.get(f"{path}?kind=call").text
    assert calls.count('class="calls"') == calls.count('class="story-text"') == 4


def test_links_of_the_living_part_lead_to_the_page(grace: Person, furnished: dict[str, int]) -> None:
    path = f"/ops/shops/{furnished['tenant']}/orders/{furnished['shipped']}"
    part = grace.get(f"{path}/live?kind=hold").text
    assert f'href="{path}?kind=fact#timeline"' in part
    assert "<html" not in part
    assert f'hx-get="{path}/live?kind=hold"' in grace.get(f"{path}?kind=hold").text


def test_the_label_is_the_file_that_was_bought(grace: Person, furnished: dict[str, int]) -> None:
    answer = grace.get(
        f"/ops/shops/{furnished['tenant']}/orders/{furnished['shipped']}/labels/{furnished['label']}",
        follow_redirects=True,
    )
    assert (answer.data, answer.content_type) == (PDF, "application/pdf")
    assert answer.headers["Content-Disposition"] == f'attachment; filename="1001-label-{furnished["label"]}.pdf"'
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


def test_a_label_of_another_order_or_without_a_file_is_nobodys(
    grace: Person, furnished: dict[str, int], shop: Shop, session: Session
) -> None:
    assert (
        grace.get(f"/ops/shops/{shop.tenant}/orders/{furnished['held']}/labels/{furnished['label']}").status_code == 404
    )
    order = shop.order()
    line = shop.line(order)
    bare = shop.label(shop.parcel(shop.shipment(order, [line]), [line]), content=None)
    session.commit()
    assert grace.get(f"/ops/shops/{shop.tenant}/orders/{order.id}/labels/{bare.id}").status_code == 404
    assert "/labels/" not in grace.get(f"/ops/shops/{shop.tenant}/orders/{order.id}").text


def test_a_label_that_claims_to_be_a_page_is_only_a_download(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order('#1/"\n..')
    line = shop.line(order)
    label = shop.label(shop.parcel(shop.shipment(order, [line]), [line]), media_type="text/html", content=b"<script>")
    session.commit()
    answer = grace.get(f"/ops/shops/{shop.tenant}/orders/{order.id}/labels/{label.id}", follow_redirects=True)
    assert answer.content_type == "application/octet-stream"
    assert answer.headers["Content-Disposition"] == f'attachment; filename="1-label-{label.id}.bin"'


def test_a_hold_stops_the_order_with_its_reason_and_who_said_so(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order(state="released")
    session.commit()
    answer = grace.post(f"/ops/shops/{shop.tenant}/orders/{order.id}/hold", reason="The buyer asked to wait.")
    assert (answer.status_code, answer.location) == (303, f"/ops/shops/{shop.tenant}/orders/{order.id}")
    assert grace.row("SELECT kind, state, reason, set_by FROM holds") == (
        "operator", "open", "The buyer asked to wait.", "person:Grace",
    )  # fmt: skip
    assert grace.row("SELECT actor, kind, sentence FROM timeline_entries") == (
        "person:Grace", "hold", "On hold (operator): The buyer asked to wait.",
    )  # fmt: skip
    text = grace.get(answer.location).text
    assert "The order is on hold." in text
    assert "set by Grace" in text


def test_a_second_hold_of_a_person_renews_the_reason_of_the_first(grace: Person, furnished: dict[str, int]) -> None:
    path = f"/ops/shops/{furnished['tenant']}/orders/{furnished['held']}"
    grace.post(f"{path}/hold", reason="another")
    assert "A person held it already, and your reason is on it now." in grace.get(path).text
    assert grace.rows("SELECT state, reason FROM holds WHERE kind = 'operator'") == [("open", "another")]


def test_a_hold_without_a_reason_is_not_placed(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order()
    session.commit()
    answer = grace.post(f"/ops/shops/{shop.tenant}/orders/{order.id}/hold", reason="")
    assert grace.rows("SELECT 1 FROM holds") == []
    assert answer.status_code == 422
    assert "Say why: the next person will ask." in answer.text


@pytest.mark.parametrize(
    ("state", "shipment", "said"),
    [
        ("fulfilled", "handed_over", "Everything of it has left already: there is nothing left to hold."),
        ("closed", "handed_over", "The order is closed: there is nothing left to hold."),
        ("cancelled", "cancelled", "The order is cancelled: there is nothing left to hold."),
    ],
)
def test_an_order_of_which_nothing_is_left_to_hold_is_not_held_by_a_stale_page(
    grace: Person, shop: Shop, session: Session, state: str, shipment: str, said: str
) -> None:
    order = shop.order("#77", state=state)
    shop.shipment(order, [shop.line(order)], state=shipment)
    session.commit()
    path = f"/ops/shops/{shop.tenant}/orders/{order.id}"
    assert "Hold…" not in grace.get(path).text
    text = grace.get(grace.post(f"{path}/hold", reason="Wait").location).text
    assert said in text
    assert "on hold" not in text
    many = grace.post(f"/ops/shops/{shop.tenant}/orders/bulk", action="hold", reason="Wait", order=[order.id])
    assert "0 orders were put on hold; 1 not: " in grace.get(many.location).text
    assert grace.rows("SELECT 1 FROM holds") == []


def test_what_has_not_left_of_a_fulfilled_order_can_still_be_held(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order(state="fulfilled")
    shop.shipment(order, [shop.line(order)], state="announced")
    session.commit()
    path = f"/ops/shops/{shop.tenant}/orders/{order.id}"
    assert "Hold…" in grace.get(path).text
    grace.post(f"{path}/hold", reason="Wait for the new box")
    assert grace.row("SELECT kind, state FROM holds") == ("operator", "open")


def test_releasing_a_hold_asks_first_and_then_lets_the_order_go_on(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order(state="received")
    shop.hold(order, "address")
    session.commit()
    path = f"/ops/shops/{shop.tenant}/orders/{order.id}/holds/address/release"
    asked = grace.get(path).text
    assert "The carrier cannot deliver to this address" in asked
    assert "postage may be bought for it" in asked
    assert grace.row("SELECT state FROM holds") == ("open",)
    grace.post(path)
    assert grace.row("SELECT state, released_by FROM holds") == ("released", "person:Grace")
    assert grace.row("SELECT kind, subject, state FROM jobs") == ("verify_order", f"order/{order.id}", "due")
    assert "Released: Address. The order goes on." in grace.get(f"/ops/shops/{shop.tenant}/orders/{order.id}").text


def test_a_hold_that_is_released_already_stays_as_it_is(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order(state="received")
    shop.hold(order, "address", state="released", released_by="person:Ann", released_at=shop.now)
    session.commit()
    path = f"/ops/shops/{shop.tenant}/orders/{order.id}/holds/address/release"
    assert grace.get(path).status_code == 404
    grace.post(path)
    assert grace.row("SELECT released_by FROM holds") == ("person:Ann",)
    assert grace.rows("SELECT 1 FROM jobs") == []


def test_a_hold_that_is_not_a_persons_to_release_is_not_released(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order(state="received")
    shop.hold(order, "storefront", overridable=False)
    session.commit()
    path = f"/ops/shops/{shop.tenant}/orders/{order.id}"
    assert "Release…" not in grace.get(path).text
    assert grace.post(f"{path}/holds/storefront/release").status_code == 403
    assert grace.row("SELECT state FROM holds") == ("open",)


def test_going_on_looks_at_the_order_again_from_where_it_stands(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order(state="released")
    session.commit()
    grace.post(f"/ops/shops/{shop.tenant}/orders/{order.id}/go-on")
    assert grace.row("SELECT kind, subject, lane, state FROM jobs") == (
        "reserve_stock", f"order/{order.id}", f"order/{order.id}", "due",
    )  # fmt: skip
    assert grace.row("SELECT actor, sentence FROM timeline_entries") == ("person:Grace", "Asked to go on.")


@pytest.mark.parametrize("state", ["cancelling", "cancelled", "closed"])
def test_an_order_at_its_end_has_no_buttons(grace: Person, shop: Shop, session: Session, state: str) -> None:
    order = shop.order(state=state)
    session.commit()
    text = grace.get(f"/ops/shops/{shop.tenant}/orders/{order.id}").text
    assert "/go-on" not in text
    assert "/hold" not in text


def test_a_vendors_link_is_only_followed_to_the_web(grace: Person, shop: Shop, session: Session) -> None:
    order = shop.order(state="fulfilled")
    line = shop.line(order)
    shop.parcel(
        shop.shipment(order, [line], state="announced"), [line], tracking_code="X1", tracking_url="javascript:alert(1)"
    )
    session.commit()
    text = grace.get(f"/ops/shops/{shop.tenant}/orders/{order.id}").text
    assert "X1" in text
    assert "javascript:" not in text


@pytest.mark.parametrize("stands", ["free", "held", "bought", "being bought", "announced"])
def test_new_rates_are_offered_only_where_they_would_be_asked_for(
    grace: Person, shop: Shop, session: Session, stands: str
) -> None:
    order = shop.order(state="allocated")
    line = shop.line(order)
    parcel = shop.parcel(
        shop.shipment(order, [line], state="announced" if stands == "announced" else "planned"), [line]
    )
    if stands == "held":
        shop.hold(order)
    if stands == "bought":
        shop.label(parcel)
    if stands == "being bought":
        shop.job("buy_label", f"parcel/{parcel.id}", lane=f"order/{order.id}", state="running", lease_until=shop.now)
    session.commit()
    path = f"/ops/shops/{shop.tenant}/orders/{order.id}"
    offered = "New rates" in grace.get(path).text
    said = grace.get(grace.post(f"{path}/parcels/{parcel.id}/rates").location).text
    assert offered is (stands == "free")
    assert ("The carriers are asked again" in said) is offered
    assert ("No new rates are asked for." in said) is not offered
