"""Taking a way out of a stock-out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from tongpan.catalog.queries import codes_of_skus
from tongpan.core.bulk import fetch_all
from tongpan.core.errors import Refusal
from tongpan.core.races import run_in_transaction
from tongpan.fulfillment.actions.changing import lock_for_change
from tongpan.fulfillment.actions.route import route
from tongpan.fulfillment.stockout.engine import PREORDER, Option, Strategy
from tongpan.fulfillment.stockout.queries import ways_out_of_order
from tongpan.inventory.actions import create_transfers, request_urgently
from tongpan.inventory.engine.replenishing import UrgentDoc
from tongpan.inventory.engine.transfers import TransferDoc, Wanted
from tongpan.orders.actions.locking import bump, record
from tongpan.orders.actions.marking import add_note, add_tags
from tongpan.orders.actions.naming import choose_pickup, name_node
from tongpan.orders.actions.preorders import take_preorder


@dataclass(frozen=True, slots=True)
class Taken:
    """What was done. state: "done", or "unchanged" when it had been done before. transfer_id: of a transfer."""

    strategy: Strategy
    state: Literal["done", "unchanged"]
    transfer_id: int | None = None


def take_way_out(order_id: int, strategy: Strategy, *, actor: str, now: datetime) -> Taken:
    """Take one of the ways out that are open to an order (``stockout.engine.options``), and write it on the order.

    nearest_store: the store is named as the node of what the order still needs, and its goods are allocated there at
    once; an order of which nothing goes from elsewhere becomes a pickup at the store. transfer: a draft transfer of
    what the receiving node lacks; the order waits and is served when it arrives. reservation: the order keeps its
    place among those that wait, tagged as a pre-order, and counts against the cap of what may be ordered ahead, where
    there is one (Refusal preorder.full). urgent: an urgent replenishment of what the receiving node lacks, due within
    the hours of its rules.

    One transaction. Locks the order, then the pools of its goods. Raises Refusal("order.unknown"), the refusals of an
    order that cannot be changed any more, Refusal("stockout.settled") for one that needs nothing, or
    Refusal("stockout.closed") for a way that is not open (any more).
    """
    return run_in_transaction(lambda: _take(order_id, strategy, actor=actor, now=now))


def _take(order_id: int, strategy: Strategy, *, actor: str, now: datetime) -> Taken:
    locked, refused = lock_for_change([(order_id, None)])
    if order_id in refused:
        raise Refusal(refused[order_id].code, refused[order_id].reason)
    number = locked[order_id].number
    ways = ways_out_of_order(order_id)
    if not ways.needs:
        raise Refusal("stockout.settled", f"Order {number} needs no goods any more.")
    option = next((o for o in ways.options if o.strategy == strategy), None)
    if option is None or not option.is_open:
        why = option.why if option else "the channel does not use it"
        raise Refusal(
            "stockout.closed", f"The way {strategy} is not open to order {number} ({why}); look at its ways out again."
        )
    taken, note = _TAKERS[strategy](_Case(order_id, number, ways.needs, option), actor=actor, now=now)
    if taken.state == "done":
        add_note([order_id], note, actor=actor, now=now)
        bump([order_id])
        record([(order_id, "way_out", f'{{"strategy": "{strategy}"}}')], actor=actor)
    return taken


@dataclass(frozen=True, slots=True)
class _Case:
    """An order that this transaction holds, and the open way that it takes."""

    order_id: int
    number: str
    needs: Mapping[int, int]
    option: Option


def _collect(case: _Case, *, actor: str, now: datetime) -> tuple[Taken, str]:
    store = case.option.node
    if store is None:
        raise AssertionError("an open nearest_store has a store")
    waiting, goods = _unallocated_lines(case.order_id)
    name_node(waiting, store.code)
    if len(waiting) == goods:
        choose_pickup(case.order_id, store.code)
    if route([case.order_id], actor=actor, now=now).get(case.order_id) != "routed":
        raise Refusal(
            "stockout.closed",
            f"{store.name} has not all goods of order {case.number} any more; look at its ways out again.",
        )
    return Taken("nearest_store", "done"), f"Collection at {store.name} ({store.code})."


def _transfer(case: _Case, *, actor: str, now: datetime) -> tuple[Taken, str]:
    giver, to = case.option.node, case.option.to
    if giver is None or to is None:
        raise AssertionError("an open transfer has two nodes")
    codes = codes_of_skus(case.needs)
    lines = [
        Wanted(codes[sku_id], qty - to.free.get(sku_id, 0))
        for sku_id, qty in case.needs.items()
        if qty > to.free.get(sku_id, 0)
    ]
    doc = TransferDoc("stock-out", f"order-{case.order_id}-{giver.code}-{to.code}", giver.code, to.code, lines)
    [outcome] = create_transfers([doc], actor=actor, now=now)
    if outcome.state == "refused":
        raise Refusal(outcome.code, outcome.reason)
    state: Literal["done", "unchanged"] = "done" if outcome.state == "accepted" else "unchanged"
    note = f"Transfer {outcome.transfer_id} from {giver.name} to {to.name}."
    return Taken("transfer", state, outcome.transfer_id), note


def _wait(case: _Case, *, actor: str, now: datetime) -> tuple[Taken, str]:
    take_preorder(case.order_id, deposit_due_at=None, sku_ids=case.needs, actor=actor, now=now)
    [tagged] = add_tags([case.order_id], [PREORDER], actor=actor, now=now)
    expected = f", expected on {case.option.due:%Y-%m-%d}" if case.option.due else ""
    state: Literal["done", "unchanged"] = "unchanged" if tagged.state == "unchanged" else "done"
    return Taken("reservation", state), f"The buyer waits for the goods{expected}."


def _unallocated_lines(order_id: int) -> tuple[list[int], int]:
    """The goods lines of which no unit is allocated (a line that a node ships in part keeps its node), and how many
    goods lines the order has."""
    rows = fetch_all(
        """SELECT l.id, EXISTS (SELECT FROM fulfillment_fulfillmentline x
                                JOIN fulfillment_fulfillment f ON f.id = x.fulfillment_id
                                WHERE x.order_line_id = l.id AND f.status NOT IN ('cancelled', 'rejected'))
           FROM orders_orderline l WHERE l.order_id = %s AND l.kind = 'goods' AND l.qty > 0 ORDER BY l.line_no""",
        [order_id],
    )
    return [line_id for line_id, is_allocated in rows if not is_allocated], len(rows)


def _hurry(case: _Case, *, actor: str, now: datetime) -> tuple[Taken, str]:
    to = case.option.to
    if to is None:
        raise AssertionError("an open urgent replenishment has a node")
    codes = codes_of_skus(case.needs)
    reason = f"Order {case.number} waits for it."
    docs = [
        UrgentDoc("stock-out", f"order-{case.order_id}-{sku_id}", to.code, codes[sku_id], lacking, reason)
        for sku_id, qty in case.needs.items()
        if (lacking := qty - to.free.get(sku_id, 0)) > 0
    ]
    outcomes = request_urgently(docs, actor=actor, now=now)
    if refused := next((o for o in outcomes if o.state == "refused"), None):
        raise Refusal(refused.code, refused.reason)
    state: Literal["done", "unchanged"] = "done" if any(o.state == "accepted" for o in outcomes) else "unchanged"
    return Taken("urgent", state), f"Urgent replenishment of {to.name}."


_TAKERS = {"nearest_store": _collect, "transfer": _transfer, "reservation": _wait, "urgent": _hurry}
