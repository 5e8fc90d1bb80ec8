"""One tenant's thousand orders do not delay another's one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from integrations.ports import Temporary
from jobs import bell, queue, runner, stages, turns
from jobs.outcomes import Done
from jobs.turns import Turns
from records import database
from tests.shop import Shop, open_shop


@dataclass
class Clock:
    """A process's own clock; calls to vendors move it."""

    now: float = 1_000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Crowd:
    """Some shops, one worker process of the queue `orders`, and what it did in its order: (shop's name, lane)."""

    shops: dict[int, Shop]
    clock: Clock
    turns: Turns
    did: list[tuple[str, str]] = field(default_factory=list)
    call_s: dict[str, float] = field(default_factory=dict)
    """How long a call to a shop's vendor takes; a hundredth of a second where it is not said."""
    after: Callable[[int], None] = lambda _: None

    def shop(self, name: str) -> Shop:
        return next(shop for shop in self.shops.values() if self.name(shop.tenant) == name)

    def name(self, tenant: int) -> str:
        return "ABCDEFGH"[tenant - 1]

    def ask(self, name: str, count: int = 1, *, first: int = 1, kinds: tuple[str, ...] = ("verify_order",)) -> None:
        shop = self.shop(name)
        with shop.transaction() as session:
            for number in range(first, first + count):
                for kind in kinds:
                    queue.add(session, shop.tenant, kind, f"order/{number}")

    def hear(self, name: str, lane: str) -> bool:
        """A bell of this lane reaches the process."""
        shop = self.shop(name)
        return runner.visit(shop.services(), self.turns, shop.tenant, lane)

    def waits(self, name: str) -> int:
        return int(
            self.shop(name).one(
                "SELECT count(*) FROM jobs WHERE state = 'due' AND tenant_id = :t", t=self.shop(name).tenant
            )
        )


@pytest.fixture
def crowd(engine, _logs, monkeypatch) -> Crowd:
    clock = Clock()
    shops = [open_shop(engine, name=name) for name in ("Ada", "Ben", "Cai", "Dee", "Eve", "Fay")]
    made = Crowd(
        shops={shop.tenant: shop for shop in shops},
        clock=clock,
        turns=Turns(engine, "orders", listening=lambda: 2, clock=clock),
    )

    def run(work):
        name = made.name(work.tenant)
        made.did.append((name, work.claim.lane))
        clock.now += made.call_s.get(name, 0.01)
        made.after(len(made.did))
        return Done()

    monkeypatch.setattr(stages, "run", run)
    monkeypatch.setattr("time.sleep", lambda seconds: setattr(clock, "now", clock.now + seconds))
    return made


def test_an_order_is_not_delayed_by_two_thousand_of_another_shop(crowd):
    crowd.ask("A", 2_000)
    crowd.hear("A", "order/1")
    crowd.ask("B")

    heard = 1
    while crowd.waits("B"):  # the bells of A come first, all of them
        heard += 1
        crowd.hear("A", f"order/{heard}")

    assert heard <= 27  # a quarter of a second of A's work, at a hundredth a job
    assert crowd.did[-2][0] == "B" or crowd.did[-1][0] == "B"
    assert crowd.waits("A") == 2_000 - heard


def test_while_two_shops_wait_every_lane_of_one_is_followed_by_one_of_the_other(crowd):
    crowd.ask("A", 40)
    crowd.ask("B", 10)
    for number in range(1, 13):
        crowd.hear("A", f"order/{number}")

    names = "".join(name for name, _ in crowd.did)
    assert names.startswith("BABABABABABABABABABA")
    assert names.count("B") == 10


def test_a_shop_alone_is_looked_past_four_times_a_second_and_no_more(crowd, monkeypatch):
    looks = []
    really = Turns._look
    monkeypatch.setattr(Turns, "_look", lambda self, tenant: looks.append(crowd.clock.now) or really(self, tenant))
    crowd.ask("A", 100)

    for number in range(1, 101):
        crowd.hear("A", f"order/{number}")

    assert len(crowd.did) == 100
    assert 4 <= len(looks) <= 5  # a second's work


def test_a_slow_call_delays_another_shop_by_that_one_call(crowd):
    crowd.call_s["A"] = 3.0
    crowd.ask("A", 1, kinds=("verify_order", "check_payment", "reserve_stock"))
    crowd.after = lambda ran: crowd.ask("B") if ran == 1 else None

    assert crowd.hear("A", "order/1") is True

    assert [name for name, _ in crowd.did] == ["A", "B", "A", "A"]


def test_shops_take_turns_in_a_circle_so_that_nobody_is_passed_over(crowd, monkeypatch):
    monkeypatch.setattr(turns, "OTHERS_AT_ONCE", 2)
    for name in "ABCDEF":
        crowd.ask(name, 10)

    for number in range(1, 6):
        crowd.hear("A", f"order/{number}")

    assert "".join(name for name, _ in crowd.did) == "BCADEAFBACDAEFA"


def test_a_lane_that_somebody_works_in_is_nobody_else_s_turn(crowd):
    crowd.ask("A", 3)
    crowd.ask("B", 1, kinds=("verify_order", "check_payment"))
    runner.claims.claim_next(crowd.turns.engine, 2, "order/1", worker="w2", lease_s=30)

    crowd.hear("A", "order/1")

    assert [name for name, _ in crowd.did] == ["A"]


def test_work_whose_worker_is_gone_is_taken_up_in_turn(crowd):
    crowd.ask("A", 3)
    crowd.ask("B")
    runner.claims.claim_next(crowd.turns.engine, 2, "order/1", worker="gone", lease_s=30)
    crowd.shop("B").run("UPDATE jobs SET lease_until = now() - interval '1 s' WHERE worker = 'gone'")

    crowd.hear("A", "order/1")

    assert crowd.did == [("B", "order/1"), ("A", "order/1")]


@pytest.mark.parametrize("wait", ["due_at = now() + interval '1 hour'", "queue = 'carriers'"])
def test_what_is_not_due_here_takes_no_turn(crowd, wait):
    crowd.ask("A")
    crowd.ask("B")
    crowd.shop("B").run(f"UPDATE jobs SET {wait} WHERE tenant_id = 2")

    crowd.hear("A", "order/1")

    assert crowd.did == [("A", "order/1")]


def test_a_slow_shop_leaves_one_of_two_processes_to_the_others(crowd):
    """The other process holds a job of A's; this one knows that A is slow, and waits for others only."""
    crowd.call_s["A"] = turns.SLOW_S
    crowd.ask("A", 3)
    crowd.hear("A", "order/1")
    runner.claims.claim_next(crowd.turns.engine, 1, "order/2", worker="w2", lease_s=300)
    crowd.ask("B")
    began = crowd.clock.now

    assert crowd.hear("A", "order/3") is False

    assert crowd.did == [("A", "order/1"), ("B", "order/1")]
    assert crowd.waits("A") == 1
    assert crowd.clock.now - began <= runner.STAND_BY_S + 1


def test_a_slow_shop_has_every_process_while_the_other_one_is_free(crowd):
    crowd.call_s["A"] = turns.SLOW_S
    crowd.ask("A", 2)
    crowd.hear("A", "order/1")

    assert crowd.hear("A", "order/2") is True
    assert crowd.waits("A") == 0


def test_a_slow_shop_that_is_alone_has_every_process(crowd):
    crowd.call_s["A"] = turns.SLOW_S
    crowd.shop("A").run("UPDATE connections SET ended_at = now() WHERE tenant_id <> 1")
    crowd.ask("A", 3)
    crowd.hear("A", "order/1")
    runner.claims.claim_next(crowd.turns.engine, 1, "order/2", worker="w2", lease_s=300)

    assert crowd.hear("A", "order/3") is True


def test_what_was_slow_a_minute_ago_is_trusted_again(crowd):
    crowd.call_s["A"] = turns.SLOW_S
    crowd.ask("A", 3)
    crowd.hear("A", "order/1")
    runner.claims.claim_next(crowd.turns.engine, 1, "order/2", worker="w2", lease_s=300)
    crowd.clock.now += turns.SLOW_FOR_S
    del crowd.call_s["A"]

    assert crowd.hear("A", "order/3") is True


def test_a_process_alone_in_its_queue_works_for_the_slow_too(crowd):
    crowd.turns.listening = lambda: 1
    crowd.call_s["A"] = turns.SLOW_S
    crowd.ask("A", 2)

    assert [crowd.hear("A", f"order/{number}") for number in (1, 2)] == [True, True]


def test_a_lane_that_stays_too_long_is_rung_for_anew(crowd, rung):
    crowd.call_s["A"] = 70.0
    crowd.ask("A", 1, kinds=("verify_order", "check_payment", "reserve_stock"))
    rung.clear()
    runner.set_up(crowd.shop("A").services(), crowd.turns)
    try:
        runner.run_lane(1, "order/1")
    finally:
        runner.set_up(crowd.shop("A").services())

    assert len(crowd.did) == 2
    assert rung == [("orders", 1, "order/1")]


def test_an_other_s_lane_that_was_cut_short_is_rung_for(crowd, rung):
    crowd.call_s["B"] = 1.0
    crowd.ask("A")
    crowd.ask("B", 1, kinds=("verify_order", "check_payment"))
    rung.clear()

    crowd.hear("A", "order/1")

    assert crowd.did == [("B", "order/1"), ("A", "order/1")]
    assert rung == [("orders", 2, "order/1")]


def test_while_the_database_is_away_nobody_is_looked_for_and_nothing_breaks(crowd, tmp_path, monkeypatch):
    crowd.turns.engine = database.connect(f"postgresql://nobody@/nothing?host={tmp_path}", pool_size=1, role="test")
    crowd.turns.took(1, turns.SLOW_S)

    assert crowd.turns.others(1) == []
    assert crowd.turns.has_its_share(1) is False


def test_a_job_that_fails_every_time_does_not_hold_up_the_others(crowd, monkeypatch):
    def run(work):
        crowd.did.append((crowd.name(work.tenant), work.claim.lane))
        if work.claim.lane == "order/1":
            raise Temporary("No answer.")
        return Done()

    monkeypatch.setattr(stages, "run", run)
    crowd.ask("A", 3)
    for number in (1, 2, 3):
        crowd.hear("A", f"order/{number}")
    crowd.hear("A", "order/1")

    assert [lane for _, lane in crowd.did] == ["order/1", "order/2", "order/3"]
    assert crowd.shop("A").rows("SELECT lane, state FROM jobs ORDER BY id") == [
        ("order/1", "due"), ("order/2", "done"), ("order/3", "done"),
    ]  # fmt: skip


def test_bells_of_one_lane_have_one_name_and_ids_of_their_own(redis_connection):
    bell.ring_now(redis_connection, "orders", [(7, "connection/a.b:c")])
    bell.ring_now(redis_connection, "orders", [(7, "connection/a.b:c")])

    assert len(set(bell.queue("orders", redis_connection).job_ids)) == 2
    assert bell.standing(redis_connection, "orders") == {"7_connection-a-b-c"} == {bell.name_of(7, "connection/a.b:c")}
