"""Each vendor is slow, busy, broken, cut off after the effect, talks nonsense, or is down for an hour."""

from __future__ import annotations

import time

from drills.field import until
from drills.play import NotShown, Play

_VENDORS = ("shopify", "easypost", "stripe")


def vendors_slow(play: Play) -> int:
    """A vendor that takes seconds for every answer makes orders slow, and nothing else: leases are kept meanwhile."""
    return _under(play, {"kind": "latency", "delay_s": 2.5})


def vendors_busy(play: Play) -> int:
    """A vendor that says 429 and when to come again is asked again then, and not before."""
    return _under(play, {"kind": "429", "retry_after": 2})


def vendors_broken(play: Play) -> int:
    """A vendor that answers 5xx, before or after it did what was asked, is asked what it did."""
    return _under(play, {"kind": "5xx"}, {"kind": "5xx_after"})


def vendors_cut_off_after_the_effect(play: Play) -> int:
    """A connection that breaks after the vendor has acted, or while one waits, leads to adopting, not repeating."""
    return _under(play, {"kind": "cut_after"}, {"kind": "timeout_after", "delay_s": 1.0}, {"kind": "cut"})


def vendors_talk_nonsense(play: Play) -> int:
    """Half an answer, or a web page instead of one, is no answer: the vendor is asked what it did."""
    return _under(play, {"kind": "broken_json"}, {"kind": "html"})


def vendors_down_for_an_hour(play: Play) -> int:
    """All vendors are away for an hour: every job backs off, none is given up, and the hour is the only loss.

    The hour is made to pass by bringing what is due nearer, five minutes at a time.
    """
    play.open_shops(2)
    for vendor in _VENDORS:
        play.fault(vendor=vendor, operation="*", kind="5xx", times=None)
    _place(play)
    play.ground.control("POST", "/deliveries/flush", {"timeout_s": 20})
    for _ in range(12):
        until(lambda: not _due_now(play), within_s=20)
        play.time_passes(300)
    struck = play.faults_taken()
    play.heal()
    play.time_passes(3600)
    return struck


def _under(play: Play, *faults: dict[str, object]) -> int:
    """Each kind of fault strikes each vendor's calls, whichever come first; answers how often it did."""
    play.open_shops(2)
    struck = 0
    for fault in faults:
        for vendor in _VENDORS:
            play.fault(vendor=vendor, operation="*", times=play.size.faults, **fault)
        _place(play)
        until(play.faults_are_used_up, within_s=20 + play.size.away_s)
        struck += play.faults_taken()
        play.heal()
    if struck < len(faults) * play.size.faults:
        raise NotShown(f"only {struck} calls met a fault")
    return struck


def _place(play: Play) -> None:
    """Orders of every shape, and one that is paid at the provider's check-out, so that all three vendors are asked."""
    play.place()
    for shop in play.shops:
        shop.check_out(shop.place(financial_status="pending"))
    time.sleep(1.0)


def _due_now(play: Play) -> int:
    return int(
        play.ground.rows(
            "SELECT count(*) AS n FROM jobs WHERE state = 'running' OR (state = 'due' AND due_at <= now())"
        )[0].n
    )
