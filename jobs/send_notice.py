"""Writes to a buyer or a supplier, at most once: what the mail server may have taken is not sent again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from integrations.nouns.mail import is_mailbox
from integrations.ports import LETTER_REFUSED, Mail, Permanent, Temporary
from jobs import notice_letters, outward, story, supplier_letters
from jobs.notice_letters import Written
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act
from jobs.work import Work
from orders import digital, lifecycle
from records import tenants
from records.notices import Notice
from records.orders import LOCK, Order

_NO_ACCOUNT = "No mail account is set up. Set MAIL_URL and MAIL_FROM, or send the buyer their link from this page."
_NO_ADDRESS = "The order has no mail address that can be written to. Reach the buyer in another way, with their link."
_WATCHES = "Packline only watches this shop, so nobody was written to."
_UNKNOWN = (
    "Nobody knows whether the mail server took it, so it is not sent again by itself. Send them their link if they do "
    "not answer."
)


@dataclass(frozen=True, kw_only=True)
class _Ready:
    notice: int
    written: Written


def run(work: Work) -> Outcome:
    mail = work.mail()
    with work.writing() as session:
        ready = _prepare(session, work, mail)
    if isinstance(ready, str):
        return Cancelled(reason=ready)
    if isinstance(ready, Snoozed):
        return ready
    return Done() if mail is None else _send(work, mail, ready)


def _prepare(session: Session, work: Work, mail: Mail | None) -> _Ready | Snoozed | str:
    """The letter, or why none is sent; that is written down then."""
    notice = session.get(Notice, (work.tenant, work.subject_id))
    if notice is None or notice.state != "due":
        return f"the notice is {notice.state if notice else 'gone'}"
    if outward.was_intended(session, work.tenant, _key(notice.id)):
        _end(session, work, notice, "fail", reason=_UNKNOWN)
        outward.settle(session, work.tenant, _key(notice.id), "abandon", reason=_UNKNOWN)
        return "a run before this one may have sent it"
    to_supplier = supplier_letters.is_about(notice.subject)
    write = supplier_letters.write if to_supplier else _to_buyer
    written = write(session, work, notice, mail)
    if isinstance(written, Snoozed):
        return written
    if isinstance(written, str):
        _end(session, work, notice, "suppress", reason=written)
        return written
    return _Ready(notice=notice.id, written=written)


def _to_buyer(session: Session, work: Work, notice: Notice, mail: Mail | None) -> Written | str:
    if tenants.mode_of(session, work.tenant) != "live":
        return _WATCHES
    order = session.get_one(Order, (work.tenant, notice.order_id))
    written = notice_letters.write(session, work, notice, order)
    if written is None:
        return notice_letters.OVER
    if mail is None:
        return _NO_ACCOUNT
    return written if is_mailbox(order.email) else _NO_ADDRESS


def _send(work: Work, mail: Mail, ready: _Ready) -> Outcome:
    act = Act(key=_key(ready.notice), kind="send_notice", subject=f"notice/{ready.notice}", repeatable=False)
    try:
        outward.once(work, act, perform=lambda keys: mail.send(ready.written.letter, keys))
    except Temporary as failure:
        if failure.outcome_unknown:
            _failed(work, ready, _UNKNOWN)
            return Done()
        with work.writing() as session:  # it was not sent: the next try may send it
            outward.settle(session, work.tenant, act.key, "abandon", reason=failure.reason)
        raise
    except Permanent as refusal:
        if refusal.code != LETTER_REFUSED:
            raise  # the account is to be mended; a retry sends it then
        _failed(work, ready, f"{refusal.reason} {refusal.remedy}")
        return Done()
    with work.writing() as session:
        outward.settle(session, work.tenant, act.key, "succeed")
        _end(
            session, work, session.get_one(Notice, (work.tenant, ready.notice)), "send",
            address=ready.written.letter.to, title=ready.written.letter.subject, words=ready.written.kept,
        )  # fmt: skip
    return Done()


def _failed(work: Work, ready: _Ready, reason: str) -> None:
    with work.writing() as session:
        outward.settle(session, work.tenant, _key(ready.notice), "abandon", reason=reason)
        _end(session, work, session.get_one(Notice, (work.tenant, ready.notice)), "fail", reason=reason)


_TOLD = {
    "asked": "the question what is to become of what is short",
    "reminded": "the reminder to choose",
    "changeable": "the link to change their order",
    "delivered": "what they bought digitally",
}


def _end(session: Session, work: Work, notice: Notice, by: str, *, reason: str = "", **also: str) -> None:
    # Before its notice and its purchase order, as everybody locks it who changes either.
    session.get_one(Order, (work.tenant, notice.order_id), with_for_update=LOCK, populate_existing=True)
    if lifecycle.move(session, work.tenant, "notice", notice.id, by, reason=reason, ended_at=work.now(), **also):
        who, what = "The buyer", _TOLD.get(notice.fact) or f"{_TOLD['delivered']} once more"
        if supplier_letters.is_about(notice.subject):
            who, what = supplier_letters.told(session, notice)
            supplier_letters.ended(session, work, notice, by)
        elif notice.subject.startswith("delivery/"):
            session.flush()
            digital.note_mail(session, work.tenant, notice.order_id, now=work.now())
        said = f"{who} was sent {what}." if by == "send" else f"{who} was not sent {what}. {reason}"
        said = f"It is not known whether {_inside(who)} got {what}. {reason}" if reason == _UNKNOWN else said
        story.tell(session, work, notice.order_id, said, notice=notice.id)


def _inside(who: str) -> str:
    """As it stands within a sentence."""
    return f"the{who[3:]}" if who.startswith("The ") else who


def _key(notice: int) -> str:
    return f"notice/{notice}"
