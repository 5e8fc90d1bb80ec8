"""Why an order waits, and who ended it."""

import pytest

from orders import holds
from orders.holds import Problem
from tests.shop import NOON

ADDRESS = Problem(kind="address", reason="The address lacks city.", remedy="Correct it.")
RISK = Problem(kind="risk", reason="The store's fraud analysis says: cancel.", remedy="Look at it.")


@pytest.fixture
def order(shop):
    return shop.order((None, 1), state="received")


def settle(shop, order, *problems, looked_for=("address", "risk")):
    with shop.transaction() as session:
        open_holds = holds.settle(
            session, shop.tenant, order, problems, looked_for=looked_for, by="packline", now=NOON
        )  # fmt: skip
        return sorted(hold.kind for hold in open_holds)


def release(shop, order, kind, by="person:jo"):
    with shop.transaction() as session:
        return holds.release(session, shop.tenant, order, kind, by=by, now=NOON)


def kept(shop):
    return shop.rows("SELECT kind, state, reason, released_by FROM holds ORDER BY id")


def test_problems_become_holds_and_go_when_they_are_gone(shop, order):
    assert settle(shop, order, ADDRESS, RISK) == ["address", "risk"]
    assert settle(shop, order, RISK) == ["risk"]

    assert kept(shop) == [
        ("address", "released", ADDRESS.reason, "packline"),
        ("risk", "open", RISK.reason, ""),
    ]
    assert shop.story(order) == [
        "On hold (address): The address lacks city.",
        "On hold (risk): The store's fraud analysis says: cancel.",
        "Hold released (address).",
    ]


def test_the_same_problem_again_opens_no_second_hold(shop, order):
    settle(shop, order, ADDRESS)
    settle(shop, order, ADDRESS)

    assert len(kept(shop)) == 1
    assert len(shop.story(order)) == 1


def test_an_open_hold_tells_the_reason_of_now(shop, order):
    settle(shop, order, ADDRESS)
    settle(shop, order, Problem(kind="address", reason="The address lacks street.", remedy="Write it down."))

    assert shop.rows("SELECT state, reason, remedy FROM holds") == [
        ("open", "The address lacks street.", "Write it down.")
    ]
    assert shop.story(order)[1:] == ["On hold (address): The address lacks street."]


def test_only_the_opening_is_answered_as_opened(shop, order):
    with shop.transaction() as session:
        assert holds.place(session, shop.tenant, order, ADDRESS, by="packline")
        assert not holds.place(session, shop.tenant, order, ADDRESS, by="packline")
        assert not holds.place(
            session, shop.tenant, order, Problem(kind="address", reason="x", remedy="y"), by="packline"
        )


def test_a_hold_opens_however_many_this_connection_has_opened(shop):
    """psycopg prepares a statement at its sixth use, PostgreSQL plans it for any value some uses later."""
    orders = [shop.order((None, 1)) for _ in range(15)]

    with shop.transaction() as session:
        opened = [holds.place(session, shop.tenant, order, ADDRESS, by="packline") for order in orders]

    assert opened == [True] * 15


def test_holds_that_were_not_looked_for_stay(shop, order):
    with shop.transaction() as session:
        holds.place(
            session, shop.tenant, order, Problem(kind="operator", reason="wait", remedy="release"), by="person:jo"
        )

    assert settle(shop, order) == ["operator"]


def test_what_a_person_released_stays_released_while_the_reason_is_the_same(shop, order):
    settle(shop, order, ADDRESS)
    assert release(shop, order, "address") is True

    assert settle(shop, order, ADDRESS) == []
    assert kept(shop) == [("address", "released", ADDRESS.reason, "person:jo")]


def test_another_reason_holds_again(shop, order):
    settle(shop, order, ADDRESS)
    release(shop, order, "address")

    assert settle(shop, order, Problem(kind="address", reason="The address lacks street.", remedy="")) == ["address"]


def test_what_packline_released_itself_holds_again_when_the_problem_is_back(shop, order):
    settle(shop, order, ADDRESS)
    settle(shop, order)

    assert settle(shop, order, ADDRESS) == ["address"]


def test_a_hold_that_is_not_there_cannot_be_released(shop, order):
    assert release(shop, order, "address") is False
    settle(shop, order, ADDRESS)
    assert release(shop, order, "risk") is False
    assert release(shop, order, "address") is True
    assert release(shop, order, "address") is False


def test_only_a_person_s_release_overrules(shop, order):
    with shop.transaction() as session:
        assert not holds.overruled(session, shop.tenant, order, "address")
    settle(shop, order, ADDRESS)
    release(shop, order, "address", by="packline")
    with shop.transaction() as session:
        assert not holds.overruled(session, shop.tenant, order, "address")
    settle(shop, order, ADDRESS)
    release(shop, order, "address")
    with shop.transaction() as session:
        assert holds.overruled(session, shop.tenant, order, "address")
        assert not holds.overruled(session, shop.tenant, order, "risk")


def test_every_hold_but_stock_keeps_labels_from_being_bought(shop, order):
    with shop.transaction() as session:
        for kind in ("stock", "risk", "dispute"):
            holds.place(session, shop.tenant, order, Problem(kind=kind, reason="r", remedy="m"), by="packline")
    release(shop, order, "dispute")

    with shop.transaction() as session:
        blocking = holds.blocking_labels(holds.open_holds(session, shop.tenant, order))
        assert [hold.kind for hold in blocking] == ["risk"]
