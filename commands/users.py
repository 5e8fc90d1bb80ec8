"""`packline users`: who may open the pages, what they may do there, and where they are signed in."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

import click
from sqlalchemy.orm import Session

from commands import opening, output, trail
from records import tenants, users

_LIST = ("id", "name", "role", "shop", "second_factor", "created_at", "ended_at")
_ROLE = click.Choice(users.ROLES)


@click.group("users")
def group() -> None:
    """Who may open the pages."""


@group.command("add")
@click.argument("name")
@click.option("--role", type=_ROLE, default="admin", show_default=True, help="What they may do.")
@click.option("--shop", type=opening.ROW_ID, help="The one shop that they may see; every shop without it.")
@click.option("--password-from-env", metavar="VARIABLE", help="Read it from this variable, instead of asking for it.")
@output.json_option
def add(name: str, role: str, shop: int | None, password_from_env: str | None, as_json: bool) -> None:
    """Let somebody in, with a password that is asked for twice; prints the new user's number."""
    read = opening.settings()
    password = _password(password_from_env)
    try:
        with opening.house(read, why="a user is added") as session:
            _existing_shop(session, shop)
            id = users.add(session, name, password, role=role, shop=shop)
            trail.changed(session, subject=f"people/{id}", role=role, shop=shop)
    except (users.NameTaken, users.OddName, users.WeakPassword) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    if as_json:
        output.document({"id": id, "name": name.strip(), "role": role, "shop": shop})
    else:
        click.echo(id)


@group.command("list")
@output.json_option
def list_users(as_json: bool) -> None:
    """List who may sign in, and who may no longer."""
    with opening.house(opening.settings(), why="the list of users") as session:
        rows = [
            {
                "id": user.id,
                "name": user.name,
                "role": user.role,
                "shop": user.tenant_id,
                "second_factor": user.sealed_totp is not None,
                "created_at": user.created_at,
                "ended_at": user.ended_at,
            }
            for user in users.everybody(session)
        ]
    output.listing(rows, _LIST, as_json=as_json)


@group.command("role")
@click.argument("name")
@click.argument("role", type=_ROLE)
@output.json_option
def role_of(name: str, role: str, as_json: bool) -> None:
    """Change what somebody may do, from their next click on; they sign in anew for it."""
    _change(name, lambda session: users.give_role(session, name, role), role=role)
    output.message(f"{name} is {role} from now on.")
    if as_json:
        output.document({"name": name, "role": role})


@group.command("shop")
@click.argument("name")
@click.argument("tenant", type=opening.ROW_ID, required=False)
@click.option("--every", is_flag=True, help="They may see every shop.")
@output.json_option
def shop_of(name: str, tenant: int | None, every: bool, as_json: bool) -> None:
    """Bind somebody to one shop, or with --every to none; they sign in anew for it."""
    if every == (tenant is not None):
        raise click.UsageError("say either the shop's number, or --every")

    def bind(session: Session) -> bool:
        _existing_shop(session, tenant)
        return users.give_shop(session, name, tenant)

    _change(name, bind, shop=tenant)
    output.message(f"{name} sees {'every shop' if tenant is None else f'shop {tenant} only'} from now on.")
    if as_json:
        output.document({"name": name, "shop": tenant})


@group.command("end-sessions")
@click.argument("name")
@output.json_option
def end_sessions(name: str, as_json: bool) -> None:
    """Sign somebody out wherever they are signed in; they may sign in again."""
    _change(name, lambda session: users.end_sessions(session, name))
    output.message(f"{name} is signed out everywhere.")
    if as_json:
        output.document({"signed_out": name})


@group.command("reset-second-factor")
@click.argument("name")
@output.json_option
def reset_second_factor(name: str, as_json: bool) -> None:
    """Let somebody whose phone was lost sign in with the password alone. Be sure that it is them who ask."""
    _change(name, lambda session: users.reset_second_factor(session, name))
    output.message(f"{name} signs in with the password alone, until a second factor is set up again.")
    if as_json:
        output.document({"reset": name})


@group.command("end")
@click.argument("name")
@output.json_option
def end(name: str, as_json: bool) -> None:
    """Let somebody in no longer, also where they are signed in."""
    _change(name, lambda session: users.end(session, name))
    output.message(f"{name} may sign in no longer.")
    if as_json:
        output.document({"ended": name})


def _change(name: str, act: Callable[[Session], bool], **details: Any) -> None:
    """Change somebody who is there, and write it down."""
    with opening.house(opening.settings(), why="a user is changed") as session:
        user = users.named(session, name)
        if user is None or not act(session):
            raise click.ClickException(f"there is no user {name}: packline users list")
        trail.changed(session, subject=f"people/{user.id}", **details)


def _existing_shop(session: Session, shop: int | None) -> None:
    if shop is not None and session.get(tenants.Tenant, shop) is None:
        raise click.ClickException(f"there is no tenant {shop}: packline tenants list")


def _password(variable: str | None) -> str:
    if variable is None:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    given = os.environ.get(variable, "")
    if not given:
        raise click.ClickException(f"the variable {variable} holds no password")
    return given
