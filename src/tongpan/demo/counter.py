"""What waits at the counters of the demo company: pickups, offers to stores, and cases of after-sale. Simulated."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from tongpan.core.bulk import fetch_all
from tongpan.core.clock import DEFAULT_ZONE, zone
from tongpan.demo.company import ACTOR, Description, store_spec
from tongpan.demo.engine import HISTORY_ENDS
from tongpan.fulfillment.actions import record_tracking, route
from tongpan.fulfillment.actions.desk import make_ready
from tongpan.fulfillment.parcels import TrackingDoc
from tongpan.network.actions import save_nodes
from tongpan.network.engine import NodeRules
from tongpan.network.geography import locate
from tongpan.orders.actions import accept
from tongpan.orders.aftersale.actions import receive, request, send
from tongpan.orders.aftersale.specs import CaseLineSpec, CaseSpec
from tongpan.orders.engine import BuyerDoc, DeliveryDoc, LineDoc, OrderDoc, PaymentDoc, ShipTo

PRICE_MINOR = 9_900
PICKUPS, READY, OFFERS, CASES = 5, 3, 3, 5
WEEK_MINUTES = 7 * 24 * 60


def stage(about: Description, now: datetime) -> None:
    """Give the store desk and the after-sale queue something to show. Done twice, it is done once.

    The orders stand on the last days of the history, so that no figure of a later day appears; their slots lie ahead.
    """
    shop, at = about.house_shop, HISTORY_ENDS.replace(tzinfo=zone(DEFAULT_ZONE))
    first, second = (about.raw["stores"][n] for n in (0, 1))
    save_nodes([replace(store_spec(second), rules=NodeRules(accept_minutes=WEEK_MINUTES))], actor=ACTOR, now=now)
    here, there = _goods(str(first["code"]), PICKUPS), _goods(str(second["code"]), OFFERS)
    central = _goods(str(about.raw["returns_node"]), CASES)
    slot = (now + timedelta(hours=2), now + timedelta(days=2))
    docs = [
        _paid(shop, f"SD-P{n}", at, sku, "", delivery=DeliveryDoc("pickup", str(first["code"]), *slot))
        for n, sku in enumerate(here, 1)
    ]
    docs += [
        _paid(shop, f"SD-O{n}", at, sku, str(second["code"]), delivery=DeliveryDoc("ship", "", *slot))
        for n, sku in enumerate(there, 1)
    ]
    came = {"dispatched_at": at - timedelta(days=3), "delivered_at": at - timedelta(days=1), "is_shipped": True}
    docs += [
        _paid(shop, f"SD-R{n}", at - timedelta(days=4), sku, str(about.raw["returns_node"]), **came)
        for n, sku in enumerate(central, 1)
    ]
    made = accept(docs, actor=ACTOR, now=now)
    ids = {doc.external_id: o.document_id for doc, o in zip(docs, made, strict=True) if o.state == "accepted"}
    if not ids:
        return
    route([i for i in ids.values() if i is not None], actor=ACTOR, now=now)
    _ready([ids[f"SD-P{n}"] for n in range(1, READY + 1) if f"SD-P{n}" in ids], now)
    _cases(shop, [number for number in ids if number.startswith("SD-R")], str(first["code"]), at, now)


def _goods(node: str, limit: int) -> list[str]:
    """SKUs of which a node has most, each of them more than a few."""
    rows = fetch_all(
        """SELECT s.code FROM inventory_level l JOIN catalog_sku s ON s.id = l.sku_id
           JOIN network_node n ON n.id = l.node_id JOIN inventory_pool p ON p.sku_id = l.sku_id
           WHERE n.code = %s AND l.bucket = 'saleable' AND l.on_hand - l.allocated > 3
             AND p.on_hand - p.allocated - p.held > 10
           ORDER BY l.on_hand - l.allocated DESC, s.code LIMIT %s""",
        [node, limit],
    )
    return [code for (code,) in rows]


def _paid(shop: str, number: str, at: datetime, sku: str, node: str, **facts: Any) -> OrderDoc:
    line = LineDoc("goods", sku, "", 1, PRICE_MINOR, wanted_node=node)
    buyer = BuyerDoc("demo", "company", number, "演示顾客")
    # Each with a phone of its own, that the review takes them for different people.
    phone = f"13900{ord(number[3]):03}{int(number[4:]):03}"
    place = locate("上海市", "上海市")
    to = ShipTo(
        "上海市",
        "上海市",
        place.latitude if place else None,
        place.longitude if place else None,
        recipient="演示顾客",
        phone=phone,
        address=f"演示路{number[-1]}号",
    )
    payment = PaymentDoc(1, "wechat", PRICE_MINOR, at)
    return OrderDoc(
        shop,
        number,
        at,
        "CNY",
        [line],
        buyer,
        to,
        payments=[payment],
        paid_at=at,
        is_simulated=True,
        version=at,
        **facts,
    )


def _ready(order_ids: list[int | None], now: datetime) -> None:
    rows = fetch_all(
        "SELECT id FROM fulfillment_fulfillment WHERE order_id = ANY(%s) AND status = 'allocated' ORDER BY id",
        [order_ids],
    )
    make_ready([i for (i,) in rows], actor=ACTOR, now=now)


def _cases(shop: str, numbers: list[str], store: str, at: datetime, now: datetime) -> None:
    """One case at each step: asked for, approved, on its way, arrived at the door, and waiting to be looked at."""
    asked = [
        ("refund_only", "goodwill", "none", ""),
        ("return", "no_reason", "mail", ""),
        ("return", "wrong_size", "mail", ""),
        ("return", "quality", "mail", ""),
        ("return", "changed_mind", "store", store),
    ]
    specs = [
        CaseSpec(kind, [CaseLineSpec(1, 1, reason)], None, shop, number, way=way, node_code=node, is_simulated=True)
        for number, (kind, reason, way, node) in zip(numbers, asked, strict=False)
    ]
    # They are asked for when the history ends: later the windows of the policy would be over.
    cases = [outcome.case_id for outcome in request(specs, actor=ACTOR, now=at) if outcome.case_id is not None]
    if len(cases) < len(asked):
        return
    send([(cases[2], "SF", "SD7002"), (cases[3], "SF", "SD7003")], actor=ACTOR, now=at)
    scans = [
        TrackingDoc("SF", "SD7002", "in_transit", at, "上海"),
        TrackingDoc("SF", "SD7003", "delivered", at, "上海"),
    ]
    record_tracking(scans, actor=ACTOR, now=at)
    receive([cases[4]], store, actor=ACTOR, now=at)
