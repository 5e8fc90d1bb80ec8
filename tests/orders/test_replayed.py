"""A thousand orders are routed, and routed again by another process: the same answers, to the byte."""

from __future__ import annotations

import hashlib
import json
import os
import random
import subprocess
import sys
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from orders.routing import decision
from orders.routing.question import Place, Point, Question, Quote, Refused, Shelf, Want
from orders.routing.rules import RULES
from records.routing import RoutingRules, RuleName

ORDERS = 1_000
PLACES = 9
TODAY = date(2026, 11, 23)
RECORDED = os.environ.get("PACKLINE_RECORDINGS")
# Reads what is kept from its standard input, decides it anew, and tells the digest of all that it answers.
AGAIN = """
import hashlib, json, sys
from orders.routing import decision, simulating
told = hashlib.sha256()
others = []
for line in sys.stdin:
    kept = simulating.Kept(**json.loads(line))
    again = simulating.replay(kept)
    if not again.same:
        others.append((again.order, again.why))
    told.update(decision.canonical(decision.decide(decision.Question.model_validate(kept.question))))
print(json.dumps([told.hexdigest(), others]))
"""


def shapes(folder: Path) -> list[tuple[int, ...]]:
    """The units of each line of every recorded order."""
    found: set[tuple[int, ...]] = set()
    for file in sorted(folder.glob("*.json")):
        found |= set(_in(json.loads(file.read_text())))
    return sorted(found)


def _in(value: Any) -> Iterator[tuple[int, ...]]:
    if isinstance(value, dict):
        lines = value.get("lineItems")
        nodes = lines.get("nodes") if isinstance(lines, dict) else lines
        rows = [node for node in nodes or () if isinstance(node, dict)] if isinstance(nodes, list) else []
        units = tuple(node.get("quantity") or node.get("totalQuantity") for node in rows)
        if units and all(isinstance(one, int) and one > 0 for one in units):
            yield units
        value = list(value.values())
    if isinstance(value, list):
        for one in value:
            yield from _in(one)


def routed(units: tuple[int, ...], dice: random.Random) -> Question:
    """A recorded order in a made-up world: stock, calendars, prices and rules of every kind."""
    wants = [Want(line=line, variant=dice.choice([1, 2, 3, None]), units=one) for line, one in enumerate(units, 1)]
    places = [
        Place(
            id=id, name=f"Place {id}", at=Point(country=dice.choice(["US", "US", "CA"]),
            latitude=round(dice.uniform(25, 60), 1), longitude=round(dice.uniform(-125, -65), 1)),
            preference=dice.randrange(3), never_to=("US",) if dice.random() < 0.05 else (),
            room_today=dice.choice([None, 0, 5, 80]), leaves_on=TODAY + timedelta(days=dice.randrange(5)),
            carrier_days=5, work_minor=dice.choice([0, 150]),
        )
        for id in range(1, dice.randrange(2, PLACES))
    ]  # fmt: skip
    shelves = [
        Shelf(variant=variant, place=place.id, units=dice.randrange(1, 5), oldest_days=dice.choice([None, 3, 40]))
        for variant in (1, 2, 3)
        for place in places
        if dice.random() < 0.7
    ]
    rules: list[RuleName] = list(RULES)
    dice.shuffle(rules)
    return Question(
        wants=tuple(wants),
        to=Point(country="US", latitude=37.8, longitude=-122.4),
        places=tuple(places),
        shelves=tuple(shelves),
        rules=RoutingRules(order=tuple(rules[: dice.randrange(1, 6)]), most_shipments=dice.randrange(1, 4)),
        whole_or_nothing=dice.random() < 0.1,
        quotes=tuple(
            Quote(way=(place.id,), cost_minor=dice.randrange(500, 2_000), currency="USD", arrives_in_days=3)
            for place in places
            if dice.random() < 0.5
        ),
        refused=(Refused(place=1, line=1, why="it was closed on 2026-11-20"),) if dice.random() < 0.1 else (),
        deliver_by=TODAY + timedelta(days=7),
    )


@pytest.mark.skipif(RECORDED is None, reason="PACKLINE_RECORDINGS is not set: there are no recorded orders here")
def test_a_thousand_recorded_orders_are_routed_alike_by_other_processes():
    recorded = shapes(Path(str(RECORDED)) / "shopify")
    dice = random.Random(20261123)
    told, lines = hashlib.sha256(), []
    for number in range(1, ORDERS + 1):
        question = routed(recorded[number % len(recorded)], dice)
        decided = decision.decide(question)
        told.update(decision.canonical(decided))
        lines.append(
            json.dumps(
                {
                    "id": number, "order": number, "version": decision.VERSION,
                    "question": question.model_dump(mode="json"), "answer": decided.model_dump(mode="json"),
                    "digest": decision.digest(decided),
                }
            )
        )  # fmt: skip
    assert len(recorded) > 5
    assert len({hashlib.sha256(line.encode()).digest() for line in lines}) == ORDERS

    for seed in ("1", "4711"):
        answered = subprocess.run(
            [sys.executable, "-c", AGAIN], input="\n".join(lines), capture_output=True, text=True, check=True,
            env={**os.environ, "PYTHONHASHSEED": seed},
        )  # fmt: skip
        assert json.loads(answered.stdout) == [told.hexdigest(), []]
