"""What the price book decides without touching the database."""

from __future__ import annotations

from tongpan.pricing.engine.bands import Band, PriceSettings, deviation_pct, read_settings
from tongpan.pricing.engine.book import Floor, PriceBook
from tongpan.pricing.engine.resolving import (
    EXCLUSIVE,
    KINDS,
    PRIORITIES,
    PUBLIC,
    SCOPES,
    Ask,
    Considered,
    ListRef,
    Offer,
    Price,
    consider,
    resolve,
)

__all__ = [
    "EXCLUSIVE",
    "KINDS",
    "PRIORITIES",
    "PUBLIC",
    "SCOPES",
    "Ask",
    "Band",
    "Considered",
    "Floor",
    "ListRef",
    "Offer",
    "Price",
    "PriceBook",
    "PriceSettings",
    "consider",
    "deviation_pct",
    "read_settings",
    "resolve",
]
