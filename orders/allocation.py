"""What an order takes from one location: what is reserved, planned and packed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Units of an order line that leave from a location. `variant` is None for a line with no stock of its own."""

    line: int
    variant: int | None
    location: int
    units: int
