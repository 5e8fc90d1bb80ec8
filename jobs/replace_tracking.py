"""Puts a re-labelled shipment's whole set of tracking numbers in place of the old one, and tells the buyer once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import TrackingLabel
from integrations.ports import Storefront
from jobs import outward, queue, story
from jobs.outcomes import Cancelled, Done, Outcome
from jobs.outward import Act
from jobs.work import Work
from orders import announcing, postage, progress
from records import tenants
from records.intentions import Intention, find_intention
from records.orders import Order, open_holds
from records.shipments import Label, Parcel, Shipment

_SETTLED = ("succeeded", "adopted")


@dataclass(frozen=True, kw_only=True)
class Word:
    """What one fulfillment is to say from now on, and which numbers (old, new) that changes."""

    key: str
    fulfillment: str
    tracking: TrackingLabel
    changes: tuple[tuple[str, str], ...]
    tell_buyer: bool


@dataclass(frozen=True, kw_only=True)
class Replacement:
    order: int
    connection: str
    words: tuple[Word, ...]


def run(work: Work) -> Outcome:
    with work.reading() as session:
        replacement = _load(session, work)
    if isinstance(replacement, Cancelled):
        return replacement
    storefront = work.storefront(replacement.connection)
    for word in replacement.words:
        _replace(work, storefront, word)
    if replacement.words:
        with work.writing() as session:
            _record(session, work, replacement)
    return Done()


def _replace(work: Work, storefront: Storefront, word: Word) -> None:
    outward.once(
        work,
        Act(key=word.key, kind="replace_tracking", subject=work.claim.subject, request=word.tracking.model_dump()),
        # Reads what stands there first and leaves it alone where it is this set, so that no buyer is told twice.
        perform=lambda _keys: storefront.replace_tracking(word.fulfillment, word.tracking, tell_buyer=word.tell_buyer),
    )


def _load(session: Session, work: Work) -> Replacement | Cancelled:
    tenant = work.tenant
    shipment = session.get_one(Shipment, (tenant, work.subject_id))
    if shipment.state not in progress.GONE:
        return Cancelled(reason=f"the shipment is {shipment.state}: the storefront shows none of its numbers")
    order = session.get_one(Order, (tenant, shipment.order_id))
    parcels = postage.parcels_in(session, tenant, shipment)
    labels = _labels(session, tenant, parcels)
    words: list[Word] = []
    for fulfillment, borne in shown_by(session, tenant, shipment, parcels).items():
        tell_buyer = not words and tenants.rules_of(session, tenant).tell_buyer
        word = _word(session, tenant, shipment.id, fulfillment, borne, labels, tell_buyer=tell_buyer)
        words += [word] if word else []
    return Replacement(order=order.id, connection=order.connection_id, words=tuple(words))


def shown_by(session: Session, tenant: int, shipment: Shipment, parcels: Sequence[Parcel]) -> dict[str, list[Parcel]]:
    """Which boxes each fulfillment shows: all of them, or those of the carrier that it was announced for."""
    if len({parcel.carrier for parcel in parcels}) == 1:
        return {fulfillment: list(parcels) for fulfillment in shipment.fulfillments}
    shown: dict[str, list[Parcel]] = {}
    for carrier in dict.fromkeys(parcel.carrier for parcel in parcels):
        told = find_intention(session, tenant, announcing.key_of(shipment.id, carrier))
        for fulfillment in shipment.fulfillments:
            if told is not None and fulfillment in told.vendor_reference.split(", "):
                shown[fulfillment] = [parcel for parcel in parcels if parcel.carrier == carrier]
    return shown


def _word(
    session: Session,
    tenant: int,
    shipment: int,
    fulfillment: str,
    parcels: Sequence[Parcel],
    labels: Mapping[int, Sequence[Label]],
    *,
    tell_buyer: bool,
) -> Word | None:
    """None where the fulfillment was told of the newest of these labels, or none of them replaces another."""
    keys = {label.id: f"retrack/{shipment}/{fulfillment}/{label.id}" for one in parcels for label in labels[one.id]}
    told = _told_of(session, tenant, keys)
    changes: list[tuple[str, str]] = []
    newest = 0
    for parcel in parcels:
        *before, now = labels[parcel.id]
        newest = max(newest, now.id)
        if before and now.id > told:
            changes.append((before[-1].tracking_code, now.tracking_code))
    if not changes:
        return None
    urls = [parcel.tracking_url for parcel in parcels if parcel.tracking_url]
    numbers = tuple(parcel.tracking_code for parcel in parcels)
    return Word(
        key=keys[newest],
        fulfillment=fulfillment,
        tracking=TrackingLabel(carrier=parcels[0].carrier, numbers=numbers, urls=tuple(urls)),
        changes=tuple(changes),
        tell_buyer=tell_buyer,
    )


def _labels(session: Session, tenant: int, parcels: Sequence[Parcel]) -> dict[int, list[Label]]:
    """The labels that each parcel has borne, up to the one that it bears now."""
    rows = session.scalars(
        select(Label)
        .where(
            Label.tenant_id == tenant,
            Label.parcel_id.in_([parcel.id for parcel in parcels]),
            Label.tracking_code != "",
            Label.attempt > 0,  # a stray purchase, which no parcel bore
        )
        .order_by(Label.attempt, Label.id)
    ).all()
    borne: dict[int, list[Label]] = {}
    for parcel in parcels:
        mine = [label for label in rows if label.parcel_id == parcel.id]
        now = next(place for place, label in enumerate(mine) if label.tracking_code == parcel.tracking_code)
        borne[parcel.id] = mine[: now + 1]
    return borne


def _told_of(session: Session, tenant: int, keys: Mapping[int, str]) -> int:
    """The newest label of which the fulfillment has been told; 0 where it shows the first ones."""
    told = session.scalars(
        select(Intention.key).where(
            Intention.tenant_id == tenant, Intention.key.in_(keys.values()), Intention.state.in_(_SETTLED)
        )
    ).all()
    return max((label for label, key in keys.items() if key in told), default=0)


def _record(session: Session, work: Work, replacement: Replacement) -> None:
    for word in replacement.words:
        outward.settle(session, work.tenant, word.key, "succeed", reference=word.fulfillment)
    changes = dict.fromkeys(change for word in replacement.words for change in word.changes)
    said = "; ".join(f"{new} instead of {old}" for old, new in changes)
    carriers = ", ".join(dict.fromkeys(word.tracking.carrier for word in replacement.words))
    sentence = f"The storefront has the new tracking: {carriers} {said}."
    story.tell(session, work, replacement.order, sentence, keys=[word.key for word in replacement.words])
    if any(hold.kind == "edit" for hold in open_holds(session, work.tenant, replacement.order)):
        # A change that came too late for the old label may be on the new one: then nobody waits for a person any more.
        queue.add(session, work.tenant, "verify_order", f"order/{replacement.order}")
