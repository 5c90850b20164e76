"""Reads of imports and formats, for the faces."""

from __future__ import annotations

import csv
import itertools
from dataclasses import dataclass
from pathlib import Path

from django.db.models import QuerySet

from tongpan.connectors.formats import packaged
from tongpan.connectors.models import Import
from tongpan.connectors.reading.source import OWN_COLUMNS
from tongpan.connectors.spec import Mapping
from tongpan.core.config import load_config
from tongpan.core.errors import Refusal


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """A packaged format as people choose it. gives: "orders", "stock", "channel days", "door counts", "nodes",
    "shops", "parcels", "tracking", "customers" or "ledger".

    needs_shop: its rows name no shop, so the import must. files: how many files it consists of.
    """

    name: str
    title_zh: str
    title_en: str
    about: str
    gives: str
    needs_shop: bool
    files: int


def formats() -> list[FormatInfo]:
    """The packaged formats that can be imported, by name."""
    return [_info(mapping) for _, mapping in sorted(packaged().items()) if not mapping.refuse]


def _info(mapping: Mapping) -> FormatInfo:
    tables = mapping.tables.values()
    documents = next((table.document for table in tables if table.document), None)
    if documents:
        gives = "orders"
    elif any(table.levels for table in tables):
        gives = "stock"
    elif any(table.channel_days for table in tables):
        gives = "channel days"
    elif any(table.doors for table in tables):
        gives = "door counts"
    elif any(table.customers for table in tables):
        gives = "customers"
    elif any(table.ledger for table in tables):
        gives = "ledger"
    elif any(table.prices_seen for table in tables):
        gives = "prices seen"
    elif any(table.goods_codes or table.sightings for table in tables):
        gives = "goods codes"
    else:
        gives = next(
            name
            for name in ("nodes", "shops", "parcels", "tracking", "prices", "floors", "costs")
            if any(getattr(t, name) for t in tables)
        )
    bare = [section for table in tables for section in (table.parcels, table.ledger) if section]
    is_bare = any(section.shop is None for section in bare)
    needs_shop = (documents is not None and documents.shop is None) or is_bare
    return FormatInfo(
        mapping.format, mapping.title.zh, mapping.title.en, mapping.about, gives, needs_shop, len(mapping.tables)
    )


def select_imports() -> QuerySet[Import]:
    """All imports with their shop, unordered."""
    return Import.objects.select_related("shop").order_by()


def list_imports(limit: int, before_id: int | None = None) -> list[Import]:
    """The latest ``limit`` imports, newest first; those older than ``before_id`` when it is given."""
    rows = select_imports().order_by("-id")
    return list((rows.filter(id__lt=before_id) if before_id else rows)[:limit])


def get_import(import_id: int) -> Import | None:
    return Import.objects.select_related("shop").filter(id=import_id).first()


def errors_path(record: Import) -> Path:
    """The error file of ``record``, there to be sent.

    Only files of the data directory are given out: the error file of a file that was imported in place lies
    beside it, where whoever ran that import finds it. Raises Refusal when there is none to give.
    """
    told = record.result.get("errors_file")
    if not told:
        raise Refusal("import.no_errors", f"Import {record.id} has no rejected rows.")
    path = Path(told).resolve()
    if not path.is_relative_to(load_config().data_dir.resolve()):
        raise Refusal("import.errors_elsewhere", f"The rejected rows of import {record.id} are in {path}.")
    if not path.is_file():
        raise Refusal("import.errors_gone", f"The file {path.name} is no longer there.")
    return path


@dataclass(frozen=True, slots=True)
class RejectedRow:
    """A row of an error file: its line in the source, the column and value that are wrong, and why."""

    line: str
    column: str
    value: str
    reason: str


def first_rejected(record: Import, limit: int) -> list[RejectedRow]:
    """The first ``limit`` rejected rows of an import; none when there is no error file to read."""
    try:
        path = errors_path(record)
    except Refusal:
        return []
    with path.open(encoding="utf-8-sig", newline="") as stream:
        rows = itertools.islice(csv.reader(stream), 1, limit + 1)
        return [RejectedRow(*row[-len(OWN_COLUMNS) :]) for row in rows if len(row) >= len(OWN_COLUMNS)]


def fetch_imports(offset: int, limit: int) -> list[Import]:
    """One page of the history, newest first, with the shop."""
    return list(Import.objects.select_related("shop").order_by("-id")[offset : offset + limit])


def count_imports(cap: int) -> int:
    """How many imports there are; counting stops at ``cap``."""
    return Import.objects.order_by()[:cap].count()
