"""What a message says of an event: the id of the thing (thin), or the thing as it stands now (full).

Personal data is never in a message: who needs a recipient asks the API, which masks and logs.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from tongpan.core.bulk import as_json, fetch_all
from tongpan.core.money import Money

Data = dict[str, Any]


class Occurrence(NamedTuple):
    """An event of the log, or a test. id: the stable id of the event. key, payload: as the log has them."""

    id: str
    name: str
    key: str
    payload: Mapping[str, Any]
    at: datetime


def bodies(occurrences: Sequence[Occurrence], *, full: bool) -> list[str]:
    """The message of each occurrence, at the same position, as JSON. A constant number of statements."""
    found = {
        "order": _orders(_keys(occurrences, "order."), full=full),
        "fulfillment": _fulfillments(_keys(occurrences, "fulfillment."), full=full),
        "return": _returns(_keys(occurrences, "return."), full=full),
        "aftersale": _cases(_keys(occurrences, "aftersale."), full=full),
        "refund": _refunds(_keys(occurrences, "refund."), full=full),
        "shipment": _shipments(_keys(occurrences, "shipment."), full=full),
        "stock": _skus(_keys(occurrences, "stock.changed"), full=full),
    }
    return [
        as_json(
            {
                "type": one.name,
                "timestamp": one.at.isoformat().replace("+00:00", "Z"),
                "event_id": one.id,
                "data": _data(one, found),
            }
        )
        for one in occurrences
    ]


def _keys(occurrences: Sequence[Occurrence], beginning: str) -> list[int]:
    return sorted({int(one.key) for one in occurrences if one.name.startswith(beginning) and one.key.isdecimal()})


_PRICE_NOUNS = {
    "price.changed": "sku",
    "price.request_changed": "request",
    "price.deviation_opened": "alert",
    "price.war_opened": "alert",
    "violation.opened": "case",
    "violation.step": "case",
    "diversion.found": "diversion",
}


def _data(one: Occurrence, found: Mapping[str, Mapping[int, Data]]) -> Data:
    room = one.name.partition(".")[0]
    if one.name == "stock.published":
        return {"listing": {"id": int(one.key)}, **one.payload}
    if one.name == "stock.alert_opened":
        return {"alert": {"id": int(one.key)}, **one.payload}
    if room in ("replenishment", "transfer", "appointment", "service", "subscription"):
        return {room: {"id": int(one.key)}, **one.payload}
    if noun := _PRICE_NOUNS.get(one.name):
        return {noun: {"id": int(one.key)}, **one.payload}
    if one.name == "correction.booked":
        return {"correction": {"number": one.key}}
    if room not in found:
        return dict(one.payload)
    noun = {"stock": "sku", "aftersale": "case"}.get(room, room)
    data: Data = {noun: found[room].get(int(one.key), {"id": int(one.key)})}
    if one.name == "order.routed":
        data["outcome"] = one.payload.get("outcome")
    if room == "shipment":
        data |= {name: one.payload[name] for name in ("kind", "at") if name in one.payload}
    return data


def _time(at: datetime | None) -> str | None:
    return at.isoformat().replace("+00:00", "Z") if at else None


def _money(amount_minor: int | None, currency: str) -> dict[str, str] | None:
    return None if amount_minor is None else Money(amount_minor, currency).as_json()


_TIMES = ("placed_at", "paid_at", "dispatched_at", "delivered_at", "completed_at", "cancelled_at", "promised_at")
_AMOUNTS = ("goods", "charges", "total", "paid", "refunded")


def _orders(ids: Collection[int], *, full: bool) -> dict[int, Data]:
    if not ids:
        return {}
    rows = fetch_all(
        f"""SELECT o.id, s.code, o.external_id, o.status, c.code, o.channel_status, o.currency, o.units,
                   o.ship_province, o.ship_city, {", ".join(f"o.{name}" for name in _TIMES)},
                   {", ".join(f"o.{name}_minor" for name in _AMOUNTS)}
            FROM orders_order o JOIN channels_shop s ON s.id = o.shop_id JOIN channels_channel c ON c.id = o.channel_id
            WHERE o.id = ANY(%s)""",
        [list(ids)],
    )
    orders: dict[int, Data] = {}
    for order_id, shop, number, status, channel, words, currency, units, province, city, *rest in rows:
        orders[order_id] = {"id": order_id, "shop": shop, "number": number, "status": status}
        if not full:
            continue
        times, amounts = rest[: len(_TIMES)], rest[len(_TIMES) :]
        orders[order_id] |= {
            "channel": channel,
            "channel_status": words,
            **{name: _time(at) for name, at in zip(_TIMES, times, strict=True)},
            **{name: _money(amount, currency) for name, amount in zip(_AMOUNTS, amounts, strict=True)},
            "units": units,
            "ship_to": {"province": province, "city": city},
            "lines": [],
            "holds": [],
            "fulfillments": [],
            "_currency": currency,
        }
    if full:
        _add_to_orders(orders)
    return orders


def _add_to_orders(orders: dict[int, Data]) -> None:
    ids = list(orders)
    for order_id, line in _lines("orders_orderline", "order_id", ids, orders):
        orders[order_id]["lines"].append(line)
    for order_id, reason in fetch_all(
        "SELECT order_id, reason FROM orders_hold WHERE order_id = ANY(%s) AND released_at IS NULL ORDER BY 1, 2",
        [ids],
    ):
        orders[order_id]["holds"].append(reason)
    for order_id, fulfillment_id, node, status in fetch_all(
        """SELECT f.order_id, f.id, n.code, f.status FROM fulfillment_fulfillment f
           JOIN network_node n ON n.id = f.node_id WHERE f.order_id = ANY(%s) ORDER BY f.id""",
        [ids],
    ):
        orders[order_id]["fulfillments"].append({"id": fulfillment_id, "node": node, "status": status})
    for order in orders.values():
        del order["_currency"]


def _lines(table: str, key: str, ids: list[int], documents: Mapping[int, Data]) -> list[tuple[int, Data]]:
    rows = fetch_all(
        f"""SELECT l.{key}, l.line_no, l.kind, coalesce(s.code, l.charge_code), l.name, l.qty, l.amount_minor
            FROM {table} l LEFT JOIN catalog_sku s ON s.id = l.sku_id WHERE l.{key} = ANY(%s)
            ORDER BY l.{key}, l.line_no""",
        [ids],
    )
    return [
        (
            document_id,
            {
                "line": line_no,
                "kind": kind,
                "code": code,
                "name": name,
                "qty": qty,
                "amount": _money(amount, documents[document_id]["_currency"]),
            },
        )
        for document_id, line_no, kind, code, name, qty, amount in rows
    ]


def _fulfillments(ids: Collection[int], *, full: bool) -> dict[int, Data]:
    if not ids:
        return {}
    rows = fetch_all(
        """SELECT f.id, o.id, s.code, o.external_id, n.code, f.status, f.dispatched_at, f.delivered_at
           FROM fulfillment_fulfillment f JOIN orders_order o ON o.id = f.order_id
           JOIN channels_shop s ON s.id = o.shop_id JOIN network_node n ON n.id = f.node_id WHERE f.id = ANY(%s)""",
        [list(ids)],
    )
    found: dict[int, Data] = {}
    for fulfillment_id, order_id, shop, number, node, status, dispatched_at, delivered_at in rows:
        found[fulfillment_id] = {
            "id": fulfillment_id,
            "order": {"id": order_id, "shop": shop, "number": number},
            "node": node,
            "status": status,
        }
        if full:
            found[fulfillment_id] |= {
                "dispatched_at": _time(dispatched_at),
                "delivered_at": _time(delivered_at),
                "lines": [],
            }
    if full:
        for fulfillment_id, sku, qty in fetch_all(
            """SELECT l.fulfillment_id, k.code, l.qty FROM fulfillment_fulfillmentline l
               JOIN catalog_sku k ON k.id = l.sku_id WHERE l.fulfillment_id = ANY(%s) ORDER BY l.id""",
            [list(ids)],
        ):
            found[fulfillment_id]["lines"].append({"sku": sku, "qty": qty})
    return found


def _shipments(ids: Collection[int], *, full: bool) -> dict[int, Data]:
    if not ids:
        return {}
    rows = fetch_all(
        """SELECT p.id, p.carrier, p.tracking_number, p.status, p.fulfillment_id, o.id, s.code, o.external_id,
                  p.shipped_at, p.last_event_at, p.delivered_at
           FROM fulfillment_shipment p JOIN fulfillment_fulfillment f ON f.id = p.fulfillment_id
           JOIN orders_order o ON o.id = f.order_id JOIN channels_shop s ON s.id = o.shop_id WHERE p.id = ANY(%s)""",
        [list(ids)],
    )
    found: dict[int, Data] = {}
    for shipment_id, carrier, number, status, fulfillment_id, order_id, shop, order, *times in rows:
        found[shipment_id] = {
            "id": shipment_id,
            "carrier": carrier,
            "tracking_number": number,
            "order": {"id": order_id, "shop": shop, "number": order},
        }
        if full:
            names = ("shipped_at", "last_event_at", "delivered_at")
            found[shipment_id] |= {
                "status": status,
                "fulfillment": fulfillment_id,
                **{name: _time(at) for name, at in zip(names, times, strict=True)},
            }
    return found


def _returns(ids: Collection[int], *, full: bool) -> dict[int, Data]:
    if not ids:
        return {}
    rows = fetch_all(
        """SELECT r.id, s.code, r.external_id, r.status, o.external_id, r.returned_at, r.currency, r.total_minor,
                  r.units
           FROM orders_return r JOIN channels_shop s ON s.id = r.shop_id LEFT JOIN orders_order o ON o.id = r.order_id
           WHERE r.id = ANY(%s)""",
        [list(ids)],
    )
    found: dict[int, Data] = {}
    for return_id, shop, number, status, order, returned_at, currency, total, units in rows:
        found[return_id] = {"id": return_id, "shop": shop, "number": number, "status": status}
        if full:
            found[return_id] |= {
                "order": order,
                "returned_at": _time(returned_at),
                "total": _money(total, currency),
                "units": units,
                "lines": [],
                "_currency": currency,
            }
    if full:
        for return_id, line in _lines("orders_returnline", "return_doc_id", list(found), found):
            found[return_id]["lines"].append(line)
        for document in found.values():
            del document["_currency"]
    return found


def _cases(ids: Collection[int], *, full: bool) -> dict[int, Data]:
    if not ids:
        return {}
    rows = fetch_all(
        """SELECT c.id, s.code, o.external_id, c.kind, c.status, c.way, n.code, c.requested_at, c.due_at, c.currency,
                  c.quoted_minor, c.units, c.channel_number, x.external_id
           FROM orders_returncase c JOIN channels_shop s ON s.id = c.shop_id JOIN orders_order o ON o.id = c.order_id
           LEFT JOIN network_node n ON n.id = c.node_id LEFT JOIN orders_order x ON x.id = c.new_order_id
           WHERE c.id = ANY(%s)""",
        [list(ids)],
    )
    found: dict[int, Data] = {}
    for case_id, shop, order, kind, status, way, node, at, due, currency, quoted, units, told, instead in rows:
        found[case_id] = {"id": case_id, "shop": shop, "order": order, "kind": kind, "status": status}
        if full:
            found[case_id] |= {
                "way": way,
                "node": node,
                "requested_at": _time(at),
                "due_at": _time(due),
                "quoted": _money(quoted, currency),
                "units": units,
                "channel_number": told,
                "new_order": instead,
                "lines": [],
            }
    if full:
        for case_id, line_no, sku, qty, reason, is_quality in fetch_all(
            """SELECT l.case_id, l.line_no, k.code, l.qty, l.reason, l.is_quality
               FROM orders_returncaseline l JOIN catalog_sku k ON k.id = l.sku_id
               WHERE l.case_id = ANY(%s) ORDER BY l.case_id, l.line_no""",
            [list(found)],
        ):
            line = {"line": line_no, "sku": sku, "qty": qty, "reason": reason, "is_quality": is_quality}
            found[case_id]["lines"].append(line)
    return found


def _refunds(ids: Collection[int], *, full: bool) -> dict[int, Data]:
    if not ids:
        return {}
    rows = fetch_all(
        """SELECT r.id, s.code, o.external_id, r.case_id, r.status, r.currency, r.total_minor, r.paid_at, r.reference
           FROM orders_refund r JOIN orders_order o ON o.id = r.order_id JOIN channels_shop s ON s.id = o.shop_id
           WHERE r.id = ANY(%s)""",
        [list(ids)],
    )
    found: dict[int, Data] = {}
    for refund_id, shop, order, case_id, status, currency, total, paid_at, reference in rows:
        found[refund_id] = {"id": refund_id, "shop": shop, "order": order, "case": case_id, "status": status}
        if full:
            found[refund_id] |= {
                "total": _money(total, currency),
                "paid_at": _time(paid_at),
                "reference": reference,
                "tenders": [],
            }
    if full:
        for refund_id, currency, method, kind, action, amount in fetch_all(
            """SELECT t.refund_id, r.currency, t.method, t.kind, t.action, t.amount_minor
               FROM orders_refundtender t JOIN orders_refund r ON r.id = t.refund_id
               WHERE r.id = ANY(%s) ORDER BY t.id""",
            [list(found)],
        ):
            tender = {"method": method, "kind": kind, "action": action, "amount": _money(amount, currency)}
            found[refund_id]["tenders"].append(tender)
    return found


def _skus(ids: Collection[int], *, full: bool) -> dict[int, Data]:
    if not ids:
        return {}
    rows = fetch_all(
        """SELECT s.id, s.code, coalesce(p.on_hand, 0), coalesce(p.allocated, 0), coalesce(p.held, 0)
           FROM catalog_sku s LEFT JOIN inventory_pool p ON p.sku_id = s.id WHERE s.id = ANY(%s)""",
        [list(ids)],
    )
    found: dict[int, Data] = {}
    for sku_id, code, on_hand, allocated, held in rows:
        found[sku_id] = {"id": sku_id, "code": code}
        if full:
            found[sku_id] |= {
                "on_hand": on_hand,
                "allocated": allocated,
                "held": held,
                "available": on_hand - allocated - held,
            }
    return found
