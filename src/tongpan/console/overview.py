"""The overview: how the business does, and what waits."""

from __future__ import annotations

from datetime import date

from django import forms
from django.http import HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from tongpan.analytics.queries import freshness, profile
from tongpan.channels.queries import channels
from tongpan.console import overview_page, targets
from tongpan.console.access import Request, page
from tongpan.console.choices import local_name
from tongpan.console.lists import FilterForm, with_params
from tongpan.console.periods import PRESETS, Period, period_of
from tongpan.console.simulation import SimulatedParts, simulated_parts
from tongpan.orders.models import HoldReason
from tongpan.orders.queries import open_hold_counts


class OverviewFilters(FilterForm):
    q = None  # type: ignore[assignment]
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    day_from = forms.DateField(label=_("From day"), required=False)
    day_to = forms.DateField(label=_("To day"), required=False)

    def __init__(self, request: Request) -> None:
        sold = [(one.code, local_name(one)) for one in channels() if one.shops.all()]
        super().__init__(request, {"channel": [("", _("All channels")), *sold]})

    def period(self, history: tuple[date, date] | None) -> Period:
        given = self.values
        return period_of(
            self.query.get("period", ""),
            given.get("day_from"),
            given.get("day_to"),
            history,
            timezone.localdate(),
        )


@page("metrics.view")
def overview(request: Request) -> HttpResponse:
    filters = OverviewFilters(request)
    history = profile().history
    context = {
        "section": "overview",
        "filters": filters,
        "has_data": history is not None,
        "holds": _holds(),
        "missed": targets.missed(),
    }
    if history is not None:
        scope = overview_page.Scope(filters.period(history), filters.values.get("channel", ""))
        parts = simulated_parts()
        context |= {
            "period": scope.period,
            "presets": [
                (label, with_params(request.GET, period=key, day_from=None, day_to=None), key == scope.period.preset)
                for key, _days, label in PRESETS
            ],
            "previous": scope.period.previous(),
            "weekdays": scope.period.same_weekdays(),
            "freshness": freshness(),
            "simulated": parts,
            "kpis": overview_page.key_figures(scope, simulated=_simulated_metrics(parts)),
            "gmv_chart": overview_page.gmv_by_channel(scope),
            "goods_chart": overview_page.top_goods(scope),
            "funnel": overview_page.funnel(scope),
            "channel_rows": overview_page.channel_table(scope),
        }
    return render(request, "console/overview.html", context)


def _holds() -> list[tuple[str, str, int]]:
    """(reason, its name, number of orders) of every reason that orders wait for."""
    return [(reason, str(HoldReason(reason).label), number) for reason, number in open_hold_counts().items()]


def _simulated_metrics(parts: SimulatedParts) -> list[str]:
    """Metrics that the demo's made-up surroundings decide."""
    return [*(["on_time_rate"] if parts.nodes else []), *(["gmv_share"] if parts.channels else [])]
