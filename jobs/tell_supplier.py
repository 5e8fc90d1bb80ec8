"""Tells a supplier's own machine of a purchase order: written, cancelled, or to be stopped; repeated until heard."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from integrations import wire
from jobs import outward, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act
from jobs.work import Work
from orders import forgotten, holds, lifecycle, purchase_told, purchasing, supplier_hooks, supply_wire
from records import notices, tenants
from records.intentions import find_intention
from records.notices import Notice
from records.orders import LOCK, OVER, Order, open_holds
from records.suppliers import OPEN, PurchaseOrder

# A hold that is released brings it forward; this is for one whose end nobody told.
_HELD_S = 1800.0
_OVER = "What it was to say is settled already."
_UNHEARD = "Their machine never heard of the purchase order, so it hears no end of it."


@dataclass(frozen=True, kw_only=True)
class Telling:
    """What is told, to whom, under which event."""

    notice: int
    order: int
    supplier: str
    fact: str
    address: str
    secret: str
    body: bytes


def run(work: Work) -> Outcome:
    with work.writing() as session:
        telling = _load(session, work)
    if not isinstance(telling, Telling):
        return telling
    act = Act(key=f"hook/{telling.notice}", kind="tell_supplier", subject=f"notice/{telling.notice}")
    # Nobody can be asked whether it was heard, so it is told again under the same event: who has it leaves it alone.
    outward.once(work, act, perform=lambda _keys: _tell(work, telling))
    with work.writing() as session:
        outward.settle(session, work.tenant, act.key, "succeed")
        _end(session, work, telling)
    return Done()


def _tell(work: Work, telling: Telling) -> None:
    headers = supplier_hooks.headers(
        telling.secret, telling.body, event=telling.notice, fact=telling.fact, now=work.now()
    )
    here = wire.stand_ins_here(work.services.origins)
    wire.post(telling.address, telling.body, headers, from_this_machine=here)


def _load(session: Session, work: Work) -> Telling | Cancelled | Snoozed:
    tenant = work.tenant
    notice = session.get(Notice, (tenant, work.subject_id))
    id = supplier_hooks.purchase_order_of(notice.subject) if notice is not None else None
    if notice is None or id is None or notice.state != "due":
        return Cancelled(reason=f"the notice is {notice.state if notice else 'gone'}")
    row = session.get_one(PurchaseOrder, (tenant, id))
    supplier = purchasing.supplier_of(session, row)
    reason = _why_not(session, notice, row)
    if reason or not supplier.hook_url or supplier.sealed_hook_secret is None:
        reason = reason or "Their machine is told nothing any more."
        session.get_one(Order, (tenant, notice.order_id), with_for_update=LOCK)
        lifecycle.move(session, tenant, "notice", notice.id, "suppress", reason=reason, ended_at=work.now())
        outward.settle(session, tenant, f"hook/{notice.id}", "abandon", reason=reason)
        return Cancelled(reason=reason)
    if notice.fact.startswith("ordered") and holds.blocking_labels(open_holds(session, tenant, row.order_id)):
        return Snoozed(wait_s=_HELD_S, reason="The order is on hold: its suppliers are asked when it goes on.")
    link = work.services.supplier_links.address(purchasing.link_of(row, supplier.lead_days))
    told = purchase_told.for_the_supplier(session, row, now=work.now())
    written = supply_wire.written(told, None if told.hidden else row.ship_to, link=link)
    return Telling(
        notice=notice.id,
        order=row.order_id,
        supplier=supplier.name,
        fact=notice.fact,
        address=supplier.hook_url,
        secret=work.services.keyring.open(supplier.sealed_hook_secret)["secret"],
        body=supplier_hooks.body(written, event=notice.id, fact=notice.fact),
    )


def _why_not(session: Session, notice: Notice, row: PurchaseOrder) -> str:
    tenant = row.tenant_id
    if tenants.mode_of(session, tenant) != "live":
        return "Packline only watches this shop, so nobody was told."
    if forgotten.is_forgotten(session, tenant, row.order_id):
        return "Who bought it was forgotten, so nobody knows where it goes."
    over = session.get_one(Order, (tenant, row.order_id)).state in OVER
    if notice.fact.startswith("ordered") and (row.state not in OPEN or over):
        return _OVER
    if not notice.fact.startswith("ordered") and not _may_have_heard(session, notice):
        return _UNHEARD
    return ""


def _may_have_heard(session: Session, notice: Notice) -> bool:
    """Whether the beginning was told to their machine, and not refused there: a lost answer may have been a yes."""
    told = [one for one in notices.about(session, notice.tenant_id, notice.subject) if one.fact.startswith("ordered")]
    acts = [find_intention(session, notice.tenant_id, f"hook/{one.id}") for one in told]
    return any(act is not None and act.state != "refused" for act in acts)


def _end(session: Session, work: Work, telling: Telling) -> None:
    tenant = work.tenant
    session.get_one(Order, (tenant, telling.order), with_for_update=LOCK, populate_existing=True)
    also = {"address": telling.address, "title": supplier_hooks.type_of(telling.fact)}
    if lifecycle.move(session, tenant, "notice", telling.notice, "send", reason="", ended_at=work.now(), **also):
        said = f"{telling.supplier}'s machine was told: {supplier_hooks.type_of(telling.fact)}."
        story.tell(session, work, telling.order, said, notice=telling.notice)
