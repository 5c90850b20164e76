"""Rows that are complete in themselves: stock levels, channel days, nodes, shops, parcels, tracking events."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tongpan.connectors.engine.cells import BadCell
from tongpan.connectors.engine.documents import StagedRow
from tongpan.connectors.engine.fields import Row, Settings, compile_condition, compile_value
from tongpan.connectors.engine.rows import Problem
from tongpan.connectors.spec_records import (
    ChannelDaySpec,
    CostSpec,
    CustomerSpec,
    DoorSpec,
    FloorSpec,
    GoodsCodeSpec,
    LedgerSpec,
    NodeSpec,
    ParcelSpec,
    PriceSeenSpec,
    PriceSpec,
    RecordSection,
    ShopSpec,
    SightingSpec,
    StockLevel,
    TrackingSpec,
)
from tongpan.fulfillment.parcels import KINDS as KINDS_OF_TRACKING
from tongpan.inventory.engine import CountDoc, StockLine

KINDS: dict[type, dict[str, str]] = {
    StockLevel: {
        "node": "id:60",
        "code": "id",
        "qty": "int",
        "at": "time",
        "bucket": "bucket",
        "name": "text:300",
        "note": "text:300",
        "reason": "text:200",
        "is_simulated": "bool",
    },
    ChannelDaySpec: {
        "channel": "id:40",
        "day": "day",
        "visitors": "int",
        "cost": "decimal",
        "is_simulated": "bool",
    },
    DoorSpec: {"node": "id:60", "at": "time", "entered": "int", "is_simulated": "bool"},
    NodeSpec: {
        "code": "id:60",
        "kind": "one_of:central,sub_warehouse,store,counter,dealer,supplier",
        "name": "text:80",
        "province": "text:60",
        "city": "text:60",
        "division": "id:12",
        "latitude": "latitude",
        "longitude": "longitude",
        "zone": "id:40",
        "tracks_stock": "maybe",
        "serves": "text:4000",
        "takes_returns_of": "text:4000",
        "is_simulated": "bool",
        "groups": "text:1000",
        "order_limit": "int",
        "accept_minutes": "int",
        "cut_off": "text:5",
        "base_cost": "decimal",
        "cost_per_km": "decimal",
        "cost_currency": "id:3",
        "priority": "int",
        "territory": "text:4000",
        "facilities": "text:200",
        "in_pool": "maybe",
        "hours": "text:1000",
        "special_days": "text:4000",
    },
    ShopSpec: {
        "code": "id:40",
        "channel": "id:40",
        "name": "text:80",
        "kind": "one_of:shop,content,group,store,dealer",
        "account": "text:80",
        "capacity": "int",
        "currency": "id:3",
        "zone": "id:40",
        "channel_name_zh": "text:60",
        "channel_name_en": "text:60",
        "is_simulated": "bool",
    },
    ParcelSpec: {
        "order": "id:120",
        "carrier": "id:40",
        "number": "id:80",
        "at": "time",
        "shop": "id:40",
        "node": "id:60",
    },
    TrackingSpec: {
        "carrier": "id:40",
        "number": "id:80",
        "kind": "one_of:" + ",".join(KINDS_OF_TRACKING),
        "at": "time",
        "place": "text:120",
        "text": "text:1000",
        "event": "id:200",
    },
    LedgerSpec: {
        "number": "id:120",
        "at": "time",
        "amount": "money",
        "shop": "id:40",
        "currency": "id:3",
        "scene": "text:120",
        "kind": "text:120",
        "account": "text:120",
        "order": "id:120",
        "line": "id:80",
        "after_sale": "id:120",
        "balance": "money",
        "note": "text:1000",
    },
    PriceSeenSpec: {
        "sku": "id",
        "channel": "id:40",
        "seller_class": "one_of:own,authorised,unauthorised,competitor",
        "listed": "decimal",
        "at": "time",
        "seller": "text:120",
        "shop": "id:40",
        "dealer": "id:60",
        "discounts": "text:300",
        "units": "int",
        "currency": "id:3",
        "goods": "text:300",
        "region": "text:60",
        "url": "text:500",
        "evidence": "text:500",
        "hash": "id:64",
        "observer": "text:150",
        "is_simulated": "bool",
    },
    GoodsCodeSpec: {
        "code": "id:80",
        "sku": "id",
        "dealer": "id:60",
        "at": "time",
        "kind": "one_of:serial,batch",
        "qty": "int",
        "document": "id:120",
    },
    SightingSpec: {
        "code": "id:80",
        "what": "one_of:scan,return,warranty",
        "province": "text:60",
        "at": "time",
        "city": "text:60",
        "kind": "one_of:serial,batch",
        "source": "text:80",
    },
    CustomerSpec: {
        "kind": "id:20",
        "scope": "id:60",
        "value": "id",
        "name": "text:120",
        "province": "text:60",
        "city": "text:60",
    },
    PriceSpec: {
        "price_list": "id:40",
        "code": "id",
        "price": "decimal",
        "units": "int",
        "starts": "time",
        "ends": "time",
    },
    FloorSpec: {
        "code": "id",
        "floor": "decimal",
        "least": "decimal",
        "region": "text:60",
        "currency": "id:3",
    },
    CostSpec: {"code": "id", "cost": "decimal", "currency": "id:3", "starts": "time"},
}
NEEDED: dict[type, tuple[str, ...]] = {
    StockLevel: ("node", "code", "qty"),
    ChannelDaySpec: ("channel", "day", "visitors", "cost"),
    DoorSpec: ("node", "at", "entered"),
    NodeSpec: ("code", "kind"),
    ShopSpec: ("code", "channel"),
    ParcelSpec: ("order", "carrier", "number", "at"),
    TrackingSpec: ("carrier", "number", "kind", "at"),
    CustomerSpec: ("kind", "scope", "value"),
    LedgerSpec: ("number", "at", "amount"),
    PriceSpec: ("price_list", "code", "price"),
    FloorSpec: ("code", "floor"),
    CostSpec: ("code", "cost"),
    PriceSeenSpec: ("sku", "channel", "seller_class", "listed", "at"),
    GoodsCodeSpec: ("code", "sku", "dealer", "at"),
    SightingSpec: ("code", "what", "province", "at"),
}
LINES_OF_A_COUNT = 20_000
PART = "part:"
"""Before the name of a part of a ledger's amount, among the fields of its row."""


class RecordConverter:
    """Turns a row into the fields of its section. ``fields(row)`` raises BadCell; ``problems(row)`` lists all."""

    def __init__(self, section: RecordSection, settings: Settings) -> None:
        kinds, needed = KINDS[type(section)], NEEDED[type(section)]
        self._fields = {
            name: compile_value(getattr(section, name), kind, settings, required=name in needed).get
            for name, kind in kinds.items()
        }
        if isinstance(section, LedgerSpec):
            self._fields["outgoing"] = (
                compile_condition(section.outgoing, settings).get if section.outgoing else lambda row: False
            )
            for name, value in section.parts.items():
                self._fields[f"{PART}{name}"] = compile_value(value, "money", settings).get

    def fields(self, row: Row) -> dict[str, Any]:
        return {name: get(row) for name, get in self._fields.items()}

    def field(self, name: str, row: Row) -> Any:
        return self._fields[name](row)

    def problems(self, row: Row) -> list[Problem]:
        found = []
        for get in self._fields.values():
            try:
                get(row)
            except BadCell as bad:
                found.append(Problem(bad.column, bad.value, bad.reason))
        return found


@dataclass(frozen=True, slots=True)
class Level:
    """One counted quantity with the row that it came from."""

    row: StagedRow
    node: str
    at: datetime | None
    reason: str
    is_simulated: bool
    line: StockLine


def counts(
    levels: Sequence[Level], source: str, now: datetime
) -> tuple[list[tuple[CountDoc, list[Level]]], list[tuple[Level, str]]]:
    """Counts out of ``levels``, one for each node and time, and the levels that cannot be in one with a reason.

    The number of a count is a digest of what it says, so that the same count again is recognised. Without a
    time in the file a count is of ``now``, which is no part of its number.
    """
    grouped: dict[tuple[str, datetime | None, str, bool], list[Level]] = {}
    refused: list[tuple[Level, str]] = []
    seen: dict[tuple[Any, ...], Level] = {}
    for level in levels:
        group = (level.node, level.at, level.reason, level.is_simulated)
        key = (*group[:2], level.line.sku_code, level.line.bucket)
        first = seen.setdefault(key, level)
        if first is not level:
            what = "counted" if first.line.qty == level.line.qty else f"counted as {first.line.qty}"
            refused.append((level, f"the same goods are {what} on line {first.row.line} already"))
            continue
        grouped.setdefault(group, []).append(level)
    docs = []
    for (node, at, reason, simulated), members in grouped.items():
        for start in range(0, len(members), LINES_OF_A_COUNT):
            part = members[start : start + LINES_OF_A_COUNT]
            lines = tuple(level.line for level in part)
            number = hashlib.blake2b(repr((node, at, reason, lines)).encode(), digest_size=16).hexdigest()
            docs.append((CountDoc(source, f"count-{number}", node, at or now, lines, reason, simulated), part))
    return docs, refused


def codes(text: str) -> list[str]:
    """The codes in a list such as "a, b; c"."""
    return list(dict.fromkeys(text.replace(";", " ").replace(",", " ").split()))
