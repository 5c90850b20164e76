"""What the sidebar holds, in order, and who sees it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


@dataclass(frozen=True, slots=True)
class NavItem:
    """One entry. key: what a page passes as ``section``; permission: what one must be able to see it."""

    key: str
    label: str | Promise
    icon: str
    url_name: str
    permission: str
    on_phone_bar: bool = False

    @property
    def shortcut(self) -> str:
        """The letter that leads there after "g", if it has one."""
        return SHORTCUTS.get(self.key, "")


@dataclass(frozen=True, slots=True)
class NavSection:
    title: str | Promise
    items: tuple[NavItem, ...]


# A page of a new kind goes to the group that the people work in who open it, behind the entries they open more often.
SECTIONS = (
    NavSection(
        _("Orders"),
        (
            NavItem("orders", _("Orders"), "orders", "console:orders", "orders.view", True),
            NavItem("store_desk", _("Store desk"), "store", "console:store_desk", "fulfillment.work"),
            NavItem("carts", _("Carts"), "cart", "console:carts", "orders.view"),
            NavItem("preorders", _("Pre-orders"), "hourglass", "console:preorders", "orders.view"),
            NavItem("subscriptions", _("Subscriptions"), "refresh", "console:subscriptions", "orders.view"),
            NavItem("queues", _("Queues"), "queue", "console:queues", "orders.view"),
            NavItem("parcels", _("Parcels"), "parcels", "console:parcels", "orders.view"),
            NavItem("aftersale", _("After-sale"), "undo", "console:aftersale", "orders.view"),
            NavItem("appointments", _("Appointments"), "calendar", "console:appointments", "orders.view"),
            NavItem("services", _("Service orders"), "wrench", "console:services", "orders.view"),
            NavItem("review_rules", _("Review rules"), "shield", "console:review_rules", "orders.view"),
            NavItem("routing", _("Routing"), "route", "console:routing", "network.view"),
        ),
    ),
    NavSection(
        _("Stock"),
        (
            NavItem("stock", _("Stock"), "stock", "console:stock", "stock.view", True),
            NavItem("supply", _("Supply"), "supply", "console:supply", "stock.view"),
            NavItem("core_goods", _("Core goods"), "star", "console:core_goods", "stock.view"),
            NavItem("replenishment", _("Replenishment"), "bell", "console:replenishment", "stock.view"),
            NavItem("transfers", _("Transfers"), "transfer", "console:transfers", "stock.view"),
            NavItem("counts", _("Counts"), "clipboard", "console:counts", "stock.view"),
            NavItem("inspections", _("Quality inspection"), "magnifier", "console:inspections", "stock.view"),
            NavItem("stock_rules", _("Stock rules"), "sliders", "console:stock_rules", "stock.view"),
            NavItem("network", _("Stores and dealers"), "node", "console:stores", "network.view"),
            NavItem("goods", _("Goods"), "goods", "console:goods", "goods.view", True),
        ),
    ),
    NavSection(
        _("Prices"),
        (
            NavItem("prices", _("Price book"), "price", "console:prices", "prices.view"),
            NavItem("price_sync", _("Price sync"), "sync", "console:price_sync", "prices.view"),
            NavItem("price_requests", _("Price requests"), "approval", "console:price_requests", "prices.view"),
            NavItem("price_log", _("Price log"), "journal", "console:price_log", "prices.view"),
            NavItem("observations", _("Prices seen"), "eye", "console:observations", "prices.view"),
            NavItem("violations", _("Violations"), "warning", "console:violations", "prices.view"),
            NavItem("diversion", _("Diversion"), "scan", "console:diversion", "prices.view"),
            NavItem("price_settings", _("Price settings"), "band", "console:price_settings", "prices.view"),
        ),
    ),
    NavSection(
        _("Promotions"),
        (
            NavItem("promotions", _("Promotions"), "promotion", "console:promotions", "promotions.view"),
            NavItem("campaigns", _("Campaigns"), "megaphone", "console:campaigns", "promotions.view"),
            NavItem("coupons", _("Coupons"), "coupon", "console:coupons", "promotions.view"),
            NavItem("rulebook", _("Rulebook"), "rulebook", "console:rulebook", "promotions.view"),
            NavItem("simulator", _("Simulator"), "flask", "console:simulator", "promotions.view"),
            NavItem("lotteries", _("Lotteries"), "lot", "console:lotteries", "promotions.view"),
            NavItem("groups", _("Group-buy"), "together", "console:groups", "promotions.view"),
            NavItem("replays", _("Replays"), "replay", "console:replays", "promotions.view"),
        ),
    ),
    NavSection(
        _("Customers"),
        (
            NavItem("customers", _("Customers"), "customers", "console:customers", "customers.view"),
            NavItem("visits", _("Store visits"), "door", "console:visits", "customers.view"),
        ),
    ),
    NavSection(
        _("Numbers"),
        (
            NavItem("overview", _("Overview"), "overview", "console:overview", "metrics.view", True),
            NavItem("promises", _("Promises"), "clock", "console:promises", "orders.view"),
            NavItem("return_analysis", _("Returns analysis"), "returned", "console:return_analysis", "metrics.view"),
            NavItem("targets", _("Targets"), "target", "console:targets", "metrics.view"),
        ),
    ),
    NavSection(
        _("Integrations"),
        (
            NavItem("channels", _("Channels"), "channels", "console:channels", "channels.view"),
            NavItem("imports", _("Imports"), "imports", "console:imports", "imports.view"),
            NavItem("accounts", _("Connections"), "plug", "console:accounts", "integration.view"),
            NavItem("webhooks", _("Webhooks"), "hook-out", "console:webhooks", "integration.view"),
            NavItem("inbound", _("Webhooks in"), "hook-in", "console:inbound", "integration.view"),
            NavItem("quality", _("Data quality"), "gauge", "console:quality", "metrics.view"),
            NavItem("exchange", _("File exchange"), "folder", "console:exchange", "integration.view"),
        ),
    ),
    NavSection(
        _("Settings"),
        (NavItem("settings", _("Configuration"), "settings", "admin:index", "settings.edit"),),
    ),
)
# The letter after "g", by the key of the entry; each letter once.
SHORTCUTS = {
    "orders": "o",
    "stock": "s",
    "goods": "p",
    "customers": "c",
    "overview": "n",
    "channels": "h",
    "imports": "i",
    "settings": "e",
}
# Where the way in leads, for those who may open it; others begin at their first entry.
FIRST_PAGE = "overview"


def sections_for(is_allowed: Callable[[str], bool]) -> list[NavSection]:
    """The sections with the items that ``is_allowed(permission)`` lets through; empty sections are left out."""
    seen = []
    for section in SECTIONS:
        items = tuple(item for item in section.items if is_allowed(item.permission))
        if items:
            seen.append(NavSection(section.title, items))
    return seen


def first_page(sections: list[NavSection]) -> str:
    """The name of the address that somebody who sees ``sections`` begins at; "" when there are none."""
    items = [item for section in sections for item in section.items]
    return next((item.url_name for item in items if item.key == FIRST_PAGE), items[0].url_name if items else "")
