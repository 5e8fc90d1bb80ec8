"""What was given by mail ends its order, is paid for and told to the store, whatever holds or changes the rest of it."""

from __future__ import annotations

from datetime import UTC, datetime

from jobs import desk
from orders import forgotten
from orders.reversing import Wish
from records.tenants import Rules
from tests import patient
from tests.giving import given, mails, page_in, paste, sold
from tests.journeys.test_captured import authorise, taken, total_minor
from tests.journeys.test_given_and_over import cancel, change, intentions, order_page, time_is_given
from tests.world import World
from web.queries import buyer_page

WHEN_SHIPPED = Rules(ship_when="authorised", capture_when_shipped=True)
PATIENT = WHEN_SHIPPED.model_copy(update={"minutes_to_change": 60})


def bought(world: World, codes: int) -> dict:
    """A bag and codes, whose money is authorised at the payment provider, worked on as far as it goes."""
    placed = world.place(("BAG", 1), ("GIFT", codes), financial_status="pending")
    authorise(world, placed, total_minor(placed))
    world.settle()
    return placed


def without_the_bag(world: World, placed: dict) -> None:
    (bag,) = world.rows("SELECT id FROM order_lines WHERE sku = 'BAG'")
    cancel(world, placed, {bag.id: 1})


def no_bags(world: World) -> None:
    """The bag waits for stock, and the rest of its order goes on."""
    change(world, "UPDATE stock_levels SET on_hand = 0")


def hold(world: World, placed: dict) -> None:
    with world.reading() as session:
        assert desk.hold(session, world.tenant, world.order(placed).id, reason="Asked twice.", by="person:Olga") == ""


def release(world: World, placed: dict) -> None:
    order = world.order(placed).id
    with world.reading() as session:
        assert desk.release_hold(session, world.tenant, order, "operator", by="person:Olga", now=datetime.now(UTC))
    world.settle()


def store_is_busy(world: World) -> None:
    """The store takes nothing that is delivered for an hour."""
    world.fault(vendor="shopify", kind="429", operation="fulfillmentCreate", times=1, retry_after=3600)


def an_hour_passes(world: World) -> None:
    change(world, "UPDATE jobs SET due_at = now() WHERE kind = 'deliver_digital' AND state = 'due'")
    world.settle()


def test_an_order_whose_code_goes_out_when_its_parcel_was_taken_off_ends_and_is_paid(world: World):
    sold(world, codes=("AAA-111",), rules=PATIENT)
    placed = bought(world, 1)
    without_the_bag(world, placed)
    assert (world.order(placed).state, mails(world), taken(world)) == ("allocated", [], [0])

    time_is_given(world)

    assert (world.order(placed).state, len(mails(world)), world.labels_bought()) == ("closed", 1, [])
    assert taken(world) == [world.order(placed).total_minor]
    assert world.order(placed).total_minor > 0


def test_an_order_whose_codes_are_pasted_when_its_parcel_was_taken_off_ends_and_is_paid(world: World):
    sold(world, codes=("AAA-111",), rules=PATIENT)
    placed = bought(world, 2)
    time_is_given(world)
    without_the_bag(world, placed)
    assert (world.order(placed).state, world.open_holds(placed), mails(world)) == ("allocated", ["digital"], [])

    paste(world, "BBB-222")
    time_is_given(world)  # the store was asked meanwhile, and told when it was placed

    assert (world.order(placed).state, world.open_holds(placed), len(given(world))) == ("closed", [], 2)
    assert taken(world) == [world.order(placed).total_minor]


def test_an_order_of_which_only_the_code_is_left_ends_when_its_hold_is_released(world: World):
    sold(world, codes=("AAA-111",), rules=WHEN_SHIPPED)
    no_bags(world)
    placed = bought(world, 1)
    assert len(mails(world)) == 1
    hold(world, placed)
    without_the_bag(world, placed)
    assert (world.open_holds(placed), taken(world)) == (["operator", "stock"], [0])

    release(world, placed)

    assert (world.order(placed).state, world.open_holds(placed)) == ("closed", [])
    assert taken(world) == [world.order(placed).total_minor]


def test_a_hold_that_opens_before_the_store_is_told_keeps_nothing_from_it(world: World):
    sold(world, codes=("AAA-111",))
    no_bags(world)
    store_is_busy(world)
    placed = world.place(("BAG", 1), ("GIFT", 1))
    world.settle()
    assert (len(mails(world)), world.fulfillments(placed)) == (1, [])
    hold(world, placed)

    an_hour_passes(world)

    assert (len(world.fulfillments(placed)), intentions(world)) == (1, ["succeeded"])
    release(world, placed)
    assert (len(world.fulfillments(placed)), len(mails(world)), len(given(world))) == (1, 1, 1)
    assert world.open_holds(placed) == ["stock"]


def test_a_hold_gives_nothing_until_it_is_released(world: World):
    sold(world)
    no_bags(world)
    paste(world, "AAA-111")
    placed = world.place(("BAG", 1), ("GIFT", 2))
    world.settle()
    hold(world, placed)
    paste(world, "BBB-222")
    world.settle()
    assert (mails(world), given(world)) == ([], [])

    release(world, placed)

    assert (len(mails(world)), len(given(world)), len(world.fulfillments(placed))) == (1, 2, 1)


def test_what_the_store_was_to_be_told_while_a_part_was_taken_back_is_told_afterwards(world: World):
    sold(world, codes=("AAA-111",))
    no_bags(world)
    store_is_busy(world)
    placed = world.place(("BAG", 1), ("GIFT", 1))
    world.settle()
    world.fault(vendor="shopify", kind="429", operation="refundCreate", times=1, retry_after=3600)
    without_the_bag(world, placed)
    an_hour_passes(world)
    assert world.fulfillments(placed) == []
    assert world.rows("SELECT 1 FROM jobs WHERE kind = 'deliver_digital' AND state IN ('due', 'parked')") == []

    world.hurry()
    world.settle()

    assert (world.order(placed).state, len(world.fulfillments(placed)), len(mails(world))) == ("closed", 1, 1)


def test_a_person_has_the_store_told_of_what_a_closed_order_gave(world: World):
    sold(world, codes=("AAA-111",))
    store_is_busy(world)
    placed = world.place(("GIFT", 1))
    world.settle()
    (job,) = world.rows("SELECT id FROM jobs WHERE kind = 'deliver_digital' AND state = 'due'")
    with world.reading() as session:
        assert desk.discard(session, world.tenant, job.id, reason="It was in the way.", by="person:Olga")
    assert (world.order(placed).state, world.fulfillments(placed)) == ("closed", [])

    with world.reading() as session:
        desk.resume(session, world.tenant, world.order(placed).id, by="person:Olga")
    world.settle()

    assert (world.order(placed).state, len(world.fulfillments(placed))) == ("closed", 1)
    assert (len(mails(world)), len(given(world))) == (1, 1)


def test_what_stays_of_an_order_that_goes_on_is_told_though_its_cancelling_found_nothing(world: World):
    sold(world, codes=("AAA-111",))
    store_is_busy(world)
    placed = world.place(("BAG", 1), ("GIFT", 1))
    world.settle()
    # The worker had died before it asked the store, and the parcel has left.
    change(world, "UPDATE intentions SET state = 'intended', ended_at = NULL WHERE kind = 'deliver_digital'")
    (label,) = world.labels_bought()
    world.control("POST", f"/easypost/trackers/{label['tracking_code']}/move", {"status": "in_transit"})
    world.settle()
    change(world, "UPDATE intentions SET keyed_at = keyed_at - interval '1 hour'")
    change(world, "UPDATE jobs SET started_at = started_at - interval '1 hour'")

    with world.reading() as session:
        desk.cancel(session, world.tenant, world.order(placed).id, Wish(purpose="cancel"), by="person:Olga")
    world.settle()

    said = [row.sentence for row in world.rows("SELECT sentence FROM timeline_entries")]
    assert "The store does not show the digital delivery." in said
    assert (world.order(placed).state, intentions(world)) == ("fulfilled", ["succeeded"])
    assert sorted(len(one["tracking"]) for one in world.fulfillments(placed)) == [0, 1]
    assert (len(mails(world)), len(given(world))) == (1, 1)


def test_a_refunded_unit_takes_its_openings_and_leaves_those_of_the_others(world: World):
    sold(world, link=True)
    world.place(("BOOK", 3))
    world.settle()
    page = page_in(mails(world)[0])
    (line,) = world.rows("SELECT id FROM digital_lines")
    change(world, "UPDATE order_lines SET units = 2")

    shown = patient.get(page).text
    opened = [patient.post(f"{page}/open/{line.id}").status_code for _ in range(5)]

    assert ("4 times more" in shown, "2 × " in shown, "taken off" in shown) == (True, True, False)
    assert opened == [303, 303, 303, 303, 410]
    assert "It was opened 4 of 4 times" in patient.get(page).text
    assert world.rows("SELECT openings FROM digital_lines")[0].openings == 4


def test_of_two_deliveries_of_one_line_the_later_one_ends_with_the_refunded_unit(world: World):
    sold(world, link=True)
    world.place(("BOOK", 1))
    world.settle()
    # A second unit was added to the line, and given on its own.
    change(world, "UPDATE order_lines SET units = 2, to_deliver = 2")
    change(world, "UPDATE orders SET state = 'released'")
    change(world, "UPDATE jobs SET state = 'due', due_at = now(), ended_at = NULL WHERE kind = 'deliver_digital'")
    world.settle()
    first, second = (page_in(mail) for mail in mails(world))
    one, other = (row.id for row in world.rows("SELECT id FROM digital_lines ORDER BY id"))
    change(world, "UPDATE order_lines SET units = 1")

    assert patient.post(f"{first}/open/{one}").status_code == 303
    assert patient.post(f"{second}/open/{other}").status_code == 410
    assert "You do not have this any more." in patient.get(second).text
    assert [row.openings for row in world.rows("SELECT openings FROM digital_lines ORDER BY id")] == [1, 0]


def test_the_links_of_a_forgotten_buyer_lead_nowhere(world: World):
    sold(world, codes=("AAA-111",))
    placed = world.place(("BAG", 1), ("GIFT", 1))
    world.settle()
    links = [page_in(mails(world)[0]), order_page(world, placed)]
    assert [patient.get(link).status_code for link in links] == [200, 200]

    with world.reading() as session:
        assert forgotten.forget(session, world.tenant, world.order(placed).id, sentence="The buyer was forgotten.")

    assert [patient.get(link).status_code for link in links] == [404, 404]
    assert world.order(placed).state == "fulfilled"
    with world.reading() as session:
        assert buyer_page.of_order(session, world.order(placed), world.services.links, now=datetime.now(UTC)) is None
