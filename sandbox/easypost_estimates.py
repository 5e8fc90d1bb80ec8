"""Rates without a shipment, as EasyPost's /beta/rates gives them: nothing is kept, nothing can be bought."""

from typing import Any

from sandbox.easypost_accounts import Account
from sandbox.easypost_shipments import new_shipment
from sandbox.easypost_wire import Fields


def rates_only(account: Account, given: Fields) -> Fields:
    """The rates of a shipment that is not kept: its parts and rates bear no ids (recorded: beta_…stateless_rates).

    Raises:
        Refusal: as for a shipment that is kept.
    """
    wire = new_shipment(account, given).wire()
    kept = ("from_address", "to_address", "parcel", "customs_info", "options", "messages")
    nameless = {name: _without(wire[name], "id", "created_at", "updated_at") for name in kept if wire[name] is not None}
    rates = [_without(rate, "id", "created_at", "updated_at", "shipment_id") for rate in wire["rates"]]
    return nameless | {"rates": rates}


def _without(thing: Any, *names: str) -> Any:
    if not isinstance(thing, dict):
        return thing
    return {name: value for name, value in thing.items() if name not in names}
