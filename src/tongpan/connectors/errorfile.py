"""The error file: the rows that could not be taken, in the layout of their file, with line, column, value, reason."""

from __future__ import annotations

import csv
import os
import re
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

from tongpan.connectors.engine.rows import Problem
from tongpan.connectors.reading.containers import ERRORS_SUFFIX
from tongpan.connectors.reading.source import OWN_COLUMNS
from tongpan.core.errors import Refusal

_NUMBER = re.compile(r"[+-]?[\d.,]+%?")


def safe_cell(text: str) -> str:
    """``text`` as a spreadsheet may be given it: what would run as a formula gets an apostrophe before it.

    Numbers, and ids written as ="123", stay as they are. The importer takes the apostrophe off again.
    """
    if text and text[0] in "=+-@\t\r" and not _NUMBER.fullmatch(text) and not (text[:2] == '="' and text[-1] == '"'):
        return "'" + text
    if len(text) > 1 and text[0] == "'" and text[1] in "=+-@\t0123456789'":
        return "'" + text
    return text


class ErrorFile:
    """Writes beside the source file, or into ``fallback`` where that folder takes no files.

    The file appears under its name only when it is complete; without a bad row there is none.
    """

    def __init__(self, source: Path, headers: Sequence[str], fallback: Path) -> None:
        self._headers = headers
        self._folders = [source.parent, fallback]
        self._name = source.name + ERRORS_SUFFIX
        self._stream: IO[str] | None = None
        self._part: Path | None = None
        self.path: Path | None = None

    def add(self, line: int, cells: Sequence[str | None], problems: Sequence[Problem]) -> None:
        """Write one bad row. Several problems of a row are told in one reason. Raises Refusal when no folder
        takes the file."""
        if self._stream is None:
            self._open()
        first = problems[0]
        reason = "; ".join(
            f"{problem.column}: {problem.reason}" if problem.column else problem.reason for problem in problems[1:]
        )
        reason = f"{first.reason}; {reason}" if reason else first.reason
        row = [safe_cell(cell or "") for cell in cells]
        self._writer.writerow([*row, line, first.column, safe_cell(first.value[:200]), reason])

    def _open(self) -> None:
        failure = ""
        for folder in self._folders:
            part = folder / f".{self._name}.{os.getpid()}.part"
            try:
                folder.mkdir(parents=True, exist_ok=True)
                self._stream = part.open("w", encoding="utf-8-sig", newline="")
            except OSError as error:
                failure = f"{folder}: {error.strerror or error}"
                continue
            self._part, self.path = part, folder / self._name
            self._writer = csv.writer(self._stream)
            self._writer.writerow([*self._headers, *OWN_COLUMNS])
            return
        raise Refusal("errors.unwritable", f"There are bad rows, but no place to write them to ({failure}).")

    def close(self, *, keep: bool) -> None:
        """Finish the file; without ``keep`` it is thrown away."""
        if self._stream is None or self._part is None or self.path is None:
            return
        self._stream.close()
        self._stream = None
        if keep:
            self._part.replace(self.path)
        else:
            with suppress(OSError):
                self._part.unlink()
            self.path = None
