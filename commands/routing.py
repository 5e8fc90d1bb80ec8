"""`packline routing`: why orders left from where they did, the same choices again, and other rules tried on them."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any, get_args

import click
from pydantic import ValidationError
from sqlalchemy.orm import Session

from commands import opening, output
from orders.routing import simulating
from orders.routing.simulating import Kept, Measure, Simulation
from records import decisions, tenants
from records.routing import RoutingRules, RuleName

_NAMES = get_args(RuleName)
_DIFFERENCES = ("order", "was", "would be", "kilometres", "cost", "why")
_MOST_SHOWN = 50
_days = click.option("--days", type=click.IntRange(1, 400), default=30, show_default=True, help="How far back.")
_most = click.option(
    "--most", type=click.IntRange(1, 1_000_000), default=10_000, show_default=True, help="So many decisions at most."
)


@click.group("routing")
def group() -> None:
    """From where orders leave, and why."""


@group.command("replay")
@click.argument("tenant", type=opening.ROW_ID)
@_days
@_most
@output.json_option
def replay(tenant: int, days: int, most: int, as_json: bool) -> None:
    """Make every choice again from what it was made from. Ends with 1 where an answer is another one now."""
    with opening.looking(tenant) as session:
        replayed = [simulating.replay(kept) for kept in _kept(session, tenant, days, most)]
    others = [one for one in replayed if not one.same]
    if as_json:
        output.document({"replayed": len(replayed), "others": [asdict(one) for one in others]})
    else:
        output.message(f"{len(replayed)} choices made again, {len(replayed) - len(others)} the same to the byte.")
        if others:
            output.listing([asdict(one) for one in others], ("id", "order", "why"), as_json=False)
    sys.exit(1 if others else 0)


@group.command("simulate")
@click.argument("tenant", type=opening.ROW_ID)
@click.option("--order", "named", required=True, help=f"The rules in their order, by commas: {', '.join(_NAMES)}.")
@click.option("--most-shipments", type=int, default=None, help="Into so many shipments an order is split at most.")
@click.option("--split-from-units", type=int, default=None, help="Smaller orders are never split.")
@_days
@_most
@output.json_option
def simulate(tenant: int, named: str, days: int, most: int, as_json: bool, **limits: int | None) -> None:
    """Try other rules on the orders of the past. Nothing is written, and nobody is asked."""
    with opening.looking(tenant) as session:
        now = tenants.rules_of(session, tenant).routing
        rules = _changed(now, named, limits)
        found = simulating.simulate(_kept(session, tenant, days, most), rules)
        currency = session.get_one(tenants.Tenant, tenant).currency
    if as_json:
        output.document(asdict(found))
    else:
        _say(found, currency)


def _kept(session: Session, tenant: int, days: int, most: int) -> Iterator[Kept]:
    since = datetime.now(UTC) - timedelta(days=days)
    for row in decisions.since(session, tenant, since, most=most):
        yield Kept(
            id=row.id, order=row.order_id, version=row.version, question=row.question, answer=row.answer,
            digest=row.digest,
        )  # fmt: skip


def _changed(now: RoutingRules, named: str, limits: Mapping[str, int | None]) -> RoutingRules:
    names = [name.strip() for name in named.split(",") if name.strip()]
    wish: dict[str, Any] = {"order": names}
    wish |= {name: limit for name, limit in limits.items() if limit is not None}
    try:
        return RoutingRules.model_validate(now.model_dump() | wish)
    except ValidationError as error:
        raise click.UsageError("; ".join(f"{one['loc'][0]}: {one['msg']}" for one in error.errors())) from error


def _say(found: Simulation, currency: str) -> None:
    output.message(f"{found.asked} choices asked anew, {len(found.differences)} would be others.")
    if found.left_out:
        output.message(f"{found.left_out} could not be read and were left out.")
    rows = [
        _sums(name, measure, currency, found.splits[side], found.late[side])
        for side, (name, measure) in enumerate((("as it was", found.before), ("as it would be", found.after)))
    ]
    output.listing(rows, tuple(rows[0]), as_json=False)
    output.message(
        f"Costs are of the {found.priced} choices of which both are known, days of {found.timed}, late orders of "
        f"{found.promised}."
    )
    told = [_row(one, currency) for one in found.differences[:_MOST_SHOWN]]
    if told:
        output.listing(told, _DIFFERENCES, as_json=False, more=len(found.differences) > _MOST_SHOWN)


def _sums(name: str, measure: Measure, currency: str, split: int, late: int) -> dict[str, Any]:
    return {
        "": name,
        "shipments": measure.shipments,
        "split": split,
        "kilometres": measure.kilometres,
        "short units": measure.short_units,
        "cost": output.money(measure.cost_minor, currency),
        "days": measure.days,
        "late": late,
    }


def _row(one: simulating.Difference, currency: str) -> dict[str, Any]:
    costs = [str(output.money(side.cost_minor, currency) or "?") for side in (one.before, one.after)]
    return {
        "order": one.order,
        "was": ", ".join(one.before.places) or "nowhere",
        "would be": ", ".join(one.after.places) or "nowhere",
        "kilometres": f"{one.before.kilometres} → {one.after.kilometres}",
        "cost": " → ".join(costs),
        "why": one.sentence,
    }
