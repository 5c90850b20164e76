"""The metric catalogue and its numbers."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Annotated, Any, Literal

from django.http import HttpRequest
from ninja import Path, Query, Router
from pydantic import BaseModel, Field, StringConstraints

from tongpan.analytics.queries import MetricResult, Row, catalogue, metric
from tongpan.api.operations import read
from tongpan.api.problems import Problem, not_found
from tongpan.api.values import Day, Instant, MoneyOut, Out, Text120, money

router = Router(tags=["metrics"])

Key = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,59}$")]
Language = Literal["en", "zh"]
_PAIR = re.compile(r"[^=]+=.*", re.DOTALL)
_MOST_ROWS = 10_000


class LanguageQuery(BaseModel):
    language: Language = "en"


class MetricQuery(LanguageQuery):
    by: Annotated[str, StringConstraints(max_length=200, pattern=r"^[a-z0-9_,]*$")] = Field(
        "", description="Dimensions to group by, separated by commas", examples=["channel,month"]
    )
    first: Day | None = Field(None, alias="from", description="First business day")
    last: Day | None = Field(None, alias="to", description="Last business day, included")
    filter: list[Text120] = Field(
        [], max_length=20, description="dimension=value; several of one dimension widen it", examples=[["channel=jd"]]
    )
    set: list[Text120] = Field([], max_length=20, description="name=value: a setting of the definition")
    order: Literal["", "value", "-value"] = Field("", description="By the dimensions, or by value")
    limit: int = Field(1000, ge=1, le=_MOST_ROWS, description="How many rows at most")


class SettingOut(Out):
    default: str
    options: list[str]


class TargetOut(Out):
    text: str
    source: str


class MetricOut(Out):
    """What one number of the catalogue means."""

    key: str
    name: str
    formula: str
    base: str | None
    unit: str
    direction: str
    is_additive: bool
    dimensions: list[str]
    settings: dict[str, SettingOut]
    targets: list[TargetOut]
    kpis: list[str]
    freshness: str


class DimensionOut(Out):
    key: str
    name: str


class CatalogueOut(Out):
    metrics: list[MetricOut]
    dimensions: list[DimensionOut]


class FreshOut(Out):
    changed_at: Instant | None = Field(description="When the numbers last took something in")
    is_current: bool = Field(description="False while events wait to be taken in")


class MetricRowOut(Out):
    dimensions: dict[str, str | None] = Field(description="null where the rows have none")
    value: MoneyOut | int | float | None = Field(description="null where it is not defined")


class MetricResultOut(Out):
    metric: str
    name: str
    definition: str = Field(description="What the number means, with the settings that were chosen")
    unit: str
    settings: dict[str, str]
    fresh: FreshOut
    is_complete: bool = Field(description="False when limit cut rows off")
    rows: list[MetricRowOut]


@read(router, "/metrics", "metrics.view", CatalogueOut)
def list_metrics(request: HttpRequest, query: Query[LanguageQuery]) -> CatalogueOut:
    """Every metric with its definition, dimensions and settings."""
    found = catalogue()
    return CatalogueOut(
        metrics=[MetricOut.model_validate(one.as_json(query.language)) for one in found.metrics.values()],
        dimensions=[
            DimensionOut(key=one.key, name=one.name.in_language(query.language)) for one in found.dimensions.values()
        ],
    )


@read(router, "/metrics/{key}", "metrics.view", MetricResultOut)
def get_metric(request: HttpRequest, key: Path[Key], query: Query[MetricQuery]) -> MetricResultOut:
    """One metric over business days in the zone of each channel, grouped as asked."""
    if key not in catalogue().metrics:
        raise not_found("metric", key)
    filters: dict[str, list[str | None]] = {}
    for name, value in _pairs("filter", query.filter):
        filters.setdefault(name, []).append(value or None)
    result = metric(
        key,
        by=[name for name in query.by.split(",") if name],
        date_from=query.first,
        date_to=query.last and query.last + timedelta(days=1),
        filters=filters,
        settings=dict(_pairs("set", query.set)),
        order=query.order,
        limit=query.limit + 1,
    )
    return MetricResultOut(
        metric=key,
        name=result.metric.name.in_language(query.language),
        definition=result.definition.in_language(query.language),
        unit=result.unit,
        settings=dict(result.settings),
        fresh=FreshOut(changed_at=result.freshness.changed_at, is_current=result.freshness.is_current),
        is_complete=len(result.rows) <= query.limit,
        rows=[_row(result, row) for row in result.rows[: query.limit]],
    )


def _row(result: MetricResult, row: Row) -> MetricRowOut:
    value: Any = row.value
    if result.unit == "money":
        value = None if row.minor is None or row.currency is None else money(row.minor, row.currency)
    return MetricRowOut(dimensions=dict(row.dimensions), value=value)


def _pairs(parameter: str, texts: list[str]) -> list[tuple[str, str]]:
    pairs = []
    for text in texts:
        if not _PAIR.fullmatch(text):
            raise Problem(
                422,
                "query.pair",
                f"{parameter} must be written as name=value, not {text!r}.",
                {"errors": [{"in": "query", "field": parameter, "message": "must be name=value"}]},
            )
        name, _, value = text.partition("=")
        pairs.append((name, value))
    return pairs
