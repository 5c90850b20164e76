"""Supply: how long stock lasts, where central stock should go, how often it turned over."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from typing import Any, cast

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.translation import get_language, gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.analytics.queries.turnover import DEFINITION, By, Turnover, turnover
from tongpan.console import exports
from tongpan.console.access import Request, actor_of, page
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.forecasting.actions import take_up
from tongpan.forecasting.engine import Limits
from tongpan.forecasting.queries import Proposal, SkuSupply, allocation, supply_list
from tongpan.network.queries import active_nodes

STATES = (
    ("overstock", _("Overstock")),
    ("slow", _("Slow mover")),
    ("out", _("Sold out")),
    ("normal", _("Normal")),
)
DEFAULTS = Limits()
_ENDLESS = Fraction(10**12)


def decimal_of(days: Fraction | None) -> Decimal | None:
    """Days with one decimal, None without sales."""
    return None if days is None else (Decimal(days.numerator) / days.denominator).quantize(Decimal("0.1"))


def _node_options() -> list[tuple[str, Any]]:
    return [("", _("All")), *((node.code, node.name) for node in active_nodes() if node.tracks_stock)]


class SupplyFilters(FilterForm):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *STATES])
    node = forms.ChoiceField(label=_("Node"), required=False)
    window = forms.IntegerField(label=_("Days of sales"), required=False, min_value=1, max_value=366)
    max_days = forms.IntegerField(label=_("Overstock above (days)"), required=False, min_value=1, max_value=3660)
    slow_days = forms.IntegerField(label=_("Slow after (days)"), required=False, min_value=1, max_value=3660)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": _node_options()})
        for name in ("window", "max_days", "slow_days"):
            self.fields[name].widget.attrs["placeholder"] = str(getattr(DEFAULTS, name))

    @property
    def limits(self) -> Limits:
        given = self.values
        return Limits(
            **{name: given.get(name, getattr(DEFAULTS, name)) for name in ("window", "max_days", "slow_days")}
        )

    def rows(self, sort: str) -> list[SkuSupply]:
        given = self.values
        states = [given["state"]] if "state" in given else []
        found = supply_list(
            now=utc_now(),
            limits=self.limits,
            states=states,
            node_code=given.get("node", ""),
            text=given.get("q", ""),
        )
        return _sorted(found, sort, _SUPPLY_KEYS)


_SUPPLY_KEYS: dict[str, Callable[[SkuSupply], Any]] = {
    "code": lambda row: row.sku_code,
    "free": lambda row: row.free,
    "sold": lambda row: row.sold,
    "days": lambda row: _ENDLESS if row.supply.days is None else row.supply.days,
    "idle": lambda row: row.idle_days,
    "surplus": lambda row: row.supply.surplus,
}
SUPPLY_COLUMNS = (
    Column("sku", _("SKU"), lambda row: row.sku_code, sort="code"),
    Column("name", _("Name"), lambda row: row.sku_name),
    Column("category", _("Category"), lambda row: row.category),
    Column("state", _("State"), lambda row: str(dict(STATES)[row.supply.state])),
    Column("free", _("Free units"), lambda row: row.free, sort="free", is_number=True, starts_descending=True),
    Column("sold", _("Sold in the window"), lambda row: row.sold, sort="sold", is_number=True, starts_descending=True),
    Column("days", _("Lasts (days)"), lambda row: decimal_of(row.supply.days), "days", True, True),
    Column("idle", _("Days since a unit left"), lambda row: row.idle_days, "idle", True, True),
    Column("surplus", _("Surplus"), lambda row: row.supply.surplus, "surplus", True, True),
)


def _sorted(rows: list[Any], sort: str, keys: dict[str, Callable[[Any], Any]]) -> list[Any]:
    """``rows`` in the order asked for; rows that are equal in it stay in the order of their query."""
    return sorted(rows, key=keys[sort.removeprefix("-")], reverse=sort.startswith("-"))


@dataclass(slots=True)
class _Once:
    """Reads all rows the first time that a part of them is asked for."""

    read: Callable[[], Sequence[Any]]
    rows: Sequence[Any] | None = None

    def all(self) -> Sequence[Any]:
        if self.rows is None:
            self.rows = self.read()
        return self.rows


def supply_page(
    request: Request,
    tab: str,
    filters: FilterForm,
    columns: Sequence[Column],
    *,
    sort: str,
    read: Callable[[str], Sequence[Any]],
    **more: Any,
) -> HttpResponse:
    """One tab of *Supply*: ``columns`` of what ``read`` gives in an order, with its filters and saved views."""
    once = _Once(lambda: read(sort_of(request.GET, columns, sort)))
    context = {
        "section": "supply",
        "tab": tab,
        "filters": filters,
        "list": listing(
            request,
            columns,
            default_sort=sort,
            fetch=lambda _sort, offset, limit: once.all()[offset : offset + limit],
            count=lambda _cap: len(once.all()),
        ),
        "views": tabs_of(request.user, tab, request.META["QUERY_STRING"]),
        **more,
    }
    return render(request, f"console/supply/{tab}.html", context)


@page("stock.view")
def supply(request: Request) -> HttpResponse:
    """Every SKU and how long its stock lasts (INV-06)."""
    filters = SupplyFilters(request)
    return supply_page(
        request, "supply", filters, SUPPLY_COLUMNS, sort="-surplus", read=filters.rows, limits=filters.limits
    )


@page("data.export")
def supply_export(request: Request) -> HttpResponseBase:
    rows = SupplyFilters(request).rows(sort_of(request.GET, SUPPLY_COLUMNS, "-surplus"))
    return exports.respond("supply", SUPPLY_COLUMNS, rows, request.GET.get("format", ""))


class AllocationFilters(FilterForm):
    node = forms.ChoiceField(label=_("To node"), required=False)
    window = forms.IntegerField(label=_("Days of sales"), required=False, min_value=1, max_value=366)
    target = forms.IntegerField(label=_("Fill up to (days)"), required=False, min_value=1, max_value=366)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"node": _node_options()})
        self.fields["q"].label = _("SKU")
        self.fields["window"].widget.attrs["placeholder"] = "28"
        self.fields["target"].widget.attrs["placeholder"] = "30"

    def rows(self, sort: str) -> list[Proposal]:
        given = self.values
        found = allocation(
            now=utc_now(),
            window=given.get("window", 28),
            target_days=given.get("target", 30),
            text=given.get("q", ""),
            node_code=given.get("node", ""),
        )
        return _sorted(found, sort, _ALLOCATION_KEYS)


_ALLOCATION_KEYS: dict[str, Callable[[Proposal], Any]] = {
    "code": lambda row: (row.sku_code, row.to_code),
    "to": lambda row: (row.to_code, row.sku_code),
    "units": lambda row: row.units,
    "before": lambda row: row.before,
}
ALLOCATION_COLUMNS = (
    Column("sku", _("SKU"), lambda row: row.sku_code, sort="code"),
    Column("name", _("Name"), lambda row: row.sku_name),
    Column("from", _("From"), lambda row: row.from_code),
    Column("to", _("To"), lambda row: row.to_code, sort="to"),
    Column("units", _("Units to send"), lambda row: row.units, "units", True, True),
    Column("have", _("Free there"), lambda row: row.have, is_number=True),
    Column("sold", _("Sold in the window"), lambda row: row.sold, is_number=True),
    Column("before", _("Lasts now (days)"), lambda row: decimal_of(row.before), "before", True),
    Column("after", _("Lasts then (days)"), lambda row: decimal_of(row.after), is_number=True),
)


@page("stock.view")
def allocation_list(request: Request) -> HttpResponse:
    """Where central stock should go, by each channel's sales (INV-04)."""
    filters = AllocationFilters(request)
    return supply_page(
        request,
        "allocation",
        filters,
        ALLOCATION_COLUMNS,
        sort="-units",
        read=filters.rows,
        may_edit=can(request.user, "stock.edit"),
    )


@page("data.export")
def allocation_export(request: Request) -> HttpResponseBase:
    rows = AllocationFilters(request).rows(sort_of(request.GET, ALLOCATION_COLUMNS, "-units"))
    return exports.respond("allocation", ALLOCATION_COLUMNS, rows, request.GET.get("format", ""))


@require_POST
@page("stock.edit")
def allocation_accept(request: Request) -> HttpResponse:
    """Make draft transfers of everything that the filters of the address show."""
    query = request.META["QUERY_STRING"]
    filters = AllocationFilters(request)
    outcomes = take_up(filters.rows("-units"), actor=actor_of(request), now=utc_now())
    made = sum(outcome.state == "accepted" for outcome in outcomes)
    for refused in (outcome for outcome in outcomes if outcome.state == "refused"):
        messages.error(request, localized(refused.reason))
    if made:
        said = ngettext("%(n)d draft transfer was made.", "%(n)d draft transfers were made.", made)
        messages.success(request, said % {"n": made})
    elif not outcomes or all(outcome.state == "unchanged" for outcome in outcomes):
        messages.info(request, gettext("Nothing new: these transfers are there already."))
    return redirect(f"{reverse('console:allocation')}?{query}")


class TurnoverFilters(FilterForm):
    by = forms.ChoiceField(
        label=_("By"),
        required=False,
        choices=[("", _("Node")), ("channel", _("Channel")), ("category", _("Category")), ("total", _("In total"))],
    )
    days = forms.ChoiceField(
        label=_("Period"),
        required=False,
        choices=[("", _("30 days")), ("7", _("7 days")), ("90", _("90 days")), ("365", _("365 days"))],
    )

    def rows(self, sort: str) -> list[TurnoverRow]:
        given = self.values
        by = cast(By, given.get("by", "node"))
        days = timedelta(days=int(given.get("days", 30)))
        now = utc_now()
        found = turnover_rows(now - days, now, by)
        text = given.get("q", "").lower()
        kept = [row for row in found if text in row.now.code.lower() or text in row.now.name.lower()]
        return _sorted(kept, sort, _TURNOVER_KEYS)


@dataclass(frozen=True, slots=True)
class TurnoverRow:
    """Turnover of the period, and its change against the period of the same length before (0.2 is +20 %)."""

    now: Turnover
    change: Decimal | None


def turnover_rows(start: datetime, end: datetime, by: By) -> list[TurnoverRow]:
    before = {row.code: row.turnover for row in turnover(start=start - (end - start), end=start, by=by)}
    rows = []
    for row in turnover(start=start, end=end, by=by):
        old = before.get(row.code)
        change = row.turnover / old - 1 if old and row.turnover is not None else None
        rows.append(TurnoverRow(row, change))
    return rows


_TURNOVER_KEYS: dict[str, Callable[[TurnoverRow], Any]] = {
    "name": lambda row: row.now.name or row.now.code,
    "units": lambda row: row.now.units,
    "average": lambda row: row.now.average,
    "turnover": lambda row: Decimal(-1) if row.now.turnover is None else row.now.turnover,
}
TURNOVER_COLUMNS = (
    Column("name", _("Name"), lambda row: row.now.name or row.now.code, sort="name"),
    Column("units", _("Units that left"), lambda row: row.now.units, "units", True, True),
    Column("average", _("Average stock"), lambda row: row.now.average, "average", True, True),
    Column("turnover", _("Turnover"), lambda row: row.now.turnover, "turnover", True, True),
    Column("days", _("Stock lasts (days)"), lambda row: row.now.days, is_number=True),
    Column("change", _("Change"), lambda row: row.change, is_number=True),
)


@page("stock.view")
def turnover_list(request: Request) -> HttpResponse:
    """How often stock turned over, against the period before (KPI-07)."""
    filters = TurnoverFilters(request)
    return supply_page(
        request,
        "turnover",
        filters,
        TURNOVER_COLUMNS,
        sort="-turnover",
        read=filters.rows,
        definition=DEFINITION.in_language(get_language() or ""),
    )


@page("data.export")
def turnover_export(request: Request) -> HttpResponseBase:
    rows = TurnoverFilters(request).rows(sort_of(request.GET, TURNOVER_COLUMNS, "-turnover"))
    return exports.respond("turnover", TURNOVER_COLUMNS, rows, request.GET.get("format", ""))
