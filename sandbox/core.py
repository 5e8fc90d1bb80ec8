"""What the stand-ins share: one log of calls, one set of faults, one post office for webhooks.

The interface for a stand-in:

    core.answer("easypost", "shipment.buy", lambda: Answer(200, {...}), key=None, summary={...}) -> flask.Response
        logs the call, applies at most one fault. The callable acts; it may raise Refusal. It runs without `core.lock`:
        what it changes, it guards itself.
    core.shape_errors("easypost", lambda status: {"error": {...}})   the vendor's body for an injected 429 or 5xx
    core.on_reset(callback)                                          forget everything, restore what is there at start
    core.faults.take("shopify", operation, kinds={"throttled"})      a kind whose body the vendor's module writes;
                                                                     put its name in Answer.fault
    core.state("easypost", make)                                     what blueprint(core) and control(core) share
    core.deliveries.register(vendor, target, url) / .unregister(vendor, target)
    core.deliveries.send(vendor, target, topic, headers_for, body, delivery_id)
"""

import threading
from collections.abc import Callable
from typing import Any, TypeVar

from flask import Response, request

from sandbox.answers import Answer, ErrorShape, Refusal, plain_errors
from sandbox.calls import CallLog
from sandbox.connection import drop
from sandbox.deliveries import Deliveries
from sandbox.faults import DAMAGE, Damage, Fault, Faults

__all__ = ["Answer", "Core", "Refusal"]

State = TypeVar("State")


class Core:
    """The stand-ins' common ground; safe to use from every server thread."""

    def __init__(self, hooks_origin: str = "http://127.0.0.1:8000") -> None:
        self.hooks_origin = hooks_origin.rstrip("/")
        self.lock = threading.RLock()
        self.calls = CallLog()
        self.faults = Faults()
        self.deliveries = Deliveries(self.hooks_origin)
        self._states: dict[str, Any] = {}
        self._error_shapes: dict[str, ErrorShape] = {}
        self._reset_callbacks: list[Callable[[], None]] = []
        self._holding = threading.Event()

    def state(self, vendor: str, make: Callable[["Core"], State]) -> State:
        """What a vendor's wire door and control door share, made once for this core."""
        with self.lock:
            if vendor not in self._states:
                self._states[vendor] = make(self)
            found: State = self._states[vendor]
            return found

    def on_reset(self, callback: Callable[[], None]) -> None:
        self._reset_callbacks.append(callback)

    def shape_errors(self, vendor: str, shape: ErrorShape) -> None:
        self._error_shapes[vendor] = shape

    def reset(self) -> None:
        """Everything as at start: no calls, faults or deliveries; held callers are let go; every vendor forgets."""
        self.faults.clear()
        held, self._holding = self._holding, threading.Event()
        held.set()
        self.deliveries.clear()
        with self.lock:
            for callback in self._reset_callbacks:
                callback()
        self.calls.clear()

    def answer(
        self,
        vendor: str,
        operation: str,
        perform: Callable[[], Answer],
        *,
        key: str | None = None,
        summary: dict[str, Any] | None = None,
        settled: Callable[[Answer | None], None] | None = None,
    ) -> Response:
        """Perform one call, log it, and answer it or go wrong as the fault set for it says.

        `settled` hears what the vendor itself holds to have answered (a 5xx after the effect included), whatever the
        caller gets to see, and None when it did not act; always before the caller can know that the call is over.
        """
        fault = self.faults.take(vendor, operation, kinds=DAMAGE)
        if fault is None:
            true_answer = _performed(perform)
            if settled:
                settled(true_answer)
            self._log(vendor, operation, true_answer, true_answer, None, key, summary)
            return true_answer.response()
        damage = DAMAGE[fault.kind]
        if damage.holds_before:
            self._holding.wait(fault.delay_s)
        acted = _performed(perform) if damage.acts else None
        sent = damage.reply(fault, acted, self._error_shapes.get(vendor, plain_errors))
        _tell(settled, damage, acted, sent)
        self._log(vendor, operation, acted, sent, fault, key, summary)
        if damage.holds_after:
            self._holding.wait(fault.delay_s)
        return drop() if sent is None else sent.response()

    def _log(
        self,
        vendor: str,
        operation: str,
        acted: Answer | None,
        sent: Answer | None,
        fault: Fault | None,
        key: str | None,
        summary: dict[str, Any] | None,
    ) -> None:
        self.calls.record(
            vendor,
            operation,
            method=request.method,
            path=request.path,
            status=sent.status if sent else 0,
            effect=acted is not None and _changed_state(acted),
            fault=fault.kind if fault else (acted.fault if acted else None),
            key=key,
            summary={**(summary or {}), **(acted.summary or {})} if acted and acted.summary else summary,
        )


def _performed(perform: Callable[[], Answer]) -> Answer:
    try:
        return perform()
    except Refusal as refusal:
        return refusal.answer


def _tell(
    settled: Callable[[Answer | None], None] | None, damage: Damage, acted: Answer | None, sent: Answer | None
) -> None:
    if settled is not None:
        settled(sent if acted and damage.vendors_own and sent else acted)


def _changed_state(answer: Answer) -> bool:
    if answer.effect is not None:
        return answer.effect
    return request.method not in {"GET", "HEAD"} and answer.status < 400
