"""Whatever the carrier does, a parcel has one label, and the store hears where the parcel is, once each."""

import pytest

from jobs import desk
from tests.world import EASYPOST_KEY, World


@pytest.mark.parametrize("kind", ["timeout_after", "cut_after", "5xx_after", "broken_json", "html"])
def test_a_purchase_whose_answer_was_lost_is_adopted_and_not_repeated(world: World, kind: str):
    world.open_shop()
    world.fault(vendor="easypost", kind=kind, operation="shipment.buy", times=1, delay_s=0.1)

    placed = world.place(("BAG", 1))
    world.settle()
    world.hurry()
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1
    assert len(world.calls(vendor="easypost", operation="shipment.buy", effect="true")) == 1


def test_an_outage_that_heals_costs_time_and_nothing_else(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.buy", times=4)

    placed = world.place(("BAG", 1))
    for _ in range(6):
        world.settle()
        world.hurry()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1


def test_the_carrier_s_wish_to_wait_is_respected(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="429", operation="shipment.buy", times=1, retry_after=120)

    world.place(("BAG", 1))
    world.settle()

    (job,) = world.unfinished()
    assert (job.kind, job.attempts) == ("buy_label", 1)
    assert 110 < job.wait_s <= 132


def test_a_parcel_that_nobody_rates_is_parked_with_what_the_carriers_said(world: World):
    world.open_shop()

    placed = world.place(("BAG", 1), ship_to={
        "first_name": "Kim", "last_name": "Ri", "address1": "1 Taedong", "city": "Pyongyang", "country_code": "KP",
        "province_code": "", "zip": ""})  # fmt: skip
    world.settle()

    (job,) = world.rows("SELECT * FROM jobs WHERE state = 'parked'")
    assert (job.kind, job.cause) == ("buy_label", "no_rates")
    assert job.reason.startswith("No carrier offers a rate for this parcel.")
    assert len(job.reason) > len("No carrier offers a rate for this parcel. ")
    assert world.order(placed).state == "allocated"
    assert world.labels_bought() == []


def test_scans_reach_the_store_once_each_and_never_go_back(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1))
    world.settle()
    (label,) = world.labels_bought()

    for status, at in (
        ("in_transit", "2026-11-22T08:00:00Z"),
        ("out_for_delivery", "2026-11-23T08:00:00Z"),
        ("delivered", "2026-11-23T15:00:00Z"),
    ):
        world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": status, "at": at})
    world.settle()
    world.control("POST", "/deliveries/replay", {"times": 3, "shuffle": True, "vendor": "easypost"})
    world.settle()

    (fulfillment,) = world.fulfillments(placed)
    told = [event["status"] for event in fulfillment["events"]]
    assert sorted(told) == sorted(set(told))
    assert {"IN_TRANSIT", "OUT_FOR_DELIVERY", "DELIVERED"} <= set(told)
    (parcel,) = world.rows("SELECT carrier_status, delivered_at FROM parcels")
    assert (parcel.carrier_status, parcel.delivered_at.isoformat()) == ("delivered", "2026-11-23T15:00:00+00:00")
    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["handed_over"]


def test_the_label_itself_is_kept(world: World):
    world.open_shop()

    world.place(("BAG", 1))
    world.settle()

    (label,) = world.rows("SELECT media_type, content FROM labels")
    assert label.media_type == "application/pdf"
    assert bytes(label.content).startswith(b"%PDF-")


def test_a_carrier_that_may_not_be_asked_costs_no_second_label(world: World):
    """The purchase was lost, and when the carrier is asked about it, it refuses to answer: the quote must be kept."""
    world.open_shop()
    world.fault(vendor="easypost", kind="timeout_after", operation="shipment.buy", times=1, delay_s=0.1)
    world.fault(vendor="easypost", kind="5xx", operation="shipment.retrieve", times=None)
    placed = world.place(("BAG", 1))
    world.settle()
    assert [row.state for row in world.rows("SELECT state FROM labels")] == ["intended"]
    world.control("DELETE", "/faults")
    world.rotate_carrier_key("EZTKwrong")
    world.hurry()
    world.settle()
    (job,) = world.rows("SELECT id, kind FROM jobs WHERE state = 'parked'")
    assert job.kind == "buy_label"

    world.rotate_carrier_key(EASYPOST_KEY)
    with world.reading() as session:
        assert desk.retry(session, world.tenant, job.id, by="person:Olga")
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert len(world.labels_bought()) == 1


def test_scans_older_than_the_first_word_of_a_parcel_still_move_it(world: World):
    world.open_shop()
    world.place(("BAG", 1))
    world.settle()
    (label,) = world.labels_bought()

    world.control(
        "POST",
        f"/easypost/trackers/{label['tracking_code']}/move",
        {
            "status": "in_transit",
            "at": "2020-01-01T08:00:00Z",
            "city": "Reno",
            "state": "NV",
            "zip": "89501",
            "country": "US",
        },
    )
    world.settle()

    assert [row.carrier_status for row in world.rows("SELECT carrier_status FROM parcels")] == ["in_transit"]
