"""Decides what a person may say of units that wait for their buyer: they are ready, the buyer has them. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from integrations.nouns import Way


@dataclass(frozen=True, kw_only=True)
class Waits:
    """A shipment that waits, as far as that matters here."""

    order: str
    way: str
    state: str
    courier: str = ""
    """Who brings it in a carrier's place."""
    holds: tuple[str, ...] = ()
    """What keeps anything of the order from leaving, in words."""
    taken_back: bool = False
    """Something of the order is being taken back."""
    short: int = 0
    """Units that the same buyer is to get at the same place, and that are not there."""


def why_not_ready(found: Waits) -> str:
    """Why the buyer is not written that it is ready, as a sentence; empty where they are."""
    if found.courier:
        return f"{found.courier} brings it: nobody is asked to come for it."
    if found.way != Way.COLLECTED:
        return "The shop delivers it itself: nobody is asked to come for it."
    if found.state == "ready":
        return "It is ready already, and the store has written the buyer."
    refusal = _why_it_stays(found)
    if not refusal and found.short:
        units = "1 unit is" if found.short == 1 else f"{found.short} units are"
        return f"{units} still short there, and the store can only say that all of it is ready."
    return refusal


def why_not_given(found: Waits) -> str:
    """Why it is not handed over, as a sentence; empty where it is."""
    return _why_it_stays(found)


def _why_it_stays(found: Waits) -> str:
    if found.way == Way.CARRIED and not found.courier:
        return "A carrier brings it: its label says when it has left."
    if found.state in {"handing_over", "handed_over"}:
        return "It was handed over already."
    if found.state == "cancelled":
        return "It is not wanted any more."
    if found.taken_back:
        return "Something of the order is being taken back: wait until that is done."
    if found.order not in {"allocated", "shipping"}:
        return f"The order is {found.order}: nothing of it is handed over."
    if found.holds:
        return f"The order is on hold ({', '.join(found.holds)}): release that first."
    return ""
