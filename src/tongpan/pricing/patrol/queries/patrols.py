"""Which prices are due to be looked at, and how well the plans are kept."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from django.db.models import Count, QuerySet

from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE
from tongpan.pricing.patrol.models import PatrolPlan


class Due(NamedTuple):
    """A price that somebody has to look at. last_at: when it was last seen by anybody. days_late: 0 on the day."""

    plan_id: int
    plan: str
    assignee: str
    sku: str
    sku_name: str
    channel: str
    channel_zh: str
    channel_en: str
    last_at: datetime | None
    due_at: datetime
    days_late: int


def plans() -> QuerySet[PatrolPlan]:
    """Every plan by name, with the number of its pairs as ``pairs``."""
    return PatrolPlan.objects.annotate(pairs=Count("items")).order_by("name")


def plan_goods(plan_id: int) -> tuple[list[str], list[str]]:
    """(SKU codes, channel codes) of a plan, by code."""
    rows = fetch_all(
        """SELECT array_agg(DISTINCT s.code), array_agg(DISTINCT c.code) FROM patrol_patrolitem i
           JOIN catalog_sku s ON s.id = i.sku_id JOIN channels_channel c ON c.id = i.channel_id WHERE i.plan_id = %s""",
        [plan_id],
    )
    skus, channels = rows[0]
    return sorted(skus or []), sorted(channels or [])


def due_list(now: datetime, *, assignee: str = "", overdue: bool = False, limit: int = 2000) -> list[Due]:
    """What is due at ``now``, the latest first: a pair of an active plan that nobody saw for the plan's days.

    A pair that was never seen is due on the first day of its plan, days being those of Shanghai. overdue: only what was
    due a day ago or earlier. One statement.
    """
    rows = fetch_all(
        """SELECT p.id, p.name, p.assignee, s.code, s.name, c.code, c.name_zh, c.name_en, o.last_at, d.due_at,
             greatest(0, extract(day FROM %(now)s - d.due_at))::int AS late
           FROM patrol_patrolplan p JOIN patrol_patrolitem i ON i.plan_id = p.id
           JOIN catalog_sku s ON s.id = i.sku_id JOIN channels_channel c ON c.id = i.channel_id
           LEFT JOIN LATERAL (
             SELECT observed_at AS last_at FROM patrol_observation
             WHERE sku_id = i.sku_id AND channel_id = i.channel_id AND observed_at <= %(now)s
             ORDER BY observed_at DESC LIMIT 1) o ON true
           CROSS JOIN LATERAL (
             SELECT greatest(o.last_at + make_interval(days => p.every_days),
                             p.starts_on::timestamp AT TIME ZONE %(zone)s) AS due_at) d
           WHERE p.is_active AND s.is_active AND (%(assignee)s = '' OR p.assignee = %(assignee)s)
             AND d.due_at <= %(now)s - make_interval(days => %(late)s)
           ORDER BY d.due_at, p.name, s.code, c.code LIMIT %(limit)s""",
        {
            "now": now,
            "zone": DEFAULT_ZONE,
            "assignee": assignee.replace("\x00", ""),
            "late": int(overdue),
            "limit": limit,
        },
    )
    return [Due(*row) for row in rows]
