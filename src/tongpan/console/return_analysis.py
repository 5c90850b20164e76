"""Why goods come back: by reason, goods, channel and place, quality or not, against what was delivered, over time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from tongpan.analytics.queries import catalogue, labels, metric, metrics_many, profile, series
from tongpan.channels.queries import channels
from tongpan.console import cards, exports
from tongpan.console.access import Request, page
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.periods import Period, period_of
from tongpan.console.saved_views import tabs_of
from tongpan.orders.aftersale.policies import current_policy

BY = (
    ("reason", _("Reason")),
    ("nature", _("Quality or not")),
    ("category", _("Category")),
    ("product", _("Product")),
    ("sku", _("SKU")),
    ("channel", _("Channel")),
    ("node", _("Node")),
    ("province", _("Province")),
)
NATURES = (("quality", _("A matter of quality")), ("other", _("Not a matter of quality")))
_RATES = ("return_case_rate", "non_quality_return_rate")


@dataclass(frozen=True, slots=True)
class ReturnRow:
    """One group. delivered: orders of the group that arrived, or all where a group has none of its own (a reason).

    share: of all returns that are shown.
    """

    key: str
    name: str
    cases: int
    units: int
    delivered: int
    share: Decimal | None

    @property
    def rate(self) -> Decimal | None:
        return Decimal(self.cases) / self.delivered if self.delivered else None


class ReturnFilters(FilterForm):
    by = forms.ChoiceField(label=_("By"), required=False, choices=[("", _("Reason")), *BY[1:]])
    nature = forms.ChoiceField(label=_("Reasons"), required=False, choices=[("", _("All")), *NATURES])
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    day_from = forms.DateField(label=_("From day"), required=False)
    day_to = forms.DateField(label=_("To day"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        named = [(one.code, local_name(one)) for one in channels()]
        super().__init__(request, {"channel": [("", _("All")), *named]})

    @property
    def period(self) -> Period:
        given = self.values
        return period_of("90d", given.get("day_from"), given.get("day_to"), profile().history, timezone.localdate())

    def asked(self, *, of_returns: bool) -> dict[str, Any]:
        """The arguments of metric queries; what orders do not have is left out for them."""
        given, period = self.values, self.period
        filters = {name: given[name] for name in ("channel", "nature") if name in given}
        if not of_returns:
            filters.pop("nature", None)
        return {"date_from": period.date_from, "date_to": period.date_to, "filters": filters}

    def rows(self, sort: str) -> list[ReturnRow]:
        by = self.values.get("by", "reason")
        counted = metrics_many(("return_cases", "returned_units"), by=(by,), **self.asked(of_returns=True))
        delivered = _by_key("delivered_orders", by, self.asked(of_returns=False))
        total = metric("return_cases", **self.asked(of_returns=True)).value
        units = {row.dimensions[by]: int(row.value or 0) for row in counted["returned_units"].rows}
        names = _names(by, [row.dimensions[by] for row in counted["return_cases"].rows])
        found = [
            ReturnRow(
                row.dimensions[by] or "",
                names.get(row.dimensions[by] or "", row.dimensions[by] or "") or gettext("Not known"),
                int(row.value or 0),
                units.get(row.dimensions[by], 0),
                delivered(row.dimensions[by]),
                Decimal(int(row.value or 0)) / int(total) if total else None,
            )
            for row in counted["return_cases"].rows
            if row.value
        ]
        text = self.values.get("q", "").lower()
        kept = [row for row in found if text in row.name.lower() or text in row.key.lower()]
        return sorted(kept, key=_KEYS[sort.removeprefix("-")], reverse=sort.startswith("-"))


def _by_key(key: str, by: str, asked: Mapping[str, Any]) -> Callable[[str | None], int]:
    """The value of ``key`` for each group of ``by``; of all orders where it cannot be grouped so."""
    if by not in catalogue().metrics[key].dimensions:
        everything = int(metric(key, **asked).value or 0)
        return lambda _group: everything
    rows = {row.dimensions[by]: int(row.value or 0) for row in metric(key, by=(by,), **asked).rows}
    return lambda group: rows.get(group, 0)


def _names(by: str, keys: list[str | None]) -> dict[str, str]:
    language = get_language() or ""
    if by == "nature":
        return {key: str(name) for key, name in NATURES}
    if by == "reason":
        return {reason.code: reason.name for reason in current_policy()[1].reasons}
    return {key: text.in_language(language) for key, text in labels(by, keys).items()}


_KEYS: dict[str, Callable[[ReturnRow], Any]] = {
    "cases": lambda row: row.cases,
    "units": lambda row: row.units,
    "rate": lambda row: Decimal(-1) if row.rate is None else row.rate,
    "name": lambda row: row.name,
}
COLUMNS = (
    Column("name", _("Name"), lambda row: row.name, sort="name"),
    Column("cases", _("Returns"), lambda row: row.cases, "cases", True, True),
    Column("share", _("Share"), lambda row: row.share, is_number=True),
    Column("units", _("Units"), lambda row: row.units, "units", True, True),
    Column("delivered", _("Delivered orders"), lambda row: row.delivered, is_number=True),
    Column("rate", _("Per delivered order"), lambda row: row.rate, "rate", True, True),
)


@page("metrics.view")
def return_analysis(request: Request) -> HttpResponse:
    """The returns of the orders of a period, grouped one way, and both rates over time."""
    filters = ReturnFilters(request)
    language = get_language() or ""
    rows = filters.rows(sort_of(request.GET, COLUMNS, "-cases"))
    asked = filters.asked(of_returns=False)
    figures = metrics_many(("return_cases", "delivered_orders", *_RATES), **asked)
    by = filters.values.get("by", "reason")
    context = {
        "section": "return_analysis",
        "filters": filters,
        "period": filters.period,
        "figures": [
            (
                result.metric.name.in_language(language),
                result.value,
                result.unit == "percent",
                result.definition.in_language(language),
            )
            for result in figures.values()
        ],
        "chart": _chart(filters) if profile().history else None,
        "by_name": dict(BY)[by],
        "is_of_all": by not in catalogue().metrics["delivered_orders"].dimensions,
        "list": listing(
            request,
            COLUMNS,
            default_sort="-cases",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "views": tabs_of(request.user, "return_analysis", request.META["QUERY_STRING"]),
    }
    return render(request, "console/returns/analysis.html", context)


def _chart(filters: ReturnFilters) -> cards.Chart:
    period, language = filters.period, get_language() or ""
    asked = filters.asked(of_returns=False)
    lines, steps = [], []
    for key in _RATES:
        points = series(key, period.grain, **asked).get((), [])
        steps = [point.period for point in points]
        values = [None if point.value is None else Decimal(str(point.value)) for point in points]
        lines.append(cards.Series(catalogue().metrics[key].name.in_language(language), values))
    return cards.over_time(
        "return-rates",
        _("Returns per delivered order"),
        axis_title={"day": _("Day"), "week": _("Week"), "month": _("Month")}[period.grain],
        categories=steps,
        series=lines,
        unit=cards.Unit("percent", "", 1),
    )


@page("data.export")
def return_analysis_export(request: Request) -> HttpResponseBase:
    rows = ReturnFilters(request).rows(sort_of(request.GET, COLUMNS, "-cases"))
    return exports.respond("returns-analysis", COLUMNS, rows, request.GET.get("format", ""))
