"""Says how many units a week will be wanted, by the model that has been right before, and how wrong it was. Pure.

Every model is tried on the past as if it were the present: from each of the last weeks it sees only what lay before it
("rolling origin": Hyndman and Athanasopoulos, Forecasting, https://otexts.com/fpp3/tscv.html). The error that is told
is of choosing, too: in each tested week the model counts that would have been chosen then. Nothing here is random.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

# Where a model's words or the choosing change, what was worked out before is worked out anew.
VERSION = 1
# Four weeks to begin with, and four to be tested in.
LEAST_WEEKS = 8
# Two orders have one distance, which says nothing of how distances differ; half a year of silence says something.
LEAST_SELLING_WEEKS = 3
LONG_WEEKS = 26
_FIRST_WEEKS = 4
_MOST_TESTED = 12
# So many errors of each model have to be known before the choice leaves the plain one.
_BEFORE_CHOOSING = 3
_WINDOW = 8

Model = Callable[[Sequence[int]], float]
"""Units of past weeks, oldest first, to units of each week to come."""

PLAIN = "moving_average"


def moving_average(weeks: Sequence[int]) -> float:
    last = weeks[-_WINDOW:]
    return sum(last) / len(last)


@dataclass(frozen=True, kw_only=True)
class Tested:
    """One week of the past: what was forecast from the weeks before it, and what came."""

    week: int
    """Its place in the history."""
    units: int
    forecast: float
    model: str
    """Which model would have been chosen then."""


@dataclass(frozen=True, kw_only=True)
class Wrong:
    """How wrong forecasts were, in units a week."""

    rmse: float
    """Root of the mean squared error: what safety units are reckoned from."""
    mae: float
    bias: float
    """Forecast less what came: above nothing, too much was expected."""


@dataclass(frozen=True, kw_only=True)
class Forecast:
    per_week: float
    model: str
    wrong: Wrong
    same_mae: float
    """The mean error of saying "the same as last week" in the same weeks."""
    tested: tuple[Tested, ...]
    tried: Mapping[str, Wrong]
    """How each model would have done alone."""


@dataclass(frozen=True, kw_only=True)
class TooLittle:
    reason: str


def forecast(weeks: Sequence[int], models: Mapping[str, Model]) -> Forecast | TooLittle:
    """`weeks` are units of whole weeks, oldest first. `models` are tried beside the moving average, and a tie is the
    earlier one's.
    """
    if lacking := _lacking(weeks):
        return TooLittle(reason=lacking)
    origins = range(max(_FIRST_WEEKS, len(weeks) - _MOST_TESTED), len(weeks))
    every = {PLAIN: moving_average, **models}
    past = {name: [model(weeks[:at]) for at in origins] for name, model in every.items()}
    past = {name: forecasts for name, forecasts in past.items() if all(_sound(one) for one in forecasts)}
    came = [weeks[at] for at in origins]
    tried = {name: _wrong(forecasts, came) for name, forecasts in past.items()}
    chosen = min(tried, key=lambda name: tried[name].rmse)
    now = every[chosen](weeks)
    if not _sound(now):
        chosen, now = PLAIN, moving_average(weeks)
    tested = _as_chosen_then(origins, past, came)
    return Forecast(
        per_week=now,
        model=chosen,
        wrong=_wrong([one.forecast for one in tested], came),
        same_mae=sum(abs(weeks[at - 1] - weeks[at]) for at in origins) / len(origins),
        tested=tested,
        tried=tried,
    )


def digest(begins: str, weeks: Sequence[int], models: Mapping[str, Model]) -> str:
    """Tells one history, and what it is put before, from another."""
    told = f"{VERSION} {begins} {' '.join(map(str, weeks))} {' '.join(models)}"
    return hashlib.sha256(told.encode()).hexdigest()[:32]


def _lacking(weeks: Sequence[int]) -> str:
    if len(weeks) < LEAST_WEEKS:
        whole = f"{len(weeks)} whole {'week' if len(weeks) == 1 else 'weeks'}"
        return f"Too little to tell: {whole} of orders, and it takes {LEAST_WEEKS}."
    selling = sum(1 for units in weeks if units)
    if 0 < selling < LEAST_SELLING_WEEKS and len(weeks) < LONG_WEEKS:
        return (
            f"Too little to tell: it was ordered in {selling} of {len(weeks)} weeks, and it takes "
            f"{LEAST_SELLING_WEEKS} such weeks, or {LONG_WEEKS} weeks in all."
        )
    return ""


def _sound(units: float) -> bool:
    """Whether a model's answer is a number of units: some have none for a history of one week or of nothing."""
    return math.isfinite(units) and units >= 0


def _wrong(forecasts: Sequence[float], came: Sequence[int]) -> Wrong:
    errors = [said - units for said, units in zip(forecasts, came, strict=True)]
    many = len(errors)
    return Wrong(
        rmse=math.sqrt(sum(error * error for error in errors) / many),
        mae=sum(abs(error) for error in errors) / many,
        bias=sum(errors) / many,
    )


def _as_chosen_then(origins: range, past: Mapping[str, Sequence[float]], came: Sequence[int]) -> tuple[Tested, ...]:
    """In each week the model that had been least wrong in the tested weeks before it.

    By its squares, not by its plain errors: of a thing that sells in one week of three, the plain error is least for
    who forecasts nothing, and a shelf that follows is empty. https://otexts.com/fpp3/accuracy.html
    """
    tested = []
    for place, at in enumerate(origins):
        before = {name: _wrong(said[:place], came[:place]).rmse for name, said in past.items()} if place else {}
        model = min(before, key=before.__getitem__) if place >= _BEFORE_CHOOSING else PLAIN
        tested.append(Tested(week=at, units=came[place], forecast=past[model][place], model=model))
    return tuple(tested)
