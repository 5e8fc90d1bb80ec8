"""The port by which people are written to: the installation's own, and no connection's."""

from __future__ import annotations

from typing import Protocol

from integrations.nouns import Letter
from integrations.roles import Keys

# The code of the Permanent that is about one letter or one mailbox. Any other is about the account, and once that is
# mended the letter can be sent.
LETTER_REFUSED = "mail_refused"


class Mail(Protocol):
    """Writes to people. The installation's own, and no tenant's: it has no connection and no webhooks."""

    def send(self, letter: Letter, keys: Keys) -> None:
        """Hand one letter over. Nobody can be asked about it afterwards: `outcome_unknown` is the last word."""
