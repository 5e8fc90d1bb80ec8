"""What is decided of orders that go by hand, or of which a part does: each choice by itself."""

from __future__ import annotations

from dataclasses import replace

import pytest

from integrations.nouns import AskedLine, StoreOrder, Way
from orders import by_hand, comparing, reversing, supplier_troubles
from orders.reversing import Facts, LineFacts, ShipmentFacts, Wish
from records.orders import ByHand, OrderLine, Waiting
from tests.shop import snapshot

RENO, NEWARK = 1, 2
REPLAN = Wish(purpose="replan", origin="packline")


def store(*asked: tuple[str, int, Way], place: str = "reno") -> StoreOrder:
    lines = (
        AskedLine(line_remote_id=line, units=units, way=way, location_remote_id=place) for line, units, way in asked
    )
    return StoreOrder(snapshot=snapshot(), routed=True, asked=tuple(lines))


def line(to_ship: int = 0, here: int = 0, *, units: int = 0) -> OrderLine:
    parts = (Waiting(way="collected", location=RENO, units=here),) if here else ()
    return OrderLine(units=units or to_ship, to_ship=to_ship, by_hand=ByHand(parts=parts))


CARRIED, COLLECTED, NOT_OURS = Way.CARRIED, Way.COLLECTED, Way.NOT_OURS


@pytest.mark.parametrize(
    ("asked", "lines", "goes_by_hand"),
    [
        (store(("l1", 1, COLLECTED)), [line()], True),
        (store(("l1", 1, Way.BROUGHT), ("l2", 1, NOT_OURS)), [line()], True),
        (store(("l1", 1, COLLECTED), ("l2", 1, CARRIED)), [line(), line()], False),
        (store(), [line(1, 1)], True),  # they have it
        (store(), [line(1, 1), line(1)], False),  # they have it, and a parcel has left
        (store(("l1", 1, COLLECTED)), [line(1)], False),  # the parcel has left, and the rest is picked up
        (store(), [line()], False),  # digital, or gone before we looked
        (store(("l1", 0, COLLECTED)), [line()], False),
    ],
)
def test_an_order_that_no_carrier_has_anything_to_do_with_is_told_by_what_is_asked_and_what_has_gone(
    asked: StoreOrder, lines: list[OrderLine], goes_by_hand: bool
):
    assert by_hand.all_of(asked, lines) is goes_by_hand


@pytest.mark.parametrize(
    ("bought", "wanted", "here", "room", "sent"),
    [
        (1, 0, 0, 0, True),  # the buyer buys it, and the store asks for it no more
        (0, 0, 0, 0, False),  # taken off
        (1, 1, 1, 0, False),  # the supplied one was taken off, and the other was picked up
        (2, 1, 1, 0, True),
    ],
)
def test_what_a_buyer_picks_up_shows_nothing_of_what_a_supplier_sent(
    bought: int, wanted: int, here: int, room: int, sent: bool
):
    lines = {1: line(wanted, here, units=bought)}
    lines[1].units = bought

    assert supplier_troubles.shown_as_sent({1: 1}, {1: room}, lines) is sent


def facts(*shipments: ShipmentFacts, to_ship: int, here: int) -> Facts:
    wanted = LineFacts(id=1, remote_id="l1", title="BAG", units=to_ship, to_ship=to_ship, by_hand=here)
    return Facts(
        order=1, name="#1001", state="allocated", standing="paid", currency="USD", total_minor=100, lines=(wanted,),
        shipments=shipments,
    )  # fmt: skip


def parcel(id: int, state: str = "planned", units: int = 1) -> ShipmentFacts:
    return ShipmentFacts(id=id, state=state, location="Reno", location_remote_id="reno", units={1: units})


def waits(id: int, *, unasked: bool = False, state: str = "planned") -> ShipmentFacts:
    return replace(parcel(id, state), by_hand=True, unasked=unasked)


@pytest.mark.parametrize(
    ("order", "withdrawn"),
    [
        (facts(parcel(1), to_ship=1, here=1), [1]),
        (facts(parcel(1, "labelled"), to_ship=1, here=1), [1]),
        (facts(parcel(1, "announced"), to_ship=1, here=1), []),
        (facts(parcel(1), parcel(2), to_ship=2, here=1), [2]),
        (facts(parcel(1), waits(2), to_ship=2, here=1), []),
        (facts(waits(1, unasked=True), to_ship=1, here=0), [1]),
        (facts(waits(1, unasked=True, state="ready"), to_ship=1, here=0), [1]),
        # Taken off: of two that go two ways the store says which.
        (facts(parcel(1), waits(2), to_ship=1, here=1), [1]),
        (facts(parcel(1), waits(2, unasked=True), to_ship=1, here=0), [2]),
        # Picked up elsewhere now: neither the parcel nor the old place wants it.
        (facts(parcel(1), waits(2, unasked=True), to_ship=1, here=1), [1, 2]),
        (facts(waits(1, state="handed_over"), parcel(2), to_ship=2, here=1), []),
    ],
)
def test_what_changes_its_way_is_withdrawn_from_the_way_that_it_went(order: Facts, withdrawn: list[int]):
    assert [one.id for one in reversing.withdrawn(REPLAN, order)] == withdrawn


PLACES = {"reno": RENO, "newark": NEWARK}
AT_RENO = {"l1": {("collected", RENO): 1}}


@pytest.mark.parametrize(
    ("asked", "waiting", "lack"),
    [
        (store(("l1", 1, COLLECTED)), AT_RENO, ""),
        (store(("l1", 1, CARRIED)), {"l1": {("collected", RENO): 0}}, ""),
        (store(("l1", 1, CARRIED)), AT_RENO, "wants units in another way than was planned"),
        (store(("l1", 1, COLLECTED)), {}, "wants units in another way than was planned"),
        (store(("l1", 1, COLLECTED), place="newark"), AT_RENO, "wants units in another way than was planned"),
    ],
)
def test_routed_work_differs_by_its_way_and_its_place_too(asked: StoreOrder, waiting: dict, lack: str):
    assert comparing.work_lack(asked, {"l1": 1}, held=False, places=PLACES, by_hand=waiting) == lack
