"""Stripe's restricted keys: several keys of one account, each with what it may do, and the words of a refusal.

docs.stripe.com/keys/restricted-api-keys: a GET wants the resource's read permission, a POST or DELETE its write
permission, and write implies read. What a key may do is looked at before the request is, so that a thing that does not
exist is refused for the permission first.
"""

from flask import Blueprint, Response, jsonify, request

from sandbox.stripe_accounts import Account, Accounts
from sandbox.stripe_wire import refused

# The resource that each operation belongs to, as the names of permissions have it. Refunds are a row of charges there.
RESOURCES = {
    "payment_intent": "payment_intent",
    "charge": "charge",
    "refund": "charge",
    "dispute": "dispute",
    "checkout_session": "checkout_session",
    "event": "event",
    "webhook_endpoint": "webhook",
}
READING = frozenset({"list", "retrieve"})


def permission_for(operation: str) -> str:
    """`rak_charge_write` for `refund.create`; empty for what no restricted key may do."""
    thing, _, verb = operation.partition(".")
    resource = RESOURCES.get(thing)
    return f"rak_{resource}_{'read' if verb in READING else 'write'}" if resource else ""


def check(account: Account, granted: frozenset[str], key: str, operation: str) -> None:
    """
    Raises:
        Refusal: the key may not do this.
    """
    wanted = permission_for(operation)
    if operation == "unknown" or (wanted and {wanted, wanted.replace("_read", "_write")} & granted):
        return
    hidden = f"{key[:8]}{'*' * 12}{key[-6:]}"
    why = (
        f"Having the '{wanted}' permission would allow this request to continue."
        if wanted
        else "This is a restricted API key, but the required permissions are not available for use by restricted keys."
    )
    raise refused(
        403,
        f"The provided key '{hidden}' does not have the required permissions for this endpoint on account "
        f"'{account.id}'. {why}",
    )


def add(routes: Blueprint, accounts: Accounts) -> None:
    """The control door's part: what people do on the page of API keys."""

    @routes.post("/keys")
    def make_key() -> tuple[Response, int]:
        """Another key of an account; `permissions` None makes it a secret key."""
        wish = request.get_json(silent=True) or {}
        account = accounts.by_key.get(str(wish.get("of")))
        if account is None or not wish.get("key"):
            return jsonify({"error": "key and of are needed; of is a key of the account"}), 400
        key, permissions = str(wish["key"]), wish.get("permissions")
        accounts.by_key[key] = account
        accounts.granted.pop(key, None)
        if permissions is not None:
            accounts.granted[key] = frozenset(map(str, permissions))
        return jsonify({"key": key, "account": account.id}), 201

    @routes.post("/keys/<key>/revoke")
    def revoke_key(key: str) -> tuple[Response, int]:
        accounts.granted.pop(key, None)
        return jsonify({"revoked": accounts.by_key.pop(key, None) is not None}), 200


def allowed(accounts: Accounts, operation: str) -> Account:
    """The caller's account, where its key may do this.

    Raises:
        Refusal: no key, an unknown one, or one without the permission.
    """
    key, account = accounts.presented()
    granted = accounts.granted.get(key)
    if granted is not None:
        check(account, granted, key, operation)
    return account
