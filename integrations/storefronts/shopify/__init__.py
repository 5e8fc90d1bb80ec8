"""Shopify, the storefront: orders come from it, and it tells buyers their tracking numbers."""

from __future__ import annotations

from integrations import ports
from integrations.storefronts.shopify import app_proxy, checkup, compliance, granting, scopes, topics
from integrations.storefronts.shopify.client import VENDOR as NAME
from integrations.storefronts.shopify.door import ShopifyDoor, sample
from integrations.storefronts.shopify.storefront import ShopifyStorefront

VENDOR = ports.Vendor(
    name=NAME,
    role="storefront",
    door=ShopifyDoor(),
    build=ShopifyStorefront,
    secret_names=("access_token",),
    optional_secret_names=("refresh_token",),
    signing_secret_names=("webhook_secret", "previous_webhook_secret"),
    topics=topics.WANTED,
    parting_topics=compliance.PARTING,
    renew=granting.renew,
    check=checkup.check,
    sample=sample,
    passed_on=ports.PassedOn(account_of=app_proxy.shop_of, genuine=app_proxy.genuine),
    unlisted_hooks=True,
    may_swap=scopes.may_swap,
)
