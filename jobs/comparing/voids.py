"""Asks what became of labels that are to go back: a refund that no webhook told of is written down."""

from __future__ import annotations

from sqlalchemy import select

from integrations.nouns import BoughtLabel, LabelVoided, VoidState
from jobs import intake, queue
from jobs.comparing import looking
from jobs.comparing.looking import Look
from orders.comparing import Difference
from records.shipments import Label

# A call for each. Carriers take weeks for some, and those must not keep newer ones from being asked for.
_ASKED_AT_ONCE = 200


def compare(look: Look) -> None:
    carrier = look.work.carrier(look.connection)
    for label in _asked_back(look):
        if look.out_of_time:
            return
        look.looked_at += 1
        with look.apart(f"label/{label.id}", order=label.order_id):
            _take_over(look, label, carrier.find_label(label.shipment_ref))


def _asked_back(look: Look) -> list[Label]:
    with look.work.reading() as session:
        return list(
            session.scalars(
                select(Label)
                .where(
                    Label.tenant_id == look.tenant,
                    Label.connection_id == look.connection,
                    Label.state == "void_requested",
                    Label.shipment_ref != "",
                )
                .order_by(looking.by_lot(Label.id, look))
                .limit(_ASKED_AT_ONCE)
            )
        )


def _take_over(look: Look, label: Label, found: BoughtLabel | None) -> None:
    state = found.void_state if found else None
    if state is None or state in {VoidState.ASKED, VoidState.UNKNOWN}:
        return
    with look.work.writing() as session:
        if looking.busy(session, look.tenant, f"label/{label.id}"):
            return
        because = look.because(session, label.shipment_ref, None)
        if because is None or session.get_one(Label, (look.tenant, label.id)).state != "void_requested":
            return
        if state is VoidState.DONE:
            fact = LabelVoided(shipment_ref=label.shipment_ref, tracking_code=label.tracking_code, state=state)
            intake.hear(session, look.source(), fact)
            said = "has given the postage back"
        else:  # the job that asked for it reads the carrier's no, and says what can be done
            queue.add(session, look.tenant, "void_label", f"label/{label.id}")
            said = "has decided on the postage"
        look.find(
            session,
            Difference(
                subject=f"label/{label.id}",
                order=label.order_id,
                kind="missed",
                outcome="repaired",
                sentence=f"The carrier {said} of label {label.tracking_code}: {because}. It was taken over.",
            ),
        )
