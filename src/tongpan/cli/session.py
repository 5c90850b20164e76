"""What every command shares: the database around it, ``--json``, and the configuration.

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


@contextmanager
def database_session(*, must_be_migrated: bool = True) -> Iterator[None]:
    """``tongpan.runtime.session.database_session`` for this installation."""
    config = configuration()
    from tongpan.runtime import session

    with session.database_session(config, must_be_migrated=must_be_migrated):
        yield


def with_database(command: Callable[P, R]) -> Callable[P, R]:
    """Run ``command`` with Django set up and a database that answers and has today's tables."""

    @functools.wraps(command)
    def run(*args: P.args, **kwargs: P.kwargs) -> R:
        with database_session():
            return command(*args, **kwargs)

    return run
