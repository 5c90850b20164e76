"""The log of everything that changed in the price book."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.core.bulk import as_json, copy_rows


@dataclass(frozen=True, slots=True)
class Logged:
    """One change. what: of ``PriceLog``. scope: what else names the thing (region, currency, from which units);
    it is put into before and after."""

    what: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None
    sku_id: int | None = None
    list_id: int | None = None
    channel_id: int | None = None
    scope: Mapping[str, Any] | None = None


def log_changes(
    changes: Sequence[Logged],
    *,
    actor: str,
    now: datetime,
    why: str = "",
    approved_by: str = "",
    request_id: int | None = None,
) -> None:
    """Append those of ``changes`` that changed anything, inside the caller's transaction. One statement."""
    rows = [change for change in changes if change.before != change.after]
    if not rows:
        return

    def text(values: Mapping[str, Any] | None, scope: Mapping[str, Any] | None) -> str | None:
        return None if values is None else as_json({**(scope or {}), **values})

    copy_rows(
        "pricing_pricelog",
        (
            "at",
            "what",
            "sku_id",
            "price_list_id",
            "channel_id",
            "before",
            "after",
            "actor",
            "approved_by",
            "why",
            "request_id",
        ),
        (
            (
                now,
                row.what,
                row.sku_id,
                row.list_id,
                row.channel_id,
                text(row.before, row.scope),
                text(row.after, row.scope),
                actor,
                approved_by,
                why,
                request_id,
            )
            for row in rows
        ),
    )
