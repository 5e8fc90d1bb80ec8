"""EasyPost's words and measures beside ours: carriers, statuses, refunds, formats, inches and ounces."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from decimal import ROUND_UP, Decimal, DecimalException

import structlog

from integrations.nouns import Money, ParcelStatus, VoidState, exponent

log = structlog.get_logger(__name__)

# Names as buyers and storefronts know them, by EasyPost's name in lower case without signs. EasyPost's own list is
# GET /metadata/carriers; the rest are names that its rates and trackers use for the same carriers.
_CARRIERS = {
    "amazonshipping": "Amazon Shipping",
    "apc": "APC",
    "asendia": "Asendia",
    "asendiausa": "Asendia USA",
    "australiapost": "Australia Post",
    "bettertrucks": "Better Trucks",
    "canadapost": "Canada Post",
    "canpar": "Canpar",
    "chronopost": "Chronopost",
    "couriersplease": "Couriers Please",
    "deutschepost": "Deutsche Post",
    "deutschepostuk": "Deutsche Post",
    "dhlecommerce": "DHL eCommerce",
    "dhlecommercesolutions": "DHL eCommerce",
    "dhlecs": "DHL eCommerce",
    "dhlglobalmail": "DHL eCommerce",
    "dhlexpress": "DHL Express",
    "dhlpaket": "DHL Paket",
    "dpd": "DPD",
    "dpdnl": "DPD",
    "dpduk": "DPD UK",
    "estafeta": "Estafeta",
    "evri": "Evri",
    "fastway": "Fastway",
    "fedex": "FedEx",
    "fedexcrossborder": "FedEx",
    "fedexdefault": "FedEx",
    "fedexgroundeconomy": "FedEx",
    "fedexmailview": "FedEx",
    "fedexsameday": "FedEx",
    "fedexsmartpost": "FedEx",
    "firstmile": "First Mile",
    "gls": "GLS",
    "gso": "GSO",
    "interlinkexpress": "Interlink Express",
    "jppost": "Japan Post",
    "kuronekoyamato": "Yamato",
    "laposte": "La Poste",
    "lasership": "LaserShip",
    "lasershipv2": "LaserShip",
    "loomisexpress": "Loomis Express",
    "lso": "LSO",
    "ontrac": "OnTrac",
    "ontracv3": "OnTrac",
    "osmworldwide": "OSM Worldwide",
    "parcelforce": "Parcelforce",
    "passportglobal": "Passport",
    "postnl": "PostNL",
    "purolator": "Purolator",
    "royalmail": "Royal Mail",
    "royalmailv3": "Royal Mail",
    "sendle": "Sendle",
    "sfexpress": "SF Express",
    "speedee": "Spee-Dee",
    "tforce": "TForce Logistics",
    "uds": "UDS",
    "ups": "UPS",
    "upsdap": "UPS",
    "upsiparcel": "UPS",
    "upsmailinnovations": "UPS Mail Innovations",
    "upssurepost": "UPS",
    "usps": "USPS",
    "uspsreturns": "USPS",
    "uspsship": "USPS",
    "veho": "Veho",
    "yanwen": "Yanwen",
}

_VOID_STATES = {
    "submitted": VoidState.ASKED,
    "refunded": VoidState.DONE,
    "rejected": VoidState.REFUSED,
    "not_applicable": VoidState.NEVER,
}

# Well inside a database bigint, and beyond any postage.
_MOST_MINOR = 10**15
# A moment outside these years is a slip of the pen.
_YEARS = range(2000, 2200)

_LABEL_FORMATS = {
    "image/png": "PNG",
    "application/pdf": "PDF",
    "application/zpl": "ZPL",
    "text/zpl": "ZPL",
    "application/epl2": "EPL2",
    "text/epl2": "EPL2",
}


def carrier(name: str | None) -> str:
    """The carrier as a buyer knows it; EasyPost's own name where we know no other."""
    plain = re.sub(r"[^a-z0-9]", "", (name or "").lower())
    return _CARRIERS.get(plain, (name or "").strip())


def parcel_status(word: str | None, *, where: str) -> ParcelStatus:
    """Our status for EasyPost's; one that we do not know is UNKNOWN and logged with `where` it stood."""
    try:
        return ParcelStatus(word or "unknown")
    except ValueError:
        log.warning("easypost.unknown_status", status=str(word)[:40], where=where)
        return ParcelStatus.UNKNOWN


def void_state(word: str | None, *, where: str) -> VoidState:
    if word not in _VOID_STATES:
        log.warning("easypost.unknown_refund_status", status=str(word)[:40], where=where)
    return _VOID_STATES.get(word or "", VoidState.UNKNOWN)


def label_format(file_type: str | None) -> str:
    """`PNG`, `PDF`, `ZPL` or `EPL2` for a media type; another one's second half in capitals."""
    return _LABEL_FORMATS.get(file_type or "", (file_type or "").rpartition("/")[2].upper())


def ounces(grams: int) -> float:
    """Ounces with one decimal, as EasyPost keeps them, rounded up: under-declared weight is charged again later."""
    # One ounce is 28.349523125 g exactly; whole numbers, so that no binary fraction tips a value over.
    tenths = -(-grams * 10 * 10**9 // 28_349_523_125)
    return max(tenths, 1) / 10


def inches(mm: int) -> float:
    """Inches with one decimal, rounded up, for the same reason as ounces; one inch is 25.4 mm."""
    return max(-(-mm * 100 // 254), 1) / 10


def money(amount: str | float | None, currency: str | None) -> Money | None:
    """EasyPost's decimal text as Money, parts of a minor unit rounded up; None where it is no price."""
    code = (currency or "USD").upper()
    try:
        value = Decimal(str(amount).strip()) * 10 ** exponent(code)
        minor = int(value.quantize(Decimal(1), rounding=ROUND_UP))
        return Money(minor=minor, currency=code) if 0 <= minor < _MOST_MINOR else None
    except (DecimalException, ValueError):
        return None


def moment(text: str | None) -> datetime | None:
    """EasyPost's ISO 8601 time in UTC (it writes `Z`, and means it where it writes nothing); None if unreadable."""
    try:
        at = datetime.fromisoformat((text or "").strip())
    except ValueError:
        return None
    if at.year not in _YEARS:
        return None
    return at.astimezone(UTC) if at.tzinfo else at.replace(tzinfo=UTC)
