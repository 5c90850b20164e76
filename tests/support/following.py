"""What readers do, called by hand: for tests that look at an action alone."""

from __future__ import annotations

import json

from tests.support.company import NOW, order_ids

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions import retry_waiting, route


def route_all(*numbers: str) -> dict[str, str]:
    """Route the orders with these numbers (all when none is given); outcomes by number."""
    names = dict(fetch_all("SELECT id, external_id FROM orders_order"))
    ids = order_ids(numbers) if numbers else list(names)
    return {names[i]: outcome for i, outcome in route(ids, actor="routing", now=NOW).items()}


def retry_all(*codes: str) -> int:
    """Serve the orders that wait for these SKUs."""
    rows = fetch_all("SELECT id FROM catalog_sku WHERE code = ANY(%s)", [list(codes)])
    return retry_waiting([i for (i,) in rows], actor="routing", now=NOW)


def decisions(number: str) -> list[tuple[int, str, str]]:
    """(attempt, outcome, rule) of an order's routing decisions."""
    return fetch_all(
        """SELECT d.attempt, d.outcome, d.rule FROM fulfillment_routingdecision d
           JOIN orders_order o ON o.id = d.order_id WHERE o.external_id = %s ORDER BY d.attempt""",
        [number],
    )


def events(*names: str) -> list[tuple[str, dict[str, object]]]:
    """(name, payload) of every event with one of ``names``, in order."""
    rows = fetch_all("SELECT name, payload::text FROM core_event WHERE name = ANY(%s) ORDER BY id", [list(names)])
    return [(name, json.loads(payload)) for name, payload in rows]
