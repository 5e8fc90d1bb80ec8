"""Whatever is wrong with Redis: nobody waits for it, every lost bell is counted, and the sweep rings it later."""

from __future__ import annotations

import os
import signal
from dataclasses import dataclass

import pytest
import redis

from config import embedded
from jobs import bell, queue, sweep
from tests.shop import Said
from tests.world import eventually


@dataclass
class OwnRedis:
    """A Redis of this test's own, to be spoiled."""

    url: str

    def control(self, *words: str) -> object:
        with redis.Redis.from_url(self.url, password=getattr(self, "password", None)) as connection:
            return connection.execute_command(*words)

    @property
    def pid(self) -> int:
        with redis.Redis.from_url(self.url) as connection:
            return int(connection.info("server")["process_id"])


@pytest.fixture
def own_redis(tmp_path):
    folder = embedded.reachable(tmp_path / "r")
    own = OwnRedis(embedded.start_redis(folder))
    yield own
    if hasattr(own, "password"):
        own.control("CONFIG", "SET", "requirepass", "")
    embedded.stop_redis(folder)


def read_only(own):
    own.control("REPLICAOF", "127.0.0.1", "1")
    return lambda: own.control("REPLICAOF", "NO", "ONE")


def full(own):
    own.control("CONFIG", "SET", "maxmemory", "1")
    return lambda: own.control("CONFIG", "SET", "maxmemory", "0")


def locked(own):
    own.control("CONFIG", "SET", "requirepass", "changed")
    own.password = "changed"

    def unlock():
        own.control("CONFIG", "SET", "requirepass", "")
        del own.password

    return unlock


def hung(own):
    pid = own.pid
    os.kill(pid, signal.SIGSTOP)
    return lambda: os.kill(pid, signal.SIGCONT)


@pytest.mark.drill
@pytest.mark.parametrize("spoil", [read_only, full, locked, hung])
def test_a_redis_in_trouble_costs_nobody_time_and_no_work_is_lost(lane, own_redis, talkers, monkeypatch, spoil):
    monkeypatch.setattr(bell, "log", said := Said())
    bell.set_up(own_redis.url)
    heal = spoil(own_redis)
    try:
        before = bell.LOST.labels("orders")._value.get()
        talkers.clear()
        lane.add("verify_order")
        eventually(lambda: bell.LOST.labels("orders")._value.get() == before + 1)
        # A worker that has a bell already does its jobs meanwhile, and is not held up by ringing for others.
        lane.add("store_label", "label/1")
        assert lane.work_off() == 2
        assert talkers == {"bell"}
        lane.add("verify_order")
        lane.shop.run("UPDATE jobs SET rung_at = NULL")
        with pytest.raises(redis.RedisError):
            sweep.run(lane.shop.engine, bell.connect(own_redis.url), patience_s=0)
    finally:
        heal()

    assert {line["event"] for line in said.lines} == {"bell not rung"}
    assert lane.shop.rows("SELECT state, count(*) FROM jobs GROUP BY 1 ORDER BY 1") == [("done", 2), ("due", 1)]
    connection = bell.connect(own_redis.url)

    def stands():
        sweep.run(lane.shop.engine, connection, patience_s=0)
        return bell.standing(connection, "orders") == {bell.name_of(lane.shop.tenant, lane.name)}

    eventually(stands)


def test_what_the_sweep_cannot_ring_is_rung_by_a_later_one(shop, own_redis):
    with shop.transaction() as session:
        for number in range(20):
            queue.add(session, shop.tenant, "store_label", f"label/{number}")
    shop.run("UPDATE jobs SET rung_at = NULL")
    connection = bell.connect(own_redis.url)
    heal = full(own_redis)
    with pytest.raises(redis.RedisError):
        sweep.run(shop.engine, connection, patience_s=0)
    heal()

    assert sweep.run(shop.engine, connection, patience_s=0) == 20
