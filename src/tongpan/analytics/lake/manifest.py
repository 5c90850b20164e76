"""The manifest: which files of the lake are current. A reader that sees one version sees all of it or nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tongpan.analytics.lake.table import SCHEMA_VERSION
from tongpan.core.bulk import copy_rows, execute, fetch_all

TABLE = "analytics_lakefile"
# Any fixed number: the lock of the one writer, held until its transaction ends.
WRITER_LOCK = 7_301_946_001


@dataclass(frozen=True, slots=True)
class File:
    """One file as the manifest knows it. fingerprint: of the rows it was made from, '' when not kept."""

    table: str
    partition: str
    path: str
    rows: int
    size: int
    digest: str
    schema_version: int
    fingerprint: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return self.table, self.partition


def lock_writer() -> None:
    """Wait to be the one writer of the lake until the transaction of the caller ends."""
    execute("SELECT pg_advisory_xact_lock(%s)", [WRITER_LOCK])


def version() -> int:
    """A number that rises whenever any partition of the lake changes; 0 for a lake never written."""
    return int(fetch_all(f"SELECT coalesce(max(id), 0) FROM {TABLE}")[0][0])


def current(tables: Sequence[str] | None = None) -> tuple[int, dict[tuple[str, str], File]]:
    """(version, current file of each (table, partition)), of one instant; only ``tables`` when given."""
    rows = fetch_all(
        f"""SELECT (SELECT coalesce(max(id), 0) FROM {TABLE}),
                   f."table", f.partition, f.path, f.rows, f.size, f.digest, f.schema_version, f.fingerprint
            FROM (SELECT 1) one LEFT JOIN {TABLE} f
              ON f.superseded_at IS NULL AND (%(all)s OR f."table" = ANY(%(tables)s))
            ORDER BY f."table", f.partition""",
        {"all": tables is None, "tables": list(tables or ())},
    )
    files = (File(*row[1:]) for row in rows if row[1] is not None)
    return int(rows[0][0]), {file.key: file for file in files}


def swap(files: Sequence[File], now: datetime) -> None:
    """Make ``files`` the current ones of their partitions, in the transaction of the caller; two statements."""
    if not files:
        return
    execute(
        f"""UPDATE {TABLE} f SET superseded_at = %(now)s
            FROM unnest(%(tables)s::text[], %(partitions)s::text[]) AS new (table_name, partition)
            WHERE f.superseded_at IS NULL AND f."table" = new.table_name AND f.partition = new.partition""",
        {
            "now": now,
            "tables": [file.table for file in files],
            "partitions": [file.partition for file in files],
        },
    )
    copy_rows(
        TABLE,
        (
            "table",
            "partition",
            "path",
            "rows",
            "size",
            "digest",
            "schema_version",
            "fingerprint",
            "written_at",
        ),
        ((f.table, f.partition, f.path, f.rows, f.size, f.digest, SCHEMA_VERSION, f.fingerprint, now) for f in files),
    )
