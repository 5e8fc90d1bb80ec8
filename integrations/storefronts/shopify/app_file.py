"""Writes shopify.app.toml: how Shopify is told of this app, from the very tables that the code acts by.

https://shopify.dev/docs/apps/build/cli-for-apps/app-configuration. `shopify app deploy` makes it true. The addresses of
webhooks are written out, because Shopify's tool hangs a relative one onto the whole application_url, which here ends in
a path of its own (prependApplicationUrl in Shopify/cli).
"""

from __future__ import annotations

import json
from collections.abc import Iterable

from integrations.storefronts.shopify import compliance, scopes, topics

# What stands where nobody has said better: the file in the repository is written with these.
NO_CLIENT_ID = "your-apps-client-id"
NO_PUBLIC_URL = "https://packline.example.com"


def written(client_id: str, public_url: str, api_version: str) -> str:
    """The whole file. Pure."""
    at = (public_url or NO_PUBLIC_URL).rstrip("/")
    return f"""\
# Written by `packline app toml` from the tables that the code acts by; a test compares the two.
# Put your own client id and address in by running it with SHOPIFY_CLIENT_ID and PUBLIC_URL set, then
# `shopify app deploy`.
client_id = {_text(client_id or NO_CLIENT_ID)}
name = "Packline"
handle = "packline"
application_url = {_text(f"{at}/app")}
embedded = true

[build]
include_config_on_deploy = true

[access_scopes]
# Asked of every store. What stands still without each: integrations/storefronts/shopify/scopes.py
scopes = {_text(",".join(scopes.REQUIRED))}
optional_scopes = {_list(scopes.OPTIONAL)}
use_legacy_install_flow = false

[auth]
redirect_urls = {_list([f"{at}/auth/callback"])}

[webhooks]
api_version = {_text(api_version)}

  [[webhooks.subscriptions]]
  topics = {_list(heard(), indent="  ")}
  uri = {_text(f"{at}/hooks/shopify")}

  # What the law asks for; Shopify sends these to every app, and refuses one without them.
  [[webhooks.subscriptions]]
  compliance_topics = {_list(compliance.COMPLIANCE, indent="  ")}
  uri = {_text(f"{at}/hooks/shopify")}
"""


def heard() -> tuple[str, ...]:
    """Every topic that the app's own configuration brings, but those of compliance, which stand apart."""
    return (*compliance.OF_THE_APP, *topics.WANTED)


def _text(value: str) -> str:
    # What JSON escapes, TOML escapes alike.
    return json.dumps(value)


def _list(values: Iterable[str], *, indent: str = "") -> str:
    return "[\n" + "".join(f"{indent}  {_text(value)},\n" for value in values) + f"{indent}]"
