"""Keeps a vendor's sentences free of what they may echo: the keys that we called with, and the buyer's name and street.

A refusal is written on the job, on the order's story and into the log, where it outlives the buyer's own record. So
each connector is handed to a job behind this: whatever it says in words loses the words that are not for telling.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from integrations.nouns import Address, AddressVerdict, Quote
from integrations.ports import OutsideFailure, Permanent

HIDDEN = "•••"
# Shorter words stand in too many sentences: a house number, a state, "Ada" in "Canada".
_SHORTEST = 4

Words = Callable[[], Sequence[str]]


def behind(connector: object, words: Words) -> Any:
    """The connector, whose sentences lose `words`; those are asked for only when there is a sentence."""
    return _Quiet(connector, words)


def of_buyer(ship_to: Address | None, *others: str) -> list[str]:
    """What tells who a buyer is and where they live: what stands in an address, whole, and a name's parts too."""
    told = [ship_to.name, ship_to.company, ship_to.street1, ship_to.street2] if ship_to else []
    reached = [ship_to.phone, ship_to.email] if ship_to else []
    parts = ship_to.name.split() if ship_to else []
    return [word for word in (*told, *reached, *others, *parts) if len(word.strip()) >= _SHORTEST]


def without(sentence: str, words: Sequence[str]) -> str:
    """The sentence with each of the words hidden, however they are spaced and capitalised."""
    for word in sorted({word.strip() for word in words}, key=len, reverse=True):
        pattern = r"\s+".join(re.escape(part) for part in word.split())
        if pattern:
            sentence = re.sub(rf"(?<!\w){pattern}(?!\w)", HIDDEN, sentence, flags=re.IGNORECASE)
    return sentence


class _Quiet:
    """Stands in for a connector, verb by verb."""

    def __init__(self, connector: object, words: Words) -> None:
        self._connector = connector
        self._words = words

    def __getattr__(self, name: str) -> Any:
        verb = getattr(self._connector, name)
        return self._quietly(verb) if callable(verb) else verb

    def _quietly(self, verb: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*given: Any, **named: Any) -> Any:
            try:
                answer = verb(*given, **named)
            except OutsideFailure as failure:
                self._hush(failure)
                raise
            return self._hushed_rows(answer) if isinstance(answer, Iterator) else self._hushed(answer)

        return asked

    def _hushed_rows(self, rows: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from rows
        except OutsideFailure as failure:
            self._hush(failure)
            raise

    def _hushed(self, answer: Any) -> Any:
        if isinstance(answer, Quote) and answer.remarks:
            return answer.model_copy(update={"remarks": self._all(answer.remarks)})
        if isinstance(answer, AddressVerdict) and answer.problems:
            return answer.model_copy(update={"problems": self._all(answer.problems)})
        return answer

    def _all(self, sentences: Sequence[str]) -> tuple[str, ...]:
        words = self._words()
        return tuple(without(sentence, words) for sentence in sentences)

    def _hush(self, failure: OutsideFailure) -> None:
        words = self._words()
        failure.reason = without(failure.reason, words)
        failure.code = without(failure.code, words)
        failure.args = (failure.reason,)
        if isinstance(failure, Permanent):
            failure.remedy = without(failure.remedy, words)
