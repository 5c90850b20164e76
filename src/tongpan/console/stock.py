"""Stock: the matrix of SKUs and nodes, one SKU's levels and movements, counts and adjustments."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.catalog.models import Sku
from tongpan.catalog.queries import SkuFilter, count_skus, fetch_skus, iterate_skus, sku_by_code
from tongpan.console import exports
from tongpan.console.access import Request, page
from tongpan.console.choices import category_choices, node_choices
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.stock_forms import AdjustmentForm
from tongpan.console.wording import localized
from tongpan.core.errors import Refusal
from tongpan.inventory.matrix import (
    StockRow,
    count_movements,
    count_stock_documents,
    fetch_movements,
    fetch_stock_documents,
    levels_of_sku,
    stock_rows,
)
from tongpan.inventory.models import Bucket
from tongpan.inventory.transit import incoming_of
from tongpan.network.models import Node
from tongpan.network.queries import active_nodes

DEFAULT_SORT = "code"
_EXPORT_CHUNK = 1000
SKU_COLUMN = Column("sku", _("SKU"), lambda row: row[0].code, sort="code")
NAME_COLUMN = Column("name", _("Name"), lambda row: row[0].name, sort="name")
POOL_COLUMNS = (
    Column("available", _("Available"), lambda row: row[1].available, is_number=True),
    Column("on_hand", _("On hand"), lambda row: row[1].on_hand, is_number=True),
    Column("allocated", _("Allocated"), lambda row: row[1].allocated, is_number=True),
    Column("held", _("Held"), lambda row: row[1].held, is_number=True),
)


class StockFilters(FilterForm):
    category = forms.ChoiceField(label=_("Category"), required=False)
    node = forms.ChoiceField(label=_("Node"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        everything = ("", _("All"))
        super().__init__(
            request, {"category": [everything, *category_choices()], "node": [everything, *node_choices()]}
        )

    def wanted(self) -> SkuFilter:
        given = self.values
        return SkuFilter(text=given.get("q", ""), category_id=int(given["category"]) if "category" in given else None)

    def nodes(self) -> list[Node]:
        """The columns of the matrix: one node, or all that are active."""
        chosen = self.values.get("node")
        return [node for node in active_nodes() if not chosen or str(node.pk) == chosen]


def _node_columns(nodes: list[Node]) -> list[Column]:
    def units_at(node_id: int) -> Any:
        return lambda row: row[1].cells[node_id].on_hand if node_id in row[1].cells else 0

    return [Column(f"node{node.pk}", node.name, units_at(node.pk), is_number=True) for node in nodes]


def _with_stock(skus: list[Sku]) -> list[tuple[Sku, StockRow]]:
    stock = stock_rows([sku.pk for sku in skus])
    return [(sku, stock[sku.pk]) for sku in skus]


@page("stock.view")
def stock_list(request: Request) -> HttpResponse:
    filters = StockFilters(request)
    wanted, nodes = filters.wanted(), filters.nodes()
    context = {
        "section": "stock",
        "filters": filters,
        "nodes": nodes,
        "list": listing(
            request,
            (SKU_COLUMN, NAME_COLUMN, *POOL_COLUMNS, *_node_columns(nodes)),
            default_sort=DEFAULT_SORT,
            fetch=lambda sort, offset, limit: _with_stock(fetch_skus(wanted, sort, offset, limit)),
            count=lambda cap: count_skus(wanted, cap),
        ),
        "views": tabs_of(request.user, "stock", request.META["QUERY_STRING"]),
    }
    return render(request, "console/stock/list.html", context)


@page("data.export")
def stock_export(request: Request) -> HttpResponseBase:
    filters = StockFilters(request)
    columns = (SKU_COLUMN, NAME_COLUMN, *POOL_COLUMNS, *_node_columns(filters.nodes()))
    sort = sort_of(request.GET, columns, DEFAULT_SORT)

    def rows() -> Any:
        chunk: list[Sku] = []
        for sku in iterate_skus(filters.wanted(), sort):
            chunk.append(sku)
            if len(chunk) == _EXPORT_CHUNK:
                yield from _with_stock(chunk)
                chunk = []
        yield from _with_stock(chunk)

    return exports.respond("stock", columns, rows(), request.GET.get("format", ""))


MOVEMENT_COLUMNS = (
    Column("at", _("Time"), None),
    Column("node", _("Node"), None),
    Column("kind", _("Movement"), None),
    Column("on_hand", _("On hand"), None, is_number=True),
    Column("allocated", _("Allocated"), None, is_number=True),
    Column("held", _("Held"), None, is_number=True),
    Column("balance", _("On hand after"), None, is_number=True),
    Column("cause", _("Cause"), None),
    Column("actor", _("By"), None),
)


@page("stock.view")
def sku_stock(request: Request, code: str) -> HttpResponse:
    """One SKU: its levels at every node, and the movements that made them (of one node with ``node``)."""
    sku = sku_by_code(code)
    if sku is None:
        raise Http404
    levels = levels_of_sku(sku.pk)
    nodes = {level.node_id: level.node for level in levels}
    node_text = request.GET.get("node", "")
    node = nodes.get(int(node_text)) if node_text.isdecimal() else None
    bucket = request.GET.get("bucket", "")
    bucket = bucket if bucket in Bucket.values else Bucket.SALEABLE
    node_id = node.pk if node else None
    context = {
        "section": "stock",
        "sku": sku,
        "levels": levels,
        "pool": stock_rows([sku.pk])[sku.pk],
        "incoming": incoming_of(sku.pk),
        "node": node,
        "nodes": sorted(nodes.values(), key=lambda one: one.code),
        "bucket": bucket,
        "buckets": sorted({(level.bucket, level.get_bucket_display()) for level in levels}),
        "list": listing(
            request,
            MOVEMENT_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: fetch_movements(sku.pk, node_id, bucket, offset, limit),
            count=lambda cap: count_movements(sku.pk, node_id, bucket, cap),
        ),
    }
    return render(request, "console/stock/sku.html", context)


DOCUMENT_COLUMNS = (
    Column("at", _("Time"), None),
    Column("kind", _("Kind"), None),
    Column("number", _("Document"), None),
    Column("node", _("Node"), None),
    Column("lines", _("Lines"), None, is_number=True),
    Column("change", _("Change in units"), None, is_number=True),
    Column("reason", _("Reason"), None),
    Column("actor", _("By"), None),
)


class DocumentFilters(FilterForm):
    q = None  # type: ignore[assignment]
    kind = forms.ChoiceField(
        label=_("Kind"),
        required=False,
        choices=[("", _("All")), ("count", _("Count")), ("adjustment", _("Adjustment"))],
    )
    node = forms.ChoiceField(label=_("Node"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": [("", _("All")), *node_choices()]})


@page("stock.view")
def stock_documents(request: Request) -> HttpResponse:
    """Counts and adjustments: what changed stock outside orders."""
    filters = DocumentFilters(request)
    given = filters.values
    node_id, kind = int(given["node"]) if "node" in given else None, given.get("kind", "")
    context = {
        "section": "stock",
        "filters": filters,
        "list": listing(
            request,
            DOCUMENT_COLUMNS,
            default_sort="",
            fetch=lambda _sort, offset, limit: fetch_stock_documents(node_id, kind, offset, limit),
            count=lambda cap: count_stock_documents(node_id, kind, cap),
        ),
        "can_edit": can(request.user, "stock.edit"),
    }
    return render(request, "console/stock/documents.html", context)


@page("stock.edit")
def adjust(request: Request) -> HttpResponse:
    """Book a count or an adjustment of one SKU at one node."""
    form = AdjustmentForm(request.POST or None, initial={"sku": request.GET.get("sku", "")})
    if request.method == "POST" and form.is_valid():
        try:
            outcome = form.book(actor=f"user:{request.user.get_username()}")
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("Booked."))
            if outcome.short:
                sentence = gettext("%(units)d units were not on the book and stay an open difference.")
                messages.warning(request, sentence % {"units": outcome.short})
            return redirect("console:sku_stock", form.cleaned_data["sku"])
    return render(request, "console/stock/adjust.html", {"section": "stock", "form": form})
