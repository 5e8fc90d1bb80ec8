"""Finds the connectors: every module or package under storefronts/, payments/ and carriers/ offers one VENDOR.

A new vendor is one new file there, and nothing else changes. What such a file forgets is said at the first look-up,
for all vendors together, and a connector that lacks a verb of its role is refused when it is built.
"""

from __future__ import annotations

import functools
import importlib
import pkgutil
from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import ModuleType
from typing import Any

from integrations import carriers, payments, storefronts
from integrations.ports import Carrier, Credentials, Door, Notice, Origins, Payments, Storefront, Vendor

_ROLES: Mapping[str, tuple[ModuleType, type]] = {
    "storefront": (storefronts, Storefront),
    "payments": (payments, Payments),
    "carrier": (carriers, Carrier),
}


class UnknownVendor(KeyError):
    """No connector has this name; the message lists those there are."""

    def __init__(self, name: str, known: Iterable[str]) -> None:
        super().__init__(name)
        self.name = name
        self.known = tuple(known)

    def __str__(self) -> str:
        return f"there is no vendor {self.name!r}; there are {', '.join(self.known)}"


class MisshapenVendor(TypeError):
    """A connector's file breaks the contract of `integrations.ports`; the message says where and how."""


def vendor(name: str) -> Vendor:
    """The vendor of that name. Raises UnknownVendor."""
    known = _vendors()
    if name not in known:
        raise UnknownVendor(name, known)
    return known[name]


def vendors(role: str | None = None) -> tuple[Vendor, ...]:
    """All vendors, or those of one role (`storefront`, `payments`, `carrier`), by name."""
    return tuple(found for found in _vendors().values() if role in {None, found.role})


def doors() -> Mapping[str, Door]:
    """How each vendor's webhooks are received, by the vendor's name."""
    return {name: found.door for name, found in _vendors().items()}


@functools.cache
def _vendors() -> Mapping[str, Vendor]:
    found = [
        _shaped(importlib.import_module(f"{folder.__name__}.{module.name}"), role, port)
        for role, (folder, port) in _ROLES.items()
        for module in pkgutil.iter_modules(folder.__path__)
        if not module.name.startswith("_")
    ]
    return _by_name(found)


def _by_name(found: Iterable[Vendor]) -> Mapping[str, Vendor]:
    by_name: dict[str, Vendor] = {}
    for one in sorted(found, key=lambda one: one.name):
        if one.name in by_name:
            raise MisshapenVendor(f"two connectors are called {one.name!r}; a name belongs to one vendor in one role")
        by_name[one.name] = one
    return by_name


def _shaped(module: ModuleType, role: str, port: type) -> Vendor:
    offered = getattr(module, "VENDOR", None)
    if not isinstance(offered, Vendor):
        raise MisshapenVendor(f"{module.__name__} has no VENDOR (an integrations.ports.Vendor)")
    door = offered.door
    faults = [
        (offered.role != role, f"its role is {offered.role!r} but it lies among the {role} connectors"),
        (door.vendor != offered.name, f"its door says {door.vendor!r} where its name is {offered.name!r}"),
        (not offered.secret_names, "it names no secret, so a connection could not be made"),
        (door.signature_header != door.signature_header.lower(), "its signature header is not in lower case"),
    ]
    for wrong, fault in faults:
        if wrong:
            raise MisshapenVendor(f"{module.__name__}.VENDOR: {fault}")
    return replace(offered, build=_checked(offered, port))


def _checked(offered: Vendor, port: type) -> Any:
    def build(credentials: Credentials, origins: Origins, notice: Notice) -> Any:
        connector = offered.build(credentials, origins, notice)
        if not isinstance(connector, port):
            missing = ", ".join(sorted(verb for verb in _verbs(port) if not callable(getattr(connector, verb, None))))
            raise MisshapenVendor(f"{offered.name}: its connector lacks {missing}, which {port.__name__} asks for")
        return connector

    return build


def _verbs(port: type) -> list[str]:
    return [name for name in dir(port) if not name.startswith("_") and callable(getattr(port, name))]
