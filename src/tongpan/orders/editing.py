"""What a person's edit or split makes of the lines of an order: quantities, amounts and discount shares. Pure.

Every amount is split by ``core.money.allocate``: the pieces of a split line add up to it, to the last minor unit.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from tongpan.core.errors import Refusal
from tongpan.core.money import allocate

MAX_QTY = 10_000_000
MAX_AMOUNT_MINOR = 10**14
MOST_PARTS = 20


@dataclass(frozen=True, slots=True)
class StoredLine:
    """A line as it is stored. shares: discount shares of it, (id, minor units)."""

    id: int
    line_no: int
    kind: str
    qty: int
    amount_minor: int
    part: int = 1
    shares: Sequence[tuple[int, int]] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class LineEdit:
    """Another quantity of a line, 0 to take it out. amount_minor: its new amount; None: pro rata of the quantity."""

    line_no: int
    qty: int
    amount_minor: int | None = None


@dataclass(frozen=True, slots=True)
class LineAdded:
    """A line of goods more; amount_minor is what the buyer owes for it."""

    sku_code: str
    qty: int
    amount_minor: int


@dataclass(frozen=True, slots=True)
class AddressEdit:
    """Where the order goes now; None leaves what is stored. All of it is personal data but province and city."""

    recipient: str | None = None
    phone: str | None = None
    address: str | None = None
    province: str | None = None
    city: str | None = None


@dataclass(frozen=True, slots=True)
class Edit:
    """What a person changes in an order that has not left."""

    lines: Sequence[LineEdit] = ()
    added: Sequence[LineAdded] = ()
    address: AddressEdit | None = None
    promised_at: datetime | None = None

    @property
    def changes_lines(self) -> bool:
        return bool(self.lines or self.added)


@dataclass(frozen=True, slots=True)
class LinePlan:
    """A stored line with its new quantity, amount and discount shares; shares of 0 are dropped."""

    line: StoredLine
    qty: int
    amount_minor: int
    shares: Mapping[int, int] = field(default_factory=dict)


def pro_rata(amount_minor: int, qty: int, of: int) -> int:
    """What ``qty`` units cost when ``of`` units (at least 1) cost ``amount_minor``: within one minor unit."""
    times, rest = divmod(qty, of)
    return amount_minor * times + (allocate(amount_minor, [rest, of - rest])[0] if rest else 0)


def plan_edit(lines: Sequence[StoredLine], edit: Edit) -> list[LinePlan]:
    """The stored lines that ``edit`` changes, as they will be.

    Raises Refusal edit.line, edit.quantity, edit.amount or edit.nothing_left, with a sentence that names the line.
    """
    by_no = {line.line_no: line for line in lines}
    plans: dict[int, LinePlan] = {}
    for wanted in edit.lines:
        line = by_no.get(wanted.line_no)
        if line is None or line.kind != "goods" or wanted.line_no in plans:
            raise Refusal("edit.line", f"Line {wanted.line_no} is no line of goods of this order, or is named twice.")
        plans[wanted.line_no] = _edited(line, wanted)
    for added in edit.added:
        if not 0 < added.qty <= MAX_QTY or not 0 <= added.amount_minor <= MAX_AMOUNT_MINOR:
            raise Refusal("edit.quantity", f"SKU {added.sku_code}: give a positive quantity and an amount from 0.")
    left = sum(plans[line.line_no].qty if line.line_no in plans else line.qty for line in lines if line.kind == "goods")
    if edit.changes_lines and left + len(edit.added) == 0:
        raise Refusal("edit.nothing_left", "No goods would be left in the order; cancel it instead.")
    return [plans[no] for no in sorted(plans)]


def _edited(line: StoredLine, wanted: LineEdit) -> LinePlan:
    if not 0 <= wanted.qty <= MAX_QTY:
        raise Refusal("edit.quantity", f"Line {line.line_no}: a quantity of {wanted.qty} is outside 0 to {MAX_QTY}.")
    amount = wanted.amount_minor
    if wanted.qty == 0:
        if amount:
            raise Refusal("edit.amount", f"Line {line.line_no} is taken out; it cannot keep an amount.")
        amount = 0
    elif amount is None:
        if line.qty == 0:
            raise Refusal("edit.amount", f"Line {line.line_no} was taken out; say what it costs now.")
        amount = pro_rata(line.amount_minor, wanted.qty, line.qty)
    if abs(amount) > MAX_AMOUNT_MINOR:
        raise Refusal("edit.amount", f"Line {line.line_no}: an amount of {amount} minor units is absurd.")
    shares = {i: pro_rata(share, wanted.qty, line.qty) if line.qty else share for i, share in line.shares}
    return LinePlan(line, wanted.qty, amount, shares)


@dataclass(frozen=True, slots=True)
class Piece:
    """What one part gets of a line. shares: its part of each discount share, by the id of that share."""

    line: StoredLine
    part: int
    qty: int
    amount_minor: int
    shares: Mapping[int, int]


def plan_split(lines: Sequence[StoredLine], parts: Sequence[Mapping[int, int]]) -> list[list[Piece]]:
    """The pieces of each line that moves, the one that stays in its part first (left out when nothing stays).

    parts: for each new part, units by line number. Charges stay with the first part. The amounts and discount
    shares of the pieces of a line add up to those of the line. Raises Refusal split.line, split.quantity or
    split.parts.
    """
    by_no = {line.line_no: line for line in lines}
    if not 0 < len(parts) < MOST_PARTS or not all(parts):
        raise Refusal("split.parts", f"Name 1 to {MOST_PARTS - 1} parts, each with lines and quantities.")
    last = max((line.part for line in lines), default=1)
    if last + len(parts) > MOST_PARTS:
        raise Refusal("split.parts", f"An order has at most {MOST_PARTS} parts.")
    moved: dict[int, list[tuple[int, int]]] = {}
    for part, units in enumerate(parts, last + 1):
        for line_no, qty in units.items():
            line = by_no.get(line_no)
            if line is None or line.kind != "goods":
                raise Refusal("split.line", f"Line {line_no} is no line of goods of this order.")
            if qty < 1:
                raise Refusal("split.quantity", f"Line {line_no}: move at least one unit.")
            moved.setdefault(line_no, []).append((part, qty))
    pieces = []
    for line_no, targets in sorted(moved.items()):
        line = by_no[line_no]
        stays = line.qty - sum(qty for _, qty in targets)
        if stays < 0:
            raise Refusal("split.quantity", f"Line {line_no} has {line.qty} units; more would be moved.")
        pieces.append(_divided(line, ([(line.part, stays)] if stays else []) + targets))
    stay = {line.line_no: line.qty for line in lines if line.kind == "goods"}
    for line_no, targets in moved.items():
        stay[line_no] -= sum(qty for _, qty in targets)
    if not any(stay.values()):
        raise Refusal("split.parts", "Everything would move: leave something in the first part.")
    return pieces


def _divided(line: StoredLine, targets: Sequence[tuple[int, int]]) -> list[Piece]:
    weights = [qty for _, qty in targets]
    amounts = allocate(line.amount_minor, weights)
    shares = {i: allocate(share, weights) for i, share in line.shares}
    return [
        Piece(line, part, qty, amounts[at], {i: split[at] for i, split in shares.items()})
        for at, (part, qty) in enumerate(targets)
    ]
