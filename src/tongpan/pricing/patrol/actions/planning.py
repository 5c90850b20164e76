"""Plans of patrols: which prices are looked at how often, and by whom."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from tongpan.access.actions import audit
from tongpan.core.bulk import execute, fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.pricing.patrol.models import PatrolPlan

_MOST_ITEMS = 50_000


@dataclass(frozen=True, slots=True)
class PlanSpec:
    """A plan as it shall be: every pair of its SKUs and channels, by code, every so many days."""

    name: str
    skus: tuple[str, ...]
    channels: tuple[str, ...]
    every_days: int
    assignee: str
    starts_on: date
    is_active: bool = True
    note: str = ""


def save_plan(spec: PlanSpec, *, actor: str, now: datetime) -> int:
    """Make the plan of this name, or change it to ``spec``; its id. Locks the plan.

    Raises Refusal patrol.plan (its name, days, people) or patrol.goods (a SKU or channel that does not exist).
    """
    name, assignee, note = spec.name.strip(), spec.assignee.strip(), spec.note.strip()
    if not 0 < len(name) <= 80 or not 0 < len(assignee) <= 150 or len(note) > 300 or "\x00" in name + assignee + note:
        raise Refusal("patrol.plan", "A plan has a name of 1 to 80 characters and says who looks.")
    if not 1 <= spec.every_days <= 366:
        raise Refusal("patrol.plan", "A plan is due every 1 to 366 days.")
    skus, channels = sorted(set(spec.skus)), sorted(set(spec.channels))
    if not skus or not channels or len(skus) * len(channels) > _MOST_ITEMS:
        raise Refusal("patrol.goods", f"A plan has at least one SKU and one channel, and at most {_MOST_ITEMS} pairs.")

    def work() -> int:
        found = [
            {code for (code,) in fetch_all(f"SELECT code FROM {table} WHERE code = ANY(%s)", [_storable(codes)])}
            for table, codes in (("catalog_sku", skus), ("channels_channel", channels))
        ]
        missing = [f"SKU {code!r}" for code in skus if code not in found[0]]
        missing += [f"channel {code!r}" for code in channels if code not in found[1]]
        if missing:
            raise Refusal("patrol.goods", f"There is no {missing[0]}.")
        PatrolPlan.objects.select_for_update().filter(name=name).first()
        plan, _ = PatrolPlan.objects.update_or_create(
            name=name,
            defaults={
                "every_days": spec.every_days,
                "assignee": assignee,
                "starts_on": spec.starts_on,
                "is_active": spec.is_active,
                "note": note,
            },
        )
        execute(
            """WITH wanted AS (SELECT s.id AS sku_id, c.id AS channel_id FROM catalog_sku s, channels_channel c
                               WHERE s.code = ANY(%(skus)s) AND c.code = ANY(%(channels)s)),
                    gone AS (DELETE FROM patrol_patrolitem i WHERE i.plan_id = %(plan)s AND NOT EXISTS (
                               SELECT FROM wanted w WHERE w.sku_id = i.sku_id AND w.channel_id = i.channel_id))
               INSERT INTO patrol_patrolitem (plan_id, sku_id, channel_id)
               SELECT %(plan)s, sku_id, channel_id FROM wanted ON CONFLICT DO NOTHING""",
            {"plan": plan.pk, "skus": skus, "channels": channels},
        )
        audit(actor, "patrol.plan_saved", "patrol_plan", str(plan.pk), {"name": name}, now=now)
        return plan.pk

    return run_in_transaction(work, constraints=("patrol_patrolplan_name_key",))


def _storable(codes: list[str]) -> list[str]:
    return [code for code in codes if "\x00" not in code]
