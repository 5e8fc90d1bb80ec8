"""The letter with the link to change an order is only written where its page keeps what the letter says."""

from __future__ import annotations

from records.tenants import Rules
from tests import giving
from tests.world import World

WRITES = Rules(send_change_link=True)


def facts(world: World) -> list[tuple[str, str]]:
    return [(row.fact, row.state) for row in world.rows("SELECT fact, state FROM notices ORDER BY fact")]


def test_who_has_a_code_already_is_not_told_that_they_may_cancel(world: World):
    giving.sold(world, codes=("AAA-111",), rules=WRITES)
    world.place(("GIFT", 1), ("BAG", 99))
    world.settle()

    assert facts(world) == [("changeable", "suppressed"), ("delivered", "sent")]
    (mail,) = giving.mails(world)
    assert giving.page_in(mail)
    assert "/order/" not in mail
