"""Writes of analytics: figures by channel and day, and readings of the running system."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

from django.db import transaction

from tongpan.analytics.events import CHANNEL_DAY_CHANGED, DAILY_VALUE_CHANGED
from tongpan.core.bulk import fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.money import to_minor

MAX_VISITORS = 10**12
MAX_COST = Decimal(10) ** 12


@dataclass(frozen=True, slots=True)
class ChannelDayDoc:
    """What the back office of a channel says of one day. cost: in major units of the channel's currency."""

    channel_code: str
    day: date
    visitors: int
    cost: Decimal
    is_simulated: bool = False


@dataclass(frozen=True, slots=True)
class ChannelDayOutcome:
    """What became of one figure, at the same position as it was given. reason: why it was refused."""

    state: Literal["accepted", "unchanged", "refused"]
    reason: str = ""


def record_channel_days(docs: Sequence[ChannelDayDoc]) -> list[ChannelDayOutcome]:
    """Set visitors and cost of each channel and day; the outcome of each, at the same position.

    A figure that is there already in the same words is unchanged, another replaces it and is logged. One
    transaction, three statements. An unknown channel, a negative figure and a channel's day that stands twice
    with different figures are refused on their own.
    """
    outcomes: dict[int, ChannelDayOutcome] = {}
    with transaction.atomic():
        channels = {
            code: (channel_id, currency)
            for code, channel_id, currency in fetch_all(
                "SELECT code, id, currency FROM channels_channel WHERE code = ANY(%s)",
                [sorted({doc.channel_code for doc in docs})],
            )
        }
        fresh: dict[tuple[int, date], tuple[int, ChannelDayDoc, str]] = {}
        for position, doc in enumerate(docs):
            reason = _refusal(doc, channels)
            if reason:
                outcomes[position] = ChannelDayOutcome("refused", reason)
                continue
            channel_id, currency = channels[doc.channel_code]
            first = fresh.setdefault((channel_id, doc.day), (position, doc, currency))
            if first[0] != position:
                outcomes[position] = (
                    ChannelDayOutcome("unchanged")
                    if first[1] == doc
                    else ChannelDayOutcome(
                        "refused", f"{doc.channel_code} on {doc.day} stands twice, with other figures."
                    )
                )
        changed = _upsert(fresh)
        for (channel_id, day), (position, _, _) in fresh.items():
            outcomes[position] = ChannelDayOutcome("accepted" if (channel_id, day) in changed else "unchanged")
        append([NewEvent(CHANNEL_DAY_CHANGED, str(key), {"day": day.isoformat()}) for key, day in sorted(changed)])
    return [outcomes[position] for position in range(len(docs))]


@dataclass(frozen=True, slots=True)
class DailyReading:
    """``number`` of ``base`` as read on ``day``; channel_code "" is the total."""

    name: str
    day: date
    channel_code: str
    number: int
    base: int


def record_daily_values(readings: Sequence[DailyReading]) -> int:
    """Keep ``readings`` as the last ones of their days; how many say something new. Logged once per name and day.

    One of a channel that there is not is left out. Each (name, day, channel) may be given once.
    """
    with transaction.atomic():
        changed = fetch_all(
            """INSERT INTO analytics_dailyvalue AS v (name, day, channel_id, number, base)
               SELECT r.name, r.day, c.id, r.number, r.base
               FROM unnest(%s::text[], %s::date[], %s::text[], %s::bigint[], %s::bigint[])
                    AS r(name, day, channel, number, base)
               LEFT JOIN channels_channel c ON c.code = r.channel
               WHERE r.channel = '' OR c.id IS NOT NULL ORDER BY 1, 2, 3
               ON CONFLICT (name, day, channel_id) DO UPDATE SET number = excluded.number, base = excluded.base
               WHERE (v.number, v.base) IS DISTINCT FROM (excluded.number, excluded.base)
               RETURNING name, day""",
            [
                [r.name for r in readings],
                [r.day for r in readings],
                [r.channel_code for r in readings],
                [r.number for r in readings],
                [r.base for r in readings],
            ],
        )
        append([NewEvent(DAILY_VALUE_CHANGED, name, {"day": day.isoformat()}) for name, day in sorted(set(changed))])
    return len(changed)


def _refusal(doc: ChannelDayDoc, channels: dict[str, tuple[int, str]]) -> str:
    if doc.channel_code not in channels:
        return f"There is no channel {doc.channel_code!r}; create it first."
    if not 0 <= doc.visitors <= MAX_VISITORS:
        return f"{doc.visitors} visitors cannot be."
    if not 0 <= doc.cost <= MAX_COST:
        return f"A cost of {doc.cost} cannot be."
    return ""


def _upsert(days: dict[tuple[int, date], tuple[int, ChannelDayDoc, str]]) -> set[tuple[int, date]]:
    keys = sorted(days)
    rows = [days[key] for key in keys]
    return set(
        fetch_all(
            """INSERT INTO analytics_channelday AS d (channel_id, day, visitors, cost_minor, currency, is_simulated)
               SELECT * FROM unnest(%s::bigint[], %s::date[], %s::bigint[], %s::bigint[], %s::text[], %s::bool[])
               ON CONFLICT (channel_id, day) DO UPDATE SET visitors = excluded.visitors,
                 cost_minor = excluded.cost_minor, currency = excluded.currency, is_simulated = excluded.is_simulated
               WHERE (d.visitors, d.cost_minor, d.currency, d.is_simulated) IS DISTINCT FROM
                     (excluded.visitors, excluded.cost_minor, excluded.currency, excluded.is_simulated)
               RETURNING channel_id, day""",
            [
                [channel_id for channel_id, _ in keys],
                [day for _, day in keys],
                [doc.visitors for _, doc, _ in rows],
                [to_minor(doc.cost, currency) for _, doc, currency in rows],
                [currency for *_, currency in rows],
                [doc.is_simulated for _, doc, _ in rows],
            ],
        )
    )
