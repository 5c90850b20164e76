"""What the policies of a batch ask about its orders and nodes, read at once; only what one of them asks is read."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from tongpan.core.bulk import fetch_all
from tongpan.fulfillment.actions.snapshot import Job
from tongpan.fulfillment.routing.basics import NodeView, Stock
from tongpan.fulfillment.routing.capacity import counting_from
from tongpan.fulfillment.routing.choosing import Policies
from tongpan.fulfillment.routing.facts import NodeFacts, OrderFacts, Snapshot
from tongpan.fulfillment.routing.policy import METHODS, Policy
from tongpan.inventory.ages import oldest_units
from tongpan.inventory.queries import routing_floors, safety_stocks
from tongpan.network.dealers import services_owed
from tongpan.network.engine import NodeFacts as NetworkFacts
from tongpan.network.engine import groups_of
from tongpan.network.geography import locate
from tongpan.network.queries import hours_of, node_facts

_MUNICIPALITIES = ("11", "12", "31", "50")


def load_snapshot(
    policies: Policies,
    stock: Stock,
    sku_ids: Collection[int],
    nodes: Mapping[int, NodeView],
    *,
    now: datetime,
    methods: Collection[str] = METHODS,
) -> Snapshot:
    """The snapshot that a batch is planned on. Locks the nodes with an order limit, in ascending order of id.

    methods: how the orders of the batch reach their buyers. The caller holds the pools, and so reads what is committed.
    """
    known = node_facts(list(nodes))
    tracking = [node.id for node in nodes.values() if node.tracks_stock]
    asked = policies.all
    rules = [rule for policy in asked for rule in policy.rules_for(methods)]
    owed = services_owed(now) if any(rule.nodes.service for rule in rules) else {}
    snapshot = Snapshot(stock, routing_floors(sku_ids, tracking), facts=facts_for_routing(known, owed))
    if any(policy.asks_for("store_minimum") for policy in asked):
        snapshot.minimums = safety_stocks(sku_ids, tracking)
    if any(policy.asks_for("stock_age") for policy in asked) or any(r.nodes.min_stock_age is not None for r in rules):
        snapshot.ages = oldest_units(sku_ids, tracking, now=now)
    counted = [i for i, one in known.items() if one.rules.order_limit is not None]
    if any(policy.asks_for("load") for policy in asked):
        counted = list(known)
    asks_hours = any(rule.nodes.open == "now" for rule in rules)
    if counted or asks_hours:
        hours = hours_of(list(known) if asks_hours else counted)
        if asks_hours:
            snapshot.closed = {i: one.next_open(now) for i, one in hours.items() if not one.is_open(now)}
        starts = {i: counting_from(now, hours[i], known[i].rules.cut_off) for i in counted}
        snapshot.given = _given(starts) if starts else {}
    return snapshot


def facts_for_routing(
    known: Mapping[int, NetworkFacts], owed: Mapping[int, Collection[str]] | None = None
) -> dict[int, NodeFacts]:
    """What routing asks about nodes, by id. owed: services by node id (``network.dealers.services_owed``)."""
    services = owed or {}
    return {
        i: NodeFacts(
            groups_of(one.kind, one.rules.groups),
            one.rules.order_limit,
            one.rules.base_cost_minor,
            one.rules.cost_per_km_minor,
            one.rules.cost_currency,
            one.rules.priority,
            one.rules.territory,
            one.rules.facilities,
            one.rules.in_pool,
            services.get(i, ()),
        )
        for i, one in known.items()
    }


def _given(starts: Mapping[int, datetime]) -> dict[int, int]:
    """Orders that nodes were given since an instant of their own and still have. Locks the nodes: two batches would
    else both give the last place of a day away."""
    node_ids = sorted(starts)
    fetch_all("SELECT id FROM network_node WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE", [node_ids])
    rows = fetch_all(
        """SELECT f.node_id, count(DISTINCT f.order_id)
           FROM fulfillment_fulfillment f JOIN unnest(%s::bigint[], %s::timestamptz[]) AS w(node_id, since)
                ON w.node_id = f.node_id AND f.allocated_at >= w.since
           WHERE f.status NOT IN ('cancelled', 'rejected') GROUP BY 1""",
        [node_ids, [starts[i] for i in node_ids]],
    )
    return dict(rows)


def load_orders(
    jobs: Sequence[Job], policies: Policies, last: Mapping[int, tuple[int, str, str, datetime]], *, now: datetime
) -> dict[int, OrderFacts]:
    """What the policies ask about the orders of ``jobs``, by order id. last: the newest decisions."""
    ids = [job.order_id for job in jobs]
    facts = past_facts(jobs, policies.all)
    rejected = rejections(ids)
    for job in jobs:
        awaits, waited = _awaited(policies, job, last.get(job.order_id), now)
        if awaits or job.order_id in rejected:
            facts[job.order_id] = replace(
                facts[job.order_id], rejected=rejected.get(job.order_id, {}), awaits=awaits, waited=waited
            )
    return facts


def past_facts(jobs: Sequence[Job], policies: Sequence[Policy]) -> dict[int, OrderFacts]:
    """What ``policies`` ask about orders whoever refused them, by order id; tags and categories only where asked."""
    conditions = [one for policy in policies for one in policy.conditions]
    tags = _tags([job.order_id for job in jobs]) if any(one.tags for one in conditions) else {}
    categories = _categories(jobs) if any(one.categories for one in conditions) else {}
    return {
        job.order_id: OrderFacts(
            job.order_id,
            job.place,
            job.method,
            job.channel,
            job.shop,
            tags.get(job.order_id, ()),
            job.province,
            job.city,
            is_vague(job.place, job.province, job.city),
            sorted({code for need in job.needs for code in categories.get(need.sku_id, ())}) if categories else (),
            job.value,
            job.pickup_node,
            job.placed_at,
            job.promised_at,
        )
        for job in jobs
    }


def is_vague(place: tuple[float, float] | None, province: str, city: str) -> bool:
    """True when an order is placed nowhere, or at its province because its city is not known."""
    if place is None:
        return True
    if city and locate(province, city):
        return False
    found = locate(province, "") if province else None
    return bool(found and (found.latitude, found.longitude) == place and not found.code.startswith(_MUNICIPALITIES))


def _awaited(
    policies: Policies, job: Job, last: tuple[int, str, str, datetime] | None, now: datetime
) -> tuple[str, bool]:
    """The transfer rule that gathers goods for the order by its newest decision, and whether it took too long."""
    if last is None or last[1] != "unfillable":
        return "", False
    for rule in policies.of(job.channel_id, job.shop_id).rules:
        if rule.transfer and rule.name == last[2]:
            return rule.name, now >= last[3] + timedelta(days=rule.transfer.max_wait_days)
    return "", False


def _tags(order_ids: Sequence[int]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = {}
    for order_id, tag in fetch_all(
        "SELECT order_id, tag FROM orders_ordertag WHERE order_id = ANY(%s) ORDER BY 1, 2", [list(order_ids)]
    ):
        found.setdefault(order_id, []).append(tag)
    return found


def _categories(jobs: Sequence[Job]) -> dict[int, list[str]]:
    """The codes of the categories of SKUs, and of those above them, by SKU id."""
    rows = fetch_all(
        """WITH RECURSIVE up(sku_id, id) AS (
             SELECT s.id, p.category_id FROM catalog_sku s JOIN catalog_product p ON p.id = s.product_id
             WHERE s.id = ANY(%s) AND p.category_id IS NOT NULL
             UNION SELECT u.sku_id, c.parent_id FROM up u JOIN catalog_category c ON c.id = u.id
             WHERE c.parent_id IS NOT NULL)
           SELECT u.sku_id, c.code FROM up u JOIN catalog_category c ON c.id = u.id""",
        [sorted({need.sku_id for job in jobs for need in job.needs})],
    )
    found: dict[int, list[str]] = {}
    for sku_id, code in rows:
        found.setdefault(sku_id, []).append(code)
    return found


def rejections(order_ids: Sequence[int]) -> dict[int, dict[int, str]]:
    """The nodes that refused each order, or were named with a re-routing, and why."""
    found: dict[int, dict[int, str]] = {}
    for order_id, node_id, reason in fetch_all(
        """SELECT order_id, node_id, reason FROM fulfillment_noderejection WHERE order_id = ANY(%s)
           UNION ALL
           SELECT order_id, node_id, reject_reason FROM fulfillment_fulfillment
           WHERE order_id = ANY(%s) AND status = 'rejected'""",
        [list(order_ids), list(order_ids)],
    ):
        found.setdefault(order_id, {})[node_id] = reason
    return found
