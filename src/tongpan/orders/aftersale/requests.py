"""What requests are judged by, and the judgement: read for many at once; nothing is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from tongpan.core.bulk import fetch_all
from tongpan.core.money import to_decimal
from tongpan.orders.actions.locking import lock_orders
from tongpan.orders.aftersale.engine.deciding import (
    Answer,
    Standing,
    decide,
    refusal_of_auto_approval,
    refusal_of_instant,
)
from tongpan.orders.aftersale.engine.policy import Policy
from tongpan.orders.aftersale.facts import OrderFacts, case_facts, load, returns_of_buyers
from tongpan.orders.aftersale.planning import Planned, goodwill_of, refused, shape_problem, shares_of, terms_of
from tongpan.orders.aftersale.policies import current_policy
from tongpan.orders.aftersale.specs import CaseSpec

TAKES_RETURNS = """('return' = ANY(n.facilities) OR n.kind IN ('central', 'sub_warehouse')
                    OR EXISTS (SELECT FROM network_service s WHERE s.node_id = n.id AND s.takes_returns))"""


class Node(NamedTuple):
    id: int
    name: str
    is_active: bool
    takes_returns: bool


@dataclass(slots=True)
class Context:
    """What all requests of one batch are judged by. buyers: (returns lately, is blacklisted) by customer id."""

    version: int
    policy: Policy
    order_ids: list[int | None]
    facts: dict[int, OrderFacts]
    nodes: dict[str, Node]
    shop_nodes: dict[int, int]
    buyers: dict[int, tuple[int, bool]]
    skus: dict[str, int]

    def count(self, spec: CaseSpec, planned: Planned) -> None:
        """Let the next request of the batch see that this one was taken."""
        facts = planned.order
        if spec.amount_minor is None:
            for wanted in spec.lines:
                facts.goods_line(wanted.line_no).taken += wanted.qty
        if facts.customer_id:
            count, is_listed = self.buyers.get(facts.customer_id, (0, False))
            self.buyers[facts.customer_id] = (count + 1, is_listed)

    def node_id(self, facts: OrderFacts, spec: CaseSpec) -> int | None:
        """Where the goods of a request that is allowed come back to; None when none do."""
        if spec.way == "none":
            return None
        return self.nodes[spec.node_code].id if spec.node_code else self.shop_nodes[facts.shop_id]


def quote(specs: Sequence[CaseSpec], *, now: datetime) -> list[Planned]:
    """What each request would come to, and why; nothing is written or locked."""
    context = load_context(specs, now, is_locking=False)
    return [plan(context, position, spec, now) for position, spec in enumerate(specs)]


def load_context(specs: Sequence[CaseSpec], now: datetime, *, is_locking: bool) -> Context:
    """Everything for ``specs``, in as many statements however many they are.

    is_locking: lock their orders in ascending order of id first.
    """
    version, policy = current_policy()
    order_ids = _order_ids(specs)
    known = sorted({i for i in order_ids if i is not None})
    if is_locking:
        lock_orders(known)
    facts = load(known, policy)
    codes = sorted({_clean(spec.node_code) for spec in specs if spec.node_code})
    skus = sorted({_clean(line.wanted_sku) for spec in specs for line in spec.lines if line.wanted_sku})
    return Context(
        version,
        policy,
        order_ids,
        facts,
        {
            code: Node(*row)
            for code, *row in fetch_all(
                f"SELECT n.code, n.id, n.name, n.is_active, {TAKES_RETURNS} FROM network_node n WHERE n.code = ANY(%s)",
                [codes],
            )
        },
        dict(
            fetch_all(
                "SELECT shop_id, node_id FROM network_service WHERE takes_returns AND shop_id = ANY(%s)",
                [sorted({f.shop_id for f in facts.values()})],
            )
        ),
        returns_of_buyers({f.customer_id for f in facts.values() if f.customer_id}, policy.instant.within_days, now),
        dict(fetch_all("SELECT code, id FROM catalog_sku WHERE code = ANY(%s) AND is_active", [skus])),
    )


def _clean(text: str) -> str:
    return text.replace("\x00", "")


def _order_ids(specs: Sequence[CaseSpec]) -> list[int | None]:
    """The id of the order that each request names; None for one that does not exist in the shop it names."""
    by_id = sorted({spec.order_id for spec in specs if spec.order_id is not None})
    pairs = sorted({(_clean(s.shop_code), _clean(s.order_number)) for s in specs if s.order_id is None})
    rows = fetch_all(
        """SELECT o.id, s.code, o.external_id FROM orders_order o JOIN channels_shop s ON s.id = o.shop_id
           WHERE o.id = ANY(%s)
           UNION SELECT o.id, s.code, o.external_id
           FROM unnest(%s::text[], %s::text[]) AS k(shop, number) JOIN channels_shop s ON s.code = k.shop
           JOIN orders_order o ON (o.shop_id, o.external_id) = (s.id, k.number)""",
        [by_id, [shop for shop, _ in pairs], [number for _, number in pairs]],
    )
    named = {order_id: (shop, number) for order_id, shop, number in rows}
    ids = {key: order_id for order_id, key in named.items()}
    return [
        (spec.order_id if spec.order_id in named else None)
        if spec.order_id is not None
        else ids.get((spec.shop_code, spec.order_number))
        for spec in specs
    ]


def plan(context: Context, position: int, spec: CaseSpec, now: datetime) -> Planned:
    """What the request at ``position`` comes to: the answer of the policy, and the refund."""
    order_id = context.order_ids[position]
    problem = shape_problem(spec)
    if problem or order_id is None:
        return Planned(problem or _unknown(spec))
    facts = context.facts[order_id]
    problem = _order_problem(facts, spec)
    if problem:
        return Planned(problem, facts=facts)
    answer = decide(context.policy, case_facts(facts, spec), now)
    problem = _goods_problem(context, facts, spec) if answer.is_allowed else answer
    if problem:
        return Planned(problem, facts=facts)
    refund = None
    if spec.kind != "claim":
        terms = terms_of(context.policy, answer, facts, spec.way, spec.kind)
        units = {line.line_no: line.qty for line in spec.lines}
        if spec.amount_minor is None:
            refund = shares_of(facts, units, terms)
        else:
            found = goodwill_of(facts, units, spec.amount_minor, terms)
            if isinstance(found, str):
                return Planned(refused("refund.amount", found), facts=facts)
            refund = found
        problem = _difference_problem(facts, spec, refund.total_minor)
        if problem:
            return Planned(problem, facts=facts)
    total = refund.total_minor if refund else 0
    count, is_listed = context.buyers.get(facts.customer_id or 0, (0, False))
    standing = Standing(total, facts.currency, count + 1, is_listed, "store" if spec.way == "store" else "carrier")
    return Planned(
        answer,
        refund,
        refusal_of_instant(context.policy, standing) if spec.kind == "return" else "Only a return is refunded at once.",
        refusal_of_auto_approval(context.policy, spec.kind, total, facts.currency),
        facts,
    )


def _unknown(spec: CaseSpec) -> Answer:
    if spec.order_id is not None:
        return refused("order.unknown", f"There is no order {spec.order_id}.")
    return refused(
        "order.unknown", f"Shop {spec.shop_code!r} has no order {spec.order_number!r}; look at its receipt again."
    )


def _order_problem(facts: OrderFacts, spec: CaseSpec) -> Answer | None:
    if (spec.shop_code and spec.shop_code != facts.shop) or (spec.order_number and spec.order_number != facts.number):
        return refused(
            "order.other_shop",
            f"This is order {facts.number} of shop {facts.shop}, not order {spec.order_number or facts.number} "
            f"of shop {spec.shop_code or facts.shop}.",
        )
    if spec.is_simulated is not None and spec.is_simulated != facts.is_simulated:
        what = "simulated" if facts.is_simulated else "real"
        return refused("return.simulated", f"Order {facts.number} is {what}; what comes back of it must be, too.")
    if spec.currency and spec.currency != facts.currency:
        return refused("return.currency", f"Order {facts.number} is in {facts.currency}, not in {spec.currency}.")
    known = {line.line_no for line in facts.goods}
    for line in spec.lines:
        if line.line_no not in known:
            return refused("return.line", f"Order {facts.number} has no goods in line {line.line_no}.")
    return None


def _goods_problem(context: Context, facts: OrderFacts, spec: CaseSpec) -> Answer | None:
    if spec.node_code:
        node = context.nodes.get(spec.node_code)
        if node is None or not node.is_active:
            return refused("return.node", f"There is no active node {spec.node_code!r}.")
        if not node.takes_returns:
            return refused("return.node", f"{node.name} does not take returns; choose a return point.")
    elif spec.way == "store":
        return refused("return.node", "Name the store where the goods are handed in.")
    elif spec.way in {"mail", "pickup"} and facts.shop_id not in context.shop_nodes:
        return refused("return.node", f"Shop {facts.shop} has no node that takes its returns; name one.")
    for line in spec.lines:
        if line.wanted_sku and line.wanted_sku not in context.skus:
            return refused("exchange.goods", f"There is no SKU {line.wanted_sku!r} on sale.")
    return None


def _difference_problem(facts: OrderFacts, spec: CaseSpec, credit: int) -> Answer | None:
    if spec.kind != "exchange":
        return None
    if any((line.wanted_minor is None) != (spec.lines[0].wanted_minor is None) for line in spec.lines):
        return refused("exchange.amount", "Give an amount for all goods that are sent instead, or for none.")
    price = sum(line.wanted_minor or 0 for line in spec.lines)
    if price > credit and not spec.paid_with.strip():
        more = f"{to_decimal(price - credit, facts.currency)} {facts.currency}"
        return refused("exchange.difference", f"What is sent instead costs {more} more; say how the buyer pays it.")
    return None
