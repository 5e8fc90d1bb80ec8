"""A place cannot send a shipment: the page that asks why, and what it does; and that the place is asked again."""

from __future__ import annotations

from person import Person
from seeds import Shop


def at(shop: Shop, ids: dict[str, int]) -> str:
    return f"/ops/shops/{shop.tenant}/orders/{ids['waiting']}/shipments/{ids['waiting_shipment']}/cannot-send"


def test_the_order_offers_it_and_the_page_says_what_happens(
    grace: Person, shop: Shop, furnished: dict[str, int]
) -> None:
    order = grace.get(f"/ops/shops/{shop.tenant}/orders/{furnished['waiting']}").text
    assert at(shop, furnished) in order
    assert "Ships by <strong>" in order
    assert "an estimate, by the days in your settings" in order

    page = grace.get(at(shop, furnished)).text
    assert "Can Reno not send it?" in page
    assert "Could not find the goods" in page


def test_said_so_it_is_taken_back_and_routed_anew(grace: Person, shop: Shop, furnished: dict[str, int]) -> None:
    answer = grace.post(at(shop, furnished), why="damaged", note="Water.")

    assert answer.status_code == 303
    assert "routed anew without that place" in grace.get(answer.location).text
    said = grace.rows(
        "SELECT location_id, why, note, actor FROM refusals WHERE location_id = :reno", reno=shop.locations["Reno"]
    )
    assert said == [(shop.locations["Reno"], "damaged", "Water.", "person:Grace")]
    assert grace.row(
        "SELECT purpose, reason FROM reversals WHERE order_id = :o", o=furnished["waiting"]
    ) == ("replan", "refused")  # fmt: skip
    again = grace.post(at(shop, furnished), why="damaged", note="Water.")
    assert "wait until that is done" in grace.get(again.location).text


def test_without_a_reason_nothing_is_done(grace: Person, shop: Shop, furnished: dict[str, int]) -> None:
    answer = grace.post(at(shop, furnished), why="other", note="")
    assert answer.status_code == 422
    assert "Say why: the next person will ask." in answer.text
    assert "Choose one of these." in grace.post(at(shop, furnished), why="magic").text
    assert grace.rows("SELECT id FROM reversals WHERE order_id = :o", o=furnished["waiting"]) == []


def test_a_place_may_be_asked_again(grace: Person, shop: Shop, furnished: dict[str, int]) -> None:
    routing = f"/ops/shops/{shop.tenant}/orders/{furnished['waiting']}/routing"
    assert "it could not find the goods on" in grace.get(routing).text
    path = f"/ops/shops/{shop.tenant}/orders/{furnished['waiting']}/places/{shop.locations['Newark']}/ask-again"

    assert "It may be asked again." in grace.get(grace.post(path).location).text

    assert grace.rows("SELECT id FROM refusals") == []
    assert "nothing was changed" in grace.get(grace.post(path).location).text
    assert grace.post(path.replace(str(shop.locations["Newark"]), "99999")).status_code == 404
