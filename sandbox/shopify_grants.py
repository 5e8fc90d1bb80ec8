"""The tokens that Shopify grants to an app for a store, and what becomes of them with time, use and uninstalling.

An access token lasts an hour and its refresh token ninety days. A refresh token that was used stays good until its
replacement is: shopify.dev/changelog/more-resilient-refreshes-for-expiring-offline-access-tokens.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sandbox.shopify_store import Shop

ACCESS_S = 3600
REFRESH_S = 90 * 24 * 3600


@dataclass(slots=True)
class App:
    """The app that the merchants install, as the Dev Dashboard knows it."""

    client_id: str
    client_secret: str
    old_client_secret: str = ""
    redirect_urls: tuple[str, ...] = ()

    @property
    def secrets(self) -> tuple[str, ...]:
        return tuple(secret for secret in (self.client_secret, self.old_client_secret) if secret)


@dataclass(slots=True, eq=False)
class Grant:
    """One access token, with the refresh token that came with it; a token without an end has none."""

    shop: Shop
    access: str
    scopes: tuple[str, ...]
    expires_at: float | None = None
    refresh: str = ""
    refresh_expires_at: float = 0.0
    # The grant that this one replaced, whose refresh token is good until this one's is used.
    before: Grant | None = None
    # What a retry of the same refresh token is answered.
    after: Grant | None = None


@dataclass(slots=True)
class Grants:
    """Everything that was granted and still counts; whoever reads or changes it holds the store's lock."""

    app: App | None = None
    by_access: dict[str, Grant] = field(default_factory=dict)
    by_refresh: dict[str, Grant] = field(default_factory=dict)
    # Lasting tokens that were given up for a pair: a retry is answered the same pair for seven days.
    migrated: dict[str, Grant] = field(default_factory=dict)
    codes: dict[str, tuple[Shop, tuple[str, ...]]] = field(default_factory=dict)
    # What a grant's answer leaves out, as Shopify has been seen to do.
    left_out: set[str] = field(default_factory=set)

    def shop_of(self, access: str) -> Shop | None:
        """The shop that this access token opens now."""
        grant = self.by_access.get(access)
        if grant is None or (grant.expires_at is not None and grant.expires_at <= time.time()):
            return None
        return grant.shop

    def scopes_of(self, access: str) -> tuple[str, ...] | None:
        grant = self.by_access.get(access)
        return None if grant is None else grant.scopes

    def pair(self, shop: Shop, *, before: Grant | None = None) -> Grant:
        """A new pair; every earlier access token of the shop is revoked with it, and lasting ones too."""
        now = time.time()
        for access in [access for access, one in self.by_access.items() if one.shop is shop]:
            del self.by_access[access]
        made = Grant(
            shop,
            f"shpat_{secrets.token_hex(16)}",
            tuple(shop.scopes),
            now + ACCESS_S,
            f"shprt_{secrets.token_hex(16)}",
            now + REFRESH_S,
            before,
        )
        if before is None:
            self._forget_refresh_tokens(shop)
        self.by_access[made.access] = made
        self.by_refresh[made.refresh] = made
        return made

    def renew(self, refresh: str) -> Grant | None:
        """The pair after this one; a retry of a refresh token whose answer was lost gets a pair as well."""
        now = time.time()
        grant = self.by_refresh.get(refresh)
        if grant is None or grant.refresh_expires_at <= now:
            return None
        if grant.after is not None:  # used before, and its replacement was not: that one counts no longer
            self.by_refresh.pop(grant.after.refresh, None)
        if grant.before is not None:  # the replacement is in use, so what it replaced is retired
            self.by_refresh.pop(grant.before.refresh, None)
        grant.after = self.pair(grant.shop, before=grant)
        return grant.after

    def migrate(self, lasting: str) -> Grant | None:
        """A pair in place of a token without an end, which opens nothing from then on."""
        if lasting in self.migrated:
            return self.migrated[lasting]
        grant = self.by_access.get(lasting)
        if grant is None or grant.expires_at is not None:
            return None
        made = self.migrated[lasting] = self.pair(grant.shop)
        return made

    def lasting(self, shop: Shop, access: str) -> None:
        """A token without an end, as merchants make them by hand."""
        self.by_access[access] = Grant(shop, access, tuple(shop.scopes))

    def end(self, shop: Shop) -> None:
        """The app was uninstalled: nothing that it was granted opens anything."""
        for access in [access for access, one in self.by_access.items() if one.shop is shop]:
            del self.by_access[access]
        self._forget_refresh_tokens(shop)
        self.migrated = {key: one for key, one in self.migrated.items() if one.shop is not shop}

    def expire(self, shop: Shop, *, refresh_too: bool = False) -> None:
        """Let time pass for a shop's tokens."""
        for grant in [*self.by_access.values(), *self.by_refresh.values()]:
            if grant.shop is shop and grant.expires_at is not None:
                grant.expires_at = 0.0
                grant.refresh_expires_at = 0.0 if refresh_too else grant.refresh_expires_at

    def _forget_refresh_tokens(self, shop: Shop) -> None:
        self.by_refresh = {key: one for key, one in self.by_refresh.items() if one.shop is not shop}
