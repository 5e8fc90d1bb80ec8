"""Asks a vendor about a key that a person gives: whose account it opens, in which mode, and whether it is the same one.

Called with no transaction open, while the person waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import structlog

from config.keyring import Keyring
from integrations import registry
from integrations.ports import CallNote, Checkup, Credentials, Hooked, Origins, Vendor
from jobs.connect import CannotConnect
from records.tenants import Connection

log = structlog.get_logger(__name__)


@dataclass(frozen=True, kw_only=True)
class Standing:
    """A living connection as it is compared with what a new key opens; plain values, which outlive a transaction."""

    vendor: str
    account: str
    live: bool
    remote_account_id: str
    hooks: frozenset[str]
    """The vendor's ids of the webhooks that stood there at the last look."""
    secrets: Mapping[str, str]

    def __repr__(self) -> str:
        return f"Standing(vendor={self.vendor!r}, live={self.live})"


def standing(row: Connection, keyring: Keyring) -> Standing:
    """Raises CannotOpen."""
    return Standing(
        vendor=row.vendor,
        account=row.account,
        live=row.live,
        remote_account_id=row.remote_account_id,
        hooks=frozenset(str(one["remote_id"]) for one in row.hooks_seen if one.get("remote_id")),
        secrets=keyring.open(row.sealed_secrets),
    )


def by_key() -> list[Vendor]:
    """The vendors whose accounts are connected by one key that a person types in."""
    return [vendor for vendor in registry.vendors() if vendor.check is not None and vendor.keys_made_at]


def look(vendor: str, secrets: Mapping[str, str], origins: Origins, *, account: str = "") -> Checkup:
    """What the vendor says of these secrets.

    Raises Permanent, Temporary, and CannotConnect where the vendor cannot be asked.
    """
    chosen = registry.vendor(vendor)
    if chosen.check is None:
        raise CannotConnect(f"{vendor} cannot be asked about its keys.")
    return chosen.check(_credentials(chosen, secrets, account), origins, _noted)


def look_again(standing: Standing, origins: Origins) -> Checkup:
    """What the vendor says of a connection's own secrets."""
    return look(standing.vendor, standing.secrets, origins, account=standing.account)


def look_at_successor(standing: Standing, key: str, origins: Origins) -> Checkup:
    """What the vendor says of a key that is to follow a connection's own.

    Raises CannotConnect where it opens another account, or may, or the same in the other mode: what was bought and paid
    with the old key could not be reached with it.
    """
    chosen = registry.vendor(standing.vendor)
    secrets = {**standing.secrets, chosen.secret_names[0]: key}
    found = look(standing.vendor, secrets, origins, account=standing.account)
    if found.live is not standing.live:
        modes = ("live", "test") if found.live else ("test", "live")
        raise CannotConnect(
            f"This is a {modes[0]} key, and the connection is {modes[1]}: the old key stays in use.",
            remedy=f"Give the {modes[1]} key; or disconnect, and connect everything in {modes[0]} mode.",
        )
    _prove_the_same(standing, found, chosen, secrets, origins)
    return found


def _prove_the_same(
    standing: Standing, found: Checkup, chosen: Vendor, secrets: Mapping[str, str], origins: Origins
) -> None:
    """By the account's own id where the vendor tells it; else the key sees a webhook that the old one saw.

    Raises CannotConnect where it is another account, or nothing tells.
    """
    if standing.remote_account_id and found.remote_account_id:
        if standing.remote_account_id != found.remote_account_id:
            raise CannotConnect(
                f"This key opens another account of {standing.vendor}: the old key stays in use.",
                remedy="Give a key of the same account; or disconnect this one first, then connect the other.",
            )
        return
    vendor: Hooked = chosen.build(_credentials(chosen, secrets, standing.account), origins, _noted)
    if not any(hook.remote_id in standing.hooks for hook in vendor.hooks()):
        raise CannotConnect(
            f"It cannot be told that this key opens the same account of {standing.vendor}, as it tells no id of its "
            "account and sees no webhook that the old key saw: the old key stays in use.",
            remedy="If it is the same account, give the key again once its webhook stands (packline hooks register); "
            "or disconnect, then connect with this key.",
        )


def _credentials(vendor: Vendor, secrets: Mapping[str, str], account: str) -> Credentials:
    return Credentials(account=account, live=vendor.is_live(secrets), secrets=secrets)


def _noted(note: CallNote) -> None:
    log.info("asked about a key", vendor=note.vendor, verb=note.verb, outcome=note.outcome, ms=note.ms)
