"""Looks whose Stripe account a key opens, whether it moves real money, and which of our calls it would be refused.

Nothing is changed. What may be read is read; what may be written is asked of a thing that cannot exist. Stripe looks
at what a key may do before it looks for the thing: an allowed key is answered `resource_missing`, another one 403 with
the name of the permission that it lacks.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from integrations.payments.stripe import permissions
from integrations.payments.stripe.client import StripeAccount
from integrations.payments.stripe.failures import Forbidden
from integrations.payments.stripe.objects import Id, Wire
from integrations.payments.stripe.permissions import Permission
from integrations.ports import Checkup, Credentials, Lack, Notice, Origins, Permanent

# Stripe's ids are its prefix and letters and digits, so these can never be given to anything.
NO_PAYMENT = "pi_packline_asks_only_whether_it_may"
NO_HOOK = "we_packline_asks_only_whether_it_may"


class Names(Wire):
    name: str | None = None
    display_name: str | None = None


class Settings(Wire):
    dashboard: Names | None = None


class Account(Wire):
    id: Id
    business_profile: Names | None = None
    settings: Settings | None = None
    charges_enabled: bool = True

    @property
    def called(self) -> str:
        shown = self.settings.dashboard.display_name if self.settings and self.settings.dashboard else None
        return shown or (self.business_profile.name if self.business_profile else None) or ""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One call, and the permission that it takes. `rows` tells a list, whose rows tell the mode."""

    takes: Permission
    verb: str
    ask: Callable[[Any], Any]
    rows: bool = False


QUESTIONS = (
    Question(
        takes=permissions.READ_PAYMENTS,
        verb="payment_intent.list",
        ask=lambda v1: v1.payment_intents.list({"limit": 1}),
        rows=True,
    ),
    Question(
        takes=permissions.READ_CHARGES,
        verb="charge.list",
        ask=lambda v1: v1.charges.list({"limit": 1}),
        rows=True,
    ),
    Question(
        takes=permissions.READ_SESSIONS,
        verb="checkout_session.find",
        ask=lambda v1: v1.checkout.sessions.list({"payment_intent": NO_PAYMENT, "limit": 1}),
        rows=True,
    ),
    Question(takes=permissions.READ_EVENTS, verb="event.list", ask=lambda v1: v1.events.list({"limit": 1}), rows=True),
    Question(
        takes=permissions.WRITE_PAYMENTS,
        verb="payment_intent.cancel",
        ask=lambda v1: v1.payment_intents.cancel(NO_PAYMENT),
    ),
    Question(
        takes=permissions.WRITE_REFUNDS,
        verb="refund.create",
        ask=lambda v1: v1.refunds.create({"payment_intent": NO_PAYMENT}),
    ),
    Question(
        takes=permissions.WRITE_HOOKS,
        verb="webhook_endpoint.update",
        ask=lambda v1: v1.webhook_endpoints.update(NO_HOOK, {"disabled": False}),
    ),
)


def look(credentials: Credentials, origins: Origins, notice: Notice) -> Checkup:
    """Raises Permanent where Stripe does not take the key, or says another mode than the key itself."""
    key = credentials.secrets.get("api_key", "")
    if key.startswith("pk_"):
        raise Permanent(
            "This is Stripe's publishable key, which may do nothing here",
            remedy="Give a restricted key, which begins with rk_.",
            code="publishable_key",
        )
    # A person waits for the answer, so a silent Stripe is not asked again.
    account = StripeAccount(credentials, origins, notice, retries=0)
    owner, its_id = _owner(account)
    heard = _Heard(account_id=its_id)
    for question in QUESTIONS:
        heard.ask(account, question)
    lacks = [_lack(question.takes, named) for question, named in heard.refused]
    if owner is not None and not owner.charges_enabled:
        lacks.insert(0, _NO_CHARGES)
    return Checkup(
        name=owner.called if owner else "",
        remote_account_id=heard.account_id,
        live=_mode(key, heard.livemode),
        scopes=tuple(heard.allowed),
        lacks=tuple(lacks),
    )


class _Heard:
    """What the answers to the questions told so far."""

    def __init__(self, account_id: str) -> None:
        self.account_id = account_id
        self.livemode: bool | None = None
        self.allowed: list[str] = []
        self.refused: list[tuple[Question, tuple[str, ...]]] = []

    def ask(self, account: StripeAccount, question: Question) -> None:
        """Raises Temporary, and Permanent where the key is not taken at all."""
        try:
            self._take(account, question)
        except Forbidden as refusal:
            self.account_id = self.account_id or refusal.account
            self.refused.append((question, refusal.permissions))
            return
        except Permanent as answer:
            if answer.code != "resource_missing":
                raise
        self.allowed.append(question.takes.name)

    def _take(self, account: StripeAccount, question: Question) -> None:
        if not question.rows:
            account.ask(question.verb, lambda: question.ask(account.v1), Wire)
            return
        page, _at = account.page(question.verb, lambda _wish: question.ask(account.v1), {})
        told = page.data[0].get("livemode") if page.data else None
        if isinstance(told, bool):
            self.livemode = told


def _owner(account: StripeAccount) -> tuple[Account | None, str]:
    """The account, where the key may read it, and its id: a refusal names that too. No call of ours needs more."""
    try:
        found, _at = account.ask("account.read", account.v1.accounts.retrieve_current, Account)
    except Forbidden as refusal:
        return None, refusal.account
    return found, found.id


def _mode(key: str, livemode: bool | None) -> bool:
    """Whether real money moves. A key says so by its prefix, and things by themselves; where both speak, they agree."""
    said = {"live": True, "test": False}.get(key.removeprefix("sk_org_").removeprefix("sk_").removeprefix("rk_")[:4])
    if said is not None and livemode is not None and said is not livemode:
        raise Permanent(
            f"The key begins like one for {'live' if said else 'test'} mode, "
            f"but Stripe answers with {'live' if livemode else 'test'} payments",
            remedy="Copy the key from Stripe's dashboard once more, whole.",
            code="mode",
        )
    return bool(said if livemode is None else livemode)


def _lack(takes: Permission, named: tuple[str, ...]) -> Lack:
    """`named` are the permissions that Stripe itself says would help; ours is the one that is enough."""
    name = takes.name if not named or takes.name in named else named[0]
    return Lack(
        kind="permission",
        sentence=f"The key lacks the permission {name}: {takes.stops}.",
        remedy=f"In Stripe's dashboard, under API keys, edit the key and set {takes.row}; then check again.",
    )


_NO_CHARGES = Lack(
    kind="account",
    sentence="Stripe does not let this account take payments at the moment.",
    remedy="Complete what Stripe asks for on its dashboard's home page.",
)
