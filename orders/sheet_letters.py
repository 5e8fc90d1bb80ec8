"""Which letters a PDF can show, and in which font each: Latin, Greek, Cyrillic and Georgian, Chinese, Japanese, Korean.

The first four are drawn in FiraGO, whose letters go with the file. The others are asked of the reader's own fonts by
the names that PDF has for them (ISO 32000-1, 9.7.5.2), as every reader sold in East Asia has them. What has to be
joined or turned around to be read (Arabic, Hebrew, the scripts of India, Thai) is not shown at all: no address is
better than a wrong one.
"""

from __future__ import annotations

import io
import unicodedata
from functools import cache
from itertools import groupby
from xml.sax.saxutils import escape  # nosec B406 # it writes, and reads nothing

import pymupdf_fonts
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.pdfmetrics import registerFont, registerFontFamily
from reportlab.pdfbase.ttfonts import TTFont

PLAIN, BOLD = "FiraGO", "FiraGO-Bold"
_CHINESE, _JAPANESE, _KOREAN = "STSong-Light", "HeiseiMin-W3", "HYSMyeongJo-Medium"
# First and last letter of what is read from left to right, one letter after the other.
_SIMPLE = ((0x20, 0x52F), (0x10A0, 0x10FF), (0x1C90, 0x1CBF), (0x1E00, 0x200A), (0x2010, 0x2027), (0x2030, 0x2BFF))
_KANA = ((0x3040, 0x30FF), (0x31F0, 0x31FF), (0xFF66, 0xFF9F))
_HANGUL = ((0x1100, 0x11FF), (0x3130, 0x318F), (0xAC00, 0xD7A3))
_HAN = ((0x2E80, 0x2FDF), (0x3000, 0x303F), (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0xFF01, 0xFF65))
_EAST = (*_KANA, *_HANGUL, *_HAN)


def marked_up(text: str) -> str | None:
    """The text as reportlab's paragraphs take it, with nothing in it that they would obey; None where a letter of it
    cannot be shown. Signs that are no letters are left out.
    """
    written = unicodedata.normalize("NFC", " ".join(text.split()))
    east = _eastern(written)
    fonts = [(_font_of(letter, east), letter) for letter in written]
    if any(not font and unicodedata.category(letter)[0] in "LMN" for font, letter in fonts):
        return None
    runs = groupby(((font, letter) for font, letter in fonts if font), key=lambda one: one[0])
    return "".join(_run(font, "".join(letter for _, letter in run)) for font, run in runs)


def is_eastern(text: str) -> bool:
    """Whether it is written without spaces, so that a line may end after any letter."""
    return any(_within(letter, _EAST) for letter in text)


def _run(font: str, letters: str) -> str:
    said = escape(letters)
    return said if font == PLAIN else f'<font name="{font}">{said}</font>'


def _eastern(text: str) -> str:
    """Japanese and Korean are known by their own letters; what has none of either is Chinese."""
    if any(_within(letter, _KANA) for letter in text):
        return _JAPANESE
    return _KOREAN if any(_within(letter, _HANGUL) for letter in text) else _CHINESE


def _font_of(letter: str, east: str) -> str:
    """Empty where there is none."""
    if _within(letter, _SIMPLE) and ord(letter) in _drawn():
        return PLAIN
    return east if _within(letter, _EAST) else ""


def _within(letter: str, ranges: tuple[tuple[int, int], ...]) -> bool:
    return any(first <= ord(letter) <= last for first, last in ranges)


@cache
def _drawn() -> frozenset[int]:
    """The letters that both weights of FiraGO have; it makes all fonts known to reportlab, once in a process."""
    for name in (_CHINESE, _JAPANESE, _KOREAN):
        registerFont(UnicodeCIDFont(name))
        registerFontFamily(name, normal=name, bold=name, italic=name, boldItalic=name)
    weights = [TTFont(name, io.BytesIO(pymupdf_fonts.fontbuffers[key]())) for name, key in _FILES.items()]
    for font in weights:
        registerFont(font)
    registerFontFamily(PLAIN, normal=PLAIN, bold=BOLD, italic=PLAIN, boldItalic=BOLD)
    return frozenset.intersection(*(frozenset(font.face.charToGlyph) for font in weights))


_FILES = {PLAIN: "figo", BOLD: "figbo"}
