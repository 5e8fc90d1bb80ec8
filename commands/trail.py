"""Writes down what somebody changes on the command line, in the transaction that changes it."""

from __future__ import annotations

import os
import pwd
from typing import Any

import click
from sqlalchemy.orm import Session

from commands import opening
from records import audit


def changed(session: Session, tenant: int = audit.THE_HOUSE, *, subject: str = "", **details: Any) -> None:
    """Add the line for this command to the shop's book, or to the house's. `details` as in records.audit.write.

    Whoever runs the command is known as the machine's own account, and as nobody more.
    """
    path = click.get_current_context().command_path
    audit.write(
        session,
        tenant,
        actor=opening.BY,
        surface="command",
        act=path.partition(" ")[2],
        subject=subject,
        outcome="done",
        account=_account(),
        **details,
    )


def _account() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container runs as a number that no account has
        return str(os.getuid())
