"""What a newer copy of an order does to the lines that are stored. Pure.

Sellers lower prices, platforms refund a part before dispatch or take a line out: amounts change, units become fewer,
lines are added. Nothing that has left may be contradicted: such a difference is a return.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from tongpan.orders.engine import LineDoc, content_of

CHANGEABLE = ("placed", "paid", "cancelled")
"""The statuses of an order of which, as far as is stored, nothing has left."""


class KeptLine(NamedTuple):
    """A line as it is stored. code: of the SKU or the charge. has_left: some of its units have."""

    id: int
    line_no: int
    line_key: str
    kind: str
    code: str
    sku_id: int | None
    qty: int
    amount_minor: int
    has_left: bool = False


class LineChange(NamedTuple):
    """A stored line with what it becomes; a line that is taken out has quantity and amount 0."""

    line: KeptLine
    qty: int
    amount_minor: int

    @property
    def is_taken_out(self) -> bool:
        return not self.qty


@dataclass(frozen=True, slots=True)
class LinesPlan:
    """changed: stored lines that become something else. added: positions of the copy's lines that are new."""

    changed: Sequence[LineChange] = ()
    added: Sequence[int] = field(default=())

    @property
    def gives_back(self) -> bool:
        """Whether units of goods are wanted no more."""
        return any(c.line.kind == "goods" and c.qty < c.line.qty for c in self.changed)


def plan_lines(stored: Sequence[KeptLine], lines: Sequence[LineDoc]) -> LinesPlan:
    """Match the copy's ``lines`` with the ``stored`` ones: the same line, content, key, goods, in this order.

    A line that was taken out before does not come back: what stands in its place is a new one.
    """
    contents = content_of(lines)
    free = list(stored)
    left = list(range(len(lines)))
    pairs: list[tuple[KeptLine, int]] = []

    def match(ours: Callable[[KeptLine], Hashable], theirs: Callable[[int], Hashable]) -> None:
        waiting: dict[Hashable, list[KeptLine]] = defaultdict(list)
        for line in reversed(free):
            if (key := ours(line)) is not None:
                waiting[key].append(line)
        for position in list(left):
            found = waiting.get(theirs(position))
            if found:
                line = found.pop()
                pairs.append((line, position))
                free.remove(line)
                left.remove(position)

    match(lambda s: (*s[3:5], s.qty, s.amount_minor, s.line_key), lambda i: (*contents[i], lines[i].line_key[:80]))
    match(lambda s: (s.kind, s.code, s.qty, s.amount_minor), lambda i: contents[i])
    free = [line for line in free if line.qty or line.amount_minor]
    match(
        lambda s: (s.kind, s.code, s.line_key) if s.line_key else None,
        lambda i: (*contents[i][:2], lines[i].line_key[:80]),
    )
    match(lambda s: (s.kind, s.code), lambda i: contents[i][:2])
    changed = [
        LineChange(line, lines[i].qty, lines[i].amount_minor)
        for line, i in pairs
        if (line.qty, line.amount_minor) != (lines[i].qty, lines[i].amount_minor)
    ]
    changed += [LineChange(line, 0, 0) for line in free]
    return LinesPlan(sorted(changed, key=lambda c: c.line.line_no), left)


def refusal_of_lines(
    plan: LinesPlan, status: str, number: str, *, has_goods: bool, has_all_lines: bool
) -> tuple[str, str] | None:
    """Why a newer copy of order ``number`` cannot change the stored lines so, as (code, sentence), or None.

    status: of the stored order. has_goods: the copy has a line of goods. has_all_lines: a line that it lacks is gone.
    """
    if not plan.changed:
        return None
    order = f"Order {number}"
    if status not in CHANGEABLE:
        return "order.lines_taken_away", (
            f"{order} is newer than the stored one, but changes lines of goods that have left. Book the "
            "difference as a return."
        )
    for change in plan.changed:
        line = change.line
        if change.is_taken_out and not has_all_lines:
            return "order.lines_taken_away", (
                f"{order} is newer than the stored one, but lacks its line of {line.code}, and a file may hold "
                "some lines only: nothing is taken away. Take the line out on the order's page, or let the platform's "
                "own interface tell it."
            )
        if line.kind == "goods" and change.qty > line.qty:
            return "order.quantity_raised", (
                f"{order} is newer than the stored one and asks for {change.qty} instead of {line.qty} units of "
                f"{line.code}; more units come as a line of their own."
            )
        if line.kind == "goods" and change.qty < line.qty and line.has_left:
            return "order.lines_taken_away", (
                f"{order} is newer than the stored one and takes units of {line.code} away that have left. "
                "Book a return."
            )
    if not has_goods and any(change.line.kind == "goods" for change in plan.changed):
        return "order.lines_taken_away", (
            f"{order} is newer than the stored one, but says no goods at all; send it with its lines, or cancel it."
        )
    return None
