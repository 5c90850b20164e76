"""What every command shares: the database around it, ``--json``, and how a refusal reaches a person.

A command that needs the database is written as

    @click.command("reconcile")
    @json_option
    @with_database
    def reconcile(as_json: bool) -> None:
        from tongpan.inventory.queries import reconcile_stock  # Django is set up by now
        ...

and registered in ``tongpan.cli.main``. Command modules import only click and this module at the top, so that
``tongpan --help`` answers at once; what needs Django is imported inside the function.

Exit codes: 0 done; 1 refused, with a sentence on stderr; 2 wrong usage (click's own).
"""

from __future__ import annotations

import functools
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import click

from tongpan.core.config import Config, load_config
from tongpan.core.errors import Refusal

P = ParamSpec("P")
R = TypeVar("R")

json_option = click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")


def echo_json(result: Any) -> None:
    """Print ``result`` as one JSON document; Decimals, dates and paths as their strings."""
    click.echo(json.dumps(result, ensure_ascii=False, indent=2, default=str))


def configuration() -> Config:
    """The settings of this installation. Raises Refusal("config.invalid") when the environment is wrong."""
    try:
        return load_config()
    except ValueError as error:
        raise Refusal("config.invalid", str(error)) from error


def set_up_django() -> None:
    """Load Django's settings and apps; needs no database. Raises Refusal("config.invalid")."""
    import django
    from django.core.exceptions import ImproperlyConfigured

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    try:
        django.setup()
    except (ImproperlyConfigured, ValueError) as error:
        raise Refusal("config.invalid", str(error)) from error


@contextmanager
def database_session(*, must_be_migrated: bool = True) -> Iterator[Config]:
    """A database that answers and has today's tables, with Django set up, for as long as the block lasts.

    The embedded server is started when it does not run, migrated when it is behind, and stopped afterwards
    unless another process uses it. A server given by URL is only looked at: Raises Refusal
    "database.unreachable" when it does not answer, "database.not_migrated" when its tables are behind.
    """
    config = configuration()
    from tongpan.core.postgres.server import running_server

    with running_server(config):
        set_up_django()
        from django.db import OperationalError, connection

        from tongpan.runtime.migrations import migrate, refuse_when_behind

        try:
            if must_be_migrated:
                if config.is_embedded:
                    migrate()
                else:
                    refuse_when_behind()
            yield config
        except OperationalError as error:
            raise Refusal(
                "database.unreachable",
                f"The database does not answer: {str(error).strip()} Run `tongpan doctor` to see what is wrong.",
            ) from error
        finally:
            connection.close()


def with_database(command: Callable[P, R]) -> Callable[P, R]:
    """Run ``command`` inside ``database_session``."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with database_session():
            return command(*args, **kwargs)

    return run
