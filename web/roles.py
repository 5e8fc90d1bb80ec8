"""What each page takes of a person: four roles, each of which may do what the ones before it may."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from flask import Blueprint, Flask
from werkzeug.exceptions import Forbidden

from records.users import ROLES

View = TypeVar("View", bound=Callable[..., Any])

WORDS = {"read_only": "Read only", "warehouse": "Warehouse", "ops": "Ops", "admin": "Admin"}
MEANINGS = {
    "read_only": "Looks at everything but labels, changes nothing.",
    "warehouse": "Looks at orders, prints their labels, hands over what is picked up, and counts stock.",
    "ops": "Works on orders, jobs, stock and holds.",
    "admin": "Also people, connections, settings, privacy and keys.",
}
# What changes nothing by itself; everything else is a write.
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "TRACE"})


@dataclass(frozen=True, kw_only=True)
class Taken:
    """What a page takes of whoever opens it."""

    look: str = "read_only"
    write: str = "ops"
    whole_house: bool = False
    """It is nobody's who sees one shop only."""
    users_only: bool = False
    """It is about users themselves, and a store's own staff are none."""


class Page(Blueprint):
    """A blueprint that says what it takes of whoever opens it."""

    def __init__(self, name: str, import_name: str, taken: Taken) -> None:
        super().__init__(name, import_name)
        self.taken = taken


class NotYours(Forbidden):
    """Somebody asked for what their role does not allow."""

    def __init__(self, needed: str, theirs: str) -> None:
        super().__init__()
        self.needed, self.theirs = needed, theirs


def enough(role: str, needed: str) -> bool:
    """Whether a role may do what takes another. A role that nobody knows may do nothing."""
    return role in ROLES and needed in ROLES and ROLES.index(role) >= ROLES.index(needed)


def takes(role: str) -> Callable[[View], View]:
    """Says of one view what it takes, whatever its page says. Stands right above the function."""
    if role not in ROLES:
        raise ValueError(f"{role} is no role")

    def mark(view: View) -> View:
        view.takes = role  # type: ignore[attr-defined]
        return view

    return mark


def needed_for(app: Flask, endpoint: str, *, write: bool) -> str | None:
    """The role that an endpoint takes; None where it belongs to no guarded page."""
    page = app.blueprints.get(endpoint.rpartition(".")[0])
    if not isinstance(page, Page):
        return None
    own: str | None = getattr(app.view_functions.get(endpoint), "takes", None)
    return own or (page.taken.write if write else page.taken.look)
