"""What the demo shows in the terminal: live progress while it runs, and the summary in the end."""

from __future__ import annotations

from collections import Counter

from rich.console import Console, Group
from rich.panel import Panel
from rich.table import Table
from sqlalchemy import text

from demo.stage import Stage
from demo.verdict import Verdict

console = Console()
_ORDER = ("received", "verified", "released", "allocated", "shipping", "fulfilled", "closed", "cancelling", "cancelled")


def progress(stage: Stage, doing: str) -> Group:
    """The orders by state, the jobs by state, and the labels, as they are at this moment."""
    with stage.engine.connect() as connection:
        orders = Counter(
            {row.state: row.n for row in connection.execute(text("SELECT state, count(*) AS n FROM orders GROUP BY 1"))}
        )
        jobs = Counter(
            {row.state: row.n for row in connection.execute(text("SELECT state, count(*) AS n FROM jobs GROUP BY 1"))}
        )
        labels = connection.execute(text("SELECT count(*) FROM labels WHERE state = 'bought'")).scalar_one()
    table = Table(title=doing, title_justify="left", show_edge=False)
    table.add_column("orders")
    table.add_column("", justify="right")
    table.add_column("")
    for state in _ORDER:
        if orders[state]:
            table.add_row(state, str(orders[state]), "█" * orders[state])
    counts = ", ".join(f"{jobs[state]} {state}" for state in ("due", "running", "done", "parked"))
    line = f"jobs: {counts}   labels: {labels}"
    return Group(table, line)


def summary(stage: Stage, verdict: Verdict, *, name: str, password: str) -> None:
    """The end of it all: every order, the money, what waits for a person, and where to look."""
    console.print(_orders(verdict))
    states = ", ".join(f"{count} {state}" for state, count in sorted(verdict.states.items(), key=lambda one: -one[1]))
    console.print(f"[bold]Orders[/]      {states}")
    console.print(
        f"[bold]Labels[/]      {verdict.labels} bought for {verdict.cost_minor / 100:.2f} USD, "
        f"{verdict.parcels_shipped} parcels shipped, {verdict.voided} going back"
    )
    console.print(f"[bold]Storefront[/]  holds {verdict.in_store} tracking numbers")
    for kind, reason, remedy in verdict.parked:
        console.print(f"[bold]Parked[/]      {kind}: {reason} [dim]{remedy}[/]")
    for problem in verdict.wrong:
        console.print(f"[red]Wrong[/]       {problem}")
    colour, word = ("green", "Every order is where it has to be.") if verdict.good else ("red", "Not as it has to be.")
    where = f"Pages    {stage.web}/ops/   name: {name}   password: {password}\nSandbox  {stage.sandbox}/_sandbox/calls"
    console.print(Panel(f"[{colour}]{word}[/]\n\n{where}"))


def _orders(verdict: Verdict) -> Table:
    table = Table("order", "story", "state", "waits for", "tracking in the store", "")
    for order in verdict.orders:
        mark = "[green]✓[/]" if not order.wrong else f"[red]✗ {'; '.join(order.wrong)}[/]"
        table.add_row(order.name, order.title, order.state, ", ".join(order.holds), "\n".join(order.tracking), mark)
    return table
