"""When to order, and how much: textbook values, what can never be, and a sentence for each case."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orders.replenishing import Points, Position, Terms, advise, cover_days, is_over, points, suggested

USUAL = {"lead_days": 14, "review_days": 7, "service_percent": 95, "order_for_days": 28, "overstock_days": 180}


def terms(**more) -> Terms:
    return Terms(**(USUAL | more))


def there(on_hand: int, **more) -> Position:
    return Position(**({"on_hand": on_hand, "reserved": 0, "damaged": 0} | more))


units = st.integers(0, 5_000_000)
bought = st.builds(
    Terms, lead_days=st.integers(0, 365), review_days=st.integers(0, 90), service_percent=st.integers(50, 99),
    order_for_days=st.integers(1, 365), overstock_days=st.integers(7, 3650), pack_units=st.integers(1, 500),
)  # fmt: skip
positions = st.builds(
    Position, on_hand=st.integers(0, 900), reserved=st.integers(0, 900), damaged=st.integers(0, 100),
    incoming=st.integers(0, 500), waiting=st.integers(0, 300),
)  # fmt: skip


@pytest.mark.parametrize(
    ("per_week", "error", "how", "expected", "safety"),
    [
        # Chopra and Meindl, Supply Chain Management: Lego sets at a retailer, 2,500 a week with a deviation of 500, a
        # lead time of 2 weeks, watched all the time. At 90 % the safety inventory is 906.2, the reorder point 5,906.
        (2_500_000, 500_000, {"review_days": 0, "service_percent": 90}, 5_000, 907),
        # The same, looked at every 4 weeks (periodic review): 1.2816 x 500 x sqrt(2 + 4) = 1,569.5.
        (2_500_000, 500_000, {"review_days": 28, "service_percent": 90}, 15_000, 1_570),
        (2_500_000, 500_000, {"review_days": 0, "service_percent": 50}, 5_000, 0),
        (0, 0, {}, 0, 0),
        (700, 0, {"lead_days": 10, "review_days": 0}, 1, 0),
        (701, 0, {"lead_days": 10, "review_days": 0}, 2, 0),
    ],
)
def test_the_reorder_point_is_what_textbooks_say(per_week, error, how, expected, safety):
    found = points(per_week, error, terms(**how))

    assert found == Points(expected_units=expected, safety_units=safety)
    assert found.reorder_point == expected + safety


@given(per_week=units, error=units, how=bought, more=st.integers(1, 60))
def test_more_lead_time_review_service_demand_or_error_never_lowers_the_reorder_point(per_week, error, how, more):
    least = points(per_week, error, how).reorder_point
    told = {"per_week": per_week, "error": error} | vars(how)

    for name in ("lead_days", "review_days", "service_percent", "per_week", "error"):
        raised = told | {name: min(99, told[name] + more) if name == "service_percent" else told[name] + more}
        other = Terms(**{key: raised[key] for key in vars(how)})
        assert points(raised["per_week"], raised["error"], other).reorder_point >= least, name


@given(position=positions, per_week=units, error=units, how=bought)
def test_what_is_suggested_lifts_over_the_reorder_point_in_whole_packs(position, per_week, error, how):
    point = points(per_week, error, how).reorder_point
    many = suggested(position, point, per_week, how)

    assert many >= 0
    assert many % how.pack_units == 0
    if position.units > point:
        assert many == 0
    elif per_week:
        up_to = point + per_week * how.order_for_days / 7000
        assert up_to <= position.units + many < up_to + how.pack_units + 1


@given(position=positions, per_week=st.one_of(st.none(), units), error=units, how=bought)
def test_every_case_has_a_word_and_only_what_is_enough_is_left_alone(position, per_week, error, how):
    point = points(per_week, error, how).reorder_point if per_week is not None else None
    found = advise(position, per_week, point, how)

    assert found.urgency in {"out", "runs_out", "order", "enough", "over", "unknown"}
    assert found.why or found.urgency == "unknown"
    if found.urgency in {"enough", "over", "unknown"}:
        assert found.suggested_units == 0
    if found.urgency == "order":
        assert found.suggested_units > 0


@pytest.mark.parametrize(
    ("position", "per_week", "urgency", "cover", "many", "why"),
    [
        (there(0), 7000, "out", 0, 59, "Nothing is free, and nothing is incoming."),
        (there(5, reserved=5, incoming=90, due_in_lead=90), 7000, "out", 0, 0, "Nothing is free; 90 are incoming."),
        (there(3, waiting=9), 7000, "out", 0, 65, "Orders wait for 9, and 3 are there or incoming."),
        (there(13), 7000, "runs_out", 13, 46, "Lasts 13 days; an order takes 14 days."),
        (there(9, incoming=60), 7000, "runs_out", 9, 0, "Lasts 9 days; an order takes 14 days."),
        (
            there(9, incoming=4, due_in_lead=4), 7000, "runs_out", 9, 46,
            "Lasts 13 days with the 4 due by then; an order takes 14 days.",
        ),
        (there(25, damaged=3), 7000, "order", 22, 37, "22 free and incoming; the reorder point is 31."),
        (there(31), 7000, "order", 31, 28, "31 free and incoming; the reorder point is 31."),
        (there(32), 7000, "enough", 32, 0, "32 free and incoming; the reorder point is 31."),
        (there(181), 7000, "over", 181, 0, "Lasts 181 days; more than 180 days is too much."),
        (there(2), 0, "over", None, 0, "Nobody ordered any in all the weeks that were counted."),
        (there(0), 0, "enough", None, 0, "0 free and incoming; the reorder point is 0."),
        (there(4), None, "unknown", None, 0, ""),
        (there(1, waiting=3), None, "out", None, 2, "Orders wait for 3, and 1 are there or incoming."),
    ],
)  # fmt: skip
def test_what_to_do_is_said_in_a_sentence(position, per_week, urgency, cover, many, why):
    point = None if per_week is None else 31 if per_week else 0
    found = advise(position, per_week, point, terms())

    assert (found.urgency, found.cover_days, found.suggested_units, found.why) == (urgency, cover, many, why)


def test_a_pack_is_bought_whole():
    assert suggested(there(20), 31, 7000, terms()) == 39
    assert suggested(there(20), 31, 7000, terms(pack_units=12)) == 48
    assert suggested(there(20), 31, 7000, terms(pack_units=39)) == 39


def test_cover_is_in_whole_days_and_of_nothing_there_is_none():
    assert [cover_days(units, 7000) for units in (-3, 0, 1, 30)] == [0, 0, 1, 30]
    assert cover_days(10, 3000) == 23
    assert cover_days(10, 0) is None


def test_too_much_begins_after_the_last_day_that_is_enough():
    assert [is_over(units, 7000, terms()) for units in (0, 180, 181)] == [False, False, True]
    assert [is_over(units, 0, terms()) for units in (0, 1)] == [False, True]


def test_the_merchants_own_safety_units_are_counted_as_there():
    assert not hasattr(there(1), "safety")
    assert Position(on_hand=9, reserved=2, damaged=1, next_due=date(2026, 12, 1), incoming=5, waiting=3).units == 8
