"""The control door, /_sandbox/…: set faults, ask what was called, steer the webhooks, start over."""

from typing import Any, TypeVar

from flask import Blueprint, Response, jsonify, request

from sandbox.core import Core
from sandbox.deliveries import RETRY_DELAYS_S, Plan
from sandbox.faults import Fault

T = TypeVar("T")


def blueprint(core: Core) -> Blueprint:
    routes = Blueprint("control", __name__, url_prefix="/_sandbox")
    _add_run(routes, core)
    _add_faults(routes, core)
    _add_deliveries(routes, core)
    return routes


def _add_run(routes: Blueprint, core: Core) -> None:
    @routes.get("/health")
    def health() -> Response:
        return jsonify({"status": "ok"})

    @routes.post("/reset")
    def reset() -> Response:
        core.reset()
        return jsonify({"status": "ok"})

    @routes.get("/calls")
    def calls() -> Response:
        found = core.calls.matching(
            vendor=request.args.get("vendor"),
            operation=request.args.get("operation"),
            effect=_truth(request.args.get("effect")),
        )
        return jsonify({"count": len(found), "calls": [call.described() for call in _newest(found)]})


def _add_faults(routes: Blueprint, core: Core) -> None:
    @routes.post("/faults")
    def set_fault() -> tuple[Response, int]:
        try:
            fault = core.faults.add(Fault(**_json()))
        except (TypeError, ValueError) as problem:
            return jsonify({"error": str(problem)}), 400
        return jsonify(fault.described()), 201

    @routes.get("/faults")
    def faults() -> Response:
        return jsonify({"faults": [fault.described() for fault in core.faults.current()]})

    @routes.delete("/faults")
    @routes.delete("/faults/<int:fault_id>")
    def clear_faults(fault_id: int | None = None) -> Response:
        core.faults.clear(fault_id)
        return jsonify({"faults": [fault.described() for fault in core.faults.current()]})


def _add_deliveries(routes: Blueprint, core: Core) -> None:
    @routes.get("/deliveries")
    def deliveries() -> Response:
        found = core.deliveries.matching(state=request.args.get("state"), vendor=request.args.get("vendor"))
        return jsonify({"count": len(found), "deliveries": [made.described() for made in _newest(found)]})

    @routes.post("/deliveries/plan")
    def plan() -> tuple[Response, int]:
        try:
            core.deliveries.set_plan(_plan(_json()))
        except (TypeError, ValueError) as problem:
            return jsonify({"error": str(problem)}), 400
        return jsonify({"status": "ok"}), 200

    @routes.post("/deliveries/flush")
    def flush() -> Response:
        return jsonify({"queued": core.deliveries.flush(float(_json().get("timeout_s", 10)))})

    @routes.post("/deliveries/replay")
    def replay() -> Response:
        wish = _json()
        queued = core.deliveries.replay(
            int(wish.get("times", 5)), shuffle=bool(wish.get("shuffle", True)), vendor=wish.get("vendor")
        )
        return jsonify({"queued": queued})


def _newest(rows: list[T]) -> list[T]:
    """The last rows, as many as ?limit= asks for; all without it."""
    limit = request.args.get("limit", type=int)
    return rows if limit is None else rows[max(0, len(rows) - limit) :]


def _plan(wish: dict[str, Any]) -> Plan:
    low, high = wish.pop("delay_s", (0.0, 0.0))
    delays = tuple(wish.pop("retry_delays_s", RETRY_DELAYS_S))
    return Plan(delay_s=(low, high), retry_delays_s=delays, **wish)


def _json() -> dict[str, Any]:
    wish = request.get_json(silent=True)
    return wish if isinstance(wish, dict) else {}


def _truth(word: str | None) -> bool | None:
    return None if word is None else word.lower() in {"1", "true", "yes"}
