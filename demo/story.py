"""Plays the demo: opens the store, places the orders act by act, and waits until everything has come to rest."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field

from sqlalchemy import text

from config import boot
from demo import store
from demo.scenarios import Scenario
from demo.stage import Stage
from demo.store import Json
from jobs import bell, connect
from records import database
from records.tenants import Rules

# Work that is due later than this waits for the world, not for a worker: two days for a refund, an hour for a vendor.
_SOON_S = 120
_ACT_MAY_TAKE_S = 240


@dataclass(kw_only=True)
class Play:
    """The demo while it runs."""

    stage: Stage
    scenarios: list[Scenario]
    tenant: int = 0
    placed: dict[int, Json] = field(default_factory=dict)
    """What the store says of each order, by the scenario's place in the list."""

    def open_store(self) -> None:
        """Make the store in the sandbox, connect it with carrier and payments, and read what it sells."""
        control, settings = self.stage.control, self.stage.settings
        bell.set_up(settings.redis_url)
        control("POST", "/shopify/shops", _shop(self.stage))
        with database.across_tenants(self.stage.engine, why="the demo's tenant is added") as session:
            self.tenant = connect.add_tenant(session, "Packline Demo", "USD", Rules(customs_signer="Rosa Packer"))
        self._connect("shopify", store.SHOP, access_token=store.TOKEN, webhook_secret=store.HOOK_SECRET)
        stripe = self._connect("stripe", "", api_key=store.STRIPE_KEY, webhook_secret=store.STRIPE_HOOK_SECRET)
        easypost = self._connect("easypost", "", api_key=store.EASYPOST_KEY, webhook_secret=store.EASYPOST_HOOK_SECRET)
        control("POST", "/stripe/accounts", _account(store.STRIPE_KEY, stripe, store.STRIPE_HOOK_SECRET))
        control("POST", "/easypost/accounts", _account(store.EASYPOST_KEY, easypost, store.EASYPOST_HOOK_SECRET))
        self.rest()

    def make_trouble(self) -> None:
        """Webhooks arrive twice and in disorder, and the carrier is down for the first dozen purchases."""
        control = self.stage.control
        control("POST", "/deliveries/plan", {"duplicates": 1, "shuffle": True})
        control("POST", "/faults", {"vendor": "easypost", "kind": "5xx", "operation": "shipment.buy", "times": 12})
        control("POST", "/faults", {"vendor": "easypost", "kind": "timeout_after", "operation": "shipment.buy",
                                    "skip": 12, "times": 1, "delay_s": 1})  # fmt: skip

    def acts(self) -> Iterator[str]:
        """Play act after act; yields what is being done, and again while it comes to rest."""
        for act in (1, 2, 3, 4):
            yield from self._act(act)
            yield from self._resting()

    def rest(self) -> None:
        """Wait until nothing is due soon. Raises TimeoutError."""
        for _ in self._resting():
            continue

    def _act(self, act: int) -> Iterator[str]:
        for number, scenario in enumerate(self.scenarios):
            if scenario.act == act:
                yield f"placing: {scenario.title}"
                self._place(number, scenario)
            elif scenario.act == act - 1 and scenario.later is not None:
                yield f"changing: {scenario.title}"
                scenario.later(self.stage.control, self.placed[number])

    def _place(self, number: int, scenario: Scenario) -> None:
        control = self.stage.control
        if scenario.before is not None:
            scenario.before(control)
        self.placed[number] = control("POST", "/shopify/orders", scenario.wish())
        if scenario.after is not None:
            scenario.after(control, self.placed[number])

    def _resting(self) -> Iterator[str]:
        deadline = time.monotonic() + _ACT_MAY_TAKE_S
        while not self._at_rest():
            if time.monotonic() > deadline:
                raise TimeoutError(f"the work did not come to rest in {_ACT_MAY_TAKE_S} s: see {self.stage.logs}")
            yield "working"
            time.sleep(0.2)

    def _at_rest(self) -> bool:
        if self.stage.control("POST", "/deliveries/flush", {"timeout_s": 0.2})["queued"]:
            return False
        with self.stage.engine.connect() as connection:
            busy = connection.execute(
                text(
                    "SELECT count(*) FROM jobs WHERE state = 'running' "
                    "OR (state = 'due' AND due_at < now() + make_interval(secs => :soon))"
                ),
                {"soon": _SOON_S},
            ).scalar_one()
        return not busy

    def _connect(self, vendor: str, account: str, **secrets: str) -> str:
        with database.transaction(self.stage.engine, self.tenant) as session:
            connection = connect.connect(
                session,
                self.tenant,
                vendor=vendor,
                account=account,
                secrets=secrets,
                live=False,
                keyring=boot.keyring(self.stage.settings),
            )
            return connect.hook_address(connection, self.stage.web)


def _shop(stage: Stage) -> Json:
    return {
        "domain": store.SHOP,
        "token": store.TOKEN,
        "secret": store.HOOK_SECRET,
        "currency": "USD",
        "name": "Packline Demo",
        "webhook_url": f"{stage.web}/hooks/shopify",
        "topics": list(store.TOPICS),
        "locations": store.LOCATIONS,
        "products": store.PRODUCTS,
    }


def _account(key: str, address: str, secret: str) -> Json:
    account = {"key": key, "webhook_url": address, "webhook_secret": secret}
    return account | ({"livemode": False} if key.startswith("sk_") else {"mode": "test"})
