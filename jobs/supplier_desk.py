"""What a person decides about a supplier's own machine: where it is told of purchase orders, with which secret."""

from __future__ import annotations

from sqlalchemy.orm import Session

from config.keyring import Keyring
from integrations import wire
from orders import supplier_hooks
from records.suppliers import Supplier


def tell_machine(session: Session, keyring: Keyring, supplier: Supplier, url: str) -> tuple[str, str]:
    """Tell a supplier's machine from the next purchase order on; answers a new secret, or what is wrong.

    The secret is kept sealed, and nobody can read it again: it is to be shown now.
    """
    wrong = wire.odd_address(url)
    if wrong:
        return "", wrong
    secret = supplier_hooks.new_secret()
    supplier.hook_url, supplier.sealed_hook_secret = url, keyring.seal({"secret": secret})
    session.flush()
    return secret, ""


def tell_no_more(session: Session, supplier: Supplier) -> bool:
    """Tell it nothing any more; answers whether it was told. What waits to be told ends by itself."""
    told = bool(supplier.hook_url)
    supplier.hook_url, supplier.sealed_hook_secret = "", None
    session.flush()
    return told
