"""Composes what buyers are written, as text and as HTML: in the shop's name, without pictures or counted looks."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from integrations.nouns import Letter
from integrations.nouns.mail import one_line
from orders import change_told, choice_told, digital_told
from orders.choice_told import Told

_FOLDER = Path(__file__).parent / "letters_templates"
_environment = Environment(
    loader=FileSystemLoader(_FOLDER),
    autoescape=select_autoescape(enabled_extensions=("html",), default=False),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)


def about_choice(told: Told, fact: str, *, link: str, locale: Locale, to: str) -> Letter:
    """What is short, until when the buyer may choose, and what happens otherwise. `fact` is asked or reminded."""
    shop = one_line(told.shop)
    about = f"Something in order {one_line(told.order_name)} is out of stock"
    subject = f"Reminder: {about}" if fact == "reminded" else about
    said = {
        "told": told,
        "shop": shop,
        "link": link,
        "reminder": fact == "reminded",
        "subject": subject,
        "deadline": choice_told.moment(told.answer_by, locale),
        "otherwise": choice_told.by_default(told),
        "lines": [
            (
                f"{line.units} × {one_line(line.title)}",
                choice_told.price(line, told.currency, locale),
                choice_told.day(line.restock, locale) if line.restock else "",
            )
            for line in told.lines
        ],
    }
    return Letter(
        to=to,
        sender=shop,
        subject=subject,
        text=rendered("choice.txt", said),
        html=rendered("choice.html", said),
    )


def about_changes(told: change_told.Told, *, link: str, to: str) -> Letter:
    """What a buyer may still change of their order, and where."""
    shop = one_line(told.shop)
    subject = f"Your order {one_line(told.name)}: you can still change it"
    lines = [f"{line.units} × {one_line(line.title)}" for line in told.lines]
    said = {"told": told, "shop": shop, "link": link, "subject": subject, "lines": lines}
    return Letter(
        to=to,
        sender=shop,
        subject=subject,
        text=rendered("changeable.txt", said),
        html=rendered("changeable.html", said),
    )


def about_delivery(told: digital_told.Told, *, again: bool, link: str, locale: Locale, to: str) -> Letter:
    """What was bought digitally: the codes, and the link to the page where the rest is opened."""
    shop = one_line(told.shop)
    what = "Your codes" if told.codes else "Your downloads"
    what = "Your downloads and codes" if told.codes and told.has_links else what
    subject = f"{what} from order {one_line(told.order_name)}"
    said = {
        "told": told,
        "shop": shop,
        "link": link,
        "again": again,
        "subject": subject,
        "lines": [(line, f"{line.units} × {one_line(line.title)}", _limits(line, locale)) for line in told.lines],
    }
    return Letter(
        to=to,
        sender=shop,
        subject=subject,
        text=rendered("delivery.txt", said),
        html=rendered("delivery.html", said),
    )


def rendered(template: str, said: Mapping[str, object]) -> str:
    """One of the letters in `letters_templates`, with these values; a value that is missing is an error."""
    return _environment.get_template(template).render(said)


def _limits(line: digital_told.ToldLine, locale: Locale) -> str:
    """How often and until when a link can be opened; empty for codes, and for a link that has ended."""
    if line.ends_at is None or line.ended:
        return ""
    times = "once" if line.left == 1 else f"{line.left} times"
    return f"It can be opened {times}, until {choice_told.moment(line.ends_at, locale)}."
