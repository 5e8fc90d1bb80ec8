"""`packline stock`: whether each stock level is what its movements and its reservations say, and putting it right."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import Any

import click
from sqlalchemy import Engine

from commands import opening, output, trail
from commands.replenishing import replenish
from jobs import bell, intake
from orders import stock_check
from orders.stock_check import Drift
from records import database, tenants
from records.tenants import Tenant

_FOUND = ("tenant", "what", "put_right")
_AT_ONCE = 1_000


@click.group("stock")
def group() -> None:
    """What lies where, whether the ledger agrees, and what to order."""


group.add_command(replenish)


@group.command("check")
@click.option("--tenant", type=opening.ROW_ID, help="Only this shop; every shop without it.")
@click.option("--repair", is_flag=True, help="Make each level what its movements say, with a movement that says so.")
@output.json_option
def check(tenant: int | None, repair: bool, as_json: bool) -> None:
    """Compare each level with the sum of its movements, and what is reserved with what orders hold.

    Ends with 1 where something differs and was not put right.
    """
    found: list[dict[str, Any]] = []
    with opening.engine(opening.settings()) as engine:
        for shop in _shops(engine, tenant):
            for drift in _drifted(engine, shop):
                said = _put_right(engine, shop, drift) if repair else stock_check.explained(drift, repaired=False)
                found.append(_row(shop, drift, said, repair=repair))
        bell.flush()
    _show(found, as_json=as_json)
    sys.exit(1 if found and not repair else 0)


def _shops(engine: Engine, tenant: int | None) -> Sequence[int]:
    with database.across_tenants(engine, why="a person has every shop's stock checked") as session:
        if tenant is None:
            return tenants.not_forgotten(session)
        if session.get(Tenant, tenant) is None:
            raise click.ClickException(f"there is no tenant {tenant}: packline tenants list")
        return [tenant]


def _drifted(engine: Engine, tenant: int) -> Iterator[Drift]:
    after: int | None = 0
    while after is not None:
        with database.transaction(engine, tenant) as session:
            drifts, after = stock_check.drifted(session, tenant, after=after, many=_AT_ONCE)
        yield from drifts


def _put_right(engine: Engine, tenant: int, drift: Drift) -> str:
    with database.transaction(engine, tenant) as session:
        said = stock_check.put_right(session, tenant, drift.variant, drift.location, actor=opening.BY)
        trail.changed(session, tenant, subject=f"stock/{drift.variant}/{drift.location}")
        intake.fill_backorders(session, tenant)
    return said or "It was right again when it was looked at anew."


def _row(tenant: int, drift: Drift, said: str, *, repair: bool) -> dict[str, Any]:
    return {
        "tenant": tenant,
        "variant": drift.variant,
        "location": drift.location,
        "what": said,
        "put_right": "yes" if repair else "no",
    }


def _show(found: list[dict[str, Any]], *, as_json: bool) -> None:
    if as_json:
        output.document({"drifted": found})
    elif found:
        output.table(found, _FOUND)
    else:
        click.echo("Every level is what its movements and its reservations say.")
