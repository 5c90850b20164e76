"""What the fictional exports in tests/connectors/fixtures/platforms say, and ways to change how a file says it.

An order is told as (number, status, goods, charges, paid, refunded, lines as (code, quantity, amount), discount shares
as (payer, amount, line), whether its status is known); amounts are minor units.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tests.support.platform_orders_abroad import ABROAD
from tests.support.platform_orders_home import AT_HOME

from tongpan.orders.engine import OrderDoc, status_of

FOLDER = Path(__file__).parents[1] / "connectors/fixtures/platforms"


def told(doc: OrderDoc) -> tuple:
    """A document as the table below tells it."""
    return (
        doc.external_id,
        status_of(doc),
        doc.goods_minor,
        doc.charges_minor,
        doc.paid_minor,
        doc.refunded_minor,
        [(line.code, line.qty, line.amount_minor) for line in doc.lines if line.kind == "goods"],
        [(share.payer, share.amount_minor, share.line) for share in doc.discounts],
        doc.is_status_known,
    )


@dataclass
class Export:
    """A delimited export taken apart. lead: title rows above the header."""

    encoding: str
    delimiter: str
    lead: list[list[str]]
    header: list[str]
    rows: list[list[str]]

    def written(self, path: Path) -> Path:
        text = io.StringIO()
        csv.writer(text, delimiter=self.delimiter, lineterminator="\r\n").writerows(
            [*self.lead, self.header, *self.rows]
        )
        path.write_bytes(text.getvalue().encode(self.encoding))
        return path

    def with_columns(self, order: Callable[[list[int]], list[int]]) -> Export:
        """The columns at the positions that ``order`` makes of all positions."""
        chosen = order(list(range(len(self.header))))
        pick = lambda row: [row[i] if i < len(row) else "" for i in chosen]  # noqa: E731
        return Export(self.encoding, self.delimiter, self.lead, pick(self.header), [pick(row) for row in self.rows])

    def with_extra(self, place: int, header: str, value: str) -> Export:
        put = lambda row, cell: [*row[:place], cell, *row[place:]]  # noqa: E731
        rows = [put(row, value) for row in self.rows]
        return Export(self.encoding, self.delimiter, self.lead, put(self.header, header), rows)


def read_export(name: str) -> Export:
    """The fixture ``name`` taken apart, in the encoding that it is in."""
    raw = (FOLDER / name).read_bytes()
    encoding = "utf-8-sig" if raw.startswith(b"\xef\xbb\xbf") else "utf-8"
    try:
        text = raw.decode(encoding)
    except UnicodeDecodeError:
        encoding = "gb18030"
        text = raw.decode(encoding)
    delimiter = "\t" if name.endswith(".txt") else ","
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=delimiter))
    lead = [rows.pop(0)] if len(rows[0]) == 1 else []
    return Export(encoding, delimiter, lead, rows[0], rows[1:])


EXPECTED = AT_HOME | ABROAD
