"""CSV and XLSX of exactly the rows that a list shows, all pages of it."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.http import FileResponse, HttpResponseBase, StreamingHttpResponse
from django.utils import timezone

from tongpan.console.lists import Column

FORMATS = ("csv", "xlsx")
# Excel's own limit of one sheet, the heading included.
XLSX_ROWS = 1_048_576
# A cell that starts so is run as a formula by spreadsheets: an apostrophe makes it text again.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
_CHUNK_ROWS = 500


class _Echo:
    """The csv module writes into it and gets the line back."""

    def write(self, text: str) -> str:
        return text


def respond(name: str, columns: Sequence[Column], rows: Iterable[Any], kind: str) -> HttpResponseBase:
    """The download ``name.kind`` of ``rows``; ``rows`` may be an iterator that reads from the database.

    kind: "csv" (UTF-8 with a byte order mark, so that Excel opens it) or "xlsx"; anything else is "csv".
    Memory does not grow with the rows.
    """
    shown = [column for column in columns if column.value is not None]
    file_name = f"{name}-{timezone.localtime():%Y%m%d-%H%M}.{'xlsx' if kind == 'xlsx' else 'csv'}"
    if kind == "xlsx":
        return _xlsx(file_name, shown, rows)
    response = StreamingHttpResponse(_csv(shown, rows), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="{file_name}"'
    return response


def _csv_cell(value: object) -> object:
    if isinstance(value, datetime):
        return timezone.localtime(value).isoformat(sep=" ", timespec="seconds")
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return "" if value is None else value


def _csv(columns: Sequence[Column], rows: Iterable[Any]) -> Iterator[str]:
    writer = csv.writer(_Echo())
    chunk = ["\ufeff", writer.writerow([str(column.label) for column in columns])]
    for position, row in enumerate(rows, 1):
        chunk.append(writer.writerow([_csv_cell(column.value(row)) for column in columns if column.value]))
        if position % _CHUNK_ROWS == 0:
            yield "".join(chunk)
            chunk = []
    yield "".join(chunk)


def _xlsx(file_name: str, columns: Sequence[Column], rows: Iterable[Any]) -> FileResponse:
    target = tempfile.TemporaryFile()  # noqa: SIM115 - the response closes it
    import xlsxwriter  # noqa: PLC0415 - slow to load, and seldom needed

    book = xlsxwriter.Workbook(target, {"constant_memory": True, "strings_to_formulas": False})
    sheet = book.add_worksheet()
    bold = book.add_format({"bold": True})
    instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    for position, column in enumerate(columns):
        sheet.write_string(0, position, str(column.label), bold)
        sheet.set_column(position, position, 14 if column.is_number else 20)
    sheet.freeze_panes(1, 0)
    for line, row in enumerate(rows, 1):
        if line >= XLSX_ROWS:
            break
        for position, column in enumerate(columns):
            value = column.value(row) if column.value else None
            if isinstance(value, datetime):
                sheet.write_datetime(line, position, timezone.localtime(value).replace(tzinfo=None), instant)
            elif isinstance(value, date):
                sheet.write_datetime(line, position, datetime(value.year, value.month, value.day), day)
            elif isinstance(value, (int, Decimal)) and not isinstance(value, bool):
                sheet.write_number(line, position, value)
            elif value is not None:
                sheet.write_string(line, position, str(value))
    book.close()
    target.seek(0)
    return FileResponse(target, as_attachment=True, filename=file_name)
