"""``tongpan user``: people who sign in."""

from __future__ import annotations

import sys

import click

from tongpan.cli.session import echo_json, json_option, with_database

ROLES = ("administrator", "manager", "analyst", "store", "viewer")
stdin_option = click.option(
    "--password-stdin", is_flag=True, help="Read the password from standard input, up to the end of its first line."
)


@click.group()
def user() -> None:
    """Create users, list them, set passwords and roles."""


@user.command("create")
@click.argument("username")
@click.option("--role", type=click.Choice(ROLES), default="viewer", show_default=True)
@click.option("--name", "display_name", default="", help="The name that others see.")
@click.option("--language", type=click.Choice(["zh-hans", "en"]), help="The language of the console.")
@stdin_option
@json_option
@with_database
def create(
    *, username: str, role: str, display_name: str, language: str | None, password_stdin: bool, as_json: bool
) -> None:
    """Make a user.

    The password is asked for on a terminal; --password-stdin reads it from standard input; otherwise one is made
    and printed, this once.
    """
    from tongpan.access.actions import create_user
    from tongpan.core.clock import utc_now

    password, is_made = _password(password_stdin)
    create_user(
        username,
        password,
        role,
        now=utc_now(),
        actor="cli",
        display_name=display_name,
        language=language or "",
    )
    _tell({"username": username, "role": role}, password if is_made else None, as_json)


@user.command("list")
@json_option
@with_database
def show(as_json: bool) -> None:
    """List all users."""
    from tongpan.access.queries import users

    rows = [
        {
            "username": row.username,
            "name": row.display_name,
            "role": row.role,
            "active": row.is_active,
            "last_login": row.last_login and row.last_login.isoformat(),
        }
        for row in users()
    ]
    if as_json:
        echo_json(rows)
        return
    if not rows:
        click.echo("There are no users yet; `tongpan user create NAME --role administrator` makes one.")
    for row in rows:
        state = "" if row["active"] else "  (not active)"
        click.echo(f"{row['username']}  {row['role']}  {row['name']}{state}".rstrip())


@user.command("password")
@click.argument("username")
@stdin_option
@json_option
@with_database
def password(username: str, password_stdin: bool, as_json: bool) -> None:
    """Change the password of USERNAME and end the user's sessions. It is asked for, read or made as in `create`."""
    from tongpan.access.actions import set_password
    from tongpan.core.clock import utc_now

    text, is_made = _password(password_stdin)
    set_password(username, text, now=utc_now(), actor="cli")
    _tell({"username": username}, text if is_made else None, as_json)


@user.command("role")
@click.argument("username")
@click.argument("role", type=click.Choice(ROLES))
@json_option
@with_database
def role(username: str, role: str, as_json: bool) -> None:
    """Give USERNAME another ROLE."""
    from tongpan.access.actions import set_role
    from tongpan.core.clock import utc_now

    set_role(username, role, now=utc_now(), actor="cli")
    _tell({"username": username, "role": role}, None, as_json)


def _password(from_stdin: bool) -> tuple[str, bool]:
    """The password, and whether it was made here. It never comes from the command line, which others can see."""
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n"), False
    if sys.stdin.isatty():
        return click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True), False
    from tongpan.access.actions import generate_password

    return generate_password(), True


def _tell(result: dict[str, str], made_password: str | None, as_json: bool) -> None:
    if as_json:
        echo_json(result | ({"password": made_password} if made_password else {}))
        return
    click.echo(f"Done: {', '.join(f'{name} {value}' for name, value in result.items())}.")
    if made_password:
        click.echo(f"Password: {made_password}  (shown this once)")
