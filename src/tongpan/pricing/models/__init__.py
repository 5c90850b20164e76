"""The tables of prices."""

from __future__ import annotations

from tongpan.pricing.models.book import ListKind, PriceEntry, PriceList
from tongpan.pricing.models.changes import ChangeRequest, ChangeRow, Outcome, PersonalPrice, PriceLog, RequestState
from tongpan.pricing.models.limits import ChannelBand, PriceFloor, SkuCost
from tongpan.pricing.models.sync import PriceAlert

__all__ = [
    "ChangeRequest",
    "ChangeRow",
    "ChannelBand",
    "ListKind",
    "Outcome",
    "PersonalPrice",
    "PriceAlert",
    "PriceEntry",
    "PriceFloor",
    "PriceList",
    "PriceLog",
    "RequestState",
    "SkuCost",
]
