"""Signs the links that let a supplier answer one purchase order without a login, until a day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeSerializer

from orders.buyer_links import LinkEnded, NoLink

# A link of a buyer's can never be taken for one of a supplier's, nor this for anything else that SECRET_KEY signs.
_SALT = "packline/supplier-links/1"
_PARTS = 4


@dataclass(frozen=True, kw_only=True)
class SupplierLink:
    """What a link is good for. `version` is the purchase order's own: with a newer one, this leads nowhere."""

    tenant: int
    purchase_order: int
    version: int
    until: datetime


class SupplierLinks:
    """Makes and reads links; the same link is made of the same facts each time."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._signer = URLSafeSerializer(
            secret, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def address(self, link: SupplierLink) -> str:
        return f"{self._public_url}/supply/{self.token(link)}"

    def token(self, link: SupplierLink) -> str:
        return str(self._signer.dumps([link.tenant, link.purchase_order, link.version, int(link.until.timestamp())]))

    def read(self, token: str, *, now: datetime) -> SupplierLink:
        """What a link is good for. Raises NoLink, LinkEnded."""
        try:
            parts = self._signer.loads(token)
        except BadData as broken:
            raise NoLink from broken
        if not isinstance(parts, list) or len(parts) != _PARTS or not all(type(part) is int for part in parts):
            raise NoLink
        tenant, purchase_order, version, until = parts
        ends = datetime.fromtimestamp(until, UTC)
        if ends <= now:
            raise LinkEnded
        return SupplierLink(tenant=tenant, purchase_order=purchase_order, version=version, until=ends)
