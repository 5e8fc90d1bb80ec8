"""A Stripe account's webhook endpoints: seen, made once, given what they lack, and enabled again."""

import pytest
import stripe
from scripted_vendor import Answer

from integrations.payments import stripe as stripe_vendor
from integrations.payments.stripe import client
from integrations.payments.stripe.door import TOPICS
from integrations.ports import Credentials, Permanent
from sandbox.stripe_accounts import DEFAULT_KEY

ADDRESS = "http://127.0.0.1:9/hooks/stripe/7"


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    monkeypatch.setattr("stripe._http_client.HTTPClient._sleep_time_seconds", lambda *_: 0)
    client._clients.forget()


@pytest.fixture
def payments(sandbox, notes):
    credentials = Credentials(account="", live=False, secrets={"api_key": DEFAULT_KEY})
    return stripe_vendor.build(credentials, sandbox.origins, notes.append)


@pytest.fixture
def asked(scripted, at_script, credentials, notes):
    return stripe_vendor.build(credentials, at_script, notes.append)


def changed(sandbox):
    return sandbox.acts("webhook_endpoint.create"), sandbox.acts("webhook_endpoint.update")


def test_an_account_without_endpoints_has_no_hooks(payments):
    assert payments.hooks() == []


def test_a_hook_is_made_once_with_our_topics_and_the_secret_that_stripe_makes(sandbox, payments):
    secret = payments.add_hook(stripe_vendor.VENDOR.topics, ADDRESS, "not asked for")
    assert secret.startswith("whsec_")
    assert payments.add_hook(stripe_vendor.VENDOR.topics, ADDRESS, "") == ""
    (hook,) = payments.hooks()
    assert (hook.address, set(hook.topics), hook.disabled_at) == (ADDRESS, set(TOPICS), None)
    (made,) = sandbox.do("/stripe/endpoints")["endpoints"]
    assert made["api_version"] == stripe.api_version
    assert changed(sandbox) == (1, 0)


def test_a_hook_at_another_address_is_another_hook(sandbox, payments):
    payments.add_hook(["charge.refunded"], ADDRESS, "")
    payments.add_hook(["charge.refunded"], f"{ADDRESS}/old", "")
    assert {hook.address for hook in payments.hooks()} == {ADDRESS, f"{ADDRESS}/old"}


def test_a_hook_that_lacks_topics_is_given_them_and_loses_none(sandbox, payments):
    payments.add_hook(["charge.refunded", "plan.created"], ADDRESS, "")
    assert payments.add_hook(["charge.refunded", "refund.failed"], ADDRESS, "") == ""
    (hook,) = payments.hooks()
    assert set(hook.topics) == {"charge.refunded", "plan.created", "refund.failed"}
    assert changed(sandbox) == (1, 1)


def test_a_hook_for_everything_lacks_nothing(sandbox, payments):
    sandbox.do("/stripe/accounts", {"key": DEFAULT_KEY, "webhook_url": ADDRESS})
    assert payments.add_hook(stripe_vendor.VENDOR.topics, ADDRESS, "") == ""
    (hook,) = payments.hooks()
    assert hook.topics == ()
    assert changed(sandbox) == (0, 0)


@pytest.mark.parametrize("way", ["enable", "add"])
def test_a_disabled_hook_is_seen_and_tells_again_once_it_is_enabled(sandbox, payments, way):
    payments.add_hook(["payment_intent.created"], ADDRESS, "")
    (hook,) = payments.hooks()
    sandbox.do(f"/stripe/endpoints/{hook.remote_id}/disable", {})
    sandbox.do("/stripe/payments", {"amount": 100})
    assert sandbox.do("/deliveries")["count"] == 0
    assert payments.hooks()[0].disabled_at is not None
    if way == "enable":
        payments.enable_hook(hook.remote_id, "")
    else:
        payments.add_hook(["payment_intent.created"], ADDRESS, "")
    assert payments.hooks() == [hook]
    sandbox.do("/stripe/payments", {"amount": 100})
    assert sandbox.do("/deliveries")["count"] == 1


def test_a_hook_that_was_deleted_is_missed_and_made_anew(sandbox, payments):
    first = payments.add_hook(["charge.refunded"], ADDRESS, "")
    (hook,) = payments.hooks()
    sandbox.do(f"/stripe/endpoints/{hook.remote_id}/delete", {})
    assert payments.hooks() == []
    with pytest.raises(Permanent):
        payments.enable_hook(hook.remote_id, "")
    second = payments.add_hook(["charge.refunded"], ADDRESS, "")
    assert second.startswith("whsec_")
    assert second != first


def test_another_secret_is_another_endpoint_at_the_same_address_until_the_old_one_is_dropped(sandbox, payments):
    first = payments.add_hook(["charge.refunded"], ADDRESS, "")
    (old,) = payments.hooks()
    renewed = payments.renew_hook(old.remote_id, ["charge.refunded"], ADDRESS, "not asked for")
    assert (renewed.secret.startswith("whsec_"), renewed.secret != first) == (True, True)
    assert {hook.remote_id for hook in payments.hooks()} == {old.remote_id, renewed.remote_id}
    assert renewed.secret not in repr(renewed)
    payments.drop_hook(old.remote_id)
    payments.drop_hook(old.remote_id)
    assert [hook.remote_id for hook in payments.hooks()] == [renewed.remote_id]


def test_an_endpoint_whose_secret_was_lost_goes_before_another_is_made(sandbox, payments):
    payments.add_hook(["charge.refunded"], ADDRESS, "")
    payments.add_hook(["charge.refunded"], f"{ADDRESS}/else", "")
    old = next(hook for hook in payments.hooks() if hook.address == ADDRESS)
    lost = payments.renew_hook(old.remote_id, ["charge.refunded"], ADDRESS, "")
    again = payments.renew_hook(old.remote_id, ["charge.refunded"], ADDRESS, "")
    here = {hook.remote_id for hook in payments.hooks() if hook.address == ADDRESS}
    assert (here, lost.remote_id in here) == ({old.remote_id, again.remote_id}, False)
    assert len(payments.hooks()) == 3


def test_a_key_that_may_not_drop_an_endpoint_says_so(sandbox, payments):
    payments.add_hook(["charge.refunded"], ADDRESS, "")
    (hook,) = payments.hooks()
    sandbox.do("/stripe/keys", {"key": DEFAULT_KEY, "of": DEFAULT_KEY, "permissions": ["rak_webhook_read"]})
    with pytest.raises(Permanent) as refused:
        payments.drop_hook(hook.remote_id)
    assert "rak_webhook_write" in refused.value.remedy
    assert payments.hooks() == [hook]


def test_many_hooks_are_all_seen(sandbox, payments, monkeypatch):
    monkeypatch.setattr(client, "ROWS_A_PAGE", 2)
    for number in range(5):
        payments.add_hook(["charge.refunded"], f"{ADDRESS}/{number}", "")
    assert len(payments.hooks()) == 5


def test_a_missing_permission_is_permanent_and_named(scripted, asked):
    message = "Having the 'rak_webhook_write' permission would help."
    scripted.script += [Answer({"error": {"message": message}}, status=403)]
    with pytest.raises(Permanent) as refused:
        asked.hooks()
    assert "rak_webhook_write" in refused.value.remedy
