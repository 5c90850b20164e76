"""Published stock: what each channel is told of each listing, and why the number is what it is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from tongpan.console.access import Request, page
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing
from tongpan.inventory.models import PublishedStock
from tongpan.inventory.published import find_published, select_published

COLUMNS = (
    Column("shop", gettext_lazy("Shop"), None),
    Column("item", gettext_lazy("Item on the channel"), None),
    Column("sku", gettext_lazy("SKU"), None),
    Column("qty", gettext_lazy("Published"), None, is_number=True),
    Column("changed", gettext_lazy("Last change"), None),
)


@page("stock.view")
def published_list(request: Request) -> HttpResponse:
    """Every listing with the number that its channel is told."""
    filters = FilterForm(request)
    rows = find_published(filters.values.get("q", ""))
    context = {
        "section": "stock",
        "filters": filters,
        "list": listing(
            request,
            COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: list(rows[offset : offset + limit]),
            count=lambda cap: rows.order_by()[:cap].count(),
        ),
    }
    return render(request, "console/stock/published.html", context)


@page("stock.view")
def published_reason(request: Request, listing_id: int) -> HttpResponse:
    """Why the published number of one listing is what it is, step by step."""
    row = select_published().select_related("listing__shop__channel").filter(pk=listing_id).first()
    if row is None:
        raise Http404
    context = {
        "section": "stock",
        "row": row,
        "channel": local_name(row.listing.shop.channel),
        "groups": groups_of(row),
    }
    return render(request, "console/stock/published_reason.html", context)


@dataclass(frozen=True, slots=True)
class StepView:
    """One step: a sentence, its signed change (None where it changes nothing) and what is left after it."""

    sentence: str
    units: int | None
    left: int


@dataclass(frozen=True, slots=True)
class StepGroup:
    """The steps of one part of a kit, or of the SKU itself (no code)."""

    sku: str
    steps: list[StepView]


def groups_of(row: PublishedStock) -> list[StepGroup]:
    """The stored steps in words, those of each part of a kit together."""
    groups: list[StepGroup] = []
    for step in row.reason:
        code = step.get("sku", "")
        if not groups or groups[-1].sku != code:
            groups.append(StepGroup(code, []))
        groups[-1].steps.append(StepView(_sentence(step), step["units"] or None, step["left"]))
    return groups


def _sentence(step: dict[str, Any]) -> str:
    name = step["step"]
    if name == "quota":
        return _quota_sentence(step)
    sentences = {
        "on_hand": _("On hand at the nodes that serve the shop"),
        "allocated": _("Pinned to orders that have not left"),
        "held": _("Promised to orders that no node has been chosen for yet"),
        "safety_stock": _("Safety stock that nodes keep back"),
        "cover": _("Minimum cover of core goods"),
        "fenced": _("Fenced off for other channels and live sessions"),
        "threshold": _("Threshold of the channel: never published"),
        "makes": _("Makes this many kits, at %(units)d each"),
        "kit": _("As many kits as the scarcest part makes: %(sku)s"),
        "off_sale": _("Not on sale: nothing is published"),
        "no_node": _("No node serves the shop: nothing is published"),
    }
    sentence = sentences.get(name, name)
    if name == "makes":
        sentence %= {"units": step["units_each"]}
    elif name == "kit":
        sentence %= {"sku": step["short"]}
    nodes = ", ".join(f"{code} {units}" for code, units in step.get("nodes", ()))
    return f"{sentence} ({nodes})" if nodes else sentence


def _quota_sentence(step: dict[str, Any]) -> str:
    if step["mode"] == "segregated":
        return _("The pool is segregated, and the channel has no quota of its own")
    sentences = {
        "reserved": _("The channel sells from its fence only: %(used)d of %(limit)d are used"),
        "cap": _("Cap of the channel: %(used)d of %(limit)d are used"),
        "percent": _("Share of the channel: %(used)d of %(limit)d are used"),
        "shared": _("The pool is segregated, and the channel has no quota of its own"),
    }
    return sentences[step["mode"]] % {"used": step["used"], "limit": step["limit"]}
