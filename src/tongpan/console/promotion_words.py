"""What kinds, lanes, payers and states of promotions are called."""

from __future__ import annotations

from typing import Any

from django.utils.translation import gettext_lazy as _

KINDS: dict[str, Any] = {
    "percent": _("Percentage off"),
    "amount": _("Amount off"),
    "fixed_price": _("Fixed price"),
    "timed": _("Limited-time discount"),
    "flash_sale": _("Flash sale"),
    "member_price": _("Member price"),
    "group_price": _("Group-buy price"),
    "first_order": _("First-order offer"),
    "stepped": _("Full reduction"),
    "buy_x_get_y": _("Buy X get Y"),
    "bundle": _("Bundle"),
    "n_for_price": _("N for a price"),
    "nth_item": _("Nth item cheaper"),
    "trade_in": _("Trade-in"),
    "gift": _("Gift with purchase"),
    "sample": _("Free sample"),
    "free_shipping": _("Free shipping"),
}
LANES: dict[str, Any] = {
    "item": _("Items"),
    "bundle": _("Sets of goods"),
    "order": _("Whole order"),
    "coupon": _("Coupons"),
    "shipping": _("Shipping"),
    "gift": _("Gifts"),
}
PAYERS: dict[str, Any] = {
    "shop": _("Shop"),
    "platform": _("Platform"),
    "brand": _("Brand"),
    "influencer": _("Influencer"),
    "dealer": _("Dealer"),
    "bank": _("Bank"),
}
PHASES: dict[str, Any] = {"ahead": _("Ahead"), "running": _("Running"), "over": _("Over")}
PHASE_TONES = {"ahead": "badge-info", "running": "badge-good", "over": ""}
DAYS: dict[str, Any] = {
    "mon": _("Monday"),
    "tue": _("Tuesday"),
    "wed": _("Wednesday"),
    "thu": _("Thursday"),
    "fri": _("Friday"),
    "sat": _("Saturday"),
    "sun": _("Sunday"),
}
COUPON_STATES: dict[str, Any] = {
    "issued": _("Issued"),
    "claimed": _("Claimed"),
    "locked": _("Locked by an order"),
    "used": _("Used"),
    "void": _("Void"),
}
CHANGES: dict[str, Any] = {"added": _("Added"), "removed": _("Removed"), "changed": _("Changed")}
