"""Tracking is replaced as a whole, a scan is told once, and a carrier is named as Shopify names it."""

from datetime import UTC, datetime

import pytest
from shopify_shop import LABEL, mug, refused

from integrations.nouns import ParcelStatus, Scan, TrackingLabel
from integrations.storefronts.shopify import carriers, shipments


def test_tracking_is_replaced_as_a_whole_and_only_where_it_differs(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)
    new = TrackingLabel(carrier="UPS", numbers=("1Z1", "1Z2"))

    for _ in range(2):
        shop.storefront.replace_tracking(told.remote_id, new, tell_buyer=True)

    tracking = shop.fulfillments(order)[0]["tracking"]
    assert [(one["company"], one["number"]) for one in tracking] == [("UPS", "1Z1"), ("UPS", "1Z2")]
    assert shop.acts("fulfillmentTrackingInfoUpdate") == 1


def test_a_replacement_whose_answer_was_lost_is_looked_up(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)
    shop.fault("cut_after", "fulfillmentTrackingInfoUpdate")

    shop.storefront.replace_tracking(told.remote_id, TrackingLabel(carrier="UPS", numbers=("1Z1",)), tell_buyer=True)

    assert shop.acts("fulfillmentTrackingInfoUpdate") == 1


def test_a_cancelled_fulfillment_takes_no_tracking_and_no_scans(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)
    shop.cancel_fulfillment(shop.fulfillments(order)[0])

    wrong = refused(lambda: shop.storefront.replace_tracking(told.remote_id, LABEL, tell_buyer=False))
    shop.storefront.report_scan(told.remote_id, scan(ParcelStatus.DELIVERED))

    assert wrong.code == "fulfillment_ended"
    assert shop.acts("fulfillmentEventCreate") == 0


def test_an_unknown_fulfillment_is_permanent(shop):
    shop.open(mug())

    assert refused(lambda: shop.storefront.report_scan("gid://shopify/Fulfillment/404", scan())).code == "not_found"


def scan(status=ParcelStatus.IN_TRANSIT, at=datetime(2026, 11, 20, 10, 30, 15, 250_000, tzinfo=UTC), **more):
    return Scan(
        at=at, status=status, message="Arrived", city="Reno", region="NV", postcode="89501", country="US", **more
    )


def test_a_scan_is_reported_once_however_often_it_is_told(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)

    for _ in range(3):
        shop.storefront.report_scan(told.remote_id, scan())
    shop.storefront.report_scan(told.remote_id, scan(ParcelStatus.OUT_FOR_DELIVERY))
    shop.storefront.report_scan(told.remote_id, scan(at=datetime(2026, 11, 20, 11, tzinfo=UTC)))

    assert shop.fulfillments(order)[0]["events"] == [
        {"status": "IN_TRANSIT", "happened_at": "2026-11-20T10:30:15Z"},
        {"status": "OUT_FOR_DELIVERY", "happened_at": "2026-11-20T10:30:15Z"},
        {"status": "IN_TRANSIT", "happened_at": "2026-11-20T11:00:00Z"},
    ]


@pytest.mark.parametrize(
    ("status", "event"),
    [
        (ParcelStatus.PRE_TRANSIT, "LABEL_PURCHASED"),
        (ParcelStatus.OUT_FOR_DELIVERY, "OUT_FOR_DELIVERY"),
        (ParcelStatus.DELIVERED, "DELIVERED"),
        (ParcelStatus.AVAILABLE_FOR_PICKUP, "READY_FOR_PICKUP"),
        (ParcelStatus.FAILURE, "FAILURE"),
        (ParcelStatus.RETURN_TO_SENDER, "FAILURE"),
        (ParcelStatus.UNKNOWN, None),
        (ParcelStatus.CANCELLED, None),
        (ParcelStatus.ERROR, None),
    ],
)
def test_a_parcels_status_is_told_in_shopifys_word_where_it_has_one(shop, status, event):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)

    shop.storefront.report_scan(told.remote_id, scan(status))

    assert [one["status"] for one in shop.fulfillments(order)[0]["events"]] == [event] * (event is not None)


def test_a_scan_whose_answer_was_lost_is_not_told_twice(shop):
    shop.open(mug())
    order = shop.order(("MUG", 1))
    (told,) = shop.announce(order)
    shop.fault("5xx_after", "fulfillmentEventCreate")

    shop.storefront.report_scan(told.remote_id, scan())

    assert len(shop.fulfillments(order)[0]["events"]) == 1


@pytest.mark.parametrize(
    ("given", "listed"),
    [
        ("USPS", "USPS"),
        ("usps", "USPS"),
        ("FedEx", "FedEx"),
        ("FEDEX", "FedEx"),
        ("DHLExpress", "DHL Express"),
        ("DHL Express", "DHL Express"),
        ("DHL eCommerce", "DHL eCommerce"),
        ("CanadaPost", "Canada Post"),
        ("Canada Post", "Canada Post"),
        ("OnTrac", "OnTrac"),
        ("Royal Mail", "Royal Mail"),
        ("Hermes", "Evri"),
        ("Bike Messengers", "Bike Messengers"),
        ("", ""),
    ],
)
def test_a_carrier_is_named_as_shopify_lists_it_or_as_it_came(given, listed):
    assert carriers.listed(given) == listed


@pytest.mark.parametrize(
    ("tracking", "told"),
    [
        ({"carrier": "UPS", "numbers": ("1",)}, {"company": "UPS", "number": "1"}),
        ({"carrier": "", "numbers": ("1",)}, {"number": "1"}),
        (
            {"carrier": "UPS", "numbers": ("1",), "urls": ("https://x/1",)},
            {"company": "UPS", "number": "1", "url": "https://x/1"},
        ),
        (
            {"carrier": "UPS", "numbers": ("1", "2"), "urls": ("https://x/1", "https://x/2")},
            {"company": "UPS", "numbers": ["1", "2"], "urls": ["https://x/1", "https://x/2"]},
        ),
        (
            {"carrier": "UPS", "numbers": ("1", "2"), "urls": ("https://x/1",)},
            {"company": "UPS", "numbers": ["1", "2"]},
        ),
        (
            {"carrier": "UPS", "numbers": ("1", "2"), "urls": ("https://x/1", "")},
            {"company": "UPS", "numbers": ["1", "2"]},
        ),
    ],
)
def test_one_number_or_several_are_told_with_links_of_the_same_count(tracking, told):
    assert shipments.tracking_input(TrackingLabel(**tracking)) == told
