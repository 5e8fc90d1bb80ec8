"""Draws the address slip for a box that needs no label, as a PDF. Pure: the same one, the same bytes."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

from reportlab.lib.pagesizes import A6
from reportlab.lib.styles import ParagraphStyle
from reportlab.lib.units import mm
from reportlab.platypus import Flowable, PageBreak, Paragraph, SimpleDocTemplate, Spacer

from orders.sheet_letters import BOLD, PLAIN, is_eastern, marked_up

_MARGIN = 9 * mm
# Four of these, each over several lines, fit a slip; the order's page has the exact text of what is longer.
_LONGEST = 120
_NOT_SHOWN = "(letters that this slip cannot show: write it by hand)"
_SMALL = ParagraphStyle("small", fontName=PLAIN, fontSize=9, leading=12)
_TO = ParagraphStyle("to", fontName=BOLD, fontSize=15, leading=20)
_TITLE = ParagraphStyle("title", parent=_TO, fontSize=11, leading=15)


@dataclass(frozen=True, kw_only=True)
class Slip:
    """What stands on the boxes of a shipment: one slip each."""

    order_name: str
    courier: str
    sender: Sequence[str]
    to: Sequence[str]
    phone: str
    boxes: Sequence[int]
    """The weight of each box, in grams; 0 where nobody knows."""


def as_pdf(slip: Slip) -> bytes:
    """An A6 page for each box."""
    marked_up("")  # the fonts are known from here on
    written = io.BytesIO()
    sheet = SimpleDocTemplate(
        written, pagesize=A6, invariant=1, lang="en", title=f"Address slip {slip.order_name}", creator="Packline",
        leftMargin=_MARGIN, rightMargin=_MARGIN, topMargin=_MARGIN, bottomMargin=_MARGIN,
    )  # fmt: skip
    pages: list[Flowable] = []
    for place, grams in enumerate(slip.boxes, start=1):
        pages += [PageBreak()] if pages else []
        pages += _page(slip, place, grams)
    sheet.build(pages)
    return written.getvalue()


def _page(slip: Slip, place: int, grams: int) -> list[Flowable]:
    box = f" · box {place} of {len(slip.boxes)}" if len(slip.boxes) > 1 else ""
    weighs, by = f" · {grams} g" if grams else "", f" · by {slip.courier}" if slip.courier else ""
    return [
        _said(f"{slip.order_name}{box}{weighs}{by}", _TITLE),
        Spacer(0, 3 * mm),
        _said("From", _SMALL),
        *(_said(line, _SMALL) for line in slip.sender),
        Spacer(0, 6 * mm),
        _said("To", _SMALL),
        *(_said(line, _TO) for line in slip.to),
        *([Spacer(0, 3 * mm), _said(f"Phone: {slip.phone}", _TITLE)] if slip.phone else []),
    ]


def _said(text: str, style: ParagraphStyle) -> Paragraph:
    """A paragraph of what anybody may have typed."""
    cut = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
    if is_eastern(cut):
        style = ParagraphStyle("eastern", parent=style, wordWrap="CJK")
    shown = marked_up(cut)
    return Paragraph(_NOT_SHOWN if shown is None else shown, style)
