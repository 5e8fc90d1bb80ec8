"""Works out when what is ordered now leaves a place: by its cut-off, handling days, week and holidays. Pure."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from records.routing import Sending

# A place that is closed for longer says so by shipping nothing; without an end the search would have none.
_LOOK_AHEAD_DAYS = 400


def leaves_on(ordered_at: datetime, sending: Sending) -> date | None:
    """The day, of the place's own calendar, on which it is handed to a carrier; None where it is never open."""
    there = ordered_at.astimezone(ZoneInfo(sending.time_zone))
    day = there.date()
    if sending.cut_off is not None and there.time() >= sending.cut_off:
        day += timedelta(days=1)
    left = sending.handling_days
    for _ in range(_LOOK_AHEAD_DAYS):
        if _is_open(day, sending):
            if left == 0:
                return day
            left -= 1
        day += timedelta(days=1)
    return None


def day_began(now: datetime, sending: Sending) -> datetime:
    """When the place's own day began, in UTC."""
    zone = ZoneInfo(sending.time_zone)
    return datetime.combine(now.astimezone(zone).date(), time(), tzinfo=zone).astimezone(UTC)


def _is_open(day: date, sending: Sending) -> bool:
    return day.weekday() in sending.working_days and day not in sending.closed_on
