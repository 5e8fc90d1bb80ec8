"""What each kind of job runs. The order's own stages stand in PIPELINE, in the order in which they happen."""

from __future__ import annotations

from collections.abc import Callable
from types import MappingProxyType

import structlog
from sqlalchemy.exc import NoResultFound
from sqlalchemy.orm import Session

from integrations.only_asking import OnlyWatching
from jobs import (
    ask_buyer,
    assign_work,
    buy_label,
    capture_payment,
    change_address,
    check_connection,
    check_payment,
    check_stock,
    close_shop,
    deliver_digital,
    desk,
    expire_kept,
    export_buyer,
    forecast_demand,
    forget_buyer,
    forget_shop,
    mail_stock,
    mark_paid,
    match_payment,
    push_tracking,
    read_catalogue,
    read_stock,
    reconcile,
    relabel_parcel,
    replace_tracking,
    report_parcel,
    reserve_stock,
    reverse_order,
    self_test,
    send_notice,
    store_label,
    strays,
    swap_line,
    take_event,
    tell_ready,
    tell_stock,
    tell_supplier,
    verify_order,
    void_label,
)
from jobs.claims import Claim
from jobs.outcomes import Cancelled, Outcome, Parked
from jobs.work import Work
from orders import subjects
from records import timeline

log = structlog.get_logger(__name__)

PIPELINE = (verify_order, check_payment, reserve_stock, buy_label, push_tracking)
BESIDE = (
    take_event,
    ask_buyer,
    send_notice,
    tell_supplier,
    deliver_digital,
    tell_ready,
    assign_work,
    reverse_order,
    change_address,
    swap_line,
    relabel_parcel,
    replace_tracking,
    capture_payment,
    void_label,
    store_label,
    report_parcel,
    mark_paid,
    match_payment,
    read_catalogue,
    read_stock,
    tell_stock,
    reconcile,
    check_connection,
    self_test,
    close_shop,
    forget_shop,
    forget_buyer,
    export_buyer,
    expire_kept,
    forecast_demand,
    check_stock,
    mail_stock,
)

_RUN: MappingProxyType[str, Callable[[Work], Outcome]] = MappingProxyType(
    {stage.__name__.removeprefix("jobs."): stage.run for stage in (*PIPELINE, *BESIDE)}
)


def kinds() -> frozenset[str]:
    return frozenset(_RUN)


def run(work: Work) -> Outcome:
    """Run the job in hand. What a shop that only watches would do is written down, and the job is over."""
    try:
        return strays.about_another_shop(work.claim) or _RUN[work.claim.kind](work)
    except NoResultFound:
        if stray := strays.about_nothing_here(work):
            return stray
        raise
    except OnlyWatching as refusal:
        return Cancelled(reason=f"the shop only watches: it was not done ({refusal.what})")


def tell_parked(session: Session, claim: Claim, parked: Parked) -> None:
    """Write on the order's timeline that a person is needed, where the job belongs to an order."""
    order = desk.order_of(session, claim.tenant, claim.subject)
    if order is not None and subjects.is_here(session, claim.tenant, f"order/{order}"):
        timeline.write(
            session,
            claim.tenant,
            order,
            actor="packline",
            kind="parked",
            sentence=f"{parked.reason} {parked.remedy}",
            job=claim.id,
            job_kind=claim.kind,
            cause=parked.cause,
        )
