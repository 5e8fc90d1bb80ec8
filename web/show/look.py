"""How a state is shown: a word, an icon and a tone, never a colour alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True)
class Look:
    """How a state is shown. Tones: quiet, going, good, warn, bad."""

    word: str
    icon: str
    tone: str
    meaning: str = ""


def table(**looks: tuple[str, str, str, str]) -> Mapping[str, Look]:
    """The looks of one thing's states."""
    return MappingProxyType({state: Look(*parts) for state, parts in looks.items()})
