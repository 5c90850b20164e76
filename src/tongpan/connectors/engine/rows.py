"""Compiles one table of a mapping into a converter of its rows.

Rows of real files repeat themselves: the same goods at the same price, the same head on every line of an order.
The converter therefore remembers what it made of each combination of cells and builds it once.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from operator import itemgetter
from typing import Any, NamedTuple

from tongpan.connectors.engine.cells import BadCell
from tongpan.connectors.engine.fields import Compiled, Row, Settings, compile_condition, compile_value, minor_of
from tongpan.connectors.engine.heads import (
    HEAD_NAMES,
    compile_discount,
    compile_head,
    header_of,
    remembered,
    takes_of,
)
from tongpan.connectors.spec import Line, PaymentSpec, StockChange, Table, Value
from tongpan.inventory.engine import StockLine
from tongpan.orders.engine import DiscountDoc, LineDoc, PaymentDoc

__all__ = ["HEAD_NAMES", "Made", "Problem", "RowConverter"]

LINE_KINDS = {
    "code": "id",
    "name": "text:300",
    "qty": "int",
    "unit_price": "decimal",
    "amount": "money",
    "line_key": "id:80",
    "product_code": "id",
    "product_name": "text:300",
    "category": "text:120",
    "wanted_node": "id:60",
}


class Made(NamedTuple):
    """What one row gives besides its head. The line of a discount is a position in ``lines``."""

    cls: str
    lines: tuple[LineDoc, ...]
    stock: StockLine | None
    discounts: tuple[DiscountDoc, ...] = ()
    has_charge: bool = False


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a row cannot be taken: column is a header of the file, "" when no single cell is to blame."""

    column: str
    value: str
    reason: str


class RowConverter:
    """Turns rows of one table into what they give, for a shop with its currency and zone.

    head(row): the fields of the document as a tuple in the order of HEAD_NAMES, or None for a table without
    documents; head_cells(row): the cells that it reads, for recognising a repeated head. made(row): class,
    lines and stock change. payment(row): a payment or None. All raise BadCell for the first cell that cannot be
    taken; ``problems(row)`` lists all of the head's and the first of the rest.
    """

    def __init__(self, table: Table, settings: Settings, shop_code: str) -> None:
        self._settings = settings
        self._parts: list[Compiled[Any]] = []
        head = compile_head(table.document, self._value, settings, shop_code) if table.document else None
        self.head = head.get if head else None
        self.head_cells = _picker(head.uses if head else frozenset())
        self.takes = takes_of(table.document) if table.document else ()
        self.has_sums = "sum" in self.takes
        self.at_header = header_of(table.document.at, settings) if table.document else ""
        self.made = self._compile_made(table)
        self.payment = self._compile_payment(table.payments) if table.payments else None

    def problems(self, row: Row) -> list[Problem]:
        """Every cell of ``row`` that cannot be taken, each once."""
        found: dict[tuple[str, str], Problem] = {}
        for part in self._parts:
            try:
                part.get(row)
            except BadCell as bad:
                found.setdefault((bad.column, bad.value), Problem(bad.column, bad.value, bad.reason))
        return list(found.values())

    def _value(self, value: Value | None, kind: str, *, required: bool = False) -> Compiled[Any]:
        compiled = compile_value(value, kind, self._settings, required=required)
        if compiled.uses:
            self._parts.append(compiled)
        return compiled

    def _compile_made(self, table: Table) -> Callable[[Row], Made]:
        rules = [
            (rule.class_, compile_condition(rule.when, self._settings) if rule.when else None) for rule in table.classes
        ]
        lines = [self._compile_line(line) for line in table.lines]
        stock = self._compile_stock(table.adjustments) if table.adjustments else None

        def give(cls: str) -> Compiled[Made]:
            if cls == "ignore":
                return Compiled(lambda row: Made(cls, (), None))
            if cls == "adjustment":
                return Compiled(lambda row: Made(cls, (), stock.get(row) if stock else None), _uses([stock]))
            if len(lines) == 1 and not lines[0].discounts:
                build = lines[0].get
                return Compiled(lambda row: _one(cls, build(row, cls)), lines[0].uses)
            return Compiled(lambda row: _made(cls, lines, row), _uses(lines))

        gives = {cls: remembered(give(cls)) for cls, _ in rules}
        tests = [(gives[cls], rule.get if rule else None) for cls, rule in rules]

        def make(row: Row) -> Made:
            for made, holds in tests:
                if holds is None or holds(row):
                    return made(row)  # type: ignore[no-any-return]
            raise BadCell("", "", "belongs to no class of the mapping")

        self._parts.append(Compiled(make, _uses(rule for _, rule in rules)))
        return make

    def _compile_line(self, spec: Line) -> _LineBuilder:
        fields = {name: compile_value(getattr(spec, name), kind, self._settings) for name, kind in LINE_KINDS.items()}
        return _LineBuilder(
            spec,
            fields,
            compile_condition(spec.charge_when, self._settings) if spec.charge_when else None,
            compile_condition(spec.when, self._settings) if spec.when else None,
            tuple(compile_discount(discount, self._settings) for discount in spec.discounts),
            self._settings,
        )

    def _compile_stock(self, spec: StockChange) -> Compiled[StockLine | None]:
        skip = compile_condition(spec.skip_when, self._settings) if spec.skip_when else None
        code = compile_value(spec.code, "id", self._settings, required=True)
        qty = compile_value(spec.qty, "int", self._settings, required=True)
        bucket = compile_value(spec.bucket, "bucket", self._settings)
        name = compile_value(spec.name, "text:300", self._settings)
        note = compile_value(spec.note, "text:300", self._settings)

        def build(row: Row) -> StockLine | None:
            if skip and skip.get(row):
                return None
            units = qty.get(row)
            if not units:
                return None
            return StockLine(code.get(row), units, bucket.get(row) or "saleable", name.get(row), note.get(row))

        return Compiled(build, _uses([skip, code, qty, bucket, name, note]))

    def _compile_payment(self, spec: PaymentSpec) -> Callable[[Row], PaymentDoc | None]:
        holds = compile_condition(spec.when, self._settings) if spec.when else None
        method = self._value(spec.method, "text:40")
        amount = self._value(spec.amount, "money")
        seq = self._value(spec.seq, "int")
        paid_at = self._value(spec.paid_at, "time")

        def build(row: Row) -> PaymentDoc | None:
            if holds and not holds.get(row):
                return None
            value = amount.get(row)
            if value is None:
                raise BadCell(header_of(spec.amount, self._settings), "", "is empty, but a payment needs it")
            return PaymentDoc(seq.get(row) or 0, method.get(row), value, paid_at.get(row))

        return build


def _made(cls: str, builders: Sequence[_LineBuilder], row: Row) -> Made:
    lines: list[LineDoc] = []
    discounts: list[DiscountDoc] = []
    for builder in builders:
        line = builder.get(row, cls)
        if line is None:
            continue
        if cls == "sale" and line.kind == "goods":
            found = [discount for part in builder.discounts if (discount := part.get(row))]
            discounts += [replace(discount, line=len(lines)) for discount in found]
        lines.append(line)
    return Made(cls, tuple(lines), None, tuple(discounts), any(line.kind == "charge" for line in lines))


def _one(cls: str, line: LineDoc | None) -> Made:
    return Made(cls, (), None) if line is None else Made(cls, (line,), None, (), line.kind == "charge")


@dataclass(frozen=True, slots=True)
class _LineBuilder:
    """Builds the line of one section, with the signs that its class demands.

    A sale's goods have a positive quantity and no negative amount. A return's quantities are positive units and
    its amounts not positive; the file may write either sign before a returned quantity. A correction moves
    money only, so its lines are charges.
    """

    spec: Line
    fields: dict[str, Compiled[Any]]
    charge: Compiled[bool] | None
    holds: Compiled[bool] | None
    discounts: tuple[Compiled[DiscountDoc | None], ...]
    settings: Settings

    @property
    def uses(self) -> frozenset[int]:
        return _uses([*self.fields.values(), self.charge, self.holds, *self.discounts])

    def get(self, row: Row, cls: str) -> LineDoc | None:
        if self.holds and not self.holds.get(row):
            return None
        fields = self.fields
        is_charge = self.spec.kind == "charge" or cls == "correction" or bool(self.charge and self.charge.get(row))
        code = fields["code"].get(row)
        if not code and not is_charge:
            raise self._bad("code", "is empty, but a line of goods needs it")
        qty = fields["qty"].get(row)
        unit_price = fields["unit_price"].get(row)
        amount = fields["amount"].get(row)
        if qty is None:
            if not is_charge:
                raise self._bad("qty", "is empty, but a line of goods needs it")
            qty = 1
        if amount is None:
            if unit_price is None:
                if self.spec.kind == "charge":
                    return None
                raise self._bad("unit_price" if self.spec.unit_price else "amount", "is empty, but a line needs it")
            amount = self._product(qty, unit_price)
        self._check_signs(cls, is_charge, qty, amount)
        return LineDoc(
            "charge" if is_charge else "goods",
            code,
            fields["name"].get(row),
            abs(qty) if cls == "return" else qty,
            amount,
            unit_price,
            fields["line_key"].get(row),
            fields["product_code"].get(row),
            fields["product_name"].get(row),
            fields["category"].get(row),
            fields["wanted_node"].get(row),
        )

    def _product(self, qty: int, unit_price: Any) -> int:
        try:
            return minor_of(qty * unit_price, self.settings.currency)
        except ValueError as error:
            raise self._bad("unit_price", str(error), str(unit_price)) from error

    def _check_signs(self, cls: str, is_charge: bool, qty: int, amount: int) -> None:
        if is_charge:
            return
        if cls == "sale" and qty <= 0:
            raise self._bad("qty", "a quantity sold must be above zero", str(qty))
        if cls == "sale" and amount < 0:
            raise self._bad("amount", "the amount of goods sold cannot be negative", str(amount))
        if cls == "return" and qty == 0:
            raise self._bad("qty", "a returned quantity cannot be zero", str(qty))
        if cls == "return" and amount > 0:
            raise self._bad("amount", "a return takes money back: its amount cannot be positive", str(amount))

    def _bad(self, name: str, reason: str, value: str = "") -> BadCell:
        spec = getattr(self.spec, name) or self.spec.unit_price or self.spec.code
        return BadCell(header_of(spec, self.settings), value, reason)


def _picker(positions: frozenset[int]) -> Callable[[Row], Any]:
    return itemgetter(*sorted(positions)) if positions else lambda row: ()


def _uses(parts: Iterable[Any]) -> frozenset[int]:
    return frozenset().union(*(part.uses for part in parts if part is not None))
