"""What an order takes from one location: what is reserved, planned and packed."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Pick:
    """Units of an order line that leave from a location. `variant` is None for a line with no stock of its own.

    `parts` is what a bundle is put together from: (variant, units of it in one unit of the line).
    """

    line: int
    variant: int | None
    location: int
    units: int
    parts: tuple[tuple[int, int], ...] = ()

    def taken(self) -> tuple[tuple[int, int], ...]:
        """What is taken off a shelf for one unit of the line: (variant, units)."""
        return self.parts or (((self.variant, 1),) if self.variant is not None else ())
