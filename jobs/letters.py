"""Composes what buyers are written, as text and as HTML: in the shop's name, without pictures or counted looks."""

from __future__ import annotations

from pathlib import Path

from babel import Locale
from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from integrations.nouns import Letter
from integrations.nouns.mail import one_line
from orders import choice_told
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
        text=_environment.get_template("choice.txt").render(said),
        html=_environment.get_template("choice.html").render(said),
    )
