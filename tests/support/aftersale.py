"""Orders that have arrived, and short ways to ask for what comes back of them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tests.support.company import ACTOR, DAY, NOW, order_ids, paid

from tongpan.core.bulk import fetch_all
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules, NodeSpec
from tongpan.orders.actions import accept
from tongpan.orders.aftersale.actions import request
from tongpan.orders.aftersale.engine.outcomes import CaseOutcome
from tongpan.orders.aftersale.specs import CaseLineSpec, CaseSpec
from tongpan.orders.engine import LineDoc

BY: dict[str, Any] = {"actor": ACTOR, "now": NOW}
ARRIVED = NOW - 3 * DAY


def delivered(number: str, *lines: LineDoc, **more: Any) -> int:
    """An order of shop "tm" that arrived three days ago; its id."""
    facts = {
        "placed_at": NOW - 6 * DAY,
        "paid_at": NOW - 6 * DAY + timedelta(minutes=5),
        "dispatched_at": NOW - 5 * DAY,
        "delivered_at": ARRIVED,
    }
    (outcome,) = accept([paid(number, *lines, **(facts | more))], **BY)
    assert outcome.state == "accepted", outcome.reason
    return order_ids([number])[0]


def line(line_no: int = 1, qty: int = 1, reason: str = "no_reason", **more: Any) -> CaseLineSpec:
    return CaseLineSpec(line_no, qty, reason, **more)


def ask(order_id: int, *lines: CaseLineSpec, **more: Any) -> CaseOutcome:
    """One request for units of an order; by mail to the node that takes the shop's returns."""
    return request([spec(order_id, *lines, **more)], **BY)[0]


def spec(order_id: int | None, *lines: CaseLineSpec, **more: Any) -> CaseSpec:
    given: dict[str, Any] = {"kind": "return", "lines": lines or (line(),), "order_id": order_id}
    return CaseSpec(**(given | more))


def case_of(outcome: CaseOutcome) -> int:
    assert outcome.case_id is not None, outcome.reason
    return outcome.case_id


def stores() -> None:
    """A store "shop-1" that is a return point, and "shop-2" that is none."""
    save_nodes(
        [
            NodeSpec("shop-1", "store", "Store 1", rules=NodeRules(facilities=("return",))),
            NodeSpec("shop-2", "store", "Store 2"),
        ],
        **BY,
    )


def status_of(case_id: int) -> str:
    return str(fetch_all("SELECT status FROM orders_returncase WHERE id = %s", [case_id])[0][0])


def refunds() -> list[tuple[Any, ...]]:
    """(status, goods, charges, withheld, deducted, cut, total) of every refund, oldest first."""
    return fetch_all(
        """SELECT status, goods_minor, charges_minor, withheld_minor, deducted_minor, cut_minor, total_minor
           FROM orders_refund ORDER BY id"""
    )


def refund_ids() -> list[int]:
    return [row[0] for row in fetch_all("SELECT id FROM orders_refund ORDER BY id")]


def stock(sku: str) -> dict[tuple[str, str], int]:
    """Units on hand by (node, bucket), where there are any."""
    rows = fetch_all(
        """SELECT n.code, l.bucket, l.on_hand FROM inventory_level l JOIN catalog_sku s ON s.id = l.sku_id
           JOIN network_node n ON n.id = l.node_id WHERE s.code = %s AND l.on_hand <> 0""",
        [sku],
    )
    return {(node, bucket): qty for node, bucket, qty in rows}


def booked() -> list[tuple[Any, ...]]:
    """(number, status, units, goods, charges, total) of every booked return."""
    return fetch_all(
        "SELECT external_id, status, units, goods_minor, charges_minor, total_minor FROM orders_return ORDER BY id"
    )


def logged(beginning: str) -> list[str]:
    """Names of the events logged that begin so, in order."""
    rows = fetch_all("SELECT name FROM core_event WHERE name LIKE %s ORDER BY id", [beginning + "%"])
    return [name for (name,) in rows]
