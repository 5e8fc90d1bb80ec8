"""What a shop needs before it ships, step by step: which are done, and which one is next. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to set up. `form` tells that it is a short form of its own; `optional` that a shop ships without it."""

    name: str
    title: str
    why: str
    form: bool = True
    optional: bool = False


STEPS = (
    Step(
        name="locations",
        title="Where you ship from",
        why="Orders leave from these warehouses, the nearest one that has everything first.",
    ),
    Step(
        name="parcel",
        title="Your usual box",
        why="Its size and weight decide the price where nothing better is known.",
    ),
    Step(name="labels", title="Labels", why="What your printer takes."),
    Step(name="payment", title="When to ship", why="Nothing is reserved or bought for an order before that."),
    Step(name="holds", title="What to hold", why="A held order waits for a person, and costs nothing meanwhile."),
    Step(name="notices", title="What buyers hear", why="The store writes to them; Packline only says whether."),
    Step(name="carrier", title="Connect EasyPost", why="Labels are bought in your own account.", form=False),
    Step(
        name="payments",
        title="Connect Stripe",
        why="Only where buyers pay there and not in the store's own check-out.",
        form=False,
        optional=True,
    ),
    Step(
        name="self_test",
        title="Test everything",
        why="It proves what you connected: from a signed webhook to a label that is bought and given back.",
        form=False,
    ),
    Step(
        name="shadow",
        title="Watch first",
        why="Packline decides and shows everything, and does nothing. Compare it with what you do.",
        form=False,
        optional=True,
    ),
    Step(name="live", title="Go live", why="From then on Packline ships your orders.", form=False),
)
BY_NAME = {step.name: step for step in STEPS}
FORMS = tuple(step.name for step in STEPS if step.form)


@dataclass(frozen=True, kw_only=True)
class Known:
    """What the records say of a shop: what was saved, which roles are connected, and how it stands."""

    setup: Mapping[str, Any]
    roles: Collection[str]
    mode: str
    went_live: bool


@dataclass(frozen=True, kw_only=True)
class Standing:
    """Whether a step is done. `not_proved` says why one that was tried proves too little, which stops nobody."""

    step: Step
    done: bool
    not_proved: str = ""


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a shop is. `next` is None where everything that it needs is done."""

    steps: tuple[Standing, ...]
    next: Step | None
    dismissed: bool

    @property
    def needed(self) -> int:
        return sum(not one.step.optional for one in self.steps)

    @property
    def done(self) -> int:
        return sum(one.done and not one.step.optional for one in self.steps)

    @property
    def complete(self) -> bool:
        return self.next is None


def progress(known: Known) -> Progress:
    """What was done is done in whatever order it was; next is the first needed step that is not."""
    steps = tuple(
        Standing(step=step, done=_is_done(step.name, known), not_proved=_not_proved(step.name, known)) for step in STEPS
    )
    missing = (one.step for one in steps if not one.done and not one.not_proved and not one.step.optional)
    first = next(missing, None)
    return Progress(steps=steps, next=first, dismissed=first is None and bool(known.setup.get("dismissed")))


def passed(self_test: Mapping[str, Any]) -> bool:
    """Whether a self-test came to its end, nothing in it failed, and a label was bought and given back."""
    return nothing_failed(self_test) and not not_proved(self_test)


def nothing_failed(self_test: Mapping[str, Any]) -> bool:
    """Whether a self-test came to its end and nothing in it failed."""
    steps = self_test.get("steps", {})
    return bool(self_test.get("ended_at")) and all(one.get("state") != "failed" for one in steps.values())


def not_proved(self_test: Mapping[str, Any]) -> str:
    """Why a test in which nothing failed proves no label: in shadow, and with a key for real postage, none is bought.

    Empty where it does, or where something failed.
    """
    label = self_test.get("steps", {}).get("label", {})
    skipped = nothing_failed(self_test) and label.get("state") == "skipped"
    return f"Not proved: {label.get('sentence', '')}" if skipped else ""


def _not_proved(name: str, known: Known) -> str:
    return not_proved(known.setup.get("self_test", {})) if name == "self_test" else ""


def _is_done(name: str, known: Known) -> bool:
    match name:
        case "carrier" | "payments":
            return name in known.roles
        case "self_test":
            return passed(known.setup.get("self_test", {}))
        case "shadow":
            return known.mode != "live" or "watched_at" in known.setup
        case "live":
            return known.mode == "live" and known.went_live
        case _:
            return name in known.setup
