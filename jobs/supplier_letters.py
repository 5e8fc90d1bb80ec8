"""Writes the letters to suppliers: what they are asked to ship, and that it is not wanted any more."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Address, Letter
from integrations.nouns.mail import Attachment, is_mailbox, one_line
from integrations.ports import Mail
from jobs import letters
from jobs.notice_letters import Written
from jobs.outcomes import Snoozed
from jobs.work import Work
from orders import forgotten, holds, lifecycle, purchase_sheet, purchase_told, purchasing, supplier_troubles
from orders.purchase_told import Told
from records import notices, suppliers, tenants
from records.jobs import Job
from records.notices import Notice
from records.orders import OVER, Order, open_holds
from records.suppliers import UNPROMISED, PurchaseOrder, Supplier

_THING = "purchase_order/"
_NO_ACCOUNT = "No mail account is set up. Set MAIL_URL and MAIL_FROM, or give the supplier their link from this page."
_NO_ADDRESS = "The supplier has no mail address that can be written to. Correct it, then mail the purchase order again."
_WATCHES = "Packline only watches this shop, so nobody was written to."
_OVER = "What it was to say is settled already."
_NEVER_ASKED = "They were never sent the purchase order."
_FORGOTTEN = "Who bought it was forgotten, so nobody knows where it goes."
# The letter that asks is being sent by another worker: what became of it is known in a moment.
_LOOK_AGAIN_S = 60.0
# A hold that is released brings the letter forward; this is for one whose end nobody told.
_HELD_S = 1800.0
_TOLD = {
    "cancelled": "word that it is cancelled", "stop": "the question to stop it", "reminded": "a reminder",
}  # fmt: skip


def is_about(subject: str) -> bool:
    """Whether a notice is for a supplier."""
    return subject.startswith(_THING)


def write(session: Session, work: Work, notice: Notice, mail: Mail | None) -> Written | Snoozed | str:
    """The letter; or why none is sent, or not yet."""
    row = session.get_one(PurchaseOrder, (work.tenant, _id(notice)))
    supplier = purchasing.supplier_of(session, row)
    reason = _why_not(session, notice, row, supplier, mail)
    if reason:
        return reason
    overdue_at = purchasing.overdue_at(row, supplier.lead_days)
    if notice.fact == "reminded" and work.now() < overdue_at:
        return Snoozed(wait_s=(overdue_at - work.now()).total_seconds(), reason="It may still be shipped in time.")
    if notice.fact == "reminded" and row.state == "written":
        return Snoozed(wait_s=_HELD_S, reason="The first letter has not been sent yet.")
    if _asks(notice.fact) and holds.blocking_labels(open_holds(session, work.tenant, row.order_id)):
        return Snoozed(wait_s=_HELD_S, reason="The order is on hold: its suppliers are asked when it goes on.")
    if notice.fact == "cancelled":
        asked = [one for one in notices.about(session, work.tenant, notice.subject) if one.fact.startswith("ordered")]
        if not any(one.state in {"sent", "failed"} for one in asked):
            waits = any(one.state == "due" and _is_being_sent(session, one) for one in asked)
            return Snoozed(wait_s=_LOOK_AGAIN_S, reason="The first letter is on its way.") if waits else _NEVER_ASKED
    link = work.services.supplier_links.address(purchasing.link_of(row, supplier.lead_days))
    told = purchase_told.told(session, row)
    written = compose(told, notice.fact, link=link, to=supplier.email, ship_to=row.ship_to)
    return Written(letter=written, kept=written.text.replace(link, "[the supplier's link]"))


def compose(told: Told, fact: str, *, link: str, to: str, ship_to: Address | None) -> Letter:
    """One letter of the shop's to its supplier. Pure. Only what is to be shipped has its files with it."""
    shop, asks = one_line(told.shop), _asks(fact)
    subject = {
        "cancelled": f"Cancelled: purchase order {told.id} from {shop}",
        "stop": f"Please stop purchase order {told.id} from {shop}",
        "reminded": f"Reminder: purchase order {told.id} from {shop}, was to be shipped by {told.ship_by:%d %B %Y}",
    }.get(fact, f"Purchase order {told.id} from {shop}, please ship by {told.ship_by:%d %B %Y}")
    name = "purchase_order" if asks else "purchase_order_over"
    said = {"told": told, "shop": shop, "link": link, "subject": subject, "stop": fact == "stop"}
    said["reminds"] = fact == "reminded"
    return Letter(
        to=to,
        sender=shop,
        subject=subject,
        text=letters.rendered(f"{name}.txt", said),
        html=letters.rendered(f"{name}.html", said),
        attachments=_files(told, link, ship_to) if asks else (),
    )


def _files(told: Told, link: str, ship_to: Address | None) -> tuple[Attachment, ...]:
    """The same for a person who prints it, and for a machine."""
    name = f"purchase-order-{told.id}"
    table = purchase_told.as_csv(told, ship_to).encode()
    return (
        Attachment(name=f"{name}.pdf", media_type="application/pdf", content=purchase_sheet.as_pdf(told, link)),
        Attachment(name=f"{name}.csv", media_type="text/csv", content=table),
    )


def told(session: Session, notice: Notice) -> tuple[str, str]:
    """Who a letter was for, and what it was, as the order's story has it."""
    row = session.get_one(PurchaseOrder, (notice.tenant_id, _id(notice)))
    name = purchasing.supplier_of(session, row).name
    return name, f"{_TOLD.get(notice.fact, 'it')} (purchase order {row.id})"


def ended(session: Session, work: Work, notice: Notice, by: str) -> None:
    """The purchase order is with the supplier now; where a letter did not reach them, a person has to know."""
    order = session.get_one(Order, (work.tenant, notice.order_id))
    if by == "send" and notice.fact.startswith("ordered"):
        lifecycle.move(session, work.tenant, "purchase_order", _id(notice), "send", sent_at=work.now())
    session.flush()
    supplier_troubles.note(session, work.tenant, order, now=work.now())


def _why_not(session: Session, notice: Notice, row: PurchaseOrder, supplier: Supplier, mail: Mail | None) -> str:
    if tenants.mode_of(session, row.tenant_id) != "live":
        return _WATCHES
    wanted = UNPROMISED if notice.fact == "ordered" else suppliers.OPEN
    over = session.get_one(Order, (row.tenant_id, row.order_id)).state in OVER
    if _asks(notice.fact) and (row.state not in wanted or over):
        return _OVER
    if forgotten.is_forgotten(session, row.tenant_id, row.order_id):
        return _FORGOTTEN
    if mail is None:
        return _NO_ACCOUNT
    return "" if is_mailbox(supplier.email) else _NO_ADDRESS


def _asks(fact: str) -> bool:
    """Whether a letter asks a supplier to ship, for the first time or again."""
    return fact == "reminded" or fact.startswith("ordered")


def _is_being_sent(session: Session, notice: Notice) -> bool:
    """Whether a worker has it in hand, or will have: a job that was given up sends nothing any more."""
    waiting = select(Job.id).where(
        Job.tenant_id == notice.tenant_id,
        Job.kind == "send_notice",
        Job.subject == f"notice/{notice.id}",
        Job.state.in_(("due", "running")),
    )
    return session.execute(waiting.limit(1)).first() is not None


def _id(notice: Notice) -> int:
    return int(notice.subject.removeprefix(_THING))
