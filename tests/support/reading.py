"""Reading the event log while other tests write to other databases of the same server."""

from __future__ import annotations

from tests.support.database import settle

from tongpan.core import eventlog
from tongpan.core.eventlog import Reader


def read_once(reader: Reader) -> int | None:
    """``core.eventlog.read_once``, once nothing but this test's own transactions can hold an event back."""
    settle()
    return eventlog.read_once(reader)
