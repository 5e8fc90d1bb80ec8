"""What a person may ask for about digital goods: say what they are, add codes, stop, send a delivery once more."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from config.keyring import Keyring
from jobs import queue
from orders import digital
from records import notices, timeline
from records.digital import CODES, LINK, DigitalCode, DigitalGoods, find_delivery, goods_of
from records.stock import Variant


def set_link(
    session: Session, keyring: Keyring, tenant: int, variant: int, url: str, *, most_openings: int, days: int
) -> None:
    """Have a variant deliver a link from now on. What was delivered leads to the new address, too."""
    goods = _begun(session, tenant, variant, LINK)
    goods.sealed_link = keyring.seal({"url": url})
    goods.most_openings, goods.days = most_openings, days


def add_codes(
    session: Session, keyring: Keyring, tenant: int, variant: int, codes: Sequence[str]
) -> tuple[int, list[str]]:
    """Put codes into a variant's pool; answers how many were new, and those that were in it before.

    The pool is locked, so that a code that is pasted twice at once is in it once. Orders that wait for codes go on.
    """
    _begun(session, tenant, variant, CODES)
    known = _codes_in(session, keyring, tenant, variant)
    fresh = [code for code in dict.fromkeys(codes) if code not in known]
    session.add_all(
        DigitalCode(tenant_id=tenant, variant_id=variant, sealed_code=keyring.seal({"code": code})) for code in fresh
    )
    session.flush()
    _deliver_to_those_who_wait(session, tenant)
    return len(fresh), [code for code in dict.fromkeys(codes) if code in known]


def stop(session: Session, tenant: int, variant: int) -> bool:
    """Deliver a variant no more; answers whether it was delivered until now. What was delivered stays good."""
    goods = goods_of(session, tenant, variant, lock=True)
    if goods is None or not goods.active:
        return False
    goods.active = False
    session.flush()
    _deliver_to_those_who_wait(session, tenant)  # what nobody delivers, nobody waits for
    return True


def why_not(variant: Variant) -> str:
    """Why a variant cannot have digital goods; empty where it can. Pure."""
    if variant.needs_shipping:
        return (
            "The store ships this in a parcel. Switch off “This is a physical product” for it in the store, "
            "read the store anew, and try again."
        )
    return ""


def send_again(session: Session, tenant: int, delivery: int, *, seen: int, anew: bool, by: str, now: datetime) -> bool:
    """Write a buyer once more what they were given: the same codes, and links that may begin anew.

    `seen` is how many letters the person saw: whoever presses twice sends one. Answers whether one is sent.
    """
    row = find_delivery(session, tenant, delivery)
    if row is None:
        return False
    notice = notices.want(session, tenant, row.order_id, digital.subject_of(delivery), f"again/{seen}")
    if notice is None:
        return False
    if anew:
        digital.begin_anew(session, tenant, delivery, now=now)
    queue.add(session, tenant, "send_notice", f"notice/{notice}")
    said = "Asked to send what was bought digitally once more" + (", with its links begun anew." if anew else ".")
    timeline.write(session, tenant, row.order_id, actor=by, kind="person", sentence=said, delivery=delivery)
    return True


def _begun(session: Session, tenant: int, variant: int, kind: str) -> DigitalGoods:
    """The goods of a variant, locked; made or begun anew where they were not delivered until now."""
    session.execute(
        insert(DigitalGoods)
        .values(tenant_id=tenant, variant_id=variant, kind=kind)
        .on_conflict_do_nothing(index_elements=["tenant_id", "variant_id"])
    )
    goods = goods_of(session, tenant, variant, lock=True)
    if goods is None:
        raise RuntimeError("digital goods are never deleted")
    if not goods.active:
        goods.active = True
        goods.since = session.execute(select(func.now())).scalar_one()
    goods.kind = kind
    return goods


def _deliver_to_those_who_wait(session: Session, tenant: int) -> None:
    subjects = [f"order/{order}" for order in digital.waiting(session, tenant)]
    queue.add_all(session, tenant, "deliver_digital", dict(zip(subjects, subjects, strict=True)))


def _codes_in(session: Session, keyring: Keyring, tenant: int, variant: int) -> set[str]:
    """Every code that a pool has or had. Sealed bytes differ each time, so they are opened to be compared."""
    sealed = session.scalars(
        select(DigitalCode.sealed_code).where(DigitalCode.tenant_id == tenant, DigitalCode.variant_id == variant)
    )
    return {keyring.open(one)["code"] for one in sealed if one}
