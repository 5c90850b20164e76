"""The states of a fulfilment and the steps between them. Pure.

Goods of the states in AT_NODE are allocated at their node and have not left; those in LEFT have left; those in ENDED
are free again. A step may be skipped: a clerk who packs at once need not say that she picked before.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

AT_NODE = ("allocated", "offered", "accepted", "picking", "packed", "ready", "on_hold")
LEFT = ("dispatched", "delivered")
ENDED = ("cancelled", "rejected")

TAKEN = ("allocated", "accepted")
"""Work that the node has taken on and not begun; a node that is not asked has it as soon as it is routed there."""

STEPS: dict[str, tuple[str, ...]] = {
    "accept": ("offered",),
    "reject": AT_NODE,
    "release": ("on_hold",),
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
    "later": ("on_hold",),
}
"""What waits for which work: the states of each queue of a node. later: what waits for the slot of its buyer."""


@dataclass(frozen=True, slots=True)
class StepOutcome:
    """What became of one step of one fulfilment, at the position at which it was named.

    done: it was taken. unchanged: it had been taken before. refused: code and reason say why, and nothing changed.
    status: the fulfilment's now, "" for one that does not exist.
    """

    fulfillment_id: int
    state: Literal["done", "unchanged", "refused"]
    status: str = ""
    code: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Work:
    """A fulfilment as a step finds it. nodes of the person who works: None is all. is_held: its order waits."""

    id: int
    number: str
    node_id: int
    node: str
    status: str
    method: str
    is_held: bool
    worked_by: str = ""


_DONE_BY = {
    "accept": ("accepted", "picking", "packed", "ready", "dispatched", "delivered"),
    "pick": ("picking", "packed", "ready", "dispatched", "delivered"),
    "pack": ("packed", "ready", "dispatched", "delivered"),
    "ready": ("ready",),
    "hand_over": ("delivered",),
    "release": ("allocated", "offered", "accepted", "picking", "packed", "ready", "dispatched", "delivered"),
    "reject": ("rejected",),
}
_DOES = {
    "accept": "accepted",
    "reject": "rejected",
    "pick": "picked",
    "pack": "packed",
    "ready": "made ready for pickup",
    "hand_over": "handed over",
    "release": "offered to its node",
}
_IS = {
    "allocated": "waits to be picked",
    "offered": "is offered and not accepted yet",
    "accepted": "is accepted",
    "picking": "is being picked",
    "packed": "is packed",
    "ready": "is ready for pickup",
    "on_hold": "waits for its slot",
    "dispatched": "has left",
    "delivered": "has reached its buyer",
    "cancelled": "is cancelled",
    "rejected": "was rejected and goes elsewhere",
}


def refusal_of_step(step: str, work: Work, nodes: Collection[int] | None) -> StepOutcome | None:
    """Why ``step`` cannot be taken with ``work`` by a person of ``nodes``, or None. One taken before is unchanged."""
    what = f"Parcel {work.id} of order {work.number}"

    def no(code: str, sentence: str) -> StepOutcome:
        return StepOutcome(work.id, "refused", work.status, code, sentence)

    if nodes is not None and work.node_id not in nodes:
        return no("fulfillment.elsewhere", f"{what} is the work of node {work.node}, where you do not work.")
    if work.status in _DONE_BY[step]:
        return StepOutcome(work.id, "unchanged", work.status)
    if work.status not in STEPS[step]:
        sentence = f"{what} {_IS.get(work.status, work.status)}; it cannot be {_DOES[step]} now."
        return no("fulfillment.status", sentence)
    if step in ("ready", "hand_over") and work.method != "pickup":
        return no("fulfillment.not_pickup", f"{what} is sent to its buyer; only an order for pickup is kept ready.")
    if work.is_held and step not in ("reject", "accept", "release"):
        return no("fulfillment.held", f"Order {work.number} is held back by the office; it must be released first.")
    return None


def unknown_step(fulfillment_id: int) -> StepOutcome:
    """The outcome for a fulfilment that does not exist."""
    return StepOutcome(
        fulfillment_id, "refused", "", "fulfillment.unknown", f"There is no fulfilment {fulfillment_id}."
    )
