"""Fitting the columns of a file to a packaged format by hand: what is there, what is needed, and the mapping made."""

from __future__ import annotations

from collections.abc import Mapping as Chosen
from dataclasses import dataclass
from pathlib import Path

import yaml

from tongpan.connectors.formats import MAPPINGS, format_named, parse_mapping
from tongpan.connectors.reading.containers import members_of
from tongpan.connectors.reading.source import open_source
from tongpan.core.errors import Refusal


@dataclass(frozen=True, slots=True)
class ColumnFit:
    """A column that the format knows. spellings: the headers it goes by; header: the one the file has, or ""."""

    name: str
    spellings: tuple[str, ...]
    is_needed: bool
    header: str


@dataclass(frozen=True, slots=True)
class FileColumns:
    """headers: of the file, in their order. columns: of the format, in theirs."""

    format: str
    headers: tuple[str, ...]
    columns: tuple[ColumnFit, ...]


def columns_of(path: Path, format_name: str, *, encoding: str = "") -> FileColumns:
    """How the columns of ``path`` fit the packaged format, whether or not all that it needs are there.

    Raises Refusal for what is no table, for several files, and for a format of several tables.
    """
    mapping = format_named(format_name)
    members = members_of(path)
    if not mapping.is_single or len(members) != 1:
        raise Refusal("columns.several", "Columns can be fitted by hand for one file of one table only.")
    source = open_source(members[0], [mapping], encoding=encoding, is_quick=True)
    table = mapping.tables[source.match.table]
    fits = tuple(
        ColumnFit(
            name,
            column.header,
            not column.optional,
            source.headers[source.match.positions[name]] if name in source.match.positions else "",
        )
        for name, column in table.columns.items()
    )
    return FileColumns(format_name, tuple(header for header in source.headers if header), fits)


def mapping_with(format_name: str, headers: Chosen[str, str]) -> str:
    """The packaged format as mapping text, each column in ``headers`` taken from the header chosen for it.

    Raises Refusal for an unknown format or column, or when two columns take the same header in a way that the
    mapping language forbids.
    """
    mapping = format_named(format_name)
    text = next(
        text
        for path in sorted(MAPPINGS.glob("*.yaml"))
        if parse_mapping(text := path.read_text(encoding="utf-8"), path.name).format == mapping.format
    )
    raw = yaml.safe_load(text)
    for name, header in headers.items():
        if name not in raw.get("columns", {}):
            raise Refusal("columns.unknown", f"The format {format_name} has no column {name!r}.")
        before = raw["columns"][name]
        entry = dict(before) if isinstance(before, dict) else {}
        raw["columns"][name] = entry | {"header": [header]}
    made = yaml.safe_dump(raw, allow_unicode=True, sort_keys=False)
    parse_mapping(made, format_name)
    return made
