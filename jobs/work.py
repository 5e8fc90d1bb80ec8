"""What a job has in hand while it runs: its claim, its tenant's connections, and transactions that check the fence."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from config.keyring import CannotOpen, Keyring
from config.settings import Settings
from integrations import registry
from integrations.ports import AppKeys, CallNote, Carrier, Credentials, Origins, Payments, Permanent, Storefront
from jobs import claims, steps
from jobs.claims import Claim
from jobs.leases import LeaseKeeper
from records import database, tenants


@dataclass(kw_only=True)
class Services:
    """What a worker process has for every job it runs."""

    engine: Engine
    keyring: Keyring
    origins: Origins
    worker: str
    lease_s: float
    public_url: str = ""
    """Where vendors reach us: what their webhooks must point at."""
    app_keys: Mapping[str, AppKeys] = field(default_factory=dict)
    """How Packline itself is known, by vendor; none where merchants' secrets are given by hand only."""

    @functools.cached_property
    def leases(self) -> LeaseKeeper:
        return LeaseKeeper(self.engine, self.lease_s)


def origins(settings: Settings) -> Origins:
    """Where the settings say that each vendor answers."""
    return Origins(
        shopify=settings.shopify_origin,
        shopify_api_version=settings.shopify_api_version,
        stripe=settings.stripe_api_base,
        easypost=settings.easypost_api_base,
    )


def app_keys(settings: Settings) -> dict[str, AppKeys]:
    """How each vendor that installs apps knows this installation; left out where it does not."""
    if not settings.shopify_client_id:
        return {}
    shopify = AppKeys(
        client_id=settings.shopify_client_id,
        client_secret=settings.shopify_client_secret.get_secret_value(),
        old_client_secret=settings.shopify_old_client_secret.get_secret_value(),
    )
    return {"shopify": shopify}


@dataclass(kw_only=True)
class Work:
    """One run of one job."""

    services: Services
    claim: Claim
    calls: list[CallNote] = field(default_factory=list)
    """The calls made to vendors since they were last written to a timeline."""

    @property
    def tenant(self) -> int:
        return self.claim.tenant

    @property
    def subject_id(self) -> int:
        """The number in `order/42`."""
        return int(self.claim.subject.rpartition("/")[2])

    def now(self) -> datetime:
        return datetime.now(UTC)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A short transaction to look at things. Nothing may be written in it."""
        with database.transaction(self.services.engine, self.tenant) as session:
            yield session

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """A short transaction to write in; it is refused where another worker has taken the job over."""
        with database.transaction(self.services.engine, self.tenant) as session:
            session.info["own_lane"] = (self.tenant, self.claim.lane)
            claims.check(session, self.claim)
            yield session
            steps.passed("writing")
        steps.passed("committed")

    def storefront(self, connection: str) -> Storefront:
        """The storefront that an order came from."""
        return cast("Storefront", self._open("storefront", connection))

    def payments(self, connection: str) -> Payments:
        return cast("Payments", self._open("payments", connection))

    def carrier(self, connection: str) -> Carrier:
        return cast("Carrier", self._open("carrier", connection))

    def newest_connection(self, role: str) -> str:
        """The id of the account that is used in a role. Raises Permanent where the tenant has connected none."""
        with self.reading() as session:
            connection = tenants.connection_for(session, self.tenant, role)
        if connection is None:
            raise Permanent(
                f"No {role} is connected.", remedy=f"Connect a {role} account, then retry.", code="not_connected"
            )
        return connection.id

    def take_calls(self) -> list[CallNote]:
        """The calls made since the last time, each told once."""
        taken = list(self.calls)
        self.calls.clear()
        return taken

    def _open(self, role: str, id: str) -> object:
        with self.reading() as session:
            connection = tenants.find_connection(session, self.tenant, id)
        if connection is None or connection.ended_at is not None or connection.role != role:
            raise Permanent(
                f"The {role} connection is gone.", remedy=f"Connect the {role} again, then retry.", code="not_connected"
            )
        credentials = Credentials(
            account=connection.account,
            live=connection.live,
            secrets=self._secrets(connection.sealed_secrets),
        )
        build = registry.vendor(connection.vendor).build
        return build(credentials, self.services.origins, self._called)

    def _called(self, note: CallNote) -> None:
        self.calls.append(note)
        steps.passed(f"called {note.vendor} {note.verb}")

    def _secrets(self, sealed: bytes) -> dict[str, str]:
        try:
            return self.services.keyring.open(sealed)
        except CannotOpen as failure:
            raise Permanent(
                "The connection's secrets cannot be opened.",
                remedy="Put the missing key back among ENCRYPTION_KEYS, or connect the account again; then retry.",
                code="cannot_open",
            ) from failure
