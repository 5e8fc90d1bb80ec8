"""Says what a notice is to tell its buyer: the letter, or why nothing is written any more."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy.orm import Session

from config.keyring import CannotOpen
from integrations.nouns import Letter
from integrations.ports import Permanent
from jobs import answering, changing, letters
from jobs.work import Work
from orders import change_told, choice_told, choosing, digital, digital_told, readdressing
from records import choices
from records.choices import OPEN
from records.digital import find_delivery
from records.notices import Notice
from records.orders import Order

OVER = "What it was to say is settled already."


@dataclass(frozen=True, kw_only=True)
class Written:
    """A letter, and what is kept of its text: no link that lets somebody in, and no code."""

    letter: Letter
    kept: str

    def __repr__(self) -> str:
        return "Written()"


def write(session: Session, work: Work, notice: Notice, order: Order) -> Written | None:
    """The letter of a notice; None where what it was to say is settled already. Raises Permanent."""
    thing, _, number = notice.subject.partition("/")
    return _WRITERS[thing](session, work, notice, order, int(number))


def _of_choice(session: Session, work: Work, notice: Notice, order: Order, id: int) -> Written | None:
    choice = choices.find(session, work.tenant, id)
    if choice is None or choice.state not in OPEN:
        return None
    if notice.fact == "asked":
        choosing.give_time(session, choice, now=work.now())
    told = answering.told(session, choice, today=work.now().date())
    link = work.services.links.address(choosing.link_of(choice))
    locale = choice_told.locale_of(_country(order))
    letter = letters.about_choice(told, notice.fact, link=link, locale=locale, to=order.email)
    return Written(letter=letter, kept=letter.text.replace(link, "[the buyer's link]"))


def _of_delivery(session: Session, work: Work, notice: Notice, order: Order, id: int) -> Written | None:
    row = find_delivery(session, work.tenant, id)
    if row is None:
        return None
    try:
        told = digital_told.told(session, row, work.services.keyring.open, now=work.now())
    except CannotOpen as error:
        raise Permanent(
            "What was delivered cannot be opened: it was sealed with a key that is gone.",
            remedy="Put the old key back at the end of ENCRYPTION_KEYS, then retry.",
            code="sealed",
        ) from error
    if told.cancelled:
        return None
    link = work.services.links.leading_to("delivered").address(digital.link_to(row))
    locale = choice_told.locale_of(_country(order))
    letter = letters.about_delivery(told, again=notice.fact != "delivered", link=link, locale=locale, to=order.email)
    kept = letter.text.replace(link, "[the buyer's link]")
    for code in sorted(told.codes, key=len, reverse=True):
        kept = kept.replace(code, "[a code]")
    return Written(letter=letter, kept=kept)


def _of_changes(session: Session, work: Work, _notice: Notice, order: Order, _id: int) -> Written | None:
    still = changing.look(session, work.tenant, order.id)
    if still.why or not still.anything:
        return None  # it would promise what its page refuses
    link = work.services.links.leading_to("order").address(readdressing.link_of(order, given_at=work.now()))
    letter = letters.about_changes(change_told.told(session, order, still), link=link, to=order.email)
    return Written(letter=letter, kept=letter.text.replace(link, "[the buyer's link]"))


def _country(order: Order) -> str:
    return order.ship_to.country if order.ship_to else ""


_Writer = Callable[[Session, Work, Notice, Order, int], Written | None]
_WRITERS: dict[str, _Writer] = {"choice": _of_choice, "delivery": _of_delivery, "order": _of_changes}
