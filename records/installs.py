"""Installations that were begun at a store and are not finished: each has a word that is good once."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Index
from sqlalchemy.orm import Mapped, mapped_column

from records.base import Base, CreatedAt


class InstallBegun(Base):
    """Of no tenant yet: the store that it is for becomes one at the end. Taking it deletes it."""

    __tablename__ = "installs_begun"
    __table_args__ = (Index("ix_installs_begun_expires_at", "expires_at"),)

    state: Mapped[str] = mapped_column(primary_key=True)
    vendor: Mapped[str]
    account: Mapped[str]
    created_at: Mapped[CreatedAt]
    expires_at: Mapped[datetime]
