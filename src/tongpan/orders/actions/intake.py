"""Intake of sales orders: many documents, one transaction, a constant number of statements."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from tongpan.catalog.actions import SkuSpec, ensure_skus, fullest
from tongpan.catalog.kits import parts_of
from tongpan.core.bulk import fetch_all, texts, whole_numbers
from tongpan.core.eventlog import NewEvent
from tongpan.core.races import run_in_transaction
from tongpan.customers.actions import Sighting, identify
from tongpan.inventory.actions import release
from tongpan.inventory.engine import Demand
from tongpan.inventory.locks import lock_pools
from tongpan.orders.actions.checks import is_named, refusal_of_order
from tongpan.orders.actions.facts import promise, reserve_orders
from tongpan.orders.actions.rows import Given, Moved, insert, record
from tongpan.orders.actions.shops import shops_by_code
from tongpan.orders.actions.updating import update
from tongpan.orders.channel_lines import KeptLine, LinesPlan, plan_lines, refusal_of_lines
from tongpan.orders.engine import BuyerDoc, OrderDoc, Outcome, OwnLines, StoredOrder, content_of, digest, precedence
from tongpan.orders.events import ACCEPTED, CHANGED

RACES = ("order_once",)
"""The constraints under which intake loses a race against another one."""


def accept(docs: Sequence[OrderDoc], *, actor: str, import_id: int | None = None, now: datetime) -> list[Outcome]:
    """Take sales orders in; the outcome of each, at the same position.

    A new order is stored with its lines, payments and events; when it is paid and not yet sent its goods are
    reserved from the pool, whole or not at all, and an order that the pool cannot serve waits on an
    out-of-stock hold; so are those of an order that is not paid, until its ``hold_until``. A copy of a stored
    order changes nothing, moves it forward, or is refused (``orders.engine.precedence``). A document that cannot
    be taken is refused on its own; the rest go in.

    One transaction. Locks the stored orders by id, then SKU codes, identifiers, new orders by (shop, number),
    then the pools by SKU id. A concurrent intake of the same order is waited for and then seen. Raises nothing
    for bad documents. The number of statements does not grow with the batch, but with the copies of one order in it.
    """
    return run_in_transaction(lambda: take_in(docs, actor=actor, import_id=import_id, now=now), constraints=RACES)


def take_in(docs: Sequence[OrderDoc], *, actor: str, import_id: int | None = None, now: datetime) -> list[Outcome]:
    """The same inside a transaction that the caller runs again when it loses one of the ``RACES``."""
    if not docs:
        return []
    shops = shops_by_code({doc.shop_code for doc in docs})
    outcomes: dict[int, Outcome] = {}
    rounds: list[dict[tuple[int, str], Given]] = []
    seen: Counter[tuple[int, str]] = Counter()
    for position, doc in enumerate(docs):
        refused = refusal_of_order(doc, shops, now)
        if refused:
            outcomes[position] = refused
            continue
        given = Given(position, doc, digest(doc), shops[doc.shop_code])
        key = (given.shop.id, doc.external_id)
        # A number that occurs twice in one batch is taken twice, in the order given.
        if seen[key] == len(rounds):
            rounds.append({})
        rounds[seen[key]][key] = given
        seen[key] += 1
    for one_round in rounds:
        outcomes |= _accept_round(one_round, actor=actor, import_id=import_id, now=now)
    return [outcomes[position] for position in range(len(docs))]


def _accept_round(
    given: dict[tuple[int, str], Given], *, actor: str, import_id: int | None, now: datetime
) -> dict[int, Outcome]:
    stored, kept = _stored(given)
    plans: dict[int, LinesPlan] = {}
    outcomes: dict[int, Outcome] = {}
    fresh: list[Given] = []
    changed: list[tuple[Given, StoredOrder]] = []
    for key in sorted(given):
        g = given[key]
        if key not in stored:
            fresh.append(g)
            continue
        old = stored[key]
        relation = precedence(g.doc, g.digest, old)
        if relation in ("unchanged", "stale"):
            outcomes[g.position] = Outcome("unchanged" if relation == "unchanged" else "stale", old.id)
        elif relation == "conflict":
            outcomes[g.position] = Outcome(
                "refused",
                old.id,
                f"Order {g.doc.external_id} is stored with other lines, and this copy does not say that it is "
                "newer; send the complete order with its time of last change.",
                "order.conflict",
            )
        else:
            plans[old.id] = plan_lines(kept.get(old.id, ()), g.doc.lines)
            problem = _problem_of_lines(g.doc, old, plans[old.id])
            if problem:
                outcomes[g.position] = Outcome("refused", old.id, problem[1], problem[0])
            else:
                changed.append((g, old))
    taken = [*fresh, *(g for g, _ in changed)]
    if taken:
        sku_ids = ensure_skus(_sku_specs(taken))
        customers = _customers(taken)
        moved = insert(fresh, sku_ids, customers, import_id) + update(changed, sku_ids, customers, plans)
        fewer = {old.id: _given_up(plans[old.id]) for _, old in changed if plans[old.id].gives_back}
        record(moved, [_event(m, fewer) for m in moved], actor=actor)
        _settle(moved, sku_ids, fewer, actor=actor, now=now)
        outcomes |= {m.given.position: Outcome("accepted" if m.is_new else "updated", m.order_id) for m in moved}
    return outcomes


def _problem_of_lines(doc: OrderDoc, old: StoredOrder, plan: LinesPlan) -> tuple[str, str] | None:
    if old.own is None:
        has_goods = any(line.kind == "goods" for line in doc.lines)
        return refusal_of_lines(plan, old.status, doc.external_id, has_goods=has_goods, has_all_lines=doc.has_all_lines)
    if _only_adds_lines(doc, old):
        return None
    return "order.lines_taken_away", (
        f"Order {doc.external_id} is newer than the stored one and changes or lacks lines, and its lines were changed "
        "here too: compare both, and edit the order."
    )


def _given_up(plan: LinesPlan) -> set[int]:
    """The SKUs of which an order wants fewer units."""
    return {c.line.sku_id for c in plan.changed if c.line.sku_id is not None and c.qty < c.line.qty}


def _settle(
    moved: Sequence[Moved],
    sku_ids: Mapping[str, int],
    fewer: Mapping[int, Collection[int]],
    *,
    actor: str,
    now: datetime,
) -> None:
    """Give back what cancelled orders hold; promise the goods of paid orders that are still here.

    Those of a new order that is not paid are promised too, until its ``hold_until``. fewer: SKU ids of which an order
    wants fewer units now, by order id: what it holds is given back and promised anew.
    """
    cancelled = [m.order_id for m in moved if m.status == "cancelled" and not m.is_new]
    cancelled += sorted(set(fewer) - set(cancelled))
    until = {m.order_id: at for m in moved if m.is_new and m.status == "placed" and (at := m.given.doc.hold_until)}
    until = {order_id: at for order_id, at in until.items() if at > now}
    wanted = [m for m in moved if m.status == "paid" or m.order_id in until]
    if cancelled and wanted:
        # Both lock pools: all at once, so that they are locked in one order.
        lock_pools(_needed({*sku_ids.values(), *(sku_id for given_up in fewer.values() for sku_id in given_up)}))
    release(cancelled, actor=actor, now=now, reason="the order was changed" if fewer else "the order was cancelled")
    if all(m.is_new for m in wanted):
        promise(_demands(wanted, sku_ids), actor=actor, now=now, expires_at=until)
    else:
        reserve_orders([m.order_id for m in wanted], actor=actor, now=now, expires_at=until)


def _needed(sku_ids: Collection[int]) -> set[int]:
    """SKUs and the parts of those that are kits."""
    return {*sku_ids, *(part_id for parts in parts_of(sku_ids).values() for part_id, _ in parts)}


def _demands(new: Sequence[Moved], sku_ids: Mapping[str, int]) -> list[Demand]:
    """What new orders need of the stock, those placed first first; a kit needs its parts."""
    kits = parts_of(sku_ids.values()) if new else {}
    demands: list[Demand] = []
    for m in sorted(new, key=lambda m: (m.given.doc.placed_at, m.order_id)):
        channel_id = m.given.shop.channel_id
        for line, line_id in zip(m.given.doc.lines, m.line_ids or (), strict=True):
            if line.kind == "goods":
                sku_id = sku_ids[line.code]
                for part_id, units in kits.get(sku_id, ((sku_id, 1),)):
                    qty, is_named = line.qty * units, bool(line.wanted_node)
                    demands.append(Demand(m.order_id, line_id, part_id, qty, channel_id, is_named))
    return demands


def _event(m: Moved, fewer: Collection[int]) -> NewEvent:
    needs_goods = m.status in ("paid", "dispatched", "delivered", "completed") and m.given.doc.units > 0
    payload = {"day": m.day.isoformat(), "route": needs_goods or m.status == "cancelled"}
    if m.order_id in fewer:
        payload |= {"route": True, "anew": True}
    return NewEvent(ACCEPTED if m.is_new else CHANGED, str(m.order_id), payload)


def _stored(
    given: dict[tuple[int, str], Given],
) -> tuple[dict[tuple[int, str], StoredOrder], dict[int, list[KeptLine]]]:
    """The stored orders among ``given``, which are locked, and the lines of those that differ, by order id."""
    keys = sorted(given)
    rows = fetch_all(
        """SELECT o.shop_id, o.external_id, o.id, o.version, o.digest, o.status, o.superseded, o.business_date
           FROM orders_order o JOIN unnest(%s::bigint[], %s::text[]) AS k(shop_id, external_id)
                ON (o.shop_id, o.external_id) = (k.shop_id, k.external_id)
           ORDER BY o.id FOR NO KEY UPDATE OF o""",
        [whole_numbers(shop_id for shop_id, _ in keys), texts(number for _, number in keys)],
    )
    differing = [row[2] for row in rows if bytes(row[4]) != given[(row[0], row[1])].digest]
    lines, contents, own = _lines_of(differing)
    last = {order_id: max(line.line_no for line in kept) for order_id, kept in lines.items()}
    return {
        (shop_id, number): StoredOrder(
            order_id,
            version,
            bytes(old),
            status,
            contents.get(order_id, []),
            bytes(had),
            day,
            own.get(order_id),
            last.get(order_id, 0),
        )
        for shop_id, number, order_id, version, old, status, had, day in rows
    }, lines


def _lines_of(
    order_ids: Sequence[int],
) -> tuple[dict[int, list[KeptLine]], dict[int, list[tuple[str, str, int, int]]], dict[int, OwnLines]]:
    """The lines of orders, the content of each as the channel knows it, and the sums of lines that people changed.

    A line that was taken out is none that the channel knows.
    """
    lines: dict[int, list[KeptLine]] = {}
    contents: dict[int, list[tuple[str, str, int, int]]] = {}
    own: dict[int, OwnLines] = {}
    if not order_ids:
        return lines, contents, own
    for order_id, is_local, *line in fetch_all(
        """SELECT l.order_id, 'lines' = ANY(o.local_fields), l.id, l.line_no, l.line_key, l.kind,
                  coalesce(s.code, l.charge_code), l.sku_id, l.qty, l.amount_minor,
                  EXISTS (SELECT FROM inventory_reservation r WHERE r.order_line_id = l.id AND r.state = 'shipped')
           FROM orders_order o JOIN orders_orderline l ON l.order_id = o.id
           LEFT JOIN catalog_sku s ON s.id = l.sku_id WHERE o.id = ANY(%s)
           UNION ALL
           SELECT order_id, false, 0, 0, '', kind, code, NULL, qty, amount_minor, false FROM orders_channelline
           WHERE order_id = ANY(%s)""",
        [list(order_ids), list(order_ids)],
    ):
        kept = KeptLine(*line)
        if kept.id:
            lines.setdefault(order_id, []).append(kept)
        if is_local:
            goods, charges, units, last = own.get(order_id, OwnLines(0, 0, 0, 0))
            is_goods = kept.kind == "goods"
            own[order_id] = OwnLines(
                goods + kept.amount_minor * is_goods,
                charges + kept.amount_minor * (not is_goods),
                units + kept.qty * is_goods,
                max(last, kept.line_no),
            )
        elif kept.qty or kept.amount_minor:
            contents.setdefault(order_id, []).append((kept.kind, kept.code, kept.qty, kept.amount_minor))
    for kept_lines in lines.values():
        kept_lines.sort(key=lambda line: line.line_no)
    return lines, contents, own


def _only_adds_lines(doc: OrderDoc, old: StoredOrder) -> bool:
    return not Counter(old.line_contents) - Counter(content_of(doc.lines))


def _sku_specs(given: Sequence[Given]) -> dict[str, SkuSpec]:
    return fullest(
        (line.code, SkuSpec(line.name, line.product_code, line.product_name, line.category))
        for g in given
        for line in g.doc.lines
        if line.kind == "goods"
    )


def _customers(given: Sequence[Given]) -> dict[int, int]:
    """Customer ids by position, for documents that name their buyer."""
    known: list[tuple[Given, BuyerDoc]] = [(g, g.doc.buyer) for g in given if is_named(g.doc.buyer)]
    ids = identify([Sighting(b.kind, b.scope, b.value, g.doc.placed_at, b.name, b.province, b.city) for g, b in known])
    return {g.position: customer_id for (g, _), customer_id in zip(known, ids, strict=True)}
