"""What a decision about goods that come back looks at, loaded for many orders at once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from tongpan.core.bulk import fetch_all
from tongpan.core.money import to_minor
from tongpan.orders.aftersale.engine import Given, GoodsLine, Sale, Share, Tender, cumulated, share_out
from tongpan.orders.aftersale.engine.deciding import CaseFacts, LineFacts
from tongpan.orders.aftersale.engine.policy import Policy
from tongpan.orders.aftersale.specs import CaseSpec


@dataclass(slots=True)
class LineRow:
    """A line of an order. taken: units that cases asked back; by_channel: units that the channel booked itself."""

    id: int
    line_no: int
    kind: str
    sku_id: int | None
    sku: str
    category: str
    name: str
    charge_code: str
    qty: int
    amount_minor: int
    unit_price: Decimal | None
    taken: int
    by_channel: int = 0


@dataclass(slots=True)
class OrderFacts:
    """One order with everything that was given back of it. Times are aware; amounts are minor units."""

    id: int
    shop_id: int
    shop: str
    channel_id: int
    channel: str
    zone: str
    number: str
    status: str
    currency: str
    customer_id: int | None
    is_simulated: bool
    placed_at: datetime
    dispatched_at: datetime | None
    delivered_at: datetime | None
    paid_minor: int | None
    refunded_minor: int
    outside_before: int
    lines: list[LineRow] = field(default_factory=list)
    discounts: dict[int, list[Share]] = field(default_factory=lambda: defaultdict(list))
    tenders: list[Tender] = field(default_factory=list)
    units_given: dict[int, int] = field(default_factory=dict)
    buyer_given: dict[int, int] = field(default_factory=dict)
    payers_given: dict[tuple[int, str, str], int] = field(default_factory=dict)
    tenders_given: dict[int, int] = field(default_factory=dict)
    withheld_minor: int = 0
    ours_minor: int = 0
    booked_minor: int = 0

    @property
    def outside_minor(self) -> int:
        """What the channel gave back by itself. Its own figure may count refunds of ours that it carried out."""
        return max(self.booked_minor, self.outside_before, self.refunded_minor - self.ours_minor, 0)

    @property
    def goods(self) -> list[LineRow]:
        """The goods lines that were not taken out of the order."""
        return [line for line in self.lines if line.kind == "goods" and line.qty > 0]

    def goods_line(self, line_no: int) -> LineRow:
        """The goods line with that number. Raises StopIteration when there is none."""
        return next(line for line in self.goods if line.line_no == line_no)


def load(order_ids: Collection[int], policy: Policy) -> dict[int, OrderFacts]:
    """Those of ``order_ids`` that exist, by id. Nine statements, however many orders; locks nothing."""
    ids = sorted(set(order_ids))
    found = {
        row[0]: OrderFacts(*row)
        for row in fetch_all(
            """SELECT o.id, o.shop_id, s.code, o.channel_id, c.code, c.zone, o.external_id, o.status, o.currency,
                      o.customer_id, o.is_simulated, o.placed_at, coalesce(o.dispatched_at, o.paid_at, o.placed_at),
                      coalesce(o.delivered_at, o.completed_at), o.paid_minor, o.refunded_minor,
                      coalesce((SELECT outside_minor FROM orders_refundlimit WHERE order_id = o.id), 0)
               FROM orders_order o JOIN channels_shop s ON s.id = o.shop_id JOIN channels_channel c ON c.id = o.channel_id
               WHERE o.id = ANY(%s)""",  # noqa: E501
            [ids],
        )
    }
    for order_id, *row in fetch_all(
        """SELECT l.order_id, l.id, l.line_no, l.kind, l.sku_id, coalesce(k.code, ''), coalesce(g.code, ''),
                  coalesce(nullif(l.name, ''), k.name, l.charge_code), l.charge_code, l.qty, l.amount_minor,
                  l.unit_price, coalesce(t.taken, 0)
           FROM orders_orderline l LEFT JOIN catalog_sku k ON k.id = l.sku_id
           LEFT JOIN catalog_product p ON p.id = k.product_id LEFT JOIN catalog_category g ON g.id = p.category_id
           LEFT JOIN orders_unitstaken t ON t.order_line_id = l.id
           WHERE l.order_id = ANY(%s) ORDER BY l.order_id, l.line_no""",
        [ids],
    ):
        found[order_id].lines.append(LineRow(*row))
    for order_id, line_id, payer, code, amount in fetch_all(
        """SELECT order_id, line_id, payer, code, sum(amount_minor)::bigint FROM orders_discount
           WHERE order_id = ANY(%s) AND line_id IS NOT NULL GROUP BY 1, 2, 3, 4 ORDER BY 1, 2, 3, 4""",
        [ids],
    ):
        found[order_id].discounts[line_id].append(Share(payer, code, amount))
    for order_id, seq, method, amount in fetch_all(
        """SELECT order_id, seq, method, amount_minor FROM orders_payment
           WHERE order_id = ANY(%s) ORDER BY order_id, seq""",
        [ids],
    ):
        found[order_id].tenders.append(Tender(seq, method, policy.kind_of(method), amount))
    _load_given(found, ids)
    _load_booked(found, ids)
    return found


def _load_given(found: dict[int, OrderFacts], ids: list[int]) -> None:
    live = "r.order_id = ANY(%s) AND r.status <> 'failed'"
    for order_id, withheld, total in fetch_all(
        f"""SELECT r.order_id, sum(r.withheld_minor)::bigint, sum(r.total_minor)::bigint
            FROM orders_refund r WHERE {live} GROUP BY 1""",
        [ids],
    ):
        found[order_id].withheld_minor, found[order_id].ours_minor = withheld, total
    for order_id, line_id, qty, amount in fetch_all(
        f"""SELECT r.order_id, l.order_line_id, sum(l.qty)::bigint, sum(l.buyer_minor)::bigint
            FROM orders_refund r JOIN orders_refundline l ON l.refund_id = r.id WHERE {live} GROUP BY 1, 2""",
        [ids],
    ):
        found[order_id].units_given[line_id] = qty
        found[order_id].buyer_given[line_id] = amount
    for order_id, line_id, payer, code, amount in fetch_all(
        f"""SELECT r.order_id, l.order_line_id, s.payer, s.code, sum(s.amount_minor)::bigint
            FROM orders_refund r JOIN orders_refundline l ON l.refund_id = r.id
            JOIN orders_refundshare s ON s.line_id = l.id WHERE {live} GROUP BY 1, 2, 3, 4""",
        [ids],
    ):
        found[order_id].payers_given[line_id, payer, code] = amount
    for order_id, seq, amount in fetch_all(
        f"""SELECT r.order_id, t.seq, sum(t.amount_minor)::bigint
            FROM orders_refund r JOIN orders_refundtender t ON t.refund_id = r.id WHERE {live} GROUP BY 1, 2""",
        [ids],
    ):
        found[order_id].tenders_given[seq] = amount


def _load_booked(found: dict[int, OrderFacts], ids: list[int]) -> None:
    """Returns that the channel booked itself, which no case has to do with: their units fall on the lines of the
    SKU in the order of the lines."""
    for order_id, sku_id, all_units, all_minor in fetch_all(
        """SELECT d.order_id, l.sku_id, sum(CASE WHEN l.kind = 'goods' THEN l.qty ELSE 0 END)::bigint,
                  -sum(l.amount_minor)::bigint
           FROM orders_return d JOIN orders_returnline l ON l.return_doc_id = d.id
           WHERE d.order_id = ANY(%s) AND NOT EXISTS (SELECT FROM orders_returncase c WHERE c.return_doc_id = d.id)
           GROUP BY 1, 2 ORDER BY 1, 2""",
        [ids],
    ):
        facts = found[order_id]
        facts.booked_minor += all_minor
        if sku_id is None:
            continue
        units, amount = all_units, all_minor
        for line in facts.goods:
            if line.sku_id != sku_id or not units:
                continue
            now = min(units, line.qty - line.taken - line.by_channel)
            if now > 0:
                line.by_channel += now
                share = amount * now // units
                facts.buyer_given[line.id] = facts.buyer_given.get(line.id, 0) + share
                units, amount = units - now, amount - share


def sale_of(facts: OrderFacts) -> Sale:
    """What was paid for the order, shared out over its lines."""
    goods = facts.goods
    is_paid_for = any(line.amount_minor > 0 for line in goods)
    lines = [
        GoodsLine(
            line.id,
            line.qty,
            line.amount_minor,
            facts.discounts.get(line.id, ()),
            _gift_minor(line, facts.currency) if is_paid_for else 0,
        )
        for line in goods
    ]
    charges = [(line.id, line.charge_code, line.amount_minor) for line in facts.lines if line.kind == "charge"]
    return share_out(lines, charges, facts.tenders, facts.paid_minor)


def _gift_minor(line: LineRow, currency: str) -> int:
    """What a unit of a gift is worth: its unit price, where the channel gave one for a line that costs nothing."""
    if line.amount_minor or line.unit_price is None or line.unit_price <= 0:
        return 0
    return to_minor(line.unit_price, currency)


def given_of(facts: OrderFacts) -> Given:
    """What was given back before: by refunds of ours that live, and by the channel itself."""
    units = dict(facts.units_given)
    payers = dict(facts.payers_given)
    for line in facts.goods:
        if line.by_channel:
            units[line.id] = units.get(line.id, 0) + line.by_channel
            for share in facts.discounts.get(line.id, ()):
                key = (line.id, share.payer, share.code)
                payers[key] = payers.get(key, 0) + cumulated(share.amount_minor, line.qty, line.by_channel)
    return Given(
        units,
        facts.buyer_given,
        payers,
        facts.withheld_minor,
        facts.tenders_given,
        facts.ours_minor + facts.outside_minor,
    )


def case_facts(facts: OrderFacts, spec: CaseSpec) -> CaseFacts:
    """What the policy looks at. Raises KeyError for a line that is no goods line of the order."""
    rows = {line.line_no: line for line in facts.goods}
    lines = []
    for wanted in spec.lines:
        row = rows[wanted.line_no]
        taken = row.taken + row.by_channel
        lines.append(
            LineFacts(row.line_no, row.sku, row.category, row.qty, taken, wanted.qty, wanted.reason, wanted.is_opened)
        )
    return CaseFacts(
        spec.kind,
        facts.number,
        facts.status,
        facts.channel,
        "",
        facts.zone,
        facts.dispatched_at,
        facts.delivered_at,
        lines,
    )


def returns_of_buyers(customer_ids: Collection[int], days: int, now: datetime) -> dict[int, tuple[int, bool]]:
    """(cases within ``days``, whether the buyer is blacklisted) by customer id. One statement."""
    if not customer_ids:
        return {}
    rows: Sequence[tuple[Any, ...]] = fetch_all(
        """SELECT c, (SELECT count(*) FROM orders_returncase r WHERE r.customer_id = c AND r.requested_at > %s
                        AND r.status NOT IN ('refused', 'withdrawn')),
                  EXISTS (SELECT FROM customers_identifier i JOIN orders_blacklistentry b ON b.digest = i.digest
                          WHERE i.customer_id = c AND b.kind = 'buyer' AND b.removed_at IS NULL)
           FROM unnest(%s::bigint[]) AS c""",
        [now - timedelta(days=days), sorted(customer_ids)],
    )
    return {customer_id: (count, listed) for customer_id, count, listed in rows}
