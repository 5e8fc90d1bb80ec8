"""Buys one label with a key for tests and gives it back: the self-test's own act, done once for each test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from integrations.nouns import Consignment, Parcel, VoidState
from integrations.ports import Carrier, Permanent
from jobs import kept_self_test, outward
from jobs.outward import Act
from jobs.work import Work
from orders import rates
from orders.self_testing import Found, failed, ok
from records import tenants
from records.stock import Location
from records.tenants import Connection

# What the test's consignments are called at the carrier, so that nobody takes them for an order's.
REFERENCE = "packline-self-test-"


def step(work: Work, kept: dict[str, Any]) -> Found:
    with work.reading() as session:
        carrier = tenants.connection_for(session, work.tenant, "carrier")
        in_shadow = tenants.mode_of(session, work.tenant) == "shadow"
        place = _first_warehouse(session, work.tenant)
    kept = _without_another_accounts_label(work, kept, carrier)
    if carrier is None:
        return _told(kept, failed("No carrier is connected.", "Connect EasyPost, then test again."))
    if place is None:
        return _told(kept, failed("No location ships.", "Choose where you ship from, on the setup page."))
    consignment = _to_itself(place, reference=f"{REFERENCE}{kept['number']}")
    if in_shadow or carrier.live:
        why = "the shop only watches" if in_shadow else "the key is for real postage"
        quoted = work.carrier(carrier.id).estimate(consignment)
        return _told(kept, _priced(len(quoted.rates), f"A label was not bought, because {why}", quoted.remarks))
    if _is_carried_over(kept):
        try:
            return _bought_and_void(work, carrier.id, consignment, kept)
        except Permanent as refusal:
            # Refused in its own test, and now again: a third wish would be as vain, and stand in every test's way.
            kept = _left_behind(work, kept, refusal.reason)
    try:
        return _bought_and_void(work, carrier.id, consignment, kept)
    except Permanent as refusal:
        return _told(kept, failed(refusal.reason, refusal.remedy))


def _told(kept: Mapping[str, Any], found: Found) -> Found:
    """What was found, with what was left behind on the way."""
    return replace(found, sentence=" ".join(filter(None, (found.sentence, kept.get("left")))))


def _without_another_accounts_label(work: Work, kept: dict[str, Any], carrier: Connection | None) -> dict[str, Any]:
    """A label can be found and given back only with the account that bought it."""
    bought_by = (kept.get("chosen") or {}).get("connection")
    if bought_by is None or (carrier is not None and carrier.id == bought_by):
        return kept
    return _left_behind(work, kept, "the account that bought it is no longer the one in use.")


def _left_behind(work: Work, kept: dict[str, Any], why: str) -> dict[str, Any]:
    sentence = (
        f"An earlier test label ({kept['chosen']['shipment']}) stays at the carrier: bought with a key for tests, "
        f"it costs nothing. It could not be given back: {why}"
    )
    with work.writing() as session:
        return kept_self_test.leave_behind(session, work.tenant, kept, sentence)


def _is_carried_over(kept: Mapping[str, Any]) -> bool:
    """Whether the label is an earlier test's. What was kept before tests were told apart counts as that."""
    return bool(kept.get("chosen")) and kept["chosen"].get("test") != kept["number"]


def _priced(count: int, sentence: str, remarks: Sequence[str]) -> Found:
    if not count:
        return failed(f"No carrier offers a rate. {' '.join(remarks)}", "See to the carriers in your EasyPost account.")
    return Found(state="skipped", sentence=f"{sentence}; {count} rates were offered.")


def _bought_and_void(work: Work, connection: str, consignment: Consignment, kept: dict[str, Any]) -> Found:
    """Once for each test, even where a run is killed: what is bought is committed before, and asked for after."""
    carrier = work.carrier(connection)
    chosen = kept.get("chosen") or _choose(work, connection, consignment, kept)
    if chosen is None:
        return _told(kept, failed("No carrier offers a rate.", "See to the carriers in your EasyPost account."))
    shipment, rate = chosen["shipment"], chosen["rate"]
    label = outward.once(
        work,
        _act(kept, "buy_label", chosen),
        perform=lambda _keys: carrier.buy(shipment, rate),
        find=lambda _keys: carrier.find_label(shipment),
    ).result
    _settled(work, kept, "buy_label", shipment)
    outward.once(
        work,
        _act(kept, "void_label", shipment),
        perform=lambda _keys: _void(carrier, shipment),
        find=lambda _keys: _void_state(carrier, shipment),
    )
    _settled(work, kept, "void_label", shipment)
    return _told(kept, ok(f"A test label ({label.rate.carrier} {label.rate.service}) was bought and given back."))


def _choose(work: Work, connection: str, consignment: Consignment, kept: dict[str, Any]) -> dict[str, Any] | None:
    quoted = work.carrier(connection).quote(consignment)
    choice = rates.choose(quoted.rates, ships_at=work.now(), deliver_by=None)
    if choice is None:
        return None
    chosen = {
        "shipment": quoted.shipment_ref,
        "rate": choice.rate.remote_id,
        "connection": connection,
        "test": kept["number"],
    }
    label_of = kept.get("label_of", kept["number"])
    with work.writing() as session:
        kept_self_test.write(session, work.tenant, kept["number"], {"chosen": chosen, "label_of": label_of})
    return chosen


def _act(kept: dict[str, Any], kind: str, request: object) -> Act:
    key = kept_self_test.label_key(kept, kind)
    return Act(key=key, kind=kind, subject=key.rpartition("/")[0], request=request)


def _settled(work: Work, kept: dict[str, Any], kind: str, reference: str) -> None:
    with work.writing() as session:
        outward.settle(session, work.tenant, kept_self_test.label_key(kept, kind), "succeed", reference=reference)


def _first_warehouse(session: Session, tenant: int) -> Location | None:
    return session.scalars(
        select(Location).where(Location.tenant_id == tenant, Location.ships).order_by(Location.id).limit(1)
    ).first()


def _to_itself(place: Location, *, reference: str) -> Consignment:
    """The smallest parcel, from a warehouse to itself: no customs, and nobody's address but the merchant's own."""
    parcel = Parcel(weight_grams=100, length_mm=150, width_mm=100, height_mm=50)
    return Consignment(reference=reference, sender=place.address, recipient=place.address, parcel=parcel)


def _void(carrier: Carrier, shipment: str) -> VoidState:
    state = carrier.void(shipment)
    if state is VoidState.REFUSED:
        raise Permanent(
            "The carrier does not take the test label back.",
            remedy="Test again: then it is left behind. It costs nothing.",
            code="void_refused",
        )
    return state


def _void_state(carrier: Carrier, shipment: str) -> VoidState | None:
    """What an earlier wish came to; None where none was taken."""
    found = carrier.find_label(shipment)
    return None if found is None or found.void_state is VoidState.REFUSED else found.void_state
