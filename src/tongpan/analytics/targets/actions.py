"""Writes of targets and their alerts."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime

from tongpan.access.actions import Note, audit_many
from tongpan.analytics.catalogue import catalogue
from tongpan.analytics.events import TARGET_MISSED
from tongpan.analytics.models import Target
from tongpan.analytics.targets.engine import EACH_CHANNEL, TargetSpec, last_period, problem_of
from tongpan.analytics.targets.queries import Attainment, attainments
from tongpan.channels.models import Channel
from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE, business_day
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction


def save_targets(specs: Sequence[TargetSpec], *, actor: str, now: datetime) -> list[int]:
    """Store ``specs``; the ids of their rows, in their order. What was there before stays as history.

    Without ``valid_from`` a target holds from the beginning of the last period that is over. Raises Refusal
    target.invalid, and then stores nothing.
    """
    channels = dict(Channel.objects.values_list("code", "id"))
    metrics = catalogue().metrics
    with_channel = {key for key, metric in metrics.items() if "channel" in metric.dimensions}
    for spec in specs:
        if problem := problem_of(spec, set(metrics), with_channel, set(channels)):
            raise Refusal("target.invalid", problem)
    today = business_day(now, DEFAULT_ZONE)

    def save() -> list[int]:
        rows = Target.objects.bulk_create(_row(spec, channels, today, actor) for spec in specs)
        notes = [
            Note("target.saved", "target", f"{spec.metric}:{spec.scope}", {"commitment": str(spec.commitment)})
            for spec in specs
        ]
        audit_many(notes, actor=actor, now=now)
        return [row.pk for row in rows]

    return run_in_transaction(save)


def _row(spec: TargetSpec, channels: dict[str, int], today: date, actor: str) -> Target:
    return Target(
        metric=spec.metric,
        channel_id=channels.get(spec.scope),
        is_each_channel=spec.scope == EACH_CHANNEL,
        kind=spec.kind,
        period=spec.period,
        commitment=spec.commitment,
        stretch=spec.stretch,
        baseline_from=spec.baseline_from,
        baseline_to=spec.baseline_to,
        source=spec.source,
        valid_from=spec.valid_from or last_period(spec.period, today)[0],
        valid_to=spec.valid_to,
        is_off=spec.is_off,
        created_by=actor,
    )


def watch_targets(now: datetime) -> tuple[int, int]:
    """Judge the last period of every target: how many alerts were opened, closed.

    A missed target opens one alert for its metric, scope and period and logs ``metric.target_missed``. The open alerts
    of a metric and scope close when it is met again, or when it has no target any more. A period without a value
    changes nothing.
    """
    today = business_day(now, DEFAULT_ZONE)
    judged = attainments(today=today)
    return run_in_transaction(lambda: _keep(judged, now))


def _keep(judged: Sequence[Attainment], now: datetime) -> tuple[int, int]:
    missed = [one for one in judged if one.verdict.state in ("near", "missed")]
    still = [one for one in judged if one.verdict.state != "met"]
    closed = fetch_all(
        """UPDATE analytics_targetalert a SET closed_at = %s
           WHERE a.closed_at IS NULL AND NOT EXISTS (
             SELECT FROM unnest(%s::text[], %s::text[]) AS k(metric, channel)
             WHERE k.metric = a.metric
               AND k.channel = coalesce((SELECT code FROM channels_channel c WHERE c.id = a.channel_id), ''))
           RETURNING a.id""",
        [now, [one.metric.key for one in still], [one.channel for one in still]],
    )
    opened = fetch_all(
        """INSERT INTO analytics_targetalert AS a
                  (metric, channel_id, period, period_from, period_to, value, wanted, opened_at)
           SELECT k.metric, c.id, k.period, k.period_from, k.period_to, k.value, k.wanted, %s
           FROM unnest(%s::text[], %s::text[], %s::text[], %s::date[], %s::date[], %s::numeric[], %s::numeric[])
                AS k(metric, channel, period, period_from, period_to, value, wanted)
           LEFT JOIN channels_channel c ON c.code = k.channel
           ORDER BY k.metric, k.channel
           ON CONFLICT (metric, channel_id, period, period_from) DO UPDATE
             SET value = excluded.value, wanted = excluded.wanted, closed_at = NULL
           RETURNING a.id, a.metric, coalesce((SELECT code FROM channels_channel c WHERE c.id = a.channel_id), ''),
                     a.period_from, a.period_to, a.value, a.wanted, a.opened_at = %s""",
        [
            now,
            [one.metric.key for one in missed],
            [one.channel for one in missed],
            [one.spec.period for one in missed],
            [one.period_from for one in missed],
            [one.period_to for one in missed],
            [one.value for one in missed],
            [one.verdict.wanted for one in missed],
            now,
        ],
    )
    new = [row[:7] for row in opened if row[7]]
    append(
        [
            NewEvent(
                TARGET_MISSED,
                str(alert_id),
                {
                    "metric": key,
                    "channel": channel,
                    "from": first.isoformat(),
                    "to": end.isoformat(),
                    "value": str(value),
                    "wanted": str(wanted),
                },
            )
            for alert_id, key, channel, first, end, value, wanted in new
        ]
    )
    return len(new), len(closed)
