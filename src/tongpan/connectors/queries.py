"""Reads of imports and formats, for the faces."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from tongpan.connectors.formats import packaged
from tongpan.connectors.models import Import
from tongpan.connectors.spec import Mapping
from tongpan.core.config import load_config
from tongpan.core.errors import Refusal


@dataclass(frozen=True, slots=True)
class FormatInfo:
    """A packaged format as people choose it. gives: "orders", "stock", "channel days", "nodes" or "shops".

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
    """The packaged formats, by name."""
    return [_info(mapping) for _, mapping in sorted(packaged().items())]


def _info(mapping: Mapping) -> FormatInfo:
    tables = mapping.tables.values()
    documents = next((table.document for table in tables if table.document), None)
    if documents:
        gives = "orders"
    elif any(table.levels for table in tables):
        gives = "stock"
    elif any(table.channel_days for table in tables):
        gives = "channel days"
    else:
        gives = "nodes" if any(table.nodes for table in tables) else "shops"
    needs_shop = documents is not None and documents.shop is None
    return FormatInfo(
        mapping.format, mapping.title.zh, mapping.title.en, mapping.about, gives, needs_shop, len(mapping.tables)
    )


def list_imports(limit: int, before_id: int | None = None) -> list[Import]:
    """The latest ``limit`` imports, newest first; those older than ``before_id`` when it is given."""
    rows = Import.objects.select_related("shop").order_by("-id")
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
    path = Path(told).absolute()
    if not path.is_relative_to(load_config().data_dir):
        raise Refusal("import.errors_elsewhere", f"The rejected rows of import {record.id} are in {path}.")
    if not path.is_file():
        raise Refusal("import.errors_gone", f"The file {path.name} is no longer there.")
    return path
