"""When an order's money is good enough to ship."""

import pytest

from integrations.nouns import PaymentStanding
from orders.payment import Funds, gate


def funds(*, authorised=0, captured=0, refunded=0, currency="USD", safe=True):
    return Funds(
        currency=currency, authorised_minor=authorised, captured_minor=captured, refunded_minor=refunded, safe=safe
    )


def asked(standing, *payments, ship_when="paid", total_minor=2400):
    return gate(PaymentStanding(standing), payments, total_minor=total_minor, currency="USD", ship_when=ship_when)


@pytest.mark.parametrize(
    ("standing", "ship_when", "passes"),
    [
        ("paid", "paid", True),
        ("part_refunded", "paid", True),
        ("authorised", "paid", False),
        ("authorised", "authorised", True),
        ("paid", "authorised", True),
        ("unpaid", "paid", False),
        ("unpaid", "authorised", False),
        ("part_paid", "paid", False),
        ("unknown", "paid", False),
        ("refunded", "paid", False),
        ("voided", "authorised", False),
        ("expired", "authorised", False),
    ],
)
def test_the_word_of_the_store_lets_an_order_pass(standing, ship_when, passes):
    assert (asked(standing, ship_when=ship_when) is None) is passes


def test_every_standing_has_an_answer_in_the_table_above():
    (table,) = [mark for mark in test_the_word_of_the_store_lets_an_order_pass.pytestmark if mark.name == "parametrize"]

    assert {row[0] for row in table.args[1]} == {standing.value for standing in PaymentStanding}


@pytest.mark.parametrize(
    ("payments", "ship_when", "passes"),
    [
        pytest.param([funds(captured=2400)], "paid", True, id="captured-in-full"),
        pytest.param([funds(captured=2399)], "paid", False, id="one-cent-short"),
        pytest.param([funds(captured=1400), funds(captured=1000)], "paid", True, id="two-payments-together"),
        pytest.param([funds(authorised=2400)], "paid", False, id="authorised-is-not-captured"),
        pytest.param([funds(authorised=2400)], "authorised", True, id="authorised-where-that-is-enough"),
        pytest.param([funds(authorised=2400, captured=2400)], "authorised", True, id="captures-are-not-counted-twice"),
        pytest.param([funds(authorised=1300, captured=1300)], "authorised", False, id="half-is-not-either"),
        pytest.param([funds(captured=2400, refunded=1)], "paid", False, id="refunds-are-taken-off"),
        pytest.param([funds(captured=2400, currency="CAD")], "paid", False, id="another-currency-covers-nothing"),
        pytest.param([funds(captured=2400, safe=False)], "paid", False, id="disputed-money-covers-nothing"),
    ],
)  # fmt: skip
def test_payments_from_elsewhere_cover_an_unpaid_order(payments, ship_when, passes):
    assert (asked("unpaid", *payments, ship_when=ship_when) is None) is passes


def test_money_refunded_in_the_store_is_not_replaced_by_a_payment_from_elsewhere():
    assert asked("refunded", funds(captured=2400)).reason == "The store says that the payment is refunded."


def test_an_order_that_waits_says_how_much_is_missing_and_what_happens_next():
    problem = asked("part_paid", funds(captured=1000))

    assert problem.kind == "payment"
    assert problem.reason == (
        "Not paid in full: the store says part paid, other payments cover 1000 of 2400 minor units of USD."
    )
    assert problem.remedy == "It goes on by itself when the payment arrives; release the hold to ship without it."
    assert asked("unpaid").reason.startswith("Not paid: the store says unpaid, other payments cover 0 of 2400")
