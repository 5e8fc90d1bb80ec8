"""Decides what our records lack beside what a vendor says, and says it in sentences. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from integrations.nouns import (
    ChangedOrder,
    Money,
    OrderSnapshot,
    PaymentFact,
    PaymentStanding,
    PaymentState,
    StoreOrder,
    StoreShipment,
)
from orders import forgetting, placing
from orders import wanted as wanted_now
from orders.by_hand import Spot
from orders.by_hand import asked as asked_by_hand
from orders.store_counts import Units


@dataclass(frozen=True, kw_only=True)
class Difference:
    """One thing that differed, and what was done: what a finding is written from.

    `kind` is `missed` (nobody told us) or `drift` (the two sides say different things); `outcome` is `repaired`,
    `parked` (a person must choose) or `noted`.
    """

    subject: str
    order: int | None
    kind: str
    outcome: str
    sentence: str


# ------------------------------------------------------------------------------------------- why nobody told us


def why(*, told: str, ailing: str, waited: timedelta | None) -> str:
    """Why something is missing, as the middle of a sentence: what is known of its delivery, else of the webhooks.

    `waited` is None where nobody knows when it happened.
    """
    if told == "parked":
        return "its delivery arrived and could not be read, so it is parked"
    if ailing:
        return f"its webhook had not come ({ailing.rstrip('.')})"
    if waited is None:
        return "no webhook had told of it"
    return f"its webhook had not arrived after {spoken(waited)}"


def spoken(wait: timedelta) -> str:
    """`14 minutes`, `3 hours`: the two largest units say more than anybody needs."""
    seconds = max(0, int(wait.total_seconds()))
    for size, word in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= 2 * size or (seconds >= size and size == 60):
            count = seconds // size
            return f"{count} {word}{'' if count == 1 else 's'}"
    return f"{seconds} second{'' if seconds == 1 else 's'}"


# ------------------------------------------------------------------------------------------- orders


@dataclass(frozen=True, kw_only=True)
class KnownOrder:
    """What our records hold of an order; `updated_at` is None where only its id is known."""

    id: int
    state: str
    updated_at: datetime | None
    cancelled_at: datetime | None
    standing: str
    content_digest: str
    looked_at_next: bool
    """It is about to be read from the store anyway."""


def worth_reading(changed: ChangedOrder, known: KnownOrder | None) -> bool:
    """Whether the store has something of an order that we may not have."""
    if known is None or known.updated_at is None or changed.updated_at > known.updated_at:
        return True
    if changed.cancelled_at is not None and known.cancelled_at is None:
        return True
    return changed.standing is not PaymentStanding.UNKNOWN and changed.standing.value != known.standing


def order_lack(snapshot: OrderSnapshot, known: KnownOrder | None) -> str:
    """What we lacked of an order: `unknown`, `cancelled`, `changed`, `standing`, or nothing that anybody looks at."""
    if known is None or known.updated_at is None:
        return "unknown"
    if snapshot.cancelled_at is not None and known.cancelled_at is None:
        return "cancelled"
    if known.content_digest not in {placing.content_digest(snapshot), forgetting.MARK}:
        return "changed"
    return "standing" if snapshot.standing.value != known.standing else ""


def order_sentence(lack: str, snapshot: OrderSnapshot, known: KnownOrder | None, because: str) -> str:
    name = snapshot.name
    match lack:
        case "unknown":
            return f"Order {name} was missing here: {because}. It was read from the store and taken in."
        case "cancelled":
            return f"The store had cancelled order {name}: {because}. The cancellation is followed now."
        case "changed":
            return f"The store had changed order {name}: {because}. Its present version was taken over."
        case _:
            before = (known.standing if known else "unknown").replace("_", " ")
            said = snapshot.standing.value.replace("_", " ")
            return f"The store says that order {name} is {said}, we had {before}: {because}. It was taken over."


def work_lack(
    store: StoreOrder,
    wanted: Mapping[str, int],
    *,
    held: bool,
    places: Mapping[str, int] = MappingProxyType({}),
    by_hand: Mapping[str, Mapping[Spot, int]] = MappingProxyType({}),
) -> str:
    """What the store's routed work says and our plan does not, as the middle of a sentence; empty where they agree.

    `wanted` is units still to be shipped by the store's line ids, `held` whether our order is on hold for the store,
    `places` the store's locations that are ours to hand over at, `by_hand` what of `wanted` waits at them, by spot.
    """
    if not store.routed:
        return ""
    asked = dict(wanted_now.carried(store))
    waiting = asked_by_hand(store, places)
    for line_id, spots in waiting.items():
        asked[line_id] = asked.get(line_id, 0) + sum(spots.values())
    if {line: units for line, units in asked.items() if units} != {line: n for line, n in wanted.items() if n}:
        return f"asks for {sum(asked.values())} units, {sum(wanted.values())} were planned"
    if _some(waiting) != _some(by_hand):
        return "wants units in another way than was planned"
    on_hold = any(line.on_hold for line in store.asked)
    if on_hold == held:
        return ""
    return "has put the work on hold" if on_hold else "has released its hold"


def _some(units: Mapping[str, Mapping[Spot, int]]) -> dict[tuple[str, Spot], int]:
    return {(line, spot): count for line, spots in units.items() for spot, count in spots.items() if count > 0}


# ------------------------------------------------------------------------------------------- shipments


@dataclass(frozen=True, kw_only=True)
class Sent:
    """A shipment that the storefront was told of: its fulfillments there, its numbers, and those it had before."""

    shipment: int
    fulfillments: tuple[str, ...]
    numbers: frozenset[str]
    retired: frozenset[str] = frozenset()


@dataclass(frozen=True, kw_only=True)
class Untold:
    """How the storefront's word on a shipment differs: `taken_back`, `other_number` or `number_missing`."""

    what: str
    numbers: tuple[str, ...] = ()


def shipment_lack(sent: Sent, theirs: Sequence[StoreShipment]) -> Untold | None:
    """What the storefront lacks of a shipment, or has otherwise; None where it says what we say."""
    standing = [one for one in theirs if one.remote_id in sent.fulfillments and one.stands]
    if {one.remote_id for one in standing} != set(sent.fulfillments):
        return Untold(what="taken_back")
    shown = {number for one in standing for number in one.numbers}
    strange = shown - sent.numbers - sent.retired
    if strange:
        # A person wrote it there: it may be the very number that the parcel travels with.
        return Untold(what="other_number", numbers=tuple(sorted(strange)))
    if shown == sent.numbers:
        return None
    return Untold(what="number_missing", numbers=tuple(sorted(sent.numbers - shown)))


# ------------------------------------------------------------------------------------------- stock


def stock_apart(words: str, theirs: Units, ours: Units) -> str:
    """How the store's count of one level differs from ours, but for its full stop."""
    apart = []
    if theirs.on_hand != ours.on_hand:
        apart.append(f"the store counts {theirs.on_hand}, we had {ours.on_hand}")
    if theirs.damaged != ours.damaged:
        apart.append(f"the store has {theirs.damaged} as damaged, we had {ours.damaged}")
    if theirs.safety != ours.safety:
        apart.append(f"the store keeps {theirs.safety} back, we kept {ours.safety}")
    return f"{words}: {'; '.join(apart)}"


def also_untold(units: int) -> str:
    """The end of a sentence, where units that were changed here by hand are yet to be told there."""
    if not units:
        return ""
    return (
        f", and {abs(units)} {'added' if units > 0 else 'taken off'}, as a person here did: the store is told of that"
    )


# ------------------------------------------------------------------------------------------- payments


@dataclass(frozen=True, kw_only=True)
class KnownPayment:
    """A payment's totals as our records hold them, in minor units."""

    state: str
    authorised_minor: int
    captured_minor: int
    refunded_minor: int

    @classmethod
    def of(cls, told: Mapping[str, object]) -> KnownPayment:
        """From the columns of a payment."""
        return cls(
            state=str(told["state"]),
            authorised_minor=int(str(told["authorised_minor"])),
            captured_minor=int(str(told["captured_minor"])),
            refunded_minor=int(str(told["refunded_minor"])),
        )


def payment_lack(before: KnownPayment | None, after: KnownPayment) -> bool:
    """Whether a fact told something new; `after` is what our records would say once they had heard it.

    A payment that was only begun is told by no webhook, so we lack nothing by not knowing it.
    """
    if before is None:
        return after.state not in {PaymentState.PENDING, PaymentState.UNKNOWN}
    return before != after


def payment_sentence(fact: PaymentFact, before: KnownPayment | None, because: str) -> str:
    amount = Money(
        minor=fact.captured_minor or fact.authorised_minor or fact.amount.minor, currency=fact.amount.currency
    )
    now = fact.state.value.replace("_", " ")
    if before is None:
        return f"Payment {fact.remote_id} ({now}, {amount}) was missing here: {because}. It was taken in."
    was = before.state.replace("_", " ")
    return f"Payment {fact.remote_id} is {now} ({amount}), we had {was}: {because}. It was taken over."


# ------------------------------------------------------------------------------------------- parcels and labels


def label_number(reference: str) -> int | None:
    """The id of our label in what a consignment was called (`#1001-7`); None where that is no name of ours."""
    name, _, number = reference.rpartition("-")
    # No row has a number of more digits than a 64-bit id.
    return int(number) if name and number.isascii() and number.isdecimal() and len(number) <= 18 else None
