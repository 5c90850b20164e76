"""The reader loop: lets every reader of every room follow the event log."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import structlog
from django.db import OperationalError, close_old_connections

from tongpan.analytics.readers import LAKE
from tongpan.connectors.accounts.readers import READERS as ACCOUNTS
from tongpan.connectors.webhooks.readers import WEBHOOKS
from tongpan.core.eventlog import Reader, lag, read_once
from tongpan.fulfillment.readers import READERS as FULFILLMENT
from tongpan.inventory.readers import READERS as INVENTORY
from tongpan.orders.readers import READERS as ORDERS

READERS: tuple[Reader, ...] = (*FULFILLMENT, LAKE, *ORDERS, *INVENTORY, WEBHOOKS, *ACCOUNTS)
_IDLE_SECONDS = 0.2
_log = structlog.get_logger("readers")


def run_forever(stop: threading.Event) -> None:
    """Follow the log until ``stop`` is set. A lost database is waited for; any other failure ends the process.

    The supervisor starts it again, and the reader begins where its cursor stands.
    """
    while not stop.is_set():
        try:
            moved = sum(read_once(reader) or 0 for reader in READERS)
        except OperationalError as error:
            _log.warning("the database is not reachable; waiting", error=str(error).strip())
            close_old_connections()
            stop.wait(1.0)
            continue
        if not moved:
            stop.wait(_IDLE_SECONDS)


def catch_up(progress: Callable[[int], None] | None = None) -> None:
    """Return when every reader has handled all that is logged now, reading along with any other process.

    progress: called with the number of events still to be handled. Events that the readers cause themselves are
    followed too. A transaction left open elsewhere makes this wait.
    """
    while True:
        moved = [read_once(reader) for reader in READERS]
        if any(moved):
            continue
        left = sum(lag(reader) for reader in READERS)
        if progress:
            progress(left)
        if not left:
            return
        time.sleep(_IDLE_SECONDS / 4)
