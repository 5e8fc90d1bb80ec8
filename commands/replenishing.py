"""`packline stock replenish`: what to order now, the most pressing first."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from commands import opening, output
from orders import what_to_order as levels
from orders.what_to_order import SHOWS, Wish
from web.show import sheet, to_order

_SHOWN = (
    "sku",
    "location",
    "what",
    "free",
    "incoming",
    "per_week",
    "error",
    "cover_days",
    "reorder_point",
    "suggested",
)


@click.command("replenish")
@click.argument("tenant", type=opening.ROW_ID)
@click.option(
    "--show",
    type=click.Choice(SHOWS),
    default="low",
    show_default=True,
    help="What is low, runs out, is too much, all.",
)
@click.option("--sku", default="", help="Only SKUs that begin so.")
@click.option("--csv", "as_csv", is_flag=True, help="Every column, for spreadsheets.")
@output.json_option
def replenish(tenant: int, show: str, sku: str, *, as_csv: bool, as_json: bool) -> None:
    """What to order now, how much, and why; weekly numbers are units, with the mean error of the past."""
    with opening.looking(tenant) as session:
        found = levels.every(session, tenant, Wish(show=show, search=sku), today=datetime.now(UTC).date())
    rows = [to_order.plain_row(row) for row in found]
    if as_csv:
        for piece in sheet.lines(list(to_order.COLUMNS), ([*row.values()] for row in rows)):
            click.echo(piece, nl=False)
        return
    output.listing(rows, _SHOWN, as_json=as_json)
    if not rows and not as_json:
        output.message("Nothing has to be ordered, as far as anybody can tell.")
