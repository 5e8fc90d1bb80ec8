"""Who of a shop's own couriers is offered, and how they are weighed beside carriers."""

from __future__ import annotations

from datetime import UTC, date, datetime, time
from typing import Any

import pytest

from integrations.nouns import Address, Consignment, Customs, Money, Parcel, Rate
from orders import couriers, distance, rates
from orders.courier_book import read
from orders.couriers import Choosable, Leaving
from records.couriers import Courier

RENO = Address(country="US", postcode="89434", latitude=39.53, longitude=-119.75)
SPARKS = Address(country="US", postcode="89431")
SAN_FRANCISCO = Address(country="US", postcode="94107")
NOWHERE = Address(country="FR", postcode="75001")
TEN_AT_RENO = datetime(2026, 11, 23, 18, tzinfo=UTC)


def courier(**said: Any) -> Courier:
    given = {
        "id": 7, "tenant_id": 1, "name": "Bob's Bikes", "radius_km": 20, "price_minor": 400, "currency": "USD",
        "most_grams": 5_000, "days": 0, "cut_off": None, "locations": [], "ended_at": None,
    }  # fmt: skip
    return Courier(**given | said)


def box(to: Address = SPARKS, grams: int = 900, **more: Any) -> Consignment:
    return Consignment(reference="1", sender=RENO, recipient=to, parcel=Parcel(weight_grams=grams), **more)


def leaving(on: date | None = date(2026, 11, 23), location: int = 3) -> Leaving:
    return Leaving(location=location, on=on, zone="America/Los_Angeles", now=TEN_AT_RENO)


@pytest.mark.parametrize(
    ("said", "to", "grams", "offered"),
    [
        pytest.param({}, SPARKS, 900, True, id="near-enough"),
        pytest.param({"radius_km": 1}, SPARKS, 900, False, id="just-too-far"),
        pytest.param({}, SAN_FRANCISCO, 900, False, id="another-town"),
        pytest.param({"radius_km": 400}, SAN_FRANCISCO, 900, True, id="who-goes-far"),
        pytest.param({"radius_km": 1_000}, NOWHERE, 900, False, id="nobody-knows-how-far"),
        pytest.param({}, SPARKS, 5_000, True, id="as-heavy-as-they-take"),
        pytest.param({}, SPARKS, 5_001, False, id="too-heavy"),
        pytest.param({"locations": [3, 4]}, SPARKS, 900, True, id="from-this-location"),
        pytest.param({"locations": [4]}, SPARKS, 900, False, id="from-another-location"),
        pytest.param({"ended_at": TEN_AT_RENO}, SPARKS, 900, False, id="on-the-list-no-more"),
    ],
)
def test_who_is_offered(said: dict[str, Any], to: Address, grams: int, offered: bool) -> None:
    found = couriers.offered([courier(**said)], box(to, grams), leaving())
    assert [rate.remote_id for rate in found] == (["courier/7"] if offered else [])


@pytest.mark.parametrize(
    ("of", "nearest"),
    [
        pytest.param([{"id": 7}, {"id": 8, "price_minor": 399}], [8], id="equally-near-so-by-price"),
        pytest.param([{"id": 8}, {"id": 7}], [7], id="and-price-so-by-id"),
        pytest.param([{"id": 7}, {"id": 8, "price_minor": 1, "radius_km": 1}], [7], id="only-of-those-who-cover"),
        pytest.param(
            [{"id": 7}, {"id": 8, "price_minor": 1, "currency": "JPY"}], [7, 8], id="no-currency-hides-another"
        ),
        pytest.param([], [], id="nobody"),
    ],
)
def test_of_those_who_cover_the_buyer_the_nearest_is_one_more_rate(
    of: list[dict[str, Any]], nearest: list[int]
) -> None:
    found = couriers.nearest(couriers.offered([courier(**said) for said in of], box(), leaving()))
    assert [couriers.courier_of(rate.remote_id) for rate in found] == nearest


def test_what_needs_a_declaration_goes_with_a_carrier() -> None:
    assert couriers.offered([courier()], box(customs=Customs(lines=(), signer="Ann")), leaving()) == ()


@pytest.mark.parametrize(
    ("cut_off", "on", "days"),
    [
        (None, date(2026, 11, 23), 0),
        (time(10, 1), date(2026, 11, 23), 0),
        (time(10), date(2026, 11, 23), 1),
        (time(9), None, 1),
        (time(9), date(2026, 11, 24), 0),
    ],
)
def test_what_is_ready_after_the_cut_off_takes_a_day_more(cut_off: time | None, on: date | None, days: int) -> None:
    assert couriers.days_of(courier(cut_off=cut_off), leaving(on)) == days


def test_a_distance_is_as_exact_as_the_addresses_and_never_guessed() -> None:
    assert distance.exactly(RENO, SPARKS) == pytest.approx(1.98, abs=0.01)
    assert distance.exactly(RENO, NOWHERE) is None


def usps(minor: int, days: int, currency: str = "USD") -> Rate:
    price = Money(minor=minor, currency=currency)
    return Rate(remote_id="r1", carrier="USPS", service="Ground", price=price, transit_days=days)


BOB = Rate(
    remote_id="courier/7", carrier="Bob's Bikes", service="courier", price=Money(minor=400, currency="USD"),
    transit_days=2,
)  # fmt: skip


@pytest.mark.parametrize(
    ("theirs", "days", "allowed", "wins"),
    [
        pytest.param([usps(500, 1)], 5, (), BOB, id="cheaper"),
        pytest.param([usps(300, 1)], 5, (), None, id="dearer"),
        pytest.param([usps(500, 1)], 1, (), None, id="cheaper-but-late"),
        pytest.param([usps(300, 9)], 3, (), BOB, id="dearer-but-in-time"),
        pytest.param([usps(500, 1)], 5, ("USPS",), BOB, id="a-list-of-carriers-is-of-carriers"),
        pytest.param([], 5, (), BOB, id="no-carrier-goes-there"),
        pytest.param([usps(900, 1, "CAD")], 5, (), None, id="another-currency-cannot-be-compared"),
    ],
)
def test_a_courier_is_one_more_rate(theirs: list[Rate], days: int, allowed: tuple[str, ...], wins: Rate | None) -> None:
    by = datetime(2026, 11, 23 + days, 18, tzinfo=UTC)
    choice = rates.choose(theirs, ships_at=TEN_AT_RENO, deliver_by=by, carriers=allowed, couriers=[BOB])
    assert choice is not None
    assert choice.rate == (wins or theirs[0])


@pytest.mark.parametrize(
    ("said", "why"),
    [
        ({}, ""),
        ({"way": "collected"}, "No carrier was to bring it, so no courier can either."),
        ({"taken_back": True}, "Something of the order is being taken back: wait until that is done."),
        ({"order": "cancelled"}, "The order is cancelled: nothing of it is given to anybody."),
        ({"labels": ("bought",)}, "It is too late: it has its label, or has left. Give the label back first."),
        ({"state": "handed_over"}, "It is too late: it has its label, or has left. Give the label back first."),
        ({"buying": True}, "A label is being bought for it at this moment: wait until that is done."),
    ],
)
def test_who_brings_it_may_be_chosen_until_it_has_its_label(said: dict[str, Any], why: str) -> None:
    found = {"order": "allocated", "state": "planned", "way": "carried", "labels": (), "buying": False}
    assert couriers.why_not(Choosable(**{"taken_back": False} | found | said)) == why


TYPED = {
    "name": "Bob", "phone": "555", "email": "", "radius_km": "10", "price": "4.50", "currency": "usd",
    "most_grams": "5000", "days": "1", "cut_off": "14:30",
}  # fmt: skip


def test_what_is_typed_becomes_minor_units_and_a_time() -> None:
    said, wrong = read(TYPED, [3, 3], known=[3, 4])
    assert (wrong, said["price_minor"], said["currency"], said["cut_off"], said["locations"]) == (
        {}, 450, "USD", time(14, 30), [3],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("name", ""), ("phone", ""), ("email", "not one"), ("radius_km", "0"), ("radius_km", "ten"), ("price", "-1"),
        ("price", ""), ("price", "4.555"), ("currency", "dollars"), ("most_grams", "0"), ("days", "31"),
        ("cut_off", "25:00"),
    ],
)  # fmt: skip
def test_what_is_typed_wrong_is_told_beside_its_field(field: str, text: str) -> None:
    _, wrong = read(TYPED | {field: text}, [], known=[])
    assert list(wrong) == [field]


def test_a_location_of_another_shop_is_none() -> None:
    assert list(read(TYPED, [9], known=[3])[1]) == ["locations"]
