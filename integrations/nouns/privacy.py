"""What a store tells of itself and of its buyers' wishes about their data: demands, farewells, changed permissions."""

from __future__ import annotations

from pydantic import AwareDatetime

from integrations.nouns.base import Noun


class NamedShop(Noun):
    """The shop that a signed body names: what proves whose demand it is, where headers prove nothing.

    Both empty: the body names none.
    """

    remote_account_id: str = ""
    """The vendor's own number of the account."""
    account: str = ""
    """The account as connections have it: a store's domain, in lower case."""


class NamedBuyer(Noun):
    """A buyer as a demand names them; `orders` are the remote ids of the orders that the demand lists."""

    remote_id: str = ""
    email: str = ""
    phone: str = ""
    orders: tuple[str, ...] = ()


class BuyerDataWanted(Noun):
    """A buyer wants to know what is held of them."""

    shop: NamedShop
    remote_id: str
    """The vendor's id of the demand."""
    buyer: NamedBuyer


class BuyerToForget(Noun):
    shop: NamedShop
    buyer: NamedBuyer


class ShopToForget(Noun):
    """The store left some time ago, and all that is personal of it has to go."""

    shop: NamedShop


class AppUninstalled(Noun):
    """The store took the app away: no secret that it gave works any more."""

    shop: NamedShop


class ScopesChanged(Noun):
    """What the app may do at the store, in the vendor's words."""

    shop: NamedShop
    scopes: tuple[str, ...]
    lacking: tuple[str, ...] = ()
    """What stands still without a scope that is not among them, a sentence each."""
    at: AwareDatetime


AboutTheShop = BuyerDataWanted | BuyerToForget | ShopToForget | AppUninstalled | ScopesChanged
PARTING = (BuyerDataWanted, BuyerToForget, ShopToForget, AppUninstalled)
"""What a store may still tell when it has left."""
