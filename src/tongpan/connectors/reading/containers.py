"""What a path holds: one table, several tables of a folder or an archive, a workbook."""

from __future__ import annotations

import gzip
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime, time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, cast

from python_calamine import CalamineError, CalamineWorkbook

from tongpan.connectors.reading.archives import MAX_UNPACKED, ZipEntry, check_password, damage, opened_archive
from tongpan.connectors.reading.encoding import SAMPLE, Bytes, is_binary
from tongpan.connectors.reading.objects import SUFFIXES as JSON_SUFFIXES
from tongpan.connectors.reading.objects import is_json, object_records
from tongpan.connectors.reading.records import Record
from tongpan.core.errors import Refusal

MAX_WORKBOOK = 1 << 30
"""Bytes of a workbook inside an archive, and of what a workbook itself unpacks to (times four)."""
TEXTS = (".csv", ".tsv", ".txt")
WORKBOOKS = (".xlsx", ".xlsm", ".xls", ".ods")
SUFFIXES = (*TEXTS, ".gz", ".zip", *WORKBOOKS, *JSON_SUFFIXES)
ERRORS_SUFFIX = ".errors.csv"
_GZIP, _ZIP, _OLE = b"\x1f\x8b", b"PK\x03\x04", b"\xd0\xcf\x11\xe0"


@dataclass(frozen=True, slots=True)
class Member:
    """One file that may hold a table. name: as people call it. opened: gives its bytes, unpacked.

    sheets: set for a workbook and for JSON, which are read through it: (sheet name, rows) pairs. damage: while
    reading, gets the number of bytes that could be unpacked when an archive turns out to be cut off.
    """

    name: str
    path: Path
    size: int
    opened: Callable[[], Bytes]
    sheets: Callable[[], Iterator[tuple[str, Iterator[Record]]]] | None = None
    damage: list[int] = field(default_factory=list)


def members_of(path: Path, password: str = "") -> list[Member]:
    """The files that ``path`` (a file, an archive or a folder) offers, in order of their names.

    password: of protected archives. Raises Refusal when it does not exist, cannot be read, or holds nothing that could
    be a table.
    """
    try:
        if path.is_dir():
            found = [
                member for item in sorted(path.iterdir()) if _may_hold_table(item) for member in _open(item, password)
            ]
        else:
            found = _open(path, password)
    except OSError as error:
        raise Refusal("file.unreadable", f"{path} cannot be read: {error.strerror or error}.") from error
    if not found:
        raise Refusal("file.empty", f"{path} holds no table; expected one of {', '.join(SUFFIXES)}.")
    return found


def siblings_of(path: Path) -> list[Member]:
    """The other tables in the folder of the file ``path``, for formats of several files."""
    found: list[Member] = []
    for item in sorted(path.parent.iterdir()):
        if item.name != path.name and _may_hold_table(item):
            try:
                found += _open(item)
            except (OSError, Refusal):
                continue
    return found


def _may_hold_table(path: Path) -> bool:
    name = path.name.lower()
    return path.is_file() and name.endswith(SUFFIXES) and not name.endswith(ERRORS_SUFFIX) and name[0] not in ".~"


def _open(path: Path, password: str = "") -> list[Member]:
    if not path.exists():
        raise Refusal("file.missing", f"There is no file {path}.")
    if not path.is_file():
        raise Refusal("file.kind", f"{path} is neither a file nor a folder.")
    size = path.stat().st_size
    with path.open("rb") as stream:
        head = stream.read(8)
    if not head:
        raise Refusal("file.empty", f"{path.name} is empty.")
    if head.startswith(_GZIP):
        damage: list[int] = []
        return [Member(path.name, path, size, lambda: _unpacked(gzip.open(path, "rb"), damage), damage=damage)]
    if head.startswith(_OLE):
        return [_workbook(path, size)]
    if head.startswith(_ZIP):
        return _zip_members(path, password)
    if is_json(path.name, head):
        return [
            Member(
                path.name,
                path,
                size,
                lambda: path.open("rb"),
                sheets=partial(_json_sheet, lambda: path.open("rb"), path.name),
            )
        ]
    return [Member(path.name, path, size, lambda: path.open("rb"))]


def _json_sheet(opened: Callable[[], Bytes], name: str) -> Iterator[tuple[str, Iterator[Record]]]:
    yield "", object_records(opened, name)


def _workbook(path: Path, size: int) -> Member:
    return Member(path.name, path, size, lambda: path.open("rb"), sheets=lambda: _sheets(path))


def _unpacked(inner: Any, damage: list[int]) -> Bytes:
    return cast(Bytes, _Unpacked(inner, damage))


def _zip_members(path: Path, password: str) -> list[Member]:
    with opened_archive(path, password) as archive:
        names = archive.namelist()
        if any(name in names for name in ("xl/workbook.xml", "xl/workbook.bin", "content.xml")):
            return [_workbook(path, path.stat().st_size)]
        infos = [
            info
            for info in archive.infolist()
            if not info.is_dir()
            and info.filename.lower().endswith((*TEXTS, *WORKBOOKS, *JSON_SUFFIXES))
            and not info.filename.startswith("__MACOSX/")
            and Path(info.filename).name[:1] not in (".", "~")
            and not info.filename.endswith(ERRORS_SUFFIX)
        ]
        if sum(info.file_size for info in infos) > MAX_UNPACKED:
            raise Refusal("file.size", f"{path.name} unpacks to more than {MAX_UNPACKED >> 30} GB.")
        check_password(archive, infos, path.name, password)
    return [_zip_member(path, info, password) for info in sorted(infos, key=lambda info: info.filename)]


def _zip_member(path: Path, info: zipfile.ZipInfo, password: str) -> Member:
    damage: list[int] = []
    name = Path(info.filename).name

    def opened() -> Bytes:
        return _unpacked(ZipEntry(path, info.filename, password), damage)

    sheets: Callable[[], Iterator[tuple[str, Iterator[Record]]]] | None = None
    if name.lower().endswith(WORKBOOKS):
        sheets = partial(_packed_sheets, opened, name)
    elif name.lower().endswith(JSON_SUFFIXES):
        sheets = partial(_json_sheet, opened, name)
    return Member(name, path, info.compress_size, opened, sheets=sheets, damage=damage)


class _Unpacked(io.RawIOBase):
    """A compressed stream whose damage ends it early instead of losing what was readable."""

    def __init__(self, inner: Any, damage: list[int]) -> None:
        self._inner = inner
        self._damage = damage
        self._done = 0

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)

    def read(self, size: int = -1) -> bytes:
        if self._damage and self._done >= self._damage[0]:
            return b""
        try:
            data: bytes = self._inner.read1(size) if hasattr(self._inner, "read1") else self._inner.read(size)
        except damage(gzip.BadGzipFile):
            self._damage[:] = [self._done]
            return b""
        self._done += len(data)
        if self._done > MAX_UNPACKED:
            raise Refusal("file.size", f"The file unpacks to more than {MAX_UNPACKED >> 30} GB.")
        return data

    def close(self) -> None:
        self._inner.close()
        super().close()


def sample_of(member: Member, size: int = SAMPLE) -> bytes:
    """The first bytes of a text member. Raises Refusal when they are no text."""
    parts = []
    try:
        with member.opened() as stream:
            while size > 0 and (part := stream.read(size)):
                parts.append(part)
                size -= len(part)
    except OSError as error:
        raise Refusal("file.unreadable", f"{member.name} cannot be read: {error.strerror or error}.") from error
    sample = b"".join(parts)
    if not sample.strip():
        raise Refusal("file.empty", f"{member.name} is empty.")
    if is_binary(sample):
        raise Refusal("file.binary", f"{member.name} is not a table: it holds binary data, not text.")
    return sample


def _packed_sheets(opened: Callable[[], Bytes], name: str) -> Iterator[tuple[str, Iterator[Record]]]:
    """The sheets of a workbook inside an archive, which is unpacked for as long as they are read."""
    with tempfile.TemporaryDirectory(prefix="tongpan-") as folder:
        path = Path(folder) / name
        left = MAX_WORKBOOK
        with opened() as stream, path.open("wb") as copy:
            while chunk := stream.read(SAMPLE):
                left -= len(chunk)
                if left < 0:
                    raise Refusal("file.size", f"The workbook {name} is larger than {MAX_WORKBOOK >> 30} GB.")
                copy.write(chunk)
        yield from _sheets(path)


def _sheets(path: Path) -> Iterator[tuple[str, Iterator[Record]]]:
    """Every sheet of a workbook with its rows; all cells as text, ids with all their digits."""
    with _refusing(path):
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as inner:
                if sum(info.file_size for info in inner.infolist()) > 4 * MAX_WORKBOOK:
                    raise Refusal(
                        "file.size", f"The workbook {path.name} unpacks to more than {MAX_WORKBOOK >> 28} GB."
                    )
        workbook = CalamineWorkbook.from_path(str(path))
        for name in workbook.sheet_names:
            yield name, _sheet_rows(path, workbook, name)


def _sheet_rows(path: Path, workbook: CalamineWorkbook, name: str) -> Iterator[Record]:
    with _refusing(path):
        for number, row in enumerate(workbook.get_sheet_by_name(name).iter_rows(), 1):
            if any(cell not in ("", None) for cell in row):
                yield Record(number, [_cell_text(cell) for cell in row])


@contextmanager
def _refusing(path: Path) -> Iterator[None]:
    """What a broken workbook raises becomes a refusal."""
    try:
        yield
    except (Refusal, GeneratorExit):
        raise
    except BaseException as error:
        # The reader is native code: on a broken workbook it may also raise its panic, which is no Exception.
        if (
            isinstance(error, CalamineError | OSError | ValueError | zipfile.BadZipFile)
            or type(error).__name__ == "PanicException"
        ):
            raise Refusal(
                "file.workbook", f"{path.name} looks like a workbook but cannot be read as one: {error}."
            ) from error
        raise


def _cell_text(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        if abs(cell) >= 1e15:
            # A spreadsheet keeps 15 digits of a number; longer ones were lost before we saw them.
            return f"{cell:.14E}"
        return str(int(cell)) if cell.is_integer() else format(Decimal(repr(cell)), "f")
    if isinstance(cell, datetime):
        return cell.isoformat(sep=" ")
    if isinstance(cell, date | time):
        return cell.isoformat()
    return str(cell)
