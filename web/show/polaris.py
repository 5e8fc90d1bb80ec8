"""Says in the admin's own components what a template says in HTML: a table's rows, a tone. Pure.

https://shopify.dev/docs/api/app-home/web-components
"""

from __future__ import annotations

import re
from types import MappingProxyType

from markupsafe import Markup

# Our tones, and the word for each in a badge or banner.
TONES = MappingProxyType({"good": "success", "going": "info", "warn": "warning", "bad": "critical", "quiet": "neutral"})
_CELL = re.compile(r"<(/?)(?:td|th)\b")
_ROW = re.compile(r"<(/?)tr\b")
_SCOPE = re.compile(r' scope="row"')


def rows(written: Markup) -> Markup:
    """The rows of a table as rows of an `s-table`. Text from outside holds no tag here: it was escaped when written."""
    text = _SCOPE.sub("", str(written))
    text = _ROW.sub(r"<\1s-table-row", text)
    return Markup(_CELL.sub(r"<\1s-table-cell", text))  # noqa: S704 # nosec B704 # markup of our own templates


def tone(of: str) -> str:
    return TONES.get(of, "neutral")
