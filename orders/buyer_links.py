"""The links that let a buyer in without a login: to a choice, to what was delivered by mail, and to their order."""

from __future__ import annotations

from orders.signed_links import SignedLinks

_SALTS = {
    "choose": "packline/buyer-links/1",
    "delivered": "packline/buyer-links/delivered/1",
    "order": "packline/buyer-links/order/1",
}


class BuyerLinks(SignedLinks):
    """A link of one page is good for no other."""

    def __init__(self, secret: str, public_url: str, page: str = "choose") -> None:
        super().__init__(secret, public_url, page=page, salt=_SALTS[page])

    def leading_to(self, page: str) -> BuyerLinks:
        """The links to another of the buyer's pages: `choose`, `delivered` or `order`."""
        return BuyerLinks(self._secret, self._public_url, page)
