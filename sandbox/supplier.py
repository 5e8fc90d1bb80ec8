"""A supplier's own machine: it takes what it is told, and remembers it word for word."""

from __future__ import annotations

from threading import Lock
from typing import Any

from flask import Blueprint, Response, jsonify, request

from sandbox.core import Core


class Heard:
    """What was told, oldest first, and what is answered to it."""

    def __init__(self, core: Core) -> None:
        self.lock = Lock()
        self._forget()
        core.on_reset(self._forget)

    def _forget(self) -> None:
        self.tellings: list[dict[str, Any]] = []
        self.answers: list[int] = []


def blueprint(core: Core) -> Blueprint:
    routes = Blueprint("supplier", __name__)

    @routes.post("/supplier")
    def told() -> Response:
        heard = core.state("supplier", Heard)
        with heard.lock:
            body = request.get_data(as_text=True)
            heard.tellings.append({"headers": dict(request.headers), "body": body})
            return Response(status=heard.answers.pop(0) if heard.answers else 204)

    return routes


def control(core: Core) -> Blueprint:
    routes = Blueprint("supplier_control", __name__, url_prefix="/_sandbox/supplier")

    @routes.get("")
    def every() -> Response:
        return jsonify(tellings=core.state("supplier", Heard).tellings)

    @routes.post("/answers")
    def answers() -> Response:
        """The statuses of the next answers."""
        core.state("supplier", Heard).answers = list(request.get_json())
        return jsonify({})

    return routes
