"""Which rate is bought, and why."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest

from integrations.nouns import Money, Rate
from orders.rates import choose
from tests.shop import NOON


def rate(price, days=None, *, carrier="USPS", service="Ground", currency="USD"):
    return Rate(
        remote_id=f"{carrier}-{service}", carrier=carrier, service=service, transit_days=days,
        price=Money(minor=price, currency=currency),
    )  # fmt: skip


SLOW, QUICK, SWIFT, VAGUE = (
    rate(500, 6), rate(900, 3, service="Priority"), rate(2500, 1, carrier="UPS", service="Air"),
    rate(400, service="Media"),
)  # fmt: skip


@pytest.mark.parametrize(
    ("rates", "promised_days", "carriers", "chosen", "sentence", "keeps"),
    [
        pytest.param(
            [SWIFT, SLOW, QUICK], 7, (), SLOW, "USPS Ground for 5.00 USD: cheapest of 3 that arrive in time.", True,
            id="cheapest-of-those-in-time",
        ),
        pytest.param(
            [SWIFT, SLOW, QUICK], 3, (), QUICK,
            "USPS Priority for 9.00 USD: cheapest of 2 that arrive in time; 1 cheaper would be late.", True,
            id="late-ones-are-left-out",
        ),
        pytest.param(
            [SLOW, QUICK], 2, (), QUICK, "USPS Priority for 9.00 USD: the soonest, but later than promised.", False,
            id="the-soonest-where-all-are-late",
        ),
        pytest.param(
            [VAGUE, QUICK], 7, (), QUICK,
            "USPS Priority for 9.00 USD: cheapest of 1 that arrive in time; 1 cheaper would be late.", True,
            id="a-rate-without-days-keeps-no-promise",
        ),
        pytest.param(
            [rate(450, service="Box"), VAGUE], 7, (), VAGUE,
            "USPS Media for 4.00 USD: the cheapest; no carrier says when it arrives.", False, id="no-days-known-at-all",
        ),
        pytest.param(
            [SLOW, VAGUE], None, (), VAGUE, "USPS Media for 4.00 USD: cheapest of 2.", True, id="nothing-was-promised",
        ),
        pytest.param(
            [SLOW, SWIFT], 7, ("UPS", "FedEx"), SWIFT,
            "UPS Air for 25.00 USD: cheapest of 1 that arrive in time.", True,
            id="only-allowed-carriers",
        ),
        pytest.param(
            [rate(100, 2, currency="CAD"), SLOW, QUICK], 7, (), SLOW,
            "USPS Ground for 5.00 USD: cheapest of 2 that arrive in time.", True,
            id="the-currency-that-most-rates-have",
        ),
        pytest.param(
            [rate(100, 2, currency="USD"), rate(900, 2, currency="CAD")], 7, (), rate(900, 2, currency="CAD"),
            "USPS Ground for 9.00 CAD: cheapest of 1 that arrive in time.", True,
            id="a-tie-of-currencies-is-settled-by-name",
        ),
        pytest.param(
            [rate(500, 5), rate(500, 4, service="Plus")], 7, (), rate(500, 4, service="Plus"),
            "USPS Plus for 5.00 USD: cheapest of 2 that arrive in time.", True, id="the-sooner-of-two-equally-cheap",
        ),
        pytest.param(
            [rate(900, 9, carrier="UPS"), rate(800, 9)], 7, (), rate(800, 9),
            "USPS Ground for 8.00 USD: the soonest, but later than promised.", False,
            id="the-cheaper-of-two-equally-late",
        ),
    ],
)  # fmt: skip
def test_a_choice_of_rates_is(rates, promised_days, carriers, chosen, sentence, keeps):
    deliver_by = None if promised_days is None else NOON + timedelta(days=promised_days)

    for order in (rates, list(reversed(rates))):
        choice = choose(order, ships_at=NOON, deliver_by=deliver_by, carriers=carriers)
        assert choice is not None
        assert (choice.rate, choice.sentence, choice.keeps_promise) == (chosen, sentence, keeps)


@pytest.mark.parametrize(("rates", "carriers"), [([], ()), ([SLOW, QUICK], ("DHL",))])
def test_there_is_no_choice_where_no_allowed_carrier_offers_anything(rates, carriers):
    assert choose(rates, ships_at=NOON, deliver_by=None, carriers=carriers) is None


def test_the_promised_day_is_the_one_of_where_it_leaves():
    tokyo = ZoneInfo("Asia/Tokyo")
    placed = datetime(2026, 11, 24, 8, tzinfo=tokyo)
    leaves, promised = placed.replace(hour=0), (placed + timedelta(days=6)).astimezone(UTC)

    assert choose([SLOW, SWIFT], ships_at=leaves, deliver_by=promised).rate == SLOW


def test_days_are_compared_and_not_hours_as_no_carrier_says_any():
    choice = choose([SLOW, SWIFT], ships_at=NOON.replace(hour=20), deliver_by=NOON + timedelta(days=6))

    assert (choice.rate, choice.keeps_promise) == (SLOW, True)
    day_late = choose([SLOW, SWIFT], ships_at=NOON.replace(hour=20), deliver_by=NOON + timedelta(days=5))
    assert (day_late.rate, day_late.keeps_promise) == (SWIFT, True)
