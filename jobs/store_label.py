"""Keeps the label itself: carriers' links end, and a printer must not depend on one."""

from __future__ import annotations

from sqlalchemy import update

from jobs.outcomes import Cancelled, Done, Outcome
from jobs.work import Work
from records.shipments import Label


def run(work: Work) -> Outcome:
    with work.reading() as session:
        label = session.get(Label, (work.tenant, work.subject_id))
    if label is None or not label.label_url:
        return Cancelled(reason="there is no label to fetch")
    if label.media_type:
        return Done()
    file = work.carrier(label.connection_id).fetch_label(label.label_url)
    with work.writing() as session:
        session.execute(
            update(Label)
            .where(Label.tenant_id == work.tenant, Label.id == label.id)
            .values(content=file.content, media_type=file.media_type)
        )
    return Done()
