"""What carriers tell of a parcel: each scan once, never backwards in time."""

from datetime import timedelta
from itertools import permutations

import pytest
from sqlalchemy import insert

from integrations.nouns import Parcel as ParcelShape
from integrations.nouns import ParcelProgress, ParcelStatus, Scan
from orders import tracking
from records.shipments import Parcel, Shipment
from tests.shop import NOON


@pytest.fixture
def parcel(shop):
    return new_parcel(shop, shop.order((None, 1), state="shipping"))


def new_parcel(shop, order, *, state="announced", tracker="trk_1", code="9400"):
    location = shop.location()
    with shop.transaction() as session:
        shipment = session.execute(
            insert(Shipment)
            .values(tenant_id=shop.tenant, order_id=order, location_id=location, state=state)
            .returning(Shipment.id)
        ).scalar_one()
        return session.execute(
            insert(Parcel).values(
                tenant_id=shop.tenant, order_id=order, shipment_id=shipment, shape=ParcelShape(weight_grams=1),
                contents={}, tracker_ref=tracker, tracking_code=code,
            ).returning(Parcel.id)
        ).scalar_one()  # fmt: skip


def scan(hours, status="in_transit", **more):
    return Scan(
        at=NOON + timedelta(hours=hours), status=ParcelStatus(status), **({"city": "Reno", "region": "NV"} | more)
    )


def progress(status, *scans, hours=0, **more):
    fields = {
        "tracker_ref": "trk_1", "tracking_code": "9400", "carrier": "USPS", "status": ParcelStatus(status),
        "at": NOON + timedelta(hours=hours), "scans": scans,
    }  # fmt: skip
    return ParcelProgress(**(fields | more))


def tell(shop, told):
    with shop.transaction() as session:
        parcel = tracking.find_parcel(session, shop.tenant, told)
        return None if parcel is None else tracking.record(session, shop.tenant, parcel, told, said_by="easypost")


def where(shop):
    return shop.one("SELECT carrier_status, seen_at FROM parcels")


LABELLED = scan(0, "pre_transit")
PICKED_UP, ROLLING, AT_DOOR = scan(1), scan(5, city="Elko"), scan(9, "delivered", city="San Francisco")
JOURNEY = (
    progress("pre_transit", LABELLED),
    progress("in_transit", LABELLED, PICKED_UP),
    progress("in_transit", LABELLED, PICKED_UP, ROLLING),
    progress("delivered", LABELLED, PICKED_UP, ROLLING, AT_DOOR),
)


def test_every_order_of_a_journey_ends_at_the_door_with_each_scan_once(shop):
    order = shop.order((None, 1), state="shipping")
    for number, journey in enumerate(permutations(JOURNEY)):
        parcel = new_parcel(shop, order, tracker=f"trk_{number}", code=f"94{number:04}")
        for told in journey:
            tell(shop, told.model_copy(update={"tracker_ref": f"trk_{number}"}))
        assert shop.one("SELECT carrier_status, seen_at, delivered_at FROM parcels WHERE id = :id", id=parcel) == (
            "delivered", AT_DOOR.at, AT_DOOR.at,
        )  # fmt: skip
        scans = shop.rows("SELECT at, status FROM parcel_scans WHERE parcel_id = :id ORDER BY at", id=parcel)
        assert scans == [(one.at, one.status.value) for one in (LABELLED, PICKED_UP, ROLLING, AT_DOOR)]


def test_each_word_says_how_many_scans_were_new(shop, parcel):
    assert [tell(shop, told).new_scans for told in JOURNEY] == [1, 1, 1, 1]
    assert [tell(shop, told).new_scans for told in JOURNEY] == [0, 0, 0, 0]


def test_a_late_word_of_an_earlier_hour_does_not_move_the_parcel_back(shop, parcel):
    tell(shop, JOURNEY[3])
    moved = tell(shop, progress("out_for_delivery", scan(8, "out_for_delivery")))

    assert (moved.status_changed, moved.new_scans) == (False, 1)
    assert where(shop) == ("delivered", AT_DOOR.at)


def test_a_parcel_that_comes_back_is_told_so(shop, parcel):
    tell(shop, JOURNEY[3])
    tell(shop, progress("return_to_sender", AT_DOOR, scan(30, "return_to_sender")))

    assert where(shop)[0] == "return_to_sender"
    assert shop.one("SELECT delivered_at FROM parcels") == AT_DOOR.at


def test_a_word_without_scans_counts_by_its_own_time(shop, parcel):
    tell(shop, progress("in_transit", hours=2))
    tell(shop, progress("pre_transit", hours=1))

    assert where(shop) == ("in_transit", None)


def test_each_change_of_status_is_one_line_of_the_story(shop, parcel):
    for told in (*JOURNEY, *JOURNEY):
        tell(shop, told)

    (order,) = shop.rows("SELECT order_id FROM parcels")[0]
    assert shop.story(order) == [
        "Parcel 9400 is pre transit.", "Parcel 9400 is in transit.", "Parcel 9400 is delivered.",
    ]  # fmt: skip


def test_the_first_scan_on_the_road_hands_an_announced_shipment_over(shop, parcel):
    tell(shop, JOURNEY[0])
    assert shop.rows("SELECT state FROM shipments") == [("announced",)]

    tell(shop, JOURNEY[1])
    assert shop.rows("SELECT state FROM shipments") == [("handed_over",)]


def test_a_shipment_that_the_store_does_not_know_yet_stays_to_be_announced(shop):
    new_parcel(shop, shop.order((None, 1), state="shipping"), state="labelled")

    tell(shop, JOURNEY[1])

    assert shop.rows("SELECT state FROM shipments") == [("labelled",)]


def test_a_parcel_is_found_by_its_tracker_before_its_code(shop):
    order = shop.order((None, 1), state="shipping")
    mine = new_parcel(shop, order, tracker="trk_1", code="9400")
    newer = new_parcel(shop, order, tracker="trk_2", code="9400")

    assert tell(shop, progress("in_transit", hours=1)).parcel == mine
    assert tell(shop, progress("in_transit", hours=1, tracker_ref="trk_9")).parcel == newer
    assert tell(shop, progress("in_transit", hours=1, tracker_ref="")).parcel == newer


def test_a_stranger_s_tracker_finds_no_parcel(shop):
    new_parcel(shop, shop.order((None, 1), state="shipping"), tracker="", code="")

    assert tell(shop, progress("in_transit", tracker_ref="trk_9", tracking_code="1Z")) is None
    assert tell(shop, progress("in_transit", tracker_ref="", tracking_code="")) is None
