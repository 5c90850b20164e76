"""The log of what single buyers were asked or offered, and from which inputs (SEC-08)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tongpan.core.bulk import as_json, copy_rows, fetch_all
from tongpan.core.errors import Refusal
from tongpan.pricing.queries import price_settings

PURCHASING_POWER = "purchasing_power"


@dataclass(frozen=True, slots=True)
class Personal:
    """A price that one buyer saw. subject: the customer's number. source: the list or rule. inputs: name -> value."""

    subject: str
    sku_code: str
    channel_code: str
    public_minor: int
    amount_minor: int
    currency: str
    source: str
    inputs: Mapping[str, Any] = field(default_factory=dict)


def log_personal(prices: Sequence[Personal], *, now: datetime) -> int:
    """Append ``prices`` to the log, inside the caller's transaction; how many. Four statements.

    Prices equal to the public one are no personal ones and are left out. Raises Refusal personal.purchasing_power
    when an input is the buyer's purchasing power and ``use_purchasing_power`` is off (X-33), personal.unknown for a
    SKU or channel that does not exist.
    """
    rows = [price for price in prices if price.amount_minor != price.public_minor]
    if not rows:
        return 0
    if any(PURCHASING_POWER in price.inputs for price in rows) and not price_settings().use_purchasing_power:
        raise Refusal(
            "personal.purchasing_power",
            "A price may not be made from a buyer's purchasing power; the setting use_purchasing_power is off.",
        )
    skus = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [[row.sku_code for row in rows]]))
    channels = dict(
        fetch_all("SELECT code, id FROM channels_channel WHERE code = ANY(%s)", [[row.channel_code for row in rows]])
    )
    for row in rows:
        if row.sku_code not in skus or row.channel_code not in channels:
            raise Refusal("personal.unknown", f"There is no SKU {row.sku_code!r} or no channel {row.channel_code!r}.")
    copy_rows(
        "pricing_personalprice",
        (
            *("at", "subject", "sku_id", "channel_id", "public_minor", "amount_minor", "currency", "source"),
            "inputs",
        ),
        (
            (
                *(now, row.subject[:80], skus[row.sku_code], channels[row.channel_code], row.public_minor),
                *(row.amount_minor, row.currency, row.source[:80], as_json(dict(row.inputs))),
            )
            for row in rows
        ),
    )
    return len(rows)
