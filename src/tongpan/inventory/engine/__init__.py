"""What the stock pool decides without touching the database."""

from __future__ import annotations

from tongpan.inventory.engine.stock import (
    AHEAD,
    BUCKETS,
    EARLIEST,
    MAX_QTY,
    AdjustmentDoc,
    CountDoc,
    Delta,
    Demand,
    StockDoc,
    StockLine,
    StockOutcome,
    content_of,
    grant,
    level_sums,
    merge,
    pool_sums,
    refusal,
)

__all__ = [
    "AHEAD",
    "BUCKETS",
    "EARLIEST",
    "MAX_QTY",
    "AdjustmentDoc",
    "CountDoc",
    "Delta",
    "Demand",
    "StockDoc",
    "StockLine",
    "StockOutcome",
    "content_of",
    "grant",
    "level_sums",
    "merge",
    "pool_sums",
    "refusal",
]
