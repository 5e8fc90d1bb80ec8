"""A small shop that sells what is never shipped: a bag, gift codes and a book, and what its buyers were given."""

from __future__ import annotations

import re

from jobs import digital_desk
from records.tenants import Rules
from tests.world import World, variant

GOODS = [
    variant("BAG", price="12.00", stock={"Reno": 10}),
    variant("GIFT", price="25.00", tracked=False, requires_shipping=False),
    variant("BOOK", price="9.00", tracked=False, requires_shipping=False),
]
SHELF = "https://files.example.com/secret-shelf/book.epub?key=s3cret"


def sold(world: World, *, codes: tuple[str, ...] = (), link: bool = False, rules: Rules | None = None) -> None:
    """A shop that sells bags, gift codes and a book."""
    world.open_shop(variants=GOODS, rules=rules)
    if codes:
        paste(world, *codes)
    if link:
        with world.reading() as session:
            digital_desk.set_link(
                session, world.services.keyring, world.tenant, of(world, "BOOK"), SHELF, most_openings=2, days=30
            )


def of(world: World, sku: str) -> int:
    (row,) = world.rows("SELECT id FROM variants WHERE sku = :sku", sku=sku)
    return row.id


def paste(world: World, *codes: str) -> tuple[int, list[str]]:
    with world.reading() as session:
        return digital_desk.add_codes(session, world.services.keyring, world.tenant, of(world, "GIFT"), codes)


def mails(world: World) -> list[str]:
    return [letter["text"] for letter in world.letters()]


def page_in(mail: str) -> str:
    (found,) = set(re.findall(r"http://\S+/delivered/[\w.-]+", mail))
    return found


def given(world: World) -> list[tuple[str, int]]:
    """Codes that are somebody's, opened, with whose they are."""
    rows = world.rows(
        "SELECT sealed_code, digital_line_id FROM digital_codes WHERE digital_line_id IS NOT NULL ORDER BY id"
    )
    return [(world.services.keyring.open(row.sealed_code)["code"], row.digital_line_id) for row in rows]
