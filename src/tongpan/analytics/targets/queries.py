"""Reads of targets: which are in force, how far the numbers are from them, and the alerts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from django.db.models import Q, QuerySet

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.calendar import label, periods
from tongpan.analytics.engine.spec import Metric
from tongpan.analytics.models import Target, TargetAlert
from tongpan.analytics.queries.ask import metric as ask
from tongpan.analytics.queries.ask import profile
from tongpan.analytics.queries.results import MetricResult
from tongpan.analytics.targets.engine import EACH_CHANNEL, TargetSpec, Verdict, judge, last_period, period_of

Values = Mapping[str, Decimal]
"""Values of a metric by scope: "" for the total, else the channel's code. A scope without a value is not in it."""


@dataclass(frozen=True, slots=True)
class Attainment:
    """How a metric stands against one target in [period_from, period_to).

    channel: "" for the total. is_default: the target is the catalogue's, nobody stored another.
    """

    spec: TargetSpec
    metric: Metric
    channel: str
    period_from: date
    period_to: date
    value: Decimal | None
    baseline: Decimal | None
    verdict: Verdict
    is_default: bool

    def as_json(self) -> dict[str, object]:
        """The stable JSON form of the command line."""
        figures = {
            "value": self.value,
            "baseline": self.baseline,
            "wanted": self.verdict.wanted,
            "stretch": self.verdict.stretch,
            "attained": self.verdict.attained,
        }
        return {
            "metric": self.metric.key,
            "channel": self.channel or None,
            "from": self.period_from.isoformat(),
            "to": (self.period_to - timedelta(days=1)).isoformat(),
            "kind": self.spec.kind,
            "commitment": float(self.spec.commitment),
            **{name: None if figure is None else float(figure) for name, figure in figures.items()},
            "state": self.verdict.state,
            "is_default": self.is_default,
            "source": self.spec.source,
        }


def targets_in_force(day: date) -> dict[tuple[str, str], tuple[TargetSpec, bool]]:
    """The targets that hold on ``day`` by (metric, scope), each with whether it is a default of the catalogue.

    Of several stored ones the last made counts. One that is off hides the default.
    """
    found = {(spec.metric, spec.scope): (spec, True) for spec in defaults()}
    rows = Target.objects.filter(Q(valid_to=None) | Q(valid_to__gt=day), valid_from__lte=day).select_related("channel")
    for row in rows.order_by("id"):
        spec = spec_of(row)
        found[spec.metric, spec.scope] = (spec, False)
    order = list(catalogue().metrics)
    kept = {key: one for key, one in found.items() if not one[0].is_off and key[0] in catalogue().metrics}
    return dict(sorted(kept.items(), key=lambda one: (order.index(one[0][0]), one[0][1])))


def defaults() -> list[TargetSpec]:
    """The targets of the catalogue that have a number."""
    return [
        TargetSpec(key, scope, target.kind, target.period, target.commitment, target.stretch, source=target.source)
        for key, metric in catalogue().metrics.items()
        for target in metric.targets
        if target.kind
        for scope in (["", EACH_CHANNEL] if target.on_channels else [""])
    ]


def spec_of(row: Target) -> TargetSpec:
    """A stored target as its spec."""
    return TargetSpec(
        row.metric,
        EACH_CHANNEL if row.is_each_channel else (row.channel.code if row.channel else ""),
        row.kind,  # type: ignore[arg-type]
        row.period,  # type: ignore[arg-type]
        row.commitment,
        row.stretch,
        row.baseline_from,
        row.baseline_to,
        row.source,
        row.valid_from,
        row.valid_to,
        row.is_off,
    )


def attainments(
    *, today: date, on: date | None = None, metric: str = "", days: tuple[date, date] | None = None
) -> list[Attainment]:
    """Every target in force with how it is attained, in the order of the catalogue, totals before channels.

    Judged is the period that holds ``on``; without it the last one that is over when ``today`` begins; with ``days``
    exactly those of [from, to). A channel without a value is left out.
    """
    found: list[Attainment] = []
    by_metric: dict[str, dict[str, tuple[TargetSpec, bool]]] = {}
    for (key, scope), one in targets_in_force(days[0] if days else on or today).items():
        if metric in ("", key):
            by_metric.setdefault(key, {})[scope] = one
    for key, scopes in by_metric.items():
        read = _Read(catalogue().metrics[key])
        for scope, (spec, is_default) in scopes.items():
            first, end = days or (period_of(spec.period, on) if on else last_period(spec.period, today))
            values, baselines = read.values(first, end, scope), read.baselines(spec, first)
            for channel in _channels(scope, scopes, values):
                value, baseline = values.get(channel), baselines.get(channel)
                verdict = judge(spec, read.metric.direction, value, baseline)
                found.append(Attainment(spec, read.metric, channel, first, end, value, baseline, verdict, is_default))
    order = list(by_metric)
    return sorted(found, key=lambda one: (order.index(one.metric.key), one.channel))


def _channels(scope: str, scopes: Mapping[str, object], values: Values) -> list[str]:
    """The scopes that a target judges: its own, or every channel with a value and no target of its own."""
    if scope != EACH_CHANNEL:
        return [scope]
    return sorted(code for code in values if code and code not in scopes)


class _Read:
    """What the targets of one metric need, each asked for once."""

    def __init__(self, metric: Metric) -> None:
        self.metric = metric
        self._known: dict[tuple[object, ...], Values] = {}

    def values(self, first: date, end: date, scope: str) -> Values:
        """The values of [first, end): of the total for the scope "", else of every channel."""
        key = (first, end, scope == "")
        if key not in self._known:
            by = () if scope == "" else ("channel",)
            self._known[key] = _by_scope(ask(self.metric.key, by=by, date_from=first, date_to=end))
        return self._known[key]

    def baselines(self, spec: TargetSpec, judged_from: date) -> Values:
        """The values of the baseline: of its days, or of each scope's first whole period before the one judged."""
        if spec.kind == "value":
            return {}
        if spec.baseline_from and spec.baseline_to:
            return self.values(spec.baseline_from, spec.baseline_to, spec.scope)
        key = (spec.period, judged_from, spec.scope == "")
        if key not in self._known:
            self._known[key] = self._first_values(spec, judged_from)
        return self._known[key]

    def _first_values(self, spec: TargetSpec, judged_from: date) -> Values:
        history = profile().history
        if history is None or history[0] >= judged_from:
            return {}
        by = (spec.period,) if spec.scope == "" else ("channel", spec.period)
        result = ask(self.metric.key, by=by, date_from=history[0], date_to=judged_from)
        spine = periods(spec.period, history[0], judged_from)
        whole = {label(spec.period, period.key) for period in spine if period.first >= history[0]}
        found: dict[str, Decimal] = {}
        for row in sorted(result.rows, key=lambda one: str(one.dimensions[spec.period])):
            scope = row.dimensions.get("channel") or ""
            if row.value and row.dimensions[spec.period] in whole and scope not in found:
                found[scope] = Decimal(str(row.value))
        return found


def _by_scope(result: MetricResult) -> Values:
    return {
        row.dimensions.get("channel") or "": Decimal(str(row.value))
        for row in result.rows
        if row.value is not None and (not result.by or row.dimensions["channel"])
    }


def history_of(attainment: Attainment, count: int) -> list[Attainment]:
    """The same target over the last ``count`` periods that end with the judged one, oldest first.

    Each period is judged by the target that is shown, with the same baseline.
    """
    spec = attainment.spec
    first = attainment.period_from
    for _ in range(count - 1):
        first = last_period(spec.period, first)[0]
    result = ask(
        spec.metric,
        by=(spec.period,),
        date_from=first,
        date_to=attainment.period_to,
        filters={"channel": attainment.channel} if attainment.channel else None,
    )
    values = {row.dimensions[spec.period]: row.value for row in result.rows}
    found = []
    for period in periods(spec.period, first, attainment.period_to):
        shown = values.get(label(spec.period, period.key))
        value = None if shown is None else Decimal(str(shown))
        verdict = judge(spec, attainment.metric.direction, value, attainment.baseline)
        found.append(replace(attainment, period_from=period.first, period_to=period.end, value=value, verdict=verdict))
    return found


def stored_targets(metric: str, limit: int = 50) -> Sequence[Target]:
    """What was stored for a metric, the last first."""
    return list(Target.objects.filter(metric=metric).select_related("channel").order_by("-id")[:limit])


def select_alerts(*, is_open: bool | None = None, metric: str = "") -> QuerySet[TargetAlert]:
    """Alerts with their channel, the last opened first; an absent argument narrows nothing."""
    rows = TargetAlert.objects.select_related("channel").order_by("-opened_at", "-id")
    if is_open is not None:
        rows = rows.filter(closed_at__isnull=is_open)
    return rows.filter(metric=metric) if metric else rows
