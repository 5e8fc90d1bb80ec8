"""A small world where the store installs Packline as an app: nobody types a token, and tokens end."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
from pydantic import SecretStr
from sqlalchemy import Engine, text

from config.settings import Settings
from jobs import connect
from records import database
from records.tenants import Connection
from tests import patient
from tests.world import (
    EASYPOST_HOOK_SECRET,
    EASYPOST_KEY,
    NEWARK,
    RENO,
    SHOP,
    World,
    running_world,
    variant,
)

CLIENT_ID = "packline-app"
# As long as Shopify's own are.
SECRET, NEWER = "shpss_" + "a1" * 16, "shpss_" + "b2" * 16


class AppWorld(World):
    """The merchant's browser is `visit`; what it gets is judged by what Shopify's stand-in then counts."""

    def open_store(self, domain: str = SHOP, **more: Any) -> dict[str, Any]:
        """A store in the sandbox that Packline does not know yet."""
        self.control("POST", "/shopify/app", {"client_id": CLIENT_ID, "client_secret": SECRET})
        return self.control(
            "POST",
            "/shopify/shops",
            {
                "domain": domain, "currency": "CAD", "name": "Acme Tents", "development": True,
                "webhook_url": f"{self.origin}/hooks/shopify", "locations": [RENO, NEWARK],
                "products": [{"title": "Bag", "variants": [variant("BAG", stock={"Reno": 100, "Newark": 100})]}],
            } | more,
        )  # fmt: skip

    def id_token(self, domain: str = SHOP, **wish: Any) -> str:
        return str(self.control("POST", "/shopify/id-tokens", {"shop": domain} | wish)["id_token"])

    def visit(self, domain: str = SHOP, *, path: str = "/app", **wish: Any) -> httpx.Response:
        """Open a page of the app in the store's admin; nothing is followed."""
        asked = {"shop": domain, "host": "YWRtaW4", "embedded": "1", "id_token": self.id_token(domain, **wish)}
        return patient.get(f"{self.origin}{path}", params=asked, trust_env=False)

    def install(self, domain: str = SHOP) -> None:
        """Open the store and install the app in it; this world's tenant is that store's shop from then on."""
        self.open_store(domain)
        opened = self.visit(domain)
        assert opened.status_code == 302, opened.text
        self.know(domain)

    def know(self, domain: str = SHOP) -> None:
        (row,) = self.rows("SELECT tenant_id, id FROM connections WHERE account = :a AND ended_at IS NULL", a=domain)
        self.tenant, self.connections["shopify"] = row.tenant_id, row.id

    def go_live(self) -> None:
        """Connect a carrier, and let Packline act."""
        with database.transaction(self.engine, self.tenant) as session:
            self.connections["easypost"] = connect.connect(
                session, self.tenant, vendor="easypost", account="", live=False, keyring=self.services.keyring,
                secrets={"api_key": EASYPOST_KEY, "webhook_secret": EASYPOST_HOOK_SECRET},
            ).id  # fmt: skip
        self.control("POST", "/easypost/accounts", {
            "key": EASYPOST_KEY, "mode": "test", "webhook_secret": EASYPOST_HOOK_SECRET,
            "webhook_url": f"{self.origin}/hooks/easypost/{self.connections['easypost']}"})  # fmt: skip
        self.run("UPDATE tenants SET mode = 'live'")
        self.work_off()

    def row(self) -> Connection:
        with self.reading() as session:
            return session.get_one(Connection, (self.tenant, self.connections["shopify"]))

    def secrets(self) -> dict[str, str]:
        return self.services.keyring.open(self.row().sealed_secrets)

    def order_is_known(self, placed: dict[str, Any]) -> bool:
        return bool(self.rows("SELECT id FROM orders WHERE remote_id = :r", r=placed["admin_graphql_api_id"]))

    def secrets_of_all(self) -> list[dict[str, str]]:
        return [
            self.services.keyring.open(row.sealed_secrets)
            for row in self.rows("SELECT sealed_secrets FROM connections")
        ]

    def hour_passes(self, **wish: Any) -> None:
        """The access token ends, at Shopify and as we know it; with `refresh_too`, ninety days pass."""
        self.control("POST", f"/shopify/shops/{SHOP}/expire", wish)
        self.run("UPDATE connections SET token_expires_at = now() - interval '1 second' WHERE vendor = 'shopify'")

    def run(self, sql: str, **values: Any) -> None:
        with self.engine.begin() as connection:
            connection.execute(text(sql), values)

    def waiting(self) -> list[str]:
        """Why jobs wait; what only gathers what else a store tells of its stock waits for nothing."""
        later = "state = 'due' AND due_at > now() AND NOT (kind = 'read_stock' AND cause = '')"
        return [row.cause for row in self.rows(f"SELECT cause FROM jobs WHERE {later}")]

    def grants(self, kind: str) -> int:
        return len(self.calls(operation=f"oauth.{kind}", effect="true"))


@contextmanager
def running_app_world(settings: Settings, engine: Engine, sandbox: str, **more: Any) -> Iterator[AppWorld]:
    keys = {"shopify_client_id": CLIENT_ID, "shopify_client_secret": SecretStr(SECRET)} | more
    with running_world(settings.model_copy(update=keys), engine, sandbox) as world:
        yield AppWorld(**vars(world))
