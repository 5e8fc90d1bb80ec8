"""Sends letters. The installation has one mail account for all its shops; which one, a setting says."""

from __future__ import annotations

from integrations.mail.smtp import SmtpMail
from integrations.ports import Mail, Notice


def build(url: str, sender: str, notice: Notice) -> Mail:
    """The mail account at `url` (smtp:// or smtps://), which sends as the address `sender`."""
    return SmtpMail(url, sender, notice)
