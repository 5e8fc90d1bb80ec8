"""What a shop needs, and what comes next."""

import pytest

from orders import setting_up
from orders.setting_up import FORMS, Known

ALL_FORMS = dict.fromkeys(FORMS, "2026-11-22T00:00:00+00:00")
PASSED = {
    "ended_at": "2026-11-22T00:00:00+00:00",
    "steps": {"label": {"state": "ok"}, "payments": {"state": "skipped"}},
}
NO_LABEL = PASSED | {"steps": {"label": {"state": "skipped", "sentence": "A label was not bought, because you watch."}}}
FAILED = {"ended_at": "2026-11-22T00:00:00+00:00", "steps": {"label": {"state": "failed"}}}


def known(**more):
    return Known(**({"setup": {}, "roles": (), "mode": "shadow", "went_live": False} | more))


@pytest.mark.parametrize(
    ("more", "following"),
    [
        ({}, "locations"),
        ({"setup": {"locations": "x"}}, "parcel"),
        ({"setup": ALL_FORMS}, "carrier"),
        ({"setup": ALL_FORMS, "roles": ["carrier"]}, "self_test"),
        ({"setup": ALL_FORMS | {"self_test": FAILED}, "roles": ["carrier"]}, "self_test"),
        ({"setup": ALL_FORMS | {"self_test": PASSED}, "roles": ["carrier"]}, "live"),
        ({"setup": ALL_FORMS | {"self_test": NO_LABEL}, "roles": ["carrier"]}, "live"),
        ({"setup": ALL_FORMS | {"self_test": PASSED}, "roles": ["carrier"], "mode": "live"}, "live"),
        ({"setup": ALL_FORMS | {"self_test": PASSED}, "roles": ["carrier"], "mode": "live", "went_live": True}, None),
    ],
)
def test_the_next_step_is_the_first_needed_one_that_is_not_done(more, following):
    found = setting_up.progress(known(**more))

    assert (found.next.name if found.next else None) == following
    assert found.complete is (following is None)


def test_what_is_optional_is_neither_needed_nor_counted():
    found = setting_up.progress(known(roles=["payments"]))

    assert (found.done, found.needed) == (0, len(setting_up.STEPS) - 2)


def test_steps_can_be_put_away_only_when_nothing_is_left():
    assert not setting_up.progress(known(setup={"dismissed": "x"})).dismissed


def test_a_test_that_has_not_ended_has_not_passed():
    assert not setting_up.passed({"steps": {}})
    assert not setting_up.passed({})


def test_a_test_that_bought_no_label_proves_too_little_and_says_why():
    found = setting_up.progress(known(setup={"self_test": NO_LABEL}))

    (step,) = [one for one in found.steps if one.step.name == "self_test"]
    assert (step.done, step.not_proved) == (False, "Not proved: A label was not bought, because you watch.")
    assert (setting_up.passed(NO_LABEL), setting_up.nothing_failed(NO_LABEL)) == (False, True)
    assert [setting_up.not_proved(one) for one in (PASSED, FAILED, {})] == ["", "", ""]
