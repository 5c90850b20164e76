"""One row of the table that ``make bench`` prints."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """what was measured; ours and limit as text with their unit; ratio and goal as text ("" where there is none).

    is_met: None when the row has no goal.
    """

    what: str
    ours: str
    limit: str = ""
    ratio: str = ""
    goal: str = ""
    is_met: bool | None = None


def render(rows: Iterable[Row]) -> str:
    cells = [("work", "ours", "limit of the same run", "ratio", "goal", "")]
    verdict = {None: "", True: "met", False: "NOT MET"}
    cells += [(r.what, r.ours, r.limit, r.ratio, r.goal, verdict[r.is_met]) for r in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join(lines)
