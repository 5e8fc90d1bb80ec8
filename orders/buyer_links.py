"""Signs the links that let a buyer in without a login: each is good for one question of one order, until a day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeSerializer

# Nothing else that SECRET_KEY signs can be taken for such a link, or this for anything else.
_SALT = "packline/buyer-links/1"
_PARTS = 4


class NoLink(Exception):
    """It was not made here."""


class LinkEnded(Exception):
    """It was good until a while ago."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link is good for. `version` is the choice's own: with a newer one, this leads nowhere."""

    tenant: int
    choice: int
    version: int
    until: datetime


class BuyerLinks:
    """Makes and reads links; the same link is made of the same facts each time."""

    def __init__(self, secret: str, public_url: str) -> None:
        self._public_url = public_url.rstrip("/")
        self._signer = URLSafeSerializer(
            secret, salt=_SALT, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def address(self, link: Link) -> str:
        return f"{self._public_url}/choose/{self.token(link)}"

    def token(self, link: Link) -> str:
        return str(self._signer.dumps([link.tenant, link.choice, link.version, int(link.until.timestamp())]))

    def read(self, token: str, *, now: datetime) -> Link:
        """What a link is good for. Raises NoLink, LinkEnded."""
        try:
            parts = self._signer.loads(token)
        except BadData as broken:
            raise NoLink from broken
        if not isinstance(parts, list) or len(parts) != _PARTS or not all(type(part) is int for part in parts):
            raise NoLink
        tenant, choice, version, until = parts
        link = Link(tenant=tenant, choice=choice, version=version, until=datetime.fromtimestamp(until, UTC))
        if link.until <= now:
            raise LinkEnded
        return link
