"""Idempotency-Key as Stripe's v1 API honours it: the first answer is stored and given again, a 500 included.

Stored once the call has been carried out; not stored when it was refused before that (a missing or unknown parameter,
an unknown object, a rate limit). docs.stripe.com/api/idempotent_requests
"""

import hashlib
import threading
from dataclasses import dataclass

from sandbox.core import Answer, Refusal
from sandbox.stripe_wire import Fields, refused

# Refused before anything was carried out, by the error's code.
NEVER_CARRIED_OUT = frozenset(
    {
        "parameter_missing",
        "parameter_unknown",
        "parameter_invalid_integer",
        "parameter_invalid_empty",
        "resource_missing",
        "url_invalid",
        "rate_limit",
    }
)


@dataclass(slots=True)
class _Kept:
    fingerprint: bytes
    status: int | None = None
    body: bytes = b""


class IdempotencyKeys:
    """One account's keys: in flight, or with their stored answer."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Kept] = {}

    def claim(self, key: str, path: str, given: Fields) -> Answer | None:
        """None: the caller is first and must settle or release. An answer: what was stored, to be given again.

        Raises:
            Refusal: the key was used with other parameters, or its first call is still under way.
        """
        fingerprint = _fingerprint(path, given)
        with self._lock:
            kept = self._kept.get(key)
            if kept is None:
                self._kept[key] = _Kept(fingerprint)
                return None
        if kept.fingerprint != fingerprint:
            raise _other_parameters(key)
        if kept.status is None:
            raise refused(
                409,
                "There is currently another in-progress request using this Idempotent Key.",
                code="idempotency_key_in_use",
            )
        return Answer(kept.status, kept.body, {"Idempotent-Replayed": "true"}, effect=False)

    def settle(self, key: str, answer: Answer | None) -> None:
        """Store the answer, or let go of the key where nothing was carried out: None is a call that never came in."""
        if answer is None or not _carried_out(answer):
            self.release(key)
            return
        with self._lock:
            self._kept[key].status, self._kept[key].body = answer.status, answer.payload()

    def release(self, key: str) -> None:
        """Let go of a key whose call ended without an answer to store."""
        with self._lock:
            kept = self._kept.get(key)
            if kept is not None and kept.status is None:
                del self._kept[key]


def _fingerprint(path: str, given: Fields) -> bytes:
    return hashlib.sha256(repr((path, sorted(given.items()))).encode()).digest()


def _carried_out(answer: Answer) -> bool:
    error = answer.body.get("error") if isinstance(answer.body, dict) else None
    code = error.get("code") if isinstance(error, dict) else None
    return answer.status not in {401, 403, 429} and code not in NEVER_CARRIED_OUT


def _other_parameters(key: str) -> Refusal:
    message = f"Keys for idempotent requests can only be used with the same parameters they were first used with: {key}"
    error = {"message": message, "type": "idempotency_error"}
    return Refusal(Answer(400, {"error": error}, effect=False))
