"""How things move: every state of every thing, in one table, moved by compare-and-set.

What is wrong with a thing is a hold or a parked job beside its state, never a state called "error".
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import structlog
from sqlalchemy import ClauseElement, Table, bindparam, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import set_committed_value
from sqlalchemy.orm.util import identity_key
from sqlalchemy.sql.dml import ReturningUpdate

from records.address_changes import AddressChange
from records.choices import Choice, Swap
from records.comparisons import Comparison
from records.counts import Count
from records.inbox import InboxEvent
from records.intentions import Intention
from records.jobs import Job
from records.notices import Notice
from records.orders import Hold, Order
from records.privacy import PrivacyRequest
from records.replenishing import StockLetter
from records.reversals import Reversal, ReversalStep
from records.shipments import Label, Shipment
from records.stock import Arrival, Reservation
from records.suppliers import PurchaseOrder

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Life:
    """The states of one kind of thing: where it starts, how it moves, where it may rest for ever."""

    table: Any
    start: str
    moves: MappingProxyType[str, tuple[frozenset[str], str]]
    ends: frozenset[str]

    @property
    def states(self) -> frozenset[str]:
        return frozenset({self.start} | {to for _, to in self.moves.values()})


def _life(table: Any, start: str, ends: str, **moves: str) -> Life:
    """`verified="received > verified"` reads: the move `verified` leads from received to verified."""
    read = {}
    for name, sentence in moves.items():
        sources, target = sentence.split(" > ")
        read[name] = (frozenset(sources.split(" | ")), target)
    return Life(table, start, MappingProxyType(read), frozenset(ends.split()))


_OF_A_LETTER = {"send": "due > sent", "suppress": "due > suppressed", "fail": "due > failed"}
LIVES = MappingProxyType(
    {
        "order": _life(
            Order,
            "received",
            ends="closed cancelled",
            verify="received > verified",
            release="verified > released",
            allocate="released > allocated",
            # In a shop that only watches, this is as far as an order gets; when the shop goes live it begins anew.
            watch="released > watched",
            go_live="watched > received",
            # Somebody else ships it: the merchant did while we watched, or said that such orders are left alone.
            leave="received | verified | released | watched > closed",
            # Also what was opened again: a supplier may ship what was promised before.
            ship="released | allocated | shipping > shipping",
            fulfil="shipping > fulfilled",
            close="verified | released | watched | allocated | shipping | fulfilled > closed",
            # The store asks for more of an order that was complete: a line was added to it.
            reopen="fulfilled | closed > released",
            cancel="received | verified | released | watched | allocated | shipping | fulfilled | closed > cancelling",
            cancelled="cancelling > cancelled",
            # Something had left before the cancellation could stop it: what has left is fulfilled.
            keep="cancelling > shipping",
        ),
        "shipment": _life(
            Shipment,
            "planned",
            ends="handed_over cancelled",
            label="planned > labelled",
            announce="labelled > announced",
            # Without a carrier: it lies ready for its buyer, and a person says that they have it.
            ready="planned > ready",
            give="planned | ready > handing_over",
            # The person took that back before the store was told.
            not_given="handing_over > planned",
            hand_over="labelled | announced | handing_over > handed_over",
            cancel="planned | labelled | announced | ready | handing_over > cancelled",
            # The store does not show any more that a buyer has it.
            bring_back="handed_over > cancelled",
        ),
        "label": _life(
            Label,
            "intended",
            ends="voided failed bought spent",
            buy="intended > bought",
            fail="intended > failed",
            request_void="bought | void_refused > void_requested",
            void="bought | void_requested | void_refused > voided",
            refuse_void="void_requested > void_refused",
            # It was bought after all, for a parcel that does not want it any more.
            take_back="intended | failed > void_requested",
            # The carrier's last word is no: the postage is spent.
            give_up="void_refused > spent",
        ),
        "reservation": _life(
            Reservation,
            "held",
            ends="consumed released",
            consume="held > consumed",
            release="held | consumed > released",
        ),
        "hold": _life(Hold, "open", ends="released", release="open > released"),
        "inbox_event": _life(
            InboxEvent,
            "received",
            ends="taken ignored",
            take="received > taken",
            ignore="received > ignored",
            park="received > parked",
            replay="taken | ignored | parked > received",
        ),
        "job": _life(
            Job,
            "due",
            ends="done cancelled",
            claim="due | running > running",
            finish="running > done",
            again="running > due",
            park="running > parked",
            retry="parked > due",
            discard="due | parked > cancelled",
            cancel="running > cancelled",
        ),
        "intention": _life(
            Intention,
            "intended",
            ends="succeeded adopted",
            succeed="intended > succeeded",
            adopt="intended > adopted",
            refuse="intended > refused",
            abandon="intended > abandoned",
            again="refused | abandoned > intended",
            renew="intended > intended",
        ),
        "reversal": _life(
            Reversal, "under_way", ends="done given_up", finish="under_way > done", give_up="under_way > given_up"
        ),
        "reversal_step": _life(
            ReversalStep,
            "due",
            ends="done skipped dropped",
            finish="due | refused > done",
            skip="refused | asks > skipped",
            drop="due | refused | asks > dropped",
            refuse="due > refused",
            ask="due > asks",
            agree="asks > due",
            again="refused > due",
        ),
        "comparison": _life(
            Comparison,
            "wanted",
            ends="done failed",
            begin="wanted > running",
            finish="running > done",
            fail="running > failed",
        ),
        "arrival": _life(
            Arrival,
            "expected",
            ends="received cancelled",
            receive="expected > received",
            cancel="expected > cancelled",
        ),
        "count": _life(
            Count,
            "counting",
            ends="applied discarded",
            look_through="counting > ready",
            go_on="ready > counting",
            apply="ready > applied",
            discard="counting | ready > discarded",
        ),
        "choice": _life(
            Choice,
            "asked",
            ends="answered defaulted withdrawn",
            remind="asked > reminded",
            answer="asked | reminded > answered",
            # Nothing was done about the answer yet: whoever gave it may think better of it.
            think_again="answered | defaulted > answered",
            # Nobody answered by the deadline.
            default="asked | reminded > defaulted",
            # The units came before an answer did, or nobody wants them any more.
            stock_landed="asked | reminded > answered",
            # The order is over, or other units are short now and the buyer is asked anew. An answer goes with its order
            # as long as nothing was done about it.
            withdraw="asked | reminded | answered | defaulted > withdrawn",
        ),
        "address_change": _life(
            AddressChange,
            "asked",
            ends="written refused withdrawn",
            write="asked | withdrawn > written",
            refuse="asked > refused",
            withdraw="asked > withdrawn",
        ),
        "swap": _life(Swap, "asked", ends="written refused", write="asked > written", refuse="asked > refused"),
        "purchase_order": _life(
            PurchaseOrder,
            "written",
            ends="shipped rejected cancelled",
            send="written > sent",
            # The link may reach a supplier by hand as well.
            accept="written | sent > accepted",
            # Also what was accepted, and of what was shipped in part the rest.
            reject="written | sent | accepted > rejected",
            ship="written | sent | accepted > shipped",
            cancel="written | sent > cancelled",
            # The supplier was asked, and a person says that they agreed.
            call_off="accepted > cancelled",
        ),
        "notice": _life(Notice, "due", ends="sent suppressed failed", **_OF_A_LETTER),
        "stock_letter": _life(StockLetter, "due", ends="sent suppressed failed", **_OF_A_LETTER),
        "privacy_request": _life(
            PrivacyRequest,
            "due",
            ends="done",
            finish="due > done",
            # The store came back and left anew: the same demand is another one.
            again="done > due",
        ),
    }
)


def move(session: Session, tenant: int, thing: str, id: int, by: str, **also: Any) -> bool:
    """Move one thing along its table, setting `also` in the same statement.

    Answers whether this call moved it. False means that somebody was first or that the move does not start where the
    thing stands; that is logged in one line and is not an error.
    """
    life = LIVES[thing]
    sources, target = life.moves[by]
    table = life.table
    told = {f"new_{name}": value for name, value in also.items() if not isinstance(value, ClauseElement)}
    asked = _moving(thing, by, frozenset(told))
    spelled = {name: value for name, value in also.items() if f"new_{name}" not in told}
    session.flush()
    moved = session.execute(
        asked.values(spelled) if spelled else asked, {"tenant": tenant, "thing": id, **told}
    ).first()
    loaded = session.identity_map.get(identity_key(table, (tenant, id)))
    if loaded is not None and moved is not None:
        # What was moved is known without asking; the rest of the row stays readable when the session is over.
        set_committed_value(loaded, "state", target)
        if also:
            session.expire(loaded, list(also))
    if moved is None:
        found = session.execute(
            table.__table__.select().with_only_columns(table.state).where(table.tenant_id == tenant, table.id == id)
        ).scalar_one_or_none()
        log.info("not moved", thing=thing, tenant=tenant, id=id, by=by, found=found, wanted=sorted(sources))
    return moved is not None


@functools.cache
def _moving(thing: str, by: str, told: frozenset[str]) -> ReturningUpdate[Any]:
    """The statement of one move, built once: of the table, since building and asking of the class costs twice that."""
    life = LIVES[thing]
    sources, target = life.moves[by]
    table: Table = life.table.__table__
    names = sorted(name.removeprefix("new_") for name in told)
    return (
        update(table)
        .where(table.c.tenant_id == bindparam("tenant"), table.c.id == bindparam("thing"))
        .where(table.c.state.in_(sorted(sources)))
        .values(state=target, **{name: bindparam(f"new_{name}", type_=table.c[name].type) for name in names})
        .returning(table.c.id)
    )
