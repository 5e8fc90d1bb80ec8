"""Draws a purchase order as a PDF, for suppliers who print what they are asked for. Pure: the same one, the same bytes.

What its letters cannot show (orders/sheet_letters.py) is named as missing; the mail, its CSV file and the supplier's
page have the exact text.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from xml.sax.saxutils import quoteattr  # nosec B406 # it writes, and reads nothing

from reportlab.lib.colors import HexColor
from reportlab.lib.pagesizes import A4
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Spacer, Table

from orders.amounts import decimal
from orders.purchase_told import Told, ToShip
from orders.sheet_letters import BOLD, PLAIN, is_eastern, marked_up

_NOT_SHOWN = "(in letters that this sheet cannot show)"
_SOME_MISSING = (
    "Part of this is written in letters that this sheet cannot show. The supplier's page and the CSV file have all of "
    "it."
)
# A reader without such fonts shows nothing in their place, and says nothing either.
_READERS_OWN = (
    "The Chinese, Japanese and Korean letters are drawn in your computer's own fonts. Where something looks empty, the "
    "supplier's page and the CSV file have it."
)
# A cell has to fit a page; the exact text of a longer one stands in the CSV file.
_LONGEST = 300
_MARGIN = 20 * mm
_WIDTHS = (37 * mm, 37 * mm, 52 * mm, 16 * mm, 28 * mm)
_SOFT, _RULE, _LINK = HexColor(0x4A5568), HexColor(0xC5CBD3), "#1f4fbf"
_TEXT = ParagraphStyle("text", fontName=PLAIN, fontSize=10, leading=14)
_NUMBER = ParagraphStyle("number", parent=_TEXT, alignment=2)
_NOTE = ParagraphStyle("note", parent=_TEXT, fontSize=9, leading=12, textColor=_SOFT)
_HEAD = ParagraphStyle("head", parent=_TEXT, fontName=BOLD, spaceBefore=14, spaceAfter=4)
_TITLE = ParagraphStyle("title", parent=_HEAD, fontSize=18, leading=23)


def as_pdf(told: Told, link: str) -> bytes:
    """On as many A4 pages as it takes. `link` is the supplier's own, where they answer."""
    marked_up("")  # the fonts are known from here on
    written = io.BytesIO()
    sheet = SimpleDocTemplate(
        written, pagesize=A4, invariant=1, lang="en", title=f"Purchase order {told.id}", subject="", creator="Packline",
        leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
    )  # fmt: skip
    sheet.build([*_top(told), *_what(told.lines), *_where(told), *_answer(told, link)])
    return written.getvalue()


def _top(told: Told) -> list[Flowable]:
    return [
        _said(told.shop, _TEXT),
        _said(f"Purchase order {told.id}", _TITLE),
        _said(f"Written on {told.written_on:%d %B %Y} for {told.supplier}, order {told.order_name}", _TEXT),
        _said(_standing(told), _HEAD),
    ]


def _standing(told: Told) -> str:
    if told.open and told.held:
        return "Please do not ship it yet: the shop asks you to wait."
    if told.open:
        return f"Please ship by {told.ship_by:%d %B %Y}."
    return "All of it has left." if told.state == "shipped" else "Not wanted any more: please do not ship it."


def _what(lines: Sequence[ToShip]) -> list[Flowable]:
    heading = [_said(name, _HEAD) for name in ("Your SKU", "Our SKU", "What")]
    numbers = [_said(name, ParagraphStyle("heading", parent=_HEAD, alignment=2)) for name in ("Units", "Cost each")]
    rows = [
        [
            _said(line.sku, _TEXT),
            _said(line.our_sku, _TEXT),
            _said(line.title, _TEXT),
            _said(str(line.units), _NUMBER),
            _said(_cost(line.cost_minor, line.currency), _NUMBER),
        ]
        for line in lines
    ]
    style = [
        ("VALIGN", (0, 0), (-1, -1), "TOP"),
        ("LINEBELOW", (0, 0), (-1, -1), 0.5, _RULE),
        ("LEFTPADDING", (0, 0), (0, -1), 0),
        ("RIGHTPADDING", (-1, 0), (-1, -1), 0),
    ]
    table = Table([heading + numbers, *rows], colWidths=_WIDTHS, repeatRows=1, hAlign="LEFT", style=style)
    return [table, *([_said(f"Total cost: {total}", _HEAD)] if (total := _total(lines)) else [])]


def _where(told: Told) -> list[Flowable]:
    lines = [*told.address, *([f"Phone for the carrier: {told.phone}"] if told.phone else [])]
    gone = (
        "The address is not shown any more, as nothing is to be shipped there."
        if told.hidden
        else "The address was deleted, as the buyer or the law asked."
    )
    return [_said("Ship to", _HEAD), *(_said(line, _TEXT) for line in lines or [gone])]


def _answer(told: Told, link: str) -> list[Flowable]:
    notes = [_said(note, _HEAD) for note in _not_all_shown(told)]
    if told.open:
        address = f"<a href={quoteattr(link)} color={quoteattr(_LINK)}>{marked_up(link)}</a>"
        notes += [
            _said("Accept it, reject it, or give the tracking number here, without signing in:", _HEAD),
            Paragraph(address, _TEXT),
            Spacer(0, 3 * mm),
            _said("The link is for you alone: whoever has it can answer in your place.", _NOTE),
        ]
    kept = "The address is there to ship this, and for nothing else: please delete it when it has arrived."
    return [*notes, _said(kept, _NOTE)]


def _said(text: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph of what anybody may have typed."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    if is_eastern(cut):
        style = ParagraphStyle("eastern", parent=style, wordWrap="CJK")
    shown = marked_up(cut)
    return Paragraph(_NOT_SHOWN if shown is None else shown, style)


def _not_all_shown(told: Told) -> list[str]:
    typed = [told.shop, told.supplier, told.order_name, *told.address, told.phone]
    typed += [text for line in told.lines for text in (line.sku, line.our_sku, line.title)]
    missing = any(len(text) > _LONGEST or marked_up(text) is None for text in typed)
    return [_SOME_MISSING] * missing + [_READERS_OWN] * any(map(is_eastern, typed))


def _cost(minor: int | None, currency: str) -> str:
    return "" if minor is None else f"{decimal(minor, currency)} {currency}"


def _total(lines: Sequence[ToShip]) -> str:
    """Empty where the cost of a line is not known, or where they are in several currencies."""
    costs = [line.cost_minor * line.units for line in lines if line.cost_minor is not None]
    currencies = {line.currency for line in lines}
    return _cost(sum(costs), *currencies) if len(costs) == len(lines) and len(currencies) == 1 else ""
