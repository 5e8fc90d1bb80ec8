"""EasyPost's owner of an account: who it is, what is in the wallet, which carriers; and the keys, on the control door.

docs.easypost.com/docs/users and docs.easypost.com/docs/carrier-accounts: both want a production key. The shapes are
those of easypost-python's recordings (tests/cassettes/test_user_retrieve_me.yaml, test_carrier_account_all.yaml).
"""

from dataclasses import dataclass
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.core import Answer, Core
from sandbox.easypost_accounts import Account
from sandbox.easypost_desk import Desk
from sandbox.easypost_wire import Fields, refused, stamp

# How a carrier account is called, where that is not the carrier's own name.
READABLE = {"UPSDAP": "UPS", "DHLExpress": "DHL Express"}


@dataclass(slots=True)
class Owner:
    """What the owner of an account has told EasyPost, as far as a label depends on it."""

    name: str = "Sandbox Store"
    balance: str = "50.00000"
    has_billing_method: bool | None = True
    verified: bool = True
    carriers: tuple[str, ...] | None = None


class Owners:
    """The owners by the account's user id; a fresh account has an ordinary one."""

    def __init__(self, core: Core) -> None:
        self._owners: dict[str, Owner] = {}
        core.on_reset(self._owners.clear)

    def of(self, account: Account) -> Owner:
        return self._owners.setdefault(account.user_id, Owner())

    def tell(self, account: Account, wish: dict[str, Any]) -> None:
        owner = self.of(account)
        for name in ("name", "balance", "has_billing_method", "verified"):
            if name in wish:
                setattr(owner, name, wish[name])
        if "carriers" in wish:
            owner.carriers = tuple(wish["carriers"])


def add(routes: Blueprint, desk: Desk, owners: Owners) -> None:
    @routes.get("/v2/users")
    def retrieve_me() -> Response:
        def act(account: Account) -> Answer:
            _needs_production(account)
            return Answer(200, _user(account, owners.of(account)))

        return desk.serve("user.retrieve", act)

    @routes.get("/v2/carrier_accounts")
    def list_carrier_accounts() -> Response:
        def act(account: Account) -> Answer:
            _needs_production(account)
            wanted = owners.of(account).carriers
            rows = [name for name in account.carriers if wanted is None or name in wanted]
            return Answer(200, [_carrier_account(account, name) for name in rows])

        return desk.serve("carrier_account.list", act)


def add_control(routes: Blueprint, desk: Desk, owners: Owners) -> None:
    @routes.post("/owners")
    def tell_owner() -> tuple[Response, int]:
        wish = request.get_json(silent=True) or {}
        account = desk.accounts.by_key.get(str(wish.get("key")))
        if account is None:
            return jsonify({"error": "unknown key"}), 404
        owners.tell(account, wish)
        return jsonify(_user(account, owners.of(account))), 200

    @routes.post("/keys")
    def make_key() -> tuple[Response, int]:
        wish = request.get_json(silent=True) or {}
        account = desk.accounts.by_key.get(str(wish.get("of")))
        if account is None or not wish.get("key"):
            return jsonify({"error": "key and of are needed; of is a key of the account"}), 400
        desk.accounts.by_key[str(wish["key"])] = account
        return jsonify({"key": wish["key"], "user_id": account.user_id}), 201

    @routes.post("/keys/<key>/disable")
    def disable_key(key: str) -> tuple[Response, int]:
        return jsonify({"disabled": desk.accounts.by_key.pop(key, None) is not None}), 200


def _needs_production(account: Account) -> None:
    if account.mode != "production":
        raise refused(403, "MODE.UNAUTHORIZED", "This resource requires a production API Key to access.")


def _user(account: Account, owner: Owner) -> Fields:
    return {
        "id": account.user_id,
        "object": "User",
        "parent_id": None,
        "name": owner.name,
        "phone_number": "5555555555",
        "verified": owner.verified,
        "created_at": stamp(),
        "balance": owner.balance,
        "price_per_shipment": "0.00000",
        "recharge_amount": None,
        "secondary_recharge_amount": None,
        "recharge_threshold": None,
        "has_billing_method": owner.has_billing_method,
        "cc_fee_rate": "0.03",
        "default_insurance_amount": None,
        "insurance_fee_rate": "0.01",
        "insurance_fee_minimum": "0.50",
        "email": "store@example.com",
        "children": [],
    }


def _carrier_account(account: Account, name: str) -> Fields:
    return {
        "id": account.carriers[name],
        "object": "CarrierAccount",
        "type": f"{name.title()}Account",
        "clone": False,
        "created_at": stamp(),
        "updated_at": stamp(),
        "description": f"{READABLE.get(name, name)} Account",
        "reference": None,
        "billing_type": "easypost",
        "readable": READABLE.get(name, name),
        "logo": None,
        "fields": {"credentials": {}},
        "credentials": {},
        "test_credentials": {},
    }
