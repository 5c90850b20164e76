"""Transactions that lose a race against another one and are run again."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection
from typing import TypeVar

from django.db import DatabaseError, IntegrityError, OperationalError, connection, transaction

T = TypeVar("T")
_TRIES = 12
_LONGEST_WAIT = 0.4
_DEADLOCK = "40P01"
_NOT_SERIALIZABLE = "40001"
_UNIQUE_VIOLATION = "23505"


def run_in_transaction(work: Callable[[], T], *, constraints: Collection[str] = ()) -> T:
    """Run ``work`` in a transaction and return its result; run it again when it lost a race.

    A race is lost when the database breaks a deadlock, cannot serialize, or refuses a row under one of the
    unique ``constraints``, because another transaction wrote it between a look and an insert. ``work`` must
    therefore have no effects outside the database. Before each new try it waits a random, growing time, at most
    0.4 s; after 12 tries the error is raised. Inside a transaction of the caller a lost serialization is
    raised at once: only the whole transaction can be run again.
    """
    for attempt in range(1, _TRIES + 1):
        is_inner = connection.in_atomic_block
        try:
            with transaction.atomic():
                return work()
        except (IntegrityError, OperationalError) as error:
            if attempt == _TRIES or not _is_race(error, constraints, is_inner=is_inner):
                raise
        # Two that met once would otherwise meet again.
        time.sleep(random.uniform(0, min(_LONGEST_WAIT, 0.005 * 2**attempt)))  # noqa: S311
    raise AssertionError("unreachable")


def _is_race(error: DatabaseError, constraints: Collection[str], *, is_inner: bool) -> bool:
    cause = error.__cause__
    state = getattr(cause, "sqlstate", None)
    if state == _UNIQUE_VIOLATION:
        return getattr(getattr(cause, "diag", None), "constraint_name", None) in constraints
    return state == _DEADLOCK or (state == _NOT_SERIALIZABLE and not is_inner)
