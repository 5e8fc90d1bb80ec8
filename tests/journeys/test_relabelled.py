"""A parcel that has not left may get another label: one is bought, one goes back, and the store's tracking follows."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import text

from integrations import registry
from integrations.nouns import Address, Consignment, Parcel
from integrations.ports import Credentials
from jobs import desk, queue, reconcile, runner, steps
from records.tenants import Rules
from tests import patient
from tests.world import EASYPOST_KEY, World, variant

OLGA = "person:Olga"
UPS_ONLY = Rules(carriers=("UPS",))


class Crash(BaseException):
    """The process is gone."""


@pytest.fixture(autouse=True)
def _nobody_listens() -> Iterator[None]:
    yield
    steps.listen(None)


# ------------------------------------------------------------------------------------------- the world's verbs


def relabel(world: World, parcel: int, *, by: str = OLGA, reason: str = "the label was smeared") -> str:
    with world.reading() as session:
        return desk.relabel(session, world.tenant, parcel, by=by, reason=reason)


def parcels(world: World) -> list[int]:
    return [row.id for row in world.rows("SELECT id FROM parcels ORDER BY id")]


def codes(world: World) -> list[str]:
    return [row.tracking_code for row in world.rows("SELECT tracking_code FROM parcels ORDER BY id")]


def labels(world: World) -> list[str]:
    return [row.state for row in world.rows("SELECT state FROM labels ORDER BY id")]


def told(world: World, placed: dict) -> list[list[str]]:
    """The numbers on each of the store's fulfillments."""
    return [[one["number"] for one in made["tracking"]] for made in world.fulfillments(placed)]


def effects(world: World, operation: str) -> list[dict]:
    vendor = "easypost" if operation.startswith("shipment") else "shopify"
    return world.calls(vendor=vendor, operation=operation, effect="true")


def step(world: World) -> str:
    """Run one job of an order's lane, and no more; answers its kind."""
    (lane,) = [lane for lane in world.due_lanes() if lane.startswith("order/")]
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(runner, "JOBS_IN_A_ROW", 1)
        assert runner.work_off(world.services, world.tenant, lane) == 1
    (ran,) = world.rows(
        "SELECT kind FROM jobs WHERE lane = :lane ORDER BY started_at DESC NULLS LAST LIMIT 1", lane=lane
    )
    return str(ran.kind)


def until_labelled(world: World, *lines: tuple[str, int]) -> dict:
    """Place an order and stop when its shipment has its labels and the store has not been told."""
    placed = world.place(*lines)
    only_listen(world)
    while [row.state for row in world.rows("SELECT state FROM shipments")] != ["labelled"]:
        step(world)
    assert told(world, placed) == []
    return placed


def only_listen(world: World) -> None:
    """Read what the vendors have told, and leave the orders' own work alone."""
    world.heard()
    while lanes := [lane for lane in world.due_lanes() if not lane.startswith("order/")]:
        for lane in lanes:
            runner.work_off(world.services, world.tenant, lane)


def shipped(world: World, *lines: tuple[str, int]) -> dict:
    placed = world.place(*lines)
    world.settle()
    assert world.order(placed).state == "fulfilled"
    return placed


def scan(world: World, code: str, status: str = "in_transit", at: str = "2026-11-22T08:00:00Z") -> None:
    world.control("POST", f"/easypost/trackers/{code}/move", {"status": status, "at": at})
    only_listen(world)
    world.settle()


def refund(world: World, code: str) -> dict:
    (found,) = [one for one in world.labels_bought() if one["tracking_code"] == code]
    return found


def settle_refund(world: World, code: str, result: str) -> None:
    world.control("POST", f"/easypost/refunds/{refund(world, code)['id']}/settle", {"result": result})
    world.settle()


# ------------------------------------------------------------------------------------------- another label


def test_an_announced_parcel_gets_another_label_and_the_store_its_number_once(world: World):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    (parcel,), (old,) = parcels(world), codes(world)

    assert relabel(world, parcel) == ""
    world.settle()

    (new,) = codes(world)
    assert new != old
    assert labels(world) == ["void_requested", "bought"]
    assert (refund(world, old)["refund_status"], refund(world, new)["refund_status"]) == ("submitted", None)
    assert told(world, placed) == [[new]]
    assert len(effects(world, "shipment.buy")) == 2
    assert len(effects(world, "shipment.refund")) == 1
    (update,) = effects(world, "fulfillmentTrackingInfoUpdate")
    assert update["summary"]["notify"] is True
    assert (world.order(placed).state, world.rows("SELECT id FROM jobs WHERE state = 'parked'")) == ("fulfilled", [])
    story = [(row.actor, row.sentence) for row in world.rows("SELECT * FROM timeline_entries ORDER BY id")]
    assert (OLGA, f"Another label is wanted instead of {old}: the label was smeared") in story
    assert ("packline", f"The storefront has the new tracking: USPS {new} instead of {old}.") in story


def test_a_shop_that_tells_buyers_nothing_tells_them_nothing_of_a_new_number(world: World):
    world.open_shop(rules=Rules(tell_buyer=False))
    shipped(world, ("BAG", 1))

    relabel(world, *parcels(world))
    world.settle()

    (update,) = effects(world, "fulfillmentTrackingInfoUpdate")
    assert update["summary"]["notify"] is False


def test_the_store_hears_only_of_the_new_label_of_a_parcel_that_it_does_not_know_yet(world: World):
    world.open_shop()
    placed = until_labelled(world, ("BAG", 1))
    (parcel,), (old,) = parcels(world), codes(world)

    assert relabel(world, parcel) == ""
    world.settle()

    (new,) = codes(world)
    assert new != old
    assert told(world, placed) == [[new]]
    assert labels(world) == ["void_requested", "bought"]
    assert effects(world, "fulfillmentTrackingInfoUpdate") == []
    assert world.order(placed).state == "fulfilled"


def test_an_announcement_of_unknown_end_is_finished_before_the_number_changes(world: World):
    world.open_shop()
    placed = until_labelled(world, ("BAG", 1))
    (parcel,), (old,) = parcels(world), codes(world)
    crash_at(world, "called shopify Announce")

    assert relabel(world, parcel) == ""
    assert step(world) == "relabel_parcel"
    assert labels(world) == ["bought"]  # nothing is taken back while nobody knows what the store was told
    world.settle()
    assert told(world, placed) == [[old]]
    world.hurry()
    world.settle()

    (new,) = codes(world)
    assert told(world, placed) == [[new]] != [[old]]
    assert len(world.fulfillments(placed)) == 1


def crash_at(world: World, boundary: str) -> None:
    """Let the next job that passes a boundary die there, and its lease run out."""

    def listener(passed: str) -> None:
        if passed.startswith(boundary):
            raise Crash

    steps.listen(listener)
    with pytest.raises(Crash):
        step(world)
    steps.listen(None)
    forget_worker(world)


def forget_worker(world: World) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET state = 'due', due_at = now() WHERE state = 'running'"))


def heavy_pair(world: World, rules: Rules | None = None) -> None:
    """A shop whose two anvils never fit into one box."""
    world.open_shop(variants=[variant("ANVIL", grams=15_000)], rules=rules)


def test_of_two_parcels_one_gets_another_label_and_the_store_the_whole_set(world: World):
    heavy_pair(world)
    placed = shipped(world, ("ANVIL", 2))
    first, second = parcels(world)
    kept, old = codes(world)
    assert told(world, placed) == [[kept, old]]

    assert relabel(world, second) == ""
    world.settle()

    assert told(world, placed) == [codes(world)]
    assert codes(world)[0] == kept
    assert codes(world)[1] not in {kept, old}
    assert len(effects(world, "fulfillmentTrackingInfoUpdate")) == 1
    assert len(effects(world, "shipment.refund")) == 1

    assert relabel(world, first) == ""
    world.settle()
    assert told(world, placed) == [codes(world)]
    assert kept not in codes(world)
    lines = world.rows("SELECT sentence FROM timeline_entries WHERE sentence LIKE 'The storefront has the new%'")
    assert [line.sentence.count(" instead of ") for line in lines] == [1, 1]


def set_rules(world: World, rules: Rules) -> None:
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE tenants SET rules = :rules"), {"rules": rules.model_dump_json()})


@pytest.mark.parametrize(("units", "carrier"), [(1, "USPS"), (2, "UPS")])
def test_boxes_that_share_a_fulfillment_keep_their_carrier_and_a_lone_one_may_change_it(
    world: World, units: int, carrier: str
):
    heavy_pair(world, rules=UPS_ONLY)
    placed = shipped(world, ("ANVIL", units))
    set_rules(world, Rules())

    relabel(world, parcels(world)[0])
    world.settle()

    assert next(row.carrier for row in world.rows("SELECT carrier FROM parcels ORDER BY id")) == carrier
    (made,) = world.fulfillments(placed)
    assert {one["company"] for one in made["tracking"]} == {carrier}
    assert told(world, placed) == [codes(world)]


def test_what_the_carrier_still_says_of_the_old_label_moves_nothing(world: World):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    (old,) = codes(world)
    scan(world, old, "pre_transit", "2026-11-21T08:00:00Z")
    relabel(world, *parcels(world))
    world.settle()
    (new,) = codes(world)
    before = len(world.fulfillments(placed)[0]["events"])
    assert world.rows("SELECT carrier_status, seen_at, told_at, expected_at FROM parcels")[0][:2] == ("unknown", None)

    scan(world, old, "in_transit")

    (parcel,) = world.rows("SELECT * FROM parcels")
    assert parcel.carrier_status == "unknown"
    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["announced"]
    assert len(world.fulfillments(placed)[0]["events"]) == before
    (said,) = world.rows("SELECT state, reason FROM inbox_events ORDER BY id DESC LIMIT 1")
    assert (said.state, said.reason) == (
        "ignored", f"The label {old} was replaced: its parcel travels with another one.",
    )  # fmt: skip

    scan(world, new, "in_transit")
    assert [row.carrier_status for row in world.rows("SELECT carrier_status FROM parcels")] == ["in_transit"]
    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["handed_over"]
    events = [event["status"] for event in world.fulfillments(placed)[0]["events"]]
    assert events.count("IN_TRANSIT") == 1


# ------------------------------------------------------------------------------------------- who gets none


def test_a_parcel_that_is_on_the_road_keeps_its_label(world: World):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    scan(world, *codes(world))

    refusal = relabel(world, *parcels(world))
    world.settle()

    assert refusal == "The shipment is handed over: its labels cannot be changed any more."
    assert labels(world) == ["bought"]
    assert world.rows("SELECT id FROM jobs WHERE kind = 'relabel_parcel'") == []
    assert told(world, placed) == [codes(world)]


def test_asked_twice_buys_one(world: World):
    world.open_shop()
    shipped(world, ("BAG", 1))

    assert [relabel(world, *parcels(world)) for _ in range(2)] == ["", "Another label was asked for already."]
    world.settle()

    assert labels(world) == ["void_requested", "bought"]
    assert relabel(world, *parcels(world)) == ""  # it is another wish by now
    world.settle()
    assert labels(world) == ["void_requested", "void_requested", "bought"]


def test_a_first_label_that_is_not_there_yet_cannot_be_replaced(world: World):
    world.open_shop()
    world.fault(vendor="easypost", kind="5xx", operation="shipment.create", times=None)
    world.place(("BAG", 1))
    world.settle()

    assert relabel(world, *parcels(world)).startswith("No label was bought for this shipment yet")
    assert relabel(world, 999) == "There is no such parcel."


def test_a_held_order_gets_none_until_it_is_released(world: World):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    order = world.order(placed).id
    assert relabel(world, *parcels(world)) == ""
    with world.reading() as session:
        desk.hold(session, world.tenant, order, reason="Wait for the new box.", by=OLGA)

    world.settle()
    assert labels(world) == ["bought"]
    assert relabel(world, *parcels(world)) == "The order is on hold (operator): release the hold first."

    with world.reading() as session:
        desk.release_hold(session, world.tenant, order, "operator", by=OLGA, now=datetime.now(UTC))
    world.settle()
    assert labels(world) == ["void_requested", "bought"]
    assert told(world, placed) == [codes(world)]


def test_a_parcel_that_leaves_with_its_old_label_meanwhile_keeps_it_and_no_other_is_bought(world: World):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    (old,) = codes(world)
    relabel(world, *parcels(world))
    assert step(world) == "relabel_parcel"

    scan(world, old)

    assert labels(world) == ["void_requested", "failed"]
    assert len(effects(world, "shipment.buy")) == 1
    assert told(world, placed) == [[old]]
    assert [row.carrier_status for row in world.rows("SELECT carrier_status FROM parcels")] == ["in_transit"]


def test_a_label_that_was_bought_too_late_for_its_parcel_goes_back(world: World):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    (old,) = codes(world)
    relabel(world, *parcels(world))
    assert step(world) == "relabel_parcel"
    crash_at(world, "called easypost shipment.buy")

    scan(world, old)

    assert labels(world) == ["void_requested", "void_requested"]
    assert len(effects(world, "shipment.refund")) == 2
    assert codes(world) == [old]
    assert told(world, placed) == [[old]]


# ------------------------------------------------------------------------------------------- given back by others


def give_back_at_the_carrier(world: World, code: str) -> None:
    """A person at the shop voids the label on the carrier's own page, and the carrier agrees."""
    answered = patient.post(
        f"{world.sandbox}/v2/shipments/{refund(world, code)['id']}/refund", auth=(EASYPOST_KEY, ""), timeout=30
    )
    assert answered.status_code < 300, answered.text
    settle_refund(world, code, "refunded")


@pytest.mark.parametrize("way", ["relabel", "release"])
def test_a_label_that_somebody_gave_back_holds_its_order_until_there_is_another(world: World, way: str):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    (old,) = codes(world)

    give_back_at_the_carrier(world, old)
    assert (labels(world), world.open_holds(placed)) == (["voided"], ["label"])

    if way == "relabel":
        assert relabel(world, *parcels(world)) == ""
    else:
        with world.reading() as session:
            desk.release_hold(session, world.tenant, world.order(placed).id, "label", by=OLGA, now=datetime.now(UTC))
    world.settle()

    assert (labels(world), world.open_holds(placed)) == (["voided", "bought"], [])
    assert told(world, placed) == [codes(world)] != [[old]]
    assert len(effects(world, "shipment.refund")) == 1


def test_an_announcement_in_doubt_is_settled_though_another_box_cannot_get_its_label(world: World):
    heavy_pair(world)
    placed = until_labelled(world, ("ANVIL", 2))
    crash_at(world, "called shopify Announce")
    with world.engine.begin() as connection:
        connection.execute(text("UPDATE jobs SET due_at = now() + interval '1 hour' WHERE kind = 'push_tracking'"))
    (lost, old), (_, second) = codes(world), parcels(world)
    give_back_at_the_carrier(world, lost)
    world.fault(vendor="easypost", kind="5xx", status=422, operation="shipment.create", times=1)
    with world.reading() as session:
        desk.release_hold(session, world.tenant, world.order(placed).id, "label", by=OLGA, now=datetime.now(UTC))
    world.settle()
    assert [(row.kind, row.subject) for row in world.rows("SELECT * FROM jobs WHERE state = 'parked'")] == [
        ("buy_label", f"parcel/{parcels(world)[0]}")
    ]
    assert told(world, placed) == [[lost, old]]

    assert relabel(world, second) == ""
    world.settle()

    assert world.rows("SELECT 1 FROM jobs WHERE kind = 'relabel_parcel' AND state = 'due'") == []
    (_, new) = codes(world)
    assert new != old
    assert told(world, placed) == [[lost, new]]
    assert [row.state for row in world.rows("SELECT state FROM shipments")] == ["announced"]


# ------------------------------------------------------------------------------------------- bought by nobody


def buy_as(world: World, reference: str) -> None:
    """Somebody's purchase at the carrier that calls itself one of ours: a run that died before it could say so."""
    credentials = Credentials(account="", live=False, secrets={"api_key": EASYPOST_KEY})
    carrier = registry.vendor("easypost").build(credentials, world.services.origins, lambda _: None)
    home = Address(
        name="A", street1="388 Townsend St", city="San Francisco", region="CA", postcode="94107", country="US"
    )
    shape = Parcel(weight_grams=300)
    quote = carrier.quote(Consignment(reference=reference, sender=home, recipient=home, parcel=shape))
    carrier.buy(quote.shipment_ref, quote.rates[0].remote_id)


def compare(world: World) -> None:
    with world.reading() as session:
        reconcile.ask(session, world.tenant, world.connections["easypost"], now=datetime.now(UTC))
    world.settle()


@pytest.mark.parametrize("back", ["asked", "done"])
def test_stray_postage_that_went_back_is_not_the_label_that_is_replaced(world: World, back: str):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    (old,) = codes(world)
    buy_as(world, f"{placed['name']}-1")
    compare(world)
    (stray,) = [one["tracking_code"] for one in world.labels_bought() if one["tracking_code"] != old]
    assert labels(world) == ["bought", "void_requested"]
    if back == "done":
        settle_refund(world, stray, "refunded")
        assert labels(world) == ["bought", "voided"]

    assert relabel(world, *parcels(world)) == ""
    world.settle()

    (new,) = codes(world)
    assert new not in {old, stray}
    assert labels(world) == ["void_requested", "voided" if back == "done" else "void_requested", "bought"]
    assert told(world, placed) == [[new]]
    assert world.rows("SELECT 1 FROM jobs WHERE kind = 'relabel_parcel' AND state <> 'done'") == []
    lines = world.rows("SELECT sentence FROM timeline_entries WHERE sentence LIKE 'The storefront has the new%'")
    assert [line.sentence for line in lines] == [f"The storefront has the new tracking: USPS {new} instead of {old}."]


def test_a_label_that_somebody_gave_back_is_missed_though_stray_postage_came_after_it(world: World):
    world.open_shop()
    placed = shipped(world, ("BAG", 1))
    (old,) = codes(world)
    buy_as(world, f"{placed['name']}-1")
    compare(world)

    give_back_at_the_carrier(world, old)

    assert world.open_holds(placed) == ["label"]


# ------------------------------------------------------------------------------------------- crashes


@pytest.mark.drill
@pytest.mark.long
@pytest.mark.parametrize("when", ["labelled", "announced"])
def test_a_crash_at_any_boundary_buys_one_asks_once_and_tells_once(world: World, when: str):
    world.open_shop()
    place = until_labelled if when == "labelled" else shipped
    place(world, ("BAG", 1))
    relabel(world, *parcels(world))
    number = 0
    while _dies_at(world, number := number + 1):
        world.settle()
        # One more label than before, whichever boundary it was, and the store shows that one and no other.
        assert labels(world) == ["void_requested"] * number + ["bought"], number
        assert len(effects(world, "shipment.buy")) == number + 1
        assert len(effects(world, "shipment.refund")) == number
        (made,) = next(iter(world.store_orders().values()))["fulfillments"]
        assert [one["number"] for one in made["tracking"]] == codes(world)
        updates = [one["summary"]["notify"] for one in effects(world, "fulfillmentTrackingInfoUpdate")]
        assert updates == [True] * (number - (when == "labelled"))
        assert world.rows("SELECT id FROM jobs WHERE state IN ('parked', 'running')") == []
        assert relabel(world, *parcels(world)) == ""
    assert number > 25


def _dies_at(world: World, number: int) -> bool:
    """Let the process die at the so-manieth boundary from here; False where the work ends before."""
    passed = 0

    def listener(_boundary: str) -> None:
        nonlocal passed
        passed += 1
        if passed == number:
            steps.listen(None)
            raise Crash

    steps.listen(listener)
    try:
        world.settle()
    except Crash:
        forget_worker(world)
        return True
    finally:
        steps.listen(None)
    return False


# ------------------------------------------------------------------------------------------- the carrier says no


def hurry_voids(world: World) -> None:
    world.hurry()
    world.settle()


def test_a_refund_that_was_refused_too_soon_is_asked_again_and_granted(world: World):
    world.open_shop()
    shipped(world, ("BAG", 1))
    (old,) = codes(world)
    relabel(world, *parcels(world))
    world.settle()
    settle_refund(world, old, "rejected")

    hurry_voids(world)
    (label,) = world.rows("SELECT * FROM labels WHERE attempt = 1")
    assert (label.state, label.void_refusals) == ("void_refused", 1)
    (job,) = world.unfinished()
    assert 3500 < job.wait_s <= 3600
    assert len(effects(world, "shipment.refund")) == 1

    hurry_voids(world)
    assert len(effects(world, "shipment.refund")) == 2
    hurry_voids(world)
    assert len(effects(world, "shipment.refund")) == 2  # a look, not another wish
    settle_refund(world, old, "refunded")
    hurry_voids(world)

    assert labels(world) == ["voided", "bought"]
    assert world.unfinished() == []
    keys = world.rows("SELECT key, state FROM intentions WHERE kind = 'void_label' ORDER BY id")
    assert [(row.key, row.state) for row in keys] == [
        (f"void/{label.id}/1", "succeeded"), (f"void/{label.id}/2", "succeeded"),
    ]  # fmt: skip


def test_a_refund_that_is_refused_four_times_is_lost_and_a_person_is_told(world: World):
    world.open_shop()
    shipped(world, ("BAG", 1))
    (old,) = codes(world)
    relabel(world, *parcels(world))
    world.settle()

    waits = []
    for _ in range(4):
        settle_refund(world, old, "rejected")
        hurry_voids(world)  # it looks, and sees the no
        waits += [round(job.wait_s / 3600) for job in world.unfinished() if job.state == "due"]
        hurry_voids(world)  # it asks again

    (label,) = world.rows("SELECT * FROM labels WHERE attempt = 1")
    assert (label.state, label.void_refusals) == ("spent", 4)
    assert waits == [1, 24, 72]
    assert len(effects(world, "shipment.refund")) == 4
    (job,) = world.rows("SELECT * FROM jobs WHERE state = 'parked'")
    assert (job.kind, job.cause) == ("void_label", "void_refused")
    price = f"{label.cost_minor / 100:.2f} USD"
    assert price in job.reason
    lost = f"{price} of label {old} are lost."
    assert len(world.rows("SELECT 1 FROM timeline_entries WHERE sentence = :lost", lost=lost)) == 1
    with world.reading() as session:
        assert desk.retry(session, world.tenant, job.id, by=OLGA)
    world.settle()
    assert len(effects(world, "shipment.refund")) == 4


def test_a_label_that_is_void_already_is_not_asked_for_again(world: World):
    world.open_shop()
    shipped(world, ("BAG", 1))
    (old,) = codes(world)
    give_back_at_the_carrier(world, old)
    before = len(effects(world, "shipment.refund"))

    with world.reading() as session:
        queue.add(session, world.tenant, "void_label", "label/1")
    world.settle()

    assert len(effects(world, "shipment.refund")) == before
    assert labels(world) == ["voided"]
