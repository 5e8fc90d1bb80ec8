"""A point is where a run is at its n-th boundary; a process dies there once, and at no job twice."""

from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest
import structlog
from click.testing import CliRunner

from drills import points, table
from drills.__main__ import main
from drills.play import Row
from drills.points import Counting, Point, Reached
from drills.programme import PROGRAMME, sentence


def reached(boundary: str = "called easypost shipment.buy", *, number: int = 7, job: str = "1-9") -> Reached:
    return Reached(
        point=Point(kind="buy_label", number=number, boundary=boundary),
        after="committed",
        job=job,
        subject=f"parcel/{job[-1]}",
    )


@pytest.fixture
def deaths(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """What was sent to this process, which lives on."""
    died: list[int] = []
    monkeypatch.setattr(points.os, "kill", lambda _pid, number: died.append(number))
    return died


def test_a_point_and_a_step_are_written_so_that_their_boundary_is_read_again():
    assert str(reached().point) == "buy_label:7:called easypost shipment.buy"
    assert reached().step == "buy_label:after committed:called easypost shipment.buy"
    assert points.boundary_of(str(reached().point)) == points.boundary_of(reached().step) == reached().point.boundary


def test_boundaries_are_counted_from_the_claim_on_and_only_where_a_job_runs():
    told: list[str] = []
    listener = Counting(lambda one: told.append(f"{one.point} {one.after!r} {one.job} {one.subject}"))

    listener("ringing")
    with structlog.contextvars.bound_contextvars(tenant=1, job=9, kind="buy_label", subject="parcel/9"):
        for boundary in ("claimed", "writing", "claimed"):
            listener(boundary)
        beside = threading.Thread(target=listener, args=("ringing",))
        beside.start()
        beside.join()

    assert told == [
        "buy_label:1:claimed '' 1-9 parcel/9",
        "buy_label:2:writing 'claimed' 1-9 parcel/9",
        "buy_label:1:claimed '' 1-9 parcel/9",
    ]


def test_a_process_dies_once_at_a_point_and_at_no_job_twice(tmp_path: Path, deaths: list[int]):
    here, there = str(reached().point), str(reached(number=8).point)
    kill = points.killing({here, there}, tmp_path)

    kill(reached(number=6))
    assert deaths == []
    kill(reached())
    kill(reached())  # the same point again
    kill(reached(number=8))  # another point, the same job
    assert len(deaths) == 1
    kill(reached(number=8, job="1-8"))
    assert len(deaths) == 2
    assert points.reached_in(tmp_path, {here, there}) == {here, there}


def test_a_step_is_a_place_to_die_at_wherever_in_the_run_it_comes(tmp_path: Path, deaths: list[int]):
    kill = points.killing({reached().step}, tmp_path)

    kill(reached("writing"))
    assert deaths == []
    kill(reached(number=3))
    kill(reached(number=9, job="1-8"))
    assert len(deaths) == 1


def test_a_deadly_job_kills_every_time_but_not_before_it_has_begun(tmp_path: Path, deaths: list[int]):
    kill = points.killing((), tmp_path, poison="buy_label parcel/9")

    kill(reached("claimed"))
    kill(reached(job="1-8"))
    assert deaths == []
    kill(reached())
    kill(reached())
    assert len(deaths) == 2


def test_the_table_as_json_has_a_row_a_drill_and_says_what_failed():
    good = Row(drill="a", runs=2, orders=3, lost=0, doubled=0, stuck=0, recover_s=1.5)
    bad = Row(drill="b", runs=1, orders=1, lost=1, doubled=0, stuck=0, recover_s=2.0, findings=("#1 is unknown here",))

    told = json.loads(table.document([good, bad]))

    assert [(row["drill"], row["passed"]) for row in told["drills"]] == [("a", True), ("b", False)]
    assert told["passed"] is False
    assert json.loads(table.document([good]))["passed"] is True


def test_a_drill_that_did_not_strike_is_not_passed():
    assert not Row(drill="a", runs=0, orders=3, lost=0, doubled=0, stuck=0, recover_s=0, wrong="nobody died").passed


def test_every_drill_says_what_it_shows():
    told = CliRunner().invoke(main, ["--list"], env={"COLUMNS": "500"})

    assert told.exit_code == 0
    for name, drill in PROGRAMME.items():
        assert len(sentence(drill)) > 40, name
        assert name in told.output
        assert sentence(drill) in told.output


def test_a_drill_that_does_not_exist_is_refused_before_anything_starts():
    refused = CliRunner().invoke(main, ["--only", "nothing of the kind"])

    assert refused.exit_code == 2
    assert "--list names them" in refused.output
