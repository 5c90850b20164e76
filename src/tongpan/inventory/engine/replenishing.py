"""How much a node below its safety line needs, and from where. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from tongpan.inventory.engine.counting import CountOutcome
from tongpan.inventory.engine.stock import MAX_QTY, has_no_text


@dataclass(frozen=True, slots=True)
class ReplenishRules:
    """target_percent: of the safety line, up to which a node is filled. due_hours: until a proposal should be there;
    urgent_hours: until an urgent one should be."""

    target_percent: int = 200
    due_hours: int = 72
    urgent_hours: int = 4

    def as_json(self) -> dict[str, Any]:
        return {
            "target_percent": self.target_percent,
            "due_hours": self.due_hours,
            "urgent_hours": self.urgent_hours,
        }


def replenish_rules_problem(rules: ReplenishRules) -> str:
    """Why ``rules`` cannot be, or ""."""
    if not 100 <= rules.target_percent <= 10_000:
        return "A node is filled to at least its safety line, and to at most a hundred times as much."
    if not (0 < rules.urgent_hours <= 24 * 365 and 0 < rules.due_hours <= 24 * 365):
        return "Goods are due within one hour at least and a year at most."
    return ""


class Shortage(NamedTuple):
    """A SKU below its line at a node. free: units there that are pinned to no order; incoming: on their way to it."""

    alert_id: int
    node_id: int
    sku_id: int
    free: int
    line: int
    incoming: int


class Proposed(NamedTuple):
    """from_id: the central warehouse that a transfer would come from, or None for a supplier."""

    alert_id: int
    node_id: int
    sku_id: int
    qty: int
    from_id: int | None


def needed(shortage: Shortage, rules: ReplenishRules) -> int:
    """Units up to the target that are neither there nor on their way; 0 when enough is on its way."""
    target = -(-shortage.line * rules.target_percent // 100)
    return max(0, target - shortage.free - shortage.incoming)


def propose(
    shortages: Sequence[Shortage],
    spare: Mapping[int, Mapping[int, int]],
    rules: ReplenishRules,
) -> list[Proposed]:
    """What each node should get, in order of SKU, then node.

    spare: by SKU id, the units that each central warehouse can give away, by its node id. The fullest warehouse gives,
    as much as it can; what it cannot give is proposed again once this much has arrived. With no warehouse that can give
    any, a supplier must deliver.
    """
    left = {sku_id: dict(nodes) for sku_id, nodes in spare.items()}
    proposals = []
    for shortage in sorted(shortages, key=lambda s: (s.sku_id, s.node_id)):
        qty = needed(shortage, rules)
        if not qty:
            continue
        from_id = giver(left.get(shortage.sku_id, {}), shortage.node_id)
        if from_id is not None:
            qty = min(qty, left[shortage.sku_id][from_id])
            left[shortage.sku_id][from_id] -= qty
        proposals.append(Proposed(shortage.alert_id, shortage.node_id, shortage.sku_id, qty, from_id))
    return proposals


def giver(spare: Mapping[int, int], to_id: int) -> int | None:
    """The node with most to spare, the first by id of equals; None when none has any."""
    able = [(units, -node_id) for node_id, units in spare.items() if units > 0 and node_id != to_id]
    return -max(able)[1] if able else None


@dataclass(frozen=True, slots=True)
class UrgentDoc:
    """Goods that a node needs; (source, number) is its natural key. due_at: None for the hours of the rules.

    reason: why it needs them: the live room, the campaign, the forecast.
    """

    source: str
    number: str
    node_code: str
    sku_code: str
    qty: int
    reason: str
    due_at: datetime | None = None


def urgent_refusal(
    doc: UrgentDoc, places: Mapping[str, bool], skus: Mapping[str, int], now: datetime
) -> CountOutcome | None:
    """Why an urgent request cannot be taken, or None."""

    def refused(code: str, reason: str) -> CountOutcome:
        return CountOutcome("refused", code=code, reason=reason)

    if has_no_text(doc.source, doc.number, doc.reason, doc.sku_code):
        return refused("replenish.text", "A text of it holds a NUL byte or half a character.")
    if not doc.number or len(doc.number) > 120 or len(doc.source) > 60:
        return refused("replenish.number", f"The number {doc.number[:40]!r} is empty or longer than 120 characters.")
    if doc.node_code not in places:
        return refused("node.unknown", f"There is no node {doc.node_code!r}; create it first.")
    if not places[doc.node_code]:
        return refused("node.untracked", f"Node {doc.node_code} keeps no stock of ours; nothing can be sent there.")
    if doc.sku_code not in skus:
        return refused("sku.unknown", f"There is no SKU {doc.sku_code!r}.")
    if not 0 < doc.qty <= MAX_QTY:
        return refused("replenish.qty", f"SKU {doc.sku_code}: {doc.qty} units cannot be asked for.")
    if not doc.reason.strip():
        return refused("replenish.reason", "Say why the goods are needed, for those who must get them.")
    if doc.due_at is not None and (doc.due_at.utcoffset() is None or doc.due_at <= now):
        return refused("replenish.due", "It would be due in the past, or the time has no zone.")
    return None


def due(now: datetime, rules: ReplenishRules, *, is_urgent: bool) -> datetime:
    """Until when goods asked for at ``now`` should be there."""
    return now + timedelta(hours=rules.urgent_hours if is_urgent else rules.due_hours)
