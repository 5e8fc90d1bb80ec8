"""A shop that takes money and hears of it, as the Stripe tests tell their stories."""

KEY = "sk_test_sandbox"


def hold(client, amount=2000, **more):
    """An authorisation that waits for capture."""
    wish = {"amount": amount, "currency": "usd", "capture_method": "manual", "confirm": True, **more}
    return client.v1.payment_intents.create({"payment_method": "pm_card_visa", **wish})


def pay(client, amount=2000, **more):
    wish = {"amount": amount, "currency": "usd", "confirm": True, "payment_method": "pm_card_visa", **more}
    return client.v1.payment_intents.create(wish)


def told(sandbox, receiver):
    sandbox.flush()
    return [heard.body["type"] for heard in sorted(receiver.heard, key=lambda heard: heard.body["created"])]


def open_account(sandbox, receiver, **more):
    wish = {"key": KEY, "webhook_url": receiver.url(), "webhook_secret": "whsec_test", **more}
    return sandbox.control("POST", "/stripe/accounts", wish)


def effects(sandbox, operation) -> int:
    return sandbox.control("GET", f"/calls?vendor=stripe&operation={operation}&effect=true")["count"]
