"""`packline orders`: where each order stands, and all that happened to one. Of buyers it shows nothing."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import click
from sqlalchemy.orm import Session

from commands import opening, output, trail
from jobs import desk
from orders import reversing, taking_back
from orders.reversing import Plan
from orders.taking_back import Begun, NotPossible, PlanChanged
from records import orders as records
from records import timeline
from records.shipments import parcels_of
from web.queries import order as one_order
from web.queries import orders
from web.queries.keyset import Cut
from web.queries.order import Box, Leaving, Line, Whole
from web.queries.orders import OrderLook
from web.queries.wishes import Wish
from web.show import words

_LIST = ("id", "name", "state", "payment", "total", "units", "holds", "parked_jobs", "tracking", "placed_at")


@click.group("orders")
def group() -> None:
    """Where each order stands, and all that happened to one."""


@group.command("list")
@click.argument("tenant", type=opening.ROW_ID)
@click.option("--state", type=click.Choice([*words.LOOKS["order"], "to_ship"]), help="to_ship: until all has left.")
@click.option("--hold", type=click.Choice(["any", *words.HOLDS]), help="Only those that wait for this.")
@click.option("--search", default="", help="A name, an e-mail address, a buyer, a SKU or a tracking number.")
@output.limit_option
@output.json_option
def list_orders(tenant: int, state: str | None, hold: str | None, search: str, limit: int, as_json: bool) -> None:
    """List the shop's orders, newest first."""
    wish = Wish(search=search.strip(), state=state or "", hold=hold or "")
    with opening.shop(tenant) as session:
        page = orders.page(session, tenant, wish, Cut(size=limit), now=datetime.now(UTC))
    output.listing([_listed(look) for look in page.rows], _LIST, as_json=as_json, more=page.older is not None)


@group.command("show")
@click.argument("tenant", type=opening.ROW_ID)
@click.argument("order", metavar="NAME_OR_ID")
@output.json_option
def show_order(tenant: int, order: str, as_json: bool) -> None:
    """Show one order whole: by its name ("#1001" or 1001), or by its id (42, or order/42 to be exact)."""
    with opening.shop(tenant) as session:
        id = _found(session, tenant, order)
        whole = one_order.whole(session, tenant, id)
        story = timeline.read(session, tenant, id)
    if whole is None:
        raise click.ClickException(f"tenant {tenant} has no order {order}")
    shown = _described(whole, story)
    if as_json:
        output.document(shown)
    else:
        _print(shown)


@group.command("relabel")
@click.argument("order", metavar="NAME_OR_ID")
@click.option("--tenant", type=opening.ROW_ID, required=True)
@click.option("--parcel", type=opening.ROW_ID, help="Which box, where the order has several: orders show has the ids.")
@click.option("--reason", required=True, help="Why; it stands on the order's timeline.")
def relabel(order: str, tenant: int, parcel: int | None, reason: str) -> None:
    """Give a parcel's label back and buy another, for a parcel that has not left."""
    with opening.shop(tenant) as session:
        boxes = [row.id for row in parcels_of(session, tenant, _found(session, tenant, order))]
        if parcel is None and len(boxes) == 1:
            parcel = boxes[0]
        if parcel is None or parcel not in boxes:
            raise click.ClickException(f"say which parcel: {', '.join(map(str, boxes)) or 'the order has none'}")
        refusal = desk.relabel(session, tenant, parcel, by=opening.BY, reason=reason)
        if refusal:
            raise click.ClickException(refusal)
        trail.changed(session, tenant, subject=f"parcels/{parcel}")
    output.message(f"Another label is bought for parcel {parcel}; the one that it has goes back.")


@group.command("cancel")
@click.argument("order", metavar="NAME_OR_ID")
@click.option("--tenant", type=opening.ROW_ID, required=True)
@click.option("--line", "lines", multiple=True, metavar="SKU=UNITS", help="Only these units; may be said again.")
@click.option("--reason", type=click.Choice(reversing.REASONS), default="other", show_default=True)
@click.option("--note", default="", help="For the shop's people; it stands in the store, too.")
@click.option("--no-refund", is_flag=True, help="The money stays where it is.")
@click.option("--no-tell", is_flag=True, help="The store does not write to the buyer.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@output.json_option
def cancel_order(
    order: str, tenant: int, lines: tuple[str, ...], reason: str, note: str, no_refund: bool, no_tell: bool, yes: bool,
    as_json: bool,
) -> None:  # fmt: skip
    """Take an order back, or some units: shows the plan, asks, and begins. With --json it asks nothing but --yes."""
    with opening.shop(tenant) as session:
        id = _found(session, tenant, order)
        wanted = _units(session, tenant, id, lines)
        wish = reversing.Wish(
            purpose="cancel_lines" if wanted else "cancel", wanted=wanted, reason=reason, note=note,
            refund=not no_refund, tell_buyer=not no_tell,
        )  # fmt: skip
        drawn = taking_back.plan_of(session, tenant, id, wish)
    if as_json and not yes:
        output.document({"order": id, "reversal": None, **_plan(drawn)})
        return
    if not as_json:
        _print_plan(drawn)
    if not yes:
        click.confirm("Do this?", abort=True, err=True)
    with opening.shop(tenant) as session:
        begun = desk.cancel(session, tenant, id, wish, by=opening.BY, digest=drawn.digest)
        if isinstance(begun, Begun):
            trail.changed(session, tenant, subject=f"orders/{id}", reason=reason)
    match begun:
        case NotPossible(reason=why):
            raise click.ClickException(why)
        case PlanChanged():
            raise click.ClickException("something happened to the order meanwhile: look at the plan of now")
        case Begun(reversal=reversal, plan=plan):
            if as_json:
                output.document({"order": id, "reversal": reversal, **_plan(plan)})
            else:
                output.message("Begun: packline orders show tells how far it is.")


def _units(session: Session, tenant: int, order: int, lines: tuple[str, ...]) -> dict[int, int]:
    """Units by line id of what was written as SKU=UNITS."""
    wanted: dict[int, int] = {}
    there = records.lines_of(session, tenant, order)
    for written in lines:
        sku, _, units = written.rpartition("=")
        left = int(units) if units.isascii() and units.isdigit() else 0
        if not left or sku not in {line.sku for line in there}:
            known = ", ".join(sorted({line.sku for line in there if line.sku}))
            raise click.ClickException(f"{written} is not SKU=UNITS of this order, which has {known or 'no SKU'}")
        for line in there:
            if line.sku == sku and left:
                taken = min(left, line.units - wanted.get(line.id, 0))
                wanted[line.id] = wanted.get(line.id, 0) + taken
                left -= taken
        if left:
            raise click.ClickException(f"the order has fewer units of {sku} than that")
    return {line: units for line, units in wanted.items() if units}


def _plan(plan: Plan) -> dict[str, Any]:
    return {
        "whole": plan.whole,
        "steps": [
            {
                "kind": step.kind, "subject": step.subject, "units": step.units,
                "amount": output.money(step.amount_minor, step.currency), "asks": step.asks, "sentence": step.sentence,
            }
            for step in plan.steps
        ],
        "keeps": list(plan.keeps),
        "costs": list(plan.costs),
        "digest": plan.digest,
    }  # fmt: skip


def _print_plan(plan: Plan) -> None:
    for number, step in enumerate(plan.steps, start=1):
        click.echo(output.plain(f"{number:>3}. {step.sentence}"))
    for title, sentences in (("What stays:", plan.keeps), ("What it costs:", plan.costs)):
        for line in (title, *(f"   - {sentence}" for sentence in sentences)) if sentences else ():
            click.echo(output.plain(line))


def _found(session: Session, tenant: int, asked: str) -> int:
    """The id of the order that is meant; a number that names one order and is the id of another is refused."""
    exact = asked.removeprefix("order/")
    by_id = {int(exact)} if exact.isascii() and exact.isdigit() and 0 < int(exact) <= opening.LARGEST_ID else set()
    found = set(orders.names(session, tenant, sorted(by_id)))
    if exact == asked:
        found |= {order.id for order in records.orders_named(session, tenant, asked)}
    if not found:
        raise click.ClickException(f"tenant {tenant} has no order {asked}: packline orders list {tenant}")
    if len(found) > 1:
        ids = " or ".join(f"order/{id}" for id in sorted(found))
        raise click.ClickException(f"{asked} may be more than one order: say {ids}")
    return found.pop()


def _listed(look: OrderLook) -> dict[str, Any]:
    order = look.order
    return {
        "id": order.id,
        "name": order.name,
        "state": order.state,
        "payment": order.standing,
        "total": output.money(order.total_minor, order.currency),
        "units": look.units,
        "holds": [hold.kind for hold in look.holds],
        "parked_jobs": [job.id for job in look.jobs if job.state == "parked"],
        "tracking": [parcel.tracking_code for parcel in look.parcels if parcel.tracking_code],
        "placed_at": order.placed_at,
        "deliver_by": order.deliver_by,
    }


def _described(whole: Whole, story: list[timeline.TimelineEntry]) -> dict[str, Any]:
    order = whole.order
    return {
        "id": order.id,
        "name": order.name,
        "state": order.state,
        "payment": order.standing,
        "total": output.money(order.total_minor, order.currency),
        "placed_at": order.placed_at,
        "deliver_by": order.deliver_by,
        "holds": [
            {
                "kind": hold.kind, "state": hold.state, "reason": hold.reason, "remedy": hold.remedy,
                "set_by": hold.set_by, "released_by": hold.released_by, "created_at": hold.created_at,
            }
            for hold in whole.holds
        ],
        "lines": [_line(line) for line in whole.lines],
        "shipments": [_shipment(shipment) for shipment in whole.shipments],
        "jobs": [
            {"id": job.id, "kind": job.kind, "state": job.state, "cause": job.cause, "reason": job.reason}
            for job in whole.jobs
        ],
        "timeline": [
            {"at": entry.at, "actor": entry.actor, "kind": entry.kind, "sentence": entry.sentence} for entry in story
        ],
    }  # fmt: skip


def _line(line: Line) -> dict[str, Any]:
    return {
        "sku": line.row.sku,
        "title": line.row.title,
        "units": line.row.units,
        "to_ship": line.row.to_ship,
        "unplaced": line.unplaced,
        "places": [{"location": at.location, "units": at.units, "state": at.state} for at in line.places],
    }


def _shipment(shipment: Leaving) -> dict[str, Any]:
    return {
        "id": shipment.row.id,
        "location": shipment.location,
        "state": shipment.row.state,
        "units": shipment.units,
        "parcels": [_parcel(box) for box in shipment.boxes],
    }


def _parcel(box: Box) -> dict[str, Any]:
    return {
        "id": box.row.id,
        "weight_grams": box.row.shape.weight_grams,
        "carrier": box.row.carrier,
        "tracking": box.row.tracking_code,
        "tracking_url": box.row.tracking_url,
        "status": box.row.carrier_status,
        "seen_at": box.row.seen_at,
        "delivered_at": box.row.delivered_at,
        "labels": [
            {
                "id": label.id, "state": label.state, "service": label.rate.service if label.rate else "",
                "cost": output.money(label.cost_minor, label.currency), "bought_at": label.bought_at,
            }
            for label in box.labels
        ],
    }  # fmt: skip


def _print(shown: dict[str, Any]) -> None:
    parts = ("holds", "lines", "shipments", "jobs", "timeline")
    output.facts({name: value for name, value in shown.items() if name not in parts})
    parcels = [{**parcel, "shipment": one["id"]} for one in shown["shipments"] for parcel in one["parcels"]]
    labels = [{**label, "parcel": parcel["id"]} for parcel in parcels for label in parcel["labels"]]
    places = [
        {**line, "places": [f"{at['units']} {at['location']} {at['state']}".strip() for at in line["places"]]}
        for line in shown["lines"]
    ]
    for title, rows, columns in (
        ("Holds", shown["holds"], ("kind", "state", "reason", "remedy", "set_by", "released_by")),
        ("Lines", places, ("sku", "title", "units", "to_ship", "unplaced", "places")),
        ("Shipments", shown["shipments"], ("id", "location", "state", "units")),
        ("Parcels", parcels, ("id", "shipment", "carrier", "tracking", "status", "seen_at")),
        ("Labels", labels, ("id", "parcel", "state", "service", "cost", "bought_at")),
        ("Jobs", shown["jobs"], ("id", "kind", "state", "cause", "reason")),
        ("Timeline", shown["timeline"], ("at", "actor", "kind", "sentence")),
    ):
        if rows:
            output.table(rows, columns, title=title)
