"""What is sealed with a connection beside the vendor's own secrets, and how one signing secret follows another. Pure.

Sealed with them because it belongs to them (which secret is the previous one, and until when), or because it is a
person's name at the vendor's.
"""

from __future__ import annotations

import secrets as random_secrets
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

Secrets = dict[str, str]

ACCOUNT_NAME = "account_name"
"""What the account's owner calls it."""
NEXT = "next_webhook_secret"
"""What will sign once the vendor has been told, where it takes a secret of ours; the door takes it from now on."""
RENEWAL = "renewal"
"""A signing secret is to be renewed; the token of the wish, which is made once and tried until it is done."""
RENEWAL_FROM = "renewal_from"
"""From when on the vendor may be told of the next secret."""
ONLY_HOOK = "only_hook"
"""The webhook that the new secret belongs to: others at our address are to be dropped."""
PREVIOUS_UNTIL = "previous_until"
"""Until when the previous signing secret is taken."""

# Long enough for every delivery that was signed with it: EasyPost tries for some hours, Stripe signs each try anew.
PREVIOUS_LIVES = timedelta(hours=24)

# How long a web process goes on with the secrets that it read: a rotated one is known everywhere within this time.
DOOR_KEEPS = timedelta(seconds=5)
# A vendor that signed with the next secret sooner would be refused by a door that does not know it yet. Twice as long,
# because clocks differ a little and a read may be under way.
DOORS_KNOW_AFTER = 2 * DOOR_KEEPS


def merged(kept: Mapping[str, str], given: Mapping[str, str], names: Sequence[str], now: datetime) -> Secrets:
    """The secrets after some were given anew. `names` are the vendor's signing secrets, the current one first.

    A current one that is replaced stays good for a day, unless the previous one was given too.
    """
    current, *older = names or ("",)
    changed = bool(kept.get(current)) and given.get(current, kept.get(current)) != kept.get(current)
    if changed and older and older[0] not in given:
        return followed(kept, given[current], names, now) | {name: given[name] for name in given}
    return {**kept, **given}


def followed(kept: Mapping[str, str], secret: str, names: Sequence[str], now: datetime) -> Secrets:
    """Another secret signs from now on; the one before it is taken for a day."""
    current, *older = names
    previous = dict.fromkeys(older[:1], kept.get(current, ""))
    return {**kept, **previous, current: secret, PREVIOUS_UNTIL: (now + PREVIOUS_LIVES).isoformat()}


def renewal_wanted(kept: Mapping[str, str], now: datetime) -> Secrets:
    """With the wish for another signing secret; one that is there already stays, since the vendor may know of it."""
    if RENEWAL in kept:
        return dict(kept)
    begins = (now + DOORS_KNOW_AFTER).isoformat()
    wish = {RENEWAL: random_secrets.token_hex(8), RENEWAL_FROM: begins, NEXT: random_secrets.token_urlsafe(32)}
    return {**kept, **wish}


def renewal_begins(kept: Mapping[str, str]) -> datetime | None:
    """When every door takes the next secret; None where nothing says so."""
    return datetime.fromisoformat(kept[RENEWAL_FROM]) if kept.get(RENEWAL_FROM) else None


def renewed(kept: Mapping[str, str], made: str, hook: str, names: Sequence[str], now: datetime) -> Secrets:
    """The wish is fulfilled: `made` signs where the vendor made one, else the next one of ours; by webhook `hook`."""
    rest = {name: value for name, value in kept.items() if name not in {NEXT, RENEWAL, RENEWAL_FROM, ONLY_HOOK}}
    return followed(rest, made or kept.get(NEXT, ""), names, now) | ({ONLY_HOOK: hook} if hook else {})


def lapsed(kept: Mapping[str, str], names: Sequence[str], now: datetime) -> Secrets:
    """Without a previous signing secret whose day is over."""
    until = kept.get(PREVIOUS_UNTIL, "")
    if not until or datetime.fromisoformat(until) > now:
        return dict(kept)
    return {name: value for name, value in kept.items() if name not in {PREVIOUS_UNTIL, *names[1:2]}}


def last_four(secret: str) -> str:
    """How a key is shown: its end, and nothing of one that is too short to hide the rest."""
    return secret[-4:] if len(secret) >= 12 else ""
