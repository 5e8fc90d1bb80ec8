"""Judges whether a vendor still tells us everything, from the webhooks that stand there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from integrations.nouns import Hook
from integrations.ports import Checkup

# A token that ends within this time leaves a person a working week to connect again.
_EXPIRES_SOON = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Remark:
    """What is wrong with a connection, and what to do; `mended` where it was put right just now."""

    kind: str
    sentence: str
    remedy: str = ""
    mended: bool = False

    def as_kept(self) -> dict[str, Any]:
        return {"kind": self.kind, "sentence": self.sentence, "remedy": self.remedy, "mended": self.mended}


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where webhooks have to go, and what they have to bring (in the vendor's words; empty for everything)."""

    vendor: str
    tenant: int
    address: str
    topics: tuple[str, ...] = ()
    unlisted: bool = False
    """The vendor has webhooks that it does not list: seeing none proves nothing."""


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What to say of the webhooks, and what to do: have `add` brought (None: nothing) and `enable` those again."""

    remarks: tuple[Remark, ...] = ()
    add: tuple[str, ...] | None = None
    enable: tuple[Hook, ...] = ()


def judge(place: Place, hooks: Sequence[Hook], seen: Sequence[Mapping[str, Any]]) -> Verdict:
    """`seen` are the webhooks of the last look, and those that a person wants, as `as_seen` keeps them."""
    ours = [hook for hook in hooks if _same(hook.address, place.address)]
    disabled = tuple(hook for hook in ours if hook.disabled_at is not None)
    remarks = [_was_disabled(place, hook) for hook in disabled]
    if not _lacks(place.topics, ours):
        return Verdict(remarks=tuple(remarks), enable=disabled)
    before = [one for one in seen if _same(str(one.get("address", "")), place.address)]
    elsewhere = _elsewhere(place, hooks, before)
    if elsewhere is not None and not ours:
        return Verdict(remarks=(*remarks, _points_elsewhere(place, elsewhere)), enable=disabled)
    gone = _gone(place.topics, ours, before)
    if gone is not None:
        remarks.append(_was_gone(place, gone, wanted=any(one.get("wanted") for one in before)))
        return Verdict(remarks=tuple(remarks), add=gone, enable=disabled)
    if not place.unlisted:
        remarks.append(_never_there(place, ours))
    return Verdict(remarks=tuple(remarks), enable=disabled)


def as_seen(place: Place, hooks: Sequence[Hook], seen: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """What to remember: what stands at our address; where nothing does any more, what stood there."""
    ours = [hook for hook in hooks if _same(hook.address, place.address)]
    if not ours:
        return [dict(one) for one in seen]
    return [{"remote_id": hook.remote_id, "address": hook.address, "topics": list(hook.topics)} for hook in ours]


def wanted(place: Place) -> dict[str, Any]:
    """A webhook that a person wants to stand, as it is remembered until it does."""
    return {"remote_id": "", "address": place.address, "topics": list(place.topics), "wanted": True}


def expiry(expires_at: datetime | None, now: datetime, *, vendor: str) -> Remark | None:
    if expires_at is None or expires_at - now > _EXPIRES_SOON:
        return None
    ended = expires_at <= now
    return Remark(
        kind="token",
        sentence=f"The access to {vendor} {'ended' if ended else 'ends'} on {expires_at:%Y-%m-%d %H:%M} UTC.",
        remedy=f"Connect the account again: packline connect {vendor}",
    )


def lacking(account: Checkup) -> list[Remark]:
    """What the account does not let us do."""
    return [Remark(kind=lack.kind, sentence=lack.sentence, remedy=lack.remedy) for lack in account.lacks]


def silence(missed: int) -> Remark | None:
    """`missed` is what the last comparison found that nobody had told us."""
    if not missed:
        return None
    return Remark(
        kind="lost",
        sentence=f"Webhooks are being lost: {missed} in the last comparison. What they told was fetched.",
        remedy="See that PUBLIC_URL is reached from outside and answers 2xx within 5 s; packline doctor.",
    )


def _lacks(topics: Sequence[str], hooks: Sequence[Hook]) -> list[str]:
    """The topics that none of these brings; `*` where everything was to come and nothing does."""
    if not hooks:
        return list(topics) or ["*"]
    if any(not hook.topics for hook in hooks):
        return []
    brought = {topic for hook in hooks for topic in hook.topics}
    return [topic for topic in topics if topic not in brought]


def _gone(topics: Sequence[str], ours: Sequence[Hook], before: Sequence[Mapping[str, Any]]) -> tuple[str, ...] | None:
    """What came to our address at the last look and does not any more; None where nothing has gone."""
    if not before:
        return None
    lacking = _lacks(topics, ours)
    if lacking == ["*"]:
        return ()
    everything = any(not one.get("topics") for one in before)
    had = {topic for one in before for topic in one.get("topics", ())}
    gone = tuple(topic for topic in lacking if everything or topic in had)
    return gone or None


def _elsewhere(place: Place, hooks: Sequence[Hook], before: Sequence[Mapping[str, Any]]) -> Hook | None:
    """A webhook of ours that goes to another address: the one that was here, or one with our very path."""
    known = {one.get("remote_id") for one in before} - {"", None}
    path = urlsplit(place.address).path
    for hook in hooks:
        moved = hook.remote_id in known or urlsplit(hook.address).path == path
        if moved and not _same(hook.address, place.address):
            return hook
    return None


def _same(one: str, other: str) -> bool:
    return one.rstrip("/") == other.rstrip("/")


def _was_disabled(place: Place, hook: Hook) -> Remark:
    since = f" since {hook.disabled_at:%Y-%m-%d %H:%M} UTC" if hook.disabled_at else ""
    return Remark(kind="hook_disabled", sentence=f"The webhook to {place.address} stands disabled{since}.")


def _points_elsewhere(place: Place, hook: Hook) -> Remark:
    return Remark(
        kind="hook_elsewhere",
        sentence=f"The webhook points to {hook.address} and not to {place.address}.",
        remedy=f"Where this installation is the right one, correct PUBLIC_URL, or: {_register(place)}",
    )


def _was_gone(place: Place, topics: Sequence[str], *, wanted: bool) -> Remark:
    what = f" for {', '.join(topics)}" if topics and set(topics) != set(place.topics) else ""
    if wanted:
        return Remark(kind="hook_wanted", sentence=f"A webhook to {place.address} was asked for{what}.")
    return Remark(kind="hook_vanished", sentence=f"The webhook to {place.address}{what} had vanished.")


def _never_there(place: Place, ours: Sequence[Hook]) -> Remark:
    if ours:
        lacking = ", ".join(_lacks(place.topics, ours))
        sentence = f"The webhook to {place.address} does not bring {lacking}."
    else:
        sentence = f"No webhook comes to {place.address}, so that everything is heard of at the next comparison only."
    return Remark(kind="hook_missing", sentence=sentence, remedy=f"Have it made: {_register(place)}")


def _register(place: Place) -> str:
    return f"packline hooks register {place.tenant} --vendor {place.vendor}"
