"""Writes to a buyer, at most once: a letter of which nobody knows whether it was taken is not sent again."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from integrations.nouns import Letter
from integrations.nouns.mail import is_mailbox
from integrations.ports import LETTER_REFUSED, Mail, Permanent, Temporary
from jobs import letters, outward, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import choice_told, choosing, lifecycle
from records import choices, tenants
from records.choices import OPEN
from records.notices import Notice
from records.orders import Order

_NO_ACCOUNT = "No mail account is set up. Set MAIL_URL and MAIL_FROM, or send the buyer their link from this page."
_NO_ADDRESS = "The order has no mail address that can be written to. Reach the buyer in another way, with their link."
_WATCHES = "Packline only watches this shop, so nobody was written to."
_OVER = "What it was to say is settled already."
_UNKNOWN = (
    "Nobody knows whether the mail server took it, so it is not sent again by itself. Send the buyer their link if "
    "they do not answer."
)


@dataclass(frozen=True, kw_only=True)
class _Ready:
    notice: int
    order: int
    fact: str
    letter: Letter
    kept: str
    """The letter's text without its link."""


def run(work: Work) -> Outcome:
    mail = work.mail()
    with work.writing() as session:
        ready = _prepare(session, work, mail)
    if isinstance(ready, str):
        return Cancelled(reason=ready)
    return Done() if mail is None else _send(work, mail, ready)


def _prepare(session: Session, work: Work, mail: Mail | None) -> _Ready | str:
    """The letter, or why none is sent; that is written down then."""
    notice = session.get(Notice, (work.tenant, work.subject_id))
    if notice is None or notice.state != "due":
        return f"the notice is {notice.state if notice else 'gone'}"
    order = session.get_one(Order, (work.tenant, notice.order_id))
    choice = choices.find(session, work.tenant, int(notice.subject.rpartition("/")[2]))
    if outward.was_intended(session, work.tenant, _key(notice.id)):
        _end(session, work, notice.id, notice.order_id, notice.fact, "fail", reason=_UNKNOWN)
        outward.settle(session, work.tenant, _key(notice.id), "abandon", reason=_UNKNOWN)
        return "a run before this one may have sent it"
    reason = _why_not(session, work, mail, order, open_choice=choice is not None and choice.state in OPEN)
    if reason or choice is None:
        _end(session, work, notice.id, notice.order_id, notice.fact, "suppress", reason=reason or _OVER)
        return reason or _OVER
    if notice.fact == "asked":
        choosing.give_time(session, choice, now=work.now())
    told = choice_told.told(session, choice, today=work.now().date())
    country = order.ship_to.country if order.ship_to else ""
    link = work.services.links.address(choosing.link_of(choice))
    written = letters.about_choice(told, notice.fact, link=link, locale=choice_told.locale_of(country), to=order.email)
    return _Ready(
        notice=notice.id,
        order=order.id,
        fact=notice.fact,
        letter=written,
        kept=written.text.replace(link, "[the buyer's link]"),
    )


def _why_not(session: Session, work: Work, mail: Mail | None, order: Order, *, open_choice: bool) -> str:
    if tenants.mode_of(session, work.tenant) != "live":
        return _WATCHES
    if not open_choice:
        return _OVER
    if mail is None:
        return _NO_ACCOUNT
    return "" if is_mailbox(order.email) else _NO_ADDRESS


def _send(work: Work, mail: Mail, ready: _Ready) -> Outcome:
    act = Act(key=_key(ready.notice), kind="send_notice", subject=f"notice/{ready.notice}", repeatable=False)
    try:
        outward.once(work, act, perform=lambda keys: mail.send(ready.letter, keys))
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
            session, work, ready.notice, ready.order, ready.fact, "send",
            address=ready.letter.to, title=ready.letter.subject, words=ready.kept,
        )  # fmt: skip
    return Done()


def _failed(work: Work, ready: _Ready, reason: str) -> None:
    with work.writing() as session:
        outward.settle(session, work.tenant, _key(ready.notice), "abandon", reason=reason)
        _end(session, work, ready.notice, ready.order, ready.fact, "fail", reason=reason)


_TOLD = {"asked": "the question what is to become of what is short", "reminded": "the reminder to choose"}


def _end(
    session: Session, work: Work, notice: int, order: int, fact: str, by: str, *, reason: str = "", **also: str
) -> None:
    if lifecycle.move(session, work.tenant, "notice", notice, by, reason=reason, ended_at=work.now(), **also):
        what = _TOLD.get(fact, fact)
        said = f"The buyer was sent {what}." if by == "send" else f"The buyer was not sent {what}. {reason}"
        said = f"It is not known whether the buyer got {what}. {reason}" if reason == _UNKNOWN else said
        story.tell(session, work, order, said, notice=notice)


def _key(notice: int) -> str:
    return f"notice/{notice}"
