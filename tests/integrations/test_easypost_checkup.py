"""A look at an EasyPost account: whose it is, in which mode, which carriers, and what keeps it from buying."""

import json

import pytest

from integrations import registry
from integrations.carriers.easypost import checkup
from integrations.ports import Credentials, Permanent, Temporary
from sandbox.easypost_accounts import DEFAULT_KEY
from tests import patient

LIVE = "EZAKacme"


@pytest.fixture
def looked(sandbox, notes):
    def look(key):
        credentials = Credentials(account="", live=False, secrets={"api_key": key})
        return registry.vendor("easypost").check(credentials, sandbox.origins, notes.append)

    return look


@pytest.fixture
def live(sandbox):
    return sandbox.do("/easypost/accounts", {"key": LIVE, "mode": "production"})["user_id"]


def owner(sandbox, **told):
    sandbox.do("/easypost/owners", {"key": LIVE, **told})


def test_a_production_key_tells_its_owner_and_its_carriers(sandbox, looked, live):
    owner(sandbox, name="Acme Bags", carriers=["USPS", "UPSDAP"])
    found = looked(LIVE)
    assert (found.name, found.remote_account_id, found.live) == ("Acme Bags", live, True)
    assert (found.scopes, found.lacks) == (("USPS", "UPS"), ())


def test_a_test_key_is_known_by_easyposts_answer_and_tells_no_more_than_its_newest_event(sandbox, looked):
    fresh = looked(DEFAULT_KEY)
    assert (fresh.live, fresh.remote_account_id, fresh.scopes, fresh.lacks) == (False, "", (), ())
    user = sandbox.do("/easypost/accounts", {"key": DEFAULT_KEY})["user_id"]
    bought(sandbox)
    assert looked(DEFAULT_KEY).remote_account_id == user


def bought(sandbox):
    """Something that EasyPost tells of: a tracker."""

    wish = {"tracker": {"tracking_code": "EZ1000000001", "carrier": "USPS"}}
    patient.post(f"{sandbox.origin}/v2/trackers", json=wish, auth=(DEFAULT_KEY, ""), trust_env=False).raise_for_status()


@pytest.mark.parametrize(("key", "mode"), [("EZAKodd", "test"), ("EZTKodd", "production")])
def test_a_key_that_says_another_mode_than_easypost_is_refused(sandbox, looked, key, mode):
    sandbox.do("/easypost/accounts", {"key": key, "mode": mode})
    with pytest.raises(Permanent, match="but EasyPost takes it for") as refused:
        looked(key)
    assert key not in refused.value.reason


def test_a_key_without_a_prefix_is_what_easypost_answers(sandbox, looked):
    sandbox.do("/easypost/accounts", {"key": "odd", "mode": "production"})
    sandbox.do("/easypost/accounts", {"key": "even", "mode": "test"})
    assert (looked("odd").live, looked("even").live) == (True, False)


def test_an_unknown_key_is_refused_with_what_to_do(sandbox, looked):
    with pytest.raises(Permanent, match="does not accept") as refused:
        looked("EZAKnobody")
    assert "EZAKnobody" not in refused.value.reason + refused.value.remedy


def test_an_account_that_reaches_no_carrier_says_so(sandbox, looked, live):
    owner(sandbox, carriers=[])
    found = looked(LIVE)
    assert [lack.kind for lack in found.lacks] == ["carriers"]
    assert found.scopes == ()


@pytest.mark.parametrize(
    ("told", "kinds"),
    [
        ({"balance": "0.00000", "has_billing_method": False}, ["billing"]),
        ({"balance": "0.00000", "has_billing_method": None}, ["billing"]),
        ({"balance": "-1.50000", "has_billing_method": True}, []),
        ({"balance": "0.01000", "has_billing_method": False}, []),
        ({"balance": None, "has_billing_method": None}, []),
        ({"balance": "?", "has_billing_method": None}, []),
        ({"verified": False}, ["verification"]),
        ({"verified": None}, []),
    ],
)
def test_what_keeps_an_account_from_buying_is_named(sandbox, looked, live, told, kinds):
    owner(sandbox, **told)
    assert [lack.kind for lack in looked(LIVE).lacks] == kinds


def test_a_look_changes_nothing_and_costs_nothing(sandbox, looked, live):
    looked(LIVE)
    looked(DEFAULT_KEY)
    calls = sandbox.do("/calls?vendor=easypost")["calls"]
    assert {call["method"] for call in calls} == {"GET"}
    assert sandbox.do("/calls?vendor=easypost&effect=true")["count"] == 0


def test_an_easypost_that_does_not_answer_says_nothing_of_the_key(sandbox, looked, live):
    sandbox.fault("easypost", "5xx", "carrier_account.list")
    with pytest.raises(Temporary):
        looked(LIVE)


def test_a_recorded_owner_of_old_without_an_id_is_read():
    user = checkup.User.model_validate(json.loads('{"id": null, "name": "A", "balance": "0.00000", "verified": true}'))
    assert (user.id, [lack.kind for lack in checkup.lacks(user, ("USPS",))]) == ("", ["billing"])
