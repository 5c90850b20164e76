"""What became of an order that a person or a rule changed, and the sentences that refuse it. Pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

GONE = ("dispatched", "delivered", "completed")


@dataclass(frozen=True, slots=True)
class Handled:
    """The outcome for one order, at the position at which it was named.

    done: it was changed and has ``revision`` now. unchanged: it was so already. refused: code and reason say why,
    and nothing of it was changed.
    """

    order_id: int
    state: Literal["done", "unchanged", "refused"]
    revision: int | None = None
    code: str = ""
    reason: str = ""


def unknown(order_id: int) -> Handled:
    return Handled(order_id, "refused", code="order.unknown", reason=f"There is no order {order_id}.")


def refusal_of_change(order_id: int, number: str, status: str, revision: int) -> Handled | None:
    """Why an order cannot be changed any more, or None while its goods are here."""
    if status in GONE:
        sentence = f"The goods of order {number} have left; book a return instead."
        return Handled(order_id, "refused", revision, "order.gone", sentence)
    if status == "cancelled":
        return Handled(order_id, "refused", revision, "order.cancelled", f"Order {number} is cancelled.")
    return None


def refusal_of_revision(order_id: int, number: str, revision: int, expected: int | None) -> Handled | None:
    """Why a change made on the ground of revision ``expected`` does not count, or None (also without one)."""
    if expected is None or expected == revision:
        return None
    sentence = (
        f"Order {number} was changed meanwhile: it has revision {revision}, you looked at {expected}. "
        "Look at it again and repeat your change."
    )
    return Handled(order_id, "refused", revision, "order.revision", sentence)
