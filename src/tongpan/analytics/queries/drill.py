"""The documents behind a number."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Literal

from tongpan.analytics.engine.drill import drill_query
from tongpan.analytics.lake.session import session
from tongpan.analytics.queries.ask import Filters, resolve
from tongpan.core.errors import Refusal

MAX_DOCUMENTS = 10_000


@dataclass(frozen=True, slots=True)
class Drill:
    """Ids of documents, newest first. document: "order", "return" or "customer"; total: how many there are."""

    document: str
    ids: tuple[int, ...]
    total: int


def drill(
    key: str,
    *,
    part: Literal["value", "base"] = "value",
    date_from: date | None = None,
    date_to: date | None = None,
    filters: Filters | None = None,
    settings: Mapping[str, str] | None = None,
    limit: int = 1000,
) -> Drill:
    """The documents that the value of a metric, or the base of a ratio, was made from.

    The row of a grouped result is asked for by its dimensions as ``filters``. Raises Refusal metric.*.
    """
    from tongpan.analytics.engine.compile import to_sql  # noqa: PLC0415 - slow to load
    from tongpan.analytics.engine.registry import DUCKDB  # noqa: PLC0415

    if not 1 <= limit <= MAX_DOCUMENTS:
        raise Refusal("metric.limit", f"Between 1 and {MAX_DOCUMENTS} documents can be listed, not {limit}.")
    request, _ = resolve([key], date_from=date_from, date_to=date_to, filters=filters, settings=settings)
    listing, counting, document = drill_query(request, part, limit)
    ids = tuple(int(row[0]) for row in session().rows(to_sql(listing, DUCKDB)))
    total = int(session().rows(to_sql(counting, DUCKDB))[0][0])
    return Drill(document, ids, total)
