"""The account of a platform for one order, as the order page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from tongpan.orders.models import LedgerEntry, Order
from tongpan.orders.queries import entries_of

PARTS: dict[str, str | Promise] = {
    "goods": _("Goods settled"),
    "postage": _("Postage paid"),
    "platform": _("Platform subsidy"),
    "platform_postage": _("Platform subsidy for postage"),
    "platform_other": _("Other platform subsidy"),
    "trade_in": _("Trade-in"),
    "government": _("Government subsidy"),
    "influencer": _("Influencer subsidy"),
    "payment": _("Payment subsidy"),
    "payment_credit": _("Pay-later subsidy"),
    "bank": _("Bank subsidy"),
    "refund": _("Refunded to the buyer"),
    "platform_fee": _("Platform fee"),
    "commission": _("Commission"),
    "agency_fee": _("Agency commission"),
    "channel_fee": _("Channel share"),
    "recruiting_fee": _("Recruiting fee"),
    "promotion_fee": _("Promotion fee"),
    "other_fee": _("Other shares"),
    "waived": _("Commission waived"),
}


@dataclass(frozen=True, slots=True)
class EntryRow:
    """One entry of the account. parts: (what, minor units)."""

    number: str
    at: datetime
    scene: str
    amount_minor: int
    parts: Sequence[tuple[str | Promise, int]]


@dataclass(frozen=True, slots=True)
class Account:
    """entries: oldest first. total_minor: what they add up to."""

    entries: Sequence[EntryRow]
    total_minor: int


def account_of(order: Order) -> Account:
    """What the platform booked for ``order`` on the shop's account."""
    entries = entries_of(order)
    return Account([_row(entry) for entry in entries], sum(entry.amount_minor for entry in entries))


def _row(entry: LedgerEntry) -> EntryRow:
    parts = [(label, int(entry.parts[name])) for name, label in PARTS.items() if name in entry.parts]
    scene = " · ".join(filter(None, (entry.scene, entry.kind)))
    return EntryRow(entry.number, entry.occurred_at, scene, entry.amount_minor, parts)
