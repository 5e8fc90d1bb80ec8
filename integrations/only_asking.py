"""A connector that may ask and not act: for a shop that only watches what Packline would do.

What it lets through stands in a list, so a verb that nobody has thought about is refused. Webhooks are left to the
connection, which has to hear before there is anything to watch.
"""

from __future__ import annotations

from typing import Any

from integrations.hooked import Hooked

# Verbs that leave nothing behind at the vendor, by role.
ASKING: dict[str, frozenset[str]] = {
    "storefront": frozenset(
        {
            "read_order", "read_locations", "read_variants", "find_order_of_work", "quote_refund", "find_refund",
            "changed_orders", "changed_work", "changed_stock", "read_units", "read_on_hand",
            "read_shipped", "read_handed_over", "hooks",
        }
    ),
    "payments": frozenset(
        {"read_payment", "find_session", "find_refund", "events_since", "payments_since", "hooks"}
    ),
    "carrier": frozenset(
        {"estimate", "find_label", "fetch_label", "track", "labels_since", "parcels_since", "hooks"}
    ),
}  # fmt: skip
# Verbs that change something. A carrier that checks an address keeps it, and one that quotes keeps a shipment.
ACTING: dict[str, frozenset[str]] = {
    "storefront": frozenset(
        {
            "announce", "fulfil_unshipped", "assign", "replace_tracking", "report_scan", "hold", "release", "mark_paid",
            "tell_ready", "hand_over", "tag", "cancel_shipped", "cancel_order", "refund", "change_stock",
            "change_address", "swap",
        }
    ),
    "payments": frozenset({"cancel", "capture", "refund"}),
    "carrier": frozenset({"verify_address", "quote", "buy", "void"}),
}  # fmt: skip
# What is the connection's own business and no order's: that the vendor tells us at all.
LISTENING = frozenset(name for name in vars(Hooked) if not name.startswith("_")) - {"hooks"}


class OnlyWatching(Exception):
    """The shop only watches: this was not done, and will not be while it does. `what` is the act in words."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.what = what


class OnlyAsking:
    """Stands in front of a connector: what is not known to ask raises OnlyWatching before anything is sent."""

    def __init__(self, connector: object, role: str) -> None:
        self._connector = connector
        self._role = role

    def __getattr__(self, verb: str) -> Any:
        if verb in ASKING.get(self._role, frozenset()) | LISTENING:
            return getattr(self._connector, verb)
        return _refused(verb)


def _refused(verb: str) -> Any:
    def refuse(*_given: object, **_named: object) -> None:
        raise OnlyWatching(verb.replace("_", " "))

    return refuse
