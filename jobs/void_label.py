"""Gives an unused label back to the carrier, and asks again until the carrier has decided."""

from __future__ import annotations

from integrations.nouns import VoidState
from integrations.ports import Permanent
from jobs import outward, story
from jobs.outcomes import Cancelled, Done, Outcome, Snoozed
from jobs.outward import Act
from jobs.work import Work
from orders import lifecycle
from records.shipments import Label

# USPS takes fifteen days and more to settle a refund; asking twice a day is plenty, and the carrier's word comes first.
_ASK_AGAIN_S = 12 * 3600


def run(work: Work) -> Outcome:
    with work.writing() as session:
        label = session.get(Label, (work.tenant, work.subject_id))
        if label is None or label.state not in {"bought", "void_requested", "void_refused"}:
            return Cancelled(reason=f"the label is {label.state if label else 'gone'}: nothing to void")
        if label.state != "void_requested":
            lifecycle.move(session, work.tenant, "label", label.id, "request_void")
    key = f"void/{label.id}"
    state = outward.once(
        work,
        Act(key=key, kind="void_label", subject=work.claim.subject, request=label.shipment_ref),
        # A void may be asked for again and again: the carrier answers how it stands.
        perform=lambda _keys: work.carrier(label.connection_id).void(label.shipment_ref),
    ).result
    return _record(work, label, state, key)


def _record(work: Work, label: Label, state: VoidState, key: str) -> Outcome:
    if state in {VoidState.ASKED, VoidState.UNKNOWN}:
        return Snoozed(wait_s=_ASK_AGAIN_S, reason="The carrier has not decided on the refund yet.")
    refused = state is VoidState.REFUSED
    with work.writing() as session:
        lifecycle.move(session, work.tenant, "label", label.id, "refuse_void" if refused else "void")
        outward.settle(session, work.tenant, key, "refuse" if refused else "succeed", reference=label.shipment_ref)
        said = {
            VoidState.DONE: "is void; its postage comes back",
            VoidState.NEVER: "is void; it is only billed when it is scanned",
            VoidState.REFUSED: "was not taken back by the carrier",
        }[state]
        story.tell(session, work, label.order_id, f"Label {label.tracking_code} {said}.", key=key)
    if not refused:
        return Done()
    raise Permanent(
        f"The carrier refuses to take back label {label.tracking_code}.",
        remedy="Refusals soon after buying may be wrong: retry later, or claim the refund with the carrier.",
        code="void_refused",
    )
