"""The judge of the drills finds each thing that can be lost, doubled or stuck, and nothing where all is well."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

import pytest

from drills.ledger import Ledger, ShopLedger
from drills.shops import End, Placed, Shop
from drills.verdict import Verdict, judge

ORDER = "gid://shopify/Order/1"
STORE = {"received": "20.00", "refunded": "0.00"}
MADE = "gid://shopify/Fulfillment/5"


def books(**changed: Any) -> ShopLedger:
    """A shop in which one order of one bag was placed, labelled, announced and delivered."""
    placed = Placed(
        id=1, remote_id=ORDER, name="#1", lines=(("BAG", 1),), total_minor=2000, end=End(scans=("DELIVERED",))
    )
    shop = Shop(control=print, engine=None, settings=None, web="", domain="d", tenant=1, placed=[placed])
    made = {
        "id": 5,
        "admin_graphql_api_id": MADE,
        "status": "SUCCESS",
        "tracking": [{"number": "T1"}],
        "lines": [{"sku": "BAG", "quantity": 1}],
        "events": [{"status": "DELIVERED", "happened_at": "noon"}],
    }
    well = {
        "shop": shop,
        "orders_there": {ORDER: STORE | {"fulfillments": [made]}},
        "labels_there": [{"id": "shp_1", "reference": "#1-7", "refund_status": None}],
        "levels_there": {("BAG", "Reno"): 9},
        "refunds_there": [],
        "orders_here": {
            ORDER: {"id": 3, "name": "#1", "state": "fulfilled", "holds": [], "fulfillments": [MADE], "held": 0}
        },
        "parcels_here": [{"id": 4, "order_id": 3, "tracking_code": "T1", "shipment": "announced"}],
        "labels_here": [{"id": 7, "parcel_id": 4, "order_id": 3, "state": "bought", "shipment_ref": "shp_1"}],
        "levels_here": {
            ("BAG", "Reno"): {"on_hand": 9, "reserved": 0, "moved_on_hand": 9, "moved_reserved": 0, "held": 0}
        },
        "payments_here": [{"remote_id": "pi_1", "order_id": 3}],
    }
    return ShopLedger(**(well | changed))


def ledger(*shops: ShopLedger, **changed: Any) -> Ledger:
    well = {
        "shops": shops or (books(),),
        "accepted": {("shopify", "d1"): "orders/updated"},
        "inbox": {("shopify", "d1"): "taken"},
        "counted": Counter(),
        "jobs": [],
    }
    return Ledger(**(well | changed))


def job(**changed: Any) -> dict[str, Any]:
    waiting = {
        "tenant_id": 1, "id": 1, "kind": "buy_label", "subject": "parcel/4", "lane": "order/3", "state": "due",
        "cause": "", "deaths": 0, "at_rest": False, "dead_s": None, "overdue_s": 0,
    }  # fmt: skip
    return waiting | changed


def made(**changed: Any) -> dict[str, dict[str, Any]]:
    """The store's view with its one fulfillment changed."""
    whole = books().orders_there[ORDER]["fulfillments"][0]
    return {ORDER: STORE | {"fulfillments": [whole | changed]}}


def test_books_that_agree_are_clean():
    assert judge(ledger()) == Verdict()


LOST = {
    "an order that is unknown here": books(orders_here={}, parcels_here=[], labels_here=[]),
    "an order that is not at its end": books(
        orders_here={ORDER: books().orders_here[ORDER] | {"state": "released", "holds": ["stock"]}}
    ),
    "a hold that nobody wanted": books(orders_here={ORDER: books().orders_here[ORDER] | {"holds": ["edit"]}}),
    "units that the store was not told of": books(orders_there=made(lines=[])),
    "a tracking number that the store has not": books(orders_there=made(tracking=[])),
    "a scan that the store was not told of": books(orders_there=made(events=[])),
    "a parcel whose label the carrier does not know": books(labels_there=[]),
    "units that left and still stand on the shelf": books(levels_there={("BAG", "Reno"): 8}),
    "a level that its movements do not explain": books(
        levels_here={("BAG", "Reno"): books().levels_here["BAG", "Reno"] | {"moved_on_hand": 10}}
    ),
    "units that are reserved for nobody": books(
        levels_here={("BAG", "Reno"): books().levels_here["BAG", "Reno"] | {"reserved": 1, "moved_reserved": 1}}
    ),
    "units that an order at its end still holds": books(orders_here={ORDER: books().orders_here[ORDER] | {"held": 1}}),
}


@pytest.mark.parametrize("what", LOST)
def test_what_was_lost_is_found(what: str):
    found = judge(ledger(LOST[what]))

    assert found.lost
    assert not found.stuck


@pytest.mark.parametrize(
    "changed", [{"inbox": {}}, {"inbox": {("shopify", "d1"): "received"}}, {"inbox": {("shopify", "d1"): "parked"}}]
)
def test_a_delivery_that_was_accepted_and_is_not_at_an_end_is_lost(changed: dict):
    assert len(judge(ledger(**changed)).lost) == 1


def test_a_delivery_that_says_what_is_kept_already_is_counted_and_not_lost():
    accepted = {("shopify", "d1"): "orders/updated", ("shopify", "d2"): "orders/updated"}
    counted = Counter({("shopify", "orders/updated"): 1, ("shopify", "orders/create"): 5})

    assert judge(ledger(accepted=accepted, counted=counted)) == Verdict()
    assert len(judge(ledger(accepted=accepted | {("shopify", "d3"): "orders/updated"}, counted=counted)).lost) == 1


SECOND = {"id": "shp_2", "reference": "#1-8", "refund_status": None}
AGAIN = {"id": 8, "parcel_id": 4, "order_id": 3, "state": "bought", "shipment_ref": "shp_2"}
DOUBLED = {
    "a second label for a parcel": books(
        labels_there=[*books().labels_there, SECOND], labels_here=[*books().labels_here, AGAIN]
    ),
    "a label that nothing here accounts for": books(labels_there=[*books().labels_there, SECOND]),
    "a fulfillment that no shipment here made": books(
        orders_there={
            ORDER: STORE
            | {
                "fulfillments": [
                    *books().orders_there[ORDER]["fulfillments"],
                    made(id=6, admin_graphql_api_id="gid://shopify/Fulfillment/6", lines=[])[ORDER]["fulfillments"][0],
                ]
            }
        }
    ),
    "units that left twice": books(orders_there=made(lines=[{"sku": "BAG", "quantity": 2}])),
    "a scan that was told twice": books(orders_there=made(events=[{"status": "DELIVERED", "happened_at": "noon"}] * 2)),
    "money that the store gave back and was not to": books(
        orders_there={ORDER: books().orders_there[ORDER] | {"refunded": "1.00"}}
    ),
    "money that went back and was not to": books(
        refunds_there=[{"payment_intent": "pi_1", "amount": 5, "status": "succeeded"}]
    ),
}


@pytest.mark.parametrize("what", DOUBLED)
def test_what_was_done_twice_is_found(what: str):
    found = judge(ledger(DOUBLED[what]))

    assert len(found.doubled) == 1
    assert (found.lost, found.stuck) == ((), ())


def test_a_second_label_that_went_back_is_none_too_many():
    given_back = SECOND | {"refund_status": "submitted"}
    voided = AGAIN | {"state": "void_requested"}

    found = judge(
        ledger(books(labels_there=[*books().labels_there, given_back], labels_here=[*books().labels_here, voided]))
    )

    assert found == Verdict()


STUCK = {
    "a job that waits for a person": job(state="parked", cause="refused"),
    "a job in the hands of nobody": job(state="running", dead_s=60),
    "a job that nobody hears of": job(overdue_s=60),
}


@pytest.mark.parametrize("what", STUCK)
def test_what_stands_still_is_found(what: str):
    assert len(judge(ledger(jobs=[STUCK[what]])).stuck) == 1


@pytest.mark.parametrize(
    "waiting", [job(overdue_s=1), job(state="running", dead_s=-2), job(cause="early", overdue_s=-900, at_rest=True)]
)
def test_what_moves_or_waits_for_its_time_is_not_stuck(waiting: dict):
    assert judge(ledger(jobs=[waiting])).stuck == ()


def test_an_order_without_a_next_step_is_stuck_and_one_with_a_job_is_not():
    halfway = books(orders_here={ORDER: books().orders_here[ORDER] | {"state": "released"}})

    assert judge(ledger(halfway)).stuck == ("#1 is released and has no next step",)
    assert judge(ledger(halfway, jobs=[job()])).stuck == ()


def test_a_job_that_rightly_waits_for_a_person_is_expected_once():
    poisoned = books()
    placed = replace(poisoned.shop.placed[0], end=replace(poisoned.shop.placed[0].end, parked=("poison",)))
    poisoned.shop.placed[:] = [placed]
    parked = job(state="parked", cause="poison")

    assert judge(ledger(poisoned, jobs=[parked])).stuck == ()
    assert len(judge(ledger(poisoned, jobs=[parked, parked])).stuck) == 1
