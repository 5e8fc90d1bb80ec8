"""What carriers ask for a parcel: pure rating by zone and weight, deterministic to the cent.

The USPS formulas pass through the recorded prices (15.4 oz from 94107 to 90277, zone 4: GroundAdvantage 6.07,
Priority 7.42, Express 34.15); the others only keep the order a merchant knows: USPS cheapest, overnight dearest.
"""

from dataclasses import dataclass
from math import ceil

OUNCES_PER_POUND = 16
# UPS and FedEx bill the larger of weight and cubic inches / 139 (their published dimensional divisor).
DIMENSIONAL_DIVISOR = 139
US_TERRITORIES = frozenset({"AS", "GU", "MP", "PR", "VI"})
EMBARGOED = frozenset({"KP"})
# A carrier's heaviest parcel in ounces: USPS 70 lb, UPS and FedEx 150 lb, DHL Express 154 lb.
HEAVIEST_OZ = {"USPS": 1120.0, "UPSDAP": 2400.0, "FedEx": 2400.0, "DHLExpress": 2464.0}
FIRST_CLASS_INTERNATIONAL_OZ = 64.0
CARRIERS = tuple(HEAVIEST_OZ)


@dataclass(frozen=True, slots=True)
class Route:
    """Where from and to, as far as a price depends on it."""

    from_country: str
    from_zip: str
    to_country: str
    to_zip: str
    to_state: str

    @property
    def crosses_border(self) -> bool:
        return self.from_country != self.to_country


@dataclass(frozen=True, slots=True)
class Box:
    """A parcel in EasyPost's units: ounces and inches; a side that was not given is None."""

    weight_oz: float
    length_in: float | None = None
    width_in: float | None = None
    height_in: float | None = None


@dataclass(frozen=True, slots=True)
class Quote:
    """One service at one price."""

    carrier: str
    service: str
    cents: int
    delivery_days: int | None

    @property
    def list_cents(self) -> int:
        return round(self.cents * 1.08)

    @property
    def retail_cents(self) -> int:
        return round(self.cents * 1.45)


@dataclass(frozen=True, slots=True)
class RateError:
    """A carrier that does not quote, and its reason."""

    carrier: str
    message: str


@dataclass(frozen=True, slots=True)
class Tariff:
    """cents = base + zone × per_zone + pounds × per_pound; days = days_base + zone // zones_per_day."""

    carrier: str
    service: str
    base: int
    per_zone: int
    per_pound: int
    days_base: int
    zones_per_day: int = 99


DOMESTIC: tuple[Tariff, ...] = (
    Tariff("USPS", "GroundAdvantage", 420, 33, 55, 2, 3),
    Tariff("USPS", "Priority", 542, 38, 48, 1, 3),
    Tariff("USPS", "Express", 2700, 145, 135, 1),
    Tariff("UPSDAP", "Ground", 710, 45, 62, 1, 2),
    Tariff("UPSDAP", "2ndDayAir", 1740, 110, 130, 2),
    Tariff("UPSDAP", "NextDayAir", 4100, 320, 240, 1),
    Tariff("FedEx", "GROUND", 735, 44, 60, 1, 2),
    Tariff("FedEx", "2_DAY", 1890, 115, 125, 2),
    Tariff("FedEx", "STANDARD_OVERNIGHT", 3950, 310, 230, 1),
)
INTERNATIONAL: tuple[Tariff, ...] = (
    Tariff("USPS", "FirstClassPackageInternationalService", 1350, 310, 420, 9, 1),
    Tariff("USPS", "PriorityMailInternational", 3800, 650, 390, 6, 2),
    Tariff("DHLExpress", "ExpressWorldwide", 4500, 800, 600, 2, 2),
)
# How far abroad, for the international tariffs; every other country is zone 5.
COUNTRY_ZONES = {"CA": 1, "MX": 2, "GB": 3, "DE": 3, "FR": 3, "NL": 3, "IE": 3, "ES": 3, "IT": 3, "AU": 4, "JP": 4}
COUNTRY_ZONE_ELSEWHERE = 5


def rates_for(
    route: Route, box: Box, carriers: tuple[str, ...] = CARRIERS, *, has_customs: bool
) -> tuple[list[Quote], list[RateError]]:
    """Every service the carriers offer for the parcel, dearest first, and why the other carriers offer none."""
    whole_shipment = _refusal_of_all(route, has_customs=has_customs)
    if whole_shipment:
        return [], [RateError(carrier, whole_shipment) for carrier in carriers]
    quotes: list[Quote] = []
    refusals: list[RateError] = []
    for carrier in carriers:
        refusal = _refusal_of_one(carrier, route, box)
        if refusal:
            refusals.append(RateError(carrier, refusal))
        else:
            quotes.extend(_quotes(carrier, route, box))
    return sorted(quotes, key=lambda quote: -quote.cents), refusals


def zone(from_zip: str, to_zip: str) -> int:
    """A USPS-like zone, 1 (next door) to 8 (coast to coast), from the ZIP codes' first three digits."""
    near, far = from_zip[:3], to_zip[:3]
    if not (near.isdigit() and far.isdigit()):
        return 8
    if near == far:
        return 1
    if near[0] == far[0]:
        return 2 + min(2, abs(int(near) - int(far)) // 15)
    return min(8, 4 + abs(int(near[0]) - int(far[0])))


def _refusal_of_all(route: Route, *, has_customs: bool) -> str | None:
    if route.to_country in EMBARGOED:
        return f"Shipments to {route.to_country} are not allowed."
    if not has_customs and (route.crosses_border or route.to_state in US_TERRITORIES):
        return "CustomsInfo is required for international shipments and shipments to U.S. territories."
    return None


def _refusal_of_one(carrier: str, route: Route, box: Box) -> str | None:
    if box.weight_oz > HEAVIEST_OZ[carrier]:
        pounds = HEAVIEST_OZ[carrier] / OUNCES_PER_POUND
        return f"Package weight {box.weight_oz / OUNCES_PER_POUND:.1f} lbs exceeds the maximum of {pounds:.0f} lbs."
    if route.from_country != "US" and carrier != "DHLExpress":
        return f"Unable to retrieve {carrier} rates for non-US origin address."
    return None


def _quotes(carrier: str, route: Route, box: Box) -> list[Quote]:
    if route.crosses_border:
        tariffs, distance = INTERNATIONAL, COUNTRY_ZONES.get(route.to_country, COUNTRY_ZONE_ELSEWHERE)
    else:
        tariffs, distance = DOMESTIC, zone(route.from_zip, route.to_zip)
    pounds = _billed_pounds(carrier, box)
    return [
        _quote(tariff, distance, pounds)
        for tariff in tariffs
        if tariff.carrier == carrier and not _too_heavy_for_first_class(tariff, box)
    ]


def _quote(tariff: Tariff, distance: int, pounds: int) -> Quote:
    cents = tariff.base + tariff.per_zone * distance + tariff.per_pound * pounds
    days = tariff.days_base + distance // tariff.zones_per_day
    # USPS promises no date for its cheapest international service; callers must live with null.
    promised = None if tariff.service.startswith("FirstClassPackageInternational") else days
    return Quote(tariff.carrier, tariff.service, cents, promised)


def _billed_pounds(carrier: str, box: Box) -> int:
    pounds = ceil(box.weight_oz / OUNCES_PER_POUND)
    if carrier != "USPS" and box.length_in and box.width_in and box.height_in:
        pounds = max(pounds, ceil(box.length_in * box.width_in * box.height_in / DIMENSIONAL_DIVISOR))
    return max(1, pounds)


def _too_heavy_for_first_class(tariff: Tariff, box: Box) -> bool:
    return tariff.service.startswith("FirstClassPackage") and box.weight_oz > FIRST_CLASS_INTERNATIONAL_OZ
