"""Signs links that let somebody in without a login: each is good for one thing of one shop, until a day."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime

from itsdangerous import BadData, URLSafeSerializer

_PARTS = 4


class NoLink(Exception):
    """It was not made here."""


class LinkEnded(Exception):
    """It was good until a while ago."""


@dataclass(frozen=True, kw_only=True)
class Link:
    """What a link is good for: whatever its page shows (`about`). `version` is that thing's own: with a newer one, this
    leads nowhere.
    """

    tenant: int
    about: int
    version: int
    until: datetime


class SignedLinks:
    """Makes and reads the links to one page; the same link is made of the same facts each time.

    `salt` keeps a link from being taken for another page's, or for anything else that SECRET_KEY signs.
    """

    def __init__(self, secret: str, public_url: str, *, page: str, salt: str) -> None:
        self._secret, self._public_url, self._page = secret, public_url.rstrip("/"), page
        self._signer = URLSafeSerializer(
            secret, salt=salt, signer_kwargs={"key_derivation": "hmac", "digest_method": hashlib.sha256}
        )

    def address(self, link: Link) -> str:
        return f"{self._public_url}/{self._page}/{self.token(link)}"

    def token(self, link: Link) -> str:
        return str(self._signer.dumps([link.tenant, link.about, link.version, int(link.until.timestamp())]))

    def read(self, token: str, *, now: datetime) -> Link:
        """What a link is good for. Raises NoLink, LinkEnded."""
        try:
            parts = self._signer.loads(token)
        except BadData as broken:
            raise NoLink from broken
        if not isinstance(parts, list) or len(parts) != _PARTS or not all(type(part) is int for part in parts):
            raise NoLink
        tenant, about, version, until = parts
        link = Link(tenant=tenant, about=about, version=version, until=datetime.fromtimestamp(until, UTC))
        if link.until <= now:
            raise LinkEnded
        return link
