"""A refund that the bank sends back: the buyer waits for money, and nothing ships by itself because it is there again."""

from datetime import UTC, datetime

from jobs import desk
from tests.world import STRIPE_KEY, World


def pay(world: World, name: str, minor: int) -> str:
    wish = {"key": STRIPE_KEY, "amount": minor, "currency": "usd", "metadata": {"order_name": name}}
    return str(world.control("POST", "/stripe/payments", wish)["id"])


def do(world: World, payment: str, deed: str, **wish: object) -> dict:
    return world.control("POST", f"/stripe/payments/{payment}/{deed}", wish)


def standing(world: World) -> list[tuple]:
    return [tuple(row) for row in world.rows("SELECT state, captured_minor, refunded_minor FROM payments")]


def refunded_before_it_shipped(world: World) -> tuple[dict, str]:
    world.open_shop()
    payment = pay(world, "#7001", 1700)
    do(world, payment, "refund")
    world.settle()
    placed = world.place(("BAG", 1), financial_status="pending", name="#7001")
    world.settle()
    assert (standing(world), world.open_holds(placed)) == ([("refunded", 1700, 1700)], ["payment"])
    return placed, payment


def test_a_refund_that_fails_is_no_longer_counted_and_holds_the_order_until_a_person_has_seen_to_it(world: World):
    placed, payment = refunded_before_it_shipped(world)
    refund = do(world, payment, "fail_refund", reason="lost_or_stolen_card")
    world.settle()

    assert standing(world) == [("paid", 1700, 0)]
    assert (world.order(placed).state, world.open_holds(placed)) == ("verified", ["refund_failed"])
    (hold,) = world.rows("SELECT reason, remedy, set_by FROM holds WHERE state = 'open'")
    assert hold.reason == f"Refund {refund['id']} of 17.00 USD failed (lost or stolen card): the buyer did not get it."
    assert "another way" in hold.remedy
    assert hold.set_by == "stripe"
    told = world.rows(
        "SELECT sentence FROM timeline_entries WHERE sentence LIKE '%' || :refund || '%'", refund=refund["id"]
    )
    assert [line.sentence for line in told] == [f"On hold (refund failed): {hold.reason}"]
    assert world.labels_bought() == []

    with world.reading() as session:
        order = world.order(placed).id
        assert desk.release_hold(session, world.tenant, order, "refund_failed", by="person:Olga", now=datetime.now(UTC))
    world.control("POST", "/deliveries/replay", {"times": 2, "vendor": "stripe"})
    world.settle()

    assert standing(world) == [("paid", 1700, 0)]
    assert (world.order(placed).state, world.open_holds(placed)) == ("fulfilled", [])
    assert len(world.labels_bought()) == 1


def test_the_words_of_a_failed_refund_may_come_in_any_order(world: World):
    world.open_shop()
    world.control("POST", "/deliveries/plan", {"paused": True})
    payment = pay(world, "#7002", 2000)
    do(world, payment, "refund", amount=500)
    do(world, payment, "refund", amount=300)
    do(world, payment, "fail_refund")
    world.control("POST", "/deliveries/plan", {"shuffle": True, "seed": 7, "duplicates": 1})
    world.settle()

    assert standing(world) == [("part_refunded", 2000, 500)]


def test_a_refund_in_place_of_the_failed_one_is_counted(world: World):
    world.open_shop()
    payment = pay(world, "#7003", 2000)
    do(world, payment, "refund", amount=500)
    do(world, payment, "fail_refund")
    world.settle()
    assert standing(world) == [("paid", 2000, 0)]

    world.next_second()
    do(world, payment, "refund", amount=500)
    world.settle()

    assert standing(world) == [("part_refunded", 2000, 500)]
