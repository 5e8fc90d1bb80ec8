"""Every question that Packline asks of Shopify, read from the .graphql files beside this one.

A file holds one operation, named like the file, or one fragment. Page sizes keep the cost of each document below the
1000 points that Shopify allows one query, even counted as https://shopify.dev/docs/api/usage/limits words it (every
connection at its full `first`); Shopify itself charges less, as recorded answers show.
"""

from __future__ import annotations

import functools
import re
from pathlib import Path

FOLDER = Path(__file__).parent / "documents"
_SPREAD = re.compile(r"\.\.\.(\w+Parts)\b")


@functools.cache
def text(operation: str) -> str:
    """The operation with the fragments that it spreads, as it is sent."""
    written = _stripped(operation)
    for fragment in sorted(_spread(written)):
        written += "\n" + _stripped(fragment)
    return written


def names() -> list[str]:
    """The operations that the code can send."""
    return sorted(path.stem for path in FOLDER.glob("*.graphql") if not path.stem.endswith("Parts"))


def _spread(written: str) -> set[str]:
    found = set(_SPREAD.findall(written))
    return found.union(*(_spread(_stripped(name)) for name in found))


@functools.cache
def _stripped(name: str) -> str:
    # The comments are for readers; sending them with every call would only cost bytes.
    lines = (FOLDER / f"{name}.graphql").read_text(encoding="utf-8").splitlines()
    return "\n".join(line for line in lines if line.strip() and not line.lstrip().startswith("#"))
