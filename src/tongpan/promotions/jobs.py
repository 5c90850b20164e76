"""What promotions do in the background."""

from __future__ import annotations

from procrastinate.contrib.django import app

from tongpan.promotions.actions.batches import TASK, make_coupons


@app.task(name=TASK)
def make_coupons_of(batch_id: int) -> int:
    """Store the coupons of a batch; asked for by ``actions.batches.ask_for_batch``. It goes on where it ended."""
    return make_coupons(batch_id)
