"""Gives back what is held of an order for no shipment once nothing comes of it any more, and rings for who waits."""

from __future__ import annotations

from sqlalchemy.orm import Session

from jobs import intake, tell_stock
from orders import rest, swapping


def of_the_rest(session: Session, tenant: int, order: int) -> None:
    """What is kept of an order while its buyer is asked about something else. The order is locked."""
    if rest.give_back(session, tenant, order, rest.kept(session, tenant, order)):
        _ring(session, tenant, order)


def of_all(session: Session, tenant: int, order: int) -> None:
    """The same, with what is held to be sent instead of something else."""
    swapped = swapping.let_go(session, tenant, order)
    if rest.give_back(session, tenant, order, rest.kept(session, tenant, order)) or swapped:
        _ring(session, tenant, order)


def _ring(session: Session, tenant: int, order: int) -> None:
    """No count of the store's will say that it is free."""
    intake.fill_backorders(session, tenant)
    tell_stock.ask_about_unsold(session, tenant, order)
