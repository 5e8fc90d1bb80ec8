"""Changes stock as a person says: corrected, counted, set aside, moved, received. With orders/inventory.py its writer.

The rows are locked first, in the one order (variant, then location); what may become of them is then decided from what
stands there; and one statement writes the levels with the movements that explain them. What is promised to orders
stays: who would take it away is told whose it is.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sqlalchemy import text
from sqlalchemy.orm import Session

from orders import promising_stock as promising
from orders.promising_stock import Level, Promised


@dataclass(frozen=True, kw_only=True)
class Standing:
    """What a level says at one moment, in units."""

    on_hand: int = 0
    reserved: int = 0
    damaged: int = 0
    safety: int = 0

    @property
    def sound(self) -> int:
        """Units that could be sent."""
        return self.on_hand - self.damaged


@dataclass(frozen=True, kw_only=True)
class Change:
    """By how many units one level changes."""

    level: Level
    on_hand: int = 0
    damaged: int = 0
    safety: int = 0
    reason: str = ""

    @property
    def frees(self) -> bool:
        """Whether more may be promised afterwards."""
        return self.on_hand - self.damaged - self.safety > 0


@dataclass(frozen=True, kw_only=True)
class Said:
    """Why it changes: a cause of the ledger's, what it belongs to, who did it (`person:…`)."""

    cause: str
    actor: str
    reference: str = ""
    order: int | None = None
    """Whose units they are, where they are an order's."""


@dataclass(frozen=True, kw_only=True)
class Refused:
    """Nothing was written: why, what it means, and what to do, in whole sentences."""

    reason: str
    promised: tuple[Promised, ...] = ()
    field: str = "units"
    """What of it was typed wrong."""


@dataclass(frozen=True, kw_only=True)
class Written:
    """The movements that were written, by level, none where nothing differed; and whether they free units."""

    movements: Mapping[Level, int] = field(default_factory=dict)
    frees: bool = False


_TOO_MANY = Refused(reason="That is more than a level can count. Nothing was changed: look at the number again.")
_MOST_UNITS = 1_000_000_000


def adjust(
    session: Session, tenant: int, level: Level, units: int, said: Said, *, reason: str, of_damaged: bool = False
) -> Written | Refused:
    """Put `units` more on hand, or fewer where it is less than nothing; `of_damaged` are no longer there as damaged.

    The level begins where there was none.
    """
    damaged = min(0, units) if of_damaged else 0
    return write(session, tenant, [Change(level=level, on_hand=units, damaged=damaged, reason=reason)], said)


def count(
    session: Session, tenant: int, level: Level, units: int, said: Said, *, reason: str, seen: int | None = None
) -> Written | Refused:
    """Set what is on hand, damaged units among it, as somebody counted it.

    Where it is told what they had `seen` there, another number by now is refused: what came or left meanwhile may be
    among the counted units or not.
    """
    now = standing(session, tenant, [level], begin=True)[level]
    if seen is not None and seen != now.on_hand:
        return Refused(
            reason=f"It said {seen:,} when you began to count, and says {now.on_hand:,} now. Nothing was changed: look "
            "at the latest movements, and count again."
        )
    return write(session, tenant, [Change(level=level, on_hand=units - now.on_hand, reason=reason)], said)


def set_aside(
    session: Session, tenant: int, level: Level, said: Said, *, reason: str, damaged: int = 0, safety: int | None = None
) -> Written | Refused:
    """Count so many units more as damaged (fewer, where it is less than nothing); set the safety stock to a number."""
    now = standing(session, tenant, [level], begin=True)[level]
    kept_back = 0 if safety is None else safety - now.safety
    return write(session, tenant, [Change(level=level, damaged=damaged, safety=kept_back, reason=reason)], said)


def move(
    session: Session, tenant: int, variant: int, origin: int, to: int, units: int, said: Said, *, reason: str
) -> Written | Refused:
    """Take units from one location to another: two movements with one reference."""
    changes = [
        Change(level=(variant, origin), on_hand=-units, reason=reason),
        Change(level=(variant, to), on_hand=units, reason=reason),
    ]
    return write(session, tenant, changes, said)


def receive(session: Session, tenant: int, level: Level, units: int, said: Said) -> Written | Refused:
    """Put units on the shelf that came in."""
    return write(session, tenant, [Change(level=level, on_hand=units)], said)


def standing(session: Session, tenant: int, levels: Collection[Level], *, begin: bool = False) -> dict[Level, Standing]:
    """What these levels say, locked until the transaction ends; `begin` makes those that are not there yet."""
    wanted = sorted(set(levels))
    asked = {
        "tenant": tenant,
        "variants": [variant for variant, _ in wanted],
        "places": [place for _, place in wanted],
    }
    if begin:
        session.execute(_BEGIN, asked)
    return {
        (row.variant_id, row.location_id): Standing(
            on_hand=row.on_hand, reserved=row.reserved, damaged=row.damaged, safety=row.safety
        )
        for row in session.execute(_LOCK, asked)
    }


_ASKED = """
WITH asked AS (
    SELECT * FROM unnest(cast(:variants AS bigint[]), cast(:places AS bigint[])) AS a (variant_id, location_id)
)"""
# In a statement of its own: two that begin a level at once meet at one row, and only the second sees the first's units.
_BEGIN = text(
    _ASKED
    + """
INSERT INTO stock_levels (tenant_id, variant_id, location_id)
SELECT :tenant, variant_id, location_id FROM asked ORDER BY variant_id, location_id
ON CONFLICT (tenant_id, variant_id, location_id) DO NOTHING
"""  # nosec B608 # composed of our own constants; every value is bound
)
_LOCK = text(
    _ASKED
    + """
SELECT level.variant_id, level.location_id, level.on_hand, level.reserved, level.damaged, level.safety
FROM stock_levels level JOIN asked USING (variant_id, location_id)
WHERE level.tenant_id = :tenant
ORDER BY level.variant_id, level.location_id
FOR UPDATE OF level
"""  # nosec B608 # composed of our own constants; every value is bound
)


def write(session: Session, tenant: int, changes: Sequence[Change], said: Said) -> Written | Refused:
    """Write all of these changes, each of another level, or none of them."""
    stands = standing(session, tenant, [change.level for change in changes], begin=True)
    for change in changes:
        wrong = why_not(stands[change.level], change)
        if wrong:
            return refusal(session, tenant, change.level, wrong)
    return write_unasked(session, tenant, changes, said)


def write_unasked(session: Session, tenant: int, changes: Iterable[Change], said: Said) -> Written:
    """Write changes that somebody has decided on who holds their rows' locks."""
    changes = list(changes)
    found = _found(session, tenant, changes) if said.cause == "counted" else set()
    real = [one for one in changes if one.on_hand or one.damaged or one.safety or one.level in found]
    if not real:
        return Written()
    rows = session.execute(
        _WRITE,
        {
            "tenant": tenant,
            "variants": [change.level[0] for change in real],
            "places": [change.level[1] for change in real],
            "on_hand": [change.on_hand for change in real],
            "damaged": [change.damaged for change in real],
            "safety": [change.safety for change in real],
            "reasons": [change.reason for change in real],
            "cause": said.cause, "reference": said.reference, "actor": said.actor, "order": said.order,
        },
    )  # fmt: skip
    movements = {(row.variant_id, row.location_id): int(row.id) for row in rows}
    session.expire_all()  # levels that were read before say what was
    return Written(movements=movements, frees=any(change.frees for change in real))


def _found(session: Session, tenant: int, changes: Sequence[Change]) -> set[Level]:
    """The levels at which all is found that a count had not: movements, though numbers stay, as the store is told."""
    asked = {"variants": [one.level[0] for one in changes], "places": [one.level[1] for one in changes]}
    return {(row.variant_id, row.location_id) for row in session.execute(_FOUND, {"tenant": tenant} | asked)}


_FOUND = text(
    _ASKED
    + """
UPDATE stock_levels level SET missing = 0 FROM asked
WHERE level.tenant_id = :tenant AND level.variant_id = asked.variant_id AND level.location_id = asked.location_id
  AND level.missing > 0
RETURNING level.variant_id, level.location_id
"""  # nosec B608 # composed of our own constants; every value is bound
)
# What comes in is first what was promised and a count had not found: those units were left on hand.
_WRITE = text("""
WITH asked AS (
    SELECT * FROM unnest(cast(:variants AS bigint[]), cast(:places AS bigint[]), cast(:on_hand AS bigint[]),
                         cast(:damaged AS bigint[]), cast(:safety AS bigint[]), cast(:reasons AS text[]))
             AS a (variant_id, location_id, on_hand, damaged, safety, reason)
), owed AS MATERIALIZED (
    SELECT variant_id, location_id, least(level.missing, greatest(asked.on_hand, 0)) AS units
    FROM stock_levels level JOIN asked USING (variant_id, location_id) WHERE level.tenant_id = :tenant
), written AS (
    UPDATE stock_levels level SET on_hand = level.on_hand + asked.on_hand - owed.units,
                                  missing = level.missing - owed.units,
                                  damaged = level.damaged + asked.damaged, safety = level.safety + asked.safety
    FROM asked JOIN owed USING (variant_id, location_id)
    WHERE level.tenant_id = :tenant AND level.variant_id = asked.variant_id AND level.location_id = asked.location_id
    RETURNING level.variant_id, level.location_id
), made_up_for AS (
    INSERT INTO movements (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, actor, reason)
    SELECT :tenant, variant_id, location_id, 'counted', -units, 0, :actor,
           'They make up for what was promised, and a count had not found.'
    FROM owed WHERE units > 0
)
INSERT INTO movements (tenant_id, variant_id, location_id, cause, on_hand_change, reserved_change, damaged_change,
                       safety_change, reason, reference, actor, order_id)
SELECT :tenant, variant_id, location_id, :cause, on_hand, 0, damaged, safety, reason, :reference, :actor, :order
FROM asked JOIN written USING (variant_id, location_id)
ORDER BY variant_id, location_id
RETURNING id, variant_id, location_id
""")


def why_not(now: Standing, change: Change) -> str:
    """Why a level cannot change so: `promised`, `damaged` (more than there are), `too_many`; empty where it can. Pure.

    A level that has fewer sound units than are promised already may change for the better.
    """
    then = Standing(
        on_hand=now.on_hand + change.on_hand,
        reserved=now.reserved,
        damaged=now.damaged + change.damaged,
        safety=now.safety + change.safety,
    )
    if max(then.on_hand, then.damaged, then.safety) > _MOST_UNITS:
        return "too_many"
    if then.on_hand < then.reserved or (then.sound < then.reserved and then.sound < now.sound):
        return "promised" if now.reserved else "gone"
    if then.damaged < 0 or then.safety < 0:
        return "damaged"
    return ""


def refusal(session: Session, tenant: int, level: Level, wrong: str) -> Refused:
    """What a person is told, by the word of `why_not`."""
    now = standing(session, tenant, [level]).get(level, Standing())
    if wrong == "promised":
        promised = promising.held_for(session, tenant, level)
        return Refused(reason=promising.words(now.on_hand, now.reserved, promised), promised=promised)
    if wrong == "gone":
        return Refused(
            reason=f"There {_are(now.on_hand)} on hand there, {now.damaged:,} of them damaged. Nothing was changed: "
            "say fewer, or count first what is there."
        )
    if wrong == "damaged":
        return Refused(reason=f"There {_are(now.damaged)} set aside as damaged. Nothing was changed: say fewer.")
    return _TOO_MANY


def _are(units: int) -> str:
    return "is 1" if units == 1 else f"are {units:,}"
