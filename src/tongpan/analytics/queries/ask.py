"""From names and dates to an answered metric."""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.engine.calendar import parse
from tongpan.analytics.engine.plan import Plan, plan
from tongpan.analytics.engine.request import Chosen, Filter, Key, Request
from tongpan.analytics.engine.spec import Dimension, Metric
from tongpan.analytics.lake.files import quote
from tongpan.analytics.lake.session import CATALOG, session
from tongpan.analytics.queries.results import MetricResult, Row, freshness, row_of, shown
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal

FilterValue = str | None
Filters = Mapping[str, FilterValue | Sequence[FilterValue]]
MAX_ROWS = 1_000_000
# A lake without orders has no history; windows still need some day to end on.
_NO_HISTORY = (date(2000, 1, 1), date(2000, 1, 2))


@dataclass(frozen=True, slots=True)
class Profile:
    """What the lake holds at one version. history: [first, end) of days with orders, None when there are none."""

    history: tuple[date, date] | None
    currencies: tuple[str, ...]


def profile() -> Profile:
    """The days and currencies of the lake as it is now."""
    rows = session().rows(
        f"SELECT currency, min(business_date), max(business_date) FROM {CATALOG}.orders GROUP BY currency "
        f"UNION ALL SELECT DISTINCT currency, NULL, NULL FROM {CATALOG}.returns"
    )
    currencies = tuple(sorted({row[0] for row in rows}))
    with_orders = [row for row in rows if row[1] is not None]
    if not with_orders:
        return Profile(None, currencies)
    first, last = min(row[1] for row in with_orders), max(row[2] for row in with_orders)
    return Profile((first, last + timedelta(days=1)), currencies)


def metric(
    key: str,
    *,
    by: Sequence[str] = (),
    date_from: date | None = None,
    date_to: date | None = None,
    filters: Filters | None = None,
    settings: Mapping[str, str] | None = None,
    order: str = "",
    limit: int | None = None,
) -> MetricResult:
    """One metric over the business days [date_from, date_to), grouped ``by`` dimensions.

    filters: dimension -> one value or several; None keeps rows that have none. order: "" by the dimensions,
    "value" or "-value". settings: see the metric's definition; what is not given is the platform's default.
    Amounts of several currencies are never added: rows are then by currency too. A share always has its own
    dimension in ``by``. Raises Refusal metric.* for what does not exist or cannot be asked.
    """
    request, known = resolve(
        [key],
        by=by,
        date_from=date_from,
        date_to=date_to,
        filters=filters,
        settings=settings,
        order=order,
        limit=limit,
    )
    return _answer(request, known)[key]


def metrics_many(
    keys: Sequence[str],
    *,
    by: Sequence[str] = (),
    date_from: date | None = None,
    date_to: date | None = None,
    filters: Filters | None = None,
    settings: Mapping[str, str] | None = None,
) -> dict[str, MetricResult]:
    """Several metrics with the same grouping in one statement, one scan per fact; by key, in the order given.

    Otherwise as ``metric``. A metric that does not have a given setting ignores it.
    """
    alone = [key for key in keys if _find(key).share_of]
    together = [key for key in keys if key not in alone]
    answers: dict[str, MetricResult] = {}
    for group in ([together] if together else []) + [[key] for key in alone]:
        request, known = resolve(
            group,
            by=by,
            date_from=date_from,
            date_to=date_to,
            filters=filters,
            settings=settings,
            strict=False,
        )
        answers |= _answer(request, known)
    return {key: answers[key] for key in keys}


def explain(key: str, *, engine: str = "duckdb", **asked: Any) -> str:
    """The SQL of ``metric(key, **asked)`` for an engine ("duckdb", "clickhouse", "spark"), laid out to be read."""
    from tongpan.analytics.engine.compile import to_sql  # noqa: PLC0415 - slow to load
    from tongpan.analytics.engine.registry import ENGINES  # noqa: PLC0415

    if engine not in ENGINES:
        raise Refusal("metric.engine", f"There is no engine {engine!r}; there are {', '.join(ENGINES)}.")
    request, _ = resolve([key], **asked)
    return to_sql(plan(request).query, ENGINES[engine], pretty=True)


def resolve(
    keys: Sequence[str],
    *,
    by: Sequence[str] = (),
    date_from: date | None = None,
    date_to: date | None = None,
    filters: Filters | None = None,
    settings: Mapping[str, str] | None = None,
    order: str = "",
    limit: int | None = None,
    strict: bool = True,
) -> tuple[Request, Profile]:
    """The request in the compiler's terms, every name checked.

    strict: a setting that a metric does not have is refused, not ignored. Raises Refusal metric.*.
    """
    found = [_find(key) for key in dict.fromkeys(keys)]
    if date_from is not None and date_to is not None and date_from >= date_to:
        raise Refusal("metric.range", f"The range from {date_from} to before {date_to} holds no day.")
    if order not in ("", "value", "-value"):
        raise Refusal("metric.order", f"Rows can be sorted by value or -value, not by {order!r}.")
    if limit is not None and not 1 <= limit <= MAX_ROWS:
        raise Refusal("metric.limit", f"A limit lies between 1 and {MAX_ROWS}, not at {limit}.")
    known = profile()
    share = [m.share_of for m in found if m.share_of]
    dimensions = tuple(_dimension(key) for key in dict.fromkeys((*share, *by)))
    if by and len(set(by)) != len(by):
        raise Refusal("metric.dimension", f"A dimension is given twice in {', '.join(by)}.")
    request = Request(
        chosen=tuple(Chosen(m, _choose(m, settings or {}, strict=strict)) for m in found),
        by=tuple(sorted(dimensions, key=lambda d: list(by).index(d.key) if d.key in by else -1)),
        history=known.history or _NO_HISTORY,
        day_from=date_from,
        day_to=date_to,
        filters=tuple(_filter(_dimension(key), values) for key, values in (filters or {}).items()),
        by_currency=len(known.currencies) > 1 and any(m.is_money_based for m in found),
        order=order,
        limit=limit,
    )
    return request, known


@functools.lru_cache(maxsize=512)
def compiled(request: Request) -> tuple[Plan, str]:
    """The plan of ``request`` and its DuckDB text; the same for equal requests."""
    # Most processes compile no metric, and what does it takes as long to load as the framework.
    from tongpan.analytics.engine.compile import to_sql  # noqa: PLC0415
    from tongpan.analytics.engine.registry import DUCKDB  # noqa: PLC0415

    planned = plan(request)
    return planned, to_sql(planned.query, DUCKDB)


def _answer(request: Request, known: Profile) -> dict[str, MetricResult]:
    planned, sql = compiled(request)
    rows = session().rows(sql)
    fresh = freshness()
    answers = {}
    for chosen in request.chosen:
        made = _rows_of(chosen.metric, rows, request, planned, known)
        is_distinct = planned.measures[chosen.metric.key].aggregate == "distinct"
        currencies = {row.currency for row in made if row.currency}
        answers[chosen.metric.key] = MetricResult(
            metric=chosen.metric,
            definition=chosen.metric.definition(dict(chosen.settings)),
            settings=dict(chosen.settings),
            by=tuple(dimension.key for dimension in request.by),
            rows=made,
            unit=chosen.metric.unit,
            currency=currencies.pop() if len(currencies) == 1 else None,
            is_additive=chosen.metric.is_additive and not is_distinct,
            freshness=fresh,
            sql=sql,
        )
    return answers


def _rows_of(
    metric: Metric, rows: Sequence[tuple[Any, ...]], request: Request, planned: Plan, known: Profile
) -> list[Row]:
    width = len(request.by)
    first_slot = width + (1 if request.by_currency else 0)
    top_at, base_at = planned.slots[metric.key]
    only = known.currencies[0] if len(known.currencies) == 1 and metric.is_money_based else None
    found = []
    for row in rows:
        currency = only
        if request.by_currency:
            # Rows of counts carry "" and belong to the metrics without money.
            if bool(row[width]) != metric.is_money_based:
                continue
            currency = row[width] or None
        top, base = row[first_slot + top_at], None if base_at is None else row[first_slot + base_at]
        if width and top is None and base is None:
            continue
        dimensions = {d.key: shown(d, value) for d, value in zip(request.by, row[:width], strict=True)}
        found.append(row_of(metric, dimensions, currency, _integer(top, metric, known), _integer_or_none(base)))
    if not found and not request.by:
        found.append(row_of(metric, {}, only, _integer(None, metric, known), None))
    return found


def _integer(value: Any, metric: Metric, known: Profile) -> int | None:
    """No rows make 0 for a sum or count, unless the lake is empty: then nothing is known."""
    if known.history is None and not metric.is_ratio:
        return None
    if value is None:
        return None if metric.is_ratio else 0
    return int(value)


def _integer_or_none(value: Any) -> int | None:
    return None if value is None else int(value)


def _find(key: str) -> Metric:
    metrics = catalogue().metrics
    if key not in metrics:
        raise Refusal("metric.unknown", f"There is no metric {key!r}; there are {', '.join(metrics)}.")
    return metrics[key]


def _dimension(key: str) -> Dimension:
    dimensions = catalogue().dimensions
    if key not in dimensions:
        raise Refusal("metric.dimension", f"There is no dimension {key!r}; there are {', '.join(dimensions)}.")
    return dimensions[key]


def _choose(metric: Metric, given: Mapping[str, str], *, strict: bool) -> tuple[tuple[str, str], ...]:
    """A value for each setting of ``metric``: as given, else of the platform, else the catalogue's default."""
    known = {setting.key for setting in metric.settings}
    unknown = sorted(set(given) - known)
    if strict and unknown:
        has = ", ".join(sorted(known)) or "none"
        raise Refusal("metric.setting", f"Metric {metric.key} has no setting {unknown[0]!r}; it has: {has}.")
    platform = _platform_settings()
    chosen = []
    for setting in metric.settings:
        value = str(given.get(setting.key, platform.get(setting.key, setting.default)))
        if setting.option(value) is None:
            options = ", ".join(option.value for option in setting.options)
            options += ", or a number of days from 1 to 3660" if setting.is_days else ""
            raise Refusal("metric.setting", f"Setting {setting.key} cannot be {value!r}; it may be {options}.")
        chosen.append((setting.key, value))
    return tuple(chosen)


def _platform_settings() -> dict[str, str]:
    """Defaults that this installation changed: platform settings called metrics.<setting>, and rules of other rooms."""
    rules = {setting.rule: key for key, setting in catalogue().settings.items() if setting.rule}
    rows = fetch_all(
        """SELECT substr(key, 9), value #>> '{}' FROM core_setting WHERE key LIKE 'metrics.%%'
           UNION ALL SELECT r.name, s.value ->> r.field
           FROM unnest(%s::text[], %s::text[], %s::text[]) AS r(key, field, name)
           JOIN core_setting s USING (key) WHERE s.value ? r.field""",
        [[rule[0] for rule in rules], [rule[1] for rule in rules], list(rules.values())],
    )
    return dict(rows)


def _filter(dimension: Dimension, given: FilterValue | Sequence[FilterValue]) -> Filter:
    values = [given] if given is None or isinstance(given, str) else list(given)
    if not values:
        raise Refusal("metric.filter", f"The filter by {dimension.key} has no value.")
    keys: list[Key] = [None] if None in values else []
    texts = sorted({value for value in values if value is not None})
    if dimension.grain:
        try:
            keys += [parse(dimension.grain, text) for text in texts]
        except ValueError as error:
            raise Refusal("metric.filter", str(error)) from error
    elif dimension.is_late and dimension.lookup is not None and texts:
        keys += _ids(dimension, texts)
    else:
        keys += texts
    return Filter(dimension, tuple(keys))


def _ids(dimension: Dimension, codes: Sequence[str]) -> list[int]:
    lookup = dimension.lookup
    if lookup is None:
        return []
    found: dict[str, int] = dict(
        session().rows(
            f"SELECT {lookup.value}, {lookup.key} FROM {CATALOG}.{lookup.table} "
            f"WHERE {lookup.value} IN ({', '.join(map(quote, codes))})"
        )
    )
    missing = [code for code in codes if code not in found]
    if missing:
        raise Refusal("metric.filter", f"There is no {dimension.key} {missing[0]!r}.")
    return [found[code] for code in codes]
