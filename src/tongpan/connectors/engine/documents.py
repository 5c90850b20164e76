"""Puts the rows of one document together: an order, a return, a correction, a stock adjustment.

1. Every row is converted on its own. 2. The heads of all rows are folded into one: the first value that is not
empty, the earliest, the latest, or the one that all must agree on. 3. Rows are parted by class; each class
becomes one document. 4. When one row of a document cannot be taken, none is: half an order is never taken.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from tongpan.connectors.engine.cells import BadCell, cleaned
from tongpan.connectors.engine.fields import Settings, compile_value
from tongpan.connectors.engine.ordering import numbered, one_buyer, order_of
from tongpan.connectors.engine.payloads import payload_of_rows
from tongpan.connectors.engine.prepared import Assembled, Layout, Prepared, ShopContext, StagedRow
from tongpan.connectors.engine.rows import HEAD_NAMES, Made, Problem, RowConverter
from tongpan.connectors.engine.splitting import Splitter
from tongpan.connectors.spec import Mapping as MappingSpec
from tongpan.connectors.spec import Table
from tongpan.inventory.engine import AdjustmentDoc, StockLine
from tongpan.orders.engine import (
    UNSAID,
    CorrectionDoc,
    DiscountDoc,
    LineDoc,
    OrderDoc,
    PaymentDoc,
    ReturnDoc,
    ShipTo,
)

__all__ = ["Assembled", "Assembler", "Layout", "Prepared", "ShopContext", "StagedRow", "rejects_duplicates"]

_NOWHERE = ShipTo()
EMPTIES: dict[str, Any] = {"is_shipped": False, "is_simulated": False, "channel_status": ""}
"""What "every" leaves of a field that not every row has; of others None."""


@dataclass(slots=True)
class _Part:
    """The rows of one class while a document is being put together."""

    rows: list[StagedRow] = field(default_factory=list)
    heads: list[tuple[Any, ...]] = field(default_factory=list)
    lines: list[LineDoc] = field(default_factory=list)
    discounts: list[DiscountDoc] = field(default_factory=list)
    stock: list[StockLine] = field(default_factory=list)
    payments: list[PaymentDoc] = field(default_factory=list)
    charge_rows: int = 0

    def take(self, made: Made) -> None:
        if made.discounts:
            first = len(self.lines)
            self.discounts += [replace(share, line=first + (share.line or 0)) for share in made.discounts]
        self.lines += made.lines
        if made.has_charge:
            self.charge_rows += 1
        if made.stock is not None:
            self.stock.append(made.stock)


class Assembler:
    """Assembles groups of rows for one import.

    shops: looks a shop up by code, None when there is none. default_shop: where rows without a shop belong.
    """

    def __init__(
        self,
        mapping: MappingSpec,
        layouts: Mapping[str, Layout],
        shops: Callable[[str], ShopContext | None],
        default_shop: str,
    ) -> None:
        self._mapping = mapping
        self._layouts = layouts
        self._shops = shops
        self._default_shop = default_shop
        self._converters: dict[tuple[str, str], RowConverter] = {}
        self._shop_cells = {
            name: compile_value(table.document.shop, "id:40", self._settings(name, None)).get
            for name, table in mapping.tables.items()
            if table.document and table.document.shop and name in layouts
        }
        self._splitters = {
            name: Splitter(table.split, layouts[name].positions, layouts[name].headers, frozenset(mapping.nulls))
            for name, table in mapping.tables.items()
            if table.split and name in layouts
        }
        self._refusing_twice = {name for name, table in mapping.tables.items() if rejects_duplicates(table)}
        self._names_paid = any(table.document and table.document.paid for table in mapping.tables.values())
        self._head_table = next((name for name, table in mapping.tables.items() if table.document), "")

    def assemble(self, rows: Sequence[StagedRow]) -> Assembled:
        """The documents that ``rows`` (all rows of one key, in file order) make, and the rows that cannot be taken."""
        result = Assembled()
        problems: dict[int, list[Problem]] = {}
        shop = self._shop(rows, problems)
        sound = self._without_duplicates(rows, problems, result) if not problems else rows
        parts: dict[str, _Part] = {}
        if shop is not None and not problems:
            parts = self._convert(sound, shop, problems)
        heads = {cls: self._fold(part, parts, problems) for cls, part in parts.items()} if not problems else {}
        if any(cls != "ignore" and head["at"] is None for cls, head in heads.items()):
            header = next(c.at_header for c in self._converters.values() if c.head is not None)
            problems[0] = [Problem(header, "", "is empty, but is needed")]
        if not problems:
            for cls, part in parts.items():
                result.documents.append(self._build(cls, part, heads[cls], shop, problems))  # type: ignore[arg-type]
        if problems:
            result.documents.clear()
            result.rejected += _all_rejected(sound, problems)
        return result

    def check(self, rows: Sequence[StagedRow]) -> Assembled:
        """The rows that cannot be taken whatever their document says: of lines whose document is not there yet."""
        problems: dict[int, list[Problem]] = {}
        shop = self._shop(rows, problems)
        for number, row in enumerate(rows if shop is not None and not problems else ()):
            converter = self._converter(row.table, shop)  # type: ignore[arg-type]
            found = converter.problems(row.cells)
            try:
                converter.made(row.cells)
            except BadCell as bad:
                found = found or [Problem(bad.column, bad.value, bad.reason)]
            if found:
                problems[number] = found
        return Assembled(rejected=_all_rejected(rows, problems) if problems else [])

    def _shop(self, rows: Sequence[StagedRow], problems: dict[int, list[Problem]]) -> ShopContext | None:
        code = ""
        for number, row in enumerate(rows):
            if row.defect:
                problems[number] = [Problem("", *_split(row.defect))]
                continue
            get = self._shop_cells.get(row.table)
            if get is None:
                continue
            try:
                named = get(row.cells)
            except BadCell as bad:
                problems[number] = [Problem(bad.column, bad.value, bad.reason)]
                continue
            if named and code and named != code:
                problems[number] = [Problem("", named, f"another line of the same document names shop {code}")]
            code = code or named
        code = code or self._default_shop
        shop = self._shops(code) if code else None
        if shop is None and rows:
            reason = (
                f"there is no shop {code}; create it first (tongpan shop create {code})"
                if code
                else "names no shop; give one in the file or with --shop"
            )
            problems.setdefault(0, []).append(Problem("", code, reason))
        return shop

    def _without_duplicates(
        self, rows: Sequence[StagedRow], problems: dict[int, list[Problem]], result: Assembled
    ) -> list[StagedRow]:
        """Take repeated rows out where the mapping does not allow them; one with other content is a problem."""
        if not self._refusing_twice:
            return list(rows)
        kept: list[StagedRow] = []
        seen: dict[tuple[Any, ...], StagedRow] = {}
        nulls = self._mapping.nulls
        for row in rows:
            if row.table not in self._refusing_twice:
                kept.append(row)
                continue
            table = self._mapping.tables[row.table]
            positions = self._layouts[row.table].positions
            key = (
                row.table,
                *[cleaned(row.cells[positions[name]], nulls) for name in table.line_key if name in positions],
            )
            first = seen.setdefault(key, row)
            if first is row:
                kept.append(row)
            elif list(first.cells) == list(row.cells):
                result.rejected.append((row, [Problem("", "", f"is the same as line {first.line}")]))
            else:
                kept.append(row)
                problems[len(kept) - 1] = [
                    Problem("", "", f"has the same number as line {first.line}, but other content")
                ]
        return kept

    def _convert(
        self, rows: Sequence[StagedRow], shop: ShopContext, problems: dict[int, list[Problem]]
    ) -> dict[str, _Part]:
        parts: dict[str, _Part] = {}
        last_head: dict[str, tuple[Any, tuple[Any, ...]]] = {}
        has_head = False
        table = ""
        for number, row in enumerate(rows):
            if row.table != table:
                table = row.table
                converter = self._converter(table, shop)
                splitter = self._splitters.get(table)
            part: _Part | None = None
            try:
                for cells in splitter.pieces(row.cells) if splitter else (row.cells,):
                    made: Made = converter.made(cells)
                    part = parts.get(made.cls)
                    if part is None:
                        part = parts[made.cls] = _Part()
                    if converter.head is not None:
                        has_head = True
                        head_cells = converter.head_cells(cells)
                        known = last_head.get(made.cls)
                        if known is None or known[0] != head_cells:
                            head = converter.head(cells)
                            known = last_head[made.cls] = (head_cells, head)
                            part.heads.append(head)
                        elif converter.has_sums:
                            part.heads.append(known[1])
                    if converter.payment is not None:
                        payment = converter.payment(cells)
                        if payment is not None:
                            part.payments.append(payment)
                    part.take(made)
            except BadCell as bad:
                found = converter.problems(row.cells) if splitter is None else []
                problems[number] = found or [Problem(bad.column, bad.value, bad.reason)]
                continue
            if part is not None:
                part.rows.append(row)
        if not has_head and not problems:
            problems[0] = [Problem("", "", f"belongs to a document that the table {self._head_table} does not hold")]
        return parts

    def _fold(self, part: _Part, parts: Mapping[str, _Part], problems: dict[int, list[Problem]]) -> dict[str, Any]:
        """The heads of all rows of a class as one; rows without heads of their own share those of the document."""
        heads = part.heads or [head for other in parts.values() for head in other.heads]
        takes = next(c.takes for c in self._converters.values() if c.head is not None)
        if len(heads) == 1:
            return dict(zip(HEAD_NAMES, heads[0], strict=True))
        folded: dict[str, Any] = {}
        for name, take, values in zip(HEAD_NAMES, takes, zip(*heads, strict=True), strict=True):
            known = [value for value in values if value is not None and value not in ("", False, _NOWHERE, UNSAID, ())]
            if not known:
                folded[name] = values[0]
            elif take in ("earliest", "latest"):
                folded[name] = min(known) if take == "earliest" else max(known)
            elif take == "sum":
                folded[name] = sum(known)
            elif take == "every":
                folded[name] = max(known) if len(known) == len(values) else EMPTIES.get(name)
            elif name == "buyer":
                folded[name] = one_buyer(known)
                if folded[name] is None:
                    problems[0] = [Problem("", "", "lines of the same document disagree on its buyer")]
            else:
                folded[name] = known[0]
                if take == "same" and any(value != known[0] for value in known):
                    problems[0] = [Problem("", "", f"lines of the same document disagree on its {name}")]
        return folded

    def _build(
        self,
        cls: str,
        part: _Part,
        head: Mapping[str, Any],
        shop: ShopContext,
        problems: dict[int, list[Problem]],
    ) -> Prepared:
        rows = part.rows
        if cls == "ignore":
            return Prepared(cls, None, rows, shop.currency)
        currency = head["currency"] or shop.currency
        number, at = head["external_id"], head["at"]
        simulated = head["is_simulated"]
        if cls == "adjustment":
            node = head["node"] or shop.stock_node
            if not node:
                problems[0] = [
                    Problem("", shop.code, f"changes stock, but no node serves shop {shop.code}; give it one first")
                ]
            adjustment = AdjustmentDoc(shop.code, number, node, at, part.stock, head["reason"], simulated)
            return Prepared(cls, adjustment, rows, currency, lines=len(part.stock))
        goods = sum(line.amount_minor for line in part.lines if line.kind == "goods")
        charges = sum(line.amount_minor for line in part.lines if line.kind == "charge")
        doc: OrderDoc | ReturnDoc | CorrectionDoc
        if cls == "sale":
            doc = self._order(part, head, shop, currency, problems)
            goods, charges = doc.goods_minor, doc.charges_minor
        elif cls == "return":
            doc = ReturnDoc(
                shop.code, number, at, currency, tuple(part.lines), head["buyer"], head["of_order"], simulated
            )
        else:
            doc = CorrectionDoc(shop.code, number, at, currency, tuple(part.lines), simulated)
        return Prepared(
            cls,
            doc,
            rows,
            currency,
            amount=goods + charges,
            goods=goods,
            charges=charges,
            charge_rows=part.charge_rows,
            lines=len(part.lines),
            goods_lines=sum(1 for line in part.lines if line.kind == "goods"),
        )

    def _order(
        self, part: _Part, head: Mapping[str, Any], shop: ShopContext, currency: str, problems: dict[int, list[Problem]]
    ) -> OrderDoc:
        spec = self._mapping.tables[self._head_table].document
        if spec is None:
            raise AssertionError("the table of heads has a document")
        payments = numbered(part.payments)
        if len({payment.seq for payment in payments}) < len(payments):
            problems[0] = [Problem("", "", "two payments of the document have the same number")]
        doc, problem = order_of(
            spec,
            head,
            part.lines,
            discounts=part.discounts,
            payments=payments,
            shop_code=shop.code,
            currency=currency,
            names_paid=self._names_paid,
            raw=payload_of_rows(self._mapping.format, part.rows, self._layouts),
        )
        if problem:
            problems[0] = [Problem("", "", problem)]
        return doc

    def _converter(self, table: str, shop: ShopContext) -> RowConverter:
        key = (table, shop.code)
        if key not in self._converters:
            self._converters[key] = RowConverter(self._mapping.tables[table], self._settings(table, shop), shop.code)
        return self._converters[key]

    def _settings(self, table: str, shop: ShopContext | None) -> Settings:
        layout = self._layouts[table]
        mapping = self._mapping
        return Settings(
            positions=layout.positions,
            headers=layout.headers,
            nulls=frozenset(mapping.nulls),
            formats=mapping.times.formats,
            has_decimal_comma=mapping.decimal_comma,
            currency=shop.currency if shop else "CNY",
            zone_name=mapping.times.zone or (shop.zone if shop else "UTC"),
            file_name=layout.file_name,
        )


def rejects_duplicates(table: Table) -> bool:
    """Whether repeated rows of ``table`` are refused: as the mapping says, else where a row is a whole document."""
    if table.duplicates is not None:
        return table.duplicates == "reject"
    return table.document is not None and not table.lines


def _split(defect: str) -> tuple[str, str]:
    """(value, reason) of a defect that staging wrote as "reason" or "reason\\x1fvalue"."""
    reason, _, value = defect.partition("\x1f")
    return value, reason


def _all_rejected(
    rows: Sequence[StagedRow], problems: Mapping[int, list[Problem]]
) -> list[tuple[StagedRow, list[Problem]]]:
    culprit = rows[min(problems)].line
    others = [Problem("", "", f"line {culprit} of the same document was rejected")]
    return [(row, problems.get(number, others)) for number, row in enumerate(rows)]
