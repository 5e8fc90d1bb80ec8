"""When a label that the carrier would not take back is asked for again."""

from datetime import timedelta

import pytest

from jobs.void_label import next_try
from tests.shop import NOON

JUST_NOW = timedelta(minutes=1)


@pytest.mark.parametrize(
    ("refusals", "carrier", "age", "hours"),
    [
        (1, "USPS", JUST_NOW, 1),
        (2, "USPS", JUST_NOW, 24),
        (3, "USPS", JUST_NOW, 72),
        (4, "USPS", JUST_NOW, None),
        (9, "USPS", JUST_NOW, None),
        (1, "USPS", timedelta(days=29, hours=23), 1),
        (1, "USPS", timedelta(days=29, hours=23, minutes=1), None),
        (3, "USPS", timedelta(days=28), None),
        (3, "UPS", timedelta(days=28), 72),
        (1, "UPS", timedelta(days=90), None),
        (1, "", timedelta(days=89), 1),
    ],
)
def test_a_no_is_asked_again_with_growing_patience_while_the_carrier_takes_labels_back(refusals, carrier, age, hours):
    at = next_try(refusals, carrier, NOON - age, NOON)

    assert at == (None if hours is None else NOON + timedelta(hours=hours))
