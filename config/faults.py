"""Tells an exception so that it can be written down: where it happened and of what kind, and its words where they are
about code.

The message of an exception may be anything: the value that was no number, the row that broke a rule, a buyer's whole
address. Messages of our own exceptions are written without such things; of the others those are told that the
interpreter, the database or a library makes of names of ours.
"""

from __future__ import annotations

import traceback
from types import TracebackType
from typing import Any

from config import secrecy

OURS = frozenset(
    {"app", "bench", "cli", "commands", "config", "demo", "drills", "integrations", "jobs", "orders", "records"}
    | {"sandbox", "web"}
)
# Whose messages name code, hosts and commands of ours.
_OF_CODE = (AttributeError, TypeError, NameError, ImportError, RecursionError, NotImplementedError, SyntaxError)
_LIBRARIES = frozenset({"jinja2", "redis", "rq", "gunicorn", "alembic"})
_LEFT_OUT = "(its words may be somebody's and are left out)"
# PostgreSQL's class of errors about values: their messages repeat the value.
_ABOUT_VALUES = "22"
_MOST_LINKS = 8

ExcInfo = tuple[type[BaseException], BaseException, TracebackType | None]


def told(error: BaseException) -> str:
    """The whole chain, the first cause first, as a traceback without locals and without strangers' words."""
    parts: list[str] = []
    for link in reversed(_chain(error)):
        frames = "".join(traceback.format_list(traceback.extract_tb(link.__traceback__)))
        parts.append(f"{frames}{type(link).__qualname__}: {words(link)}".rstrip(": "))
    return "\nwhich led to:\n".join(parts)


def words(error: BaseException) -> str:
    """What an exception says, as far as it may be written down."""
    if getattr(error, "orig", None) is not None:  # SQLAlchemy's: a statement and its parameters follow in its words
        return _of_database(error.orig)  # type: ignore[attr-defined]
    if hasattr(error, "sqlstate") and hasattr(error, "diag"):
        return _of_database(error)
    if isinstance(error, OSError):
        return secrecy.line(error.strerror or "") if error.errno else _LEFT_OUT
    if callable(getattr(error, "errors", None)) and type(error).__module__.startswith("pydantic"):
        return _of_model(error)
    home = type(error).__module__.partition(".")[0]
    if isinstance(error, _OF_CODE) or home in OURS or home in _LIBRARIES:
        return secrecy.line(str(error))
    return _LEFT_OUT if str(error) else ""


def _chain(error: BaseException) -> list[BaseException]:
    links: list[BaseException] = []
    following: BaseException | None = error
    while following is not None and following not in links and len(links) < _MOST_LINKS:
        links.append(following)
        following = following.__cause__ or (None if following.__suppress_context__ else following.__context__)
    return links


def _of_database(error: Any) -> str:
    """The state and the names of ours that broke; PostgreSQL's own sentence where no value stands in it."""
    state, diag = getattr(error, "sqlstate", None) or "", getattr(error, "diag", None)
    named = [getattr(diag, name, None) for name in ("table_name", "column_name", "constraint_name")]
    sentence = "" if state.startswith(_ABOUT_VALUES) else getattr(diag, "message_primary", None) or ""
    if not state:  # it never got as far as a statement: hosts, ports and names of roles
        sentence = str(error)
    return secrecy.line(" ".join(part for part in (state, sentence, *named) if part))


def _of_model(error: Any) -> str:
    fields = error.errors(include_url=False, include_input=False, include_context=False)
    return secrecy.line("; ".join(f"{'.'.join(str(step) for step in one['loc'])}: {one['type']}" for one in fields))
