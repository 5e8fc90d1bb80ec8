"""Looks whose EasyPost account a key opens, whether it buys real postage, and what would keep it from buying.

Nothing is changed, and nothing is asked that costs. https://docs.easypost.com/docs/users and
https://docs.easypost.com/docs/carrier-accounts are open to production keys only, so EasyPost's own answer tells the
mode: a test key is answered MODE.UNAUTHORIZED. Of a test account nothing is told but its newest event.
"""

from __future__ import annotations

from decimal import Decimal, InvalidOperation
from typing import Any

import structlog

from integrations.carriers.easypost import words
from integrations.carriers.easypost.client import EasyPostClient, get, row_as
from integrations.carriers.easypost.objects import Text, Wire
from integrations.ports import Checkup, Credentials, Lack, Notice, Origins, Permanent, Temporary, Unreadable

log = structlog.get_logger(__name__)

_TEST_KEY = "MODE.UNAUTHORIZED"
_DASHBOARD = "https://app.easypost.com"


class User(Wire):
    """Whose account it is. The wallet's balance is in US dollars; a recorded account of old has no id."""

    id: Text = ""
    name: Text = ""
    balance: Text = ""
    has_billing_method: bool | None = None
    verified: bool | None = None


class CarrierAccount(Wire):
    id: Text = ""
    readable: Text = ""
    type: Text = ""


class EventHead(Wire):
    user_id: Text = ""
    mode: Text = ""


class EventList(Wire):
    events: tuple[EventHead, ...] = ()


def look(credentials: Credentials, origins: Origins, notice: Notice) -> Checkup:
    """Raises Permanent where EasyPost does not take the key, or says another mode than the key itself."""
    easypost = EasyPostClient(credentials, origins, notice)
    key = credentials.secrets.get("api_key", "")
    try:
        user = easypost.ask(get("user.read", "/users"), User)
    except Permanent as refused:
        if refused.code != _TEST_KEY:
            raise
        return _of_test_key(easypost, key)
    _agree(key, live=True)
    carriers = _carriers(easypost)
    return Checkup(
        name=user.name,
        remote_account_id=user.id or _newest_event(easypost).user_id,
        live=True,
        scopes=carriers,
        lacks=tuple(lacks(user, carriers)),
    )


def lacks(user: User, carriers: tuple[str, ...]) -> list[Lack]:
    """What would keep the account from buying a label. Pure."""
    found = []
    if not carriers:
        found.append(_NO_CARRIER)
    if user.verified is False:
        found.append(_UNVERIFIED)
    balance = _dollars(user.balance)
    if balance is not None and balance <= 0 and not user.has_billing_method:
        found.append(_NO_MONEY)
    return found


def _of_test_key(easypost: EasyPostClient, key: str) -> Checkup:
    _agree(key, live=False)
    return Checkup(name="", remote_account_id=_newest_event(easypost).user_id, live=False)


def _agree(key: str, *, live: bool) -> None:
    """Raises Permanent where the key's own prefix (EZAK production, EZTK test) says otherwise than EasyPost."""
    if key.startswith("EZTK" if live else "EZAK"):
        raise Permanent(
            f"The key begins like a {'test' if live else 'production'} key, "
            f"but EasyPost takes it for a {'production' if live else 'test'} key",
            remedy="Copy the key from EasyPost's dashboard once more, whole.",
            code="mode",
        )


def _carriers(easypost: EasyPostClient) -> tuple[str, ...]:
    """The carriers that the account reaches, each once, as people know them."""
    rows = easypost.ask_list(get("carrier_account.list", "/carrier_accounts"))
    if not isinstance(rows, list):
        raise Temporary("EasyPost's answer could not be read (answer: a list of carrier accounts)", code="unreadable")
    return tuple(dict.fromkeys(name for row in rows if (name := _carrier(row))))


def _carrier(row: Any) -> str:
    try:
        account = row_as(CarrierAccount, row)
    except Unreadable as unread:
        log.warning("easypost.carrier_account_unread", reason=unread.reason)
        return ""
    return words.carrier(account.readable or account.type.removesuffix("Account"))


def _newest_event(easypost: EasyPostClient) -> EventHead:
    events = easypost.ask(get("event.list", "/events", {"page_size": 1}), EventList).events
    return events[0] if events else EventHead()


def _dollars(amount: str) -> Decimal | None:
    try:
        return Decimal(amount)
    except InvalidOperation:
        return None


_NO_CARRIER = Lack(
    kind="carriers",
    sentence="The EasyPost account reaches no carrier, so no parcel gets a rate.",
    remedy=f"Add a carrier at {_DASHBOARD}/account/carriers; USPS is there for everybody.",
)
_UNVERIFIED = Lack(
    kind="verification",
    sentence="EasyPost has not verified this account, so it may refuse to sell labels.",
    remedy=f"Complete the verification at {_DASHBOARD}/account/settings.",
)
_NO_MONEY = Lack(
    kind="billing",
    sentence="The EasyPost wallet is empty and no way to pay stands behind it, so labels are refused.",
    remedy=f"Add a payment method or funds at {_DASHBOARD}/account/settings.",
)
