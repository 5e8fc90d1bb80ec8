"""Carrier names as Shopify writes them: only an exact name makes its tracking links and delivery status work.

The list is in the description of FulfillmentTrackingInfo.company, where capitalisation matters. A name that is not on
it is sent as it is: Shopify shows it to the buyer beside our own link.
"""

from __future__ import annotations

import re

# What Packline's carriers are likely to be; a test compares each with Shopify's own list.
LISTED = (
    *("4PX", "Amazon", "An Post", "APC", "Asendia USA", "Australia Post", "BPost", "Canada Post", "Canpar"),
    *("China Post", "Chronopost", "Colissimo", "Correios", "Correos", "CTT", "Deutsche Post", "DHL eCommerce"),
    *("DHL eCommerce Asia", "DHL Express", "DPD", "DPD Local", "DPD UK", "Estes", "Evri", "FedEx", "GLS"),
    *("Japan Post (EN)", "Lasership", "Lone Star Overnight", "LSO", "Mondial Relay", "New Zealand Post", "OnTrac"),
    *("Pitney Bowes", "Poste Italiane", "PostNL", "Purolator", "Royal Mail", "Sendle", "SF Express"),
    *("Singapore Post", "StarTrack", "Swiss Post", "TForce Final Mile", "TNT", "UPS", "USPS", "XPO Logistics"),
    *("Yamato (EN)", "YunExpress"),
)

_OTHER_NAMES = {
    "amazonshipping": "Amazon",
    "apcpostallogistics": "APC",
    "asendia": "Asendia USA",
    "dhlecs": "DHL eCommerce",
    "dhlglobalmail": "DHL eCommerce",
    "federalexpress": "FedEx",
    "fedexground": "FedEx",
    "fedexsmartpost": "FedEx",
    "hermes": "Evri",
    "hermesuk": "Evri",
    "japanpost": "Japan Post (EN)",
    "lonestar": "Lone Star Overnight",
    "parcelforceworldwide": "Parcelforce",
    "tforce": "TForce Final Mile",
    "unitedparcelservice": "UPS",
    "unitedstatespostalservice": "USPS",
    "upsmailinnovations": "UPS",
    "xpo": "XPO Logistics",
    "yamato": "Yamato (EN)",
}


def listed(carrier: str) -> str:
    """The carrier's name as Shopify lists it, whatever its capitals and spaces; unlisted names come back unchanged."""
    return _NAMES.get(_plain(carrier), carrier)


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.casefold())


_NAMES = {_plain(name): name for name in LISTED} | _OTHER_NAMES
