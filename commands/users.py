"""`packline users`: who may open the pages."""

from __future__ import annotations

import os

import click

from commands import opening, output
from records import users

_LIST = ("id", "name", "created_at", "ended_at")


@click.group("users")
def group() -> None:
    """Who may open the pages."""


@group.command("add")
@click.argument("name")
@click.option("--password-from-env", metavar="VARIABLE", help="Read it from this variable, instead of asking for it.")
@output.json_option
def add(name: str, password_from_env: str | None, as_json: bool) -> None:
    """Let somebody in, with a password that is asked for twice; prints the new user's number."""
    read = opening.settings()
    password = _password(password_from_env)
    try:
        with opening.house(read, why="a user is added") as session:
            id = users.add(session, name, password)
    except (users.NameTaken, users.OddName, users.WeakPassword) as refusal:
        raise click.ClickException(str(refusal)) from refusal
    if as_json:
        output.document({"id": id, "name": name.strip()})
    else:
        click.echo(id)


@group.command("list")
@output.json_option
def list_users(as_json: bool) -> None:
    """List who may sign in, and who may no longer."""
    with opening.house(opening.settings(), why="the list of users") as session:
        rows = [{name: getattr(user, name) for name in _LIST} for user in users.everybody(session)]
    output.listing(rows, _LIST, as_json=as_json)


@group.command("end")
@click.argument("name")
@output.json_option
def end(name: str, as_json: bool) -> None:
    """Let somebody in no longer, also where they are signed in."""
    with opening.house(opening.settings(), why="a user is ended") as session:
        ended = users.end(session, name)
    if not ended:
        raise click.ClickException(f"there is no user {name}: packline users list")
    output.message(f"{name} may sign in no longer.")
    if as_json:
        output.document({"ended": name})


def _password(variable: str | None) -> str:
    if variable is None:
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True))
    given = os.environ.get(variable, "")
    if not given:
        raise click.ClickException(f"the variable {variable} holds no password")
    return given
