"""The links that let a supplier answer one purchase order without a login."""

from __future__ import annotations

from orders.signed_links import SignedLinks


class SupplierLinks(SignedLinks):
    """A link of a buyer's can never be taken for one of a supplier's."""

    def __init__(self, secret: str, public_url: str) -> None:
        super().__init__(secret, public_url, page="supply", salt="packline/supplier-links/1")
