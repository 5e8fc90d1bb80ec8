"""Every setting, read once at the start and loudly: a value that cannot be right stops the boot and says which."""

from __future__ import annotations

import ipaddress
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote, urlsplit

from cryptography.fernet import Fernet
from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class SettingsError(Exception):
    """The environment is not what it has to be; the message lists every problem at once."""


class Settings(BaseSettings):
    """What an installation decides. `.env.example` says each in a sentence; a test compares the two."""

    model_config = SettingsConfigDict(env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True)

    database_url: str = ""
    # Who owns the tables and migrates them; empty where DATABASE_URL's user does.
    database_owner_url: str = ""
    redis_url: str = ""
    packline_home: Path = Path(".cache/packline")
    public_url: str = "http://127.0.0.1:8000"
    secret_key: SecretStr = SecretStr("")
    encryption_keys: Annotated[tuple[SecretStr, ...], NoDecode] = ()

    # How Shopify knows this app; empty where shops are connected by hand only.
    shopify_client_id: str = Field(default="", pattern=r"^[A-Za-z0-9_-]{0,64}$")
    shopify_client_secret: SecretStr = SecretStr("")
    # The secret before this one, until Shopify signs with the new one everywhere.
    shopify_old_client_secret: SecretStr = SecretStr("")

    # How letters to buyers leave, for all shops alike, and the address that they are from.
    mail_url: SecretStr = SecretStr("")
    mail_from: str = Field(default="", pattern=r"^([^\s@<>,;:\"\\]+@[^\s@<>,;:\"\\]+)?$")

    shopify_origin: str = ""
    shopify_api_version: str = Field(default="2026-10", pattern=r"^(\d{4}-\d{2}|unstable)$")
    stripe_api_base: str = ""
    easypost_api_base: str = ""

    log_level: str = Field(default="INFO", pattern="^(DEBUG|INFO|WARNING|ERROR)$")
    log_format: str = Field(default="json", pattern="^(json|text)$")

    # A worker that dies is noticed when its lease runs out; living ones renew it three times in that time.
    job_lease_seconds: float = Field(default=30, ge=1, le=600)
    # How long a bell may go unheard before the sweep rings it again.
    bell_patience_seconds: float = Field(default=10, ge=0.1, le=600)
    # Shopify's webhooks stay far below this; Stripe's and EasyPost's are some kilobytes.
    hook_body_limit_bytes: int = Field(default=2 * 1024 * 1024, ge=1024)
    web_processes: int = Field(default=2, ge=1, le=64)
    web_threads: int = Field(default=8, ge=1, le=256)
    # A sender that is silent for this long in the middle of a request gives its thread back.
    web_patience_seconds: float = Field(default=5, ge=0.5, le=60)
    database_pool_size: int = Field(default=10, ge=1, le=200)
    # Each adds an address to X-Forwarded-For; with more than there are, strangers could name any address as theirs.
    trusted_proxies: int = Field(default=0, ge=0, le=10)
    # A page that stands open asks 12 times a minute: a hundred of them behind one address are no attack.
    pages_per_minute_by_address: int = Field(default=1_200, ge=10)
    pages_per_minute_by_shop: int = Field(default=3_000, ge=10)
    # Exports, comparisons and work on many orders at once, by address and by shop.
    costly_pages_per_minute: int = Field(default=60, ge=1)

    @field_validator("encryption_keys", mode="before")
    @classmethod
    def _split_keys(cls, value: Any) -> Any:
        return tuple(key.strip() for key in value.split(",") if key.strip()) if isinstance(value, str) else value

    @field_validator("encryption_keys")
    @classmethod
    def _keys_are_fernet_keys(cls, value: tuple[SecretStr, ...]) -> tuple[SecretStr, ...]:
        for key in value:
            Fernet(key.get_secret_value().encode())  # raises ValueError with the length that it wants
        return value

    @property
    def owner_url(self) -> str:
        """Where whoever owns the tables logs in."""
        return self.database_owner_url or self.database_url

    @property
    def database_login(self) -> str:
        """Whom web and workers log in as; empty where the URL leaves that to the driver."""
        return unquote(urlsplit(self.database_url).username or "")

    @field_validator("database_url", "database_owner_url")
    @classmethod
    def _database_is_postgresql(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"postgresql", "postgres", "postgresql+psycopg"}:
            raise ValueError("Packline keeps its records in PostgreSQL: postgresql://user:password@host/name")
        return value

    @field_validator("redis_url")
    @classmethod
    def _bells_ring_in_redis(cls, value: str) -> str:
        if value and urlsplit(value).scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("bells ring in Redis: redis://, rediss:// or unix://")
        return value

    @field_validator("mail_url")
    @classmethod
    def _letters_leave_by_smtp(cls, value: SecretStr) -> SecretStr:
        parts = urlsplit(value.get_secret_value())
        if value.get_secret_value() and (parts.scheme not in {"smtp", "smtps"} or not parts.hostname):
            raise ValueError("a mail server: smtp://user:password@host:587 or smtps://user:password@host:465")
        return value

    @model_validator(mode="after")
    def _letters_are_from_somebody(self) -> Settings:
        if bool(self.mail_url.get_secret_value()) != bool(self.mail_from):
            raise ValueError("MAIL_URL and MAIL_FROM: set both, or neither")
        return self

    @field_validator("shopify_origin", "stripe_api_base", "easypost_api_base")
    @classmethod
    def _plain_http_to_loopback_only(cls, value: str) -> str:
        parts = urlsplit(value)
        if not value or parts.scheme == "https" or (parts.scheme == "http" and _loopback(parts.hostname or "")):
            return value.rstrip("/")
        raise ValueError("an https origin, or plain http to a loopback address only: secrets travel here")


def load(**overrides: Any) -> Settings:
    """The settings of this process. Raises SettingsError listing every value that cannot be right."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        problems = [f"{_named(p['loc'])}{p['msg'].removeprefix('Value error, ')}" for p in error.errors()]
        raise SettingsError("these settings cannot be right:\n  " + "\n  ".join(problems)) from error


def _named(place: tuple[int | str, ...]) -> str:
    """The setting that cannot be right; nothing where several do not go together."""
    return f"{str(place[0]).upper()}: " if place else ""


def _loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
