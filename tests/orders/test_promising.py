"""When it leaves and arrives: by the place's clock, week and holidays, and by whose word; every case from a table."""

from __future__ import annotations

from datetime import UTC, date, datetime, time

import pytest
from pydantic import ValidationError

from orders import promised, promising
from orders.promising import Promise
from records.routing import Sending
from records.tenants import Rules

MON, TUE, WED, THU, FRI, SAT, SUN = (date(2026, 11, day) for day in range(23, 30))
NEW_YORK = "America/New_York"


def at(day: date, hour: int, minute: int = 0) -> datetime:
    return datetime.combine(day, time(hour, minute), tzinfo=UTC)


@pytest.mark.parametrize(
    ("ordered", "sending", "leaves"),
    [
        pytest.param(at(MON, 9), {}, MON, id="today"),
        pytest.param(at(SAT, 9), {}, date(2026, 11, 30), id="after-the-weekend"),
        pytest.param(at(SAT, 9), {"working_days": (5,)}, SAT, id="open-on-saturdays"),
        pytest.param(at(MON, 13, 59), {"cut_off": time(14)}, MON, id="a-minute-before-the-cut-off"),
        pytest.param(at(MON, 14), {"cut_off": time(14)}, TUE, id="at-the-cut-off"),
        pytest.param(at(FRI, 15), {"cut_off": time(14)}, date(2026, 11, 30), id="after-friday-s-cut-off"),
        pytest.param(at(MON, 9), {"handling_days": 2}, WED, id="two-days-of-work"),
        pytest.param(at(THU, 9), {"handling_days": 2}, date(2026, 11, 30), id="work-rests-on-the-weekend"),
        pytest.param(at(MON, 9), {"closed_on": (MON, TUE)}, WED, id="holidays"),
        pytest.param(at(TUE, 3), {"time_zone": NEW_YORK}, MON, id="it-is-still-yesterday-there"),
        pytest.param(at(MON, 18), {"time_zone": NEW_YORK, "cut_off": time(14)}, MON, id="one-o-clock-there"),
        pytest.param(at(MON, 9), {"working_days": (0,), "closed_on": tuple(date.fromordinal(day) for day in range(
            MON.toordinal(), MON.toordinal() + 500))}, None, id="never-open"),
    ],
)  # fmt: skip
def test_it_leaves_on(ordered, sending, leaves):
    assert promising.leaves_on(ordered, Sending(**sending)) == leaves


@pytest.mark.parametrize(
    ("making_days", "sending", "leaves"),
    [
        (0, {}, MON),
        (1, {}, TUE),
        (4, {"handling_days": 1}, date(2026, 11, 30)),
        (2, {"closed_on": (TUE,)}, THU),
        (365, {"working_days": (0,)}, date(2033, 11, 21)),
    ],
)
def test_what_is_made_first_leaves_so_many_working_days_later(making_days, sending, leaves):
    assert promising.leaves_on(at(MON, 9), Sending(**sending), making_days=making_days) == leaves


@pytest.mark.parametrize(
    ("leaving", "days", "arrives"), [(MON, 0, MON), (MON, 3, THU), (FRI, 1, SAT), (FRI, 2, date(2026, 11, 30))]
)
def test_a_parcel_that_would_come_on_a_sunday_is_promised_for_monday(leaving, days, arrives):
    assert promising.arrives_on(leaving, days) == arrives


@pytest.mark.parametrize(
    ("sending", "ship_by"),
    [
        ({}, datetime(2026, 11, 23, 23, 59, 59, tzinfo=UTC)),
        ({"carrier_comes_at": time(16)}, at(MON, 16)),
        ({"carrier_comes_at": time(16), "time_zone": NEW_YORK}, at(MON, 21)),
    ],
)
def test_it_has_to_leave_when_the_carrier_comes_or_by_the_day_s_end(sending, ship_by):
    said = promising.of_place(MON, Sending(**sending), days=2, said_by="rule")
    assert said == Promise(ship_by=ship_by, arrives_on=WED, said_by="rule")


def test_where_nobody_can_say_nothing_is_said():
    assert promising.of_place(None, Sending(), days=2, said_by="rule") == promising.NOBODY_CAN_SAY
    unknown = promising.of_place(MON, Sending(), days=None, said_by="rule")
    assert (unknown.arrives_on, unknown.said_by) == (None, "")
    one, other = Promise(ship_by=at(MON, 9), arrives_on=TUE), Promise(ship_by=at(TUE, 9))
    assert promising.together([one, other], [one, other]) == Promise(ship_by=at(MON, 9))


def test_an_order_leaves_with_the_next_of_its_parts_and_arrives_with_the_last():
    left, here, later = (Promise(ship_by=at(day, 9), arrives_on=to) for day, to in ((MON, TUE), (TUE, FRI), (WED, THU)))
    assert promising.together([left, here, later], [here, later]) == Promise(ship_by=at(TUE, 9), arrives_on=FRI)


@pytest.mark.parametrize(
    ("days", "now", "arrives", "said_by"),
    [(1, at(MON, 9), TUE, "rate"), (1, at(THU, 9), FRI, "rate"), (None, at(MON, 9), SAT, "rule")],
    ids=["in-time", "it-should-have-left", "the-carrier-does-not-say"],
)
def test_a_bought_rate_has_the_last_word_on_the_arrival(days, now, arrives, said_by):
    planned = promising.of_place(MON, Sending(), days=5, said_by="rule")
    said = promising.with_a_rate(planned, Sending(), days=days, now=now)
    assert (said.ship_by, said.arrives_on, said.said_by) == (planned.ship_by, arrives, said_by)


def test_the_shop_s_own_days_count_within_the_country_and_abroad():
    rules = Rules(carrier_days=4, carrier_days_abroad=15)
    assert [promising.carrier_days(rules, home="US", to=to) for to in ("US", "DE")] == [4, 15]


def test_a_carrier_s_days_count_from_the_day_on_which_it_leaves():
    assert promising.ships_at(at(FRI, 20), at(MON, 23), "UTC") == at(FRI, 20)
    assert promising.ships_at(at(FRI, 20), None, "UTC") == at(FRI, 20)
    assert promising.ships_at(at(MON, 20), at(WED, 17), "UTC") == at(WED, 0)


@pytest.mark.parametrize(
    ("now", "ship_by", "zone", "day"),
    [
        pytest.param(at(MON, 18), at(WED, 7, 59), "America/Los_Angeles", TUE, id="the-day-s-end-on-the-coast"),
        pytest.param(at(TUE, 5), at(TUE, 7, 59), "America/Los_Angeles", MON, id="late-in-the-evening-of-that-day"),
        pytest.param(at(MON, 1), at(MON, 23, 30), "Asia/Tokyo", TUE, id="half-past-eight-in-the-morning-there"),
    ],
)
def test_the_day_on_which_it_leaves_is_its_place_s(now, ship_by, zone, day):
    assert promising.ships_at(now, ship_by, zone).date() == day


def test_a_carrier_that_comes_before_the_cut_off_is_no_calendar():
    with pytest.raises(ValidationError, match="the carrier comes after the cut-off"):
        Sending(cut_off=time(16), carrier_comes_at=time(12))


@pytest.mark.parametrize(
    ("before", "now", "more", "told"),
    [
        pytest.param(
            Promise(), Promise(ship_by=at(MON, 16), arrives_on=THU), {},
            "Promise: ships by Mon 23 Nov 16:00, arrives by Thu 26 Nov (an estimate).", id="first",
        ),
        pytest.param(
            Promise(ship_by=at(MON, 16), arrives_on=THU), Promise(ship_by=at(MON, 16), arrives_on=FRI),
            {"said_by": "rate", "because": "as USPS Priority says"},
            "The promise changed: arrives by Fri 27 Nov instead of Thu 26 Nov, as USPS Priority says.", id="worse",
        ),
        pytest.param(
            Promise(ship_by=at(MON, 16), arrives_on=THU), Promise(ship_by=at(TUE, 16), arrives_on=THU),
            {"because": "because it leaves from Newark"},
            "The promise changed: ships by Tue 24 Nov 16:00 instead of Mon 23 Nov 16:00, because it leaves from "
            "Newark.", id="leaves-later",
        ),
        pytest.param(
            Promise(ship_by=at(MON, 16), arrives_on=THU), Promise(ship_by=at(MON, 16)), {},
            "The promise changed: nobody can say when it arrives, Thu 26 Nov was said before.", id="nobody-can-say",
        ),
        pytest.param(
            Promise(arrives_on=TUE, ship_by=at(MON, 9)), Promise(arrives_on=FRI, ship_by=at(MON, 9)),
            {"said_by": "rate", "deliver_by": at(THU, 9)},
            "The promise changed: arrives by Fri 27 Nov instead of Tue 24 Nov. That is later than was promised with the "
            "order (Thu 26 Nov).", id="later-than-promised",
        ),
        pytest.param(Promise(arrives_on=TUE), Promise(arrives_on=TUE), {}, "", id="the-same"),
        pytest.param(Promise(arrives_on=TUE, ship_by=at(MON, 9)), Promise(arrives_on=TUE), {}, "", id="has-left"),
    ],
)  # fmt: skip
def test_a_promise_and_its_change_are_told(before, now, more, told):
    asked = {"zone": "UTC", "said_by": "rule", "because": "", "deliver_by": None} | more
    assert promised.changed(before, now, **asked) == told


EARLY = Promise(ship_by=datetime(2026, 11, 23, 17, tzinfo=UTC), arrives_on=date(2026, 11, 29), said_by="rule")
LATE = Promise(ship_by=datetime(2026, 11, 25, 17, tzinfo=UTC), arrives_on=date(2026, 11, 27), said_by="quote")
LATER = Promise(ship_by=datetime(2026, 12, 9, 17, tzinfo=UTC))


@pytest.mark.parametrize(
    ("parts", "said"),
    [
        ([EARLY], EARLY),
        ([EARLY, LATE], Promise(ship_by=LATE.ship_by, arrives_on=EARLY.arrives_on, said_by="rule")),
        ([LATE, promising.NOBODY_CAN_SAY, EARLY], promising.NOBODY_CAN_SAY),
        ([LATE, Promise(ship_by=EARLY.ship_by)], Promise(ship_by=LATE.ship_by)),
    ],
)
def test_parts_that_leave_in_one_shipment_leave_and_arrive_with_the_slowest(parts, said):
    assert promising.in_one(parts) == said
    assert promising.in_one(reversed(parts)) == said


@pytest.mark.parametrize(
    ("planned", "more", "ready", "delayed"),
    [
        (EARLY, LATE, EARLY, True),
        (EARLY, EARLY, EARLY, False),
        (LATE, EARLY, EARLY, False),
        (EARLY, LATE, LATE, False),
        (EARLY, LATER, LATE, True),
        (EARLY, promising.NOBODY_CAN_SAY, EARLY, True),
        (promising.NOBODY_CAN_SAY, LATE, EARLY, False),
        (EARLY, LATE, promising.NOBODY_CAN_SAY, False),
    ],
    ids=["later", "with it", "sooner", "it is late, and no later", "it is late, and days later still", "nobody knows",
         "it was not said", "the place is closed for good"],
)  # fmt: skip
def test_what_is_added_delays_what_is_planned_only_where_that_could_still_leave_sooner(planned, more, ready, delayed):
    assert promising.delays(planned, more, ready=ready) is delayed


def test_what_lies_ready_leaves_on_the_next_day_that_is_open():
    friday_evening = datetime(2026, 11, 27, 23, tzinfo=UTC)
    sending = Sending(time_zone="UTC", cut_off=time(14), carrier_comes_at=time(17))

    assert promising.soonest(friday_evening, sending) == Promise(ship_by=datetime(2026, 11, 30, 17, tzinfo=UTC))
