"""Says how an order stands to what was promised of it, in few words, and days as the reader writes them. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from babel import Locale
from babel.dates import format_skeleton, format_time, get_timezone_name

from orders import promising
from records.orders import Order
from records.shipments import Parcel
from web.show import next_step

# A day of the year in which nobody has to be told the year: `Thu, Nov 26`.
_DAY = "MMMEd"
_OUT_OF_THE_HOUSE = ("fulfilled", "closed")


@dataclass(frozen=True, kw_only=True)
class Clock:
    """How it stands. `on` is a day to be named, `at` a moment to be told from now; one of them, or neither."""

    word: str
    tone: str
    icon: str
    at: datetime | None = None
    on: date | None = None


def clock(order: Order, parcels: Sequence[Parcel], *, now: datetime) -> Clock | None:
    """None where nothing was promised and nothing can be said."""
    if order.state in {"cancelling", "cancelled"}:
        return None
    delivered = [parcel.delivered_at for parcel in parcels if parcel.tracking_code]
    if delivered and order.state in _OUT_OF_THE_HOUSE and None not in delivered:
        return _delivered(max(at for at in delivered if at is not None), order.deliver_by)
    if next_step.is_late(order.state, order.deliver_by, order.ship_by, now):
        return _late(order, now)
    if order.arrives_on is not None:
        return _arriving(order.arrives_on, order.deliver_by)
    if order.deliver_by is not None and order.state in next_step.TO_SHIP:
        return Clock(word="Promised by", tone="quiet", icon="clock", on=order.deliver_by.date())
    return None


def day(one: date, locale: Locale) -> str:
    return str(format_skeleton(_DAY, one, locale=locale))


def leaving(moment: datetime, zone: str, locale: Locale) -> str:
    """The day on which something leaves, by its place's own calendar, with the time where one is known."""
    there = moment.astimezone(ZoneInfo(zone))
    if promising.is_the_days_end(moment, zone):
        return day(there.date(), locale)
    at = format_time(there, "short", tzinfo=there.tzinfo, locale=locale)
    return f"{day(there.date(), locale)}, {at} {get_timezone_name(there, 'short', locale=locale)}"


def _delivered(at: datetime, deliver_by: datetime | None) -> Clock:
    if deliver_by is not None and at > deliver_by:
        return Clock(word="Delivered late", tone="warn", icon="alert", at=at)
    return Clock(word="Delivered", tone="good", icon="check-circle", at=at)


def _late(order: Order, now: datetime) -> Clock:
    if order.deliver_by is not None and order.deliver_by < now:
        return Clock(word="Late: promised", tone="bad", icon="alert", at=order.deliver_by)
    return Clock(word="Late: should have left", tone="bad", icon="alert", at=order.ship_by)


def _arriving(arrives_on: date, deliver_by: datetime | None) -> Clock:
    if deliver_by is not None and arrives_on > deliver_by.date():
        return Clock(word="Will be late: arrives by", tone="warn", icon="clock", on=arrives_on)
    return Clock(word="Arrives by", tone="quiet", icon="clock", on=arrives_on)
