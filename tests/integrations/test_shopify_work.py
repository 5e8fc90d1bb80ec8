"""Which units Shopify still wants shipped, read from its fulfillment orders."""

import pytest
from shopify_shop import piece

from integrations.storefronts.shopify import work


def works(*pieces):
    return [work.Work.model_validate(one) for one in pieces]


@pytest.mark.parametrize(
    ("method", "requires_shipping", "ships"),
    [
        ("SHIPPING", True, True),
        (None, True, True),
        ("SOMETHING_NEW", True, True),
        ("SHIPPING", False, False),
        ("LOCAL", True, False),
        ("PICK_UP", True, False),
        ("PICKUP_POINT", True, False),
        ("RETAIL", True, False),
        ("NONE", True, False),
    ],
)
def test_only_what_is_carried_to_the_buyer_wants_a_label(method, requires_shipping, ships):
    asked = piece(deliveryMethod=method and {"methodType": method})
    asked["lineItems"]["nodes"][0]["requiresShipping"] = requires_shipping

    (line,) = work.asked(works(asked))

    assert (line.ships, line.units, line.location_remote_id) == (ships, 2, "A")


@pytest.mark.parametrize("status", ["CLOSED", "CANCELLED", "INCOMPLETE"])
def test_work_that_has_ended_asks_for_nothing(status):
    assert work.asked(works(piece(status=status))) == ()


@pytest.mark.parametrize(
    ("odd", "waits_for"),
    [
        ({"status": "SOMETHING_NEW"}, "its state is SOMETHING_NEW, which Packline does not know"),
        (
            {"deliveryMethod": {"methodType": "DRONE"}},
            "it is to be delivered by DRONE, which Packline does not know",
        ),
    ],
)
def test_work_that_we_do_not_understand_is_asked_for_and_waits_for_a_person(odd, waits_for):
    (line,) = work.asked(works(piece(**odd)))

    assert (line.units, line.on_hold) == (2, waits_for)


def test_scheduled_work_is_asked_for_but_must_wait():
    (line,) = work.asked(works(piece(status="SCHEDULED", fulfillAt="2026-12-01T09:30:00-05:00")))

    assert line.on_hold == "scheduled for 2026-12-01 14:30 UTC"
