"""Which work Shopify is asked to move, what is left where it is, and what a refusal comes to."""

import json

import pytest
from scripted_vendor import Answer
from shopify_shop import piece, refused

from integrations.nouns import Assigned, Assignment, ShippedLine
from integrations.ports import Credentials, Origins, Temporary
from integrations.storefronts.shopify import assigning, work
from integrations.storefronts.shopify.assigning import Move
from integrations.storefronts.shopify.storefront import ShopifyStorefront

ORDER = "gid://shopify/Order/1"
MAY = ("CREATE_FULFILLMENT", "MOVE")


def there(number, location, left, *, line="L1", actions=MAY, **more):
    return piece(number, left=left, location=location, line=line, actions=actions, **more)


def wanted(**places):
    """`A=2` is two units of L1 from A; `A={"L1": 1, "L2": 1}` is of two lines."""
    return [
        Assignment(
            location_remote_id=place,
            lines=tuple(
                ShippedLine(line_remote_id=line, units=count)
                for line, count in (units if isinstance(units, dict) else {"L1": units}).items()
            ),
        )
        for place, units in places.items()
    ]


@pytest.mark.parametrize(
    ("asked", "works", "moved"),
    [
        pytest.param(wanted(A=2), [there(1, "A", 2)], None, id="it-is-there"),
        pytest.param(wanted(A=2), [there(1, "B", 2)], Move("FO1", "A", (("FL1", "L1", 2),)), id="all-of-it"),
        pytest.param(wanted(A=2), [there(1, "B", 3)], Move("FO1", "A", (("FL1", "L1", 2),)), id="a-part-of-it"),
        pytest.param(
            wanted(A=2), [there(1, "A", 1), there(2, "B", 2)], Move("FO2", "A", (("FL2", "L1", 1),)), id="what-is-lacking"
        ),
        pytest.param(wanted(A=2, B=1), [there(1, "B", 3)], Move("FO1", "A", (("FL1", "L1", 2),)), id="a-split"),
        pytest.param(wanted(A=2, B=1), [there(1, "A", 2), there(2, "B", 1)], None, id="a-split-that-stands"),
        pytest.param(wanted(A=1, B=2), [there(1, "B", 2), there(2, "C", 1)], Move("FO2", "A", (("FL2", "L1", 1),)),
                     id="not-from-who-needs-it-itself"),
        pytest.param(wanted(A=1), [there(1, "B", 1, actions=("CREATE_FULFILLMENT",))], None, id="what-may-not-be-moved"),
        pytest.param(wanted(A=1), [there(1, "B", 1, status="CLOSED")], None, id="what-is-over"),
        pytest.param(wanted(A=1), [there(1, "B", 0)], None, id="what-has-shipped"),
        pytest.param(wanted(A=1), [there(1, "B", 1, line="L2")], None, id="another-line"),
    ],
)  # fmt: skip
def test_the_next_move_is(asked, works, moved):
    read = [work.Work.model_validate(one) for one in works]

    assert assigning.next_move(asked, read, refused=frozenset()) == moved


def test_what_was_refused_is_not_asked_for_again():
    works = [work.Work.model_validate(there(1, "B", 1))]

    assert assigning.next_move(wanted(A=1), works, refused=frozenset({("L1", "A")})) is None
    assert assigning.next_move(wanted(A=1), works, refused=frozenset({("L1", "C")})) is not None


def test_moves_come_to_an_end_whatever_was_there():
    """Played through: after each move the work stands where it was asked for, under another id."""
    works = [there(1, "B", 3), there(2, "C", 2), there(3, "C", 4, line="L2")]
    asked = wanted(A={"L1": 4, "L2": 1}, C={"L1": 1, "L2": 3})
    for step in range(10):
        read = [work.Work.model_validate(one) for one in works]
        move = assigning.next_move(asked, read, refused=frozenset())
        if move is None:
            break
        for _line, name, units in move.parts:
            for one in works:
                node = one["lineItems"]["nodes"][0]
                if one["id"] == move.work and node["lineItem"]["id"] == name:
                    node["remainingQuantity"] -= units
            works.append(there(10 + step, move.to, units, line=name))
    else:
        pytest.fail("it never came to an end")
    left = {}
    for one in works:
        node = one["lineItems"]["nodes"][0]
        key = (one["assignedLocation"]["location"]["id"], node["lineItem"]["id"])
        left[key] = left.get(key, 0) + node["remainingQuantity"]
    assert {key: count for key, count in left.items() if count} == {
        ("A", "L1"): 4, ("C", "L1"): 1, ("A", "L2"): 1, ("C", "L2"): 3,
    }  # fmt: skip


# ------------------------------------------------------------------------------------------- over the wire


@pytest.fixture
def storefront(scripted, notes):
    credentials = Credentials(account="packline.myshopify.com", live=True, secrets={"access_token": "shpat_x"})
    return ShopifyStorefront(credentials, Origins(shopify=scripted.origin), notes.append)


def standing(*pieces):
    nodes = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": list(pieces)}
    return Answer({"data": {"order": {"cancelledAt": None, "fulfillments": [], "fulfillmentOrders": nodes}}})


def moved(*sentences):
    errors = [{"field": None, "message": sentence} for sentence in sentences]
    thing = None if errors else {"id": "FO9"}
    return Answer({"data": {"fulfillmentOrderMove": {"movedFulfillmentOrder": thing, "userErrors": errors}}})


def test_work_is_moved_and_read_again(scripted, storefront):
    scripted.script = [standing(there(1, "B", 3)), moved(), standing(there(2, "A", 2), there(1, "B", 1))]

    assert storefront.assign(ORDER, wanted(A=2)) == Assigned(moved_units=2)

    told = json.loads(scripted.asked[1].body)["variables"]
    assert told == {"id": "FO1", "newLocationId": "A", "items": [{"id": "FL1", "quantity": 2}]}
    assert len(scripted.asked) == 3


def test_a_refusal_is_an_answer_and_the_rest_is_moved(scripted, storefront):
    works = [there(1, "B", 1), there(2, "B", 1, line="L2")]
    after = [there(1, "B", 1), there(3, "A", 1, line="L2")]
    scripted.script = [standing(*works), moved("Cannot change location."), standing(*works), moved(), standing(*after)]

    assigned = storefront.assign(ORDER, wanted(A={"L1": 1, "L2": 1}))

    assert assigned.moved_units == 1
    assert assigned.refusals == ("Shopify refused: Cannot change location.",)


def test_a_lost_answer_is_told_and_the_next_look_finds_it_moved(scripted, storefront):
    scripted.script = [standing(there(1, "B", 1)), Answer(drop=True), standing(there(2, "A", 1))]

    failure = refused(lambda: storefront.assign(ORDER, wanted(A=1)), Temporary)
    assert failure.outcome_unknown
    assert storefront.assign(ORDER, wanted(A=1)) == Assigned()
