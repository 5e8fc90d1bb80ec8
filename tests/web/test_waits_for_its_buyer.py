"""What waits for its buyer on the order's page: two buttons, each of which does its work once."""

from __future__ import annotations

import pytest
from furnishing import put_aside
from person import Person
from seeds import Shop
from sqlalchemy.orm import Session

from records.intentions import Intention


def at(shop: Shop, order: int, shipment: int, what: str) -> str:
    return f"/ops/shops/{shop.tenant}/orders/{order}/shipments/{shipment}/{what}"


def page(grace: Person, shop: Shop, order: int) -> str:
    return grace.get(f"/ops/shops/{shop.tenant}/orders/{order}").text


def jobs(grace: Person, kind: str) -> int:
    return len(grace.rows("SELECT id FROM jobs WHERE kind = :kind", kind=kind))


def test_what_is_picked_up_says_where_and_what_to_do(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    order, shipment = put_aside(shop)
    session.commit()

    shown = page(grace, shop, order)

    assert "To be picked up at Reno" in shown
    assert "To be put aside for pickup" in shown
    assert at(shop, order, shipment, "ready") in shown
    assert at(shop, order, shipment, "handed-over") in shown
    assert "Split…" not in shown
    assert "Cannot send it…" not in shown
    assert "To be put aside for pickup" in grace.get(f"/ops/shops/{shop.tenant}/orders").text


def test_ready_is_asked_for_once_however_often_it_is_pressed(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    order, shipment = put_aside(shop)
    session.commit()

    for _ in range(2):
        answer = grace.post(at(shop, order, shipment, "ready"))
    assert answer.status_code == 303
    assert "writes the buyer that they can come for it" in grace.get(answer.location).text
    assert jobs(grace, "tell_ready") == 1


def test_handed_over_is_asked_for_once_and_then_said_to_be_so(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    order, shipment = put_aside(shop, state="ready")
    session.commit()

    first = grace.post(at(shop, order, shipment, "handed-over"))
    assert "The buyer has it." in grace.get(first.location).text
    again = grace.post(at(shop, order, shipment, "handed-over"))
    assert "Nothing was changed. It was handed over already." in grace.get(again.location).text

    told = grace.rows("SELECT id FROM jobs WHERE kind = 'push_tracking' AND subject = :s", s=f"shipment/{shipment}")
    assert len(told) == 1
    assert grace.row("SELECT state FROM shipments WHERE id = :s", s=shipment) == ("handing_over",)
    assert grace.row("SELECT state FROM orders WHERE id = :o", o=order) == ("shipping",)


def test_what_was_not_handed_over_after_all_waits_again_and_the_store_is_told_nothing(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    order, shipment = put_aside(shop, state="ready")
    session.commit()
    grace.post(at(shop, order, shipment, "handed-over"))
    assert "It was not handed over" in page(grace, shop, order)

    answer = grace.post(at(shop, order, shipment, "not-handed-over"))

    assert "It waits for its buyer still" in grace.get(answer.location).text
    told = grace.rows("SELECT state FROM jobs WHERE kind = 'push_tracking' AND subject = :s", s=f"shipment/{shipment}")
    assert told == [("cancelled",)]
    assert grace.row("SELECT state FROM shipments WHERE id = :s", s=shipment) == ("planned",)
    assert at(shop, order, shipment, "handed-over") in page(grace, shop, order)
    again = grace.post(at(shop, order, shipment, "not-handed-over"))
    assert "Nothing was changed. Nobody has said" in grace.get(again.location).text


def test_what_the_store_may_show_already_is_not_taken_back_on_the_page(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    order, shipment = put_aside(shop, state="handing_over")
    key = f"announce/{shipment}/"
    subject = f"shipment/{shipment}"
    session.add(
        Intention(tenant_id=shop.tenant, key=key, kind="push_tracking", subject=subject, attempt=1, request_digest="")
    )
    session.commit()

    assert at(shop, order, shipment, "not-handed-over") not in page(grace, shop, order)
    refused = grace.post(at(shop, order, shipment, "not-handed-over"))

    assert "may show it already" in grace.get(refused.location).text
    assert grace.row("SELECT state FROM shipments WHERE id = :s", s=shipment) == ("handing_over",)


def test_what_the_shop_brings_has_no_word_of_a_pickup(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    order, shipment = put_aside(shop, way="brought")
    session.commit()

    shown = page(grace, shop, order)

    assert "To be delivered by the shop itself, from Reno" in shown
    assert at(shop, order, shipment, "ready") not in shown
    assert ">Delivered</button>" in shown
    refused = grace.post(at(shop, order, shipment, "ready"))
    assert "Nobody was written. The shop delivers it itself" in grace.get(refused.location).text
    assert jobs(grace, "tell_ready") == 0


@pytest.mark.parametrize("what", ["ready", "handed-over", "not-handed-over"])
def test_a_parcel_and_another_orders_shipment_have_no_such_button(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session, what: str
) -> None:
    _, shipment = put_aside(shop)
    session.commit()

    assert grace.post(at(shop, furnished["waiting"], shipment, what)).status_code == 404
    refused = grace.post(at(shop, furnished["waiting"], furnished["waiting_shipment"], what))
    assert refused.status_code == 303
    assert grace.row("SELECT state FROM shipments WHERE id = :s", s=furnished["waiting_shipment"]) == ("planned",)
