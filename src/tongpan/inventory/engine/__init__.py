"""What the stock pool decides without touching the database."""

from __future__ import annotations

from tongpan.inventory.engine.sharing import MODES, Granted, Quota, Refused, Shares, grant
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
    "MODES",
    "AdjustmentDoc",
    "CountDoc",
    "Delta",
    "Demand",
    "Granted",
    "Quota",
    "Refused",
    "Shares",
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
