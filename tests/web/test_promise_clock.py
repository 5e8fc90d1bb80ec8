"""How an order stands to what was promised of it, in few words: every case from a table."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta

import pytest
from babel import Locale

from records.orders import Order
from records.shipments import Parcel
from web.show import promised

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SOON, GONE = NOW + timedelta(days=6), NOW - timedelta(hours=2)
THU = date(2026, 11, 26)


def parcel(delivered_at: datetime | None) -> Parcel:
    return Parcel(tracking_code="1Z", delivered_at=delivered_at)


@pytest.mark.parametrize(
    ("state", "promise", "parcels", "told"),
    [
        ("fulfilled", {"deliver_by": SOON}, [parcel(GONE)], ("Delivered", GONE, None)),
        ("closed", {"deliver_by": SOON}, [parcel(GONE), parcel(NOW)], ("Delivered", NOW, None)),
        ("fulfilled", {"deliver_by": GONE}, [parcel(NOW)], ("Delivered late", NOW, None)),
        ("fulfilled", {"deliver_by": SOON, "arrives_on": THU}, [parcel(GONE), parcel(None)], ("Arrives by", None, THU)),
        ("fulfilled", {"deliver_by": SOON}, [parcel(None)], None),
        ("allocated", {"deliver_by": GONE, "arrives_on": THU}, [], ("Late: promised", GONE, None)),
        ("shipping", {"deliver_by": SOON, "ship_by": GONE}, [], ("Late: should have left", GONE, None)),
        ("fulfilled", {"deliver_by": GONE, "arrives_on": THU}, [], ("Will be late: arrives by", None, THU)),
        ("allocated", {"deliver_by": SOON, "ship_by": SOON, "arrives_on": THU}, [], ("Arrives by", None, THU)),
        ("released", {"deliver_by": SOON}, [], ("Promised by", None, SOON.date())),
        ("cancelled", {"deliver_by": GONE, "arrives_on": THU}, [], None),
        ("received", {}, [], None),
    ],
)
def test_an_order_stands_so_to_its_promise(state, promise, parcels, told):
    found = promised.clock(Order(state=state, **promise), parcels, now=NOW)
    assert (None if found is None else (found.word, found.at, found.on)) == told


@pytest.mark.parametrize(
    ("locale", "told"),
    [
        ("en_US", "Mon, Nov 23, 4:00\u202fPM PST"),
        ("de", "Mo., 23. Nov., 16:00 -0800"),
    ],
)
def test_when_it_leaves_is_told_in_the_place_s_time_and_the_reader_s_words(locale, told):
    four = datetime(2026, 11, 24, 0, tzinfo=UTC)
    assert promised.leaving(four, "America/Los_Angeles", Locale.parse(locale)) == told
    night = datetime.combine(THU, time(23, 59, 59), tzinfo=UTC)
    assert promised.leaving(night, "UTC", Locale.parse(locale)) == promised.day(THU, Locale.parse(locale))
