"""From a path to open tables: which format it is, and which file is which table of it."""

from __future__ import annotations

import fnmatch
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tongpan.connectors.formats import packaged
from tongpan.connectors.reading.containers import Member, members_of, siblings_of
from tongpan.connectors.reading.source import Source, open_source
from tongpan.connectors.spec import Mapping
from tongpan.core.errors import Refusal

SHOWN_HEADERS = 40


@dataclass(frozen=True, slots=True)
class Opened:
    """A file with its mapping. sources: by table name. main: the table whose rows are (or begin) the documents."""

    path: Path
    mapping: Mapping
    sources: dict[str, Source]
    main: str

    @property
    def main_source(self) -> Source:
        return self.sources[self.main]


def open_path(
    path: Path, mapping: Mapping | None = None, *, encoding: str = "", password: str = "", is_quick: bool = False
) -> Opened:
    """Open ``path`` with ``mapping``, or with the packaged format that its headers fit.

    For a format of several files the others are looked for beside a given one. is_quick: for previews; the
    encoding is found from the first bytes. password: of a protected archive. Raises Refusal when nothing fits, with
    what is missing and what was found instead.
    """
    members = members_of(path, password)
    mappings = [mapping] if mapping else list(packaged().values())
    if len(members) == 1:
        first = open_source(members[0], mappings, encoding=encoding, is_quick=True)
        _refuse_incomplete(first, is_given=mapping is not None)
        _refuse_by_name(first)
        chosen = first.match.mapping
        given = {first.match.table: members[0]}
    else:
        chosen = mapping or _format_of(members, mappings, path)
        given = {}
    main = main_table(chosen)
    if chosen.is_single:
        member = members[0] if len(members) == 1 else _only(members, chosen, path)
        source = open_source(member, [chosen], encoding=encoding, is_quick=is_quick)
        _refuse_incomplete(source, is_given=True)
        return Opened(path, chosen, {main: source}, main)
    if chosen.separate:
        others: Sequence[Member] = members if len(members) > 1 else ()
    else:
        others = members if len(members) > 1 else siblings_of(path)
    found = _assign(chosen, given, others, path)
    if main not in found:
        main = next(iter(found))
    sources = {
        name: open_source(found[name], [_alone(chosen, name)], encoding=encoding, is_quick=is_quick)
        for name in chosen.tables
        if name in found
    }
    return Opened(path, chosen, sources, main)


def main_table(mapping: Mapping) -> str:
    """The table that begins the documents; of a format without documents the one that gives its records."""
    for name, table in mapping.tables.items():
        if table.document or (table.records and not table.nodes):
            return name
    return next((name for name, table in mapping.tables.items() if table.nodes), next(iter(mapping.tables)))


def _alone(mapping: Mapping, name: str) -> Mapping:
    """``mapping`` with one table only, so that a file is read as that table and no other."""
    return mapping.model_copy(update={"tables": {name: mapping.tables[name]}, "detect": ()})


def _refuse_incomplete(source: Source, *, is_given: bool) -> None:
    match = source.match
    if match.is_complete and match.positions and (is_given or not match.unlike):
        return
    found = [header for header in source.headers if header][:SHOWN_HEADERS]
    shown = ", ".join(found) if found else "none"
    name = source.member.name
    if not is_given and (not match.positions or match.is_complete):
        nearest = (
            f" Nearest is {match.mapping.format}, but {match.unlike}." if match.is_complete and match.unlike else ""
        )
        raise Refusal(
            "format.unrecognised",
            f"{name} fits no known format.{nearest} Found columns: {shown}. Give --format NAME, or describe the file "
            "with --mapping FILE.",
        )
    lead = (
        f"{name} lacks"
        if is_given
        else f"{name} fits no known format; nearest is {match.mapping.format}, for which it lacks"
    )
    raise Refusal(
        "columns.missing",
        f"{lead} the column{'s' if len(match.missing) > 1 else ''} {', '.join(match.missing)}. Found columns: {shown}.",
    )


def _refuse_by_name(source: Source) -> None:
    """Raises Refusal for a file that is known and deliberately not taken."""
    mapping = source.match.mapping
    if mapping.refuse:
        raise Refusal(
            "format.refused", f"{source.member.name} is a {mapping.title.en} ({mapping.title.zh}): {mapping.refuse}"
        )


def _fitting(members: Sequence[Member], mapping: Mapping) -> list[tuple[Member, Source]]:
    found = []
    for member in members:
        try:
            source = open_source(member, [mapping], is_quick=True)
        except Refusal:
            continue
        if source.match.is_complete and source.match.positions:
            found.append((member, source))
    return found


def _format_of(members: Sequence[Member], mappings: Sequence[Mapping], path: Path) -> Mapping:
    """The format of a folder: the one most of whose tables are there."""
    best: tuple[int, Mapping] | None = None
    for mapping in mappings:
        tables = {source.match.table for _, source in _fitting(members, mapping)}
        if main_table(mapping) in tables and (best is None or len(tables) > best[0]):
            best = (len(tables), mapping)
    if best is None:
        raise Refusal("format.unrecognised", f"No file in {path} fits a known format; give --format NAME.")
    return best[1]


def _only(members: Sequence[Member], mapping: Mapping, path: Path) -> Member:
    fitting = _fitting(members, mapping)
    if len(fitting) == 1:
        return fitting[0][0]
    if not fitting:
        raise Refusal("columns.missing", f"No file in {path} has the columns of the format {mapping.format}.")
    names = ", ".join(member.name for member, _ in fitting)
    raise Refusal(
        "file.several",
        f"{path} holds {len(fitting)} files of the format {mapping.format}: {names}. Import them one by one.",
    )


def _assign(mapping: Mapping, given: dict[str, Member], others: Sequence[Member], path: Path) -> dict[str, Member]:
    """Which member is which table. The file's name decides between several that have the columns."""
    assigned = dict(given)
    for name, table in mapping.tables.items():
        if name in assigned:
            continue
        taken = [*given.values(), *assigned.values()] if mapping.separate else list(given.values())
        fitting = [member for member, _ in _fitting(others, _alone(mapping, name)) if member not in taken]
        if len(fitting) > 1:
            named = [m for m in fitting if any(fnmatch.fnmatch(m.name.lower(), pattern) for pattern in table.file)]
            fitting = named or fitting
        if len(fitting) > 1:
            names = ", ".join(member.name for member in fitting)
            raise Refusal(
                "file.several",
                f"Several files beside {path.name} could be the table {name} of {mapping.format}: {names}. Leave one.",
            )
        if fitting:
            assigned[name] = fitting[0]
        elif not table.optional and not mapping.separate:
            needed = ", ".join(column.header[0] for column in table.columns.values() if not column.optional)
            raise Refusal(
                "file.missing_table",
                f"The format {mapping.format} needs the table {name} too (columns {needed}), and no file "
                f"{'in' if path.is_dir() else 'beside'} {path.name} has it.",
            )
    return assigned
