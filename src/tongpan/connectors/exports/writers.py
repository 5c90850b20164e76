"""Writes streamed rows as CSV, XLSX or JSON."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, BinaryIO

from tongpan.connectors.errorfile import safe_cell
from tongpan.core.errors import Refusal

FORMATS = ("csv", "xlsx", "json")
SHEET_ROWS = 1_048_575
MAX_CELL = 32_767
SAFE_INTEGER = 10**15


def write(rows: Iterable[Sequence[Any]], columns: Sequence[str], file_format: str, out: Path | BinaryIO) -> int:
    """Write ``rows`` under ``columns``; the number of rows. A path gets its file only when it is complete.

    CSV is UTF-8 with a byte order mark, and no cell of it runs as a formula in a spreadsheet. Ids are text
    everywhere. JSON is one array of objects, amounts are strings. Raises Refusal when the file cannot be written.
    """
    if not isinstance(out, Path):
        return _WRITERS[file_format](rows, columns, out)
    part = out.with_name(f".{out.name}.part")
    try:
        with part.open("wb") as stream:
            count = _WRITERS[file_format](rows, columns, stream)
        part.replace(out)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise Refusal("export.unwritable", f"{out} cannot be written: {error.strerror or error}.") from error
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return count


def _text(value: Any) -> str:
    if value is None:
        return ""
    if value is True or value is False:
        return "true" if value else "false"
    return str(value)


def _csv(rows: Iterable[Sequence[Any]], columns: Sequence[str], out: BinaryIO) -> int:
    text = io.TextIOWrapper(out, encoding="utf-8-sig", newline="", write_through=False)
    writer = csv.writer(text)
    writer.writerow(columns)
    count = 0
    for row in rows:
        count += 1
        writer.writerow([safe_cell(value) if isinstance(value, str) else _text(value) for value in row])
    text.flush()
    text.detach()
    return count


def _json(rows: Iterable[Sequence[Any]], columns: Sequence[str], out: BinaryIO) -> int:
    out.write(b"[")
    count = 0
    for row in rows:
        record = {
            column: value if isinstance(value, bool | int | float | str) else None if value is None else str(value)
            for column, value in zip(columns, row, strict=True)
        }
        out.write((",\n" if count else "\n").encode() + json.dumps(record, ensure_ascii=False).encode())
        count += 1
    out.write(b"\n]\n")
    return count


def _xlsx(rows: Iterable[Sequence[Any]], columns: Sequence[str], out: BinaryIO) -> int:
    """Constant memory; past a sheet's last row the next sheet begins with the header again."""
    count = 0
    import xlsxwriter  # noqa: PLC0415 - slow to load, and seldom needed

    with xlsxwriter.Workbook(out, {"constant_memory": True, "strings_to_formulas": False}) as book:
        bold = book.add_format({"bold": True})
        sheet: Any = None
        place = 0
        for row in rows:
            if sheet is None or place > SHEET_ROWS:
                sheet, place = _sheet(book, columns, bold), 1
            for column, value in enumerate(row):
                _put(sheet, place, column, value)
            place += 1
            count += 1
        if sheet is None:
            _sheet(book, columns, bold)
    return count


def _sheet(book: Any, columns: Sequence[str], bold: Any) -> Any:
    sheet = book.add_worksheet()
    for column, name in enumerate(columns):
        sheet.write_string(0, column, name, bold)
    sheet.freeze_panes(1, 0)
    return sheet


def _put(sheet: Any, row: int, column: int, value: Any) -> None:
    if value is None or value == "":
        return
    if isinstance(value, bool):
        sheet.write_boolean(row, column, value)
    elif isinstance(value, int | float | Decimal) and -SAFE_INTEGER < value < SAFE_INTEGER:
        sheet.write_number(row, column, value)
    else:
        sheet.write_string(row, column, _text(value)[:MAX_CELL])


_WRITERS = {"csv": _csv, "json": _json, "xlsx": _xlsx}
