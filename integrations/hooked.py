"""What every vendor that tells us things by webhook can be asked about its webhooks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from integrations.nouns import Hook


@dataclass(frozen=True, kw_only=True)
class Renewed:
    """The webhook that signs with another secret from now on; a vendor that makes the secret itself answers it."""

    remote_id: str
    """Another one than before where the vendor had to make it anew: then both tell us until the old one is dropped."""
    secret: str = ""

    def __repr__(self) -> str:
        return f"Renewed(remote_id={self.remote_id!r})"


class Hooked(Protocol):
    """Whoever tells us things by webhook."""

    def hooks(self) -> Sequence[Hook]:
        """The webhooks that stand at the vendor for us, disabled ones too."""

    def add_hook(self, topics: Sequence[str], address: str, secret: str) -> str:
        """Have these topics (the vendor's words) sent to an address; does nothing where that stands already.

        Answers the secret that will sign them where the vendor makes one, else an empty text.
        """

    def enable_hook(self, remote_id: str, secret: str) -> None:
        """Have a disabled webhook tell again."""

    def renew_hook(self, remote_id: str, topics: Sequence[str], address: str, secret: str) -> Renewed:
        """Have what goes to an address signed with another secret. Asked twice, it leaves one new webhook, not two.

        Permanent where the vendor signs with nothing that belongs to the webhook.
        """

    def drop_hook(self, remote_id: str) -> None:
        """Have a webhook tell nothing any more; does nothing where it is gone."""
