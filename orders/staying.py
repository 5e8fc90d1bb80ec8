"""Counts what of an order lies somewhere and does not leave: nobody may send it, or it is not split further."""

from __future__ import annotations

from collections import Counter

from sqlalchemy.orm import Session

from orders import banning, not_split
from orders.planning import Chosen
from orders.routing.decision import Decision
from orders.routing.question import Question
from records import decisions
from records.orders import open_holds

_HOLDS = frozenset({banning.HOLD, not_split.HOLD})


def units(session: Session, tenant: int, order: int) -> Counter[int]:
    """Units by order line, as they were last decided about; none where the order is not held for any."""
    if not _HOLDS & {hold.kind for hold in open_holds(session, tenant, order)}:
        return Counter()
    newest = next(iter(decisions.of_order(session, tenant, order)), None)
    return Counter() if newest is None else _of(newest.question, newest.answer)


def _of(question: object, answer: object) -> Counter[int]:
    chosen = Chosen(question=Question.model_validate(question), decision=Decision.model_validate(answer))
    _, barred = banning.apart(chosen.question, chosen.missing, chosen.spoken_for)
    return Counter(barred) + Counter(chosen.kept)
