"""What the announcement decides where the sandbox has no such order: later, never, by another, or after a change."""

from collections import Counter
from datetime import UTC, datetime, timedelta

import pytest
from scripted_vendor import Answer
from shopify_shop import piece, refused

from integrations.nouns import ShippedLine, TrackingLabel
from integrations.ports import Credentials, Origins, Permanent, Temporary
from integrations.storefronts.shopify import announcing, shipments, work
from integrations.storefronts.shopify.storefront import ShopifyStorefront

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
LABEL = TrackingLabel(carrier="UPS", numbers=("1Z1",))
LINE = [ShippedLine(line_remote_id="L1", units=2)]


def works(*pieces):
    return [work.Work.model_validate(one) for one in pieces]


def wanted(**units):
    return Counter(units)


def answered(*pieces, fulfillments=(), cancelled_at=None):
    order = {
        "cancelledAt": cancelled_at,
        "fulfillments": list(fulfillments),
        "fulfillmentOrders": {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": list(pieces)},
    }
    return Answer({"data": {"order": order}})


def fulfillment(number="F1", status="SUCCESS", tracking=()):
    return {"id": number, "status": status, "trackingInfo": [{"number": one} for one in tracking]}


def covers(**units):
    nodes = [{"quantity": count, "lineItem": {"id": line}} for line, count in units.items()]
    lines = {"pageInfo": {"hasNextPage": False, "endCursor": None}, "nodes": nodes}
    return Answer({"data": {"fulfillment": {"fulfillmentLineItems": lines}}})


def made(number="F9", *sentences):
    errors = [{"field": ["fulfillment"], "message": sentence} for sentence in sentences]
    thing = None if errors else {"id": number}
    return Answer({"data": {"fulfillmentCreate": {"fulfillment": thing, "userErrors": errors}}})


@pytest.fixture
def storefront(scripted, notes):
    credentials = Credentials(account="packline.myshopify.com", live=True, secrets={"access_token": "shpat_x"})
    return ShopifyStorefront(credentials, Origins(shopify=scripted.origin), notes.append, clock=lambda: NOW)


def announce(storefront, lines=LINE):
    return storefront.announce("gid://shopify/Order/1", lines, LABEL, tell_buyer=True)


def test_units_are_taken_from_open_work_by_location_and_never_more_than_remains():
    found = works(
        piece(1, left=2, location="A"),
        piece(2, left=5, location="B"),
        piece(3, left=9, location="A", line="L2"),
        piece(4, left=9, status="CLOSED", location="A"),
        piece(5, left=9, status="ON_HOLD", location="A"),
        piece(6, left=9, actions=("REQUEST_FULFILLMENT",), location="A"),
    )

    creations, lacking = announcing.allot(wanted(L1=4, L2=10), found)

    assert [(one.location_id, one.parts) for one in creations] == [
        ("A", (("FO1", "FL1", 2), ("FO3", "FL3", 9))),
        ("B", (("FO2", "FL2", 2),)),
    ]
    assert lacking == wanted(L2=1)


def test_scheduled_work_waits_until_its_day():
    found = works(piece(status="SCHEDULED", fulfillAt="2026-11-23T12:00:00Z"))

    reason = announcing.why_not_open(wanted(L1=1), found, NOW)

    assert isinstance(reason, Temporary)
    assert (reason.code, reason.retry_in_s) == ("scheduled", timedelta(days=2).total_seconds())
    assert "2026-11-23" in reason.reason


def test_work_given_to_another_service_is_a_matter_for_a_person():
    found = works(piece(actions=("REQUEST_FULFILLMENT", "MOVE"), location="3PL"))

    reason = announcing.why_not_open(wanted(L1=1), found, NOW)

    assert isinstance(reason, Permanent)
    assert (reason.code, "Place 3PL" in reason.reason) == ("not_ours_to_fulfill", True)


def test_closed_work_has_no_reason_of_its_own():
    assert announcing.why_not_open(wanted(L1=1), works(piece(status="CLOSED", left=0)), NOW) is None
    assert announcing.why_not_open(wanted(L1=5), works(piece(left=2)), NOW) is None


def test_the_question_to_shopify_is_exactly_what_left(scripted, storefront):
    scripted.script = [answered(piece(1, left=3), piece(2, left=9, line="L2")), made()]

    announce(storefront)

    sent = scripted.asked[1].json()["variables"]["fulfillment"]
    assert sent == {
        "lineItemsByFulfillmentOrder": [
            {"fulfillmentOrderId": "FO1", "fulfillmentOrderLineItems": [{"id": "FL1", "quantity": 2}]}
        ],
        "notifyCustomer": True,
        "trackingInfo": {"company": "UPS", "number": "1Z1"},
    }


def test_work_that_changed_between_reading_and_telling_is_read_anew(scripted, storefront):
    scripted.script = [
        answered(piece(left=2)),
        made("F9", "Invalid fulfillment order line item quantity requested."),
        answered(piece(left=0, status="CLOSED")),
    ]

    changed = refused(lambda: announce(storefront), Temporary)

    assert (changed.code, changed.outcome_unknown) == ("work_changed", False)


def test_a_no_without_a_change_is_shown_in_shopifys_sentence(scripted, storefront):
    scripted.script = [answered(piece()), made("F9", "Fulfillment order 7 has an unfulfillable status= closed.")]
    scripted.script += [answered(piece())]

    assert "unfulfillable status" in refused(lambda: announce(storefront), Permanent).reason


def test_a_fulfillment_in_failure_carries_nothing(scripted, storefront):
    failed = [fulfillment("F1", "FAILURE", LABEL.numbers), fulfillment("F2", "CANCELLED", LABEL.numbers)]
    scripted.script = [answered(piece(), fulfillments=failed), made("F3")]

    (told,) = announce(storefront)

    assert (told.remote_id, told.adopted) == ("F3", False)


def test_an_announced_order_that_was_cancelled_since_is_adopted_all_the_same(scripted, storefront):
    scripted.script = [
        answered(fulfillments=[fulfillment("F1", tracking=LABEL.numbers)], cancelled_at="2026-11-21T11:00:00Z"),
        covers(L1=2),
    ]

    (told,) = announce(storefront)

    assert (told.remote_id, told.adopted) == ("F1", True)


def test_one_bare_fulfillment_among_others_that_covers_the_units_is_taken(scripted, storefront):
    others = [fulfillment("F1", tracking=["OTHER"]), fulfillment("F2"), fulfillment("F3")]
    standing = {"data": {"fulfillment": fulfillment("F3")}}
    replaced = {"data": {"fulfillmentTrackingInfoUpdate": {"fulfillment": {"id": "F3"}, "userErrors": []}}}
    scripted.script = [
        answered(piece(status="CLOSED", left=0), fulfillments=others),
        covers(L1=1),
        covers(L1=2, L2=4),
        Answer(standing),
        Answer(replaced),
    ]

    (told,) = announce(storefront)

    assert (told.remote_id, told.adopted) == ("F3", True)
    assert [asked.json()["operationName"] for asked in scripted.asked] == [
        *("ReadShipments", "ReadShippedLines", "ReadShippedLines", "ReadTracking", "ReplaceTracking")
    ]


def test_a_full_list_of_fulfillments_is_asked_for_to_its_end(scripted, storefront):
    first = [fulfillment(f"F{n}", tracking=[f"T{n}"]) for n in range(shipments.FIRST_FULFILLMENTS)]
    whole = [*first, fulfillment("F99", tracking=LABEL.numbers)]
    scripted.script = [answered(piece(), fulfillments=first), answered(fulfillments=whole), covers(L1=2)]

    (told,) = announce(storefront)

    assert (told.remote_id, told.adopted) == ("F99", True)


def test_an_answer_that_names_no_fulfillment_leaves_doubt(scripted, storefront):
    nameless = Answer({"data": {"fulfillmentCreate": {"fulfillment": None, "userErrors": []}}})
    scripted.script = [answered(piece()), nameless, answered(piece())]

    assert refused(lambda: announce(storefront), Temporary).outcome_unknown is True


def test_a_payment_that_shopify_will_not_record_is_told_in_its_sentence(scripted, storefront):
    pending = Answer({"data": {"order": {"displayFinancialStatus": "PENDING", "fullyPaid": False}}})
    errors = [{"field": ["id"], "message": "Order cannot be marked as paid."}]
    scripted.script = [pending, Answer({"data": {"orderMarkAsPaid": {"order": None, "userErrors": errors}}}), pending]

    refusal = refused(lambda: storefront.mark_paid("gid://shopify/Order/1"), Permanent)

    assert "Order cannot be marked as paid." in refusal.reason


def test_an_answer_of_another_shape_is_permanent_and_names_the_field(scripted, storefront):
    scripted.script = [answered({"id": "FO1"}), Answer({"data": {"order": None}})]

    misread = refused(lambda: announce(storefront), Permanent)
    assert (misread.code, "status" in misread.reason) == ("answer_shape", True)
    assert refused(lambda: announce(storefront), Permanent).code == "not_found"


def test_a_page_that_leads_to_itself_ends_the_reading(scripted, storefront):
    circle = {"pageInfo": {"hasNextPage": True, "endCursor": "c"}, "nodes": []}
    page = Answer({"data": {"order": {"fulfillmentOrders": circle, "fulfillments": [], "cancelledAt": None}}})
    scripted.script = [page] * 3

    assert "leads back" in refused(lambda: announce(storefront), Permanent).reason
