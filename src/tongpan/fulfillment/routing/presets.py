"""The policies that come with Tongpan, as documents: what routing does without any setting, and four strategies. Pure.

``nearest-then-fewest`` counts where no other policy was assigned. ``default-cn`` is a whole ladder for a company with
warehouses and stores in China: near, anywhere, split, gathered by a transfer.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from tongpan.fulfillment.routing.language import read_policy
from tongpan.fulfillment.routing.policy import PICKUP_NODE, Policy

DEFAULT = "nearest-then-fewest"
VERSION = 1
"""Of every preset: one that changes gets a new name, so that old decisions keep their meaning."""

_CHOSEN = {
    "name": "chosen-store",
    "when": {"method": ["pickup", "dealer"]},
    "nodes": {"only": PICKUP_NODE, "order_limit": "ignore", "territory": "ignore", "floors": "ignore"},
    "split": "never",
    "else": {"queue": "pickup-unavailable"},
}

PRESETS: Mapping[str, Mapping[str, Any]] = {
    DEFAULT: {
        "rules": [
            _CHOSEN,
            {"name": "nearest-with-all", "rank": ["distance"], "split": "never"},
            {"name": "fewest-nodes", "rank": ["parcels", "distance"], "split": "any"},
        ],
    },
    "cheapest": {
        "rules": [
            _CHOSEN,
            {"name": "cheapest-with-all", "rank": ["cost", "distance"], "split": "never"},
            {"name": "cheapest-split", "rank": ["parcels", "cost", "distance"], "split": "any"},
        ],
    },
    "oldest-stock": {
        "rules": [
            _CHOSEN,
            {"name": "oldest-with-all", "rank": ["stock_age", "distance"], "split": "never"},
            {"name": "oldest-split", "rank": ["parcels", "stock_age", "distance"], "split": "any"},
        ],
    },
    "keep-store-minimum": {
        "rules": [
            _CHOSEN,
            {"name": "warehouse-with-all", "nodes": {"groups": ["warehouses"]}, "rank": ["distance"]},
            {
                "name": "store-above-minimum",
                "nodes": {"groups": ["ship-from-store"], "floor": 2},
                "rank": ["store_minimum", "distance"],
            },
            {"name": "split-above-minimum", "nodes": {"floor": 2}, "rank": ["parcels", "distance"], "split": "any"},
        ],
    },
    "default-cn": {
        "batch": {"sort": ["promise_at", "priority", "placed_at", "id"]},
        "rules": [
            _CHOSEN,
            {
                "name": "one-node-near",
                "nodes": {"groups": ["warehouses", "ship-from-store"], "within_km": 150, "floor": 2},
                "rank": ["covers_all desc", "distance asc", "capacity_left desc", "balance", "node_id asc"],
                "split": "never",
            },
            {
                "name": "one-node-any",
                "nodes": {"groups": ["warehouses", "ship-from-store"], "floor": 2},
                "rank": ["covers_all desc", "cost asc", "distance asc", "node_id asc"],
                "split": "never",
            },
            {
                "name": "split-any",
                "nodes": {"groups": ["warehouses", "ship-from-store"]},
                "rank": ["parcels asc", "cost asc", "distance asc", "node_id asc"],
                "split": {"max_parcels": 3, "min_order_value": 9900, "keep_kits_together": True},
            },
            {
                "name": "transfer-then-ship",
                "nodes": {"groups": ["warehouses"]},
                "rank": ["distance"],
                "transfer": {"max_wait_days": 3},
            },
        ],
        "after": {"queue": "unfillable", "auto_cancel_days": 7},
    },
}


@functools.cache
def preset(code: str) -> Policy:
    """The preset called ``code``."""
    return read_policy(PRESETS[code], code, VERSION)
