"""Why a connection has no access now, for whom its jobs wait, and for how long.

Waiting for access counts as no try: a job has done nothing wrong, and cannot do anything about it.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from integrations.ports import Temporary
from records.tenants import Connection

# Nothing but the merchant helps, who rouses the jobs by opening the app; the hour is for a bell that was lost.
CONSENT_LOOK_S = 3600.0
OTHER_LOOK_S = 300.0
# Why jobs wait for access; all of these are roused when there is access again.
CONSENT, RENEWING, REFUSED = "consent", "renewing", "no_access"
WAITING = (CONSENT, RENEWING, REFUSED)
OPEN_THE_APP = "Open Packline in the store's admin once; what waits goes on by itself then."


class NoAccess(Temporary):
    """Nobody has secrets that the vendor takes now. Jobs wait for them, and waiting counts as no try."""

    def __init__(self, reason: str, *, code: str, wait_s: float) -> None:
        super().__init__(reason, code=code, retry_in_s=wait_s)
        self.wait_s = wait_s


def waits_for_somebody(row: Connection) -> bool:
    """Whether the last renewal was refused, so that a person has to do something."""
    return row.consent_wanted_at is not None or any(remark.get("kind") == REFUSED for remark in row.remarks)


def asked_lately(row: Connection, now: datetime) -> NoAccess | None:
    """What to raise where the vendor refused a moment ago: a thousand jobs are not to ask a thousand times. Pure."""
    for remark in row.remarks:
        if remark.get("kind") == REFUSED and "at" in remark:
            left_s = OTHER_LOOK_S - (now - datetime.fromisoformat(remark["at"])).total_seconds()
            if left_s > 0:
                return NoAccess(str(remark.get("sentence", "")), code=REFUSED, wait_s=left_s)
    return None


def consent_wanted() -> NoAccess:
    return NoAccess(f"The store's access has to be granted anew. {OPEN_THE_APP}", code=CONSENT, wait_s=CONSENT_LOOK_S)


def somebody_else() -> NoAccess:
    return NoAccess("Another process is renewing the store's access.", code=RENEWING, wait_s=1.0)


def others(remarks: list[Any]) -> list[Any]:
    return [remark for remark in remarks if remark.get("kind") not in {CONSENT, REFUSED, "token"}]
