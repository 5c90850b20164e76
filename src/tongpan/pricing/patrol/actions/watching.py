"""The alarm of price wars, looked after by the clock."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime, timedelta
from typing import NamedTuple

from tongpan.core.bulk import as_json, execute, fetch_all
from tongpan.core.eventlog import NewEvent, append
from tongpan.core.races import run_in_transaction
from tongpan.pricing.patrol.events import PRICE_WAR_OPENED
from tongpan.pricing.patrol.queries.rules import rules_in_force
from tongpan.pricing.patrol.warfare import Offer, War, wars

_BEFORE_DAYS = 30


class Watched(NamedTuple):
    opened: int
    closed: int


def watch_prices(now: datetime) -> Watched:
    """Look for price wars at ``now``: open an alarm for each new one, keep what is told of the open ones, close those
    that are over. Competitors' prices do not count: they are no party to our price rules. Five statements.
    """
    return run_in_transaction(lambda: _watch(now), constraints=("one_open_price_war",))


def _watch(now: datetime) -> Watched:
    version, rules = rules_in_force()
    rows = fetch_all(
        """SELECT s.code, o.sku_id, o.currency, o.seller, c.code, o.effective_minor, o.observed_at, o.id
           FROM patrol_observation o JOIN catalog_sku s ON s.id = o.sku_id
           JOIN channels_channel c ON c.id = o.channel_id
           WHERE o.observed_at > %s AND o.observed_at <= %s AND o.seller_class <> 'competitor'
             AND o.sku_id IN (SELECT sku_id FROM patrol_observation WHERE observed_at > %s AND observed_at <= %s
                              GROUP BY sku_id HAVING count(*) >= %s)
           ORDER BY o.id""",
        [
            now - timedelta(hours=rules.war_hours, days=_BEFORE_DAYS),
            now,
            now - timedelta(hours=rules.war_hours),
            now,
            rules.war_cuts,
        ],
    )
    currencies = {sku: (sku_id, currency) for sku, sku_id, currency, *_ in rows}
    found = wars(
        (
            Offer(sku, seller, channel, effective, at, observation)
            for sku, _, currency, seller, channel, effective, at, observation in rows
            if currency == currencies[sku][1]
        ),
        rules,
        now=now,
    )
    closed = execute(
        "UPDATE patrol_price_war SET closed_at = %s WHERE closed_at IS NULL AND sku_id <> ALL(%s::bigint[])",
        [now, [currencies[war.sku][0] for war in found]],
    )
    opened = fetch_all(
        """INSERT INTO patrol_price_war AS w
             (sku_id, currency, sellers, cuts, start_minor, low_minor, rules_version, opened_at)
           SELECT k.sku_id, k.currency, k.sellers::jsonb, k.cuts::jsonb, k.start_minor, k.low_minor, %s, %s
           FROM unnest(%s::bigint[], %s::text[], %s::text[], %s::text[], %s::bigint[], %s::bigint[])
             AS k(sku_id, currency, sellers, cuts, start_minor, low_minor)
           ON CONFLICT (sku_id) WHERE closed_at IS NULL DO UPDATE SET sellers = excluded.sellers,
             cuts = excluded.cuts, low_minor = excluded.low_minor, rules_version = excluded.rules_version
           RETURNING w.id, w.sku_id, xmax = 0""",
        [
            version,
            now,
            [currencies[war.sku][0] for war in found],
            [currencies[war.sku][1] for war in found],
            [as_json(war.sellers) for war in found],
            [as_json([_cut(cut) for cut in map(asdict, war.cuts)]) for war in found],
            [war.start_minor for war in found],
            [war.low_minor for war in found],
        ],
    )
    by_id = {currencies[war.sku][0]: war for war in found}
    new = [(alarm_id, by_id[sku_id], currencies[by_id[sku_id].sku][1]) for alarm_id, sku_id, is_new in opened if is_new]
    append([_event(alarm_id, war, currency) for alarm_id, war, currency in new])
    return Watched(len(new), closed)


def _cut(cut: dict[str, object]) -> dict[str, object]:
    at = cut["at"]
    return cut | {"at": at.isoformat() if isinstance(at, datetime) else at}


def _event(alarm_id: int, war: War, currency: str) -> NewEvent:
    return NewEvent(
        PRICE_WAR_OPENED,
        str(alarm_id),
        {
            "sku": war.sku,
            "sellers": war.sellers,
            "start_minor": war.start_minor,
            "low_minor": war.low_minor,
            "currency": currency,
        },
    )
