"""Tells a store's product page by when something would arrive: asked by the storefront through Shopify's app proxy.

Anybody may ask who Shopify passes on, so the answer names no place, no number of units and nobody; the same for every
buyer, it may be kept by browsers for some minutes. Without Shopify's signature there is no answer, and no other site's
script may read one: nothing here allows another origin.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Any

import structlog
from babel import Locale
from flask import Blueprint, Response, current_app, jsonify, request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from config.keyring import CannotOpen
from integrations import registry
from integrations.nouns import Address
from orders import arriving
from orders.arriving import Arrival
from records import database
from web import limits, show
from web.hooks import Known
from web.limits import TooOften
from web.show import promised

log = structlog.get_logger(__name__)
blueprint = Blueprint("arriving", __name__)

_KEPT_S = 5 * 60
_WORDS = {
    "en": "Arrives by {day}",
    "de": "Ankunft bis {day}",
    "fr": "Livraison d’ici le {day}",
    "es": "Llega a más tardar el {day}",
    "it": "Arriva entro {day}",
    "nl": "Bezorgd uiterlijk {day}",
    "pt": "Chega até {day}",
}
_ENGLISH = Locale("en", "US")


class Asked(BaseModel):
    """What a product page asks. Whatever else Shopify passes on is let be."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    sku: Annotated[str, Field(min_length=1, max_length=200)]
    country: Annotated[str, Field(pattern=r"^[A-Za-z]{2}$")]
    postcode: Annotated[str, Field(max_length=20)] = ""
    # A buyer's cart; who may ask for more could find out how many there are.
    units: Annotated[int, Field(ge=1, le=10)] = 1


@blueprint.get("/storefront/shopify/arrives")
def shown() -> Response:
    """200 with what can be said; 400: not asked rightly; 401: not signed for a store of ours; 429, 503: later."""
    try:
        return _answered()
    except (CannotOpen, *database.NO_DATABASE) as error:
        log.error("storefront not answered", error=type(error).__name__)  # noqa: TRY400 - the database says why
        return _refused(503, "try again later")


def _answered() -> Response:
    try:
        known = _signed_by_whom()
        if isinstance(known, Response):
            return known
        limits.count_storefront(known.tenant)
    except TooOften as later:
        refusal = _refused(429, "too often")
        refusal.headers["Retry-After"] = str(later.wait_s)
        return refusal
    try:
        wish = Asked.model_validate(request.args.to_dict())
    except ValidationError as error:
        return _refused(400, f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}")
    to = Address(country=wish.country.upper(), postcode=wish.postcode.strip())
    with database.looking(current_app.extensions["engine"], known.tenant) as session:
        now = datetime.now(UTC)
        found = arriving.say(session, known.tenant, known.id, sku=wish.sku, units=wish.units, to=to, now=now)
    answer = jsonify(_told(found, show.locale()))
    answer.headers["Cache-Control"] = f"public, max-age={_KEPT_S}"
    answer.headers["Vary"] = "Accept-Language"
    return answer


def _signed_by_whom() -> Known | Response:
    """The store that Shopify signed for; strangers are counted before anything is looked up. Raises TooOften."""
    address = f"/?{request.query_string.decode('latin-1')}"  # as it came: what is signed are these very words
    vendor = registry.vendor("shopify")
    passed_on = vendor.passed_on
    shop = passed_on.account_of(address) if passed_on else None
    if passed_on is None or shop is None or not request.args.get("signature"):
        limits.count_stranger()
        return _refused(401, "not signed")
    known = current_app.extensions["known_connections"].find(vendor, None, shop)
    if known is None or not passed_on.genuine(address, known.secrets):
        limits.count_stranger()
        log.info("storefront not proved", known=known is not None)
        return _refused(401, "not signed")
    found: Known = known
    return found


def _told(found: Arrival, locale: Locale) -> dict[str, Any]:
    if found.arrives_on is None or found.leaves_on is None:
        return {"can_say": False, "why": found.why, "text": ""}
    words = _WORDS.get(locale.language)
    text = (words or _WORDS["en"]).format(day=promised.day(found.arrives_on, locale if words else _ENGLISH))
    return {
        "can_say": True,
        "text": text,
        "leaves_on": found.leaves_on.isoformat(),
        "arrives_on": found.arrives_on.isoformat(),
        "estimate": True,
    }


def _refused(status: int, why: str) -> Response:
    answer = jsonify({"error": why})
    answer.status_code = status
    return answer
