"""What a stand-in answers: a status, a body, headers, and whether its state changed."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response

JSON_TYPE = "application/json; charset=utf-8"

# Writes a vendor's error body for a status the vendor itself did not choose (a 429, a 5xx).
ErrorShape = Callable[[int], dict[str, Any]]


@dataclass(slots=True)
class Answer:
    """One answer.

    `effect` says whether the stand-in's state changed; None leaves it to the rule that a non-GET below 400 did.
    `fault` names a fault the vendor's module took itself; `summary` joins the call log's entry.
    """

    status: int
    body: dict[str, Any] | list[Any] | bytes
    headers: dict[str, str] = field(default_factory=dict)
    effect: bool | None = None
    fault: str | None = None
    summary: dict[str, Any] | None = None

    def payload(self) -> bytes:
        if isinstance(self.body, bytes):
            return self.body
        return json.dumps(self.body, separators=(",", ":"), ensure_ascii=False).encode()

    def response(self) -> Response:
        response = Response(self.payload(), status=self.status)
        response.headers["Content-Type"] = JSON_TYPE
        for name, value in self.headers.items():
            response.headers[name] = value
        return response


class Refusal(Exception):
    """A refusal in the vendor's own words, raised from anywhere below a view."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(f"{answer.status} {answer.body!r}")
        self.answer = answer


def plain_errors(status: int) -> dict[str, Any]:
    return {"errors": f"{status}"}
