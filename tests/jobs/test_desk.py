"""What a person may ask for, and that it is written down."""

import pytest
from sqlalchemy import insert

from jobs import desk
from jobs.queue import KINDS
from records.inbox import InboxEvent
from tests.shop import NOON, open_shop

JO = "person:jo"


def ask(shop, verb, *words, **more):
    with shop.transaction() as session:
        return getattr(desk, verb)(session, shop.tenant, *words, **more)


def park(lane, kind="verify_order", cause="refused", subject=""):
    """Park a job of the lane; answers its id."""
    lane.add(kind, subject)
    claim = lane.claim()
    lane.conclude(claim, "parked", cause=cause, reason="No.", remedy="Ask.")
    return claim.id


def order_of(lane):
    return int(lane.name.removeprefix("order/"))


def test_a_retried_job_is_due_with_fresh_patience_rung_and_told(lane, rung):
    job = park(lane)
    lane.shop.run("UPDATE jobs SET attempts = 25, deaths = 3")
    rung.clear()

    assert ask(lane.shop, "retry", job, by=JO) is True

    assert lane.job("state", "attempts", "deaths", "ended_at", "due_at <= now()") == ("due", 0, 0, None, True)
    assert rung == [(KINDS["verify_order"].queue, lane.shop.tenant, lane.name)]
    assert lane.shop.rows("SELECT actor, kind, sentence FROM timeline_entries") == [
        (JO, "person", "Asked to try again: verify order.")
    ]


def test_two_clicks_try_again_once(lane):
    job = park(lane)

    assert [ask(lane.shop, "retry", job, by=JO) for _ in range(2)] == [True, False]
    assert len(lane.shop.story(order_of(lane))) == 1


@pytest.mark.parametrize("state", ["done", "cancelled"])
def test_a_job_that_is_over_is_not_retried(lane, state):
    lane.add()
    claim = lane.claim()
    lane.conclude(claim, state)

    assert ask(lane.shop, "retry", claim.id, by=JO) is False
    assert lane.job("state") == state


def test_a_job_for_which_a_newer_request_waits_is_not_doubled(lane):
    job = park(lane)
    lane.shop.run(
        "INSERT INTO jobs (tenant_id, kind, lane, subject, queue, rank) "
        "SELECT tenant_id, kind, lane, subject, queue, rank FROM jobs"
    )

    assert ask(lane.shop, "retry", job, by=JO) is True

    assert lane.jobs("state", "reason") == [("cancelled", "A newer request for it waits already."), ("due", "")]


def test_another_tenant_s_job_is_out_of_reach(lane, engine):
    job = park(lane)
    stranger = open_shop(engine, name="Other")

    assert ask(stranger, "retry", job, by=JO) is False
    assert ask(stranger, "discard", job, reason="mine", by=JO) is False
    assert lane.job("state") == "parked"


def test_all_that_are_parked_alike_are_retried_and_no_others(lane):
    alike = [park(lane, "buy_label", "no_rates", f"parcel/{number}") for number in range(3)]
    park(lane, "buy_label", "timeout", "parcel/8")
    park(lane, "push_tracking", "no_rates", "shipment/9")

    assert ask(lane.shop, "retry_all", cause="no_rates", kind="buy_label", by=JO, limit=2) == 2
    assert lane.shop.rows("SELECT id FROM jobs WHERE state = 'due' ORDER BY id") == [(alike[0],), (alike[1],)]
    assert ask(lane.shop, "retry_all", cause="no_rates", kind="buy_label", by=JO) == 1
    assert lane.jobs("state").count("parked") == 2


def test_a_parked_or_waiting_job_is_given_up_with_the_reason(lane):
    parked = park(lane)
    lane.add("buy_label")

    assert ask(lane.shop, "discard", parked, reason="a test order", by=JO) is True
    waiting = lane.shop.one("SELECT id FROM jobs WHERE state = 'due'")
    assert ask(lane.shop, "discard", waiting, reason="a test order", by=JO) is True

    assert lane.jobs("state", "reason") == [("cancelled", "Discarded by person:jo: a test order")] * 2
    assert lane.shop.story(order_of(lane)) == [
        "Given up: verify order, because a test order", "Given up: buy label, because a test order",
    ]  # fmt: skip


def test_a_running_job_is_not_given_up(lane):
    lane.add()
    claim = lane.claim()

    assert ask(lane.shop, "discard", claim.id, reason="x", by=JO) is False
    assert lane.job("state") == "running"


def test_a_hold_of_a_person_s_own_is_set_and_released_and_the_order_goes_on(lane):
    order = order_of(lane)

    assert ask(lane.shop, "hold", order, reason="Waiting for a gift note.", by=JO) == ""
    again = ask(lane.shop, "hold", order, reason="Waiting for a gift note.", by=JO)
    assert again == "A person held it already, and your reason is on it now."
    assert lane.jobs("kind") == []
    assert ask(lane.shop, "release_hold", order, "operator", by=JO, now=NOON) is True
    assert ask(lane.shop, "release_hold", order, "operator", by=JO, now=NOON) is False

    assert lane.jobs("kind", "state") == [("verify_order", "due")]
    assert lane.shop.story(order) == [
        "On hold (operator): Waiting for a gift note.", "Hold released (operator).",
    ]  # fmt: skip


def test_an_order_is_resumed_and_who_asked_is_told(lane):
    ask(lane.shop, "resume", order_of(lane), by=JO)

    assert lane.jobs("kind") == ["verify_order"]
    assert lane.shop.rows("SELECT actor, sentence FROM timeline_entries") == [(JO, "Asked to go on.")]


@pytest.mark.parametrize(
    ("state", "replayed"), [("taken", True), ("ignored", True), ("parked", True), ("received", False)]
)
def test_an_event_at_rest_is_replayed(shop, state, replayed):
    event = inbox_event(shop, state=state, reason="unread", taken_at=NOON)

    assert ask(shop, "replay", event) is replayed

    jobs = shop.rows("SELECT kind, subject, lane, state FROM jobs")
    assert jobs == ([("take_event", f"event/{event}", f"event/{event}", "due")] if replayed else [])
    assert shop.one("SELECT state, reason, taken_at FROM inbox_events") == (
        ("received", "", None) if replayed else (state, "unread", NOON)
    )


def inbox_event(shop, **more):
    columns = {
        "tenant_id": shop.tenant, "connection_id": shop.connection, "vendor": "shopify", "topic": "t",
        "delivery_id": "d",
        "occasion": "", "body_sha256": b"", "body": b"{}", "headers": {},
    }  # fmt: skip
    with shop.transaction() as session:
        return session.execute(insert(InboxEvent).values(columns | more).returning(InboxEvent.id)).scalar_one()


def test_every_subject_finds_its_order(lane):
    shop, order = lane.shop, order_of(lane)
    event = inbox_event(shop, subject=lane.name)
    stray = inbox_event(shop, subject="payment/3", delivery_id="e", body_sha256=b"e")

    with shop.transaction() as session:
        found = {
            subject: desk.order_of(session, shop.tenant, subject)
            for subject in (
                lane.name, f"event/{event}", f"event/{stray}", "event/999", "parcel/999", "connection/x", "payment/1",
            )
        }  # fmt: skip

    assert found == {
        lane.name: order, f"event/{event}": order, f"event/{stray}": None, "event/999": None, "parcel/999": None,
        "connection/x": None, "payment/1": None,
    }  # fmt: skip
