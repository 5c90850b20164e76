"""Opens a member as a table: finds its encoding, delimiter and header row, and the mapping that fits it."""

from __future__ import annotations

import io
import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tongpan.connectors.engine.cells import clean, header_key
from tongpan.connectors.reading.containers import Member, sample_of
from tongpan.connectors.reading.encoding import Encoding, find_encoding
from tongpan.connectors.reading.records import CUT_OFF, Record, records, texts
from tongpan.connectors.spec import Mapping, Table
from tongpan.core.errors import Refusal

DELIMITERS = (",", "\t", ";", "|")
HEADER_ROWS = 20
MAX_COLUMNS = 2000
OWN_COLUMNS = ("line", "column", "value", "reason")


@dataclass(frozen=True, slots=True)
class Match:
    """How a header row fits a table of a mapping.

    positions: our column name → position. missing: headers that the table needs and the file lacks. signs: headers
    of the file that tell it from other formats. unlike: why it is none of this table all the same, or "".
    """

    mapping: Mapping
    table: str
    positions: dict[str, int]
    missing: tuple[str, ...]
    signs: tuple[str, ...] = ()
    unlike: str = ""

    @property
    def is_complete(self) -> bool:
        return not self.missing


@dataclass(frozen=True, slots=True)
class Source:
    """A member opened as a table.

    headers: as they stand in the file, cleaned; the columns that an error file added are taken off (width is
    what is left). header_line: the physical line of the header row. sheet: of a workbook.
    """

    member: Member
    match: Match
    headers: tuple[str, ...]
    header_line: int
    encoding: Encoding
    delimiter: str
    newline: str
    sheet: str = ""
    has_own_columns: bool = False

    @property
    def unmapped(self) -> tuple[str, ...]:
        """Headers of the file that no column of the table takes."""
        taken = set(self.match.positions.values())
        return tuple(h for i, h in enumerate(self.headers) if i not in taken and h)

    def rows(self, seen: Callable[[int], None] | None = None) -> Iterator[Record]:
        """The rows below the header, each with exactly as many cells as the header.

        A row with more cells that are not blank, and a last row that was cut off, carry a defect.
        """
        width = len(self.headers)
        for record in self._records(seen):
            if record.line <= self.header_line:
                continue
            cells, defect = record.cells, record.defect
            if len(cells) > width:
                own = len(OWN_COLUMNS) if self.has_own_columns else 0
                if not defect and any(clean(cell) for cell in cells[width + own :]):
                    shown = self.delimiter.join(cells[width + own :])[:200]
                    defect = f"has {len(cells)} cells where the header has {width}\x1f{shown}"
                cells = cells[:width]
            elif len(cells) < width:
                if record.is_last_open and not defect:
                    defect = CUT_OFF
                cells = cells + [""] * (width - len(cells))
            if self.encoding.is_lossy and not defect and any("�" in cell for cell in cells):
                defect = f"holds bytes that are not valid {self.encoding.name}"
            yield Record(record.line, cells, defect)

    def _records(self, seen: Callable[[int], None] | None) -> Iterator[Record]:
        if self.member.sheets is not None:
            return next(rows for name, rows in self.member.sheets() if name == self.sheet)
        return records(texts(self.member.opened, self.encoding, seen), self.delimiter, self.newline)


def match_headers(mapping: Mapping, table_name: str, headers: Sequence[str]) -> Match:
    """Fit ``headers`` to a table: each of its columns takes the first of its spellings that the file has."""
    table: Table = mapping.tables[table_name]
    places: dict[str, int] = {}
    for position, header in enumerate(headers):
        places.setdefault(header_key(header), position)
    positions: dict[str, int] = {}
    missing = []
    for name, column in table.columns.items():
        found = next((places[key] for key in map(header_key, column.header) if key and key in places), None)
        if found is not None:
            positions[name] = found
        elif not column.optional:
            missing.append(" or ".join(column.header))
    for needed in mapping.detect:
        if needed in table.columns and needed not in positions:
            missing.append(" or ".join(table.columns[needed].header))
    signs = table.signs
    present = tuple(sign for sign in (*signs.all, *signs.any) if header_key(sign) in places)
    unlike = ""
    if lacking := [sign for sign in signs.all if header_key(sign) not in places]:
        unlike = f"it lacks {', '.join(lacking)}"
    elif signs.any and not present:
        unlike = f"it has none of {', '.join(signs.any)}"
    elif foreign := [sign for sign in signs.none if header_key(sign) in places]:
        unlike = f"it has {', '.join(foreign)}"
    return Match(mapping, table_name, positions, tuple(dict.fromkeys(missing)), present, unlike)


def open_source(member: Member, mappings: Sequence[Mapping], *, encoding: str = "", is_quick: bool = False) -> Source:
    """Open ``member`` with the table of ``mappings`` that fits its header best.

    A complete match wins over an incomplete one, then one with the signs of its table, then the one that takes more
    columns, then the earlier mapping.
    encoding: a codec name to use instead of finding it. is_quick: look at the first bytes only for the encoding,
    for detection and previews. Raises Refusal for what is no table; an incomplete match is returned as such.
    """
    if member.sheets is not None:
        return _best(
            (
                _look(
                    member,
                    mappings,
                    list(itertools.islice(rows, HEADER_ROWS)),
                    encoding=Encoding("utf-8"),
                    delimiter="",
                    newline="\n",
                    sheet=sheet,
                )
                for sheet, rows in member.sheets()
            ),
            member,
        )
    sample = sample_of(member)
    found = _given_encoding(encoding) if encoding else _find(member, sample, is_quick=is_quick)
    text = sample.decode("utf-8-sig" if found.name == "utf-8" else found.name, "replace")
    newline = "\n" if "\n" in text else "\r" if "\r" in text else "\n"
    return _best(
        (
            _look(
                member,
                mappings,
                _first_records(text, delimiter, newline),
                encoding=found,
                delimiter=delimiter,
                newline=newline,
            )
            for delimiter in DELIMITERS
        ),
        member,
    )


def _given_encoding(name: str) -> Encoding:
    return Encoding(name, is_lossy=True)


def _find(member: Member, sample: bytes, *, is_quick: bool) -> Encoding:
    if is_quick:
        # The sample may end inside a character; that is no proof against an encoding.
        whole = sample if len(sample) < 4 else sample[: sample.rfind(b"\n") + 1] or sample
        return find_encoding(lambda: io.BytesIO(whole))
    return find_encoding(member.opened)


def _first_records(text: str, delimiter: str, newline: str) -> list[Record]:
    return list(itertools.islice(records(iter([text]), delimiter, newline), HEADER_ROWS))


def _look(
    member: Member,
    mappings: Sequence[Mapping],
    rows: Sequence[Record],
    *,
    encoding: Encoding,
    delimiter: str,
    newline: str,
    sheet: str = "",
) -> Source | None:
    """The best reading of ``rows``: which of the first rows is the header, and of which table."""
    best: Source | None = None
    for row in rows[:HEADER_ROWS]:
        if len(row.cells) > MAX_COLUMNS:
            continue
        headers = tuple(clean(cell) for cell in row.cells)
        while headers and not headers[-1]:
            headers = headers[:-1]
        has_own = headers[-len(OWN_COLUMNS) :] == OWN_COLUMNS and len(headers) > len(OWN_COLUMNS)
        if has_own:
            headers = headers[: -len(OWN_COLUMNS)]
        for mapping in mappings:
            for name in mapping.tables:
                match = match_headers(mapping, name, headers)
                source = Source(
                    member, match, headers, row.line, encoding, delimiter, newline, sheet, has_own_columns=has_own
                )
                if best is None or _rank(source) > _rank(best):
                    best = source
    return best


def _rank(source: Source) -> tuple[bool, bool, int, int]:
    match = source.match
    is_complete = match.is_complete and bool(match.positions)
    return is_complete, not match.unlike, len(match.positions), -source.header_line


def _best(found: Iterator[Source | None], member: Member) -> Source:
    best: Source | None = None
    for source in found:
        if source is not None and (
            best is None or (*_rank(source), len(source.headers)) > (*_rank(best), len(best.headers))
        ):
            best = source
    if best is None:
        raise Refusal("file.empty", f"{member.name} holds no rows.")
    return best
