"""Reads of alerts and replenishment."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from django.db.models import Case, F, IntegerField, Q, QuerySet, Value, When

from tongpan.core.bulk import fetch_all, whole_numbers
from tongpan.core.stored import stored
from tongpan.inventory.engine.replenishing import ReplenishRules
from tongpan.inventory.models import Replenishment, StockAlert

RULES_KEY = "inventory.replenishment"
OPEN_STATES = ("proposed", "accepted")


def replenish_rules() -> ReplenishRules:
    """The rules in force."""
    return ReplenishRules(**(stored(RULES_KEY) or {}))


def spare_units(sku_ids: Collection[int]) -> dict[int, dict[int, int]]:
    """By SKU id, the units that each active central warehouse can give away above its own safety line, by node id.

    What other open replenishments will take from it, and has not left, is not there any more; nor is more than the
    pool has promised to nobody.
    """
    rows = fetch_all(
        """SELECT l.sku_id, l.node_id,
                  least(l.on_hand - l.allocated, p.on_hand - p.allocated - p.held)
                  - coalesce(own.safety_line, every.safety_line, 0) - coalesce(t.units, 0)
           FROM inventory_level l JOIN network_node n ON n.id = l.node_id
           JOIN inventory_pool p ON p.sku_id = l.sku_id
           LEFT JOIN inventory_nodepolicy own ON own.node_id = l.node_id AND own.sku_id = l.sku_id
           LEFT JOIN inventory_nodepolicy every ON every.node_id = l.node_id AND every.sku_id IS NULL
           LEFT JOIN (SELECT r.sku_id, r.from_node_id, sum(r.qty)::bigint AS units
                      FROM inventory_replenishment r LEFT JOIN inventory_transfer x ON x.id = r.transfer_id
                      WHERE r.state IN ('proposed', 'accepted') AND x.sent_at IS NULL GROUP BY 1, 2) t
             ON (t.sku_id, t.from_node_id) = (l.sku_id, l.node_id)
           WHERE l.sku_id = ANY(%s::bigint[]) AND l.bucket = 'saleable' AND n.kind = 'central' AND n.is_active
             AND n.tracks_stock AND l.on_hand > l.allocated""",
        [whole_numbers(sku_ids)],
    )
    spare: dict[int, dict[int, int]] = {}
    for sku_id, node_id, units in rows:
        spare.setdefault(sku_id, {})[node_id] = units
    return spare


@dataclass(frozen=True, slots=True)
class ReplenishFilter:
    """state: one state, "open" for proposed and accepted, "overdue" for those that are late, "" for any."""

    state: str = "open"
    node_id: int | None = None
    is_urgent: bool = False
    text: str = ""


def select_replenishments(wanted: ReplenishFilter) -> QuerySet[Replenishment]:
    """The replenishments that ``wanted`` describes, with nodes, SKU, alert and transfer."""
    rows = Replenishment.objects.select_related("node", "from_node", "sku", "alert", "transfer")
    if wanted.state == "open":
        rows = rows.filter(state__in=OPEN_STATES)
    elif wanted.state == "overdue":
        rows = rows.filter(state__in=OPEN_STATES, overdue_at__isnull=False)
    elif wanted.state:
        rows = rows.filter(state=wanted.state)
    if wanted.node_id is not None:
        rows = rows.filter(Q(node=wanted.node_id) | Q(from_node=wanted.node_id))
    if wanted.is_urgent:
        rows = rows.filter(is_urgent=True)
    if wanted.text:
        rows = rows.filter(Q(sku__code__icontains=wanted.text) | Q(sku__name__icontains=wanted.text))
    return rows


def fetch_replenishments(wanted: ReplenishFilter, offset: int, limit: int) -> list[Replenishment]:
    """A page of replenishments: open ones first, of these the urgent ones, then what is due first."""
    closed = Case(When(state__in=OPEN_STATES, then=Value(0)), default=Value(1), output_field=IntegerField())
    rows = select_replenishments(wanted).annotate(is_closed=closed)
    return list(rows.order_by("is_closed", "-is_urgent", F("due_at").asc(), "id")[offset : offset + limit])


def count_replenishments(wanted: ReplenishFilter, cap: int) -> int:
    return select_replenishments(wanted).order_by()[:cap].count()


def open_alerts(node_id: int | None = None) -> QuerySet[StockAlert]:
    """Levels below their safety line now, with node and SKU."""
    rows = StockAlert.objects.filter(closed_at__isnull=True).select_related("node", "sku")
    return rows if node_id is None else rows.filter(node=node_id)


def alert_figures() -> dict[str, Any]:
    """How many alerts are open, and how many proposals are open, urgent, overdue."""
    row = fetch_all(
        """SELECT (SELECT count(*) FROM inventory_stockalert WHERE closed_at IS NULL),
                  count(*) FILTER (WHERE state = 'proposed'), count(*) FILTER (WHERE is_urgent),
                  count(*) FILTER (WHERE overdue_at IS NOT NULL)
           FROM inventory_replenishment WHERE state IN ('proposed', 'accepted')"""
    )[0]
    return dict(zip(("alerts", "proposed", "urgent", "overdue"), row, strict=True))
