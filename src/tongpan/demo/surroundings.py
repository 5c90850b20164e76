"""What a company does around its orders: listings, floors, a live session, goods on their way, a count. Simulated."""

from __future__ import annotations

from datetime import datetime, timedelta

from tongpan.catalog.listings import ListingSpec, save_listings
from tongpan.core.bulk import fetch_all
from tongpan.demo.company import ACTOR, Description
from tongpan.demo.prices import set_prices
from tongpan.inventory.actions import (
    create_transfers,
    enter_counts,
    make_ready,
    open_counts,
    send,
    submit_count,
)
from tongpan.inventory.actions.floors import save_covers, save_node_policies
from tongpan.inventory.actions.policies import save_policies, save_sessions
from tongpan.inventory.engine.counting import Found, SheetDoc
from tongpan.inventory.engine.policies import CoverSpec, NodePolicySpec, PolicySpec, SessionSpec
from tongpan.inventory.engine.transfers import Sending, TransferDoc, Wanted

SOURCE = "demo"
LISTED = 120
CORE = 8


def dress(about: Description, now: datetime) -> None:
    """Give the company, whose orders are in, the surroundings that the stock pages show. Done twice, it is done once.

    Everything goes through the ordinary actions and is named as simulated where that can be said.
    """
    best = _best_sellers(LISTED)
    if not best:
        return
    shops = [shop["code"] for shop in about.raw["online_shops"]]
    save_listings(
        [ListingSpec(shop, f"{shop[:2].upper()}{code}", "", code, name) for shop in shops for code, name, _ in best],
        actor=ACTOR,
        now=now,
    )
    _floors(about, [code for code, _, _ in best], now)
    _live_session([code for code, _, available in best if available >= 60], now)
    set_prices([code for code, _, _ in best], _channels_of(shops), now)
    _transfers(about, [(code, available) for code, _, available in best if available >= 40], now)
    _count(about, now)


def _channels_of(shops: list[str]) -> list[str]:
    return [
        code
        for (code,) in fetch_all(
            """SELECT c.code FROM channels_channel c
               WHERE EXISTS (SELECT FROM channels_shop h WHERE h.channel_id = c.id AND h.code = ANY(%s))
               ORDER BY c.position, c.code""",
            [shops],
        )
    ]


def _best_sellers(limit: int) -> list[tuple[str, str, int]]:
    """(SKU code, name, available units) of what left most, and can be sold still."""
    return [
        (code, name, available)
        for code, name, available in fetch_all(
            """SELECT s.code, s.name, p.on_hand - p.allocated - p.held
               FROM inventory_pool p JOIN catalog_sku s ON s.id = p.sku_id
               JOIN (SELECT sku_id, sum(qty) AS units FROM fulfillment_fulfillmentline GROUP BY 1) f USING (sku_id)
               WHERE p.on_hand - p.allocated - p.held > 0 ORDER BY f.units DESC, s.code LIMIT %s""",
            [limit],
        )
    ]


def _floors(about: Description, best: list[str], now: datetime) -> None:
    stores = [str(row["code"]) for row in about.raw["stores"]]
    branches = [str(row["code"]) for row in about.raw["warehouses"] if row["kind"] == "sub_warehouse"]
    save_policies([PolicySpec("tmall", threshold=2), PolicySpec("jd", mode="percent", value=60)], actor=ACTOR, now=now)
    save_node_policies(
        [NodePolicySpec(store, safety_stock=1, routing_floor=1) for store in stores]
        + [NodePolicySpec(branch, code, safety_line=12) for branch in branches for code in best[:12]],
        actor=ACTOR,
        now=now,
    )
    save_covers([CoverSpec(code, days=3) for code in best[:CORE]], actor=ACTOR, now=now)


def _live_session(codes: list[str], now: datetime) -> None:
    """Tomorrow evening's live session, with units that no other channel may take meanwhile."""
    starts = now.replace(hour=12, minute=0, second=0, microsecond=0) + timedelta(days=1)
    quotas = dict.fromkeys(codes[CORE : CORE + 3], 10)
    save_sessions(
        [SessionSpec("douyin", "新品直播 New arrivals live", starts, starts + timedelta(hours=3), quotas)],
        actor=ACTOR,
        now=now,
    )


def _transfers(about: Description, goods: list[tuple[str, int]], now: datetime) -> None:
    """One transfer on its way from the central warehouse, and one that waits to be sent."""
    central = str(about.raw["returns_node"])
    free = dict(
        fetch_all(
            """SELECT s.code, l.on_hand - l.allocated FROM inventory_level l JOIN catalog_sku s ON s.id = l.sku_id
               JOIN network_node n ON n.id = l.node_id WHERE n.code = %s AND l.bucket = 'saleable'""",
            [central],
        )
    )
    wanted = [Wanted(code, 10) for code, available in goods if min(free.get(code, 0), available) >= 20][:6]
    branches = [str(row["code"]) for row in about.raw["warehouses"] if row["kind"] == "sub_warehouse"]
    docs = [
        TransferDoc(
            SOURCE,
            f"D{n}",
            central,
            branch,
            wanted[(n - 1) * 3 : n * 3],
            expected_at=now + timedelta(days=2),
            is_simulated=True,
        )
        for n, branch in enumerate(branches[:2], 1)
        if wanted[(n - 1) * 3 : n * 3]
    ]
    made = [o.transfer_id for o in create_transfers(docs, actor=ACTOR, now=now) if o.transfer_id is not None]
    if made:
        make_ready(made, actor=ACTOR, now=now)
        send([Sending(made[0])], actor=ACTOR, now=now)


def _count(about: Description, now: datetime) -> None:
    """A cycle count of a store, handed in with a difference that another person must look at."""
    store = str(about.raw["stores"][0]["code"])
    book = [
        (code, units)
        for code, units in fetch_all(
            """SELECT s.code, l.on_hand FROM inventory_level l JOIN catalog_sku s ON s.id = l.sku_id
               JOIN network_node n ON n.id = l.node_id
               WHERE n.code = %s AND l.bucket = 'saleable' AND l.on_hand > 0 ORDER BY l.on_hand DESC, s.code LIMIT 8""",
            [store],
        )
    ]
    if not book:
        return
    sheet = SheetDoc(SOURCE, "C1", store, "cycle", [code for code, _ in book], is_blind=True, is_simulated=True)
    [opened] = open_counts([sheet], actor=ACTOR, now=now)
    if opened.state != "accepted" or opened.sheet_id is None:
        return
    found = [Found(code, units if n else max(0, units - 5)) for n, (code, units) in enumerate(book)]
    enter_counts(opened.sheet_id, found, actor=ACTOR, now=now)
    submit_count(opened.sheet_id, reason="cycle count", actor=ACTOR, now=now)
