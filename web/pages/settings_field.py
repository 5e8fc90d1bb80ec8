"""One setting of a shop's rules, as its form shows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Field:
    """One setting. `name` is its place in the rules; a dot leads into the box.

    Kinds: choice, number, words, yes, text. Words are of the choices, where there are any.
    """

    name: str
    label: str
    kind: str
    hint: str = ""
    choices: tuple[tuple[str, str], ...] = ()
    unit: str = ""
    least: int | None = None
    most: int | None = None
    longest: int = 500
    mailbox: bool = False
    """One plain mail address, or nothing."""


Group = tuple[str, str, tuple[Field, ...]]
"""Its word in addresses, its heading, its fields."""
