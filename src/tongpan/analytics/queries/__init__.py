"""Reads of analytics: every number that a face shows comes from here.

``metric`` answers one metric, ``metrics_many`` several over one scan, ``compare`` the same with the period
before, ``series`` one over time without gaps; ``drill`` lists the documents behind a number and ``explain`` its
SQL. Ranges are half-open: [date_from, date_to). What exists is in ``catalogue()``.
"""

from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.queries.ask import Profile, explain, metric, metrics_many, profile
from tongpan.analytics.queries.compare import Comparison, Point, compare, series
from tongpan.analytics.queries.daily import daily_totals
from tongpan.analytics.queries.drill import Drill, drill
from tongpan.analytics.queries.funnel import Funnel, order_funnel
from tongpan.analytics.queries.lake import lake_differences, lake_status
from tongpan.analytics.queries.results import Freshness, MetricResult, Row, freshness, labels

__all__ = [
    "Comparison",
    "Drill",
    "Freshness",
    "Funnel",
    "MetricResult",
    "Point",
    "Profile",
    "Row",
    "catalogue",
    "compare",
    "daily_totals",
    "drill",
    "explain",
    "freshness",
    "labels",
    "lake_differences",
    "lake_status",
    "metric",
    "metrics_many",
    "order_funnel",
    "profile",
    "series",
]
