"""What a week will be asked for: told from the past alone, with the error of having told it so."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders import forecasting
from orders.forecasting import Forecast, TooLittle, forecast, moving_average

STEADY = [4, 6, 4, 6, 4, 6, 4, 6, 4, 6, 4, 6]
histories = st.lists(st.integers(0, 40), min_size=8, max_size=60)


def last(weeks):
    return float(weeks[-1])


def nothing(weeks):
    return 0.0


def told(weeks, models=None) -> Forecast:
    found = forecast(weeks, models or {})
    assert isinstance(found, Forecast)
    return found


def test_the_moving_average_is_of_the_last_eight_weeks():
    assert moving_average([100, 1, 2, 3, 4, 5, 6, 7, 8]) == 4.5
    assert moving_average([3, 6]) == 4.5


def test_a_forecast_says_how_wrong_it_was_beside_the_same_as_last_week():
    found = told(STEADY)

    assert (found.per_week, found.model) == (5.0, "moving_average")
    assert [one.forecast for one in found.tested] == [5, 24 / 5, 5, 34 / 7, 5, 5, 5, 5]
    assert [one.units for one in found.tested] == STEADY[4:]
    assert found.same_mae == 2.0
    assert 0.9 < found.wrong.mae < 1.1
    assert -0.1 < found.wrong.bias < 0


def test_what_grows_is_expected_too_low_and_the_bias_says_so():
    found = told(list(range(0, 40, 2)))

    assert found.wrong.bias == -9.0
    assert (found.wrong.mae, found.wrong.rmse, found.same_mae) == (9.0, 9.0, 2.0)


@pytest.mark.parametrize(
    ("weeks", "why"),
    [
        ([], "0 whole weeks of orders, and it takes 8"),
        ([3], "1 whole week of orders, and it takes 8"),
        ([3] * 7, "7 whole weeks of orders, and it takes 8"),
        ([0, 0, 9, 0, 0, 0, 4, 0, 0], "ordered in 2 of 9 weeks"),
        ([1, *[0] * 24], "ordered in 1 of 25 weeks"),
    ],
)
def test_too_little_is_said_instead_of_a_number(weeks, why):
    found = forecast(weeks, {})

    assert isinstance(found, TooLittle)
    assert why in found.reason


@pytest.mark.parametrize("weeks", [[3] * 8, [1, 0, 0, 2, 0, 0, 0, 1], [1, *[0] * 25], [0] * 8])
def test_what_is_enough_gets_a_number(weeks):
    assert isinstance(forecast(weeks, {}), Forecast)


def test_the_model_that_was_least_wrong_is_taken():
    rising = list(range(1, 30))
    found = told(rising, {"last": last, "nothing": nothing})

    assert (found.model, found.per_week) == ("last", 29.0)
    assert found.tried["last"].rmse == 1.0
    assert found.tried["moving_average"].rmse == 4.5


def test_the_error_that_is_told_is_of_choosing_too():
    """Only after three tested weeks is it known that "last" does better; until then the plain one counts."""
    found = told(list(range(1, 30)), {"last": last})

    assert [one.model for one in found.tested] == ["moving_average"] * 3 + ["last"] * 9
    assert found.wrong.mae == (3 * 4.5 + 9 * 1.0) / 12
    assert found.wrong.mae > found.tried["last"].mae


def test_nothing_is_not_forecast_because_most_weeks_have_none():
    """By plain errors "nothing" would win: it is right in two weeks of three, and the shelf would be empty."""
    now_and_then = [0, 0, 3] * 12
    found = told(now_and_then, {"nothing": nothing})

    assert found.tried["nothing"].mae < found.tried["moving_average"].mae
    assert found.model == "moving_average"


def test_of_equals_the_earlier_one_is_taken():
    assert told([5] * 12, {"last": last}).model == "moving_average"


def test_a_model_that_answers_no_number_is_left_out():
    found = told(STEADY, {"broken": lambda weeks: float("nan"), "below": lambda weeks: -1.0})

    assert set(found.tried) == {"moving_average"}


def test_a_model_that_fails_on_the_last_step_is_left_for_the_plain_one():
    rising = list(range(1, 30))
    found = told(rising, {"last": lambda weeks: float("nan") if len(weeks) == 29 else last(weeks)})

    assert (found.model, found.per_week) == ("moving_average", 25.5)


@given(weeks=histories, data=st.data())
def test_what_comes_later_changes_nothing_of_what_was_said_before(weeks, data):
    at = data.draw(st.integers(0, len(weeks) - 1))
    other = weeks[:at] + data.draw(st.lists(st.integers(0, 99), min_size=len(weeks) - at, max_size=len(weeks) - at))
    one, two = forecast(weeks, {"last": last}), forecast(other, {"last": last})

    if isinstance(one, Forecast) and isinstance(two, Forecast):
        said = [(there.week, there.forecast, there.model) for there in one.tested if there.week <= at]
        assert said == [(there.week, there.forecast, there.model) for there in two.tested if there.week <= at]


def test_no_model_is_ever_shown_the_week_that_it_is_to_tell():
    seen = []

    def watching(weeks):
        seen.append(tuple(weeks))
        return 1.0

    weeks = [random.Random(7).randrange(9) for _ in range(20)]
    told(weeks, {"watching": watching})

    assert seen == [tuple(weeks[:at]) for at in range(8, 21)][: len(seen)]
    assert [len(shown) for shown in seen[:12]] == list(range(8, 20))


@given(weeks=histories)
def test_the_same_history_has_the_same_forecast(weeks):
    models = {"last": last, "nothing": nothing}

    assert forecast(weeks, models) == forecast(list(weeks), dict(models))


@given(weeks=histories)
def test_a_forecast_lies_within_what_was_ever_ordered(weeks):
    found = forecast(weeks, {"last": last})

    if isinstance(found, Forecast):
        assert min(weeks) <= found.per_week <= max(weeks)
        assert found.wrong.rmse >= found.wrong.mae >= abs(found.wrong.bias) - 1e-9


def test_another_history_or_other_models_are_told_apart():
    digests = {
        forecasting.digest(begins, weeks, models)
        for begins in ("2026-01-05", "2026-01-12") for weeks in ([1, 2], [12]) for models in ({}, {"last": last})
    }  # fmt: skip

    assert len(digests) == 8
