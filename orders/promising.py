"""Works out when what is ordered leaves a place, and arrives: by its cut-off, its week and the carrier's days. Pure.

Days of a place are days of its own calendar. What a carrier says are days from the one on which it leaves, every day
counted; where nobody was asked, the shop's own number of days is taken, and the promise says that it is an estimate.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from operator import itemgetter
from zoneinfo import ZoneInfo

from records.routing import Sending
from records.tenants import Rules

# A place that is closed for longer says so by shipping nothing; without an end the search would have none.
_LOOK_AHEAD_DAYS = 400
_DAYS_END = time(23, 59, 59)
_SUNDAY = 6
_WEEK = 7


@dataclass(frozen=True, kw_only=True)
class Promise:
    """What can be said of a shipment, or of a whole order: None where nobody can say."""

    ship_by: datetime | None = None
    arrives_on: date | None = None
    said_by: str = ""
    """`rate`, `quote`, `rule`, as at a shipment: whose word the arrival is."""


NOBODY_CAN_SAY = Promise()


def leaves_on(ordered_at: datetime, sending: Sending, *, making_days: int = 0) -> date | None:
    """The day, of the place's own calendar, on which it is handed to a carrier; None where it is never open.

    `making_days` are the working days that what is ordered takes to be made before it is handled.
    """
    there = ordered_at.astimezone(ZoneInfo(sending.time_zone))
    day = there.date()
    if sending.cut_off is not None and there.time() >= sending.cut_off:
        day += timedelta(days=1)
    left = sending.handling_days + making_days
    for _ in range(_LOOK_AHEAD_DAYS + _WEEK * making_days):  # a place may work one day a week
        if _is_open(day, sending):
            if left == 0:
                return day
            left -= 1
        day += timedelta(days=1)
    return None


def next_room_on(full: date, sending: Sending, planned: Mapping[date, int]) -> date | None:
    """The first open day after a full one on which the place sends more than is planned; None where none is near."""
    ahead = (full + timedelta(days=days) for days in range(1, _LOOK_AHEAD_DAYS))
    return next((day for day in ahead if _is_open(day, sending) and _has_room(planned.get(day, 0), sending)), None)


def _has_room(planned: int, sending: Sending) -> bool:
    return sending.shipments_a_day is None or planned < sending.shipments_a_day


def day_began(day: date, sending: Sending) -> datetime:
    """When a day of the place's own calendar begins, in UTC."""
    return datetime.combine(day, time(), tzinfo=ZoneInfo(sending.time_zone)).astimezone(UTC)


def day_of(moment: datetime, sending: Sending) -> date:
    """The day of the place's own calendar."""
    return moment.astimezone(ZoneInfo(sending.time_zone)).date()


def of_place(leaving: date | None, sending: Sending, *, days: int | None, said_by: str) -> Promise:
    """What can be said of what leaves a place on a day, and is `days` with a carrier."""
    if leaving is None:
        return NOBODY_CAN_SAY
    arriving = None if days is None else arrives_on(leaving, days)
    return Promise(
        ship_by=_carrier_comes(leaving, sending), arrives_on=arriving, said_by="" if arriving is None else said_by
    )


def with_a_rate(planned: Promise, sending: Sending, *, days: int | None, now: datetime) -> Promise:
    """The promise once a rate is bought. What should have left by now leaves now; who says no days changes nothing."""
    if days is None or planned.ship_by is None:
        return planned
    zone = ZoneInfo(sending.time_zone)
    leaving = max(planned.ship_by.astimezone(zone).date(), now.astimezone(zone).date())
    return Promise(ship_by=planned.ship_by, arrives_on=arrives_on(leaving, days), said_by="rate")


def arrives_on(leaving: date, days: int) -> date:
    """Nobody is at the door of a shop on a Sunday, and few carriers are at any: the day after is promised."""
    day = leaving + timedelta(days=days)
    return day + timedelta(days=1) if day.weekday() == _SUNDAY else day


def carrier_days(rules: Rules, *, home: str, to: str) -> int:
    """Days with a carrier by the shop's own rule, from country to country."""
    return rules.carrier_days if home == to else rules.carrier_days_abroad


def ships_at(now: datetime, ship_by: datetime | None, zone: str) -> datetime:
    """From when a carrier's days count, by the place's calendar: now, or when the day begins on which it leaves."""
    there = now.astimezone(ZoneInfo(zone))
    if ship_by is None:
        return there
    return max(there, datetime.combine(ship_by.astimezone(ZoneInfo(zone)).date(), time(), tzinfo=ZoneInfo(zone)))


def together(parts: Iterable[Promise], open_parts: Iterable[Promise]) -> Promise:
    """What can be said of an order: the next departure of what is still here, and the last arrival of all of it."""
    arrivals = [part.arrives_on for part in parts]
    known = [day for day in arrivals if day is not None]
    leaving = [part.ship_by for part in open_parts if part.ship_by is not None]
    return Promise(
        ship_by=min(leaving, default=None),
        arrives_on=max(known) if known and len(known) == len(arrivals) else None,
    )


def in_one(parts: Iterable[Promise]) -> Promise:
    """Of parts that leave in one shipment: the latest of each word, and none where nobody can say it of a part."""
    said = list(parts)
    leaving = [one.ship_by for one in said if one.ship_by is not None]
    arriving = [(one.arrives_on, one.said_by) for one in said if one.arrives_on is not None]
    arrives, by = max(arriving, key=itemgetter(0)) if len(arriving) == len(said) else (None, "")
    return Promise(ship_by=max(leaving) if len(leaving) == len(said) else None, arrives_on=arrives, said_by=by)


def soonest(now: datetime, sending: Sending) -> Promise:
    """When what lies ready at a place leaves it from now on."""
    return of_place(leaves_on(now, sending), sending, days=None, said_by="")


def delays(planned: Promise, more: Promise, *, ready: Promise) -> bool:
    """Whether what was to leave would leave later for what is added to it. Pure.

    What is late already leaves when what is `ready` does: a day late is no reason to wait for what is to be made first.
    """
    if planned.ship_by is None or ready.ship_by is None:
        return False
    return more.ship_by is None or more.ship_by > max(planned.ship_by, ready.ship_by)


def is_the_days_end(moment: datetime, zone: str) -> bool:
    """Whether a time of leaving says no more than its day."""
    return moment.astimezone(ZoneInfo(zone)).time() == _DAYS_END


def _is_open(day: date, sending: Sending) -> bool:
    return day.weekday() in sending.working_days and day not in sending.closed_on


def _carrier_comes(day: date, sending: Sending) -> datetime:
    at = sending.carrier_comes_at or _DAYS_END
    return datetime.combine(day, at, tzinfo=ZoneInfo(sending.time_zone)).astimezone(UTC)
