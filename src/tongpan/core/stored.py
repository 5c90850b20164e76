"""Settings of the platform that are kept in the database."""

from __future__ import annotations

import json
from typing import Any

from tongpan.core.bulk import as_json, execute, fetch_all


def stored(key: str) -> dict[str, Any] | None:
    """What is stored under ``key``, or None."""
    rows = fetch_all("SELECT value::text FROM core_setting WHERE key = %s", [key])
    value: dict[str, Any] | None = json.loads(rows[0][0]) if rows else None
    return value


def store(key: str, value: dict[str, Any]) -> None:
    """Put ``value`` under ``key``, in the transaction of the caller."""
    execute(
        """INSERT INTO core_setting (key, value, changed_at) VALUES (%s, %s::jsonb, now())
           ON CONFLICT (key) DO UPDATE SET value = excluded.value, changed_at = excluded.changed_at""",
        [key, as_json(value)],
    )
