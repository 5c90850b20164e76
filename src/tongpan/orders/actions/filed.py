"""An order's document beside the id that it is stored under."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tongpan.orders.engine import OrderDoc


class Filed(NamedTuple):
    """An order's document and its id. line_ids: of its lines, at their positions; None for a stored order."""

    order_id: int
    doc: OrderDoc
    line_ids: Sequence[int | None] | None
