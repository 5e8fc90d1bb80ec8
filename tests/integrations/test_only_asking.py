"""A connector of a shop that only watches asks, and does nothing else."""

import pytest

from integrations import only_asking, registry
from integrations.only_asking import OnlyAsking, OnlyWatching
from integrations.roles import Carrier, Payments, Storefront

PORTS = {"storefront": Storefront, "payments": Payments, "carrier": Carrier}


class Connector:
    """Says what it was asked, and has a verb that no port knows."""

    def track(self, tracker_ref):
        return f"asked for {tracker_ref}"

    def add_hook(self, topics, address, secret):
        return "made"

    def buy(self, shipment_ref, rate_ref):
        raise AssertionError("bought in shadow")

    def recharge_wallet(self):
        raise AssertionError("acted in shadow")


@pytest.mark.parametrize("role", PORTS)
def test_every_verb_of_every_port_is_known_to_ask_or_to_act(role):
    asking, acting = only_asking.ASKING[role], only_asking.ACTING[role]

    assert set(registry._verbs(PORTS[role])) == asking | acting | only_asking.LISTENING
    assert asking.isdisjoint(acting | only_asking.LISTENING)


def test_every_role_of_the_registry_is_walled():
    assert set(PORTS) == set(registry._ROLES) == set(only_asking.ASKING)


def test_a_question_and_a_webhook_come_through_and_nothing_else_does():
    walled = OnlyAsking(Connector(), "carrier")

    assert walled.track("trk_1") == "asked for trk_1"
    assert walled.add_hook([], "https://x", "s") == "made"
    for verb in ("buy", "recharge_wallet"):
        with pytest.raises(OnlyWatching, match=verb.replace("_", " ")):
            getattr(walled, verb)()
