"""Says where the store is to count units in again that come off an order. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from integrations.nouns import AskedLine


def places(units: int, open_work: Sequence[AskedLine], *, lay: str, otherwise: str) -> dict[str, int]:
    """Units by the store's location, for one line.

    A storefront counts units as committed where its own open work for them is, whatever we had in mind: counted in
    anywhere else, they would leave the shelf there and appear on another. Where it is at several places, those come
    first where the units `lay`. What no work asks for is counted in there, or `otherwise`.
    """
    found: dict[str, int] = {}
    for work in sorted(open_work, key=lambda one: one.location_remote_id != lay):
        taken = min(units, work.units) if work.location_remote_id else 0
        if taken:
            found[work.location_remote_id] = found.get(work.location_remote_id, 0) + taken
            units -= taken
    if units:
        last = lay or next(iter(found), otherwise)
        found[last] = found.get(last, 0) + units
    return found
