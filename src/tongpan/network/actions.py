"""Writes of nodes and of which shop they serve."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from tongpan.access.actions import Note, audit_many
from tongpan.access.models import User
from tongpan.core.bulk import copy_rows, execute, fetch_all
from tongpan.core.clock import DEFAULT_ZONE
from tongpan.core.errors import Refusal
from tongpan.core.eventlog import NewEvent, append
from tongpan.network.engine import TRANSIT_CODE, NodeSpec, ServiceSpec, Timetable, check_node, placed
from tongpan.network.events import NODES_CHANGED, SERVICES_CHANGED

_SAVE_NODES = """
INSERT INTO network_node
  (code, kind, name, division, city, latitude, longitude, zone, tracks_stock, is_active, is_simulated)
SELECT code, kind, name, division, city, latitude, longitude, zone, tracks_stock, is_active, is_simulated
FROM jsonb_to_recordset(%s::jsonb) AS n(code text, kind text, name text, division text, city text,
  latitude float8, longitude float8, zone text, tracks_stock bool,
  is_active bool, is_simulated bool) ORDER BY code
ON CONFLICT (code) DO UPDATE SET kind = excluded.kind, name = excluded.name, division = excluded.division,
  city = excluded.city, latitude = excluded.latitude, longitude = excluded.longitude, zone = excluded.zone,
  tracks_stock = excluded.tracks_stock, is_active = excluded.is_active, is_simulated = excluded.is_simulated
RETURNING code, id"""
_SAVE_RULES = """
UPDATE network_node n SET groups = r.groups, order_limit = r.order_limit, accept_minutes = r.accept_minutes,
  cut_off = r.cut_off, base_cost_minor = r.base_cost_minor, cost_per_km_minor = r.cost_per_km_minor,
  cost_currency = r.cost_currency, priority = r.priority, territory = r.territory, facilities = r.facilities,
  in_pool = r.in_pool
FROM jsonb_to_recordset(%s::jsonb) AS r(id bigint, groups text[], order_limit int, accept_minutes int, cut_off time,
  base_cost_minor bigint, cost_per_km_minor bigint, cost_currency text, priority int, territory text[],
  facilities text[], in_pool bool)
WHERE n.id = r.id"""


def save_nodes(specs: Sequence[NodeSpec], *, actor: str, now: datetime) -> dict[str, int]:
    """Make each node as its spec says, new or changed; code -> id. All or none, in constantly many statements.

    A node without a point gets that of its city; rules and hours that a spec leaves out stay.
    Raises Refusal node.* (a bad value, the same code twice).
    """
    codes = [spec.code for spec in specs]
    if len(set(codes)) != len(codes):
        raise Refusal("node.twice", "The same node is named twice in one request.")
    complete = [placed(spec) for spec in specs]
    for spec in complete:
        check_node(spec)
    if not complete:
        return {}
    with transaction.atomic():
        rows = [{key: value for key, value in asdict(spec).items() if key not in _APART} for spec in complete]
        ids = dict(fetch_all(_SAVE_NODES, [json.dumps(rows, ensure_ascii=False)]))
        _save_rules(complete, ids)
        _save_hours({ids[spec.code]: spec.hours for spec in complete if spec.hours is not None})
        append([NewEvent(NODES_CHANGED, str(node_id), {}) for node_id in sorted(ids.values())])
        audit_many([Note("node.saved", "node", code) for code in codes], actor=actor, now=now)
    return ids


_APART = frozenset({"province", "rules", "hours"})


def _save_rules(specs: Sequence[NodeSpec], ids: dict[str, int]) -> None:
    rows: list[dict[str, Any]] = [
        asdict(spec.rules) | {"id": ids[spec.code]} for spec in specs if spec.rules is not None
    ]
    if rows:
        execute(_SAVE_RULES, [json.dumps(rows, ensure_ascii=False, default=str)])


def _save_hours(tables: dict[int, Timetable]) -> None:
    """Put these hours in place of what the nodes have."""
    if not tables:
        return
    for table in ("network_opening_hours", "network_special_day"):
        execute(f"DELETE FROM {table} WHERE node_id = ANY(%s)", [list(tables)])
    week = [(node, *opening) for node, table in tables.items() for opening in table.week]
    special = [(node, *day) for node, table in tables.items() for day in table.special]
    copy_rows("network_opening_hours", ["node_id", "weekday", "opens", "closes"], week)
    copy_rows("network_special_day", ["node_id", "day", "opens", "closes"], special)


def set_staff(username: str, node_codes: Sequence[str], *, actor: str, now: datetime) -> None:
    """Let the person work at exactly these nodes. Raises Refusal staff.user, staff.node (unknown)."""
    with transaction.atomic():
        user = User.objects.select_for_update().filter(username=username).first()
        if user is None:
            raise Refusal("staff.user", f"There is no person with the user name {username!r}.")
        codes = sorted(set(node_codes))
        nodes = dict(
            fetch_all(
                "SELECT code, id FROM network_node WHERE code = ANY(%s) AND kind <> 'in_transit'", [_texts(codes)]
            )
        )
        if unknown := [code for code in codes if code not in nodes]:
            raise Refusal("staff.node", f"There is no node {', '.join(map(repr, unknown))}.")
        execute(
            "DELETE FROM network_staff WHERE user_id = %s AND NOT node_id = ANY(%s)", [user.pk, list(nodes.values())]
        )
        execute(
            """INSERT INTO network_staff (user_id, node_id) SELECT %s, id FROM unnest(%s::bigint[]) AS n(id)
               ON CONFLICT DO NOTHING""",
            [user.pk, list(nodes.values())],
        )
        audit_many([Note("staff.saved", "user", username, {"nodes": codes})], actor=actor, now=now)


def save_services(specs: Sequence[ServiceSpec], *, actor: str, now: datetime) -> None:
    """Let exactly the nodes named serve each shop. All or none; the number of statements is constant.

    Locks the shops, by id, so that two changes of one shop follow each other. Raises Refusal service.* (an
    unknown shop or node, a returns node that does not serve the shop, the same shop twice).
    """
    if not specs:
        return
    shop_codes = [spec.shop_code for spec in specs]
    if len(set(shop_codes)) != len(shop_codes):
        raise Refusal("service.twice", "The same shop is named twice in one request.")
    for spec in specs:
        if spec.returns_node and spec.returns_node not in spec.node_codes:
            raise Refusal(
                "service.returns_node",
                f"Returns of shop {spec.shop_code} cannot go to {spec.returns_node}: it does not serve it.",
            )
    with transaction.atomic():
        shops = dict(
            fetch_all(
                "SELECT code, id FROM channels_shop WHERE code = ANY(%s) ORDER BY id FOR NO KEY UPDATE",
                [_texts(shop_codes)],
            )
        )
        named = sorted({code for spec in specs for code in spec.node_codes})
        nodes = dict(
            fetch_all(
                "SELECT code, id FROM network_node WHERE code = ANY(%s) AND kind <> 'in_transit'", [_texts(named)]
            )
        )
        for noun, wanted, found in (("shop", shop_codes, shops), ("node", named, nodes)):
            if unknown := sorted(set(wanted) - set(found)):
                raise Refusal(f"service.{noun}", f"There is no {noun} {', '.join(map(repr, unknown))}.")
        rows = sorted(
            {
                (shops[spec.shop_code], nodes[code], code == spec.returns_node)
                for spec in specs
                for code in spec.node_codes
            }
        )
        # Deleted and written again: an update in place would meet two returns nodes on its way.
        execute("DELETE FROM network_service WHERE shop_id = ANY(%s)", [list(shops.values())])
        execute(
            """INSERT INTO network_service (shop_id, node_id, takes_returns)
               SELECT * FROM unnest(%s::bigint[], %s::bigint[], %s::bool[])""",
            [[row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]],
        )
        append([NewEvent(SERVICES_CHANGED, str(shop_id), {}) for shop_id in sorted(shops.values())])
        notes = [
            Note(
                "services.saved",
                "shop",
                s.shop_code,
                {"nodes": sorted(s.node_codes), "returns": s.returns_node},
            )
            for s in specs
        ]
        audit_many(notes, actor=actor, now=now)


def set_services(
    shop_code: str, node_codes: Sequence[str], returns_node: str = "", *, actor: str, now: datetime
) -> None:
    """``save_services`` of one shop."""
    save_services([ServiceSpec(shop_code, node_codes, returns_node)], actor=actor, now=now)


def transit_node() -> int:
    """The id of the node where goods are booked while they are on their way; made when it is not there yet."""
    find = "SELECT id FROM network_node WHERE kind = 'in_transit' ORDER BY id LIMIT 1"
    found = fetch_all(find)
    if not found:
        execute(
            """INSERT INTO network_node (code, kind, name, division, city, zone, tracks_stock, is_active, is_simulated)
               VALUES (%s, 'in_transit', '在途 In transit', '', '', %s, true, true, false) ON CONFLICT DO NOTHING""",
            [TRANSIT_CODE, DEFAULT_ZONE],
        )
        found = fetch_all(find)
    if not found:
        raise Refusal(
            "node.transit",
            f"A node of another kind is called {TRANSIT_CODE}; rename it, goods on their way are booked there.",
        )
    return int(found[0][0])


def _texts(codes: Sequence[str]) -> list[str]:
    # PostgreSQL's text has no NUL, so a code with one exists nowhere.
    return [code for code in codes if "\x00" not in code]
