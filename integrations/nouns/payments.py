"""Buyers' payments, as totals so far and never as differences."""

from __future__ import annotations

import enum

from pydantic import AwareDatetime

from integrations.nouns.base import Money, Noun


class PaymentState(enum.StrEnum):
    PENDING = "pending"
    AUTHORISED = "authorised"
    PAID = "paid"
    PART_REFUNDED = "part_refunded"
    REFUNDED = "refunded"
    FAILED = "failed"
    VOIDED = "voided"
    UNKNOWN = "unknown"


class PaymentFact(Noun):
    """What a payment provider says of one payment at `at`; amounts are totals so far, never differences."""

    remote_id: str
    state: PaymentState
    at: AwareDatetime
    amount: Money
    authorised_minor: int = 0
    captured_minor: int = 0
    refunded_minor: int = 0
    order_remote_id: str = ""
    order_name: str = ""
    session_remote_id: str = ""
    """The check-out session that belongs to the payment, where the order is known by it."""
    problem: str = ""
