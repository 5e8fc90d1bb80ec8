"""An EasyPost account's webhooks: seen, made once, and enabled again with the secret of now."""

import pytest

from integrations.carriers import easypost as easypost_vendor
from integrations.carriers.easypost import client
from integrations.nouns import Hook
from integrations.ports import Credentials, Permanent
from sandbox.easypost_accounts import DEFAULT_KEY

ADDRESS = "http://127.0.0.1:9/hooks/easypost/7"


@pytest.fixture(autouse=True)
def impatient():
    client._clients.forget()


@pytest.fixture
def carrier(sandbox, notes):
    credentials = Credentials(account="", live=False, secrets={"api_key": DEFAULT_KEY})
    return easypost_vendor.build(credentials, sandbox.origins, notes.append)


def test_an_account_without_webhooks_has_no_hooks(carrier):
    assert carrier.hooks() == []


def test_a_hook_is_made_once_for_every_topic_and_signs_with_our_secret(sandbox, carrier):
    assert carrier.add_hook((), ADDRESS, "s3cret") == ""
    assert carrier.add_hook((), ADDRESS, "another") == ""
    (hook,) = carrier.hooks()
    assert hook == Hook(remote_id=hook.remote_id, address=ADDRESS, topics=(), disabled_at=None)
    assert sandbox.acts("webhook.create") == 1
    assert sandbox.acts("webhook.update") == 0


def test_a_hook_at_another_address_is_another_hook(carrier):
    carrier.add_hook((), ADDRESS, "s")
    carrier.add_hook((), f"{ADDRESS}/old", "s")
    assert {hook.address for hook in carrier.hooks()} == {ADDRESS, f"{ADDRESS}/old"}


@pytest.mark.parametrize("way", ["enable", "add"])
def test_a_disabled_hook_is_seen_and_tells_again_once_it_is_enabled(sandbox, carrier, way):
    carrier.add_hook((), ADDRESS, "old")
    (hook,) = carrier.hooks()
    sandbox.do(f"/easypost/webhooks/{hook.remote_id}/disable", {})
    (silent,) = carrier.hooks()
    assert silent.disabled_at is not None
    if way == "enable":
        carrier.enable_hook(hook.remote_id, "new")
    else:
        carrier.add_hook((), ADDRESS, "new")
    assert carrier.hooks() == [hook]
    assert (sandbox.acts("webhook.create"), sandbox.acts("webhook.update")) == (1, 1)


def test_a_hook_that_was_deleted_is_missed_and_made_anew(sandbox, carrier):
    carrier.add_hook((), ADDRESS, "s")
    (hook,) = carrier.hooks()
    sandbox.do(f"/easypost/webhooks/{hook.remote_id}/delete", {})
    assert carrier.hooks() == []
    with pytest.raises(Permanent):
        carrier.enable_hook(hook.remote_id, "s")
    carrier.add_hook((), ADDRESS, "s")
    assert [found.address for found in carrier.hooks()] == [ADDRESS]


@pytest.mark.parametrize("remote_id", ["", "../users", "a/b"])
def test_a_hook_is_not_enabled_at_another_address_of_the_account(sandbox, carrier, remote_id):
    with pytest.raises(Permanent, match="not an EasyPost reference"):
        carrier.enable_hook(remote_id, "s")
    assert sandbox.do("/calls?vendor=easypost")["count"] == 0


def test_another_secret_is_given_to_the_webhook_that_stands(sandbox, carrier):
    carrier.add_hook((), ADDRESS, "old")
    (hook,) = carrier.hooks()
    renewed = carrier.renew_hook(hook.remote_id, (), ADDRESS, "new")
    assert (renewed.remote_id, renewed.secret) == (hook.remote_id, "")
    assert carrier.hooks() == [hook]
    assert (sandbox.acts("webhook.create"), sandbox.acts("webhook.update")) == (1, 1)


def test_a_webhook_is_dropped_once_and_one_that_is_gone_is_left_gone(sandbox, carrier):
    carrier.add_hook((), ADDRESS, "s")
    carrier.add_hook((), f"{ADDRESS}/else", "s")
    (hook, _other) = sorted(carrier.hooks(), key=lambda one: one.address)
    for _ in range(2):
        carrier.drop_hook(hook.remote_id)
    assert [one.address for one in carrier.hooks()] == [f"{ADDRESS}/else"]
    assert sandbox.acts("webhook.delete") == 1


def test_a_webhook_that_still_stands_was_not_dropped(sandbox, carrier):
    carrier.add_hook((), ADDRESS, "s")
    (hook,) = carrier.hooks()
    sandbox.fault("easypost", "5xx", "webhook.delete", status=403)
    with pytest.raises(Permanent):
        carrier.drop_hook(hook.remote_id)
    assert carrier.hooks() == [hook]


@pytest.mark.parametrize("remote_id", ["", "../users", "a/b"])
def test_nothing_but_a_webhook_is_dropped(sandbox, carrier, remote_id):
    with pytest.raises(Permanent, match="not an EasyPost reference"):
        carrier.drop_hook(remote_id)
    assert sandbox.do("/calls?vendor=easypost")["count"] == 0
