"""An order that must not ship waits with a reason, and goes on when the reason is gone or a person says so."""

from datetime import UTC, datetime

from jobs import desk
from tests.world import BUYER, World

LOST = BUYER | {"address1": "1 UNDELIVERABLE Way"}


def release(world: World, placed: dict, kind: str) -> None:
    with world.reading() as session:
        order = world.order(placed).id
        assert desk.release_hold(session, world.tenant, order, kind, by="person:Olga", now=datetime.now(UTC))


def test_a_bad_address_holds_the_order_before_anything_is_spent(world: World):
    world.open_shop()

    placed = world.place(("BAG", 1), ship_to=LOST)
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("received", ["address"])
    assert world.labels_bought() == []
    assert world.level("BAG", "Reno") == (100, 0)


def test_the_order_goes_on_when_the_address_is_corrected_in_the_store(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), ship_to=LOST)
    world.settle()

    world.control("POST", f"/shopify/orders/{placed['id']}/edit", {"ship_to": BUYER})
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])


def test_a_person_may_ship_to_a_bad_address_all_the_same(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), ship_to=LOST)
    world.settle()

    release(world, placed, "address")
    world.settle()

    assert world.order(placed).state == "fulfilled"
    assert world.rows("SELECT released_by FROM holds WHERE kind = 'address'")[0].released_by == "person:Olga"
    assert len(world.labels_bought()) == 1


def test_the_fraud_analysis_holds_the_order(world: World):
    world.open_shop()

    placed = world.place(("BAG", 1), risk="INVESTIGATE")
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("received", ["risk"])
    assert world.labels_bought() == []


def test_a_hold_in_the_store_is_respected_until_it_is_released_there(world: World):
    world.open_shop()

    placed = world.place(("BAG", 1), hold_reason="OTHER")
    world.settle()

    assert (world.order(placed).state, world.open_holds(placed)) == ("received", ["storefront"])
    assert world.labels_bought() == []


def test_a_person_can_hold_an_order_and_let_it_go_on(world: World):
    world.open_shop()
    placed = world.place(("BAG", 1), financial_status="pending")
    world.settle()
    with world.reading() as session:
        refusal = desk.hold(
            session, world.tenant, world.order(placed).id, reason="waits for a gift note", by="person:Olga"
        )
        assert refusal == ""

    world.control("POST", f"/shopify/orders/{placed['id']}/pay", {})
    world.settle()
    assert (world.order(placed).state, world.open_holds(placed)) == ("verified", ["operator"])
    assert world.labels_bought() == []
    release(world, placed, "operator")
    world.settle()

    assert world.order(placed).state == "fulfilled"
