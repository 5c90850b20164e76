"""Exports: the rows of the list, safe to open, level in memory."""

from __future__ import annotations

import io
from datetime import UTC, date, datetime
from decimal import Decimal

from python_calamine import CalamineWorkbook

from tongpan.console import exports
from tongpan.console.lists import Column

COLUMNS = (
    Column("name", "Name", lambda row: row[0]),
    Column("seen", "Seen at", lambda row: row[1]),
    Column("hidden", "Only on screen", None),
    Column("total", "Total", lambda row: row[2], is_number=True),
    Column("day", "Day", lambda row: row[3]),
)
ROW = ("通盘 <b>", datetime(2026, 11, 18, 16, 5, tzinfo=UTC), Decimal("12.50"), date(2026, 11, 19))


def body(response) -> bytes:
    return b"".join(response.streaming_content)


def test_csv_opens_in_excel_and_holds_what_columns_say():
    response = exports.respond("orders", COLUMNS, [ROW, ("x", None, None, None)], "csv")

    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert response["Content-Disposition"].startswith('attachment; filename="orders-')
    assert body(response).decode() == (
        "\ufeffName,Seen at,Total,Day\r\n通盘 <b>,2026-11-19 00:05:00+08:00,12.50,2026-11-19\r\nx,,,\r\n"
    )


def test_a_csv_cell_is_never_a_formula():
    rows = [(text, None, Decimal("-1.5"), None) for text in ("=1+1", "+1", "-1", "@x", "\tx")]

    lines = body(exports.respond("x", COLUMNS, rows, "csv")).decode().splitlines()[1:]

    assert [line.split(",")[0] for line in lines] == ["'=1+1", "'+1", "'-1", "'@x", "'\tx"]
    assert [line.split(",")[2] for line in lines] == ["-1.5"] * 5, "a negative amount stays a number"


def test_xlsx_keeps_types():
    response = exports.respond("orders", COLUMNS, iter([ROW, ("=1+1", None, None, None)]), "xlsx")

    sheet = CalamineWorkbook.from_filelike(io.BytesIO(body(response))).get_sheet_by_index(0).to_python()
    assert sheet == [
        ["Name", "Seen at", "Total", "Day"],
        ["通盘 <b>", datetime(2026, 11, 19, 0, 5), 12.5, date(2026, 11, 19)],
        ["=1+1", "", "", ""],
    ]


def test_csv_reads_rows_as_they_are_sent():
    taken = []

    def rows():
        for number in range(2000):
            taken.append(number)
            yield (str(number), None, None, None)

    response = exports.respond("x", COLUMNS, rows(), "csv")
    next(iter(response.streaming_content))

    assert len(taken) < 1000
