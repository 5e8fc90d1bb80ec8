"""Acts on the outside world: written down first, adopted when they happened, never repeated blindly."""

import pytest
from sqlalchemy import text

from integrations.ports import Permanent, Temporary
from jobs import outward
from jobs.claims import LostLease
from jobs.outward import Act

ACT = Act(key="label/1", kind="buy_label", subject="parcel/1", request={"rate": "r1"})


class Crash(Exception):
    """The process is gone."""


class Vendor:
    """Does a thing and remembers it; `then` may crash after the effect."""

    def __init__(self, *, then=None):
        self.done, self.then = [], then

    def perform(self, keys):
        self.done.append("label")
        if self.then:
            failure, self.then = self.then, None
            raise failure
        return "bought"

    def find(self, keys):
        return "found" if self.done else None


@pytest.fixture
def work(lane):
    lane.add()
    return lane.shop.work(lane.claim())


def intention(lane):
    return lane.shop.one(
        "SELECT state, kind, subject, attempt, reason, vendor_reference, ended_at IS NOT NULL FROM intentions"
    )


def settle(lane, by, **more):
    with lane.shop.transaction() as session:
        outward.settle(session, lane.shop.tenant, ACT.key, by, **more)


def test_the_intention_is_committed_before_the_call_and_no_transaction_is_open_during_it(lane, work):
    seen = []

    def perform(keys):
        seen.append(intention(lane))  # over a connection of its own
        seen.append(lane.shop.one("SELECT count(*) FROM pg_stat_activity WHERE state = 'idle in transaction'"))
        return "bought"

    performed = outward.once(work, ACT, perform=perform, find=lambda keys: pytest.fail("nothing to ask for yet"))

    assert (performed.result, performed.adopted) == ("bought", False)
    assert seen == [("intended", "buy_label", "parcel/1", 1, "", "", False), 0]


def test_what_succeeded_is_settled_with_the_vendor_s_reference_and_stays_settled(lane, work):
    outward.once(work, ACT, perform=Vendor().perform)
    settle(lane, "succeed", reference="shp_1")
    settle(lane, "refuse", reason="too late")

    assert intention(lane) == ("succeeded", "buy_label", "parcel/1", 1, "", "shp_1", True)


def test_after_a_crash_behind_the_effect_the_next_run_adopts_it(lane, work):
    vendor = Vendor(then=Crash())
    with pytest.raises(Crash):
        outward.once(work, ACT, perform=vendor.perform, find=vendor.find)

    performed = outward.once(work, ACT, perform=vendor.perform, find=vendor.find)

    assert (performed.result, performed.adopted) == ("found", True)
    assert vendor.done == ["label"]
    settle(lane, "adopt", reference="shp_1")
    assert intention(lane)[0] == "adopted"


def test_after_a_crash_before_the_effect_the_next_run_acts(lane, work):
    vendor = Vendor()
    assert outward.intend(work, ACT).repeated is False  # and then the process was gone

    performed = outward.once(work, ACT, perform=vendor.perform, find=vendor.find)

    assert (performed.result, performed.adopted) == ("bought", False)
    assert vendor.done == ["label"]


def test_after_an_answer_that_was_lost_the_intention_is_open_and_the_next_run_asks(lane, work):
    vendor = Vendor(then=Temporary("No answer.", outcome_unknown=True))
    with pytest.raises(Temporary):
        outward.once(work, ACT, perform=vendor.perform, find=vendor.find)
    assert intention(lane)[0] == "intended"

    assert outward.once(work, ACT, perform=vendor.perform, find=vendor.find).adopted
    assert vendor.done == ["label"]


def test_a_vendor_that_cannot_be_asked_leaves_the_intention_open(lane, work):
    vendor = Vendor(then=Crash())
    with pytest.raises(Crash):
        outward.once(work, ACT, perform=vendor.perform, find=vendor.find)

    def away(keys):
        raise Temporary("No answer.")

    with pytest.raises(Temporary):
        outward.once(work, ACT, perform=vendor.perform, find=away)
    assert vendor.done == ["label"]
    assert intention(lane)[0] == "intended"


def test_an_act_that_asks_for_itself_is_performed_again_after_a_crash(lane, work):
    vendor = Vendor(then=Crash())
    with pytest.raises(Crash):
        outward.once(work, ACT, perform=vendor.perform)

    assert outward.once(work, ACT, perform=vendor.perform).adopted is False
    assert len(vendor.done) == 2


def test_a_refusal_is_written_down_and_may_be_tried_again(lane, work):
    refusal = Permanent("The address is wrong.", remedy="Correct it.")

    def refuse(keys):
        raise refusal

    with pytest.raises(Permanent) as raised:
        outward.once(work, ACT, perform=refuse, find=lambda keys: pytest.fail("nothing was done"))
    assert raised.value is refusal
    assert intention(lane) == ("refused", "buy_label", "parcel/1", 1, "The address is wrong.", "", True)

    performed = outward.once(
        work, ACT, perform=lambda keys: "bought", find=lambda keys: pytest.fail("the vendor said no")
    )
    assert performed.result == "bought"
    assert intention(lane) == ("intended", "buy_label", "parcel/1", 1, "", "", False)


def test_who_lost_the_lease_does_not_act(lane, work):
    lane.expire()
    lane.claim(worker="w2")

    with pytest.raises(LostLease):
        outward.once(work, ACT, perform=lambda keys: pytest.fail("acted without a claim"))
    assert lane.shop.rows("SELECT * FROM intentions") == []


def test_the_same_key_of_another_tenant_is_another_act(lane, work, engine):
    from tests.shop import open_shop

    stranger = open_shop(engine, name="Other")
    with stranger.transaction() as session:
        session.connection().exec_driver_sql(
            "INSERT INTO intentions (tenant_id, key, kind, subject, attempt, request_digest) "
            "VALUES (%s, 'label/1', '', '', 1, '')",
            (stranger.tenant,),
        )

    assert outward.intend(work, ACT).repeated is False


def test_a_request_is_remembered_by_its_digest_only(lane, work):
    outward.intend(work, Act(key="a", kind="k", subject="s", request={"to": "ada@example.com", "n": 1}))
    outward.intend(work, Act(key="b", kind="k", subject="s", request={"n": 1, "to": "ada@example.com"}))
    outward.intend(work, Act(key="c", kind="k", subject="s", request={"n": 2}))

    a, b, c = (row[0] for row in lane.shop.rows("SELECT request_digest FROM intentions ORDER BY key"))
    assert a == b != c
    assert "ada" not in a


# ------------------------------------------------------------------------------------------- keys


def keys_of(lane):
    return lane.shop.one("SELECT mark, renewals FROM intentions")


def test_a_repeat_within_a_day_carries_the_same_idempotency_key(lane, work):
    vendor, seen = Vendor(), []

    def lost(keys):
        seen.append(keys)
        raise Temporary("No answer.", outcome_unknown=True)

    with pytest.raises(Temporary):
        outward.once(work, ACT, perform=lost, find=vendor.find)
    with pytest.raises(Temporary):
        outward.once(work, ACT, perform=lost, find=vendor.find)

    assert seen[0] == seen[1]
    assert seen[0].mark == seen[0].idempotency


def test_after_a_day_the_vendor_is_asked_first_and_a_fresh_key_is_committed(lane, work):
    asked, seen = [], []

    def lost(keys):
        seen.append(keys)
        raise Temporary("No answer.", outcome_unknown=True)

    with pytest.raises(Temporary):
        outward.once(work, ACT, perform=lost, find=asked.append)
    with lane.shop.transaction() as session:
        session.execute(text("UPDATE intentions SET keyed_at = now() - interval '25 hours'"))

    def perform(keys):
        seen.append(keys)
        assert keys_of(lane) == (keys.mark, 1)  # committed before it is used
        return "bought"

    outward.once(work, ACT, perform=perform, find=asked.append)

    assert len(asked) == 1
    assert seen[0].mark == seen[1].mark == asked[0].mark
    assert seen[0].idempotency != seen[1].idempotency


def test_a_refused_wish_and_a_changed_one_get_a_fresh_key_for_the_vendor_would_repeat_its_no(lane, work):
    seen = []

    def refuse(keys):
        seen.append(keys.idempotency)
        raise Permanent("The quantity has changed.", remedy="Look again.", code="stale")

    def lost(keys):
        seen.append(keys.idempotency)
        raise Temporary("No answer.", outcome_unknown=True)

    with pytest.raises(Permanent):
        outward.once(work, ACT, perform=refuse, find=lambda keys: None)
    with pytest.raises(Temporary):
        outward.once(work, ACT, perform=lost, find=lambda keys: None)
    changed = Act(key=ACT.key, kind=ACT.kind, subject=ACT.subject, request={"rate": "r2"})
    with pytest.raises(Temporary):
        outward.once(work, changed, perform=lost, find=lambda keys: None)
    with pytest.raises(Temporary):
        outward.once(work, changed, perform=lost, find=lambda keys: None)

    assert len(set(seen[:3])) == 3
    assert seen[3] == seen[2]


def test_what_nobody_can_be_asked_about_is_done_once_and_then_needs_a_person(lane, work):
    letter = Act(key="mail/1", kind="send_mail", subject="order/1", repeatable=False)
    vendor = Vendor(then=Crash())
    with pytest.raises(Crash):
        outward.once(work, letter, perform=vendor.perform)

    with pytest.raises(Permanent) as refusal:
        outward.once(work, letter, perform=vendor.perform)

    assert refusal.value.code == "unknowable"
    assert vendor.done == ["label"]
