"""Says which of a merchant's own couriers would bring a box, at what price and how soon. Pure.

Whoever covers the buyer may be chosen by a person; the nearest of them is one more rate beside the carriers'. A courier
starts where they fetch, so all who fetch at one location are equally near to its buyer: the price tells them apart.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from integrations.nouns import Address, Consignment, Money, Rate
from orders import distance
from records.couriers import Courier, Couriered

SERVICE = "courier"
_MARK = "courier/"


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """Where something leaves, and when: `on` is the day of the location's own calendar, None where nobody knows."""

    location: int
    on: date | None
    zone: str
    now: datetime


def offered(couriers: Iterable[Courier], box: Consignment, leaving: Leaving) -> tuple[Rate, ...]:
    """The couriers who would bring this box, as rates. None where nobody knows how far it is, or it leaves the country.

    Who declares goods at a border is a carrier.
    """
    km = distance.exactly(box.sender, box.recipient)
    if km is None or box.customs is not None:
        return ()
    return tuple(
        Rate(
            remote_id=f"{_MARK}{one.id}",
            carrier=one.name,
            service=SERVICE,
            price=Money(minor=one.price_minor, currency=one.currency),
            transit_days=days_of(one, leaving),
        )
        for one in couriers
        if covers(one, leaving.location, km=km, grams=box.parcel.weight_grams)
    )


def nearest(offers: Iterable[Rate]) -> tuple[Rate, ...]:
    """Of the couriers offered at one location the one who is weighed beside the carriers: the cheapest, then the first.

    One of each currency, since prices in two cannot be compared, and only the carriers' currency is looked at.
    """
    found: dict[str, Rate] = {}
    for one in sorted(offers, key=lambda one: (one.price.minor, courier_of(one.remote_id) or 0)):
        found.setdefault(one.price.currency, one)
    return tuple(sorted(found.values(), key=lambda one: courier_of(one.remote_id) or 0))


def covers(courier: Courier, location: int, *, km: float, grams: int) -> bool:
    serves = not courier.locations or location in courier.locations
    return courier.ended_at is None and serves and km <= courier.radius_km and grams <= courier.most_grams


def reaches(given: Couriered, start: Address, to: Address) -> bool:
    """Whether they go that far, by what they said when it was given to them."""
    km = distance.exactly(start, to)
    return km is not None and km <= given.radius_km


def days_of(courier: Courier, leaving: Leaving) -> int:
    """Days from when it leaves to the door: one more where it is ready after they have come."""
    there = leaving.now.astimezone(ZoneInfo(leaving.zone))
    leaves_today = leaving.on is None or leaving.on <= there.date()
    missed = courier.cut_off is not None and leaves_today and there.time() >= courier.cut_off
    return courier.days + (1 if missed else 0)


def courier_of(rate_ref: str) -> int | None:
    """The courier that a rate is of; None where it is a carrier's."""
    id = rate_ref.removeprefix(_MARK)
    return int(id) if rate_ref.startswith(_MARK) and id.isdecimal() else None


def given(courier: Courier, *, days: int) -> Couriered:
    """How a shipment remembers its courier."""
    return Couriered(
        id=courier.id,
        name=courier.name,
        phone=courier.phone,
        email=courier.email,
        price_minor=courier.price_minor,
        currency=courier.currency,
        days=days,
        radius_km=courier.radius_km,
    )


@dataclass(frozen=True, kw_only=True)
class Choosable:
    """What decides whether a person may give a shipment to a courier, or take it from one."""

    order: str
    state: str
    way: str
    labels: Sequence[str]
    """The states of its parcels' labels."""
    buying: bool
    """A purchase runs for one of them, or was begun and nobody knows how it ended."""
    taken_back: bool
    """Something of the order is being taken back."""


def why_not(found: Choosable) -> str:
    """Why nobody may choose now who brings a shipment, as a sentence; empty where they may."""
    if found.way != "carried":
        return "No carrier was to bring it, so no courier can either."
    if found.taken_back:
        return "Something of the order is being taken back: wait until that is done."
    if found.order not in {"allocated", "shipping"}:
        return f"The order is {found.order}: nothing of it is given to anybody."
    if found.state != "planned" or "bought" in found.labels:
        return "It is too late: it has its label, or has left. Give the label back first."
    if found.buying:
        return "A label is being bought for it at this moment: wait until that is done."
    return ""
