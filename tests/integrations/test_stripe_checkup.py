"""A look at a Stripe account: whose it is, in which mode, and each permission that a key lacks, by name."""

import pytest
from scripted_vendor import Answer

from integrations import registry
from integrations.payments.stripe import client, permissions
from integrations.payments.stripe.checkup import NO_HOOK, NO_PAYMENT, QUESTIONS
from integrations.ports import Credentials, Origins, Permanent, Temporary
from sandbox.stripe_accounts import DEFAULT_KEY

NEEDED = [question.takes for question in QUESTIONS]
# What the form that we link to ticks: write permissions, which read too, and what is only read.
TICKED = [
    "rak_payment_intent_write",
    "rak_charge_write",
    "rak_checkout_session_read",
    "rak_event_read",
    "rak_webhook_write",
]


@pytest.fixture(autouse=True)
def fresh():
    client._clients.forget()


@pytest.fixture
def looked(sandbox, notes):
    def look(key):
        credentials = Credentials(account="", live=False, secrets={"api_key": key})
        return registry.vendor("stripe").check(credentials, sandbox.origins, notes.append)

    return look


def restricted(sandbox, *granted, key="rk_test_packline", of=DEFAULT_KEY):
    sandbox.do("/stripe/keys", {"key": key, "of": of, "permissions": list(granted)})
    return key


def test_a_secret_key_may_everything_and_tells_whose_account_it_is(sandbox, looked):
    account = sandbox.do("/stripe/accounts", {"key": DEFAULT_KEY, "name": "Acme Bags"})["id"]
    found = looked(DEFAULT_KEY)
    assert (found.name, found.remote_account_id, found.live, found.lacks) == ("Acme Bags", account, False, ())
    assert found.scopes == tuple(one.name for one in NEEDED)


def test_a_key_made_by_our_own_link_lacks_nothing(sandbox, looked):
    assert all(f"permissions%5B%5D={name}" in registry.vendor("stripe").keys_made_at for name in TICKED)
    found = looked(restricted(sandbox, *TICKED))
    assert found.lacks == ()


def test_a_key_that_may_not_read_its_own_account_still_tells_its_id(sandbox, looked):
    account = sandbox.do("/stripe/accounts", {"key": DEFAULT_KEY})["id"]
    found = looked(restricted(sandbox, *TICKED))
    assert (found.name, found.remote_account_id) == ("", account)


@pytest.mark.parametrize("lacking", NEEDED, ids=lambda one: one.name)
def test_each_missing_permission_is_named_with_what_stops_and_where_to_grant_it(sandbox, looked, lacking):
    others = {one.name for one in NEEDED} - {lacking.name, lacking.name.replace("_read", "_write")}
    found = looked(restricted(sandbox, *others))

    (lack,) = [one for one in found.lacks if lacking.name in one.sentence]
    assert lack.kind == "permission"
    assert lacking.stops in lack.sentence
    assert lacking.row in lack.remedy
    assert lacking.name not in found.scopes


def test_a_key_that_may_nothing_lacks_everything_and_opens_its_account_all_the_same(sandbox, looked):
    found = looked(restricted(sandbox))
    assert [lack.sentence.split()[5].rstrip(":") for lack in found.lacks] == [one.name for one in NEEDED]
    assert found.scopes == ()


def test_a_look_changes_nothing_at_all(sandbox, looked):
    sandbox.do("/stripe/accounts", {"key": DEFAULT_KEY, "webhook_url": "http://127.0.0.1:9/hooks/stripe/7"})
    payment = sandbox.do("/stripe/payments", {"amount": 700, "outcome": "requires_capture"})["id"]
    looked(DEFAULT_KEY)
    assert sandbox.do("/calls?vendor=stripe&effect=true")["count"] == 0
    (intent,) = sandbox.calls("payment_intent.cancel")
    assert (NO_PAYMENT in intent["path"], payment in intent["path"]) == (True, False)
    (endpoint,) = sandbox.calls("webhook_endpoint.update")
    assert NO_HOOK in endpoint["path"]


def test_a_live_account_is_live_by_its_key_and_by_what_stripe_answers(sandbox, looked):
    sandbox.do("/stripe/accounts", {"key": "sk_live_acme", "livemode": True})
    assert looked("sk_live_acme").live
    sandbox.do("/stripe/payments", {"key": "sk_live_acme", "amount": 700})
    assert looked("sk_live_acme").live


def test_a_key_without_a_prefix_is_what_stripe_answers(sandbox, looked):
    sandbox.do("/stripe/accounts", {"key": "odd", "livemode": True})
    assert not looked("odd").live
    sandbox.do("/stripe/payments", {"key": "odd", "amount": 700})
    assert looked("odd").live


def test_a_key_that_says_test_where_stripe_answers_live_is_refused(sandbox, looked):
    sandbox.do("/stripe/accounts", {"key": "sk_test_odd", "livemode": True})
    sandbox.do("/stripe/payments", {"key": "sk_test_odd", "amount": 700})
    with pytest.raises(Permanent, match="test mode, but Stripe answers with live"):
        looked("sk_test_odd")


def test_an_account_that_may_not_take_payments_says_so(sandbox, looked):
    sandbox.do("/stripe/accounts", {"key": DEFAULT_KEY, "charges_enabled": False})
    (lack,) = looked(DEFAULT_KEY).lacks
    assert lack.kind == "account"


def test_an_unknown_key_is_refused_once_and_not_repeated_in_the_reason(sandbox, looked):
    with pytest.raises(Permanent, match="does not accept") as refused:
        looked("sk_test_nobody")
    assert "sk_test_nobody" not in refused.value.reason + refused.value.remedy
    assert sandbox.do("/calls?vendor=stripe")["count"] == 1


def test_a_publishable_key_is_told_from_a_secret_one_and_nothing_is_asked(sandbox, looked):
    with pytest.raises(Permanent, match="publishable"):
        looked("pk_test_x")
    assert sandbox.do("/calls?vendor=stripe")["count"] == 0


def test_a_stripe_that_does_not_answer_is_asked_once_because_a_person_waits(sandbox, looked):
    sandbox.fault("stripe", "5xx", "event.list")
    with pytest.raises(Temporary):
        looked(DEFAULT_KEY)
    assert len(sandbox.calls("event.list")) == 1


def test_a_refusal_that_nobody_foresaw_is_no_permission(scripted, notes):
    rows = Answer({"data": [], "has_more": False})
    scripted.script += [Answer({"id": "acct_1"}), *[rows] * 4, Answer({"error": {"message": "odd"}}, status=400)]
    credentials = Credentials(account="", live=False, secrets={"api_key": "rk_test_x"})
    with pytest.raises(Permanent, match="odd"):
        registry.vendor("stripe").check(credentials, Origins(stripe=scripted.origin), notes.append)


def test_permissions_that_stripe_lists_as_alternatives_are_ours_where_it_is_among_them(scripted, notes):
    message = "Having the 'rak_other_read', 'rak_event_read' permissions would allow this request to continue."
    rows, missing = Answer({"data": [], "has_more": False}), {"code": "resource_missing", "message": "No such thing"}
    scripted.script += [
        Answer({"id": "acct_1"}), rows, rows, rows, Answer({"error": {"message": message}}, status=403),
        *[Answer({"error": missing}, status=404)] * 3,
    ]  # fmt: skip
    credentials = Credentials(account="", live=False, secrets={"api_key": "rk_test_x"})
    found = registry.vendor("stripe").check(credentials, Origins(stripe=scripted.origin), notes.append)
    assert [lack.sentence for lack in found.lacks] == [
        f"The key lacks the permission rak_event_read: {permissions.READ_EVENTS.stops}."
    ]
