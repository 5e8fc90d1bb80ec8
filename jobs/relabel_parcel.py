"""Gives a parcel's label back and has another one bought, keeping the parcel's place in the store."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs import announcements, outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from orders import lifecycle, postage, relabelling
from orders.relabelling import Standing
from records.intentions import Intention
from records.shipments import Label


def run(work: Work) -> Outcome:
    connection = work.newest_connection("carrier")
    waits = _until_announced(work)
    if waits is not None:
        return waits
    with work.writing() as session:
        found = relabelling.look(session, work.tenant, work.subject_id)
        if found is None:
            return Cancelled(reason="the parcel is gone: it gets no other label")
        wish = relabelling.wish_for(session, work.tenant, found.newest)
        if found.newest is None or wish is None:
            return Done()  # what was wished for stands there: a newer label, for which nobody wants another
        if relabelling.waiting_for(found.holds):
            return Done()  # a released hold asks for this job again
        refusal = relabelling.why_not(found)
        if refusal:
            return _too_late(session, work, found, wish, refusal)
        _replace(session, work, found, found.newest, wish, connection)
    return Done()


def _too_late(session: Session, work: Work, found: Standing, wish: Intention, refusal: str) -> Outcome:
    outward.settle(session, work.tenant, wish.key, "abandon", reason=f"{wish.reason} {refusal}")
    story.tell(session, work, found.order.id, f"The parcel keeps its label. {refusal}")
    return Cancelled(reason=refusal)


def _until_announced(work: Work) -> Outcome | None:
    """Nobody knows whether the store has the old number: that is settled before it gets a new one."""
    with work.reading() as session:
        found = relabelling.look(session, work.tenant, work.subject_id, lock=False)
        if found is None or relabelling.wish_for(session, work.tenant, found.newest) is None:
            return None
        if relabelling.waiting_for(found.holds) or relabelling.why_not(found):
            return None
    return announcements.settle_first(work, found.order.id, shipment=found.shipment.id)


def _replace(session: Session, work: Work, found: Standing, old: Label, wish: Intention, connection: str) -> None:
    """The old label goes back and the next attempt stands in its place, in one transaction."""
    tenant = work.tenant
    goes_back = lifecycle.move(session, tenant, "label", old.id, "request_void") if old.state == "bought" else False
    if goes_back:
        queue.add(session, tenant, "void_label", f"label/{old.id}")
    new = postage.begin(session, tenant, found.parcel, connection)
    queue.add(session, tenant, "buy_label", f"parcel/{found.parcel.id}", lane=work.claim.lane)
    outward.settle(session, tenant, wish.key, "succeed", reference=f"label/{new.id}", reason=wish.reason)
    what = f"Label {old.tracking_code} goes back and another one" if goes_back else "Another label"
    story.tell(
        session, work, found.order.id, f"{what} is bought for the parcel: {wish.reason}", label=new.id, replaced=old.id
    )
