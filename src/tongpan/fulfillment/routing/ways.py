"""Rules that every policy has for two ways of delivery, unless it has its own for them. Pure.

Instant delivery: the node that the order names; else the nearest one that is open, else the nearest, within a radius
and never split. The part "instant" of a policy says the radius and the rest. Home delivery by a dealer whom the order
does not name: the dealer who owes it where the address is, one with a territory of its own before one who serves
everywhere (FUL-12, DLR-02).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from tongpan.fulfillment.routing.policy import PICKUP_NODE, Condition, NodeFilter, Rule

HOME_DELIVERY = "home_delivery"
INSTANT_KM = 10
"""The radius of instant delivery where a policy says none, in kilometres as the crow flies."""
INSTANT_NAMED, INSTANT_OPEN, INSTANT_NEAR = "instant-named", "instant-open", "instant-near"
DEALER_OF_PLACE = "dealer-of-place"
NAMES = (INSTANT_NAMED, INSTANT_OPEN, INSTANT_NEAR, DEALER_OF_PLACE)
INSTANT_QUEUE, DEALER_QUEUE = "instant-unavailable", "dealer-unavailable"
EVERY_NODE = NodeFilter()
_BY_DISTANCE = (("distance", False),)


def instant_rules(
    nodes: NodeFilter = EVERY_NODE,
    rank: Sequence[tuple[str, bool]] = _BY_DISTANCE,
    queue: str = INSTANT_QUEUE,
) -> list[Rule]:
    """The rules of instant delivery. nodes that must be open are the only ones; else the open ones come first."""
    when = Condition(methods=("instant",))
    chosen = NodeFilter(only=PICKUP_NODE, keeps_floors=False, keeps_territory=False, keeps_order_limit=False)
    named = Rule(INSTANT_NAMED, when, chosen, otherwise=queue)
    near = replace(nodes, within_km=nodes.within_km or INSTANT_KM)
    if near.open == "now":
        return [named, Rule(INSTANT_OPEN, when, near, rank, otherwise=queue)]
    return [
        named,
        Rule(INSTANT_OPEN, when, replace(near, open="now"), rank),
        Rule(INSTANT_NEAR, when, near, rank, otherwise=queue),
    ]


def dealer_rule() -> Rule:
    """The rule of home delivery by a dealer whom the order does not name."""
    return Rule(
        DEALER_OF_PLACE,
        Condition(methods=("dealer",)),
        NodeFilter(service=HOME_DELIVERY),
        (("territory", False), ("distance", False)),
        otherwise=DEALER_QUEUE,
    )


def ways_of(rules: Sequence[Rule], instant: Sequence[Rule]) -> list[Rule]:
    """What a policy with ``rules`` tries first. instant: as the policy says it; empty is as every policy has it."""
    own_instant = any("instant" in rule.when.methods for rule in rules)
    own_dealer = any(rule.nodes.service and "dealer" in rule.when.methods for rule in rules)
    return [
        *(instant or ([] if own_instant else instant_rules())),
        *([] if own_dealer else [dealer_rule()]),
    ]
