"""Where personal data lives, and what each place becomes when a buyer, or a whole shop, is forgotten. Pure.

Every column of every table stands in exactly one of the two lists here or in orders/not_personal.py, and a test says
so: who adds a column has to think about it. Sums of money and units are in none of the places, so that the ledgers stay
whole.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Any

from integrations.nouns import Address

# What stands in a digest's place of an order whose buyer was forgotten; no digest reads so.
MARK = "forgotten"
STRUCK_OUT = "[forgotten]"
WRITTEN_BY_A_PERSON = "What a person wrote here was forgotten."
SHOP_NAME = "Forgotten shop"


class Becomes(Enum):
    """What a place becomes, as SQL; `{column}` is the column itself."""

    EMPTY = "''"
    EMPTY_OBJECT = "'{{}}'::jsonb"
    EMPTY_LIST = "'[]'::jsonb"
    NOTHING = "NULL"
    MARKED = f"'{MARK}'"
    COUNTRY = (
        "CASE WHEN jsonb_typeof({column}) = 'object' THEN jsonb_build_object('country', {column} ->> 'country') END"
    )
    """An address of which the country is left: customs and statistics need no more."""
    SOMEBODY = "CASE WHEN {column} ~ '^(person|shopify):' THEN 'person:somebody' ELSE {column} END"
    WITHOUT_SIGNER = """{column} || '{{"customs_signer": "", "mail_stock_to": ""}}'::jsonb"""
    NAMELESS = f"'{SHOP_NAME}'"
    NUMBERED = "'Forgotten ' || id"
    """A name that no two of a shop's may share."""
    STRUCK = ""
    """The buyer's words are struck out one by one, and what a person wrote goes as a whole: see `struck`."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """One column; None where it stays as it is."""

    table: str
    column: str
    buyer: Becomes | None = None
    shop: Becomes | None = None
    written_by: str = ""
    """The column that names who wrote it, where that may be a person."""


def _places(table: str, buyer: Becomes | None, shop: Becomes | None, columns: str, written_by: str = "") -> list[Place]:
    return [
        Place(table=table, column=column, buyer=buyer, shop=shop, written_by=written_by) for column in columns.split()
    ]


_B = Becomes
PLACES: tuple[Place, ...] = (
    *_places("orders", _B.EMPTY, _B.EMPTY, "email phone address_digest"),
    *_places("orders", _B.COUNTRY, _B.NOTHING, "ship_to"),
    *_places("orders", _B.MARKED, _B.MARKED, "content_digest"),
    *_places("holds", _B.STRUCK, _B.EMPTY, "reason remedy", written_by="set_by"),
    *_places("holds", None, _B.SOMEBODY, "set_by released_by"),
    *_places("payments", _B.STRUCK, _B.EMPTY, "problem"),
    *_places("payments", None, _B.EMPTY, "order_name session_remote_id"),
    *_places("parcels", _B.STRUCK, _B.EMPTY, "carrier_detail"),
    *_places("parcels", _B.EMPTY, _B.EMPTY, "tracking_url"),
    *_places("parcel_scans", _B.EMPTY, _B.EMPTY, "message place city region postcode"),
    *_places("labels", _B.NOTHING, _B.NOTHING, "content"),
    *_places("labels", _B.EMPTY, _B.EMPTY, "label_url consignment_digest"),
    *_places("labels", _B.STRUCK, _B.EMPTY, "choice"),
    *_places("labels", _B.STRUCK, _B.EMPTY_LIST, "remarks"),
    *_places("timeline_entries", _B.STRUCK, _B.EMPTY, "sentence", written_by="actor"),
    *_places("timeline_entries", _B.STRUCK, _B.EMPTY_OBJECT, "details"),
    *_places("timeline_entries", None, _B.SOMEBODY, "actor"),
    *_places("reversals", _B.EMPTY, _B.EMPTY, "note"),
    *_places("reversals", _B.STRUCK, _B.EMPTY, "reason", written_by="asked_by"),
    *_places("reversals", None, _B.SOMEBODY, "asked_by"),
    *_places("reversal_steps", _B.STRUCK, _B.EMPTY, "said"),
    *_places("shadow_decisions", _B.STRUCK, _B.EMPTY, "sentence"),
    *_places("shadow_decisions", _B.STRUCK, _B.EMPTY_OBJECT, "decided merchant_did"),
    # Of a buyer it holds a region and a point that is rounded to ten kilometres; of the shop, its locations' names.
    *_places("routing_decisions", None, _B.EMPTY, "sentence"),
    *_places("routing_decisions", None, _B.EMPTY_OBJECT, "question answer"),
    *_places("refusals", _B.EMPTY, _B.EMPTY, "note"),
    *_places("refusals", None, _B.SOMEBODY, "actor"),
    *_places("address_changes", _B.COUNTRY, _B.NOTHING, "address"),
    *_places("address_changes", _B.STRUCK, _B.EMPTY, "reason said", written_by="asked_by"),
    *_places("address_changes", None, _B.SOMEBODY, "asked_by"),
    *_places("swaps", _B.STRUCK, _B.EMPTY, "said"),
    *_places("choices", _B.STRUCK, _B.EMPTY, "reason", written_by="answered_by"),
    *_places("choices", None, _B.SOMEBODY, "answered_by"),
    *_places("purchase_orders", _B.COUNTRY, _B.NOTHING, "ship_to"),
    *_places("purchase_orders", _B.STRUCK, _B.EMPTY, "reason", written_by="answered_by"),
    *_places("purchase_orders", None, _B.SOMEBODY, "answered_by"),
    *_places("suppliers", None, _B.EMPTY, "email hook_url"),
    *_places("suppliers", None, _B.NOTHING, "sealed_hook_secret"),
    *_places("couriers", None, _B.EMPTY, "name phone email"),
    *_places("shipments", None, _B.NOTHING, "courier"),
    *_places("suppliers", None, _B.NUMBERED, "name"),
    *_places("notices", _B.EMPTY, _B.EMPTY, "address words"),
    *_places("notices", _B.STRUCK, _B.EMPTY, "title reason"),
    *_places("stock_letters", None, _B.EMPTY, "address title reason"),
    # A merchant's own secrets, which nobody needs when the shop is gone.
    *_places("digital_goods", None, _B.NOTHING, "sealed_link"),
    *_places("digital_codes", None, _B.NOTHING, "sealed_code"),
    *_places("findings", _B.STRUCK, _B.EMPTY, "sentence"),
    *_places("jobs", _B.EMPTY, _B.EMPTY, "reason remedy"),
    *_places("intentions", _B.EMPTY, _B.EMPTY, "reason request_digest"),
    *_places("inbox_events", _B.EMPTY, _B.EMPTY, "body"),
    *_places("inbox_events", None, _B.EMPTY_OBJECT, "headers"),
    *_places("inbox_events", None, _B.EMPTY, "reason"),
    *_places("comparisons", None, _B.EMPTY, "reason"),
    *_places("movements", None, _B.SOMEBODY, "actor"),
    *_places("movements", None, _B.EMPTY, "reason"),
    *_places("arrivals", None, _B.SOMEBODY, "actor"),
    *_places("counts", None, _B.SOMEBODY, "actor"),
    *_places("counts", None, _B.EMPTY, "name"),
    *_places("count_lines", None, _B.EMPTY, "reason problem"),
    *_places("locations", None, _B.EMPTY, "name"),
    *_places("locations", None, _B.EMPTY_OBJECT, "address"),
    *_places("privacy_requests", _B.NOTHING, _B.NOTHING, "sealed_export"),
    *_places("privacy_requests", None, _B.EMPTY_OBJECT, "wanted"),
    *_places("connections", None, _B.EMPTY, "account remote_account_id renewing_by"),
    *_places("connections", None, _B.EMPTY_LIST, "remarks hooks_seen"),
    *_places("tenants", None, _B.NAMELESS, "name"),
    *_places("tenants", None, _B.EMPTY_OBJECT, "setup"),
    *_places("tenants", None, _B.WITHOUT_SIGNER, "rules"),
)

# Personal, and kept all the same, each with its reason.
KEPT: Mapping[str, tuple[str, str]] = {
    "audit_lines": ("actor address subject details", "who did what by hand has to be known for as long as that counts"),
    "users": (
        "name password_hash sealed_totp",
        "people of the house outlive a shop; those of one shop alone are ended and lose their name with it",
    ),
    "orders": (
        "email_as_searched buyer_as_searched",
        "PostgreSQL works them out of email and ship_to, and so empties them with those",
    ),
    "suppliers": ("name_as_searched", "PostgreSQL works it out of the name, and so changes it with that"),
    "installs_begun": ("account state", "it is deleted when it runs out, within the hour"),
}


def of_the_shop() -> dict[str, dict[str, str]]:
    """What to set in every row of a shop's tables, as SQL: {table: {column: value}}."""
    return _statements((place, place.shop) for place in PLACES)


def of_a_buyer() -> dict[str, dict[str, str]]:
    """The same for the rows of one order, without what has to be read to be struck out."""
    return _statements((place, place.buyer) for place in PLACES if place.buyer is not Becomes.STRUCK)


def to_strike() -> dict[str, tuple[Place, ...]]:
    """The places, by table, in which a buyer's words are struck out."""
    found: dict[str, tuple[Place, ...]] = {}
    for place in PLACES:
        if place.buyer is Becomes.STRUCK:
            found[place.table] = (*found.get(place.table, ()), place)
    return found


def _statements(chosen: Iterable[tuple[Place, Becomes | None]]) -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = {}
    for place, becomes in chosen:
        if becomes is not None:
            found.setdefault(place.table, {})[place.column] = becomes.value.format(column=place.column)
    return found


# ------------------------------------------------------------------------------------------- a buyer's words

# Of a name every part counts, of a street only what is no number and no "St".
_SHORTEST_PART = 4
_SHORTEST_NAME_PART = 2
# A shorter one would be found in every delivery.
_SHORTEST_SOUGHT = 5
# The order's own number stands near the beginning of whatever is about it.
_MOST_NUMBERS = 500


def words_of(address: Address | None, *, email: str, phone: str) -> tuple[str, ...]:
    """What tells who somebody is, in every form in which it may have been repeated; the longest first."""
    place = address or Address()
    whole = [email, place.email, phone, place.phone, _digits(phone), _digits(place.phone)]
    whole += [place.name, place.company, place.street1, place.street2, place.city, place.postcode]
    parts = [part for part in re.split(r"\W+", place.name) if len(part) >= _SHORTEST_NAME_PART]
    for text in (place.company, place.street1, place.street2, place.city):
        parts += [part for part in re.split(r"\W+", text) if len(part) >= _SHORTEST_PART and not part.isdigit()]
    found = {word.strip() for word in (*whole, *parts)}
    return tuple(sorted((word for word in found if len(word) >= _SHORTEST_NAME_PART), key=lambda w: (-len(w), w)))


def struck(value: Any, words: Sequence[str]) -> Any:
    """A text, or any JSON, with these words struck out wherever they stand as words of their own."""
    if not words:
        return value
    if isinstance(value, str):
        return _pattern(words).sub(STRUCK_OUT, value)
    if isinstance(value, list):
        return [struck(one, words) for one in value]
    if isinstance(value, dict):
        return {name: struck(one, words) for name, one in value.items()}
    return value


def forgotten_text(value: Any, words: Sequence[str], *, written_by: str) -> Any:
    """The same; of what a person wrote nobody can know what it says, so that all of it goes."""
    if isinstance(value, str) and value and re.match(r"(person|shopify):", written_by):
        return WRITTEN_BY_A_PERSON
    return struck(value, words)


def sought(words: Iterable[str]) -> list[bytes]:
    """The bytes by which deliveries that repeat these words are found, plain and as JSON may write them."""
    forms: set[bytes] = set()
    for word in words:
        if len(word) >= _SHORTEST_SOUGHT:
            for form in {word, word.lower()}:
                forms |= {form.encode(), json.dumps(form)[1:-1].encode()}
    return sorted(forms)


def identifying(address: Address | None, *, email: str) -> list[str]:
    """The words that are one buyer's alone: it is told by these whose a delivery is."""
    found = {email, address.email if address else ""}
    return sorted(word for word in found if len(word) >= _SHORTEST_SOUGHT)


def shared(address: Address | None, *, phone: str) -> list[str]:
    """The words that a delivery about nobody else is a buyer's by, and that a namesake or a neighbour has as well."""
    place = address or Address()
    found = {phone, place.phone, place.name, place.street1}
    return sorted(word for word in found if len(word) >= _SHORTEST_SOUGHT)


def names(body: bytes, words: Sequence[bytes]) -> bool:
    """Whether a delivery has one of these e-mail addresses or numbers in it, whole and not as a part of another's."""
    return any(re.search(rb"(?<![\w.+-])" + re.escape(word) + rb"(?![\w-])(?!\.\w)", body) for word in words)


def numbers_in(body: bytes) -> list[str]:
    """The numbers in a delivery that may be an order's at the store, each once."""
    return list(dict.fromkeys(number.decode() for number in re.findall(rb"(?<!\d)\d{6,20}(?!\d)", body)))[
        :_MOST_NUMBERS
    ]


def _pattern(words: Sequence[str]) -> re.Pattern[str]:
    return re.compile("|".join(rf"(?<!\w){re.escape(word)}(?!\w)" for word in words), re.IGNORECASE)


def _digits(phone: str) -> str:
    return re.sub(r"\D", "", phone)
