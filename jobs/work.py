"""What a job has in hand while it runs: its claim, its tenant's connections, and transactions that check the fence."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import cast
from urllib.parse import unquote, urlsplit

from sqlalchemy import Engine
from sqlalchemy.orm import Session

from config.keyring import Keyring
from config.settings import Settings
from integrations import mail, only_asking, registry
from integrations.ports import (
    AppKeys,
    CallNote,
    Carrier,
    Checkup,
    Credentials,
    Mail,
    Origins,
    Payments,
    Permanent,
    Storefront,
)
from jobs import access, claims, quiet, steps
from jobs.claims import Claim
from jobs.leases import LeaseKeeper
from orders import subjects
from orders.buyer_links import BuyerLinks
from orders.supplier_links import SupplierLinks
from records import database, tenants
from records.orders import find_order
from records.tenants import Connection


@dataclass(frozen=True, kw_only=True)
class Post:
    """The installation's mail account, and the address that it writes from."""

    url: str = field(repr=False)
    sender: str


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
    post: Post | None = None
    """How buyers are written to; None where no mail account is set."""
    links: BuyerLinks = field(default_factory=lambda: BuyerLinks("", ""))
    """Makes the links that let a buyer in."""
    supplier_links: SupplierLinks = field(default_factory=lambda: SupplierLinks("", ""))
    """Makes the links that let a supplier answer a purchase order."""
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


def post(settings: Settings) -> Post | None:
    """How buyers are written to; None where that is not set."""
    url = settings.mail_url.get_secret_value()
    return Post(url=url, sender=settings.mail_from) if url else None


def buyer_links(settings: Settings) -> BuyerLinks:
    return BuyerLinks(settings.secret_key.get_secret_value(), settings.public_url)


def supplier_links(settings: Settings) -> SupplierLinks:
    return SupplierLinks(settings.secret_key.get_secret_value(), settings.public_url)


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

    def newest_carrier(self) -> Carrier:
        """The carrier that is used now. Raises Permanent where the tenant has connected none."""
        with self.reading() as session:
            connection = self.newest(session, "carrier")
            mode = tenants.mode_of(session, self.tenant)
        return cast("Carrier", self._connector(connection, mode))

    def newest_connection(self, role: str) -> str:
        """The id of the account that is used in a role. Raises Permanent where the tenant has connected none."""
        with self.reading() as session:
            return self.newest(session, role).id

    def newest(self, session: Session, role: str) -> Connection:
        """The account that is used in a role. Raises Permanent where the tenant has connected none."""
        connection = tenants.connection_for(session, self.tenant, role)
        if connection is None:
            raise Permanent(
                f"No {role} is connected.", remedy=f"Connect a {role} account, then retry.", code="not_connected"
            )
        return connection

    def mail(self) -> Mail | None:
        """The mail account; None where none is set."""
        post = self.services.post
        if post is None:
            return None
        words = [post.url, unquote(urlsplit(post.url).password or "")]
        connector = mail.build(post.url, post.sender, self.called)
        return cast("Mail", quiet.behind(connector, lambda: [*words, *self._buyer()]))

    def checkup(self, connection: str) -> Checkup | None:
        """What the vendor says that an account lets us do; None where it cannot be asked."""
        with self.reading() as session:
            row = tenants.find_connection(session, self.tenant, connection)
        look = None if row is None else registry.vendor(row.vendor).check
        if row is None or look is None:
            return None
        return look(access.credentials(self.services, row, self.called), self.services.origins, self.called)

    def take_calls(self) -> list[CallNote]:
        """The calls made since the last time, each told once."""
        taken = list(self.calls)
        self.calls.clear()
        return taken

    def _open(self, role: str, id: str) -> object:
        with self.reading() as session:
            connection = tenants.find_connection(session, self.tenant, id)
            mode = tenants.mode_of(session, self.tenant)
        if connection is None or connection.ended_at is not None or connection.role != role:
            raise Permanent(
                f"The {role} connection that this belongs to is gone.",
                remedy=f"Connect the same {role} account again, then retry; or do it in the vendor's own pages.",
                code="not_connected",
            )
        return self._connector(connection, mode)

    def _connector(self, connection: Connection, mode: str) -> object:
        """What calls an account's vendor, by its row and the shop's mode as they were read a moment ago."""
        credentials = access.credentials_in(self.services, connection, self.called)
        build = registry.vendor(connection.vendor).build
        connector = quiet.behind(
            build(credentials, self.services.origins, self.called), lambda: self._not_to_be_told(credentials)
        )
        return only_asking.OnlyAsking(connector, connection.role) if mode == "shadow" else connector

    def _not_to_be_told(self, credentials: Credentials) -> list[str]:
        """The words that no vendor's sentence may bring back: the account's secrets, and who the buyer is."""
        return [*credentials.secrets.values(), *self._buyer()]

    def _buyer(self) -> list[str]:
        with self.reading() as session:
            id = subjects.order_of(session, self.tenant, self.claim.subject)
            order = find_order(session, self.tenant, id) if id is not None else None
        return quiet.of_buyer(order.ship_to, order.email, order.phone) if order is not None else []

    def called(self, note: CallNote) -> None:
        """What a connector tells of each of its calls."""
        self.calls.append(note)
        steps.passed(f"called {note.vendor} {note.verb}")
