"""Proposals of the dynamic price model as requests: they wait for a person, or count at once (PRI-09)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from tongpan.pricing.actions.changes import Requested, request_changes
from tongpan.pricing.actions.lists import ListSpec, save_lists
from tongpan.pricing.actions.planning import PriceChange
from tongpan.pricing.engine.dynamic import DynamicPrice, Market, propose
from tongpan.pricing.queries import price_settings

ACTOR = "dynamic-pricing"
VALID_FOR = timedelta(days=7)
"""A dynamic price that nobody renews ends, and the channel's own price counts again."""


def propose_prices(markets: Sequence[Market], *, now: datetime) -> tuple[list[DynamicPrice], Requested | None]:
    """Run the model over ``markets`` and ask for the prices that move; (every proposal, the request or None).

    They go to the list ``dynamic-CHANNEL`` for a week. In the mode "approve" all of them wait for a person; in the
    mode "automatic" they count at once. Either way they are judged by band, floor and cost like any price.
    """
    settings = price_settings()
    made = [
        propose(one, step_pct=settings.dynamic_step_pct, use_purchasing_power=settings.use_purchasing_power)
        for one in markets
    ]
    moving = [one for one in made if one.moves]
    if not moving:
        return made, None
    save_lists(
        [
            ListSpec(f"dynamic-{channel}"[:40], "dynamic", "动态价", "Dynamic prices", channel)
            for channel in sorted({one.channel for one in moving})
        ],
        actor=ACTOR,
        now=now,
    )
    done = request_changes(
        [
            PriceChange(f"dynamic-{one.channel}"[:40], one.sku, one.amount_minor, 1, now, now + VALID_FOR)
            for one in moving
        ],
        why="; ".join(f"{one.sku}: {one.why}" for one in moving)[:2000],
        source="dynamic",
        actor=ACTOR,
        must_wait=settings.dynamic_mode == "approve",
        now=now,
    )
    return made, done
