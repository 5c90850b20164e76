"""Diversion: the scores of the last run, one of them with its evidence, and how dealers keep to the rules."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_POST

from tongpan.access.queries import can
from tongpan.console import exports, formats
from tongpan.console.access import Request, page, who
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.observations import sorted_by
from tongpan.console.patrol_words import FOUND_BY, SIGNAL_HEADS, SIGNALS
from tongpan.console.saved_views import tabs_of
from tongpan.pricing.patrol.queries.cases import dealer_files
from tongpan.pricing.patrol.queries.observations import currencies_of
from tongpan.risk.actions import look_for_diversion
from tongpan.risk.models import CodeKind, DiversionScore, RiskLevel, SightingKind
from tongpan.risk.queries.dealers import performances
from tongpan.risk.queries.scores import last_run, recompute, score_by_id, select_scores

_SORTS = {"score": ("score", "pk")}
_FILE_DAYS = 365


def _name(row: DiversionScore) -> str:
    return row.dealer.name if row.dealer else row.shop.name if row.shop else ""


def _value(code: str) -> Any:
    def value(row: DiversionScore) -> object:
        found = next(one["value"] for one in row.signals if one["code"] == code)
        return None if found is None else found / 100

    return value


COLUMNS = (
    Column("name", _("Dealer or shop"), _name),
    Column("score", _("Score"), lambda row: row.score, "score", True, True),
    Column("level", _("Level"), lambda row: str(row.get_level_display())),
    *(Column(code, label, _value(code), is_number=True) for code, label in SIGNALS.items()),
)


class ScoreFilters(FilterForm):
    level = forms.ChoiceField(label=_("Level"), required=False, choices=[("", _("All")), *RiskLevel.choices])

    def rows(self) -> Any:
        run = last_run()
        return select_scores(run.pk if run else 0, level=self.values.get("level", ""), text=self.values.get("q", ""))


@page("prices.view")
def diversion_list(request: Request) -> HttpResponse:
    """The scores of the last run, the highest first."""
    filters = ScoreFilters(request)
    rows = filters.rows()
    context = {
        "section": "diversion",
        "filters": filters,
        "run": last_run(),
        "may_edit": can(request.user, "cases.edit"),
        "views": tabs_of(request.user, "diversion", request.META["QUERY_STRING"]),
        "list": listing(
            request,
            COLUMNS,
            default_sort="-score",
            fetch=lambda sort, offset, limit: [
                (row, _name(row), [(label, _value(code)(row)) for code, label in SIGNALS.items()])
                for row in sorted_by(rows, sort, _SORTS)[offset : offset + limit]
            ],
            count=lambda cap: rows[:cap].count(),
        ),
    }
    return render(request, "console/diversion/list.html", context)


@page("data.export")
def diversion_export(request: Request) -> HttpResponseBase:
    rows = sorted_by(ScoreFilters(request).rows(), sort_of(request.GET, COLUMNS, "-score"), _SORTS)
    return exports.respond("diversion", COLUMNS, rows.iterator(chunk_size=500), request.GET.get("format", ""))


@require_POST
@page("cases.edit")
def diversion_look(request: Request) -> HttpResponse:
    """Score everything now."""
    found = look_for_diversion(**who(request))
    said = gettext("%(n)s dealers and shops were scored; %(striking)s call for a case, %(watched)s for watching.")
    messages.success(request, said % {"n": found.subjects, "striking": found.striking, "watched": found.watched})
    return redirect("console:diversion")


@page("prices.view")
def diversion_detail(request: Request, score_id: int) -> HttpResponse:
    """One score: each signal with its value, weight and evidence; of a dealer its file and how it does."""
    row = score_by_id(score_id)
    if row is None:
        raise Http404
    run = row.run
    file = performance = None
    if row.dealer_id:
        file = dealer_files([row.dealer_id], run.window_to - timedelta(days=_FILE_DAYS))[row.dealer_id]
        performance = performances([row.dealer_id], run.window_from, run.window_to)[row.dealer_id]
    context = {
        "section": "diversion",
        "row": row,
        "run": run,
        "name": _name(row),
        "again": recompute(score_id),
        "signals": [_shown(one) for one in row.signals],
        "file": file,
        "file_days": _FILE_DAYS,
        "performance": performance,
    }
    return render(request, "console/diversion/detail.html", context)


def _shown(signal: dict[str, Any]) -> dict[str, Any]:
    code, rows = signal["code"], signal["evidence"]
    if code == "codes":
        kinds, seen = dict(CodeKind.choices), dict(SightingKind.choices)
        rows = [
            [kinds[r[0]], *r[1:3], seen[r[3]], *r[4:6], *(formats.stamp(datetime.fromisoformat(at)) for at in r[6:8])]
            for r in rows
        ]
    if code == "bulk":
        rows = [[row[0], FOUND_BY[row[1]], *row[2:]] for row in rows]
    if code == "price":
        currencies = currencies_of([row[1] for row in rows])
        rows = [[*row[:3], *(formats.money(minor, currencies[row[1]]) for minor in row[3:5]), row[5]] for row in rows]
    value = signal["value"]
    return {
        "code": code,
        "name": SIGNALS[code],
        "value": None if value is None else value / 100,
        "weight": signal["weight"],
        "known": signal["known"],
        "striking": signal["striking"],
        "heads": SIGNAL_HEADS[code],
        "rows": rows,
    }
