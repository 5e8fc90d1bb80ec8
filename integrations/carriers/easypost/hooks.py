"""The webhooks of an EasyPost account: which stand, and how one comes to stand.

https://docs.easypost.com/docs/webhooks. A webhook is sent every event of its account, is disabled after too many
deliveries in vain, and never tells its secret, so a new one is given wherever it has to be enabled.
"""

from __future__ import annotations

from collections.abc import Sequence

from integrations.carriers.easypost import objects, words
from integrations.carriers.easypost.client import EasyPostClient, delete, get, patch, post
from integrations.nouns import Hook
from integrations.ports import Permanent


def standing(easypost: EasyPostClient) -> Sequence[Hook]:
    return [_hook(webhook) for webhook in _webhooks(easypost)]


def add(easypost: EasyPostClient, address: str, secret: str) -> str:
    """Have every event sent to an address; one that stands there is left alone, or enabled where it was disabled."""
    stands = next((webhook for webhook in _webhooks(easypost) if webhook.url == address), None)
    if stands is None:
        wish = {"webhook": {"url": address, "webhook_secret": secret}}
        easypost.ask(post("webhook.create", "/webhooks", wish), objects.Webhook)
    elif stands.disabled_at:
        enable(easypost, stands.id, secret)
    return ""


def enable(easypost: EasyPostClient, remote_id: str, secret: str) -> None:
    """Enable a webhook, and sign what it tells from now on with this secret."""
    wish = {"webhook_secret": secret}
    easypost.ask(patch("webhook.update", f"/webhooks/{remote_id}", wish, reference=remote_id), objects.Webhook)


def drop(easypost: EasyPostClient, remote_id: str) -> None:
    """Delete a webhook; one that is gone already is left gone."""
    try:
        easypost.ask_list(delete("webhook.delete", f"/webhooks/{remote_id}", reference=remote_id))
    except Permanent:
        if any(webhook.id == remote_id for webhook in _webhooks(easypost)):
            raise


def _webhooks(easypost: EasyPostClient) -> Sequence[objects.Webhook]:
    return easypost.ask(get("webhook.list", "/webhooks"), objects.WebhookList).webhooks


def _hook(webhook: objects.Webhook) -> Hook:
    return Hook(remote_id=webhook.id, address=webhook.url, disabled_at=words.moment(webhook.disabled_at))
