"""Reads what a request asks for: query and form values, made safe once, here."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from flask import request
from werkzeug.routing import IntegerConverter

LARGEST_ID = 2**63 - 1
LONGEST_REASON = 500
# Far more than anything that is kept: what is too long is shown again as it was typed, and refused.
MOST_SHOWN_AGAIN = 5_000


class RowId(IntegerConverter):
    """An id in a path; one that no row can have is nobody's page, not a fault of the database."""

    def __init__(self, map: object) -> None:
        super().__init__(map, max=LARGEST_ID)  # type: ignore[arg-type]


def asked(name: str, *, longest: int = 200) -> str:
    """A value of the query, without what PostgreSQL's text cannot hold."""
    return plain(request.args.get(name, ""), longest)


def told(name: str, *, longest: int = 500) -> str:
    """A value of the form."""
    return plain(request.form.get(name, ""), longest)


def reason() -> tuple[str, str]:
    """Why somebody asks for something, as they typed it, and what is wrong with that; empty where nothing is."""
    text = told("reason", longest=MOST_SHOWN_AGAIN)
    if not text:
        return text, "Say why: the next person will ask."
    return text, too_long(text, LONGEST_REASON)


def too_long(text: str, longest: int) -> str:
    """What is wrong with a text that nothing may be cut from; empty where it fits."""
    return f"At most {longest:,} characters; this is {len(text):,}." if len(text) > longest else ""


def odd_count(text: str, most: int) -> str:
    """What is wrong with a number of units of which there are so many; empty where nothing is."""
    if not (text.isascii() and text.isdigit()):
        return "A whole number, without a unit."
    return f"There {'is' if most == 1 else 'are'} {most:,} of it." if len(text) > 9 or int(text) > most else ""


def told_id(name: str) -> int | None:
    """An id of the form."""
    return _id(request.form.get(name, ""))


def secret(name: str) -> str:
    """A password of the form: every letter as it was typed."""
    return request.form.get(name, "")


def one_of(name: str, allowed: Collection[str]) -> str:
    """A value of the query that is one of these; anything else counts as not asked."""
    value = asked(name)
    return value if value in allowed else ""


def row_id(name: str) -> int | None:
    return _id(request.args.get(name, ""))


def row_ids(name: str) -> list[int]:
    """The ids that were ticked in a form, each once."""
    return ids_in(request.form.getlist(name))


def ids_in(texts: Iterable[str]) -> list[int]:
    """The row ids among these texts, each once."""
    found = [_id(text) for text in texts]
    return list(dict.fromkeys(id for id in found if id is not None))


def local_path(given: str, otherwise: str) -> str:
    """Where to go on to: a path of our own and never another site's."""
    odd = not given.startswith("/") or given.startswith(("//", "/\\")) or any(ord(char) < 32 for char in given)
    return otherwise if odd else given


def _id(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and 0 < int(text[:20]) <= LARGEST_ID else None


def plain(text: str, longest: int) -> str:
    """Text from outside without what PostgreSQL's text cannot hold, and no longer than this."""
    return "".join(char for char in text if char == "\n" or ord(char) >= 32).strip()[:longest]
