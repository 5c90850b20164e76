"""What the scores of all subjects are made from: a constant number of statements for all of them together."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from tongpan.access.vault import blind_index
from tongpan.core.bulk import fetch_all
from tongpan.pricing.queries import price_book
from tongpan.risk.engine import Asked, Bulk, CameBack, Inputs, Placed, Rules, Seen
from tongpan.risk.queries.subjects import Geography, Subject, judged, province_named

_KEY_LETTERS = 12


def gather(
    found: Sequence[Subject], known: Geography, rules: Rules, *, start: datetime, end: datetime
) -> dict[str, Inputs]:
    """party -> the inputs of each subject from what happened in [start, end). Eleven statements."""
    by_shop = {shop: one for one in found for shop in one.shop_ids}
    by_dealer: dict[int | None, Subject] = {one.dealer_id: one for one in found if one.dealer_id is not None}
    span = {"start": start, "end": end, "shops": sorted(by_shop)}
    rows: dict[str, dict[str, list[Any]]] = {one.party: defaultdict(list) for one in found}
    units: dict[str, int] = defaultdict(int)
    _placed(span, by_shop, rows, units)
    _bulk(span, by_shop, rules, rows)
    _seen(span, by_dealer, known, rows)
    _came_back(span, by_shop, rows)
    _asked(span, by_shop, by_dealer, known, rules, rows)
    return {
        party: Inputs(
            units[party],
            **{name: tuple(sorted(some, key=repr)) for name, some in sorted(lists.items())},
        )
        for party, lists in rows.items()
    }


_Rows = Mapping[str, dict[str, list[Any]]]


def _placed(span: dict[str, Any], by_shop: Mapping[int, Subject], rows: _Rows, units: dict[str, int]) -> None:
    added: dict[tuple[str, str, str], list[int]] = defaultdict(lambda: [0, 0])
    for shop, province, city, orders, qty in fetch_all(
        """SELECT shop_id, ship_province, ship_city, count(*), sum(units)::bigint FROM orders_order
           WHERE placed_at >= %(start)s AND placed_at < %(end)s AND status <> 'cancelled' AND shop_id = ANY(%(shops)s)
           GROUP BY 1, 2, 3""",
        span,
    ):
        subject = by_shop[shop]
        units[subject.party] += qty
        place = added[subject.party, province, city]
        place[0] += orders
        place[1] += qty
    territories = {one.party: one.territory for one in by_shop.values()}
    for (party, province, city), (orders, qty) in added.items():
        inside = judged(territories[party], province, city)
        rows[party]["placed"].append(Placed(province, city, orders, qty, inside))


def _bulk(span: dict[str, Any], by_shop: Mapping[int, Subject], rules: Rules, rows: _Rows) -> None:
    """Who bought more of a SKU, from all shops, than a household does: the quantile of all buyers but the largest."""
    added: dict[tuple[str, str, str, str], list[int]] = {}
    for shop, sku, by, key, orders, qty, total, shops, usual in fetch_all(
        """WITH bought AS (
             SELECT o.id, o.shop_id, l.sku_id, l.qty, o.customer_id, k.phone_index
             FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
             LEFT JOIN orders_ordercontact k ON k.order_id = o.id
             WHERE o.placed_at >= %(start)s AND o.placed_at < %(end)s AND o.status <> 'cancelled'
               AND l.kind = 'goods' AND l.qty > 0),
           keyed AS (
             SELECT id, shop_id, sku_id, qty, 'buyer' AS by, customer_id::text AS key FROM bought
             WHERE customer_id IS NOT NULL
             UNION ALL
             SELECT id, shop_id, sku_id, qty, 'phone', encode(phone_index, 'hex') FROM bought
             WHERE phone_index IS NOT NULL AND phone_index <> ''),
           totals AS (
             SELECT sku_id, by, key, sum(qty)::bigint AS total, count(DISTINCT shop_id) AS shops,
               row_number() OVER (PARTITION BY sku_id, by ORDER BY sum(qty) DESC, key) AS rank
             FROM keyed GROUP BY 1, 2, 3),
           usual AS (
             SELECT sku_id, by, percentile_disc(%(quantile)s) WITHIN GROUP (ORDER BY total) AS units
             FROM totals WHERE rank > 1 GROUP BY 1, 2)
           SELECT b.shop_id, s.code, t.by, t.key, count(DISTINCT b.id), sum(b.qty)::bigint, t.total, t.shops,
             coalesce(u.units, 0)
           FROM totals t LEFT JOIN usual u ON u.sku_id = t.sku_id AND u.by = t.by
           JOIN keyed b ON b.sku_id = t.sku_id AND b.by = t.by AND b.key = t.key
           JOIN catalog_sku s ON s.id = t.sku_id
           WHERE t.total > greatest(coalesce(u.units, 0), %(least)s - 1) AND b.shop_id = ANY(%(shops)s)
           GROUP BY b.shop_id, s.code, t.by, t.key, t.total, t.shops, u.units""",
        {**span, "quantile": rules.household_bp / 10_000, "least": rules.least_bulk},
    ):
        one = added.setdefault((by_shop[shop].party, sku, by, key), [0, 0, total, shops, usual])
        one[0] += orders
        one[1] += qty
    for (party, sku, by, key), (orders, qty, total, shops, usual) in added.items():
        hidden = blind_index("diversion", by, key).hex()[:_KEY_LETTERS]
        rows[party]["bulk"].append(Bulk(sku, by, hidden, orders, qty, total, shops, usual))


def _seen(span: dict[str, Any], by_dealer: Mapping[int | None, Subject], known: Geography, rows: _Rows) -> None:
    """The first sighting of each code at each place since it went to a dealer.

    A serial counts for the dealer that had it last. A batch went to several: it turned up outside only where none of
    them may sell.
    """
    told = fetch_all(
        """SELECT DISTINCT ON (g.dealer_id, g.kind, g.code, s.what, s.province, s.city)
             g.dealer_id, g.kind, g.code, k.code, s.what, s.province, s.city, g.shipped_at, s.seen_at,
             (SELECT array_agg(DISTINCT o.dealer_id) FROM risk_code o
              WHERE o.kind = g.kind AND o.code = g.code AND o.shipped_at <= s.seen_at)
           FROM risk_sighting s JOIN risk_code g ON g.kind = s.kind AND g.code = s.code AND g.shipped_at <= s.seen_at
           JOIN catalog_sku k ON k.id = g.sku_id
           WHERE s.seen_at >= %(start)s AND s.seen_at < %(end)s
             AND (g.kind = 'batch' OR NOT EXISTS (
               SELECT FROM risk_code l WHERE l.kind = g.kind AND l.code = g.code
                 AND l.shipped_at > g.shipped_at AND l.shipped_at <= s.seen_at))
           ORDER BY g.dealer_id, g.kind, g.code, s.what, s.province, s.city, s.seen_at, g.shipped_at""",
        span,
    )
    for dealer, kind, code, sku, what, province, city, shipped_at, seen_at, holders in told:
        subject = by_dealer.get(dealer)
        if subject is None:
            continue
        holding = [known.territories.get(node) or None for node in (holders if kind == "batch" else [dealer])]
        answers = [judged(territory, province, city) for territory in holding]
        inside = None if None in answers else any(answers)
        rows[subject.party]["seen"].append(
            Seen(kind, code, sku, what, province, city, shipped_at.isoformat(), seen_at.isoformat(), inside)
        )


def _came_back(span: dict[str, Any], by_shop: Mapping[int, Subject], rows: _Rows) -> None:
    """Goods that buyers handed in at a place themselves: a parcel to a returns warehouse says nothing of where from."""
    for shop, sku, sold_province, sold_city, node_city, qty in fetch_all(
        """SELECT o.shop_id, s.code, o.ship_province, o.ship_city, n.city, sum(l.qty)::bigint
           FROM orders_returncase c JOIN orders_returncaseline l ON l.case_id = c.id
           JOIN orders_order o ON o.id = c.order_id JOIN network_node n ON n.id = c.node_id
           JOIN catalog_sku s ON s.id = l.sku_id
           WHERE c.received_at >= %(start)s AND c.received_at < %(end)s AND o.shop_id = ANY(%(shops)s)
             AND c.way = 'store' GROUP BY 1, 2, 3, 4, 5""",
        span,
    ):
        sold, back = sold_province or province_named(sold_city), province_named(node_city)
        if sold and back:
            rows[by_shop[shop].party]["came_back"].append(CameBack(sku, sold, back, qty))


def _asked(  # noqa: PLR0917 - all that a price is held against
    span: dict[str, Any],
    by_shop: Mapping[int, Subject],
    by_dealer: Mapping[int | None, Subject],
    known: Geography,
    rules: Rules,
    rows: _Rows,
) -> None:
    """Prices seen against what the goods cost at the nearest authorised place: buying price and freight."""
    told = fetch_all(
        """SELECT o.dealer_id, o.shop_id, s.code, c.code, o.id, o.region, o.effective_minor, o.currency
           FROM patrol_observation o JOIN catalog_sku s ON s.id = o.sku_id
           JOIN channels_channel c ON c.id = o.channel_id
           WHERE o.observed_at >= %(start)s AND o.observed_at < %(end)s AND o.seller_class <> 'competitor'
             AND (o.dealer_id IS NOT NULL OR o.shop_id = ANY(%(shops)s))""",
        span,
    )
    book = price_book({row[2] for row in told}, {row[3] for row in told}, span["end"])
    for dealer, shop, sku, channel, observation, region, effective, currency in told:
        subject = by_dealer.get(dealer) or by_shop.get(shop)
        if subject is None:
            continue
        price = book.price(sku, channel, tier="dealer")
        is_tier = price is not None and price.kind == "tier" and price.currency == currency
        buying = price.amount_minor if price is not None and is_tier else book.cost(sku, currency)
        if buying is None:
            continue
        nearest, freight = known.nearest(region, rules)
        rows[subject.party]["asked"].append(Asked(sku, observation, region, effective, buying + freight, nearest))
