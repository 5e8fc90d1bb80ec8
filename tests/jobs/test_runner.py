"""What becomes of a job, whatever its stage does."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from rq.timeouts import JobTimeoutException
from sqlalchemy import text

from integrations.ports import Permanent, Temporary
from jobs import queue, runner
from jobs.outcomes import Cancelled, Done, Parked, Snoozed
from jobs.queue import KINDS
from records import database
from tests.shop import Said
from tests.world import eventually

TRIES = KINDS["verify_order"].tries


def fails_with(failure):
    def run(work):
        raise failure

    return run


def order_of(lane):
    return int(lane.name.removeprefix("order/"))


def test_done_is_done(lane):
    lane.add()

    assert lane.work_off() == 1

    assert lane.job("state", "attempts", "lease_until", "cause") == ("done", 1, None, "")
    assert lane.work_off() == 0
    assert lane.ran == ["verify_order"]


def test_cancelled_says_why(lane):
    lane.doing["verify_order"] = lambda _: Cancelled(reason="nobody wants it")
    lane.add()
    lane.work_off()

    assert lane.job("state", "cause", "reason") == ("cancelled", "unwanted", "nobody wants it")


def test_snoozed_comes_again_without_counting_as_a_failed_try(lane):
    lane.doing["verify_order"] = lambda _: Snoozed(wait_s=60, reason="too early")
    lane.add()
    lane.shop.run("UPDATE jobs SET attempts = 5")
    lane.work_off()

    assert lane.job("state", "attempts", "cause", "reason", "rung_at") == ("due", 0, "early", "too early", None)
    assert lane.job("due_at BETWEEN now() + interval '50 s' AND now() + interval '60 s'") is True
    assert lane.work_off() == 0


@pytest.mark.parametrize(
    "ending",
    [
        lambda _: Parked(cause="no_rates", reason="No carrier offers a rate.", remedy="Check the weight."),
        fails_with(Permanent("No carrier offers a rate.", remedy="Check the weight.", code="no_rates")),
    ],
)
def test_what_needs_a_person_parks_at_once_and_tells_the_story(lane, ending):
    lane.doing["verify_order"] = ending
    lane.add()
    lane.work_off()

    assert lane.job("state", "attempts", "cause", "reason", "remedy") == (
        "parked", 1, "no_rates", "No carrier offers a rate.", "Check the weight.",
    )  # fmt: skip
    assert lane.shop.rows("SELECT kind, sentence, details->>'cause', details->>'job_kind' FROM timeline_entries") == [
        ("parked", "No carrier offers a rate. Check the weight.", "no_rates", "verify_order")
    ]


def test_a_refusal_without_a_word_of_the_vendor_is_called_refused(lane):
    lane.doing["verify_order"] = fails_with(Permanent("No.", remedy="Ask."))
    lane.add()
    lane.work_off()

    assert lane.job("cause") == "refused"


def test_a_parked_job_that_belongs_to_no_order_is_parked_all_the_same(lane):
    lane.doing["read_catalogue"] = fails_with(Permanent("No.", remedy="Ask."))
    lane.add("read_catalogue", "connection/store-1")
    lane.work_off()

    assert lane.job("state") == "parked"
    assert lane.shop.rows("SELECT * FROM timeline_entries") == []


def test_a_temporary_failure_backs_off_within_its_bound(lane):
    lane.doing["verify_order"] = fails_with(Temporary("No answer.", code="timeout"))
    lane.add()
    for tries, bound in ((1, 2), (2, 4), (3, 8), (4, 16)):
        lane.hurry()
        assert lane.work_off() == 1
        assert lane.job("state", "attempts", "cause", "reason") == ("due", tries, "timeout", "No answer.")
        assert lane.job(f"due_at BETWEEN now() AND now() + interval '{bound} s'") is True


def test_a_wait_that_the_vendor_told_is_kept(lane):
    lane.doing["verify_order"] = fails_with(Temporary("Too many requests.", code="429", retry_in_s=300))
    lane.add()
    lane.work_off()

    assert lane.job("due_at BETWEEN now() + interval '295 s' AND now() + interval '330 s'") is True


def test_after_its_last_try_a_job_is_parked_for_a_person(lane):
    lane.doing["verify_order"] = fails_with(Temporary("No answer.", code="timeout"))
    lane.add()
    lane.shop.run("UPDATE jobs SET attempts = :n", n=TRIES - 2)

    lane.work_off()
    assert lane.job("state", "attempts") == ("due", TRIES - 1)
    lane.hurry()
    lane.work_off()

    assert lane.job("state", "attempts", "cause", "reason", "remedy") == (
        "parked", TRIES, "timeout", f"No answer. Tried {TRIES} times.",
        "Retry when the other side answers again; nothing is lost meanwhile.",
    )  # fmt: skip
    assert len(lane.shop.story(order_of(lane))) == 1


@pytest.mark.parametrize("fault", [KeyError("units"), RecursionError(), AssertionError(), UnicodeError()])
def test_a_fault_of_our_own_is_tried_again_and_then_parked_as_such(lane, fault):
    lane.doing["verify_order"] = fails_with(fault)
    lane.add()
    lane.work_off()
    assert lane.job("state", "cause", "reason") == (
        "due", "fault", "Packline met a fault of its own; the log has the details.",
    )  # fmt: skip

    lane.shop.run("UPDATE jobs SET attempts = :n, due_at = now()", n=TRIES - 1)
    lane.work_off()

    assert lane.job("state", "cause") == ("parked", "fault")


def test_the_reason_of_a_fault_tells_nobody_what_was_in_it(lane):
    lane.doing["verify_order"] = fails_with(ValueError("ada@example.com"))
    lane.add()
    lane.work_off()

    assert "ada" not in lane.job("reason")


def test_a_run_that_took_too_long_is_tried_again(lane):
    lane.doing["verify_order"] = fails_with(JobTimeoutException("900 s"))
    lane.add()
    lane.work_off()

    assert lane.job("state", "cause") == ("due", "stopped")


def test_a_database_that_does_not_answer_is_not_called_a_fault(lane):
    def cut_off(work):
        with work.reading() as session:
            session.execute(text("SET LOCAL ROLE NONE"))  # a shop ends nobody's connection
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    lane.doing["verify_order"] = cut_off
    lane.add()
    lane.work_off()

    assert lane.job("state", "cause", "reason") == ("due", "database", "The database did not answer.")


def test_a_statement_that_the_database_refuses_is_a_fault(lane):
    def refused(work):
        with work.reading() as session:
            session.execute(text("INSERT INTO tenants (id) VALUES (1)"))

    lane.doing["verify_order"] = refused
    lane.add()
    lane.work_off()

    assert lane.job("state", "cause") == ("due", "fault")


def test_an_outcome_is_written_after_the_database_was_away(lane):
    def everybody_is_cut_off(work):
        with work.reading() as session:
            session.execute(
                text("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'packline-tests' "
                     "AND pid <> pg_backend_pid()")
            )  # fmt: skip
            session.execute(text("SET LOCAL ROLE NONE"))  # a shop ends nobody's connection
            session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))

    def done_all_the_same(work):
        with pytest.raises(Exception, match="terminat"):
            everybody_is_cut_off(work)
        return Done()

    lane.doing["verify_order"] = done_all_the_same
    lane.add()

    assert lane.work_off() == 1
    assert lane.job("state", "attempts") == ("done", 1)


def die_three_times(lane):
    for _ in range(3):
        assert lane.claim() is not None
        lane.expire()
    assert lane.work_off() == 1


def test_a_job_that_goes_on_killing_its_process_after_a_pause_is_parked_and_not_run_again(lane):
    lane.add()
    die_three_times(lane)
    assert lane.job("state", "cause", "deaths", "due_at > now() + interval '25 s'") == ("due", "died", 0, True)
    lane.shop.run("UPDATE jobs SET due_at = now()")

    die_three_times(lane)

    assert lane.ran == []
    told = "The process that ran this job ended without a word 3 times, and as often before a pause."
    assert lane.job("state", "cause", "reason") == ("parked", "poison", told)
    assert lane.shop.story(order_of(lane))[0].startswith(told)


def test_a_job_whose_machine_was_what_killed_is_done_after_the_pause(lane):
    lane.add()
    die_three_times(lane)
    lane.shop.run("UPDATE jobs SET due_at = now()")

    lane.work_off()

    assert lane.ran == ["verify_order"]
    assert lane.job("state", "deaths") == ("done", 0)


def test_a_job_that_killed_its_process_twice_is_given_one_more_try(lane):
    lane.add()
    for _ in range(2):
        lane.claim()
        lane.expire()

    lane.work_off()

    assert lane.ran == ["verify_order"]
    assert lane.job("state", "deaths") == ("done", 0)


def test_everything_that_is_due_in_a_lane_is_done_in_one_call_in_its_order(lane):
    for kind in ("push_tracking", "buy_label", "verify_order"):
        lane.add(kind)

    assert lane.work_off() == 3

    assert lane.ran == ["verify_order", "buy_label", "push_tracking"]
    assert lane.jobs("state") == ["done"] * 3


def test_what_a_stage_asks_for_in_its_own_lane_is_done_in_the_same_call(lane, rung):
    def then_check(work):
        with work.writing() as session:
            queue.add(session, work.tenant, "check_payment", lane.name)
        return Done()

    lane.doing["verify_order"] = then_check
    lane.add()
    rung.clear()

    assert lane.work_off() == 2
    assert lane.ran == ["verify_order", "check_payment"]
    assert rung == []


def test_a_failed_stage_does_not_hold_up_the_rest_of_its_lane(lane):
    lane.doing["verify_order"] = fails_with(Temporary("No answer."))
    lane.add("verify_order")
    lane.add("buy_label")

    assert lane.work_off() == 2
    assert lane.jobs("kind", "state") == [("verify_order", "due"), ("buy_label", "done")]


def test_a_lane_that_never_ends_is_left_to_others_after_fifty_jobs(lane):
    def once_more(work):
        with work.writing() as session:
            queue.add(session, work.tenant, "verify_order", lane.name)
        return Done()

    lane.doing["verify_order"] = once_more
    lane.add()

    assert lane.work_off() == runner.JOBS_IN_A_ROW == 50
    assert lane.jobs("state").count("due") == 1


def test_two_workers_in_one_lane_do_each_job_once_and_never_at_once(lane):
    inside, most = [], []

    def watched(work):
        inside.append(work.claim.id)
        most.append(len(inside))
        with work.writing() as session:
            session.execute(text("SELECT pg_sleep(0.01)"))
        inside.remove(work.claim.id)
        return Done()

    kinds = ["verify_order", "check_payment", "reserve_stock", "buy_label", "push_tracking"]
    lane.doing = dict.fromkeys(kinds, watched)
    for kind in kinds:
        lane.add(kind)

    with ThreadPoolExecutor(4) as pool:
        ran = sum(pool.map(lambda number: lane.work_off(worker=f"w{number}"), range(4)))
    ran += lane.work_off()

    assert ran == 5
    assert sorted(lane.ran) == sorted(kinds)
    assert max(most) == 1
    assert lane.jobs("state", "fence") == [("done", 1)] * 5


def test_a_slow_stage_keeps_its_lease(lane):
    def slow(work):
        first = lane.job("lease_until")
        renewed = lambda: lane.job("lease_until") > first
        eventually(renewed)
        assert lane.claim(worker="w2") is None
        return Done()

    lane.doing["verify_order"] = slow
    lane.add()

    assert lane.work_off(lease_s=0.9) == 1
    assert lane.job("state", "fence", "deaths") == ("done", 1, 0)


def test_the_lease_is_first_renewed_after_a_third_of_it(lane):
    renewals = []

    def slow(work):
        first = lane.job("lease_until")
        eventually(lambda: lane.job("lease_until") > first)
        renewals.append(lane.job("lease_until - started_at"))
        return Done()

    lane.doing["verify_order"] = slow
    lane.add()
    lane.work_off(lease_s=12)

    # Renewed at 4 s: it now ends 16 s after the start. Only at 8 s would leave a third of the lease for a hiccup.
    assert 15.9 < renewals[0].total_seconds() < 19.8


def test_who_lost_the_lease_writes_nothing_and_says_so(lane, monkeypatch):
    def taken_over_meanwhile(work):
        lane.expire()
        assert lane.claim(worker="w2").fence == 2
        with work.writing():
            raise AssertionError("the fence let an old worker write")

    lane.doing["verify_order"] = taken_over_meanwhile
    lane.add()

    monkeypatch.setattr(runner, "log", said := Said())
    lane.work_off(worker="w1")

    assert lane.job("state", "worker", "fence") == ("running", "w2", 2)
    assert [line["event"] for line in said.lines] == ["taken over by another worker"]


def test_who_lost_the_lease_without_writing_cannot_conclude_either(lane):
    def taken_over_meanwhile(work):
        lane.expire()
        lane.claim(worker="w2")
        return Done()

    lane.doing["verify_order"] = taken_over_meanwhile
    lane.add()
    lane.work_off(worker="w1")

    assert lane.job("state", "worker") == ("running", "w2")


def test_a_request_written_in_the_very_moment_of_the_outcome_is_not_lost(lane, engine):
    """The newer request is not committed yet when the job asks for its next try: both want the one waiting row."""
    asked = threading.Event()

    def ask_and_dawdle():
        with database.transaction(engine, lane.shop.tenant) as session:
            queue.add(session, lane.shop.tenant, "verify_order", lane.name)
            asked.set()
            waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'"
            eventually(lambda: lane.shop.one(waits) == 1)

    def snooze_once(_):
        if len(lane.ran) > 1:
            return Done()
        asker.start()
        assert asked.wait(30)
        return Snoozed(wait_s=600, reason="early")

    asker = threading.Thread(target=ask_and_dawdle)
    lane.doing["verify_order"] = snooze_once
    lane.add()

    assert lane.work_off() == 2
    asker.join()
    assert lane.jobs("state", "generation") == [("cancelled", 1), ("done", 2)]


def test_while_the_database_is_away_the_lane_is_left_to_the_sweep(lane, tmp_path):
    away = database.connect(f"postgresql://nobody@/nothing?host={tmp_path}", pool_size=1, role="test")
    services = lane.shop.services(worker="away", engine=away)

    assert runner.work_off(services, lane.shop.tenant, lane.name) == 0


def test_another_tenant_s_bell_finds_no_work(lane):
    lane.add()

    assert runner.work_off(lane.shop.services(), lane.shop.tenant + 1, lane.name) == 0
    assert lane.job("state") == "due"


def test_a_bell_for_nothing_is_answered_with_nothing(lane):
    assert lane.work_off() == 0


def test_a_process_that_was_not_set_up_refuses_the_bell(monkeypatch):
    monkeypatch.setattr(runner, "_services", None)

    with pytest.raises(RuntimeError, match="set_up"):
        runner.run_lane(1, "order/1")


def test_a_process_that_was_set_up_answers_the_bell(lane, monkeypatch):
    monkeypatch.setattr(runner, "_services", None)
    runner.set_up(lane.shop.services())
    lane.add()

    runner.run_lane(lane.shop.tenant, lane.name)

    assert lane.job("state") == "done"
