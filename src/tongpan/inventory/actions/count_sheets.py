"""A count sheet as it is stored, locked by whoever works on it."""

from __future__ import annotations

from typing import NamedTuple

from tongpan.core.bulk import fetch_all
from tongpan.inventory.engine.counting import CountOutcome


class Sheet(NamedTuple):
    """What an action needs to know of a sheet. reason: what was said last of its difference."""

    number: str
    state: str
    node_id: int
    reason: str


def lock_sheet(sheet_id: int, lock: str) -> Sheet | None:
    """The sheet, or None. lock: "FOR SHARE" for those who count, "FOR NO KEY UPDATE" for who closes it."""
    rows = fetch_all(
        f"SELECT number, state, node_id, reason FROM inventory_countsheet WHERE id = %s {lock}", [sheet_id]
    )
    return Sheet(*rows[0]) if rows else None


def unknown(sheet_id: int) -> CountOutcome:
    """The refusal of a sheet that is not there."""
    return CountOutcome("refused", None, f"There is no count {sheet_id}.", "count.unknown")


def not_in(sheet: Sheet | None, sheet_id: int, state: str, done: str) -> CountOutcome | None:
    """The refusal of what needs the sheet in ``state``; None when it is. done: what cannot be, as a participle."""
    if sheet is None:
        return unknown(sheet_id)
    if sheet.state == state:
        return None
    return CountOutcome(
        "refused", sheet_id, f"Count {sheet.number} is {sheet.state}; it cannot be {done} now.", "count.state"
    )
