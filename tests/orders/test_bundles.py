"""Bundles: sold as one thing, reserved as what they are put together from, where all of it lies."""

from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from sqlalchemy import insert

from integrations.nouns import Address
from orders import arriving, bundles, inventory, planning, splitting
from orders.bundles import Refused
from orders.inventory import Contended, Holding
from orders.routing import asking, decision
from orders.routing.question import Part, Place, Point, Question, Shelf, Want
from records import tenants
from records.orders import lines_of
from records.shipments import Shipment, ShipmentLine
from tests.orders.test_inventory import LEDGER
from tests.shop import NOON, RENO

BAG, HAT = 1, 2
LEVELS = "SELECT sku, on_hand, reserved FROM stock_levels JOIN variants ON variants.id = variant_id ORDER BY sku"


def bundle(line, units, **parts):
    """`units` of a bundle of so many bags and hats."""
    named = {"bag": BAG, "hat": HAT}
    return Want(
        line=line, variant=None, units=units,
        parts=tuple(Part(variant=named[name], units=each) for name, each in parts.items()),
    )  # fmt: skip


def sent(wants, free, **more):
    """(line, units, place) of what leaves, and what is short, by line."""
    places = tuple(Place(id=id, name=f"Place {id}", at=Point(country="US")) for id in (1, 2))
    shelves = tuple(Shelf(variant=variant, place=place, units=units) for (variant, place), units in free.items())
    decided = decision.decide(
        Question(wants=tuple(wants), to=Point(country="US"), places=places, shelves=shelves, **more)
    )
    taken = [(one.line, one.units, one.place) for one in decided.chosen.takings] if decided.chosen else []
    return taken, dict(decided.short)


@pytest.mark.parametrize(
    ("wants", "free", "leaves", "short"),
    [
        pytest.param(
            [bundle(1, 2, bag=1, hat=2)], {(BAG, 1): 2, (HAT, 1): 4}, [(1, 2, 1)], {}, id="where-all-of-it-lies"
        ),
        pytest.param(
            [bundle(1, 2, bag=1, hat=2)], {(BAG, 1): 9, (HAT, 1): 3}, [(1, 1, 1)], {1: 1}, id="as-many-as-can-be-made"
        ),
        pytest.param(
            [bundle(1, 1, bag=1, hat=1)], {(BAG, 1): 9, (HAT, 2): 9}, [], {1: 1}, id="one-is-never-split-in-two-places"
        ),
        pytest.param(
            [bundle(1, 2, bag=1, hat=1)], {(BAG, 1): 1, (HAT, 1): 1, (BAG, 2): 1, (HAT, 2): 1},
            [(1, 1, 1), (1, 1, 2)], {}, id="two-may-be",
        ),
        pytest.param(
            [bundle(1, 1, bag=2), bundle(2, 1, bag=2, hat=1)], {(BAG, 1): 3, (HAT, 1): 1},
            [(1, 1, 1)], {2: 1}, id="a-part-that-two-of-them-share-is-given-out-once",
        ),
        pytest.param(
            [Want(line=1, variant=BAG, units=2), bundle(2, 1, bag=1)], {(BAG, 1): 2},
            [(1, 2, 1)], {2: 1}, id="also-where-it-is-sold-alone",
        ),
    ],
)  # fmt: skip
def test_a_bundle_leaves(wants, free, leaves, short):
    assert sent(wants, free) == (leaves, short)


@pytest.mark.parametrize(
    ("free", "parts", "made"),
    [
        ({(BAG, 1): 5, (HAT, 1): 4, (BAG, 2): 9}, {BAG: 1, HAT: 2}, {1: 2}),
        ({(BAG, 1): -3, (HAT, 1): 4}, {BAG: 1, HAT: 2}, {}),
        ({}, {BAG: 1}, {}),
    ],
)
def test_as_many_can_be_made_as_the_scarcest_part_allows(free, parts, made):
    assert bundles.can_be_made(free, parts) == made


# ------------------------------------------------------------------------------------------- in the records


@pytest.fixture
def reno(shop):
    return shop.location(RENO)


@pytest.fixture
def kit(shop, reno):
    """A kit of one bag and two hats: 5 bags and 8 hats lie in Reno. Answers (kit, bag, hat)."""
    bag, hat = shop.variant("BAG", stock={reno: 5}), shop.variant("HAT", stock={reno: 8})
    made = shop.variant("KIT", tracked=False)
    with shop.transaction() as session:
        assert bundles.put_in(session, shop.tenant, made, bag, 1) is None
        assert bundles.put_in(session, shop.tenant, made, hat, 2) is None
    return made, bag, hat


def order_of(shop, variant, units):
    """An order of a variant, as the store names it."""
    order = shop.order((None, units))
    shop.run(
        "UPDATE order_lines SET variant_remote_id = (SELECT remote_id FROM variants WHERE id = :v) WHERE order_id = :o",
        v=variant, o=order,
    )  # fmt: skip
    return order


def reserve(shop, order):
    """Decide and reserve as the job does; answers the shipment."""
    with shop.transaction() as session:
        rules = tenants.rules_of(session, shop.tenant)
        wanted = planning.demand(session, shop.tenant, order)
        chosen = planning.decided(
            asking.ask(session, shop.tenant, wanted.wants, Address(country="US"), rules, now=NOON)
        )
        if not chosen.picks:
            return None
        shipment = session.execute(
            insert(Shipment)
            .values(tenant_id=shop.tenant, order_id=order, location_id=chosen.picks[0].location)
            .returning(Shipment.id)
        ).scalar_one()
        session.execute(
            insert(ShipmentLine),
            [
                {"tenant_id": shop.tenant, "shipment_id": shipment, "line_id": pick.line, "units": pick.units}
                for pick in chosen.picks
            ],
        )
        holdings = [Holding(pick=pick, shipment=shipment) for pick in chosen.picks]
        inventory.reserve(session, shop.tenant, order, holdings, actor="test")
    return shipment


def test_what_a_bundle_is_made_of_is_reserved_and_shipped_and_the_ledger_says_so(shop, kit):
    order = order_of(shop, kit[0], 3)
    shipment = reserve(shop, order)

    assert shop.rows(LEVELS) == [("BAG", 5, 3), ("HAT", 8, 6)]
    assert shop.rows('SELECT variant_id, units, "each" FROM reservations ORDER BY variant_id') == [
        (kit[1], 3, 1), (kit[2], 6, 2),
    ]  # fmt: skip
    with shop.transaction() as session:
        assert inventory.consume(session, shop.tenant, order, shipment, actor="test") == 9
    assert shop.rows(LEVELS) == [("BAG", 2, 0), ("HAT", 2, 0)]
    assert shop.rows(LEDGER) == []


def test_a_bundle_that_is_taken_back_gives_all_its_parts_back(shop, kit):
    order = order_of(shop, kit[0], 2)
    reserve(shop, order)
    with shop.transaction() as session:
        inventory.release(session, shop.tenant, order, actor="test")

    assert shop.rows(LEVELS) == [("BAG", 5, 0), ("HAT", 8, 0)]
    assert shop.rows(LEDGER) == []


def test_a_bundle_s_own_stock_does_not_count_and_a_part_that_is_not_counted_is_never_short(shop, reno):
    made = shop.variant("KIT", stock={reno: 50})
    bag, card = shop.variant("BAG", stock={reno: 1}), shop.variant("CARD", tracked=False)
    with shop.transaction() as session:
        bundles.put_in(session, shop.tenant, made, bag, 1)
        bundles.put_in(session, shop.tenant, made, card, 1)

    assert reserve(shop, order_of(shop, made, 1)) is not None
    assert reserve(shop, order_of(shop, made, 1)) is None
    assert shop.rows(LEVELS) == [("BAG", 1, 1), ("KIT", 50, 0)]


def test_a_shipment_of_bundles_is_divided_with_their_parts(shop, kit):
    order = order_of(shop, kit[0], 3)
    shipment = reserve(shop, order)
    with shop.transaction() as session:
        (line,) = lines_of(session, shop.tenant, order)
        whole = session.get_one(Shipment, (shop.tenant, shipment))
        divided = splitting.divide(
            session, shop.tenant, whole, {line.id: 3}, {line.id: 1}, tenants.rules_of(session, shop.tenant)
        )

    held = 'SELECT variant_id, units, "each" FROM reservations WHERE shipment_id = :s ORDER BY variant_id'
    assert shop.rows(held, s=divided.stays) == [(kit[1], 2, 1), (kit[2], 4, 2)]
    assert shop.rows(held, s=divided.apart) == [(kit[1], 1, 1), (kit[2], 2, 2)]
    assert shop.rows(LEVELS) == [("BAG", 5, 3), ("HAT", 8, 6)]


def test_bundles_that_share_a_part_never_promise_it_twice_however_many_want_it_at_once(shop, reno, kit):
    made, bag, _ = kit
    other = shop.variant("PAIR", tracked=False)
    with shop.transaction() as session:
        bundles.put_in(session, shop.tenant, other, bag, 2)
    orders = [order_of(shop, (made, other)[number % 2], 1) for number in range(12)]
    start = Barrier(12)

    def try_it(order):
        start.wait()
        while True:
            try:
                return reserve(shop, order)
            except Contended:
                continue

    with ThreadPoolExecutor(12) as pool:
        shipments = list(pool.map(try_it, orders))

    kits, pairs = (sum(one is not None for one in shipments[start::2]) for start in (0, 1))
    bags_reserved = {sku: reserved for sku, _, reserved in shop.rows(LEVELS)}["BAG"]
    assert bags_reserved == kits + 2 * pairs
    assert bags_reserved in {4, 5}
    assert shop.rows(LEDGER) == []


def test_a_product_page_promises_as_many_bundles_as_can_be_made(shop, kit):
    def why(units):
        with shop.transaction() as session:
            to = Address(country="US", postcode="94107")
            return arriving.say(session, shop.tenant, shop.connection, sku="KIT", units=units, to=to, now=NOON).why

    assert (why(4), why(5)) == ("", "not_in_stock")


# ------------------------------------------------------------------------------------------- what may be in one


@pytest.mark.parametrize(
    ("which", "field", "why"),
    [
        (("kit", "kit", 1), "part", "A bundle cannot have itself in it."),
        (("kit", "bag", 0), "units", "A whole number from 1 to 10,000."),
        (("kit", "gone", 1), "part", "It is not among what this shop sells."),
        (("bag", "hat", 1), "bundle", "BAG is a part of another bundle: take it out there first."),
        (("other", "kit", 1), "part", "KIT is a bundle itself: put its parts in one by one."),
    ],
)
def test_a_bundle_is_made_of_things_that_lie_on_a_shelf(shop, kit, which, field, why):
    named = dict(zip(("kit", "bag", "hat"), kit, strict=True)) | {"other": shop.variant("OTHER"), "gone": 10**9}
    before = shop.rows("SELECT bundle_id, part_id, units FROM bundle_parts ORDER BY 1, 2")

    with shop.transaction() as session:
        refused = bundles.put_in(session, shop.tenant, named[which[0]], named[which[1]], which[2])

    assert refused == Refused(field=field, why=why)
    assert shop.rows("SELECT bundle_id, part_id, units FROM bundle_parts ORDER BY 1, 2") == before


def test_two_people_who_would_make_bundles_of_each_other_make_one(shop):
    one, two = shop.variant("ONE"), shop.variant("TWO")
    start = Barrier(2)

    def put(pair):
        start.wait()
        with shop.transaction() as session:
            return bundles.put_in(session, shop.tenant, *pair, 1)

    for _ in range(5):
        with ThreadPoolExecutor(2) as pool:
            told = list(pool.map(put, [(one, two), (two, one)]))
        assert sum(refused is None for refused in told) == 1
        shop.run("DELETE FROM bundle_parts")


def test_without_its_last_part_it_is_a_thing_like_any_other(shop, reno):
    made, bag = shop.variant("KIT", stock={reno: 1}), shop.variant("BAG", stock={reno: 5})
    with shop.transaction() as session:
        bundles.put_in(session, shop.tenant, made, bag, 1)
        assert bundles.take_out(session, shop.tenant, made, bag)
        assert not bundles.take_out(session, shop.tenant, made, bag)
    order = order_of(shop, made, 1)
    shop.run("UPDATE order_lines SET variant_id = :v WHERE order_id = :o", v=made, o=order)

    reserve(shop, order)

    assert shop.rows(LEVELS) == [("BAG", 5, 0), ("KIT", 1, 1)]
