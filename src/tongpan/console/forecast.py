"""Supply: what demand is expected, what to order for it, and what will lie too long (INV-14)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.console import exports
from tongpan.console.access import Request, actor_of, page
from tongpan.console.lists import Column, FilterForm, sort_of
from tongpan.console.supply import supply_page
from tongpan.console.wording import localized
from tongpan.core.clock import utc_now
from tongpan.forecasting.demand.actions import order_missing
from tongpan.forecasting.demand.engine import Aims
from tongpan.forecasting.demand.queries import Expected, expected_list
from tongpan.forecasting.models import Method
from tongpan.network.queries import active_nodes

STATES = (
    ("short", _("Out before goods come")),
    ("order", _("Below the order point")),
    ("slow", _("Lies too long")),
    ("normal", _("Normal")),
    ("unknown", _("Too little history")),
)
DEFAULTS = Aims()


class ForecastFilters(FilterForm):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *STATES])
    lead = forms.IntegerField(label=_("Days until goods come"), required=False, min_value=1, max_value=180)
    review = forms.IntegerField(label=_("Days between orders"), required=False, min_value=0, max_value=90)
    service = forms.DecimalField(label=_("Service level (%)"), required=False, min_value=50, max_value=99)
    max_days = forms.IntegerField(label=_("Too much above (days)"), required=False, min_value=1, max_value=730)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {})
        for name, usual in (
            ("lead", DEFAULTS.lead_days),
            ("review", DEFAULTS.review_days),
            ("service", round(DEFAULTS.service * 100)),
            ("max_days", DEFAULTS.max_days),
        ):
            self.fields[name].widget.attrs["placeholder"] = str(usual)

    @property
    def aims(self) -> Aims:
        given = self.values
        return Aims(
            given.get("lead", DEFAULTS.lead_days),
            given.get("review", DEFAULTS.review_days),
            float(given["service"]) / 100 if "service" in given else DEFAULTS.service,
            given.get("max_days", DEFAULTS.max_days),
        )

    def rows(self, sort: str) -> list[Expected]:
        given = self.values
        states = [given["state"]] if "state" in given else []
        found = expected_list(aims=self.aims, states=states, text=given.get("q", ""))
        return sorted(found, key=_KEYS[sort.removeprefix("-")], reverse=sort.startswith("-"))


def _days_left(row: Expected) -> float:
    return float("inf") if row.outlook.days_left is None else row.outlook.days_left


_KEYS: dict[str, Callable[[Expected], Any]] = {
    "code": lambda row: row.sku_code,
    "free": lambda row: row.free,
    "expected": lambda row: row.outlook.expected,
    "left": lambda row: (_days_left(row), row.sku_code),
    "order": lambda row: row.outlook.to_order,
    "over": lambda row: row.outlook.left_over,
    "wape": lambda row: -1.0 if row.forecast is None or row.forecast.wape is None else row.forecast.wape,
}
COLUMNS = (
    Column("sku", _("SKU"), lambda row: row.sku_code, sort="code"),
    Column("name", _("Name"), lambda row: row.sku_name),
    Column("state", _("State"), lambda row: str(dict(STATES)[row.outlook.state])),
    Column("free", _("Free units"), lambda row: row.free, "free", True, True),
    Column("on_order", _("On order"), lambda row: row.on_order, is_number=True),
    Column("expected", _("Expected demand"), lambda row: round(row.outlook.expected, 1), "expected", True, True),
    Column("left", _("Lasts (days)"), lambda row: _rounded(row.outlook.days_left), "left", True),
    Column("order_point", _("Order point"), lambda row: row.outlook.order_point, is_number=True),
    Column("to_order", _("Units to order"), lambda row: row.outlook.to_order, "order", True, True),
    Column("left_over", _("Left over"), lambda row: row.outlook.left_over, "over", True, True),
    Column("method", _("Method"), lambda row: str(Method(row.forecast.method).label) if row.forecast else ""),
    Column("wape", _("Error of a week"), lambda row: row.forecast.wape if row.forecast else None, "wape", True, True),
)


def _rounded(days: float | None) -> float | None:
    return None if days is None else round(days, 1)


@page("stock.view")
def forecast_list(request: Request) -> HttpResponse:
    """Every SKU: what is expected of its demand, and what becomes of its stock."""
    filters = ForecastFilters(request)
    return supply_page(
        request,
        "forecast",
        filters,
        COLUMNS,
        sort="left",
        read=filters.rows,
        aims=filters.aims,
        service=round(filters.aims.service * 100, 1),
        may_edit=can(request.user, "stock.edit"),
        warehouses=[node for node in active_nodes() if node.tracks_stock],
    )


@page("data.export")
def forecast_export(request: Request) -> HttpResponseBase:
    rows = ForecastFilters(request).rows(sort_of(request.GET, COLUMNS, "left"))
    return exports.respond("forecast", COLUMNS, rows, request.GET.get("format", ""))


@require_POST
@page("stock.edit")
def forecast_order(request: Request) -> HttpResponse:
    """Propose that suppliers deliver what the rows of the filters of the address lack."""
    query = request.META["QUERY_STRING"]
    rows = ForecastFilters(request).rows("left")
    outcomes = order_missing(rows, node_code=request.POST.get("node", ""), actor=actor_of(request), now=utc_now())
    made = sum(outcome.state == "accepted" for outcome in outcomes)
    for reason in dict.fromkeys(outcome.reason for outcome in outcomes if outcome.state == "refused"):
        messages.error(request, localized(reason))
    if made:
        said = ngettext("%(n)d replenishment was proposed.", "%(n)d replenishments were proposed.", made)
        messages.success(request, said % {"n": made})
    elif not any(outcome.state == "refused" for outcome in outcomes):
        messages.info(request, gettext("Nothing new: what is missing has been asked for already."))
    return redirect(f"{reverse('console:forecast')}?{query}")
