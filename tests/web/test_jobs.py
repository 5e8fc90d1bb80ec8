"""The jobs' pages: alike failures together, and the ways out."""

from __future__ import annotations

import re

from person import Person
from seeds import Shop
from sqlalchemy.orm import Session


def test_failures_stand_together_by_cause_with_what_to_do(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/jobs").text
    assert "Buy a label: no rates" in text
    assert "Retry all 3…" in text
    assert "Check the order: fault" in text
    assert "Tell the store what has left: throttled" in text
    assert "tries again by itself" in text
    assert "allow another carrier; then retry" in text


def test_jobs_are_narrowed_by_state_kind_cause_and_queue(grace: Person, furnished: dict[str, int]) -> None:
    def subjects(query: str) -> list[str]:
        text = grace.get(f"/ops/shops/{furnished['tenant']}/jobs?{query}").text
        return re.findall(r'class="under soft code">(\w+)/\d+<', text)

    assert subjects("state=parked") == ["order", "parcel", "parcel", "parcel"]
    assert subjects("state=parked&kind=buy_label&cause=no_rates") == ["parcel"] * 3
    assert subjects("cause=fault") == ["order"]
    assert subjects("queue=notices") == []
    assert subjects("state=running") == ["order"]


def test_a_job_leads_to_its_order(grace: Person, furnished: dict[str, int]) -> None:
    text = grace.get(f"/ops/shops/{furnished['tenant']}/jobs?state=parked&kind=buy_label").text
    assert re.findall(r'<a href="/ops/shops/\d+/orders/\d+">(#\d+)</a>', text) == ["#1007", "#1006", "#1005"]
    job = grace.get(f"/ops/shops/{furnished['tenant']}/jobs/{furnished['parked_job']}").text
    assert ">#1007</a>" in job
    assert "This parcel has no label" in job


def test_retrying_one_job_starts_its_patience_anew(grace: Person, furnished: dict[str, int]) -> None:
    job = furnished["parked_job"]
    answer = grace.post(f"/ops/shops/{furnished['tenant']}/jobs/{job}/retry")
    assert answer.location == f"/ops/shops/{furnished['tenant']}/jobs/{job}"
    assert grace.row("SELECT state, attempts, deaths FROM jobs WHERE id = :j", j=job) == ("due", 0, 0)
    assert "The job is tried again" in grace.get(answer.location).text
    assert grace.row("SELECT actor, sentence FROM timeline_entries WHERE kind = 'person'") == (
        "person:Grace", "Asked to try again: buy label.",
    )  # fmt: skip
    assert grace.row("SELECT count(*) FROM jobs WHERE state = 'parked'") == (3,)


def test_a_job_that_is_not_parked_is_not_retried(grace: Person, shop: Shop, session: Session) -> None:
    job = shop.job("verify_order", "order/1", state="done", attempts=1)
    session.commit()
    grace.post(f"/ops/shops/{shop.tenant}/jobs/{job.id}/retry")
    assert grace.row("SELECT state, attempts FROM jobs") == ("done", 1)
    assert "was not parked any more" in grace.get(f"/ops/shops/{shop.tenant}/jobs/{job.id}").text


def test_retrying_all_asks_with_the_number_and_leaves_other_causes_alone(
    grace: Person, furnished: dict[str, int]
) -> None:
    path = f"/ops/shops/{furnished['tenant']}/jobs/retry"
    assert "Retry 3 jobs?" in grace.get(f"{path}?cause=no_rates&kind=buy_label").text
    answer = grace.post(path, cause="no_rates", kind="buy_label")
    assert "3 jobs are tried again." in grace.get(answer.location).text
    assert grace.rows("SELECT kind, cause FROM jobs WHERE state = 'parked'") == [("verify_order", "fault")]
    assert grace.row("SELECT count(*) FROM jobs WHERE state = 'due' AND kind = 'buy_label'") == (3,)
    assert "Nothing to retry" in grace.get(f"{path}?cause=no_rates&kind=buy_label").text
    assert grace.post(path, cause="no_rates", kind="nonsense").status_code == 400


def test_a_job_is_given_up_with_the_reason(grace: Person, furnished: dict[str, int]) -> None:
    job = furnished["parked_job"]
    grace.post(f"/ops/shops/{furnished['tenant']}/jobs/{job}/discard", reason="Shipped by hand.")
    assert grace.row("SELECT state, reason FROM jobs WHERE id = :j", j=job) == (
        "cancelled", "Discarded by person:Grace: Shipped by hand.",
    )  # fmt: skip
    assert grace.row("SELECT sentence FROM timeline_entries WHERE kind = 'person'") == (
        "Given up: buy label, because Shipped by hand.",
    )


def test_a_job_is_not_given_up_without_a_reason_or_while_it_runs(grace: Person, shop: Shop, session: Session) -> None:
    parked = shop.parked("verify_order", "order/1")
    running = shop.job("verify_order", "order/2", state="running", lease_until=shop.now)
    session.commit()
    answer = grace.post(f"/ops/shops/{shop.tenant}/jobs/{parked.id}/discard", reason="  ")
    assert answer.status_code == 422
    assert "Say why: the next person will ask." in answer.text
    grace.post(f"/ops/shops/{shop.tenant}/jobs/{running.id}/discard", reason="stop")
    assert "was running or at its end already" in grace.get(f"/ops/shops/{shop.tenant}/jobs/{running.id}").text
    assert grace.rows("SELECT state FROM jobs ORDER BY id") == [("parked",), ("running",)]


def test_a_shop_without_failures_says_so(grace: Person, shop: Shop) -> None:
    text = grace.get(f"/ops/shops/{shop.tenant}/jobs").text
    assert "Nothing has failed" in text
    assert "No job was ever asked for" in text


def test_a_kind_and_a_state_that_no_table_knows_are_shown_by_their_names(
    grace: Person, shop: Shop, session: Session
) -> None:
    job = shop.job("paint_the_box", "box/1", state="resting", reason="It dries.")
    session.commit()
    assert "Paint the box" in grace.get(f"/ops/shops/{shop.tenant}/jobs").text
    assert "Resting" in grace.get(f"/ops/shops/{shop.tenant}/jobs/{job.id}").text
