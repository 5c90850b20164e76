"""What the fictional exports in tests/connectors/fixtures/platforms say, and ways to change how a file says it.

An order is told as (number, status, goods, charges, paid, refunded, lines as (code, quantity, amount), discount shares as
(payer, amount, line), whether its status is known); amounts are minor units.
"""

# ruff: noqa: E501 (one order, one line)

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

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


EXPECTED = {
    "ExportOrderList2014.csv": (
        "tmall-orders",
        [
            ("3812345678901234567", "dispatched", 12680, 0, 12680, 0, [], [], True),
            ("3812345678901234568", "cancelled", 3000, 0, 0, 0, [], [], True),
            ("3812345678901234569", "placed", 3000, 0, 0, 0, [], [], True),
        ],
    ),
    "ExportOrderList201803051200.csv": (
        "tmall-orders",
        [
            ("3812345678901234567", "completed", 12680, 0, 12680, 0, [], [], True),
            ("3812345678901234568", "cancelled", 3000, 0, 0, 3000, [], [], True),
            ("3812345678901234569", "placed", 3000, 0, 0, 0, [], [], True),
        ],
    ),
    "ExportOrderList202003051200.csv": (
        "tmall-orders",
        [
            ("3812345678901234567", "completed", 12680, 0, 12680, 0, [], [], True),
            ("3812345678901234568", "cancelled", 3000, 0, 0, 3000, [], [], True),
            ("3812345678901234569", "placed", 3000, 0, 0, 0, [], [], True),
        ],
    ),
    "ExportOrderList202403051200.csv": (
        "tmall-orders",
        [
            ("3812345678901234567", "completed", 12680, 0, 12680, 0, [], [], True),
            ("3812345678901234568", "cancelled", 3000, 0, 0, 3000, [], [], True),
            ("3812345678901234569", "placed", 3000, 0, 0, 0, [], [], True),
        ],
    ),
    "ExportOrderList202603051200.csv": (
        "tmall-orders",
        [
            ("3812345678901234567", "completed", 12680, 0, 12680, 0, [], [], True),
            ("3812345678901234568", "cancelled", 3000, 0, 0, 3000, [], [], True),
            ("3812345678901234569", "placed", 3000, 0, 0, 0, [], [], True),
        ],
    ),
    "amazon-orders-29.txt": (
        "amazon-orders",
        [
            (
                "111-0000001-0000001",
                "dispatched",
                9400,
                1050,
                None,
                0,
                [("MUG-W", 2, 5400), ("PLATE", 1, 4000)],
                [("shop", 600, 0)],
                True,
            ),
            ("111-0000002-0000002", "cancelled", 0, 0, None, 0, [("PLATE", 1, 0)], [], True),
        ],
    ),
    "amazon-orders-32.txt": (
        "amazon-orders",
        [
            (
                "111-0000001-0000001",
                "dispatched",
                9400,
                1050,
                None,
                0,
                [("MUG-W", 2, 5400), ("PLATE", 1, 4000)],
                [("shop", 600, 0)],
                True,
            ),
            ("111-0000002-0000002", "cancelled", 0, 0, None, 0, [("PLATE", 1, 0)], [], True),
        ],
    ),
    "amazon-shipments-48.txt": (
        "amazon-shipments",
        [
            (
                "111-0000001-0000001",
                "dispatched",
                9400,
                1050,
                None,
                0,
                [("MUG-W", 2, 5400), ("PLATE", 1, 4000)],
                [("shop", 600, 0)],
                True,
            ),
        ],
    ),
    "amazon-summary-13.txt": (
        "amazon-summary",
        [
            ("111-0000001-0000001", "dispatched", 10000, 0, 10000, 0, [], [], True),
        ],
    ),
    "bigcommerce.csv": (
        "bigcommerce-orders",
        [
            ("501", "completed", 10260, 0, 10260, 0, [], [], True),
            ("502", "placed", 4000, 0, None, 0, [], [], True),
        ],
    ),
    "douyin-29.csv": (
        "douyin-orders",
        [
            (
                "6920000000000000001",
                "completed",
                13000,
                600,
                13600,
                0,
                [("CREAM-50", 1, 7500), ("MASK-5", 2, 5500)],
                [("platform", 800, 0), ("shop", 1050, 0), ("influencer", 650, 0), ("shop", 500, 2)],
                True,
            ),
            ("6920000000000000002", "paid", 10000, 0, 10000, 0, [("3500000000000000001 50g", 1, 10000)], [], True),
        ],
    ),
    "douyin-74.csv": (
        "douyin-orders",
        [
            (
                "6920000000000000001",
                "completed",
                13000,
                600,
                13600,
                0,
                [("CREAM-50", 1, 7500), ("MASK-5", 2, 5500)],
                [("platform", 800, 0), ("shop", 1050, 0), ("influencer", 650, 0), ("shop", 500, 2)],
                True,
            ),
            ("6920000000000000002", "paid", 10000, 0, 10000, 0, [("3500000000000000001 50g", 1, 10000)], [], True),
        ],
    ),
    "douyin-combined.csv": (
        "douyin-orders",
        [
            (
                "6920000000000000001",
                "completed",
                13000,
                600,
                13600,
                0,
                [("CREAM-50", 1, 7500), ("MASK-5", 2, 5500)],
                [("platform", 800, 0), ("shop", 1050, 0), ("influencer", 650, 0), ("shop", 500, 2)],
                True,
            ),
            ("6920000000000000002", "paid", 10000, 0, 10000, 0, [("3500000000000000001 50g", 1, 10000)], [], True),
        ],
    ),
    "etsy.csv": (
        "etsy-sales",
        [
            (
                "3200000001",
                "dispatched",
                9000,
                1260,
                10260,
                0,
                [("1500000001 Color:White", 2, 5400), ("1500000002", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
        ],
    ),
    "jd-pop.csv": (
        "jd-pop",
        [
            (
                "300000000000001",
                "completed",
                28000,
                600,
                28600,
                0,
                [("POT-1", 1, 18667), ("SPOON-1", 2, 9333)],
                [("shop", 2000, None)],
                True,
            ),
            ("300000000000002", "placed", 2000, 0, None, 0, [("100003", 1, 2000)], [], False),
        ],
    ),
    "pinduoduo-23.csv": (
        "pinduoduo-orders",
        [
            (
                "240301-000000000000001",
                "completed",
                3250,
                500,
                3750,
                0,
                [("TISSUE-10", 2, 3250)],
                [("shop", 400, 0), ("platform", 300, 0), ("platform", 50, 0)],
                True,
            ),
            (
                "240302-000000000000002",
                "cancelled",
                3250,
                500,
                3750,
                0,
                [("600000000001", 2, 3250)],
                [("shop", 400, 0), ("platform", 300, 0), ("platform", 50, 0)],
                True,
            ),
        ],
    ),
    "pinduoduo-27.csv": (
        "pinduoduo-orders",
        [
            (
                "240301-000000000000001",
                "completed",
                3250,
                500,
                3750,
                0,
                [("TISSUE-10", 2, 3250)],
                [("shop", 400, 0), ("platform", 300, 0), ("platform", 50, 0)],
                True,
            ),
            (
                "240302-000000000000002",
                "cancelled",
                3250,
                500,
                3750,
                0,
                [("600000000001", 2, 3250)],
                [("shop", 400, 0), ("platform", 300, 0), ("platform", 50, 0)],
                True,
            ),
        ],
    ),
    "pinduoduo-82.csv": (
        "pinduoduo-orders",
        [
            (
                "240301-000000000000001",
                "completed",
                3250,
                500,
                3750,
                0,
                [("TISSUE-10", 2, 3250)],
                [("shop", 400, 0), ("platform", 300, 0), ("platform", 50, 0)],
                True,
            ),
            (
                "240302-000000000000002",
                "cancelled",
                3250,
                500,
                3750,
                0,
                [("600000000001", 2, 3250)],
                [("shop", 400, 0), ("platform", 300, 0), ("platform", 50, 0)],
                True,
            ),
        ],
    ),
    "shopify-66-date.csv": (
        "shopify-orders",
        [
            (
                "#1001",
                "dispatched",
                9000,
                1260,
                10260,
                1234,
                [("MUG-W", 2, 5400), ("Test Plate", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
            ("#1002", "placed", 4000, 0, None, 0, [("Test Plate", 1, 4000)], [], True),
        ],
    ),
    "shopify-66.csv": (
        "shopify-orders",
        [
            (
                "#1001",
                "dispatched",
                9000,
                1260,
                10260,
                1234,
                [("MUG-W", 2, 5400), ("Test Plate", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
            ("#1002", "placed", 4000, 0, None, 0, [("Test Plate", 1, 4000)], [], True),
        ],
    ),
    "shopify-79.csv": (
        "shopify-orders",
        [
            (
                "#1001",
                "dispatched",
                9000,
                1260,
                10260,
                1234,
                [("MUG-W", 2, 5400), ("Test Plate", 1, 3600)],
                [("shop", 1000, None)],
                True,
            ),
            ("#1002", "placed", 4000, 0, None, 0, [("Test Plate", 1, 4000)], [], True),
        ],
    ),
    "supermarket-pos.csv": (
        "supermarket-pos",
        [
            (
                "1001-20150101",
                "completed",
                1080,
                0,
                1080,
                0,
                [("DW-1201010001", 8, 400), ("DW-2202010002", 1, 680)],
                [],
                True,
            ),
            ("1002-20150102", "completed", 400, 0, 400, 0, [("DW-1201010001", 8, 400)], [], True),
        ],
    ),
    "wechat-shop-57.csv": (
        "wechat-shop",
        [
            (
                "3710000000000000001",
                "completed",
                14500,
                800,
                15300,
                2000,
                [("PEN-B", 2, 9000), ("BOOK", 1, 5500)],
                [("shop", 1000, None), ("unknown", 500, None), ("shop", 200, None), ("platform", 300, 0)],
                True,
            ),
            ("3710000000000000002", "placed", 5500, 0, None, 0, [("BOOK", 1, 5500)], [], True),
        ],
    ),
    "wechat-shop-64.csv": (
        "wechat-shop",
        [
            (
                "3710000000000000001",
                "completed",
                14500,
                800,
                15300,
                2000,
                [("PEN-B", 2, 9000), ("BOOK", 1, 5500)],
                [
                    ("shop", 1000, None),
                    ("unknown", 500, None),
                    ("shop", 200, None),
                    ("platform", 300, 0),
                    ("shop", 100, 0),
                ],
                True,
            ),
            ("3710000000000000002", "placed", 5500, 0, None, 0, [("BOOK", 1, 5500)], [], True),
        ],
    ),
    "woocommerce.csv": (
        "woocommerce-csv",
        [
            ("727", "dispatched", 10560, 0, 10560, 0, [], [], True),
            ("728", "placed", 3600, 0, None, 0, [], [], True),
        ],
    ),
    "woocommerce.json": (
        "woocommerce-orders",
        [
            (
                "9007199254740993",
                "completed",
                9000,
                1560,
                10560,
                350,
                [("MUG-W", 2, 5400), ("22-23", 1, 3600)],
                [("shop", 600, 0), ("shop", 400, 2)],
                True,
            ),
            ("728", "placed", 3600, 0, None, 0, [("22-23", 1, 3600)], [], True),
        ],
    ),
    "youzan-lines.csv": (
        "youzan-lines",
        [
            (
                "E20240301100000000000001",
                "completed",
                16000,
                0,
                None,
                1000,
                [("CAKE-6", 2, 10667), ("TEA", 1, 5333)],
                [("shop", 1333, 0), ("shop", 667, 1)],
                True,
            ),
            ("E20240302100000000000002", "paid", 6000, 0, None, 0, [("TEA", 1, 6000)], [], True),
        ],
    ),
}
