"""Whether a vendor still tells us everything, judged by the webhooks that stand there."""

from datetime import timedelta

import pytest

from integrations.nouns import Hook
from orders import listening
from orders.listening import Place
from tests.shop import NOON

HERE, THERE = "https://pack.example/hooks/stripe/c1", "https://old.example/hooks/stripe/c1"
PLACE = Place(vendor="stripe", tenant=7, address=HERE, topics=("a", "b"))
UNLISTED = Place(vendor="shopify", tenant=7, address=HERE, topics=("a", "b"), unlisted=True)
EVERYTHING = Place(vendor="easypost", tenant=7, address=HERE)


def hook(*topics, at=HERE, id="h1", disabled=False):
    return Hook(remote_id=id, address=at, topics=topics, disabled_at=NOON if disabled else None)


def seen(*topics, at=HERE, id="h1"):
    return {"remote_id": id, "address": at, "topics": list(topics)}


@pytest.mark.parametrize(
    ("place", "hooks", "before", "kinds", "add", "enabled"),
    [
        (PLACE, [hook("a", "b")], [], [], None, 0),
        (PLACE, [hook()], [], [], None, 0),
        (PLACE, [hook("a", "b", at=HERE + "/")], [], [], None, 0),
        (PLACE, [hook("a"), hook("b", id="h2")], [], [], None, 0),
        (PLACE, [], [], ["hook_missing"], None, 0),
        (UNLISTED, [], [], [], None, 0),
        (UNLISTED, [hook("a")], [], [], None, 0),
        (PLACE, [hook("a")], [], ["hook_missing"], None, 0),
        (PLACE, [], [seen("a", "b")], ["hook_vanished"], ("a", "b"), 0),
        (UNLISTED, [], [seen("a")], ["hook_vanished"], ("a",), 0),
        (PLACE, [hook("a")], [seen("a"), seen("b", id="h2")], ["hook_vanished"], ("b",), 0),
        (PLACE, [], [seen()], ["hook_vanished"], ("a", "b"), 0),
        (EVERYTHING, [], [seen()], ["hook_vanished"], (), 0),
        (EVERYTHING, [], [], ["hook_missing"], None, 0),
        (EVERYTHING, [hook()], [], [], None, 0),
        (EVERYTHING, [hook(disabled=True)], [], ["hook_disabled"], None, 1),
        (PLACE, [hook("a", "b", at=THERE)], [seen("a", "b")], ["hook_elsewhere"], None, 0),
        (PLACE, [hook("a", "b", at=THERE)], [], ["hook_elsewhere"], None, 0),
        (PLACE, [hook("a", at="https://other.example/x")], [], ["hook_missing"], None, 0),
        (PLACE, [], [listening.wanted(PLACE)], ["hook_wanted"], ("a", "b"), 0),
    ],
)
def test_the_webhooks_that_stand_are_judged_by_those_that_stood(place, hooks, before, kinds, add, enabled):
    verdict = listening.judge(place, hooks, before)

    assert ([remark.kind for remark in verdict.remarks], verdict.add, len(verdict.enable)) == (kinds, add, enabled)
    assert not any(remark.mended for remark in verdict.remarks)


def test_what_vanished_is_remembered_until_it_stands_again():
    assert listening.as_seen(PLACE, [], [seen("a")]) == [seen("a")]
    assert listening.as_seen(PLACE, [hook("b", id="h2")], [seen("a")]) == [seen("b", id="h2")]
    assert listening.as_seen(PLACE, [hook("b", at=THERE)], []) == []


@pytest.mark.parametrize(("days", "says"), [(None, ""), (8, ""), (6, "ends on"), (-1, "ended on")])
def test_access_that_ends_soon_is_told_a_week_before(days, says):
    remark = listening.expiry(None if days is None else NOON + timedelta(days=days), NOON, vendor="shopify")

    assert (says in remark.sentence and "packline connect shopify" in remark.remedy) if says else remark is None


def test_losses_are_told_by_their_number():
    assert listening.silence(0) is None
    assert listening.silence(3).sentence.startswith("Webhooks are being lost: 3 in the last comparison.")
