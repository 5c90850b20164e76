"""Django and a database that answers, for as long as a piece of work lasts."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager

import django
from django.core.exceptions import ImproperlyConfigured
from django.db import OperationalError, connection

from tongpan.core.config import Config
from tongpan.core.errors import Refusal
from tongpan.core.postgres.server import Server, running_server


def set_up_django() -> None:
    """Load Django's settings and apps; needs no database. Raises Refusal("config.invalid")."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tongpan.settings")
    try:
        django.setup()
    except (ImproperlyConfigured, ValueError) as error:
        raise Refusal("config.invalid", str(error)) from error


@contextmanager
def database_session(config: Config, *, must_be_migrated: bool = True) -> Iterator[Server | None]:
    """A database that answers and has today's tables, with Django set up, for as long as the block lasts.

    The embedded server is started when it does not run, migrated when it is behind, and stopped afterwards
    unless another process uses it. A server given by URL is only looked at. Raises Refusal
    "database.unreachable" when it does not answer, "database.not_migrated" when its tables are behind.
    """
    with running_server(config) as server:
        set_up_django()
        # Not at the top: migrations need Django's apps, which are loaded only now.
        from tongpan.runtime.migrations import migrate, refuse_when_behind  # noqa: PLC0415

        try:
            if must_be_migrated and config.is_embedded:
                migrate()
            elif must_be_migrated:
                refuse_when_behind()
            yield server
        except OperationalError as error:
            raise Refusal(
                "database.unreachable",
                f"The database does not answer: {str(error).strip()} Run `tongpan doctor` to see what is wrong.",
            ) from error
        finally:
            connection.close()
