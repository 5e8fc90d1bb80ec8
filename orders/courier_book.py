"""Keeps a shop's own couriers: who they are, what they ask, how far they go, and what is typed wrong of that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, time
from typing import Any

from sqlalchemy.orm import Session

from integrations.nouns import Money
from integrations.nouns.mail import is_mailbox, one_line
from orders.supplier_book import read_cost
from records.couriers import Courier

LONGEST_NAME, LONGEST_PHONE = 60, 40
MOST_KM, MOST_GRAMS, MOST_DAYS = 1_000, 1_000_000, 30
FIELDS = ("name", "phone", "email", "radius_km", "price", "currency", "most_grams", "days", "cut_off")


def read(
    typed: Mapping[str, str], locations: Sequence[int], *, known: Sequence[int]
) -> tuple[dict[str, Any], dict[str, str]]:
    """A courier's columns out of what was typed, and what is wrong with it by field. Pure.

    `known` are the shop's own locations.
    """
    wrong: dict[str, str] = {}
    name, phone, email = one_line(typed["name"]), one_line(typed["phone"]), typed["email"].strip()
    if not name or len(name) > LONGEST_NAME:
        wrong["name"] = f"A name of at most {LONGEST_NAME} characters: buyers read it in the store."
    if len(phone) > LONGEST_PHONE:
        wrong["phone"] = f"At most {LONGEST_PHONE} characters."
    if email and not is_mailbox(email):
        wrong["email"] = "One plain mail address: bob@example.com, for example."
    if not phone and not email:
        wrong.setdefault("phone", "A phone number or a mail address: somebody has to call them.")
    price, odd = _price(typed["price"], typed["currency"].strip().upper())
    wrong |= odd
    said = {
        "name": name,
        "phone": phone,
        "email": email,
        "locations": sorted(set(locations)),
        "price_minor": price,
        "currency": typed["currency"].strip().upper(),
        "radius_km": _whole(typed, "radius_km", 1, MOST_KM, wrong),
        "most_grams": _whole(typed, "most_grams", 1, MOST_GRAMS, wrong),
        "days": _whole(typed, "days", 0, MOST_DAYS, wrong),
        "cut_off": _clock(typed["cut_off"].strip(), wrong),
    }
    if not set(locations) <= set(known):
        wrong["locations"] = "One of these is no location of this shop any more."
    return said, wrong


def keep(session: Session, tenant: int, courier: int | None, said: Mapping[str, Any]) -> int:
    """Write a new courier (None) or change one who is there; answers their id. What they were given stays as it was."""
    row = Courier(tenant_id=tenant) if courier is None else session.get_one(Courier, (tenant, courier))
    for name, value in said.items():
        setattr(row, name, value)
    session.add(row)
    session.flush()
    return row.id


def end(session: Session, tenant: int, courier: int, *, now: datetime) -> bool:
    """They are given nothing more; answers whether this call said so. What they have they bring."""
    row = session.get_one(Courier, (tenant, courier), with_for_update=True)
    if row.ended_at is not None:
        return False
    row.ended_at = now
    return True


def bring_back(session: Session, tenant: int, courier: int) -> bool:
    """They were taken off the list by mistake; answers whether they were."""
    row = session.get_one(Courier, (tenant, courier), with_for_update=True)
    if row.ended_at is None:
        return False
    row.ended_at = None
    return True


def _price(text: str, currency: str) -> tuple[int, dict[str, str]]:
    try:
        Money(minor=0, currency=currency)
    except ValueError:
        return 0, {"currency": "A currency's three letters: USD, for example."}
    minor, odd = read_cost(text, currency)
    if minor is None:
        return 0, {"price": odd or "What they ask for one shipment; 0 where they ask nothing."}
    return minor, {}


def _whole(typed: Mapping[str, str], name: str, least: int, most: int, wrong: dict[str, str]) -> int:
    text = typed[name]
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and least <= int(text) <= most:
        return int(text)
    wrong[name] = f"A whole number from {least} to {most}, without a unit."
    return least


def _clock(text: str, wrong: dict[str, str]) -> time | None:
    try:
        return time.fromisoformat(text).replace(tzinfo=None, second=0, microsecond=0) if text else None
    except ValueError:
        wrong["cut_off"] = "A time of the day: 14:30, for example. Empty where they come at any time."
        return None
