"""The ways out of a stock-out for an order, and for goods that somebody asks for."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.stored import stored
from tongpan.fulfillment.stockout.engine import SETTING, Incoming, Option, Place, options, policy_of
from tongpan.network.geography import distance_km, locate


@dataclass(frozen=True, slots=True)
class WaysOut:
    """needs: units by SKU id that are looked for. short: those that the nodes of the shop do not have together.

    options: preferred first. recommended: the first that is open, or None.
    """

    needs: Mapping[int, int]
    short: Mapping[int, int]
    options: list[Option]

    @property
    def recommended(self) -> Option | None:
        return next((option for option in self.options if option.is_open), None)


def ways_out_of_order(order_id: int) -> WaysOut:
    """The ways out for what an order still needs. Five statements; locks nothing.

    Raises Refusal("order.unknown").
    """
    head = fetch_all(
        """SELECT o.shop_id, c.code, o.ship_latitude, o.ship_longitude
           FROM orders_order o JOIN channels_channel c ON c.id = o.channel_id WHERE o.id = %s""",
        [order_id],
    )
    if not head:
        raise Refusal("order.unknown", f"There is no order with the id {order_id}.")
    shop_id, channel, latitude, longitude = head[0]
    needs = dict(
        fetch_all(
            """SELECT l.sku_id, sum(l.qty - coalesce(f.qty, 0))::bigint
               FROM orders_orderline l
               LEFT JOIN (SELECT x.order_line_id, sum(x.qty)::int AS qty
                          FROM fulfillment_fulfillment d
                          JOIN fulfillment_fulfillmentline x ON x.fulfillment_id = d.id
                          WHERE d.order_id = %s AND d.status NOT IN ('cancelled', 'rejected')
                          GROUP BY 1) f ON f.order_line_id = l.id
               WHERE l.order_id = %s AND l.kind = 'goods' AND l.qty > coalesce(f.qty, 0) GROUP BY 1 ORDER BY 1""",
            [order_id, order_id],
        )
    )
    at = None if latitude is None or longitude is None else (latitude, longitude)
    return _ways(needs, shop_id, channel, at)


def ways_out_for(shop_code: str, goods: Mapping[str, int], *, province: str = "", city: str = "") -> WaysOut:
    """The ways out for ``goods`` (units by SKU code) that a buyer of a shop wants, who is in that place.

    For shop fronts and for stores (offline out of stock: the shop is the store's). Locks nothing. Raises
    Refusal("shop.unknown"), Refusal("sku.unknown") or Refusal("stockout.qty").
    """
    if not goods or min(goods.values()) < 1:
        raise Refusal("stockout.qty", "Name at least one SKU, and ask for at least one unit of each.")
    shops = fetch_all(
        "SELECT s.id, c.code FROM channels_shop s JOIN channels_channel c ON c.id = s.channel_id WHERE s.code = %s",
        [shop_code],
    )
    if not shops:
        raise Refusal("shop.unknown", f"There is no shop {shop_code!r}.")
    ids = dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s)", [list(goods)]))
    unknown = sorted(set(goods) - set(ids))
    if unknown:
        raise Refusal("sku.unknown", f"There is no SKU {unknown[0]!r}.")
    found = (locate(province, city) or locate(province, "")) if province or city else None
    at = (found.latitude, found.longitude) if found else None
    shop_id, channel = shops[0]
    return _ways({ids[code]: qty for code, qty in goods.items()}, shop_id, channel, at)


def _ways(needs: Mapping[int, int], shop_id: int, channel: str, at: tuple[float, float] | None) -> WaysOut:
    places = _places(needs, shop_id)
    ours = [place for place in places if place.serves]
    have = {sku_id: sum(place.free.get(sku_id, 0) for place in ours) for sku_id in needs}
    policy = policy_of(stored(SETTING), channel)
    return WaysOut(
        needs,
        {sku_id: qty - have[sku_id] for sku_id, qty in needs.items() if have[sku_id] < qty},
        options(needs, at, places, _incoming(needs, ours), policy=policy, distance=distance_km) if needs else [],
    )


def _places(sku_ids: Collection[int], shop_id: int) -> list[Place]:
    """Active nodes that keep stock, with what is free of ``sku_ids`` and promised to nobody."""
    free: dict[int, dict[int, int]] = {}
    for node_id, sku_id, units in fetch_all(
        """SELECT l.node_id, l.sku_id, least(l.on_hand - l.allocated, p.on_hand - p.allocated - p.held)
           FROM inventory_level l JOIN inventory_pool p ON p.sku_id = l.sku_id
           WHERE l.sku_id = ANY(%s) AND l.bucket = 'saleable'
             AND least(l.on_hand - l.allocated, p.on_hand - p.allocated - p.held) > 0""",
        [list(sku_ids)],
    ):
        free.setdefault(node_id, {})[sku_id] = units
    rows = fetch_all(
        """SELECT n.id, n.code, n.name, n.kind, n.latitude, n.longitude,
                  EXISTS (SELECT FROM network_service v WHERE v.node_id = n.id AND v.shop_id = %s)
           FROM network_node n WHERE n.is_active AND n.tracks_stock AND n.kind <> 'in_transit' ORDER BY n.code""",
        [shop_id],
    )
    return [
        Place(node_id, code, name, kind, latitude, longitude, serves, free.get(node_id, {}))
        for node_id, code, name, kind, latitude, longitude, serves in rows
    ]


def _incoming(sku_ids: Collection[int], serving: Sequence[Place]) -> list[Incoming]:
    """What is on its way to the nodes of the shop."""
    rows = fetch_all(
        """SELECT l.sku_id, sum(l.sent - coalesce(l.good + l.damaged, 0))::bigint, t.expected_at
           FROM inventory_transfer t JOIN inventory_transferline l ON l.transfer_id = t.id
           WHERE t.state = 'in_transit' AND l.bucket = 'saleable' AND l.sent > coalesce(l.good + l.damaged, 0)
             AND l.sku_id = ANY(%s) AND t.to_node_id = ANY(%s) GROUP BY 1, 3 ORDER BY 1, 3""",
        [list(sku_ids), [place.node_id for place in serving]],
    )
    return [Incoming(sku_id, units, due) for sku_id, units, due in rows]
