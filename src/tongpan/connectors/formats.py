"""Mapping files: those that come with Tongpan, and a user's own."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from pydantic import BaseModel, ValidationError

from tongpan.connectors.conditions import Condition, Test
from tongpan.connectors.spec import Mapping, Table, Value
from tongpan.core.errors import Refusal

MAPPINGS = Path(__file__).resolve().parent / "mappings"
RECORD_SECTIONS = (
    "levels",
    "channel_days",
    "doors",
    "nodes",
    "shops",
    "parcels",
    "tracking",
    "customers",
    "ledger",
    "prices",
    "floors",
    "costs",
    "prices_seen",
    "goods_codes",
    "sightings",
)


class _Loader(yaml.SafeLoader):
    """YAML without its surprises: a key that stands twice is an error, not silently the last one."""


def _mapping_without_repeats(loader: _Loader, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
    keys: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node, deep=True)
        if isinstance(key, str) and key in keys and key != "<<":
            raise yaml.constructor.ConstructorError(None, None, f"the key {key!r} stands twice", key_node.start_mark)
        keys.add(key if isinstance(key, str) else repr(key))
    loader.flatten_mapping(node)
    return yaml.SafeLoader.construct_mapping(loader, node, deep)


_Loader.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping_without_repeats)


def parse_mapping(text: str, name: str) -> Mapping:
    """The mapping that YAML ``text`` describes; ``name`` is the file's, for messages.

    Raises Refusal("mapping.…") that names the file, the key, and what is allowed.
    """
    try:
        raw = yaml.load(text, _Loader)  # noqa: S506 (a SafeLoader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f", line {mark.line + 1}" if mark else ""
        raise Refusal(
            "mapping.yaml", f"{name}{where}: this is not YAML: {getattr(error, 'problem', error)}."
        ) from error
    except RecursionError as error:
        raise Refusal("mapping.yaml", f"{name}: this is nested too deeply to be a mapping.") from error
    try:
        mapping = Mapping.model_validate(raw)
    except ValidationError as error:
        raise Refusal("mapping.invalid", f"{name}: {_sentence(error)}") from error
    problem = next(_inconsistencies(mapping), "")
    if problem:
        raise Refusal("mapping.invalid", f"{name}: {problem}.")
    return mapping


def _sentence(error: ValidationError) -> str:
    found = error.errors()[0]
    place = [str(part) for part in found["loc"]]
    if place[:2] == ["tables", "rows"]:
        place = place[2:]
    message = found["msg"].removeprefix("Value error, ")
    more = f" ({error.error_count() - 1} more problems after this one)" if error.error_count() > 1 else ""
    return f"{'.'.join(place) or 'the file'}: {message[:1].lower() + message[1:]}.{more}"


def load_mapping(path: Path) -> Mapping:
    """A user's own mapping file. Raises Refusal when it cannot be read or is not one."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise Refusal("mapping.unreadable", f"{path}: the mapping file cannot be read: {error}.") from error
    return parse_mapping(text, path.name)


@functools.cache
def packaged() -> dict[str, Mapping]:
    """The formats that come with Tongpan, by name, in order of preference when a file fits several."""
    found = [parse_mapping(path.read_text(encoding="utf-8"), path.name) for path in sorted(MAPPINGS.glob("*.yaml"))]
    return {mapping.format: mapping for mapping in sorted(found, key=lambda m: (-m.priority, m.format))}


def format_named(name: str) -> Mapping:
    """The packaged format ``name``. Raises Refusal that lists the known ones."""
    try:
        return packaged()[name]
    except KeyError:
        known = ", ".join(sorted(name for name, mapping in packaged().items() if not mapping.refuse))
        raise Refusal(
            "format.unknown", f"There is no format {name!r}. Known are: {known}. Or give --mapping FILE."
        ) from None


def _inconsistencies(mapping: Mapping) -> Iterator[str]:
    """What pydantic cannot see: names that must exist, and sections that need each other."""
    heads = [name for name, table in mapping.tables.items() if table.document]
    documents = any(t.document or t.lines or t.payments or t.adjustments for t in mapping.tables.values())
    records = [
        (name, section)
        for name, table in mapping.tables.items()
        for section in RECORD_SECTIONS
        if getattr(table, section) is not None
    ]
    if mapping.refuse:
        return
    if documents and len(heads) != 1:
        yield "exactly one table needs the section document, besides lines, payments or adjustments"
    if not documents and len(records) != 1:
        yield f"it needs the section document, or one of {', '.join(RECORD_SECTIONS)}"
    if documents and any(section != "nodes" for _, section in records):
        yield "only nodes may stand beside documents; other records need a mapping of their own"
    for column in mapping.detect:
        if not any(column in table.columns for table in mapping.tables.values()):
            yield f"detect: there is no column {column!r}"
    if mapping.separate and (len(mapping.tables) < 2 or any(len(t.key) != 1 for t in mapping.tables.values())):
        yield "separate: needs several tables, each with a key of one column"
    if mapping.exported_at and not (mapping.separate and mapping.exported_at.file_name):
        yield "exported_at: of a format with separate files only, and from file_name"
    for name, table in mapping.tables.items():
        where = "" if mapping.is_single else f"tables.{name}."
        for problem in _table_inconsistencies(mapping, table):
            yield where + problem


def _table_inconsistencies(mapping: Mapping, table: Table) -> Iterator[str]:
    gives_documents = table.document or table.lines or table.payments or table.adjustments
    if gives_documents and not table.key:
        yield "key: needed, the column (or columns) whose value all rows of one document share"
    if table.duplicates == "reject" and table.lines and not table.line_key:
        yield "line_key: needed beside duplicates: reject, the columns that number the lines of a document"
    if table.adjustments is None and any(rule.class_ == "adjustment" for rule in table.classes):
        yield "adjustments: needed, because a class of rows is adjustment"
    if any(rule.when is None for rule in table.classes[:-1]):
        yield "classes: a rule without when takes every row, so it must be the last"
    yield from _lookup_inconsistencies(mapping, table)
    for key, columns in (("key", table.key), ("line_key", table.line_key)):
        for column in columns:
            if column not in table.columns:
                yield f"{key}: there is no column {column!r}; known are {', '.join(table.columns)}"
    names = _names(mapping, table)
    for place, used in _references(table, ""):
        if used not in names:
            yield f"{place}: there is no column {used!r}; known are {', '.join(sorted(names))}"
    for place, value in _values(table, ""):
        if value.take and not place.startswith("document."):
            yield f"{place}.take: only fields of document may say what to take"
        yield from _bad_notations(f"{place}.formats", value.formats)
    yield from _bad_notations("times.formats", mapping.times.formats)


def _bad_notations(place: str, patterns: tuple[str, ...]) -> Iterator[str]:
    for pattern in patterns:
        if "%" not in pattern:
            yield f"{place}: {pattern!r} is no notation of a date, such as %d/%m/%Y"


def _names(mapping: Mapping, table: Table) -> set[str]:
    """The names of all columns that values and conditions of ``table`` may use."""
    looked_up = {
        f"{alias}.{column}"
        for alias, lookup in table.lookups.items()
        if lookup.table in mapping.tables
        for column in mapping.tables[lookup.table].columns
    }
    return set(table.columns) | looked_up


def _lookup_inconsistencies(mapping: Mapping, table: Table) -> Iterator[str]:
    known = set(table.columns)
    for alias, lookup in table.lookups.items():
        target = mapping.tables.get(lookup.table)
        if target is None:
            yield f"lookups.{alias}.table: there is no table {lookup.table!r}"
            continue
        for theirs, ours in lookup.where.items():
            if theirs not in target.columns:
                yield f"lookups.{alias}.where: table {lookup.table!r} has no column {theirs!r}"
            if ours not in known:
                yield f"lookups.{alias}.where: there is no column {ours!r} before it"
        known |= {f"{alias}.{column}" for column in target.columns}


def _values(model: BaseModel, place: str) -> Iterator[tuple[str, Value]]:
    for name in type(model).model_fields:
        inner = getattr(model, name)
        for number, item in enumerate(inner if isinstance(inner, tuple) else (inner,), 1):
            here = f"{place}{name}" + (f"[{number}]" if isinstance(inner, tuple) else "")
            if isinstance(item, Value):
                yield here, item
                yield from _values(item, here + ".")
            elif isinstance(item, BaseModel):
                yield from _values(item, here + ".")


def _references(model: BaseModel, place: str) -> Iterator[tuple[str, str]]:
    """(place, column name) of every column that ``model`` names in values and conditions."""
    for name in type(model).model_fields:
        inner = getattr(model, name)
        for item in inner if isinstance(inner, tuple) else (inner,):
            if isinstance(item, Value):
                for source in (item.from_, item.join, item.times, item.plus, item.minus):
                    for column in source or ():
                        yield place + name, column
                yield from _references(item, f"{place}{name}.")
            elif isinstance(item, Condition):
                yield from ((place + name, column) for column in _columns_of(item))
            elif isinstance(item, BaseModel):
                yield from _references(item, f"{place}{name}.")


def _columns_of(condition: Condition) -> Iterator[str]:
    for part in condition.parts:
        if isinstance(part, Test):
            yield part.column
        else:
            yield from _columns_of(part)
