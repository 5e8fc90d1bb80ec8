"""Writes to the merchant once a day what is to be ordered and what lies in excess, where any of it is new to them."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy.orm import Session

from integrations.nouns import Letter
from integrations.nouns.mail import is_mailbox
from integrations.ports import LETTER_REFUSED, Mail, Permanent, Temporary
from jobs import outward, stock_letters
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import stock_alerts
from records import replenishing, tenants
from records.replenishing import StockLetter
from records.tenants import Tenant

_UNKNOWN = (
    "Nobody knows whether the mail server took it, so it is not sent again by itself: look at What to order, where all "
    "of it stands."
)
_OFF = "The mail was switched off before it was sent."
_RECOVERED = "All of it had recovered before it was sent."
# Where the page of the list stands, below the address at which people reach us.
_PAGE = "/ops/shops/{tenant}/replenish"


@dataclass(frozen=True, kw_only=True)
class _Ready:
    id: int
    letter: Letter


def run(work: Work) -> Outcome:
    mail = work.mail()
    with work.writing() as session:
        ready = _prepare(session, work, mail)
    if isinstance(ready, str):
        return Cancelled(reason=ready)
    return Done() if ready is None or mail is None else _send(work, mail, ready)


def _prepare(session: Session, work: Work, mail: Mail | None) -> _Ready | str | None:
    """The letter; why none is sent; or None where nothing is new."""
    shop = session.get_one(Tenant, work.tenant)
    if shop.closed_at is not None or shop.redacted_at is not None:
        return "the shop has left: nobody is written to any more"
    to = tenants.rules_of(session, work.tenant).mail_stock_to
    begun = replenishing.last_letter(session, work.tenant)
    if begun is not None and begun.state == "due" and outward.was_intended(session, work.tenant, _key(begun.id)):
        _end(session, work, begun, "fail", told=True, reason=_UNKNOWN)
        outward.settle(session, work.tenant, _key(begun.id), "abandon", reason=_UNKNOWN)
        return "a run before this one may have sent it"
    if not is_mailbox(to):
        if begun is not None and begun.state == "due":
            _end(session, work, begun, "suppress", told=False, reason=_OFF)
        stock_alerts.forget_all(session, work.tenant)
        return "nobody wants to be told"
    if shop.mode != "live":
        return "the shop is only watched: nobody is written to"
    if mail is None:
        return "no mail account is set up (MAIL_URL)"
    letter = stock_alerts.due(session, work.tenant, now=work.now())
    return None if letter is None else _composed(session, work, letter, shop, to)


def _composed(session: Session, work: Work, letter: StockLetter, shop: Tenant, to: str) -> _Ready | str:
    rows = stock_alerts.rows_of(session, work.tenant, letter, today=work.now().date())
    if not rows:
        _end(session, work, letter, "suppress", told=False, reason=_RECOVERED)
        return _RECOVERED
    public = work.services.public_url
    link = f"{public.rstrip('/')}{_PAGE.format(tenant=work.tenant)}" if public else ""
    return _Ready(id=letter.id, letter=stock_letters.compose(rows, shop=shop.name, link=link, to=to))


def _send(work: Work, mail: Mail, ready: _Ready) -> Outcome:
    act = Act(key=_key(ready.id), kind="mail_stock", subject=work.claim.subject, repeatable=False)
    try:
        outward.once(work, act, perform=lambda keys: mail.send(ready.letter, keys))
    except Temporary as failure:
        if failure.outcome_unknown:
            _failed(work, ready, _UNKNOWN, told=True)
            return Done()
        with work.writing() as session:  # it was not sent: the next try may send it
            outward.settle(session, work.tenant, act.key, "abandon", reason=failure.reason)
        raise
    except Permanent as refusal:
        if refusal.code != LETTER_REFUSED:
            raise  # the account is to be mended; a retry sends it then
        _failed(work, ready, f"{refusal.reason} {refusal.remedy}", told=False)
        return Done()
    with work.writing() as session:
        outward.settle(session, work.tenant, act.key, "succeed")
        row = session.get_one(StockLetter, (work.tenant, ready.id))
        _end(session, work, row, "send", told=True, address=ready.letter.to, title=ready.letter.subject)
    return Done()


def _failed(work: Work, ready: _Ready, reason: str, *, told: bool) -> None:
    with work.writing() as session:
        outward.settle(session, work.tenant, _key(ready.id), "abandon", reason=reason)
        _end(session, work, session.get_one(StockLetter, (work.tenant, ready.id)), "fail", told=told, reason=reason)


def _end(session: Session, work: Work, letter: StockLetter, by: str, *, told: bool, **also: str) -> None:
    stock_alerts.end(session, letter, by, now=work.now(), told=told, **also)


def _key(letter: int) -> str:
    return f"stock_letter/{letter}"
