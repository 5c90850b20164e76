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


@dataclass(frozen=True, slots=True)
class NavSection:
    title: str | Promise
    items: tuple[NavItem, ...]


SECTIONS = (
    NavSection(
        "",
        (NavItem("overview", _("Overview"), "overview", "console:overview", "metrics.view", True),),
    ),
    NavSection(
        _("Operations"),
        (
            NavItem("orders", _("Orders"), "orders", "console:orders", "orders.view", True),
            NavItem("stock", _("Stock"), "stock", "console:stock", "stock.view", True),
            NavItem("imports", _("Imports"), "imports", "console:imports", "imports.view"),
        ),
    ),
    NavSection(
        _("Base data"),
        (
            NavItem("channels", _("Channels"), "channels", "console:channels", "channels.view"),
            NavItem("goods", _("Goods"), "goods", "console:goods", "goods.view", True),
            NavItem("customers", _("Customers"), "customers", "console:customers", "customers.view"),
        ),
    ),
    NavSection(
        _("System"),
        (NavItem("settings", _("Configuration"), "settings", "admin:index", "settings.edit"),),
    ),
)


def sections_for(is_allowed: Callable[[str], bool]) -> list[NavSection]:
    """The sections with the items that ``is_allowed(permission)`` lets through; empty sections are left out."""
    seen = []
    for section in SECTIONS:
        items = tuple(item for item in section.items if is_allowed(item.permission))
        if items:
            seen.append(NavSection(section.title, items))
    return seen
