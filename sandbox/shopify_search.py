"""Shopify's search syntax, as far as the stand-in honours it: `name:#1001 updated_at:>='2026-01-01' OR sku:"A B"`."""

import operator
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from sandbox.shopify_errors import refusal

# What a record is searched by: a name to one value, or to several of which one must match.
Getters = Mapping[str, Callable[[Any], Any]]

_TERM = re.compile(r"""(?P<no>-|NOT\s+)?(?P<name>[\w.]+):(?P<sign>>=|<=|>|<)?(?P<value>"[^"]*"|'[^']*'|[^\s()]+)""")
_JOIN = re.compile(r"\s*(?P<word>AND|OR)?\s+|\s*$")
_SIGNS: dict[str, Callable[[Any, Any], bool]] = {
    ">=": operator.ge, "<=": operator.le, ">": operator.gt, "<": operator.lt, "": operator.eq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Term:
    name: str
    sign: str
    value: str
    negated: bool

    def matches(self, thing: Any, getters: Getters) -> bool:
        held = getters[self.name](thing)
        values = held if isinstance(held, list) else [held]
        return self.negated != any(_compares(value, self) for value in values)


Search = list[list[Term]]


def parse(text: str | None, getters: Getters) -> Search:
    """A query as alternatives of terms that must all match; [[]] matches everything.

    Raises:
        GraphQLError: a field or a form the stand-in does not search by. Shopify would ignore it, and a test would pass
            for the wrong reason.
    """
    alternatives: Search = [[]]
    rest = (text or "").strip()
    while rest:
        term = _TERM.match(rest)
        if term is None or term["name"] not in getters:
            raise refusal("SANDBOX_UNSUPPORTED", f"the stand-in cannot search for {rest!r}; it knows {sorted(getters)}")
        alternatives[-1].append(Term(term["name"], term["sign"] or "", term["value"].strip("\"'"), bool(term["no"])))
        join = _JOIN.match(rest, term.end())
        if join is None:
            raise refusal("SANDBOX_UNSUPPORTED", f"the stand-in cannot search for {rest!r}")
        if join["word"] == "OR":
            alternatives.append([])
        rest = rest[join.end() :]
    return alternatives


def matches(search: Search, thing: Any, getters: Getters) -> bool:
    return any(all(term.matches(thing, getters) for term in terms) for terms in search)


def only(search: Search, name: str) -> list[str] | None:
    """The values of `name`, where each alternative asks for exactly one, so that an index can answer."""
    asked = [[term.value for term in terms if term == Term(name, "", term.value, negated=False)] for terms in search]
    return [values[0] for values in asked] if all(len(values) == 1 for values in asked) else None


def since(search: Search, name: str) -> datetime | None:
    """The moment before which nothing can match, where there is one alternative and it says so."""
    if len(search) != 1:
        return None
    starts = [moment(term.value) for term in search[0] if term.name == name and term.sign in {">", ">="}]
    return max(starts, default=None)


def moment(text: str) -> datetime:
    try:
        parsed = datetime.fromisoformat(text)
    except ValueError as problem:
        raise refusal("SANDBOX_UNSUPPORTED", f"{text!r} is not a time") from problem
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def _compares(held: Any, term: Term) -> bool:
    compare = _SIGNS[term.sign]
    if isinstance(held, datetime):
        return compare(held, moment(term.value))
    if isinstance(held, int):
        number = term.value.rpartition("/")[2]
        return number.isdigit() and compare(held, int(number))
    if term.value == "*":
        return bool(held)
    return compare(str(held or "").casefold(), term.value.casefold())
