"""Targets: what each number shall be, how far it is from there, since when it is missed, and changing them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.http import urlencode
from django.utils.translation import get_language, gettext
from django.utils.translation import gettext_lazy as _

from tongpan.access.queries import can
from tongpan.analytics.engine.spec import Metric
from tongpan.analytics.queries import catalogue, profile
from tongpan.analytics.targets.actions import save_targets
from tongpan.analytics.targets.engine import EACH_CHANNEL, TargetSpec
from tongpan.analytics.targets.queries import (
    Attainment,
    attainments,
    history_of,
    select_alerts,
    stored_targets,
    targets_in_force,
)
from tongpan.channels.queries import channels
from tongpan.console import exports, formats
from tongpan.console.access import Request, page, who
from tongpan.console.choices import local_name
from tongpan.console.lists import Column, FilterForm, listing, sort_of
from tongpan.console.saved_views import tabs_of
from tongpan.console.wording import localized
from tongpan.core.clock import DEFAULT_ZONE, business_day, utc_now
from tongpan.core.errors import Refusal

STATES = (("met", _("Met")), ("near", _("Just missed")), ("missed", _("Missed")), ("unknown", _("Not known")))
PERIODS = (
    ("day", _("Day")),
    ("week", _("Week")),
    ("month", _("Month")),
    ("quarter", _("Quarter")),
    ("year", _("Year")),
)
KINDS = (("value", _("A value of the metric")), ("change", _("A change against the baseline, in percent")))
_SHOWN_PERIODS = 13
_ORDER = {"missed": 0, "near": 1, "unknown": 2, "met": 3}


def _today() -> date:
    return business_day(utc_now(), DEFAULT_ZONE)


def figure(value: Decimal | None, unit: str) -> str:
    """A value of a metric as its unit is written."""
    if value is None:
        return formats.NOTHING
    if unit == "percent":
        return formats.percent(value, 2)
    if unit == "hours":
        return gettext("%(hours)s h") % {"hours": formats.number(value, 1)}
    return formats.number(value, 0 if unit == "count" else 2)


@dataclass(frozen=True, slots=True)
class TargetRow:
    """An attainment in words."""

    one: Attainment
    name: str
    channel: str

    @property
    def value(self) -> str:
        return figure(self.one.value, self.one.metric.unit)

    @property
    def wanted(self) -> str:
        return figure(self.one.verdict.wanted, self.one.metric.unit)

    @property
    def stretch(self) -> str:
        return figure(self.one.verdict.stretch, self.one.metric.unit)

    @property
    def baseline(self) -> str:
        return figure(self.one.baseline, self.one.metric.unit)

    @property
    def goal(self) -> str:
        """The target as it was set: "≥ 98.00%", "+20.0%"."""
        spec = self.one.spec
        if spec.kind == "change":
            sign = "+" if spec.commitment > 0 else ""
            return f"{sign}{formats.percent(spec.commitment)}" if spec.commitment else gettext("no worse")
        sign = {"up": "≥", "down": "≤"}.get(self.one.metric.direction, "")
        return f"{sign} {figure(spec.commitment, self.one.metric.unit)}"

    @property
    def state(self) -> str:
        return str(dict(STATES)[self.one.verdict.state])

    @property
    def period(self) -> str:
        last = self.one.period_to - timedelta(days=1)
        first = self.one.period_from
        return formats.day(first) if first == last else f"{formats.day(first)} – {formats.day(last)}"

    @property
    def href(self) -> str:
        query = {"channel": self.one.channel} if self.one.channel else {}
        return f"{reverse('console:target', args=[self.one.metric.key])}?{urlencode(query)}".rstrip("?")


def _names() -> dict[str, str]:
    return {one.code: local_name(one) for one in channels()}


def _rows(found: Sequence[Attainment]) -> list[TargetRow]:
    names, language = _names(), get_language() or ""
    return [
        TargetRow(
            one,
            one.metric.name.in_language(language),
            names.get(one.channel, "") if one.channel else gettext("In total"),
        )
        for one in found
    ]


class TargetFilters(FilterForm):
    state = forms.ChoiceField(label=_("State"), required=False, choices=[("", _("All")), *STATES])
    channel = forms.ChoiceField(label=_("Channel"), required=False)
    on = forms.DateField(label=_("The period of this day"), required=False)

    def __init__(self, request: HttpRequest) -> None:
        super().__init__(request, {"channel": [("", _("All")), ("total", _("Total alone")), *_names().items()]})

    def rows(self, sort: str) -> list[TargetRow]:
        given = self.values
        found = _rows(attainments(today=_today(), on=given.get("on")))
        if "state" in given:
            found = [row for row in found if row.one.verdict.state == given["state"]]
        if "channel" in given:
            wanted = "" if given["channel"] == "total" else given["channel"]
            found = [row for row in found if row.one.channel == wanted]
        text = given.get("q", "").lower()
        found = [row for row in found if text in f"{row.name} {' '.join(row.one.metric.kpis)} {row.channel}".lower()]
        key = _KEYS[sort.removeprefix("-")]
        return sorted(found, key=key, reverse=sort.startswith("-"))


_KEYS: dict[str, Callable[[TargetRow], Any]] = {
    "": lambda row: 0,
    "metric": lambda row: (row.name, row.channel),
    "attained": lambda row: Decimal(-1) if row.one.verdict.attained is None else row.one.verdict.attained,
    "state": lambda row: _ORDER[row.one.verdict.state],
}
COLUMNS = (
    Column("metric", _("Metric"), lambda row: row.name, sort="metric"),
    Column("channel", _("Channel"), lambda row: row.channel),
    Column("period", _("Period"), lambda row: row.period),
    Column("value", _("Value"), lambda row: row.one.value, is_number=True),
    Column("goal", _("Target"), lambda row: row.goal, is_number=True),
    Column("wanted", _("Needed"), lambda row: row.one.verdict.wanted, is_number=True),
    Column("attained", _("Reached"), lambda row: row.one.verdict.attained, "attained", True, True),
    Column("state", _("State"), lambda row: row.state, sort="state"),
)


@page("metrics.view")
def target_list(request: Request) -> HttpResponse:
    """Every target in force, in its last period that is over or that of a day."""
    filters = TargetFilters(request)
    rows = filters.rows(sort_of(request.GET, COLUMNS, "state"))
    counted = [(key, str(label), sum(row.one.verdict.state == key for row in rows)) for key, label in STATES]
    context = {
        "section": "targets",
        "filters": filters,
        "counted": counted,
        "list": listing(
            request,
            COLUMNS,
            default_sort="state",
            fetch=lambda _sort, offset, limit: rows[offset : offset + limit],
            count=lambda _cap: len(rows),
        ),
        "views": tabs_of(request.user, "targets", request.META["QUERY_STRING"]),
        "may_edit": can(request.user, "metrics.edit"),
    }
    return render(request, "console/targets/list.html", context)


@page("data.export")
def target_export(request: Request) -> HttpResponseBase:
    rows = TargetFilters(request).rows(sort_of(request.GET, COLUMNS, "state"))
    return exports.respond("targets", COLUMNS, rows, request.GET.get("format", ""))


class TargetForm(forms.Form):
    scope = forms.ChoiceField(label=_("Holds for"))
    kind = forms.ChoiceField(label=_("The target is"), choices=KINDS, widget=forms.RadioSelect)
    commitment = forms.DecimalField(
        label=_("Commitment"),
        max_digits=14,
        decimal_places=4,
        help_text=_(
            "Shares and changes in percent: 98 is a share of 98 percent, -40 is 40 percent less than the baseline."
        ),
    )
    stretch = forms.DecimalField(label=_("Stretch goal"), max_digits=14, decimal_places=4, required=False)
    period = forms.ChoiceField(label=_("Judged by"), choices=PERIODS)
    baseline_from = forms.DateField(
        label=_("Baseline from day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("Empty: the first whole period that has a value."),
    )
    baseline_to = forms.DateField(
        label=_("Baseline to day"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    valid_from = forms.DateField(
        label=_("Valid from day"),
        required=False,
        widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"}),
        help_text=_("Empty: from the last period that is over."),
    )
    valid_to = forms.DateField(
        label=_("Valid to day"), required=False, widget=forms.DateInput(format="%Y-%m-%d", attrs={"type": "date"})
    )
    source = forms.CharField(label=_("Where it comes from"), max_length=120, required=False)
    is_off = forms.BooleanField(label=_("No target here"), required=False)

    def __init__(self, *args: Any, scopes: Sequence[tuple[str, Any]], is_share: bool, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.is_share = is_share
        field = self.fields["scope"]
        assert isinstance(field, forms.ChoiceField)  # noqa: S101 - declared above
        field.choices = list(scopes)

    def spec(self, metric: str) -> TargetSpec:
        given, following = self.cleaned_data, timedelta(days=1)
        per = 100 if given["kind"] == "change" or self.is_share else 1
        stretch = given["stretch"]
        return TargetSpec(
            metric,
            "" if given["scope"] == "total" else given["scope"],
            given["kind"],
            given["period"],
            given["commitment"] / per,
            None if stretch is None else stretch / per,
            given["baseline_from"],
            given["baseline_to"] and given["baseline_to"] + following,
            given["source"].strip(),
            given["valid_from"],
            given["valid_to"] and given["valid_to"] + following,
            given["is_off"],
        )


def _initial(spec: TargetSpec, *, is_share: bool, scope: str) -> dict[str, Any]:
    per = 100 if spec.kind == "change" or is_share else 1
    one_day = timedelta(days=1)
    return {
        "scope": scope or "total",
        "kind": spec.kind,
        "commitment": (spec.commitment * per).normalize(),
        "stretch": None if spec.stretch is None else (spec.stretch * per).normalize(),
        "period": spec.period,
        "baseline_from": spec.baseline_from,
        "baseline_to": spec.baseline_to and spec.baseline_to - one_day,
        "source": spec.source,
    }


@page("metrics.view")
def target_detail(request: Request, key: str) -> HttpResponse:
    """One metric on one scope: its periods against the target, its alerts, what was stored; a POST stores another."""
    in_force = targets_in_force(_today())
    mine = {scope: spec for (metric, scope), (spec, _default) in in_force.items() if metric == key}
    metric = next((one for one in _metrics() if one.key == key), None)
    if metric is None:
        raise Http404
    channel = request.GET.get("channel", "")
    may_edit = can(request.user, "metrics.edit")
    if request.method == "POST" and not may_edit:
        return render(request, "console/no_permission.html", {"permission": "metrics.edit"}, status=403)
    is_share = metric.unit == "percent"
    scopes: list[tuple[str, Any]] = [("total", _("In total"))]
    if "channel" in metric.dimensions:
        scopes += [(EACH_CHANNEL, _("Every channel without its own")), *_names().items()]
    spec = mine.get(channel) or mine.get(EACH_CHANNEL) or mine.get("")
    initial = _initial(spec, is_share=is_share, scope=channel) if spec else {"kind": "value", "period": "month"}
    form = TargetForm(request.POST or None, initial=initial, scopes=scopes, is_share=is_share)
    if request.method == "POST" and form.is_valid():
        try:
            save_targets([form.spec(key)], **who(request))
        except Refusal as refusal:
            form.add_error(None, localized(refusal.sentence))
        else:
            messages.success(request, gettext("The target counts from now on."))
            return redirect(request.get_full_path())
    found = [one for one in attainments(today=_today(), metric=key) if one.channel == channel]
    context = {
        "section": "targets",
        "metric": metric,
        "name": metric.name.in_language(get_language() or ""),
        "formula": metric.formula.in_language(get_language() or ""),
        "channel": _names().get(channel, "") if channel else gettext("In total"),
        "row": _rows(found)[0] if found else None,
        "periods": list(reversed(_rows(history_of(found[0], _SHOWN_PERIODS)))) if found and profile().history else [],
        "alerts": [
            (a, figure(a.value, metric.unit), figure(a.wanted, metric.unit))
            for a in select_alerts(metric=key).filter(**({"channel__code": channel} if channel else {"channel": None}))[
                :20
            ]
        ],
        "stored": stored_targets(key),
        "form": form,
        "may_edit": may_edit,
    }
    return render(request, "console/targets/detail.html", context)


def _metrics() -> list[Metric]:
    return list(catalogue().metrics.values())


def missed() -> list[tuple[str, str, str, str, str]]:
    """(name, channel, value, wanted, address) of the open alerts, the last opened first, for the overview."""
    names, language = _names(), get_language() or ""
    metrics = {one.key: one for one in _metrics()}
    made = []
    for alert in select_alerts(is_open=True)[:8]:
        metric = metrics.get(alert.metric)
        if metric is None:
            continue
        code = alert.channel.code if alert.channel else ""
        query = f"?{urlencode({'channel': code})}" if code else ""
        made.append(
            (
                metric.name.in_language(language),
                names.get(code, code) if code else gettext("In total"),
                figure(alert.value, metric.unit),
                figure(alert.wanted, metric.unit),
                reverse("console:target", args=[metric.key]) + query,
            )
        )
    return made
