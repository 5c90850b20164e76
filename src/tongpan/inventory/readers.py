"""What the stock room does when stock moves: alerts at the safety lines, replenishment that follows its transfer."""

from __future__ import annotations

from collections.abc import Sequence

from tongpan.core.clock import utc_now
from tongpan.core.eventlog import Event, Reader
from tongpan.inventory.actions import follow_transfers, watch_lines
from tongpan.inventory.events import CHANGED, POLICY_CHANGED, TRANSFER_CHANGED


def _watch(batch: Sequence[Event]) -> None:
    moved = {int(event.key) for event in batch if event.name == TRANSFER_CHANGED}
    if moved:
        follow_transfers(moved, now=utc_now())
    keys = {event.key for event in batch if event.name != TRANSFER_CHANGED}
    watch_lines(None if "" in keys else {int(key) for key in keys}, now=utc_now())


SAFETY_LINES = Reader("safety-lines", (CHANGED, POLICY_CHANGED, TRANSFER_CHANGED), _watch, batch=20000)
