"""What the lake holds, and whether it is right."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from tongpan.analytics.lake import manifest
from tongpan.analytics.lake.tables import TABLES
from tongpan.analytics.lake.verify import verify
from tongpan.analytics.queries.results import freshness
from tongpan.analytics.readers import LAKE
from tongpan.core.eventlog import lag


def lake_status() -> dict[str, Any]:
    """Partitions, rows and bytes of each table; how many events wait; when the last change was taken in."""
    version, current = manifest.current()
    tables = []
    for name in TABLES:
        files = [file for file in current.values() if file.table == name]
        tables.append(
            {
                "table": name,
                "partitions": len(files),
                "rows": sum(file.rows for file in files),
                "bytes": sum(file.size for file in files),
            }
        )
    return {
        "version": version,
        "tables": tables,
        "waiting": lag(LAKE),
        "changed_at": freshness().changed_at,
    }


def lake_differences() -> list[dict[str, Any]]:
    """Where the lake differs from its manifest or from the database; empty when it is right. Locks the writer."""
    return [asdict(difference) for difference in verify()]
