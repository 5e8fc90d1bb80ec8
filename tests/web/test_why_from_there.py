"""The page that says why an order leaves from where it does."""

from __future__ import annotations

from datetime import date

from person import Person
from seeds import Shop
from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import planning
from orders.routing import later
from orders.routing.question import Place, Point, Question, Shelf, Standing, Want
from records.routing import RoutingRules


def page(grace: Person, shop: Shop, order: int) -> str:
    return grace.get(f"/ops/shops/{shop.tenant}/orders/{order}/routing").text


def test_every_way_stands_there_with_what_each_rule_said_and_what_became_of_it(
    grace: Person, shop: Shop, furnished: dict[str, int]
) -> None:
    order = grace.get(f"/ops/shops/{shop.tenant}/orders/{furnished['split']}").text
    assert f"/ops/shops/{shop.tenant}/orders/{furnished['split']}/routing" in order

    told = page(grace, shop, furnished["split"])

    assert "Only a part of it is there: 2 from Reno. Short: 2 units." in told
    for heading in ("Units short", "Shipments", "Kilometres", "Outcome"):
        assert '<th scope="col"' in told
        assert heading in told
    assert told.index("Reno") < told.index("dearer, or no price")
    assert "Toronto: it sends nothing to US" in told


def test_before_anything_is_decided_it_says_what_that_waits_for(
    grace: Person, shop: Shop, furnished: dict[str, int]
) -> None:
    assert "Nothing is decided yet" in page(grace, shop, furnished["held"])
    assert grace.get(f"/ops/shops/{shop.tenant}/orders/99999/routing").status_code == 404


def test_a_choice_whose_question_was_forgotten_says_so(
    grace: Person, shop: Shop, furnished: dict[str, int], engine
) -> None:
    with engine.begin() as connection:
        connection.execute(text("UPDATE routing_decisions SET question = '{}', answer = '{}', sentence = ''"))
    assert "What 1 choice was made from is not kept any more." in page(grace, shop, furnished["split"])


def test_what_stays_by_the_rule_says_which_and_from_where_it_could_leave(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    asked = Question(
        wants=(Want(line=1, variant=7, units=1),),
        to=Point(country="US"),
        places=(Place(id=1, name="Newark", at=Point(country="US")),),
        shelves=(Shelf(variant=7, place=1, units=1),),
        rules=RoutingRules(most_shipments=1),
        standing=Standing(shipments=1, units=3),
    )
    planning.write_down(session, shop.tenant, furnished["held"], planning.decided(asked))
    session.commit()

    told = page(grace, shop, furnished["held"])

    assert "Nothing more of it leaves. By your rule (no order is split) these stay: 1 in Newark." in told
    assert "Release the hold on the order to send it all the same." in told
    assert "Newark: it would be a shipment more, and no order is split" in told
    assert "(shipments of an order)" in told
    assert "No place has any of it" not in told


def test_a_place_without_a_limit_says_so_and_a_full_one_when_it_has_room(
    grace: Person, shop: Shop, furnished: dict[str, int], session: Session
) -> None:
    tomorrow = date(2026, 11, 24)
    asked = Question(
        wants=(Want(line=1, variant=7, units=1), Want(line=2, variant=8, units=1)),
        to=Point(country="US"),
        places=(
            Place(id=1, name="Newark", at=Point(country="US")),
            Place(id=2, name="Reno", at=Point(country="US"), room_today=3),
            Place(id=3, name="Austin", at=Point(country="US"), room_today=0, next_room_on=tomorrow),
        ),
        shelves=tuple(Shelf(variant=variant, place=place, units=1) for variant, place in ((7, 1), (7, 2), (8, 3))),
        rules=RoutingRules(order=("ships_all", "least_busy")),
        revision=2,
    )
    in_stock = asked.model_copy(update={"wants": asked.wants[:1]})
    for one in (asked, in_stock):
        planning.write_down(session, shop.tenant, furnished["held"], planning.decided(later.opened(one)))
    session.commit()

    told = page(grace, shop, furnished["held"])

    assert "Austin has no room before 24 November." in told
    assert "From Newark: the least busy that had everything." in told
    assert '<span class="soft">no limit</span>' in told
    assert "1,000,000" not in told
    for number in (1, 2):  # two tables of one name are one to whoever does not see them
        assert told.count(f"Choice {number}: ways that were weighed, the best first") >= 1
