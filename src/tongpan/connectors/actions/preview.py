"""A look at a file before it is imported: its format, its columns, its first rows as they would be taken."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tongpan.connectors.actions.opening import Opened, open_path
from tongpan.connectors.actions.shops import NewShop, Shops, planned_shop
from tongpan.connectors.engine.cells import BadCell, cleaned
from tongpan.connectors.engine.documents import Assembler, Layout, StagedRow
from tongpan.connectors.engine.fields import Settings
from tongpan.connectors.engine.records import RecordConverter
from tongpan.connectors.engine.rows import Problem
from tongpan.connectors.formats import format_named, parse_mapping
from tongpan.connectors.reading.source import Source
from tongpan.connectors.spec import Mapping
from tongpan.core.errors import Refusal

SHOWN_SIGNS = 6


@dataclass(frozen=True, slots=True)
class Detection:
    """What a file looks like. columns: header → the name that the mapping has for it, "" when it takes none.

    header_line: the physical line of the header row. files: file name → table of the format. why: in sentences, what
    the format was recognised by; signs: the headers that tell it from others, else those that it needs.
    """

    format: str
    title_zh: str
    title_en: str
    encoding: str
    delimiter: str
    sheet: str
    header_line: int
    columns: dict[str, str]
    files: dict[str, str]
    needs_shop: bool
    why: tuple[str, ...] = ()
    signs: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class RowProblem:
    """Why a row of the preview would go to the error file. line: its physical line."""

    line: int
    column: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class Preview:
    """detection: of the file. headers, rows: its first raw rows as (line, cells). documents: what they become.

    A document whose further rows lie beyond the preview shows the rows that are in it.
    """

    detection: Detection
    headers: list[str]
    rows: list[tuple[int, list[str]]]
    documents: list[dict[str, Any]]
    problems: list[RowProblem]


def detect(path: Path) -> Detection:
    """The packaged format that fits ``path``. Raises Refusal when none does, with what is missing."""
    return _detection(open_path(path, is_quick=True))


def preview(
    path: Path,
    *,
    format_name: str = "",
    mapping_text: str = "",
    shop_code: str = "",
    encoding: str = "",
    limit: int = 20,
) -> Preview:
    """Read the first ``limit`` rows of ``path`` and convert them; writes nothing. Raises Refusal.

    Of a format of several files the main one is shown, without what the others add to its documents.
    """
    mapping: Mapping | None = None
    if mapping_text:
        mapping = parse_mapping(mapping_text, "the mapping")
    elif format_name:
        mapping = format_named(format_name)
    opened = open_path(path, mapping, encoding=encoding, is_quick=True)
    source = opened.main_source
    try:
        rows = list(itertools.islice(source.rows(), limit))
    except OSError as error:
        raise Refusal("file.unreadable", f"{path.name} cannot be read: {error.strerror or error}.") from error
    staged = [StagedRow(opened.main, row.line, row.defect, row.cells) for row in rows]
    layout = _layout(source)
    if opened.mapping.tables[opened.main].document:
        documents, problems = _documents(opened, staged, layout, shop_code)
    else:
        documents, problems = _records(opened, staged, layout)
    return Preview(
        _detection(opened), list(source.headers), [(row.line, row.cells) for row in rows], documents, problems
    )


def _detection(opened: Opened) -> Detection:
    source = opened.main_source
    names = {position: name for name, position in source.match.positions.items()}
    mapping = opened.mapping
    document = mapping.tables[opened.main].document
    return Detection(
        mapping.format,
        mapping.title.zh,
        mapping.title.en,
        source.encoding.name,
        source.delimiter,
        source.sheet,
        source.header_line,
        {header: names.get(position, "") for position, header in enumerate(source.headers)},
        {one.member.name: name for name, one in opened.sources.items()},
        document is not None and (document.shop is None or not set(document.shop.from_ or ()) & set(names.values())),
        _why(source),
        _signs(source),
    )


def _signs(source: Source) -> tuple[str, ...]:
    match = source.match
    columns = match.mapping.tables[match.table].columns
    needed = tuple(source.headers[match.positions[name]] for name, column in columns.items() if not column.optional)
    return (match.signs or needed)[:SHOWN_SIGNS]


def _why(source: Source) -> tuple[str, ...]:
    match = source.match
    table = match.mapping.tables[match.table]
    needed = [source.headers[match.positions[n]] for n, c in table.columns.items() if not c.optional]
    signs = f" Only this format has {', '.join(match.signs[:SHOWN_SIGNS])}." if match.signs else ""
    return (
        f"It has every column that {match.mapping.format} needs ({', '.join(needed)}), and it takes "
        f"{len(match.positions)} of its {len([h for h in source.headers if h])} columns.{signs}",
    )


def _layout(source: Source) -> Layout:
    positions = source.match.positions
    headers = {name: source.headers[position] for name, position in positions.items()}
    return Layout(positions, headers, source.member.name, source.headers)


def _groups(opened: Opened, staged: list[StagedRow]) -> Iterator[list[StagedRow]]:
    table = opened.mapping.tables[opened.main]
    positions = [p for name in table.key if (p := opened.main_source.match.positions.get(name)) is not None]
    groups: dict[tuple[str, ...], list[StagedRow]] = {}
    for row in staged:
        key = tuple(cleaned(row.cells[position], opened.mapping.nulls) for position in positions)
        groups.setdefault(key, []).append(row)
    yield from groups.values()


def _documents(
    opened: Opened, staged: list[StagedRow], layout: Layout, shop_code: str
) -> tuple[list[dict[str, Any]], list[RowProblem]]:
    shops = Shops.read()
    default = shop_code or "preview"
    planned = planned_shop(default, opened.mapping, NewShop())
    assembler = Assembler(
        opened.mapping,
        {opened.main: layout},
        lambda code: shops.context(code) or (planned if code == default else None),
        default,
    )
    documents: list[dict[str, Any]] = []
    problems: list[RowProblem] = []
    for group in _groups(opened, staged):
        assembled = assembler.assemble(group)
        for prepared in assembled.documents:
            fields = asdict(prepared.doc) if prepared.doc is not None else {}
            fields.pop("raw", None)
            documents.append({"class": prepared.cls, "rows": [row.line for row in prepared.rows], **fields})
        problems += [_problem(row, found) for row, all_found in assembled.rejected for found in all_found]
    return documents, problems


def _records(opened: Opened, staged: list[StagedRow], layout: Layout) -> tuple[list[dict[str, Any]], list[RowProblem]]:
    table = opened.mapping.tables[opened.main]
    section = table.records
    if section is None:
        return [], []
    settings = Settings(layout.positions, layout.headers, frozenset(opened.mapping.nulls), opened.mapping.times.formats)
    converter = RecordConverter(section, settings)
    documents: list[dict[str, Any]] = []
    problems: list[RowProblem] = []
    for row in staged:
        if row.defect:
            reason, _, value = row.defect.partition("\x1f")
            problems.append(RowProblem(row.line, "", value, reason))
            continue
        try:
            documents.append({"rows": [row.line], **converter.fields(row.cells)})
        except BadCell:
            problems += [_problem(row, found) for found in converter.problems(row.cells)]
    return documents, problems


def _problem(row: StagedRow, found: Problem) -> RowProblem:
    return RowProblem(row.line, found.column, found.value, found.reason)
