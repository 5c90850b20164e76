"""The states of a fulfilment and the steps between them. Pure.

Goods of the states in AT_NODE are allocated at their node and have not left; those in LEFT have left; those in ENDED
are free again. A step may be skipped: a clerk who packs at once need not say that she picked before.
"""

from __future__ import annotations

AT_NODE = ("allocated", "offered", "accepted", "picking", "packed", "ready", "on_hold")
LEFT = ("dispatched", "delivered")
ENDED = ("cancelled", "rejected")

TAKEN = ("allocated", "accepted")
"""Work that the node has taken on and not begun; a node that is not asked has it as soon as it is routed there."""

STEPS: dict[str, tuple[str, ...]] = {
    "accept": ("offered",),
    "reject": ("allocated", "offered", "accepted", "picking"),
    "pick": TAKEN,
    "pack": (*TAKEN, "picking"),
    "ready": (*TAKEN, "picking", "packed"),
    "hand_over": ("ready",),
    "dispatch": (*TAKEN, "picking", "packed"),
}
"""The states from which each step of a node may be taken."""

REASONS = ("stock_missing", "damaged", "no_capacity", "closed", "address", "timeout", "other")
"""Why a node does not take an order. "timeout" is the clock's own."""

QUEUES: dict[str, tuple[str, ...]] = {
    "offered": ("offered",),
    "pick": TAKEN,
    "pack": ("picking",),
    "dispatch": ("packed",),
    "collect": ("ready",),
}
"""What waits for which work: the states of each queue of a node."""
